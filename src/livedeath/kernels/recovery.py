"""One called neuron's whole trace in, the evidence that it died or came back out.

Two courses are weighed visit by visit. *Died*: the signal stays where it went, or leaks away
to nothing. *Came back*: it returned to the neuron's own baseline, at once or as a transient
decays, and stays there. Looks at later values too, so it may take a call back; it never makes
one.
"""

import math

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

CHANGE_PER_SQRT_H = 0.5
"""How fast a changed signal wanders, fraction of itself, until it settles, leaks or returns."""
UNEVEN = 0.1
"""How uneven a leak or decay is: the fraction of itself by which it strays over one time
constant."""
SETTLES = 0.2
"""Chance, per visit, that a changed signal settles, begins to leak, or returns."""
STILL_CHANGED = 0.5
"""Share of its largest change at which a signal may settle or begin to leak: one that fell
farther was falling to nothing."""
FIRST_SD = 3.0
"""How far a changed signal may stand from the baseline, in baselines."""
NEAR_SD = 3.0
"""A value so many of its standard deviations from the prediction lies within the noise."""
HOPELESS = 20.0
"""A course so far behind the best, ln, is followed no more."""
ALIKE = 0.01
"""Two leaks of one time constant that stand so close, in their standard deviations, and are so
nearly as certain, are followed as one."""


@njit(cache=True, nogil=True, error_model="numpy")
def _density(e: float, s: float, level: float, noise: Noise) -> tuple[float, float]:
    """Return the log density of an innovation, and how far it is trusted."""
    spread = noise.scale * s
    good = (1.0 - noise.tail - noise.outlier) * _normal(e, spread)
    both = good + _unusual(e, spread, level, noise.tail, noise.outlier) + 1e-300
    return math.log(both), good / both


@njit(cache=True, nogil=True, error_model="numpy")
def _added(a: float, b: float) -> float:
    """Return the log of a sum whose terms are given as logs."""
    high, low = max(a, b), min(a, b)
    return high if low == -np.inf else high + math.log1p(math.exp(low - high))


@njit(cache=True, nogil=True, error_model="numpy")
def _see(
    m: float,
    v: float,
    zero: float,
    value: float,
    fill: float,
    fixed: float,
    slope: float,
    relative: float,
    noise: Noise,
) -> tuple[float, float, float]:
    """Take a value in where the signal is ``m`` above zero; return its density and the rest."""
    y = zero + m
    s = v + _variance(y, value, fixed, slope, relative, noise.white)
    e = value - fill * y
    density, trust = _density(e, s, max(abs(y), LEVEL_FLOOR), noise)
    # Never below nothing: where the value is nearly exact, the difference would cancel.
    return density, m + trust * v / s * e, v * max(1.0 - trust * v / s, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _return(
    x: NDArray[np.float64],
    p: NDArray[np.float64],
    gain: NDArray[np.float64],
    rest: NDArray[np.float64],
    value: float,
    fill: float,
    fixed: float,
    slope: float,
    relative: float,
    noise: Noise,
) -> tuple[float, bool, bool]:
    """Take a value into a baseline on which the rest of a transient stands.

    Returns its log density, whether the rest is lost in the noise, and whether the value lies
    within the noise of the baseline. ``rest`` is the mean and the variance of the rest; it
    and the baseline are corrected as if they were independent.
    """
    y = x[0] + x[2] + rest[0]
    own = p[0] + 2.0 * p[2] + p[5]
    s = own + rest[1] + _variance(y, value, fixed, slope, relative, noise.white)
    e = value - fill * y
    density, trust = _density(e, s, max(x[0], LEVEL_FLOOR), noise)
    still = rest[0] * rest[0] > noise.scale * s
    off = e + fill * rest[0]
    near = off * off <= NEAR_SD * NEAR_SD * noise.scale * s
    _update(x, p, gain, e, s, trust)
    rest[0] += trust * rest[1] / s * e
    rest[1] *= max(1.0 - trust * rest[1] / s, 0.0)
    return density, not still, near


@njit(cache=True, nogil=True, error_model="numpy")
def _live(
    x: NDArray[np.float64],
    p: NDArray[np.float64],
    gain: NDArray[np.float64],
    value: float,
    fill: float,
    fixed: float,
    slope: float,
    relative: float,
    noise: Noise,
) -> float:
    """Take a value into a baseline; return its log density."""
    y = x[0] + x[2]
    s = p[0] + 2.0 * p[2] + p[5] + _variance(y, value, fixed, slope, relative, noise.white)
    e = value - fill * y
    density, trust = _density(e, s, max(x[0], LEVEL_FLOOR), noise)
    _update(x, p, gain, e, s, trust)
    return density


@njit(cache=True, nogil=True, error_model="numpy")
def change_likelihood(
    time_h: NDArray[np.float64],
    value: NDArray[np.float64],
    fill: NDArray[np.float64],
    fixed: NDArray[np.float64],
    slope: NDArray[np.float64],
    relative: NDArray[np.float64],
    noise: Noise,
    zero: float,
    earliest: int,
) -> NDArray[np.float64]:
    """Return the log likelihood that a trace's signal changed from each visit on.

    Parameters
    ----------
    time_h, value, fill, fixed, slope, relative : (n,) float64
        The neuron's measured visits in time order, as in `baseline.predict_visit`.
    noise, zero
        As in `weigh_return`.
    earliest : int
        First visit that may be changed, 1..n-1.

    Returns
    -------
    (n,) float64
        Minus infinity before ``earliest``. A changed signal is a random walk of any shape.
    """
    n = time_h.size
    out = np.full(n, -np.inf)
    x, p, gain = np.empty(3), np.empty(6), np.empty(3)
    start, rel = _first(value[0], fill[0], fixed[0], relative[0])
    _begin(x, p, start, rel, noise, noise.white, noise.drift)
    past = 0.0
    for i in range(1, n):
        if i >= earliest:
            m, v = x[0] + x[2] - zero, (FIRST_SD * max(x[0], LEVEL_FLOOR)) ** 2
            total = past
            for j in range(i, n):
                dt = time_h[j] - time_h[j - 1]
                v += (CHANGE_PER_SQRT_H * max(abs(m), LEVEL_FLOOR)) ** 2 * dt
                density, m, v = _see(
                    m, v, zero, value[j], fill[j], fixed[j], slope[j], relative[j], noise
                )
                total += density
            out[i] = total
        _predict(x, p, time_h[i] - time_h[i - 1], noise, noise.drift)
        past += _live(x, p, gain, value[i], fill[i], fixed[i], slope[i], relative[i], noise)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh_deaths(
    dead: NDArray[np.float64],
    n: int,
    last: NDArray[np.int64],
    dt_h: float,
    zero: float,
    value: float,
    fill: float,
    fixed: float,
    slope: float,
    relative: float,
    noise: Noise,
) -> tuple[int, float]:
    """Take a value into the first ``n`` courses of corpses; return how many stay, and their sum.

    A course is a row: its log density, mean and variance of what is left, time constant, and
    the number of that. The hopeless are dropped, what is alike is followed as one.
    """
    # A corpse's signal wanders as that of the living does.
    wanders = noise.drift**2 * (1.0 - math.exp(-2.0 * dt_h / noise.drift_tau_h))
    best = -np.inf
    for k in range(n):
        stays = math.exp(-dt_h / dead[k, 3])
        m = stays * dead[k, 1]
        v = stays * stays * dead[k, 2] + (wanders + UNEVEN**2 * dt_h / dead[k, 3]) * m * m
        density, dead[k, 1], dead[k, 2] = _see(
            m, v, zero, value, fill, fixed, slope, relative, noise
        )
        dead[k, 0] += density
        best = max(best, dead[k, 0])
    kept, total = 0, -np.inf
    last[:] = -1
    for k in range(n):
        if dead[k, 0] < best - HOPELESS:
            continue
        total = _added(total, dead[k, 0])
        like = last[int(dead[k, 4])]
        if like >= 0:
            close = (dead[k, 1] - dead[like, 1]) ** 2 <= ALIKE**2 * dead[k, 2]
            if close and abs(dead[like, 2] - dead[k, 2]) <= ALIKE * dead[k, 2]:
                dead[like, 0] = _added(dead[like, 0], dead[k, 0])
                continue
        for j in range(5):
            dead[kept, j] = dead[k, j]
        last[int(dead[k, 4])] = kept
        kept += 1
    return kept, total


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh_lives(
    back: NDArray[np.float64],
    rest: NDArray[np.float64],
    states: NDArray[np.float64],
    covs: NDArray[np.float64],
    n: int,
    visit: int,
    dt_h: float,
    value: float,
    fill: float,
    fixed: float,
    slope: float,
    relative: float,
    noise: Noise,
) -> tuple[int, float, float, float]:
    """Take a value into the first ``n`` courses of neurons that came back.

    Returns how many stay, their sum, the likeliest one's visit of return, and how many visits
    it was near the baseline. A course is a row of ``back``: its log density, visit of the
    return, visits near the baseline, and time constant; of ``rest``, mean and variance of what
    is left of the transient; and its baseline, already moved on to the visit.
    """
    gain = np.empty(3)
    best, at = -np.inf, -1
    for k in range(n):
        tau = back[k, 3]
        stays = math.exp(-dt_h / tau) if tau > 0.0 else 0.0
        rest[k, 0] *= stays
        rest[k, 1] *= stays * stays
        if tau > 0.0:
            rest[k, 1] += UNEVEN**2 * dt_h / tau * rest[k, 0] ** 2
        density, over, near = _return(
            states[k], covs[k], gain, rest[k], value, fill, fixed, slope, relative, noise
        )
        back[k, 0] += density
        if over or near:
            back[k, 2] += near
        else:
            back[k, 1], back[k, 2] = visit + 1, 0.0
        if back[k, 0] >= best:
            best, at = back[k, 0], k
    if n == 0:
        return 0, -np.inf, np.nan, np.nan
    since, near_for = back[at, 1], back[at, 2]
    kept, returned = 0, -np.inf
    for k in range(n):
        if back[k, 0] >= best - HOPELESS:
            returned = _added(returned, back[k, 0])
            back[kept], rest[kept] = back[k], rest[k]
            states[kept], covs[kept] = states[k], covs[k]
            kept += 1
    return kept, returned, since, near_for


@njit(cache=True, nogil=True, error_model="numpy")
def weigh_return(
    time_h: NDArray[np.float64],
    value: NDArray[np.float64],
    fill: NDArray[np.float64],
    fixed: NDArray[np.float64],
    slope: NDArray[np.float64],
    relative: NDArray[np.float64],
    noise: Noise,
    zero: float,
    first: int,
    call: int,
    leak_h: NDArray[np.float64],
    decay_h: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Weigh, at every visit after a call, death against a return to the baseline.

    Parameters
    ----------
    time_h, value, fill, fixed, slope, relative : (n,) float64
        The neuron's measured visits in time order, as in `baseline.predict_visit`.
    noise : Noise
        Noise of living neurons; ``scale`` is this neuron's own.
    zero : float
        The value of a neuron without any signal.
    first : int
        The first visit that may belong to the change, 1..n-1; those before are the baseline.
    call : int
        The visit of the call, first..n-1.
    leak_h : (b,) float64
        Time constants of a leak, h; infinite for a signal that stays.
    decay_h : (d,) float64
        Time constants of a return, h; 0 for a return at once.

    Returns
    -------
    (n, 4) float64
        Log density of the values from ``first`` to each visit for a neuron that died, and for
        one that came back; the first visit at which the likeliest return reached the baseline,
        or what was left was to be lost in its noise; and how many visits since, up to this one,
        lie within the noise of the baseline. NaN up to ``call``.

    Notes
    -----
    Until it settles, leaks or returns the changed signal is a random walk of any shape, the
    same for both courses. Then a corpse follows ``zero + z exp(-t / leak_h)`` from where it
    stood, and a living neuron the filter of its baseline, which took in nothing since
    ``first``, with what is left of the transient on it. Courses may begin at any visit after
    the call; the hopeless ones are dropped, so the cost is linear in visits.
    """
    n, b = time_h.size, leak_h.size
    out = np.full((n, 4), np.nan)
    x, p, gain = np.empty(3), np.empty(6), np.empty(3)
    start, rel = _first(value[0], fill[0], fixed[0], relative[0])
    _begin(x, p, start, rel, noise, noise.white, noise.drift)
    for i in range(1, first):
        _predict(x, p, time_h[i] - time_h[i - 1], noise, noise.drift)
        _live(x, p, gain, value[i], fill[i], fixed[i], slope[i], relative[i], noise)

    base, most = x[0] + x[2] - zero, 0.0
    walk_m, walk_v = base, (FIRST_SD * max(x[0], LEVEL_FLOOR)) ** 2
    walk = 0.0
    d = decay_h.size
    dead, last = np.empty((n * b, 5)), np.empty(b, np.int64)
    back, rest = np.empty((n * d, 4)), np.empty((n * d, 2))
    states, covs = np.empty((n * d, 3)), np.empty((n * d, 6))
    n_dead = n_back = 0
    for i in range(first, n):
        dt = time_h[i] - time_h[i - 1]
        if i > call and abs(walk_m - base) >= STILL_CHANGED * most:
            for k in range(b):
                dead[n_dead, 0] = walk + math.log(SETTLES / b)
                dead[n_dead, 1], dead[n_dead, 2] = walk_m, walk_v
                dead[n_dead, 3], dead[n_dead, 4] = leak_h[k], k
                n_dead += 1
        n_dead, died = _weigh_deaths(
            dead, n_dead, last, dt, zero,
            value[i], fill[i], fixed[i], slope[i], relative[i], noise,
        )  # fmt: skip

        _predict(x, p, dt, noise, noise.drift)
        for k in range(n_back):
            _predict(states[k], covs[k], dt, noise, noise.drift)
        if i > call:
            for k in range(d):
                back[n_back, 0], back[n_back, 3] = walk + math.log(SETTLES / d), decay_h[k]
                back[n_back, 1], back[n_back, 2] = i, 0.0
                rest[n_back, 0], rest[n_back, 1] = walk_m + zero - x[0] - x[2], walk_v
                states[n_back], covs[n_back] = x, p
                n_back += 1
        n_back, came_back, out[i, 2], out[i, 3] = _weigh_lives(
            back, rest, states, covs, n_back, i, dt,
            value[i], fill[i], fixed[i], slope[i], relative[i], noise,
        )  # fmt: skip

        walk_v += (CHANGE_PER_SQRT_H * max(abs(walk_m), LEVEL_FLOOR)) ** 2 * dt
        density, walk_m, walk_v = _see(
            walk_m, walk_v, zero, value[i], fill[i], fixed[i], slope[i], relative[i], noise
        )
        walk += density
        most = max(most, abs(walk_m - base))
        if i > call:
            walk += math.log(1.0 - SETTLES)
            out[i, 0], out[i, 1] = _added(died, walk), came_back
    return out
