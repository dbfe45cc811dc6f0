"""Perfect calls, and calls with planted errors: the figures must say which is which."""

import numpy as np
import polars as pl
import pytest

from livedeath.simulation.census import census
from livedeath.simulation.truth import compare, judge, match
from livedeath.simulation.world import World
from simulation.small_world import KILL, parameters, study

STUDY = study(KILL, optics={"pixel_size_um": 0.65, "image_shape_px": (320, 360)})
HOURS = np.arange(13.0)


@pytest.fixture(scope="module")
def truth():
    return census(World(STUDY, parameters(death={"hazard_per_day": 3.0})))


def perfect(truth):
    """Return traces and calls without a mistake; the ids are the true ones plus 100."""
    seen = truth.select(
        "vessel", "well", "field", "y_px", "x_px", neuron_id=pl.col("neuron_id") + 100
    )
    times = pl.DataFrame({"t": np.arange(HOURS.size), "time_h": HOURS})
    traces = seen.join(times, how="cross").with_columns(area_um2=pl.lit(200.0))
    death = truth["death_h"].to_numpy()
    calls = seen.select("vessel", "well", "field", "neuron_id").with_columns(
        outcome=pl.Series(np.where(death < 0, "dead_on_arrival", "dead")),
        called_at_h=pl.Series(np.where(death < 0, np.nan, np.ceil(death))),
        revoked_at_h=pl.Series(np.full(death.size, np.nan)),
        death_h=death,
        death_low_h=death - 0.5,
        death_high_h=death + 0.5,
        last_alive_h=np.floor(death),
    )
    return traces, calls


def figures(truth, traces, calls):
    return compare(truth, traces, calls, study=STUDY)


def counted(truth):
    """Return the ids, in calls, of the deaths that count."""
    traces, calls = perfect(truth)
    table = judge(truth, traces, calls, study=STUDY)
    return (table.filter("death_counts")["neuron_id"] + 100).to_list()


def edit(calls, neuron_id, **changes):
    return calls.with_columns(
        pl.when(pl.col("neuron_id") == neuron_id)
        .then(pl.lit(new))
        .otherwise(pl.col(name))
        .alias(name)
        for name, new in changes.items()
    )


def test_perfect_calls_are_perfect(truth):
    found = figures(truth, *perfect(truth))
    assert found["sensitivity"] == 1.0
    assert found["false_deaths"] == 0
    assert found["false_per_1000_neuron_days"] == 0.0
    assert found["neurons"] == found["neurons_found"] > 20
    assert found["deaths_true"] == found["deaths_called"] > 8
    assert 0 < found["median_delay_h"] < 1
    assert found["onset_median_error_h"] == 0.0
    assert found["onset_coverage"] == 1.0


def test_the_denominator_follows_the_rule(truth):
    alive = truth["death_h"] > 0
    bright = truth["fill_electrons"] >= 50
    early = truth["death_h"] < 6.0
    expected = truth.filter(truth["in_view"] & alive & bright & early)
    assert figures(truth, *perfect(truth))["deaths_true"] == expected.height


def test_deaths_after_the_fourth_visit_from_the_end_do_not_count(truth):
    late = truth.filter(truth["in_view"] & (truth["death_h"] > 6.0) & (truth["death_h"] < 9.5))
    assert late.height
    assert not set(late["neuron_id"] + 100) & set(counted(truth))


def test_a_dropped_death_lowers_the_sensitivity(truth):
    traces, calls = perfect(truth)
    missed = edit(calls, counted(truth)[0], called_at_h=np.nan, outcome="alive")
    found = figures(truth, traces, missed)
    assert found["deaths_called"] == found["deaths_true"] - 1
    assert found["sensitivity"] < 1.0
    assert found["false_deaths"] == 0


def test_a_neuron_never_found_stays_in_the_denominator(truth):
    traces, calls = perfect(truth)
    gone = counted(truth)[0]
    found = figures(
        truth, traces.filter(pl.col("neuron_id") != gone), calls.filter(pl.col("neuron_id") != gone)
    )
    assert found["deaths_true"] == figures(truth, traces, calls)["deaths_true"]
    assert found["deaths_called"] == found["deaths_true"] - 1


def test_a_call_before_the_onset_is_false_and_no_find(truth):
    traces, calls = perfect(truth)
    early = edit(calls, counted(truth)[0], called_at_h=0.0)
    found = figures(truth, traces, early)
    assert found["false_deaths"] == 1
    assert found["deaths_called"] == found["deaths_true"] - 1


def test_a_call_of_a_survivor_is_false(truth):
    traces, calls = perfect(truth)
    survivor = truth.filter(truth["cause"] == "kill")["neuron_id"][0] + 100
    found = figures(truth, traces, edit(calls, survivor, called_at_h=5.0))
    assert found["false_deaths"] == 1
    assert found["false_per_1000_neuron_days"] == pytest.approx(1000 / found["neuron_days"])


def test_what_was_taken_back_is_an_alarm_and_no_false_death_in_the_end(truth):
    traces, calls = perfect(truth)
    survivor = truth.filter(truth["cause"] == "kill")["neuron_id"][0] + 100
    alarm = edit(calls, survivor, called_at_h=5.0, death_h=4.5)
    stands = figures(truth, traces, alarm)
    assert stands["false_taken_back"] == 0
    assert stands["false_final_per_1000_neuron_days"] == stands["false_per_1000_neuron_days"] > 0
    for changes in ({"revoked_at_h": 9.0, "death_h": np.nan}, {"death_h": 9.5}):
        found = figures(truth, traces, edit(alarm, survivor, **changes))
        assert found["false_deaths"] == found["false_taken_back"] == 1
        assert found["false_final_per_1000_neuron_days"] == 0.0
        assert found["deaths_taken_back"] == 0


def test_a_true_death_that_is_taken_back_is_counted(truth):
    traces, calls = perfect(truth)
    found = figures(truth, traces, edit(calls, counted(truth)[0], revoked_at_h=9.0))
    assert found["deaths_taken_back"] == 1
    assert found["false_taken_back"] == 0
    assert figures(truth, traces, calls)["deaths_taken_back"] == 0


def test_a_call_of_nothing_is_false(truth):
    traces, calls = perfect(truth)
    ghost = traces.head(HOURS.size).with_columns(
        neuron_id=pl.lit(9_999, pl.Int64), y_px=pl.lit(-90.0)
    )
    said = calls.head(1).with_columns(neuron_id=pl.lit(9_999, pl.Int64), called_at_h=pl.lit(4.0))
    found = figures(truth, pl.concat([traces, ghost]), pl.concat([calls, said]))
    assert found["false_deaths"] == 1


def test_a_second_id_on_a_dead_neuron_is_no_true_neuron(truth):
    traces, calls = perfect(truth)
    dead = counted(truth)[0]
    again = traces.filter((pl.col("neuron_id") == dead) & (pl.col("t") > 6)).with_columns(
        neuron_id=pl.lit(9_999, pl.Int64)
    )
    said = calls.filter(pl.col("neuron_id") == dead).with_columns(
        neuron_id=pl.lit(9_999, pl.Int64), called_at_h=pl.lit(8.0)
    )
    found = figures(truth, pl.concat([traces, again]), pl.concat([calls, said]))
    assert found["false_deaths"] == 1
    assert found["sensitivity"] == 1.0


def test_a_call_after_the_kill_finds_nothing(truth):
    traces, calls = perfect(truth)
    late = calls.with_columns(called_at_h=pl.lit(11.0))
    found = figures(truth, traces, late)
    assert found["deaths_called"] == 0
    assert found["false_deaths"] == 0
    assert np.isnan(found["median_delay_h"])


def test_swapped_ids_are_noticed(truth):
    traces, calls = perfect(truth)
    dead = counted(truth)[0]
    survivor = truth.filter((truth["cause"] == "kill") & truth["in_view"])["neuron_id"][0] + 100
    swap = {dead: survivor, survivor: dead}
    found = figures(truth, traces, calls.with_columns(pl.col("neuron_id").replace(swap)))
    assert found["deaths_called"] == found["deaths_true"] - 1
    assert found["false_deaths"] == 1


def test_a_late_call_counts_but_shows_in_the_delay(truth):
    traces, calls = perfect(truth)
    late = calls.with_columns(pl.col("called_at_h") + 2.0)
    assert figures(truth, traces, late)["median_delay_h"] == pytest.approx(
        figures(truth, traces, calls)["median_delay_h"] + 2.0, abs=0.5
    )


def test_a_loss_ends_the_live_time(truth):
    traces, calls = perfect(truth)
    whole = figures(truth, traces, calls)["neuron_days"]
    lost = edit(calls, calls["neuron_id"][-1], outcome="lost", last_alive_h=0.0, called_at_h=np.nan)
    cut = figures(truth, traces, lost)["neuron_days"]
    assert cut < whole


def test_onset_errors_are_measured(truth):
    traces, calls = perfect(truth)
    off = calls.with_columns(pl.col("death_h") + 0.25, pl.col("death_high_h") - 1.0)
    found = figures(truth, traces, off)
    assert found["onset_median_error_h"] == pytest.approx(0.25)
    assert found["onset_rmse_h"] == pytest.approx(0.25)
    assert found["onset_coverage"] == 0.0


def test_neurons_are_matched_one_to_one_within_half_a_soma(truth):
    traces, _ = perfect(truth)
    pairs = match(truth, traces.with_columns(pl.col("y_px") + 5.0), study=STUDY)
    assert pairs.height == truth.height
    assert (pairs["called_id"] - pairs["neuron_id"] == 100).mean() > 0.9
    far = traces.with_columns(pl.col("y_px") + 5_000.0)
    assert match(truth, far, study=STUDY).height == 0


def test_a_neuron_first_seen_later_is_matched_although_the_stage_moved(truth):
    traces, _ = perfect(truth)
    late = truth["neuron_id"][0] + 100
    moved = traces.with_columns(
        y_px=pl.col("y_px") + pl.when(pl.col("t") == 0).then(0.0).otherwise(60.0)
    ).filter((pl.col("neuron_id") != late) | (pl.col("t") >= 3))
    pairs = match(truth, moved, study=STUDY)
    assert pairs.filter(pl.col("called_id") == late)["neuron_id"].to_list() == [late - 100]
    assert pairs.filter(pl.col("called_id") == late)["found_h"].to_list() == [3.0]


def test_an_analysis_that_found_nothing_scores_nothing(truth):
    traces, calls = perfect(truth)
    found = figures(truth, traces.clear(), calls.clear())
    assert found["sensitivity"] == 0.0
    assert found["neuron_days"] == 0.0
    assert np.isnan(found["false_per_1000_neuron_days"])
