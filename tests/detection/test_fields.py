"""Loss is judged by the visits of a neuron's own field, however many fields a well has."""

import numpy as np
import pytest

from livedeath.detection import Scorer, score_traces
from livedeath.model.flags import Flag

VISITS = 20
LATE = 99
"""A neuron of field 0 that is seen in one visit only."""


def pushed(*, fields, seen_at, missed=(), staggered=True):
    """Return the calls of one well; ``missed`` are visits of field 0 that were not taken."""
    scorer = Scorer()
    parts = []
    rng = np.random.default_rng(1)
    for t in range(VISITS):
        for field in range(fields):
            if field == 0 and t in missed:
                continue
            late = field == 0 and t >= seen_at
            ids = np.array([*range(10 * field, 10 * field + 10), *([LATE] if late else [])])
            seen = (ids != LATE) | (t == seen_at)
            signal = np.exp(rng.normal(0, 0.05, ids.size))
            time_h = t + (0.02 * field if staggered else 0.0)
            flags = np.where(seen, 0, int(Flag.MASK_LOST)).astype(np.uint32)
            scorer.push(
                time_h, ids, signal, seen=seen, flags=flags,
                well=np.full(ids.size, "plate1/B2"), field=np.full(ids.size, f"plate1/B2/{field}"),
            )  # fmt: skip
            parts.append((ids, np.full(ids.size, time_h), signal, flags))
    names = ("neuron_id", "time_h", "signal", "flags")
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    calls = scorer.calls(dict(zip(names, columns, strict=True)))
    return {int(n): k for k, n in enumerate(calls["neuron_id"])}, calls


@pytest.mark.parametrize("staggered", [True, False])
@pytest.mark.parametrize("fields", [1, 2, 3])
@pytest.mark.parametrize(("before_the_end", "outcome"), [(2, "alive"), (3, "alive"), (4, "lost")])
def test_a_neuron_seen_once_is_lost_by_the_visits_of_its_field(
    fields, before_the_end, outcome, staggered
):
    at, calls = pushed(
        fields=fields, seen_at=VISITS - 1 - before_the_end, staggered=staggered
    )  # fmt: skip
    assert calls["outcome"][at[LATE]] == outcome
    assert (np.delete(calls["outcome"], at[LATE]) == "alive").all()


def test_a_field_that_is_visited_no_more_loses_nobody():
    at, calls = pushed(fields=2, seen_at=2, missed=range(12, VISITS))
    others = [at[n] for n in range(20)]
    assert (calls["outcome"][others] == "alive").all()
    assert calls["last_alive_h"][at[0]] == 11.0
    assert calls["outcome"][at[LATE]] == "lost"


def rows(**more):
    """Return a table of twelve neurons in two fields of a well, every hour."""
    rng = np.random.default_rng(3)
    hours, ids = np.meshgrid(np.arange(30.0), np.arange(12), indexing="ij")
    columns = {"neuron_id": ids.ravel(), "time_h": hours.ravel()}
    columns["signal"] = np.exp(rng.normal(0, 0.05, ids.size))
    columns["well"] = np.full(ids.size, "B2")
    columns["field"] = (columns["neuron_id"] // 6).astype(np.int64)
    return columns | more


def test_a_table_says_which_visits_are_of_a_field():
    table = rows()
    gone = (table["field"] == 1) & (table["time_h"] > 20)
    kept = {name: values[~gone] for name, values in table.items()}
    _, calls = score_traces(kept)
    assert (calls["outcome"] == "alive").all()
    del kept["field"]
    _, calls = score_traces(kept)
    assert (calls["outcome"][6:] == "lost").all()


def test_a_visit_that_was_measured_nowhere_is_a_missed_one():
    table = rows()
    last = (table["field"] == 1) & (table["time_h"] > 20)
    table["signal"][last] = np.nan
    _, calls = score_traces(table)
    assert (calls["outcome"] == "alive").all()
    assert (calls["last_alive_h"][6:] == 20.0).all()


def test_who_is_outside_a_frame_that_was_taken_is_lost():
    table = rows()
    last = (table["field"] == 1) & (table["time_h"] > 20)
    table["signal"][last] = np.nan
    flags = np.where(last, int(Flag.OUTSIDE_COMMON_AREA), 0).astype(np.uint32)
    _, calls = score_traces(table | {"flags": flags})
    assert (calls["outcome"][6:] == "lost").all()
    assert set(calls["loss_reason"][6:]) == {"outside the common area"}
    both = flags | np.where(last, int(Flag.MISSING_CHANNEL), 0).astype(np.uint32)
    _, calls = score_traces(table | {"flags": both})
    assert (calls["outcome"] == "alive").all()


def test_a_missed_channel_that_is_not_scored_takes_no_visit_away():
    table = rows()
    flags = np.full(table["signal"].size, int(Flag.MISSING_CHANNEL), np.uint32)
    _, plain = score_traces(table)
    _, flagged = score_traces(table | {"flags": flags})
    for name in set(plain) - {"flags"}:
        np.testing.assert_array_equal(plain[name], flagged[name], err_msg=name)


def test_a_missing_reference_takes_the_visit_of_its_neurons_away():
    table = rows()
    last = (table["field"] == 1) & (table["time_h"] > 20)
    reference = np.where(last, np.nan, 1.0)
    flags = np.where(last, int(Flag.MISSING_CHANNEL), 0).astype(np.uint32)
    _, calls = score_traces(table | {"reference": reference, "flags": flags})
    assert (calls["outcome"][6:] == "lost").all()
    assert set(calls["loss_reason"][6:]) == {"channel missing"}


def test_a_neuron_that_was_never_measured_has_a_call_all_the_same():
    table = rows()
    table["signal"][table["neuron_id"] == 3] = np.nan
    alone = {name: values[table["neuron_id"] == 3] for name, values in table.items()}
    for given in (table, alone):
        _, calls = score_traces(given)
        assert 3 in calls["neuron_id"]
        assert np.isfinite(calls["entry_h"]).all()


def test_flags_of_an_earlier_score_are_made_anew():
    table = rows()
    old = np.full(table["signal"].size, int(Flag.OUTLIER | Flag.CLIPPED), np.uint32)
    traces, calls = score_traces(table | {"flags": old})
    assert (calls["flags"] & Flag.CLIPPED).all()
    assert not (traces["flags"] & Flag.OUTLIER).all()
    _, plain = score_traces(table)
    np.testing.assert_array_equal(calls["flags"] & ~np.uint32(Flag.CLIPPED), plain["flags"])


@pytest.mark.parametrize("at", [1, 9, 18])
def test_a_restart_keeps_the_visits_of_the_fields(at):
    table = rows()
    whole, first, second = Scorer(), Scorer(), Scorer()
    for hour in np.unique(table["time_h"]):
        if hour == at:
            second.restore(first.state())
        for field in (0, 1):
            here = (table["time_h"] == hour) & (table["field"] == field)
            if (hour > 15 and field == 1) or (hour < 5 and field == 0):
                continue
            ids, name = table["neuron_id"][here], np.full(here.sum(), f"f{field}")
            for one in (whole, second if hour >= at else first):
                one.push(hour, ids, table["signal"][here], field=name)
    one, other = (scorer.calls(table) for scorer in (whole, second))
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)
    assert (one["outcome"] == "alive").all()
