import numpy as np
import polars as pl
import pytest

from livedeath.errors import TableError
from livedeath.model.study import Study
from livedeath.statistics.study import (
    dated,
    origin_hours,
    survival_table,
    what_happened,
)
from made_study import KILL_H, make_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("made") / "a study", images=False)


def test_the_kill_is_not_death_under_watch(folder):
    table = survival_table(folder, folder.run())
    calls = folder.run().calls()
    natural = (calls["death_h"] < KILL_H - 0.5).fill_null(value=False).sum()
    assert (calls["outcome"] == "dead").sum() > natural + 10
    assert abs(int(table.event.sum()) - natural) <= 2
    assert table.exit_h.max() <= KILL_H


def test_without_a_kill_every_death_counts(tmp_path):
    folder = make_study(tmp_path / "s", images=False, kill=False)
    table = survival_table(folder, folder.run())
    assert table.event.sum() == (folder.run().calls()["outcome"] == "dead").sum()


def test_arms_and_units_come_from_the_declaration(folder):
    table = survival_table(folder, folder.run())
    assert set(table.groups) == {"vehicle", "glutamate 50 uM", "glutamate + rescue"}
    assert table.units_of("vehicle") == ("B2", "B3")
    assert table.block is None


def test_an_unknown_unit_is_refused_and_the_known_ones_are_named(folder):
    with pytest.raises(TableError, match="knows no unit 'litter'; it can be well, vessel"):
        survival_table(folder, folder.run(), unit="litter")


def test_a_channel_is_a_covariate_by_its_first_value(folder):
    table = survival_table(folder, folder.run(), covariates=["RFP"])
    assert np.isfinite(table.covariates["RFP"]).all()


def test_a_logged_exclusion_ends_a_well_and_the_log_counts_more(tmp_path):
    folder = make_study(tmp_path / "s", images=False)
    log = {"kind": "log", "what": "exclude", "vessel": "plate1", "wells": ["C2"], "why": "fungus"}
    folder.journal.append(log | {"at_h": 2.0})
    folder.journal.append(log | {"what": "kill", "at_h": 8.0, "wells": ["D2"]})
    table = survival_table(folder, folder.run())
    assert table.exit_h[table.unit == "C2"].max() <= 2.0
    assert table.exit_h[table.unit == "D2"].max() < 8.0
    assert table.exit_h[table.unit == "C3"].max() > 8.0


def test_what_happened_keeps_the_reason(folder):
    text = folder.study.to_toml() + '\n[[exclusions]]\nwells = ["B2"]\nfrom_h = 3.0\nwhy = "dry"\n'
    happened = what_happened(Study.from_toml(text), [])
    assert happened.excluded_h == {("plate1", "B2"): (3.0, "dry")}
    assert happened.kill_h[("plate1", "C3")] == KILL_H


def test_hours_can_count_from_the_dose(folder):
    text = folder.study.to_toml().replace('origin = "study"', "")
    declared = folder.study.comparisons[0].replace(origin="glutamate 50 uM")
    calls = folder.run().calls()
    happened = what_happened(
        Study.from_toml(text),
        [{"kind": "log", "what": "dose", "vessel": "plate1", "wells": ["C2", "C3"], "at_h": 2.5}],
    )
    hours = origin_hours(folder.study, declared, calls, happened)
    assert set(hours[(calls["well"] == "C2").to_numpy()]) == {2.5}


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
