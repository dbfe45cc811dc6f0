"""How exactly an onset could be dated by who knows all laws, but not the neuron's own death.

The posterior mean over onset, fold and rise time, under their true laws and the true
variances, with the baseline unknown: no estimate has a smaller mean squared error. Where
fold and rise are the same for all neurons it stands on the Cramer-Rao bound.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from detect.oracle import Nuisance, forecast, known_of, nuisance_of, observe
from detect.traces import Traces

Floats = NDArray[np.float64]

BEFORE_H, AFTER_H = 24.0, 24.0
"""Onsets weighed before a call, and values read after it."""
COARSE = np.arange(-2.4, 2.5, 0.4)
"""Fold and rise at first, in standard deviations of their laws."""
FINE = np.linspace(-3.5, 3.5, 11)
"""Fold and rise, then onset, around what was found first, in its standard deviations."""
FINE_ONSET = np.linspace(-4.5, 4.5, 46)
LOST = 30.0
"""Log likelihood behind the best at which a hypothesis is given up."""


@njit(cache=True, nogil=True)
def _likelihood(
    states: Floats, alive: Floats, best: Floats, time_h: Floats, y: Floats, k: int, end: int,
    onset_h: float, death: tuple[float, float], light: tuple[float, float, float],
    law: Nuisance, path: Floats,
) -> float:  # fmt: skip
    """Return the log likelihood of one death up to visit ``end``; ``k`` is the first after it.

    ``states`` and ``alive`` are the living baseline after each visit and its log likelihood
    so far; ``best`` is the path of the best hypothesis, ``path`` this one's.
    """
    state = states[k - 1].copy()
    total = alive[k - 1]
    for v in range(k, end):
        path[v] = total
        if math.isnan(y[v]):
            continue
        gap = time_h[v] - time_h[v - 1]
        forecast(state, gap, law)
        rise = (death[0] - 1.0) * -math.expm1(-(time_h[v] - onset_h) / death[1])
        total += math.log(observe(state, y[v], math.log1p(rise), light[0], light[1], light[2], law))
        path[v] = total
        if total < best[v] - LOST:
            return -math.inf
    return total


@njit(cache=True, nogil=True)
def _weigh(states: Floats, alive: Floats, best: Floats, time_h: Floats, y: Floats, end: int,
           onsets: Floats, folds: Floats, rises: Floats,
           light: tuple[float, float, float], law: Nuisance, out: Floats) -> None:  # fmt: skip
    """Write the log posterior of each onset, fold and rise."""
    path = np.zeros(time_h.size)
    top = -math.inf
    for i in range(onsets.size - 1, -1, -1):
        k = int(np.searchsorted(time_h, onsets[i], side="right"))
        for a in range(folds.size):
            for b in range(rises.size):
                out[i, a, b] = -math.inf
                if k < 1 or k >= end:
                    continue
                value = _likelihood(
                    states, alive, best, time_h, y, k, end, onsets[i], (folds[a], rises[b]),
                    light, law, path,
                )  # fmt: skip
                if value > top:
                    top = value
                    best[:k] = alive[:k]
                    best[k:end] = path[k:end]
                out[i, a, b] = value


@njit(cache=True, nogil=True)
def _live(time_h: Floats, y: Floats, end: int, light: tuple[float, float, float], law: Nuisance,
          states: Floats, alive: Floats) -> None:  # fmt: skip
    """Write the living baseline after each visit, and its log likelihood so far."""
    state = np.zeros(15)
    state[0] = 1.0
    state[5], state[9], state[12] = law.level_var, law.trend_var, law.wander_var
    total = 0.0
    for v in range(end):
        if v > 0:
            forecast(state, time_h[v] - time_h[v - 1], law)
        if not math.isnan(y[v]):
            total += math.log(observe(state, y[v], 0.0, light[0], light[1], light[2], law))
        states[v], alive[v] = state, total


def _moments(log_weight: Floats, *axes: Floats) -> list[tuple[float, float]]:
    """Return mean and standard deviation along each axis of a log posterior."""
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    found = []
    for k, axis in enumerate(axes):
        share = weight.sum(axis=tuple(j for j in range(weight.ndim) if j != k))
        mean = float(share @ axis)
        found.append((mean, float(np.sqrt(max(share @ (axis - mean) ** 2, 0.0)))))
    return found


def best_dates(traces: Traces, called_h: Floats) -> Floats:
    """Return the posterior mean of the onset, h, of each neuron called; NaN of the others."""
    law, laws = traces.law, nuisance_of(traces.law)
    time_h, dt = traces.time_h, traces.law.interval_min / 60.0
    y, light, fill_var, dark = known_of(traces)
    out = np.full(called_h.size, np.nan)
    states, alive = np.zeros((time_h.size, 15)), np.zeros(time_h.size)
    for i in np.flatnonzero(np.isfinite(called_h)).tolist():
        end = int(np.searchsorted(time_h, called_h[i] + AFTER_H, side="right"))
        known = (float(light[i]), float(fill_var[i]), dark)
        _live(time_h, y[i], end, known, laws, states, alive)
        first = np.searchsorted(time_h, called_h[i] - BEFORE_H)
        last = np.searchsorted(time_h, called_h[i])
        onsets = time_h[max(first, 0) : last] + 0.5 * dt
        fold_z, rise_z = COARSE, COARSE
        best = np.full(time_h.size, -np.inf)
        for step in range(2):
            folds = 1.0 + (law.fold - 1.0) * np.exp(law.fold_sd * fold_z)
            rises = law.rise_min / 60.0 * np.exp(law.rise_sd * rise_z)
            weight = np.empty((onsets.size, folds.size, rises.size))
            _weigh(states, alive, best, time_h, y[i], end, onsets, folds, rises,
                   known, laws, weight)  # fmt: skip
            weight += (-0.5 * fold_z**2)[:, None] - 0.5 * rise_z**2
            (at, sd), (fold_at, fold_sd), (rise_at, rise_sd) = _moments(
                weight, onsets, fold_z, rise_z
            )
            if step:
                out[i] = at
                break
            onsets = at + max(sd, 0.3 * dt) * FINE_ONSET
            onsets = onsets[(onsets > time_h[0]) & (onsets < called_h[i])]
            fold_z = fold_at + max(fold_sd, 0.2) * FINE
            rise_z = rise_at + max(rise_sd, 0.2) * FINE
    return out
