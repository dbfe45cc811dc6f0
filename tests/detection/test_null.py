"""Living traces turned round in time: a null that the study itself offers."""

import numpy as np
import pytest

from livedeath.detection import score_traces
from livedeath.detection.null import FEWEST_VISITS, null_of, turned_round
from livedeath.model.settings import AnalysisSettings


def living(seed=1, n=60, hours=96.0, dt=1.0, trend_per_day=0.0, outliers=0.0):
    """Return the traces of neurons that do not die, by neuron and hour."""
    rng = np.random.default_rng(seed)
    time_h = np.arange(0.0, hours, dt)
    white = rng.normal(0.0, 0.06, (n, time_h.size))
    wild = rng.random(white.shape) < outliers
    white[wild] += rng.choice([-1.0, 1.0], wild.sum()) * rng.uniform(0.5, 1.5, wild.sum())
    # Each at its own pace: what all do alike is an accident of the field.
    trend = trend_per_day * rng.uniform(0.0, 2.0, (n, 1))
    level = rng.normal(0.0, 0.31, (n, 1)) + trend * time_h / 24.0
    signal = 100.0 * np.exp(level + white)
    return {
        "neuron_id": np.repeat(np.arange(n), time_h.size),
        "time_h": np.tile(time_h, n),
        "signal": signal.ravel(),
    }


def test_nobody_dies_in_a_quiet_culture_and_the_days_are_those_watched():
    found = null_of(living())
    assert (found.neurons, found.alarms, found.deaths) == (60, 0, 0)
    assert found.neuron_days == pytest.approx(60 * 95.0 / 24.0)


def test_where_the_detector_is_fooled_the_null_says_so():
    wild = living(outliers=0.05, n=100, dt=0.5)
    eager = AnalysisSettings(false_alarms_per_1000_neuron_days=1000.0)
    found = null_of(wild, eager)
    called = np.isfinite(score_traces(wild, eager)[1]["called_at_h"]).sum()
    # As many as forwards, within three of their own Poisson errors.
    assert called > 20
    assert abs(found.alarms - called) < 3.0 * np.sqrt(found.alarms + called)
    assert found.deaths <= found.alarms
    strict = AnalysisSettings(false_alarms_per_1000_neuron_days=0.01)
    assert null_of(wild, strict).alarms < found.alarms / 2


def test_bleaching_turned_round_is_no_death():
    fading = living(trend_per_day=-0.8)
    assert null_of(fading).alarms == 0
    backwards = fading | {"time_h": fading["time_h"].max() - fading["time_h"]}
    calls = score_traces(backwards)[1]
    assert np.isfinite(calls["called_at_h"]).sum() > 5


def test_a_rise_that_was_a_death_is_seen_backwards_as_none():
    rows = living(n=40)
    step = rows["time_h"] >= 40.0 + rows["neuron_id"] % 16
    fallen = rows | {"signal": np.where(step, 1.0, 4.0) * rows["signal"]}
    # Forwards these fall and nobody is called; backwards they rise and the null shows it.
    assert null_of(fallen).alarms > 20
    assert np.isfinite(score_traces(fallen)[1]["called_at_h"]).sum() == 0


def test_only_as_much_is_scored_as_is_asked_for_by_whole_neurons():
    few = turned_round(living(n=60), most_values=20 * 96)
    ids, rows = np.unique(few["neuron_id"], return_counts=True)
    assert ids.tolist() == list(range(0, 60, 3))
    assert set(rows) == {96}


def test_short_traces_and_none_at_all_give_no_null():
    short = living(hours=FEWEST_VISITS - 1.0)
    assert null_of(short) is None
    assert null_of(living(hours=float(FEWEST_VISITS))) is not None
    assert null_of({name: values[:0] for name, values in short.items()}) is None


def test_what_was_done_to_a_well_moves_to_the_visit_after_it():
    rows = living(n=1, hours=12.0)
    done = rows["time_h"] == 5.0
    turned = turned_round(rows | {"intervened": done})
    at = turned["time_h"][turned["intervened"]]
    # Between the visits at 4 and at 5 h, which are at 7 and 6 h from the end.
    assert at.tolist() == [7.0]
    assert done.sum() == 1
    assert rows["time_h"][done].tolist() == [5.0]


def test_the_traces_given_are_left_as_they_were():
    rows = living(n=12) | {"intervened": np.zeros(12 * 96, np.bool_)}
    before = {name: values.copy() for name, values in rows.items()}
    null_of(rows)
    for name, values in before.items():
        np.testing.assert_array_equal(rows[name], values)


def test_neurons_that_lose_their_signal_one_by_one_make_nobody_else_die():
    """What most neurons did hours apart is no light of the field, to be divided out of the rest."""
    rows = living(n=40)
    step = rows["time_h"] >= 40.0 + rows["neuron_id"] % 16
    fallen = rows | {"signal": np.where(step, 0.25, 1.0) * rows["signal"]}
    assert np.isfinite(score_traces(fallen)[1]["called_at_h"]).sum() == 0
