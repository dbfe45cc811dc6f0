"""What is not shown to be a neuron is kept by name, with no time at risk."""

import numpy as np
import pytest

from livedeath.detection import Scorer, score_traces
from livedeath.model.flags import Flag

HOURS = np.arange(0.0, 40.0, 1.0)


def traces(unproven, *, rises_h=20.0):
    """Return 20 steady neurons and one, number 21, that rises; flagged where told."""
    rng = np.random.default_rng(5)
    signal = np.exp(rng.normal(0.0, 0.05, (21, HOURS.size)))
    signal[20] *= np.where(HOURS >= rises_h, 4.0, 1.0)
    flags = np.zeros(signal.shape, np.uint32)
    flags[20] = np.where(unproven, int(Flag.UNPROVEN), 0)
    return {
        "neuron_id": np.repeat(np.arange(1, 22), HOURS.size),
        "time_h": np.tile(HOURS, 21),
        "signal": signal.ravel(),
        "flags": flags.ravel(),
    }


def last(calls):
    return {name: values[-1] for name, values in calls.items()}


def test_who_rises_is_called():
    assert last(score_traces(traces(HOURS < 0))[1])["outcome"] == "dead"


@pytest.mark.parametrize("rises_h", [20.0, -1.0], ids=["rises", "bright from the start"])
def test_what_is_never_shown_a_neuron_is_lost_and_was_never_watched(rises_h):
    call = last(score_traces(traces(HOURS >= 0, rises_h=rises_h))[1])
    assert (call["outcome"], call["loss_reason"]) == ("lost", "not_shown_a_neuron")
    assert call["entry_h"] == call["last_alive_h"]
    assert np.isnan(call["called_at_h"])
    assert np.isnan(call["first_dead_h"])
    assert (call["p_alive"], call["p_dead"], call["p_lost"]) == (0.0, 0.0, 1.0)


def test_time_at_risk_begins_when_it_is_shown():
    call = last(score_traces(traces(HOURS < 7.0))[1])
    assert (call["outcome"], call["entry_h"]) == ("dead", 7.0)


def test_what_was_scored_before_it_was_shown_would_be_no_evidence():
    # The rise lies before the proof: there is no step left to see.
    call = last(score_traces(traces(HOURS < 25.0))[1])
    assert call["outcome"] in ("alive", "dead_on_arrival")
    assert call["entry_h"] == 25.0


def test_a_restart_keeps_who_was_never_at_risk():
    table = traces(HOURS >= 0)
    whole, first = Scorer(), Scorer()
    for k, hour in enumerate(HOURS):
        at = table["time_h"] == hour
        visit = {n: table[n][at] for n in ("neuron_id", "signal", "flags")}
        for one in (whole, first):
            one.push(float(hour), **visit)
        if k == 10:
            again = Scorer()
            again.restore(first.state())
            first = again
    assert last(first.calls(table))["loss_reason"] == "not_shown_a_neuron"
    for name, values in whole.calls(table).items():
        np.testing.assert_array_equal(values, first.calls(table)[name], err_msg=name)
