"""A living neuron's baseline, followed by a Kalman filter.

Values of one visit in, predictions and the log likelihoods of noise models out. The state
is level (in population medians), trend per hour and slow drift; ``P`` is kept as the six
numbers LL, LT, LD, TT, TD, DD. Nothing here knows what a death looks like.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.elementary import LOG_SERIES_TOP, exp_below_zero, log_near_one

LEVEL_FLOOR = 0.02
"""Smallest baseline that scales noise and templates, in population medians."""
TAIL = 9.0
"""Variance of the wide tails of the noise, in variances of the noise."""
LARGEST = 1e6
"""Values, in levels of the population, are cut here: more is no measurement."""


LEAST_FILL = 0.3
"""Smallest fill, in its smoothed level, that a first value is divided by."""


class Baselines(NamedTuple):
    """Kalman filters, one row per neuron; changed in place.

    ``alive`` is the weight of nothing having happened, beside which those of deaths and
    transients stand.
    """

    visits: NDArray[np.int64]
    last_h: NDArray[np.float64]
    state: NDArray[np.float64]
    cov: NDArray[np.float64]
    squares: NDArray[np.float64]
    streak: NDArray[np.int64]
    alive: NDArray[np.float64]


class Noise(NamedTuple):
    """What is known of living neurons; fractions of the level unless a unit is named.

    ``transients_per_day`` holds the rate of each template of a transient.
    ``spared_per_h`` is the share of outliers per hour that the false alarms asked for can
    afford: it is taken off the learnt share, so that protection costs no delay where there
    is nothing to protect from.
    """

    white: float
    drift: float
    drift_tau_h: float
    walk_per_sqrt_h: float
    trend_per_h: float
    population: float
    spread: float
    tail: float
    outlier: float
    transients_per_day: NDArray[np.float64]
    deaths_per_day: float
    scale: float
    scale_visits: float
    spared_per_h: float


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _cut(
    value: float, fill: float, fixed: float, slope: float, relative: float
) -> tuple[float, float, float, float, float]:
    """Return a measurement cut to what can be one, so that no sum or square overflows."""
    return (
        min(max(value, -LARGEST), LARGEST),
        min(max(fill, -LARGEST), LARGEST),
        min(max(fixed, 0.0), LARGEST * LARGEST),
        min(max(slope, 0.0), LARGEST),
        min(max(relative, 0.0), LARGEST),
    )


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _variance(
    level: float, value: float, fixed: float, slope: float, relative: float, white: float
) -> float:
    """Return the variance of a value whose mean is ``level``."""
    photons = max(fixed + slope * (level - value), 0.1 * fixed)
    return photons + level * level * (relative * relative + white * white) + 1e-12


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _normal(e: float, s: float) -> float:
    return math.exp(-0.5 * e * e / s) / math.sqrt(2.0 * math.pi * s)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _far(e: float, s: float, level: float) -> float:
    """Return the density of an outlier, a Cauchy law wider than the noise and the level."""
    width = math.sqrt(0.49 * level * level + TAIL * s)
    return width / math.pi / (width * width + e * e)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _unusual(e: float, s: float, level: float, tail: float, outlier: float) -> float:
    """Return the density of what the noise does not explain: wide tails and outliers."""
    return tail * _normal(e, TAIL * s) + outlier * _far(e, s, level)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _first(value: float, fill: float, fixed: float, relative: float) -> tuple[float, float]:
    """Return a neuron's first value, for a fill of 1, and its relative variance."""
    first = value / max(fill, LEAST_FILL)
    return first, fixed / (first * first + 1e-12) + relative * relative


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _begin(
    x: NDArray[np.float64],
    p: NDArray[np.float64],
    value: float,
    rel_var: float,
    noise: Noise,
    white: float,
    drift: float,
) -> float:
    """Set the baseline from the first value and the population; return its log density.

    The population is lognormal, so the update is made on the log where the value is
    measured to better than a half, else on the linear scale: what is known of the level is
    then a part of the population's, however low the value fell.
    """
    m = noise.population
    logarithmic = value > 0.0 and rel_var < 0.25
    if logarithmic:
        d = math.log(value / m)
        r = rel_var + white * white
    else:
        d = (value - m) / m
        r = rel_var * (value * value + 1e-12) / (m * m) + white * white
    v = noise.spread * noise.spread
    w = drift * drift
    s = v + w + r
    step = v / s * d
    level = max(m * (math.exp(step) if logarithmic else 1.0 + step), LEVEL_FLOOR)
    size = level if logarithmic else m
    x[0] = level
    x[1] = 0.0
    x[2] = size * min(max(w / s * d, -2.0 * drift), 2.0 * drift)
    k = size * size
    p[0] = k * (v - v * v / s)
    p[1] = 0.0
    p[2] = -k * v * w / s
    p[3] = k * noise.trend_per_h * noise.trend_per_h
    p[4] = 0.0
    p[5] = k * (w - w * w / s)
    return -0.5 * (d * d / s + math.log(s))


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _predict(
    x: NDArray[np.float64], p: NDArray[np.float64], dt_h: float, noise: Noise, drift: float
) -> None:
    """Move a baseline on by ``dt_h``: x <- F x, P <- F P F' + Q."""
    phi = math.exp(-dt_h / noise.drift_tau_h)
    x[0] += dt_h * x[1]
    x[2] *= phi
    level = max(x[0], LEVEL_FLOOR)
    p[0] += dt_h * (2.0 * p[1] + dt_h * p[3]) + (level * noise.walk_per_sqrt_h) ** 2 * dt_h
    p[1] += dt_h * p[3]
    p[2] = phi * (p[2] + dt_h * p[4])
    p[4] *= phi
    p[5] = phi * phi * p[5] + (drift * level) ** 2 * (1.0 - phi * phi)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _update(
    x: NDArray[np.float64],
    p: NDArray[np.float64],
    gain: NDArray[np.float64],
    e: float,
    s: float,
    trust: float,
) -> None:
    """Take the innovation ``e`` of variance ``s`` in, as far as it is trusted."""
    c0 = p[0] + p[2]
    c1 = p[1] + p[4]
    c2 = p[2] + p[5]
    gain[0] = trust * c0 / s
    gain[1] = trust * c1 / s
    gain[2] = trust * c2 / s
    for i in range(3):
        x[i] += gain[i] * e
    p[0] -= gain[0] * c0
    p[1] -= gain[0] * c1
    p[2] -= gain[0] * c2
    p[3] -= gain[1] * c1
    p[4] -= gain[1] * c2
    p[5] -= gain[2] * c2


@njit(cache=True, nogil=True, error_model="numpy")
def predict_visit(
    rows: NDArray[np.int64],
    time_h: float,
    value: NDArray[np.float64],
    fill: NDArray[np.float64],
    fixed: NDArray[np.float64],
    slope: NDArray[np.float64],
    relative: NDArray[np.float64],
    base: Baselines,
    noise: Noise,
) -> NDArray[np.float64]:
    """Predict each neuron's value at a visit; changes nothing.

    Parameters
    ----------
    rows : (n,) int64
        Rows of ``base``; only those with ``visits > 0`` are predicted.
    time_h : float
        Time of the visit, h; not before ``base.last_h``.
    value, fill : (n,) float64
        Signal over the smoothed reference, and reference over the smoothed reference;
        finite. The innovation is ``value - fill * predicted``, which stays symmetric
        where the plain ratio of two noisy numbers would not. Without a reference 1.
    fixed, slope, relative : (n,) float64
        Variance of the value, the slope of that variance over the value, and the
        reference's relative standard deviation; finite.
    base : Baselines
        Filters of all neurons.
    noise : Noise
        Noise of living neurons.

    Returns
    -------
    (n, 3) float64
        Predicted value, its variance, level; NaN where nothing is known yet.
    """
    out = np.full((rows.size, 3), np.nan)
    x = np.empty(3)
    p = np.empty(6)
    for i in range(rows.size):
        r = rows[i]
        if base.visits[r] == 0:
            continue
        for k in range(3):
            x[k] = base.state[r, k]
        for k in range(6):
            p[k] = base.cov[r, k]
        _predict(x, p, time_h - base.last_h[r], noise, noise.drift)
        y = x[0] + x[2]
        val, _, fix, steep, rel = _cut(value[i], fill[i], fixed[i], slope[i], relative[i])
        v = _variance(y, val, fix, steep, rel, noise.white)
        out[i, 0] = y
        out[i, 1] = p[0] + 2.0 * p[2] + p[5] + v
        out[i, 2] = max(x[0], LEVEL_FLOOR)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def model_visit(
    rows: NDArray[np.int64],
    time_h: float,
    value: NDArray[np.float64],
    fill: NDArray[np.float64],
    fixed: NDArray[np.float64],
    slope: NDArray[np.float64],
    relative: NDArray[np.float64],
    base: Baselines,
    noise: Noise,
    white: NDArray[np.float64],
    drift: NDArray[np.float64],
    state: NDArray[np.float64],
    cov: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Run one filter per noise model; return each model's log predictive density.

    The filters are those of `_predict` and `_update`, written so that several models are
    worked on at a time.

    Parameters
    ----------
    rows, time_h, value, fill, fixed, slope, relative, base, noise
        As in `predict_visit`; called before `score_visit` moves ``base`` on.
    white, drift : (m,) float64
        The models: white noise and drift, fractions of the level.
    state : (N, 3, m) float64
        Filters' states, changed in place.
    cov : (N, 6, m) float64
        Filters' covariances, changed in place.

    Returns
    -------
    (n, m) float64
        Log density with outlier tails, over that of the middle model; 0 at a neuron's first
        visit, which says nothing about the noise.
    """
    n = white.size
    out = np.zeros((rows.size, n))
    usual = 1.0 - noise.tail - noise.outlier
    x, p = np.zeros(3), np.zeros(6)
    for i in range(rows.size):
        r = rows[i]
        val, share, fix, steep, own = _cut(value[i], fill[i], fixed[i], slope[i], relative[i])
        if base.visits[r] == 0:
            first, rel = _first(val, share, fix, own)
            for m in range(n):
                _begin(x, p, first, rel, noise, white[m], drift[m])
                for k in range(3):
                    state[r, k, m] = x[k]
                for k in range(6):
                    cov[r, k, m] = p[k]
            continue
        dt = time_h - base.last_h[r]
        phi = math.exp(-dt / noise.drift_tau_h)
        walk = noise.walk_per_sqrt_h * noise.walk_per_sqrt_h * dt
        renewed = 1.0 - phi * phi
        least_photons = 0.1 * fix
        lowest, highest = math.inf, 0.0
        for m in range(n):
            level = state[r, 0, m] + dt * state[r, 1, m]
            moved = phi * state[r, 2, m]
            y = level + moved
            now = max(level, LEVEL_FLOOR)
            ll = cov[r, 0, m] + dt * (2.0 * cov[r, 1, m] + dt * cov[r, 3, m]) + now * now * walk
            lt = cov[r, 1, m] + dt * cov[r, 3, m]
            ld = phi * (cov[r, 2, m] + dt * cov[r, 4, m])
            td = phi * cov[r, 4, m]
            dd = phi * phi * cov[r, 5, m] + drift[m] * drift[m] * now * now * renewed
            c0, c1, c2 = ll + ld, lt + td, ld + dd
            photons = max(fix + steep * (y - val), least_photons)
            s = max(c0 + c2, 0.0) + photons + y * y * (own * own + white[m] * white[m]) + 1e-12
            e = val - share * y
            inverse = 1.0 / s
            square = e * e * inverse
            peak = math.sqrt(inverse) * (1.0 / math.sqrt(2.0 * math.pi))
            good = usual * peak * exp_below_zero(-0.5 * square)
            wide = noise.tail * peak / math.sqrt(TAIL) * exp_below_zero(-0.5 / TAIL * square)
            width2 = 0.49 * now * now + TAIL * s
            far = noise.outlier / math.pi * math.sqrt(width2) / (width2 + e * e)
            density = good + wide + far
            trust = good / density * inverse
            state[r, 0, m] = level + trust * c0 * e
            state[r, 1, m] += trust * c1 * e
            state[r, 2, m] = moved + trust * c2 * e
            cov[r, 0, m] = ll - trust * c0 * c0
            cov[r, 1, m] = lt - trust * c0 * c1
            cov[r, 2, m] = ld - trust * c0 * c2
            cov[r, 3, m] -= trust * c1 * c1
            cov[r, 4, m] = td - trust * c1 * c2
            cov[r, 5, m] = dd - trust * c2 * c2
            out[i, m] = density
        # Only their ratios count, so that logarithms are taken of numbers near one.
        middle = out[i, n // 2]
        for m in range(n):
            q = out[i, m] / middle
            lowest, highest = min(lowest, q), max(highest, q)
            out[i, m] = q
        near = lowest > 1.0 / LOG_SERIES_TOP and highest < LOG_SERIES_TOP
        for m in range(n):
            out[i, m] = log_near_one(out[i, m]) if near else math.log(max(out[i, m], 1e-300))
    return out
