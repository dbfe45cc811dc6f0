"""The same detector on the same neurons, had their images been measured without any loss.

Every true neuron in view is measured at its true place with its own electrons, the photon
noise of its light and of the background under it, and the noise of reading: no outline, no
identity, no registration can be wrong. What the detector needs for these is what it needs;
what it needs more for the frames is what the image core costs. Unlike the information bound
it does not know the laws: spoilt visits, transients and the neuron's own noise are learnt.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from frames.tally import LEFT_H, MISSED_H
from frames.truth import Truth, dark_of, truth_of
from livedeath.detection import Scorer
from livedeath.model.frame import FieldKey
from livedeath.model.plan import PlannedVisit
from livedeath.simulation.world import World

Floats = NDArray[np.float64]


def ideal_figures(world: World, visits: list[PlannedVisit]) -> dict[str, float]:
    """Score a plate's true light and count as the frames' deaths are counted.

    Returns
    -------
    dict of str to float
        ``delay_h`` (mean; a missed death counts as 24 h) of ``deaths``, the share ``found``,
        and ``false`` calls in ``neuron_days``.
    """
    truths: dict[FieldKey, Truth] = {}
    called: dict[FieldKey, Floats] = {}
    scorer = Scorer(world.study.analysis, "indicator_rise")
    rng = np.random.default_rng(world.parameters.seed)
    first: Counter[FieldKey] = Counter()
    for visit in visits:
        key = visit.field
        if key not in truths:
            own = [other for other in visits if other.field == key]
            truths[key] = truth_of(world, own)
            called[key] = np.full(truths[key].death_h.size, np.nan)
        truth, k = truths[key], first[key]
        first[key] += 1
        who = np.flatnonzero(truth.in_view)
        base = 1_000_000 * list(truths).index(key)
        (signal, signal_sd), (fill, fill_sd) = _measured(truth, world, k, who, rng)
        told = scorer.push(
            visit.planned_h, base + who, signal, signal_sd=signal_sd, reference=fill,
            reference_sd=fill_sd, well=np.full(who.size, key.well),
        )  # fmt: skip
        called[key][np.asarray(told) - base] = visit.planned_h
    return _counted(truths, called)


def _measured(
    truth: Truth, world: World, k: int, who: NDArray[np.int64], rng: np.random.Generator
) -> list[tuple[Floats, Floats]]:
    """Return light and its standard deviation in the indicator and the fill, electrons."""
    dark = dark_of(truth, world)[who]
    pairs = []
    for light in (truth.signal[who, k], truth.fill[who, k]):
        sd = np.sqrt(light + dark)
        pairs.append((light + sd * rng.standard_normal(who.size), sd))
    return pairs


def _counted(truths: dict[FieldKey, Truth], called: dict[FieldKey, Floats]) -> dict[str, float]:
    delays: list[float] = []
    found = false = 0
    days = 0.0
    for key, truth in truths.items():
        end_h = float(truth.time_h[-1])
        for k in np.flatnonzero(truth.in_view & (truth.death_h > truth.time_h[0])).tolist():
            death, at = float(truth.death_h[k]), float(called[key][k])
            days += (min(death, end_h, at if np.isfinite(at) else np.inf) - truth.time_h[0]) / 24.0
            if at < death:
                false += 1
            elif death <= end_h - LEFT_H:
                found += np.isfinite(at)
                delays.append(min(at - death, MISSED_H) if np.isfinite(at) else MISSED_H)
    return {
        "deaths": len(delays),
        "found": found / max(len(delays), 1),
        "delay_h": float(np.mean(delays)) if delays else float("nan"),
        "false": false,
        "neuron_days": days,
    }
