"""What became of true neurons and their deaths: a truth, traces and calls in, counts out.

In every visit the somata that were found are matched, here and by nothing of the project, to
the true neurons that stand there; so it is known at every hour who is who, who is nobody,
and whose death a call is.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2

from frames.truth import Truth
from livedeath.model.flags import Flag
from livedeath.model.frame import FieldKey

Floats = NDArray[np.float64]

GATE_PX = 12.0
"""A soma farther from a true neuron than this, or its radius, is not it."""

LEFT_H = 4.0
"""Hours left after an onset without which its death does not count."""

MISSED_H = 24.0
"""Delay counted for a missed death."""

IS_NEURON = 0.5
"""An id is a neuron if it stood on a true one in this part of its sightings."""

FAR = 1e6
"""Cost of a pair beyond the gate."""

STAYS = 1e3
"""Taken off the cost of a pair that was one before."""


def who_is_where(truth: Truth, traces: dict[str, Any]) -> dict[int, dict[int, int]]:
    """Match one field, visit by visit: id to {visit: true neuron, or -1 for none}.

    Only somata that were found are matched, one to one. Whoever stood on a true neuron before
    stays on it while it is within the gate, as in CLEAR MOT (Bernardin and Stiefelhagen
    2008); the others are matched at the least total distance.
    """
    found: dict[int, dict[int, int]] = defaultdict(dict)
    last: dict[int, int] = {}
    for k in range(truth.time_h.size):
        rows = np.flatnonzero((traces["t"] == k) & np.isfinite(traces["area_um2"]))
        ids = traces["neuron_id"][rows].tolist()
        there = np.flatnonzero(truth.inside(k))
        apart = np.hypot(
            truth.y_px[there, k, np.newaxis] - traces["y_px"][rows],
            truth.x_px[there, k, np.newaxis] - traces["x_px"][rows],
        )
        gate = np.maximum(GATE_PX, truth.radius_px[there])[:, np.newaxis]
        before = there[:, np.newaxis] == np.array([last.get(name, -1) for name in ids])
        cost = np.where(apart <= gate, apart - STAYS * before, FAR)
        for name in ids:
            found[name][k] = -1
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if cost[i, j] < FAR:
                found[ids[j]][k] = last[ids[j]] = int(there[i])
    return found


@dataclass
class Tally:
    """What is counted over the fields of a plate."""

    counts: Counter[str] = field(default_factory=Counter)
    days: float = 0.0
    delay_h: list[float] = field(default_factory=list)
    bound_h: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    missed: list[dict[str, Any]] = field(default_factory=list)
    false: list[dict[str, Any]] = field(default_factory=list)


def owners(found: dict[int, dict[int, int]], n: int) -> tuple[dict[int, int], dict[int, int]]:
    """Return the true neuron of each id, -1 for none, and the id of each true neuron.

    An id is the neuron on which it stood most often before others; of several ids of one
    neuron the one that stood there most often is its own.
    """
    true_of: dict[int, int] = {}
    shares: dict[int, tuple[int, int]] = {}
    for name, places in found.items():
        often = Counter(place for place in places.values() if place >= 0).most_common(1)
        near = sum(place >= 0 for place in places.values())
        if not often or near < IS_NEURON * len(places):
            true_of[name] = -1
            continue
        true, times = often[0]
        true_of[name] = true
        if times > shares.get(true, (0, 0))[1]:
            shares[true] = (name, times)
    return true_of, {true: name for true, (name, _) in shares.items() if true < n}


def count_field(
    tally: Tally, key: FieldKey, truth: Truth, traces: dict[str, Any], calls: dict[str, Any],
    bound: Floats,
) -> None:  # fmt: skip
    """Add one field to the counts."""
    found = who_is_where(truth, traces)
    true_of, id_of = owners(found, truth.death_h.size)
    row_of = {int(name): k for k, name in enumerate(calls["neuron_id"])}
    _count_switches(tally, found)
    _count_unmatched(tally, truth, found)
    early = _count_false(tally, key, truth, calls, true_of, row_of)
    end_h = float(truth.time_h[-1])
    for k in np.flatnonzero(truth.in_view & (truth.death_h > truth.time_h[0])).tolist():
        tally.counts["neurons"] += 1
        row = row_of.get(id_of.get(k, -1))
        death = float(truth.death_h[k])
        outcome = "never_found" if row is None else str(calls["outcome"][row])
        if row is not None:
            _count_days(tally, calls, row, min(death, end_h))
        if death > end_h:
            tally.counts["alive"] += 1
            tally.counts["lost_but_alive"] += outcome == "lost"
            tally.counts["alive_not_found"] += row is None
        elif death <= end_h - LEFT_H:
            tally.counts["deaths"] += 1
            called_at = np.nan if row is None else float(calls["called_at_h"][row])
            hit = called_at >= death and outcome == "dead"
            tally.counts["called"] += hit
            tally.counts[f"death_{outcome}"] += not hit
            if not hit:
                tally.missed.append(_example(key, id_of.get(k), calls, row))
            if k not in early:
                tally.delay_h.append(min(called_at - death, MISSED_H) if hit else MISSED_H)
                tally.bound_h.append(min(float(bound[k]), MISSED_H))


def _example(
    key: FieldKey, name: int | None, calls: dict[str, Any], row: int | None
) -> dict[str, Any]:
    """Return where to look: a death that was not called, or a call that is false."""
    said: dict[str, Any] = {"field": key.name, "id": name}
    if row is not None:
        columns = ("outcome", "loss_reason", "called_at_h", "entry_h", "evidence", "flags")
        said |= {column: str(calls[column][row]) for column in columns}
    return said


def _count_days(tally: Tally, calls: dict[str, Any], row: int, until_h: float) -> None:
    """Add the live time that was watched: from entry to death, loss, call or the end."""
    stop = until_h
    if calls["outcome"][row] == "lost":
        stop = min(stop, float(calls["last_alive_h"][row]))
    if np.isfinite(calls["called_at_h"][row]):
        stop = min(stop, float(calls["called_at_h"][row]))
    tally.days += max(stop - float(calls["entry_h"][row]), 0.0) / 24.0


def _count_switches(tally: Tally, found: dict[int, dict[int, int]]) -> None:
    for places in found.values():
        seen = [place for _, place in sorted(places.items()) if place >= 0]
        tally.counts["switches"] += sum(a != b for a, b in pairwise(seen))


def _count_unmatched(tally: Tally, truth: Truth, found: dict[int, dict[int, int]]) -> None:
    """Count visits of living neurons, wholly in view at first, at which none was found."""
    seen = np.zeros((truth.death_h.size, truth.time_h.size), np.bool_)
    for places in found.values():
        for k, true in places.items():
            if true >= 0:
                seen[true, k] = True
    for k, now in enumerate(truth.time_h):
        here = truth.in_view & (truth.death_h > now) & truth.inside(k)
        tally.counts["alive_visits"] += int(here.sum())
        tally.counts["alive_unmatched"] += int((here & ~seen[:, k]).sum())


def _count_false(
    tally: Tally, key: FieldKey, truth: Truth, calls: dict[str, Any], true_of: dict[int, int],
    row_of: dict[int, int],
) -> set[int]:  # fmt: skip
    """Count false deaths and what became of ids that are nobody; return who was called early."""
    early = set()
    for name, row in row_of.items():
        if (calls["well"][row], calls["field"][row]) != (key.well, key.field):
            continue
        true = true_of.get(name, -1)
        outcome, called_at = str(calls["outcome"][row]), float(calls["called_at_h"][row])
        tally.counts["reported"] += 1
        if true < 0:
            reason = str(calls["loss_reason"][row])
            unproven = outcome == "lost" and reason == "not_shown_a_neuron"
            tally.outcomes["not_at_risk" if unproven else outcome] += 1
        elif outcome == "dead_on_arrival" and truth.death_h[true] > truth.time_h[0]:
            tally.counts["alive_but_dead_on_arrival"] += 1
        elif outcome == "lost" and str(calls["loss_reason"][row]) == "not_shown_a_neuron":
            tally.counts["neurons_not_at_risk"] += bool(truth.in_view[true])
        if np.isfinite(called_at) and (true < 0 or called_at < truth.death_h[true]):
            tally.counts["false"] += 1
            tally.counts["false_to_the_end"] += outcome == "dead"
            early.add(true)
            tally.false.append(_example(key, name, calls, row))
    return early


def poisson_limits(events: int) -> tuple[float, float]:
    """Return the exact 95 % limits of an expected count."""
    low = 0.5 * chi2.ppf(0.025, 2 * events) if events else 0.0
    return float(low), float(0.5 * chi2.ppf(0.975, 2 * events + 2))


def figures(tally: Tally) -> dict[str, Any]:
    """Return the figures of a plate."""
    c, days = tally.counts, max(tally.days, 1e-9)
    low, high = poisson_limits(c["false"])
    delay, bound = np.array(tally.delay_h), np.array(tally.bound_h)
    ratio = float(delay.mean() / bound.mean()) if delay.size and bound.mean() else None
    missed = {k.removeprefix("death_"): n for k, n in c.items() if k.startswith("death_") and n}
    return {
        "neurons": c["neurons"],
        "neuron_days": days,
        "deaths": c["deaths"],
        "called": c["called"],
        "sensitivity": c["called"] / c["deaths"] if c["deaths"] else None,
        "not_called": missed,
        "false": c["false"],
        "false_to_the_end": c["false_to_the_end"],
        "false_per_1000": 1e3 * c["false"] / days,
        "false_per_1000_low": 1e3 * low / days,
        "false_per_1000_high": 1e3 * high / days,
        "mean_delay_h": float(delay.mean()) if delay.size else None,
        "median_delay_h": float(np.median(delay)) if delay.size else None,
        "mean_bound_h": float(bound.mean()) if bound.size else None,
        "ratio_to_bound": ratio,
        "switches_per_1000": 1e3 * c["switches"] / days,
        "alive_unmatched": c["alive_unmatched"] / max(c["alive_visits"], 1),
        "alive": c["alive"],
        "lost_but_alive": c["lost_but_alive"],
        "never_found_alive": c["alive_not_found"],
        "alive_but_dead_on_arrival": c["alive_but_dead_on_arrival"],
        "neurons_not_at_risk": c["neurons_not_at_risk"],
        "reported": c["reported"],
        "not_neurons": sum(tally.outcomes.values()),
        "not_neurons_by_outcome": dict(tally.outcomes),
    }


def flagged(traces: dict[str, Any]) -> dict[str, float]:
    """Return the parts of all rows that say nothing for a fault of frame or field."""
    flags = (Flag.BAD_FRAME, Flag.FIELD_FAULT)
    return {
        f"rows_{one.name.lower()}": float(np.mean((traces["flags"] & one) > 0)) for one in flags
    }
