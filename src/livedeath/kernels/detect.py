"""Values of one visit in, likelihood ratios of death out; the state of each neuron is moved on.

The sum of the weights of all templates of a death (`livedeath.kernels.bank`) is the
Shiryaev-Roberts statistic, whose expectation over a living neuron is the time watched.

It does not validate, choose thresholds or learn the noise; `livedeath.detection` does.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels import bank as templates
from livedeath.kernels.bank import LANES, Bank, Innovations, Shapes
from livedeath.kernels.baseline import (
    LEVEL_FLOOR,
    TAIL,
    Baselines,
    Noise,
    _begin,
    _cut,
    _far,
    _first,
    _normal,
    _predict,
    _unusual,
    _update,
    _variance,
)
from livedeath.kernels.elementary import LOG_SERIES_TOP, log_near_one

TWO_PHASES_H = 1.0 / 6.0
"""Longer intervals get two onsets, at a quarter and three quarters."""
TRANSIENT_REACH_H = 1.0
"""A transient that began earlier than this before a visit is over."""
TRANSIENT_OVER_H = 9.0
"""Age at which a transient is settled: three of the longest decays, 3 h."""
STREAK = 3
"""Outliers in a row, away from death, after which the baseline is learnt anew."""
MEMORY = 200.0
"""Visits over which a neuron's own noise is remembered."""
SURE_ALIVE = 6
"""Power of its probability of living in proportion to which a neuron's lessons are released: who
has begun to die, and may still live, teaches almost nothing. Found by simulation: with 1 the
deaths of a first day are called 1.25 times as late as the bound, with 6 1.21 times."""
LIGHTEST = 1e-30
"""Smallest density and weight that a logarithm is taken of."""
LEAST_SHARE = 1e-9
"""Outliers and wide tails are never excluded."""
TAIL_SEEN = 0.05
"""Share of the values in wide tails that look like a death: beyond the usual noise, one-sided."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]


@njit(cache=True, nogil=True, error_model="numpy")
def _foretell(
    rows: Ints,
    time_h: float,
    value: Floats,
    fill: Floats,
    fixed: Floats,
    slope: Floats,
    relative: Floats,
    base: Baselines,
    noise: Noise,
) -> tuple[Truths, Innovations]:
    """Move the baselines on to the visit and compare; begin those of neurons not seen before."""
    n = rows.size
    seen = np.zeros(n, np.bool_)
    v = np.zeros((14, n))
    gain = np.zeros((n, 3))
    for i in range(n):
        r = rows[i]
        x, p = base.state[r], base.cov[r]
        dt = time_h - base.last_h[r]
        val, share, fix, steep, own = _cut(value[i], fill[i], fixed[i], slope[i], relative[i])
        base.visits[r] += 1
        base.last_h[r] = time_h
        if base.visits[r] == 1:
            first, rel = _first(val, share, fix, own)
            _begin(x, p, first, rel, noise, noise.white, noise.drift)
            continue
        seen[i] = True
        _predict(x, p, dt, noise, noise.drift)
        y, level = x[0] + x[2], max(x[0], LEVEL_FLOOR)
        alone = _variance(y, val, fix, steep, own, noise.white)
        rest = max(p[0] + 2.0 * p[2] + p[5], 0.0)
        s = rest + alone
        visits = noise.scale_visits + base.squares[r, 1]
        scale = (noise.scale_visits * noise.scale + base.squares[r, 0]) / visits
        scale *= 1.0 + math.sqrt(2.0 / visits)
        e = val - share * y
        spared = noise.spared_per_h * dt
        outlier = max(noise.outlier - spared, LEAST_SHARE)
        tail = max(noise.tail - spared / TAIL_SEEN, LEAST_SHARE)
        usual = 1.0 - tail - outlier
        bad = max(_unusual(e, scale * s, level, tail, outlier), LIGHTEST)
        density = usual * _normal(e, scale * s) + bad
        v[0, i], v[1, i], v[2, i], v[3, i] = dt, val, fix, steep
        v[4, i] = own * own + noise.white * noise.white
        v[5, i], v[6, i], v[7, i], v[8, i], v[9, i] = rest + 1e-12, level, y, e, s
        v[10, i], v[11, i], v[12, i], v[13, i] = scale, usual, bad, density
        _update(x, p, gain[i], e, s, 1.0 - bad / density)
    return seen, Innovations(
        v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13],
        gain,
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _phases(dt_h: Floats) -> tuple[Floats, Floats]:
    """Return, (3, n), ages in hours and prior masses in days of two deaths and a transient."""
    ages, days = np.zeros((3, dt_h.size)), np.zeros((3, dt_h.size))
    for i in range(dt_h.size):
        dt, reach = dt_h[i], min(dt_h[i], TRANSIENT_REACH_H)
        long = dt > TWO_PHASES_H
        ages[0, i], days[0, i] = (0.75 if long else 0.5) * dt, (0.5 if long else 1.0) * dt / 24.0
        ages[1, i], days[1, i] = 0.25 * dt, (0.5 if long else 0.0) * dt / 24.0
        ages[2, i], days[2, i] = 0.5 * reach, reach / 24.0
    return ages, days


@njit(cache=True, nogil=True, error_model="numpy")
def _open_visit(
    rows: Ints,
    seen: Truths,
    time_h: float,
    dt_h: Floats,
    alive: Floats,
    deaths: Bank,
    transients: Bank,
    death_shapes: Shapes,
    transient_shapes: Shapes,
) -> None:
    """Open the slots of the interval that ends with this visit."""
    templates.age(deaths, rows, seen, dt_h, death_shapes)
    templates.age(transients, rows, seen, dt_h, transient_shapes)
    ages, days = _phases(dt_h)
    for k in range(2):
        templates.open_slots(deaths, rows, seen, time_h, ages[k], days[k], alive, death_shapes)
    templates.open_slots(transients, rows, seen, time_h, ages[2], days[2], alive, transient_shapes)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=LANES)
def passing(rows: Ints, transients: Bank, per_day: Floats) -> Floats:
    """Return the weight of all transients under way of each neuron, times their rates.

    Parameters
    ----------
    rows : (n,) int64
        Neurons.
    transients : Bank
        Templates of transients.
    per_day : (k,) float64
        Rate of each transient.

    Returns
    -------
    (n,) float64
        0 where none is under way.
    """
    used, order, weight = transients.used, transients.order, transients.weight
    out = np.zeros(rows.size)
    for i in range(rows.size):
        r = rows[i]
        total = 0.0
        for k in range(used[r]):
            for c in range(per_day.size):
                total += per_day[c] * weight[r, order[r, k], c]
        out[i] = total
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(
    rows: Ints,
    time_h: float,
    dt_h: Floats,
    base: Baselines,
    deaths: Bank,
    transients: Bank,
    per_day: Floats,
    living: Floats,
    dying: Floats,
    rates: Floats,
    lessons: Floats,
    first: int,
) -> None:
    """Close transients that are over; what they explained is taken from deaths before.

    ``lessons`` gains, from column ``first`` on, the log likelihood of each rate of each
    transient. The baseline loses what the transient had added to it, and having been alive
    gains the weight of having been through it.
    """
    used, order, onset_h = transients.used, transients.order, transients.onset_h
    mass, weight, mean, response = (
        transients.mass, transients.weight, transients.mean, transients.response,
    )  # fmt: skip
    state, alive = base.state, base.alive
    n = per_day.size // response.shape[2]
    for i in range(rows.size):
        r = rows[i]
        before = alive[r]
        while used[r] > 0 and time_h - onset_h[r, order[r, 0]] > TRANSIENT_OVER_H:
            s = order[r, 0]
            level, explained = state[r, 0], 0.0
            for c in range(per_day.size):
                explained += per_day[c] * (weight[r, s, c] - mass[r, s])
                part = per_day[c] * weight[r, s, c] / (living[i] + dying[i])
                part *= level * mean[r, s, c]
                for q in range(3):
                    state[r, q] -= part * response[r, s, c // n, q]
            whole = max(alive[r] + dying[i] + explained, 0.01 * (alive[r] + dying[i]))
            for c in range(per_day.size):
                excess = (weight[r, s, c] - mass[r, s]) / whole
                near = abs((rates[-1] - per_day[c]) * excess) < 0.5
                for k in range(rates.size):
                    q1 = 1.0 + (rates[k] - per_day[c]) * excess
                    lesson = log_near_one(q1) if near else math.log(max(q1, 0.01))
                    lessons[r, first + c * rates.size + k] += lesson
            alive[r] = max(alive[r] + explained, 0.01 * alive[r])
            templates.drop(order, used, r, 0)
        if alive[r] != before:
            factor = alive[r] / before
            templates.scale(deaths, r, time_h - dt_h[i], factor)
            templates.scale(transients, r, time_h - dt_h[i], factor)


@njit(cache=True, nogil=True, error_model="numpy")
def _lighten(
    rows: Ints, weight: Floats, passed: Floats, base: Baselines, deaths: Bank, transients: Bank
) -> None:
    """Bring all weights of a neuron down together where one has become too heavy."""
    for i in range(rows.size):
        r = rows[i]
        heaviest = max(weight[i], passed[i], base.alive[r])
        if heaviest > templates.HEAVY:
            factor = max(1.0 / heaviest, 1.0 / templates.HEAVIEST)
            base.alive[r] = max(base.alive[r] * factor, LIGHTEST * LIGHTEST)
            templates.scale(deaths, r, -math.inf, factor)
            templates.scale(transients, r, -math.inf, factor)


@njit(cache=True, nogil=True, error_model="numpy")
def _judge_outliers(
    rows: Ints,
    seen: Truths,
    v: Innovations,
    alive: Floats,
    away: Floats,
    outliers: Floats,
    lessons: Floats,
) -> None:
    """Add the log likelihood, were the neuron alive, of each share of wide tails and outliers.

    A death is none of what explains the value here: right after a jump it is the likeliest,
    and only the next visits tell. Until then `release` holds the lesson back.
    """
    scale, s, level, error, density = v.scale, v.s, v.level, v.e, v.density
    tails, fars = outliers[:, 0].copy(), outliers[:, 1].copy()
    for i in range(rows.size):
        if not seen[i]:
            continue
        r, n, e = rows[i], scale[i] * s[i], error[i]
        sure, wide, far = _normal(e, n), _normal(e, TAIL * n), _far(e, n, level[i])
        living = alive[i] + away[i]
        plain, rest = alive[i] / (density[i] * living), away[i] / living
        # The shares are at most a fifth, so the likelihoods are at most this far apart.
        most = plain * max(sure, wide, far) + rest
        if 0.8 * plain * sure + rest > 1.0 / LOG_SERIES_TOP and most < LOG_SERIES_TOP:
            for k in range(tails.size):
                other = tails[k] * (wide - sure) + fars[k] * (far - sure) + sure
                lessons[r, k] += log_near_one(plain * other + rest)
        else:
            for k in range(tails.size):
                other = tails[k] * (wide - sure) + fars[k] * (far - sure) + sure
                lessons[r, k] += math.log(max(plain * other + rest, LIGHTEST))


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _remember(base: Baselines, r: int, e: float, s: float, trust: float, direction: float) -> None:
    """Add a trusted innovation to the neuron's own noise.

    After several outliers in a row that cannot be a death the baseline is learnt anew.
    """
    keep = 1.0 - 1.0 / MEMORY
    base.squares[r, 0] = keep * base.squares[r, 0] + trust * e * e / s
    base.squares[r, 1] = keep * base.squares[r, 1] + trust
    base.streak[r] = base.streak[r] + 1 if trust < 0.1 and e * direction < 0.0 else 0
    if base.streak[r] >= STREAK:
        base.cov[r, 0] += (0.5 * base.state[r, 0]) ** 2
        base.streak[r] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def score_visit(
    rows: Ints,
    time_h: float,
    value: Floats,
    fill: Floats,
    fixed: Floats,
    slope: Floats,
    relative: Floats,
    base: Baselines,
    deaths: Bank,
    transients: Bank,
    noise: Noise,
    death_shapes: Shapes,
    transient_shapes: Shapes,
    outliers: Floats,
    rates: Floats,
    lessons: Floats,
) -> Floats:
    """Take one visit in: move baselines, weigh templates, return the statistics.

    Parameters
    ----------
    rows, time_h, value, fill, fixed, slope, relative, noise
        As in `predict_visit`; a row stands at most once in ``rows``.
    base, deaths, transients : Baselines, Bank, Bank
        State of all neurons, changed in place.
    death_shapes, transient_shapes : Shapes
        Templates of deaths, their priors summing to 1, and of transients that recover, each
        of prior 1: every one has its own rate.
    outliers : (a, 2) float64
        Candidate shares of wide tails and of outliers.
    rates : (b,) float64
        Candidate rates of each transient, per neuron-day.
    lessons : (N, a + k * b) float64
        Gains the log likelihood of each share of outliers, then of each rate of each of the k
        transients.

    Returns
    -------
    (n, 5) float64
        ln(R / living) with R in neuron-days; share of the living that is going through a
        transient; trust in the value, 0 to 1; normalised squared innovation; share of
        the neuron being plainly alive.

    Notes
    -----
    R <- (R + dt) * ratio, Shiryaev-Roberts: a new onset's mass is the time since the last
    value. Cost is linear in neurons and in slots x time constants x amplitudes. No finite
    input makes a result that is not: values are cut at `livedeath.kernels.baseline.LARGEST`,
    densities and weights kept between `LIGHTEST` and `livedeath.kernels.bank.HEAVIEST`.
    """
    seen, v = _foretell(rows, time_h, value, fill, fixed, slope, relative, base, noise)
    _open_visit(
        rows, seen, time_h, v.dt_h, base.alive, deaths, transients, death_shapes,
        transient_shapes,
    )  # fmt: skip
    phi = np.zeros(rows.size)
    for i in range(rows.size):
        phi[i] = math.exp(-v.dt_h[i] / noise.drift_tau_h)
    weight = templates.weigh(deaths, rows, seen, death_shapes, phi, v)
    passed = templates.weigh(transients, rows, seen, transient_shapes, phi, v)
    templates.forget(deaths, rows)
    away = passing(rows, transients, noise.transients_per_day)
    alive = base.alive[rows]
    living, dying = alive + away, noise.deaths_per_day * weight
    _judge_outliers(rows, seen, v, alive, away, outliers, lessons)
    _settle(
        rows, time_h, v.dt_h, base, deaths, transients, noise.transients_per_day, living, dying,
        rates, lessons, outliers.shape[0],
    )  # fmt: skip
    out = np.zeros((rows.size, 5))
    direction = 1.0 if death_shapes.mean[0] > 0.0 else -1.0
    for i in range(rows.size):
        out[i, 0], out[i, 2], out[i, 4] = -math.inf, 1.0, 1.0
        if seen[i]:
            out[i, 0] = math.log(max(weight[i] / living[i], LIGHTEST))
            out[i, 1] = away[i] / living[i]
            out[i, 2] = 1.0 - v.bad[i] / v.density[i]
            out[i, 3] = v.e[i] * v.e[i] / v.s[i]
            out[i, 4] = alive[i] / (living[i] + dying[i])
            _remember(base, rows[i], v.e[i], v.s[i], out[i, 2], direction)
    _lighten(rows, weight, passed, base, deaths, transients)
    return out


@njit(cache=True, nogil=True, error_model="numpy", fastmath=LANES)
def release(
    rows: NDArray[np.int64],
    out: NDArray[np.float64],
    models: NDArray[np.float64],
    pace: float,
    lessons: NDArray[np.float64],
    noise_lessons: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Let the population learn, a few visits late; return the sums of what was released.

    Parameters
    ----------
    rows : (n,) int64
        Neurons of a visit.
    out : (n, 5) float64
        From `score_visit`.
    models : (n, m) float64
        From `model_visit`.
    pace : float
        Share of a living neuron's lessons that is released at each visit.
    lessons : (N, k) float64
        Lessons on outliers and transients not yet released; changed in place.
    noise_lessons : (N, m + 2) float64
        The same on the noise models, the squared innovations and their number.

    Returns
    -------
    (k,), (m + 2,) float64
        What the population learns now.

    Notes
    -----
    A neuron teaches in proportion to a power of its present probability of being alive: the
    dying would teach that wild values are common. One that was called dead and comes back
    teaches all that it held back: that there are transients which can be taken for a death.
    """
    told = np.zeros(lessons.shape[1])
    told_noise = np.zeros(noise_lessons.shape[1])
    m = models.shape[1]
    for i in range(rows.size):
        r = rows[i]
        alive = out[i, 4]
        goes = pace * alive**SURE_ALIVE
        for k in range(told.size):
            part = goes * lessons[r, k]
            told[k] += part
            lessons[r, k] -= part
        for k in range(m):
            noise_lessons[r, k] += alive * models[i, k]
        if out[i, 3] > 0.0:
            noise_lessons[r, m] += alive * out[i, 2] * out[i, 3]
            noise_lessons[r, m + 1] += alive * out[i, 2]
        for k in range(told_noise.size):
            part = goes * noise_lessons[r, k]
            told_noise[k] += part
            noise_lessons[r, k] -= part
    return told, told_noise


@njit(cache=True, nogil=True, error_model="numpy")
def share_of_templates(bank: Bank, rows: Ints) -> Floats:
    """Return the posterior share of each template, onsets summed up, added over some neurons.

    Parameters
    ----------
    bank : Bank
        Templates of deaths.
    rows : (n,) int64
        Neurons held to be dead.

    Returns
    -------
    (k,) float64
        Sums to the number of neurons that have any template left.
    """
    used, order, weight = bank.used, bank.order, bank.weight
    out = np.zeros(weight.shape[2])
    for r in rows:
        total = 0.0
        for k in range(used[r]):
            for c in range(out.size):
                total += weight[r, order[r, k], c]
        if total > 0.0:
            for k in range(used[r]):
                for c in range(out.size):
                    out[c] += weight[r, order[r, k], c] / total
    return out
