"""Whether ids hold: a truth, traces and calls go in; switches, losses and phantoms come out.

In every visit the somata that were found are matched to the true cells that are there, one to
one, centres within one true radius of each other, whatever was matched before.

* A switch is counted each time a living true neuron's matched id changes between consecutive
  visits in which it is seen (matched).
* A loss is a living neuron whose last id is called lost although the neuron is still wholly in
  view when the id is given up.
* A phantom is an id that stood on no true cell in more than half of its sightings.
* A false death is a switch's if its id stood on more than one true neuron before the call.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from frames.tally import FAR, IS_NEURON, poisson_limits
from frames.truth import Truth

Floats = NDArray[np.float64]
Sightings = dict[int, dict[int, int]]


@dataclass
class Held:
    """What is counted over the fields of a plate."""

    counts: Counter[str] = field(default_factory=Counter)
    days: float = 0.0
    switched: list[dict[str, Any]] = field(default_factory=list)


def matched(
    truth: Truth, traces: dict[str, Any], glia: tuple[Floats, Floats, Floats] | None = None
) -> Sightings:
    """Match one field visit by visit: id to {visit: true row, or -1 for none}.

    Rows of glia follow those of the neurons.
    """
    y, x, radius, there = truth.y_px, truth.x_px, truth.radius_px, truth.present
    if glia is not None:
        y, x = np.vstack([y, glia[0]]), np.vstack([x, glia[1]])
        radius = np.concatenate([radius, glia[2]])
        there = np.vstack([there, np.isfinite(glia[0])])
    found: Sightings = defaultdict(dict)
    for k in range(truth.time_h.size):
        rows = np.flatnonzero((traces["t"] == k) & np.isfinite(traces["area_um2"]))
        here = np.flatnonzero(there[:, k])
        apart = np.hypot(
            y[here, k, np.newaxis] - traces["y_px"][rows],
            x[here, k, np.newaxis] - traces["x_px"][rows],
        )
        cost = np.where(apart <= radius[here, np.newaxis], apart, FAR)
        ids = traces["neuron_id"][rows].tolist()
        for name in ids:
            found[name][k] = -1
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if cost[i, j] < FAR:
                found[ids[j]][k] = int(here[i])
    return found


def count_identities(
    held: Held, name: str, truth: Truth, traces: dict[str, Any], calls: dict[str, Any],
    glia: tuple[Floats, Floats, Floats] | None = None,
) -> None:  # fmt: skip
    """Add one field to the counts."""
    found = matched(truth, traces, glia)
    said = {int(one): k for k, one in enumerate(calls["neuron_id"])}
    _count_switches(held, name, truth, found)
    _count_losses(held, truth, found, calls, said)
    held.counts["ids"] += len(found)
    for one, places in found.items():
        true = sum(place >= 0 for place in places.values())
        if true < IS_NEURON * len(places):
            held.counts["phantoms"] += 1
            row = said.get(one)
            unproven = row is None or str(calls["loss_reason"][row]) == "not_shown_a_neuron"
            held.counts["phantoms_at_risk"] += not unproven
    _count_false(held, truth, found, calls, said)


def _by_neuron(truth: Truth, found: Sightings) -> dict[int, list[tuple[int, int]]]:
    """Return (visit, id) of each true neuron, in the order of visits, while it lives."""
    seen: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for name, places in found.items():
        for k, true in places.items():
            if 0 <= true < truth.death_h.size and truth.time_h[k] < truth.death_h[true]:
                seen[true].append((k, name))
    return {true: sorted(sightings) for true, sightings in seen.items()}


def _count_switches(held: Held, name: str, truth: Truth, found: Sightings) -> None:
    whole = np.array([truth.whole(k) for k in range(truth.time_h.size)]).T
    for true, sightings in _by_neuron(truth, found).items():
        held.counts["neurons"] += 1
        for (a, before), (b, now) in pairwise(sightings):
            held.days += float(truth.time_h[b] - truth.time_h[a]) / 24.0
            if before == now:
                continue
            held.counts["switches"] += 1
            held.counts["switches_at_border"] += not (whole[true, a] and whole[true, b])
            held.switched.append(
                {"field": name, "true": true, "visits": (a, b), "ids": (before, now),
                 "y": float(truth.y_px[true, b]), "x": float(truth.x_px[true, b])}
            )  # fmt: skip


def _count_losses(
    held: Held, truth: Truth, found: Sightings, calls: dict[str, Any], said: dict[int, int]
) -> None:
    for true, sightings in _by_neuron(truth, found).items():
        last, name = sightings[-1]
        row = said.get(name)
        if row is None or last + 1 >= truth.time_h.size:
            continue
        lost = str(calls["outcome"][row]) == "lost"
        alive = truth.time_h[last + 1] < truth.death_h[true]
        held.counts["losses"] += bool(lost and alive and truth.whole(last + 1)[true])


def _count_false(
    held: Held, truth: Truth, found: Sightings, calls: dict[str, Any], said: dict[int, int]
) -> None:
    for name, places in found.items():
        row = said.get(name)
        called_at = np.nan if row is None else float(calls["called_at_h"][row])
        if not np.isfinite(called_at):
            continue
        before = [true for k, true in sorted(places.items()) if truth.time_h[k] <= called_at]
        stood = [true for true in before if 0 <= true < truth.death_h.size]
        if stood and called_at < truth.death_h[stood[-1]]:
            held.counts["false"] += 1
            held.counts["false_by_switch"] += len(set(stood)) > 1


def figures(held: Held) -> dict[str, Any]:
    """Return the figures of a plate; rates are per cent and neuron-day, with exact limits."""
    days, c = max(held.days, 1e-9), held.counts
    rates = {}
    for name in ("switches", "losses", "false_by_switch"):
        limits = poisson_limits(c[name])
        rates[name] = c[name]
        rates[f"{name}_percent"] = 100.0 * c[name] / days
        rates[f"{name}_percent_limits"] = [100.0 * limit / days for limit in limits]
    return {
        "identity_days": held.days,
        "seen_neurons": c["neurons"],
        **rates,
        "switches_at_border": c["switches_at_border"],
        "switches_and_losses_percent": 100.0 * (c["switches"] + c["losses"]) / days,
        "ids": c["ids"],
        "phantoms": c["phantoms"],
        "phantoms_at_risk": c["phantoms_at_risk"],
        "phantoms_percent": 100.0 * c["phantoms"] / max(c["neurons"], 1),
        "phantoms_at_risk_percent": 100.0 * c["phantoms_at_risk"] / max(c["neurons"], 1),
        "switched": held.switched,
    }
