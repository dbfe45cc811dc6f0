"""One neuron's whole trace in, the likelihood of each onset and rise time out.

Looks at later values too, so it dates a death; it never makes a call.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.baseline import (
    LEVEL_FLOOR,
    Noise,
    _begin,
    _first,
    _normal,
    _predict,
    _unusual,
    _update,
    _variance,
)

Floats = NDArray[np.float64]

VISITS_BEFORE = 150
"""Visits before a call among which its onset is sought."""
AFTER_H = 3.0
"""Later values, h after the call, that date a death."""
AT_LEAST = 4
"""Visits after the call that date a death at least."""


class Trace(NamedTuple):
    """A neuron's measured visits in time order, as in `baseline.predict_visit`."""

    time_h: Floats
    value: Floats
    fill: Floats
    fixed: Floats
    slope: Floats
    relative: Floats


@njit(cache=True, nogil=True)
def _advance(x: NDArray[np.float64], p: NDArray[np.float64], dt_h: float, noise: Noise) -> None:
    """Move the state (level, trend, drift, amplitude) on; P is (4, 4)."""
    phi = math.exp(-dt_h / noise.drift_tau_h)
    x[0] += dt_h * x[1]
    x[2] *= phi
    level = max(x[0], LEVEL_FLOOR)
    for k in range(4):
        p[0, k] += dt_h * p[1, k]
    for k in range(4):
        p[k, 0] += dt_h * p[k, 1]
    for k in range(4):
        p[2, k] *= phi
    for k in range(4):
        p[k, 2] *= phi
    p[0, 0] += (level * noise.walk_per_sqrt_h) ** 2 * dt_h
    p[2, 2] += (noise.drift * level) ** 2 * (1.0 - phi * phi)


@njit(cache=True, nogil=True)
def _absorb(
    x: NDArray[np.float64],
    p: NDArray[np.float64],
    c: NDArray[np.float64],
    e: float,
    s: float,
    trust: float,
) -> None:
    """Take an innovation in: x <- x + K e, P <- P - K (P c)'; ``c`` is overwritten by P c."""
    pc = np.zeros(4)
    for i in range(4):
        for j in range(4):
            pc[i] += p[i, j] * c[j]
    for i in range(4):
        gain = trust * pc[i] / s
        x[i] += gain * e
        for j in range(4):
            p[i, j] -= gain * pc[j]


@njit(cache=True, nogil=True)
def _keep(
    states: NDArray[np.float64],
    covs: NDArray[np.float64],
    i: int,
    x: NDArray[np.float64],
    p: NDArray[np.float64],
) -> None:
    """Keep a baseline; plain loops compile faster than slices."""
    for k in range(3):
        states[i, k] = x[k]
    for k in range(6):
        covs[i, k] = p[k]


@njit(cache=True, nogil=True)
def _tail(
    start: int,
    x: NDArray[np.float64],
    p: NDArray[np.float64],
    onset_h: float,
    tau_h: float,
    time_h: NDArray[np.float64],
    value: NDArray[np.float64],
    fill: NDArray[np.float64],
    fixed: NDArray[np.float64],
    slope: NDArray[np.float64],
    relative: NDArray[np.float64],
    noise: Noise,
) -> float:
    """Return the log density of the values after visit ``start`` under one onset."""
    c = np.ones(4)
    c[1] = 0.0
    total = 0.0
    for i in range(start + 1, time_h.size):
        _advance(x, p, time_h[i] - time_h[i - 1], noise)
        c[3] = 1.0 - math.exp(-max(time_h[i] - onset_h, 0.0) / tau_h)
        y = x[0] + x[2] + c[3] * x[3]
        s = _variance(y, value[i], fixed[i], slope[i], relative[i], noise.white)
        for k in range(4):
            for j in range(4):
                s += c[k] * p[k, j] * c[j]
        e = value[i] - fill[i] * y
        spread = noise.scale * s
        good = (1.0 - noise.tail - noise.outlier) * _normal(e, spread)
        bad = _unusual(e, spread, max(x[0], LEVEL_FLOOR), noise.tail, noise.outlier)
        total += math.log(good + bad)
        _absorb(x, p, c, e, s, good / (good + bad))
    return total


@njit(cache=True, nogil=True)
def onset_likelihood(
    time_h: NDArray[np.float64],
    value: NDArray[np.float64],
    fill: NDArray[np.float64],
    fixed: NDArray[np.float64],
    slope: NDArray[np.float64],
    relative: NDArray[np.float64],
    noise: Noise,
    onset_h: NDArray[np.float64],
    tau_h: NDArray[np.float64],
    amplitude: float,
    amplitude_sd: float,
) -> NDArray[np.float64]:
    """Return the log likelihood of each onset and time constant for one trace.

    Parameters
    ----------
    time_h, value, fill, fixed, slope, relative : (n,) float64
        The neuron's measured visits in time order, as in `baseline.predict_visit`; n > 0.
    noise : Noise
        Noise of living neurons; ``scale`` is this neuron's own.
    onset_h : (a,) float64
        Onsets, not before ``time_h[0]``.
    tau_h : (b,) float64
        Time constants of the exponential approach.
    amplitude, amplitude_sd : float
        Prior of the amplitude, in baselines.

    Returns
    -------
    (a, b) float64
        Log likelihood; the baseline and the amplitude are integrated out.

    Notes
    -----
    Before an onset all hypotheses share one filter, which runs once. Cost is linear in
    onsets x time constants x visits after the onset.
    """
    n = time_h.size
    states = np.empty((n, 3))
    covs = np.empty((n, 6))
    past = np.zeros(n)
    gain = np.empty(3)
    x = np.empty(3)
    p = np.empty(6)
    first, rel = _first(value[0], fill[0], fixed[0], relative[0])
    _begin(x, p, first, rel, noise, noise.white, noise.drift)
    _keep(states, covs, 0, x, p)
    for i in range(1, n):
        _predict(x, p, time_h[i] - time_h[i - 1], noise, noise.drift)
        y = x[0] + x[2]
        v = _variance(y, value[i], fixed[i], slope[i], relative[i], noise.white)
        s = p[0] + 2.0 * p[2] + p[5] + v
        e = value[i] - fill[i] * y
        spread = noise.scale * s
        good = (1.0 - noise.tail - noise.outlier) * _normal(e, spread)
        bad = _unusual(e, spread, max(x[0], LEVEL_FLOOR), noise.tail, noise.outlier)
        past[i] = past[i - 1] + math.log(good + bad)
        _update(x, p, gain, e, s, good / (good + bad))
        _keep(states, covs, i, x, p)
    out = np.empty((onset_h.size, tau_h.size))
    state = np.empty(4)
    cov = np.zeros((4, 4))
    for a in range(onset_h.size):
        start = 0
        while start + 1 < n and time_h[start + 1] <= onset_h[a]:
            start += 1
        level = max(states[start, 0], LEVEL_FLOOR)
        for b in range(tau_h.size):
            k = 0
            for i in range(3):
                state[i] = states[start, i]
                cov[i, 3] = 0.0
                cov[3, i] = 0.0
                for j in range(i, 3):
                    cov[i, j] = covs[start, k]
                    cov[j, i] = covs[start, k]
                    k += 1
            state[3] = amplitude * level
            cov[3, 3] = (amplitude_sd * level) ** 2
            out[a, b] = past[start] + _tail(
                start, state, cov, onset_h[a], tau_h[b],
                time_h, value, fill, fixed, slope, relative, noise,
            )  # fmt: skip
    return out


def date_onset(
    trace: Trace,
    called_h: float,
    noise: Noise,
    amplitude: tuple[float, float],
    tau_h: Floats,
    tau_prior: Floats,
) -> tuple[float, float, float, float, float]:
    """Date a called death from its whole trace.

    Parameters
    ----------
    trace : Trace
        The neuron's measured visits, later ones too.
    called_h : float
        The visit at which it was called, h.
    noise : Noise
        Noise of living neurons; ``scale`` is this neuron's own.
    amplitude : (float, float)
        Prior mean and standard deviation of the amplitude, in baselines.
    tau_h, tau_prior : (b,) float64
        Time constants, h, and their prior.

    Returns
    -------
    tuple of float
        Median, 2.5 % and 97.5 % of the onset's posterior, h, and the visits around the
        median. All onsets between the first visit and the call are equally likely before.
        Where none of them explains the visits after the call better than none at all, the
        death came later, and onsets are sought from there on.
    """
    time_h = trace.time_h
    call = int(np.searchsorted(time_h, called_h, side="right")) - 1
    if call < 1:
        return called_h, called_h, called_h, np.nan, called_h
    few = np.arange(1, tau_h.size, 3)
    prior = np.log(tau_prior)

    def weighed(call: int, latest: int) -> tuple[Trace, Floats, Floats]:
        """Return what dates onsets up to a visit, the visits around them, and their likelihood.

        The last is of no onset at all.
        """
        low = max(0, call - VISITS_BEFORE)
        part = Trace(*(a[low : _dated_with(time_h, call)] for a in trace))
        edges = time_h[low : latest + 1]
        onsets = np.append(0.5 * (edges[1:] + edges[:-1]), part.time_h[-1])
        coarse = onset_likelihood(*part, noise, onsets, tau_h[few], *amplitude)
        return part, edges, (coarse + prior[few]).max(axis=1)

    part, edges, best = weighed(call, call)
    later = call
    # What was called may have been over at once, and the death have come later.
    while best[:-1].max() < best[-1] and later + 1 < min(time_h.size, call + VISITS_BEFORE):
        later = min(later + AT_LEAST, time_h.size - 1)
        part, edges, best = weighed(later, min(_dated_with(time_h, later), time_h.size) - 1)
    if best[:-1].max() < best[-1]:
        part, edges, best = weighed(call, call)
    best = best[:-1]
    likely = np.flatnonzero(best > best.max() - 12.0)
    first, last = max(int(likely[0]) - 1, 0), min(int(likely[-1]) + 1, best.size - 1)
    grid, width = _fine_grid(edges[first : last + 2])
    fine = onset_likelihood(*part, noise, grid, tau_h, *amplitude)
    fine += prior
    mass = np.exp(fine - fine.max()).sum(axis=1) * width
    total = np.concatenate([[0.0], np.cumsum(mass)])
    ends = np.concatenate([grid - 0.5 * width, [grid[-1] + 0.5 * width[-1]]])
    low_h, death_h, high_h = np.interp([0.025, 0.5, 0.975], total / total[-1], ends)
    after = int(np.searchsorted(time_h, death_h, side="right"))
    after = min(max(after, 1), time_h.size - 1)
    return death_h, low_h, high_h, float(time_h[after - 1]), float(time_h[after])


def _dated_with(time_h: Floats, call: int) -> int:
    """Return the end of the visits, from a call on, that date its onset."""
    return max(
        int(np.searchsorted(time_h, time_h[call] + AFTER_H, side="right")), call + 1 + AT_LEAST
    )


def _fine_grid(edges: Floats) -> tuple[Floats, Floats]:
    """Return onsets about a minute apart, 4 to 12 per interval, and their widths."""
    steps = np.diff(edges)
    counts = np.clip(np.ceil(steps * 60.0), 4, 12).astype(np.int64)
    width = np.repeat(steps / counts, counts)
    start = np.repeat(edges[:-1], counts)
    nth = np.concatenate([np.arange(c) for c in counts.tolist()])
    return start + (nth + 0.5) * width, width
