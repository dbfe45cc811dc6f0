import numpy as np
import polars as pl
import pytest

from livedeath.errors import TableError
from livedeath.model.events import Events
from livedeath.model.study import Study
from livedeath.statistics.study import dated, ended, origin_hours, read_calls, standing
from livedeath.statistics.table import from_frame
from made_study import KILL_H, make_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("made") / "a study", images=False)


def called(folder):
    return read_calls(folder, folder.run())


def log(what, at_h, wells, **more):
    entry = {"kind": "log", "what": what, "vessel": "plate1", "wells": list(wells), "at_h": at_h}
    return entry | more


def test_the_kill_is_not_death_under_watch(folder):
    table = called(folder).table
    calls = folder.run().calls()
    natural = (calls["death_h"] < KILL_H - 0.5).fill_null(value=False).sum()
    assert (calls["outcome"] == "dead").sum() > natural + 10
    assert abs(int(table.event.sum()) - natural) <= 2
    assert table.exit_h.max() <= KILL_H


def test_the_joined_calls_say_what_the_table_says(folder):
    found = called(folder)
    joined = found.joined
    assert (joined["outcome"] == "dead").sum() == found.table.event.sum()
    assert set(joined["ended_by"]) == {"kill"}
    assert joined["ended_h"].max() < KILL_H
    killed = joined.filter(pl.col("neuron_id").is_in(_killed(folder)))
    assert killed["outcome"].unique().to_list() == ["alive"]
    assert killed["first_dead_h"].null_count() == killed.height
    assert killed["p_alive"].min() == 1.0


def _killed(folder):
    calls = folder.run().calls()
    return calls.filter(pl.col("death_h") > KILL_H)["neuron_id"].to_list()


def test_without_a_kill_every_death_counts(tmp_path):
    folder = make_study(tmp_path / "s", images=False, kill=False)
    found = called(folder)
    assert found.table.event.sum() == (folder.run().calls()["outcome"] == "dead").sum()
    assert found.joined["ended_h"].null_count() == found.joined.height


def test_arms_units_and_doses_come_from_the_declaration(folder):
    found = called(folder)
    assert set(found.table.groups) == {"vehicle", "glutamate 50 uM", "glutamate + rescue"}
    assert found.table.units_of("vehicle") == ("B2", "B3")
    assert found.table.block is None
    doses = dict(found.joined.select("arm", "dose").unique().iter_rows())
    assert doses == {"vehicle": None, "glutamate 50 uM": 50.0, "glutamate + rescue": None}
    assert set(found.joined["dose_unit"].drop_nulls()) == {"uM"}


def test_an_unknown_unit_is_refused_and_the_known_ones_are_named(folder):
    with pytest.raises(TableError, match="knows no unit 'litter'; it can be well, vessel"):
        called(folder).survival(unit="litter")


def test_a_channel_is_a_covariate_by_its_first_value(folder):
    table = called(folder).survival(covariates=["RFP"])
    assert np.isfinite(table.covariates["RFP"]).all()


def test_a_logged_exclusion_ends_a_well_and_the_log_counts_more(tmp_path):
    folder = make_study(tmp_path / "s", images=False)
    folder.journal.append(log("exclude", 2.0, ["C2"], why="fungus"))
    folder.journal.append(log("kill", 8.0, ["D2"]))
    table = called(folder).table
    assert table.exit_h[table.unit == "C2"].max() < 2.0
    assert table.exit_h[table.unit == "D2"].max() < 8.0
    assert table.exit_h[table.unit == "C3"].max() > 8.0


def test_a_retracted_exclusion_changes_nothing(tmp_path):
    folder = make_study(tmp_path / "s", images=False)
    before = called(folder).joined
    folder.journal.append(log("exclude", 2.0, ["C2"], why="fungus", id="x1"))
    assert not called(folder).joined.equals(before)
    folder.journal.append({"kind": "log", "what": "retract", "voids": "x1", "why": "not C2"})
    assert called(folder).joined.equals(before)


def test_neurons_of_a_well_excluded_from_the_start_are_counted_apart(tmp_path):
    folder = make_study(tmp_path / "s", images=False)
    folder.journal.append(log("exclude", 0.0, ["C2"], why="never seeded"))
    found = called(folder)
    calls = folder.run().calls()
    assert set(found.after_end["well"]) == {"C2"}
    assert set(found.after_end["ended_by"]) == {"exclusion"}
    assert found.joined.height + found.after_end.height == calls.height


CALLS = pl.DataFrame(
    {
        "neuron_id": [1, 2, 3, 4, 5],
        "outcome": ["dead", "dead", "lost", "lost", "alive"],
        "loss_reason": ["", "", "unseen", "unseen", ""],
        "entry_h": [0.0] * 5,
        "last_alive_h": [2.0, 5.0, 3.0, 6.0, 9.0],
        "first_dead_h": [3.0, 6.0, None, None, None],
        "death_h": [2.5, 5.5, None, None, None],
        "death_low_h": [2.1, 5.1, None, None, None],
        "death_high_h": [2.9, 5.9, None, None, None],
        "called_at_h": [3.0, 7.0, None, None, None],
        "revoked_at_h": pl.Series([None] * 5, dtype=pl.Float64),
        "p_alive": [0.0, 0.0, 0.5, 0.5, 1.0],
        "p_dead": [1.0, 1.0, 0.2, 0.2, 0.0],
        "p_lost": [0.0, 0.0, 0.3, 0.3, 0.0],
    }
)


def cut_at(last_h, end_h, by="exclusion"):
    return ended(CALLS, np.full(5, last_h), np.full(5, end_h), [by] * 5)


def test_the_end_keeps_earlier_deaths_and_losses_and_cancels_later_ones():
    found = cut_at(4.0, 4.5)
    assert found["outcome"].to_list() == ["dead", "alive", "lost", "alive", "alive"]
    assert found["last_alive_h"].to_list() == [2.0, 4.0, 3.0, 4.0, 4.0]
    assert found["loss_reason"].to_list() == ["", "", "unseen", "", ""]
    assert found["first_dead_h"].to_list() == [3.0, None, None, None, None]
    assert found["p_dead"].to_list() == [1.0, 0.0, 0.2, 0.0, 0.0]
    assert found["ended_h"].to_list() == [4.0] * 5


def test_a_neuron_lost_early_stays_lost_when_its_well_is_excluded_late():
    assert cut_at(99.0, 100.0)["outcome"][2] == "lost"


def test_without_an_end_nothing_is_cut():
    found = ended(CALLS, np.full(5, np.inf), np.full(5, np.inf), [""] * 5)
    assert found.drop("ended_h", "ended_by").equals(CALLS)


def taken_back(*, called_h, revoked_h, **changes):
    """Return the calls with the last, living neuron called once."""
    last = pl.col("neuron_id") == 5
    said = {"called_at_h": called_h, "revoked_at_h": revoked_h, **changes}
    return CALLS.with_columns(
        pl.when(last).then(pl.lit(value, pl.Float64)).otherwise(name).alias(name)
        for name, value in said.items()
    )


def test_a_call_taken_back_leaves_the_neuron_at_risk_to_the_end():
    calls = taken_back(called_h=2.0, revoked_h=6.0)
    table = from_frame(calls.with_columns(arm=pl.lit("a"), unit=pl.lit("u")), "arm", unit="unit")
    assert (table.exit_h[4], table.event[4], table.at_risk[4]) == (9.0, False, True)
    assert table.event[:2].all()


def test_a_call_taken_back_before_an_exclusion_stays_so_and_one_after_it_stands():
    end_h, by = np.full(5, 4.5), ["exclusion"] * 5
    early = taken_back(called_h=2.0, revoked_h=4.0)
    assert standing(early, end_h, by).equals(early)
    late = standing(taken_back(called_h=2.0, revoked_h=6.0), end_h, by)
    assert (late["outcome"][4], late["p_dead"][4], late["revoked_at_h"][4]) == ("dead", 1.0, None)
    traces = pl.DataFrame({"neuron_id": [5] * 9, "time_h": np.arange(1.0, 10.0)})
    found = ended(dated(late, traces), np.full(5, 4.0), end_h, by)
    assert (found["outcome"][4], found["last_alive_h"][4], found["first_dead_h"][4]) == (
        "dead",
        1.0,
        2.0,
    )
    killed = taken_back(called_h=2.0, revoked_h=6.0)
    assert standing(killed, end_h, ["kill"] * 5).equals(killed)


def test_a_call_of_a_transient_was_taken_back_by_the_kill_that_the_neuron_died_of():
    dies = {"death_h": 8.5, "death_low_h": 8.1, "death_high_h": 8.9, "first_dead_h": 9.0}
    calls = taken_back(called_h=2.0, revoked_h=None, **dies).with_columns(
        outcome=pl.when(pl.col("neuron_id") == 5).then(pl.lit("dead")).otherwise("outcome")
    )
    found = ended(calls, np.full(5, 7.5), np.full(5, 8.0), ["kill"] * 5)
    assert (found["outcome"][4], found["revoked_at_h"][4], found["death_h"][4]) == (
        "alive",
        7.5,
        None,
    )
    whole = ended(calls, np.full(5, np.inf), np.full(5, np.inf), [""] * 5)
    assert (whole["outcome"][4], whole["revoked_at_h"][4]) == ("dead", None)


def test_hours_can_count_from_the_dose(folder):
    calls = folder.run().calls()
    study = Study.from_toml(folder.study.to_toml())
    events = Events(study, [log("dose", 2.5, ["C2", "C3"])])
    hours = origin_hours(study, "glutamate 50 uM", calls, events)
    assert set(hours[(calls["well"] == "C2").to_numpy()]) == {2.5}


def test_hours_cannot_count_from_an_arm_without_a_start(folder):
    calls = folder.run().calls().filter(pl.col("well") == "B2")
    with pytest.raises(TableError, match="'glutamate 50 uM', which has no start"):
        origin_hours(folder.study, "glutamate 50 uM", calls, Events(folder.study))


def test_a_death_without_onset_is_dated_to_its_call():
    calls = pl.DataFrame(
        {
            "neuron_id": [1, 2],
            "outcome": ["dead", "alive"],
            "last_alive_h": [None, 9.0],
            "first_dead_h": [None, None],
            "called_at_h": [3.0, None],
        },
        schema_overrides={"first_dead_h": pl.Float64},
    )
    traces = pl.DataFrame({"neuron_id": [1, 1, 1, 2], "time_h": [1.0, 2.0, 3.0, 9.0]})
    found = dated(calls, traces)
    assert found["last_alive_h"].to_list() == [2.0, 9.0]
    assert found["first_dead_h"].to_list() == [3.0, None]


def test_what_follows_an_exclusion_is_no_evidence_of_death():
    """As declared: called at 7 h is not called at 6.5 h, though dated to 5.9 h by then."""
    assert cut_at(6.4, 6.5)["outcome"][1] == "alive"
    assert cut_at(6.4, 6.5, by="kill")["outcome"][1] == "dead"
    assert cut_at(7.2, 7.5)["outcome"][1] == "dead"
