"""Values of one visit in, likelihood ratios of death out; the state of each neuron is moved on.

A template of a death is pushed through the neuron's own baseline filter, so that its
innovation response times an amplitude is what the death would add to the innovations.

The weight of a template is its prior mass in neuron-days times its likelihood ratio. The
sum of the weights is the Shiryaev-Roberts statistic, whose expectation over a living
neuron is the time watched.

It does not validate, choose thresholds or learn the noise; `livedeath.detection` does.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.baseline import (
    LEVEL_FLOOR,
    TAIL,
    Baselines,
    Noise,
    _begin,
    _far,
    _normal,
    _predict,
    _unusual,
    _update,
    _variance,
)

TWO_PHASES_H = 1.0 / 6.0
"""Longer intervals get two onsets, at a quarter and three quarters."""
TRANSIENT_REACH_H = 1.0
"""A transient that began earlier than this before a visit is over."""
TRANSIENT_OVER_H = 3.0
"""Age at which a transient is settled: six decays of 30 min."""
STREAK = 3
"""Outliers in a row, away from death, after which the baseline is learnt anew."""
NEGLIGIBLE = 1e-3
"""Likelihood ratio below which a template is given up; a later onset takes over."""
TIE = 1e-3
"""Slots whose weights differ by less than this part are equally heavy."""
MEMORY = 200.0
"""Visits over which a neuron's own noise is remembered."""


class Bank(NamedTuple):
    """Templates under way: (neuron, onset, rise time, amplitude); changed in place."""

    used: NDArray[np.int64]
    onset_h: NDArray[np.float64]
    mass: NDArray[np.float64]
    weight: NDArray[np.float32]
    mean: NDArray[np.float32]
    var: NDArray[np.float32]
    response: NDArray[np.float32]


class Shapes(NamedTuple):
    """Time constants, h; amplitudes in baselines: mean, variance; prior of each pair."""

    tau_h: NDArray[np.float64]
    mean: NDArray[np.float64]
    var: NDArray[np.float64]
    prior: NDArray[np.float64]
    recovers: bool


@njit(cache=True, nogil=True)
def _copy(bank: Bank, r: int, source: int, target: int) -> None:
    """Write slot ``source`` over slot ``target``; plain loops, slices are slow here."""
    bank.onset_h[r, target] = bank.onset_h[r, source]
    bank.mass[r, target] = bank.mass[r, source]
    for j in range(bank.weight.shape[2]):
        for c in range(bank.weight.shape[3]):
            bank.weight[r, target, j, c] = bank.weight[r, source, j, c]
            bank.mean[r, target, j, c] = bank.mean[r, source, j, c]
            bank.var[r, target, j, c] = bank.var[r, source, j, c]
        for i in range(3):
            bank.response[r, target, j, i] = bank.response[r, source, j, i]


@njit(cache=True, nogil=True)
def _drop(bank: Bank, r: int, s: int) -> None:
    """Take slot ``s`` out of a neuron's bank; later slots move down."""
    for k in range(s, bank.used[r] - 1):
        _copy(bank, r, k + 1, k)
    bank.used[r] -= 1


@njit(cache=True, nogil=True)
def _weight(bank: Bank, r: int, s: int) -> float:
    """Return the weight of a slot, neuron-days."""
    total = 0.0
    for j in range(bank.weight.shape[2]):
        for c in range(bank.weight.shape[3]):
            total += bank.weight[r, s, j, c]
    return total


@njit(cache=True, nogil=True)
def _forget(bank: Bank, r: int) -> None:
    """Drop the slots whose templates were all given up."""
    for s in range(bank.used[r] - 1, -1, -1):
        if _weight(bank, r, s) == 0.0:
            _drop(bank, r, s)


@njit(cache=True, nogil=True)
def _merge(bank: Bank, r: int, time_h: float) -> None:
    """Join the two neighbours that are closest for their age; weights and masses add.

    The heavier slot's onset, amplitudes and response live on, of two equally heavy ones the
    newer's; the sum of the weights keeps its expectation.
    """
    best = 0
    smallest = math.inf
    for k in range(bank.used[r] - 1):
        gap = bank.onset_h[r, k + 1] - bank.onset_h[r, k]
        closeness = gap / (time_h - bank.onset_h[r, k + 1] + 0.1)
        if closeness < smallest:
            smallest = closeness
            best = k
    goes = best
    stays = best + 1
    # Equal weights are common: a wild value multiplies all by 1. Rounding must not choose.
    if _weight(bank, r, goes) > (1.0 + TIE) * _weight(bank, r, stays):
        goes = best + 1
        stays = best
    for j in range(bank.weight.shape[2]):
        for c in range(bank.weight.shape[3]):
            bank.weight[r, stays, j, c] += bank.weight[r, goes, j, c]
    bank.mass[r, stays] += bank.mass[r, goes]
    _drop(bank, r, goes)


@njit(cache=True, nogil=True)
def _open(bank: Bank, r: int, time_h: float, onset_h: float, mass: float, shapes: Shapes) -> None:
    """Open a slot for an onset at ``onset_h`` with a prior mass in neuron-days."""
    if bank.used[r] == bank.onset_h.shape[1]:
        _merge(bank, r, time_h)
    s = bank.used[r]
    bank.used[r] = s + 1
    bank.onset_h[r, s] = onset_h
    bank.mass[r, s] = mass
    for j in range(shapes.tau_h.size):
        for i in range(3):
            bank.response[r, s, j, i] = np.float32(0.0)
        for k in range(shapes.mean.size):
            bank.weight[r, s, j, k] = mass * shapes.prior[j, k]
            bank.mean[r, s, j, k] = shapes.mean[k]
            bank.var[r, s, j, k] = shapes.var[k]


@njit(cache=True, nogil=True)
def _open_visit(
    deaths: Bank,
    transients: Bank,
    r: int,
    time_h: float,
    dt_h: float,
    death_shapes: Shapes,
    transient_shapes: Shapes,
) -> None:
    """Open the slots of the interval that ends with this visit."""
    days = dt_h / 24.0
    if dt_h > TWO_PHASES_H:
        _open(deaths, r, time_h, time_h - 0.75 * dt_h, 0.5 * days, death_shapes)
        _open(deaths, r, time_h, time_h - 0.25 * dt_h, 0.5 * days, death_shapes)
    else:
        _open(deaths, r, time_h, time_h - 0.5 * dt_h, days, death_shapes)
    reach = min(dt_h, TRANSIENT_REACH_H)
    _open(transients, r, time_h, time_h - 0.5 * reach, reach / 24.0, transient_shapes)


@njit(cache=True, nogil=True)
def _weigh(
    bank: Bank,
    r: int,
    shapes: Shapes,
    time_h: float,
    dt_h: float,
    phi: float,
    level: float,
    predicted: float,
    e: float,
    s: float,
    scale: float,
    photon: tuple[float, float, float, float, float],
    usual: float,
    bad: float,
    density: float,
    gain: NDArray[np.float64],
) -> float:
    """Multiply every template's weight by its likelihood ratio; return their sum.

    An innovation against the template's direction is judged without the amplitude's
    variance: the density then sums to less than one, and a fall never speaks for a rise.
    """
    value, fixed, slope, relative, white = photon
    v0 = _variance(predicted, value, fixed, slope, relative, white)
    most = usual / math.sqrt(2.0 * math.pi)
    rarity = 1.0 / density
    total = 0.0
    for k in range(bank.used[r]):
        age = max(time_h - bank.onset_h[r, k], 0.0)
        for j in range(shapes.tau_h.size):
            decay = math.exp(-age / shapes.tau_h[j])
            height = decay if shapes.recovers else 1.0 - decay
            r0 = bank.response[r, k, j, 0] + dt_h * bank.response[r, k, j, 1]
            r2 = phi * bank.response[r, k, j, 2]
            d = height - r0 - r2
            for c in range(shapes.mean.size):
                if bank.weight[r, k, j, c] == 0.0:
                    continue
                a = float(bank.mean[r, k, j, c])
                g = max(level / max(1.0 + a * r0, 0.1), LEVEL_FLOOR) * d
                b = e - g * a
                v1 = _variance(predicted + g * a, value, fixed, slope, relative, white)
                s1 = scale * (s - v0 + v1)
                spread = float(bank.var[r, k, j, c])
                if e * g * a > 0.0:
                    s1 += g * g * spread
                inverse = 1.0 / s1
                good = most * math.sqrt(inverse) * math.exp(-0.5 * b * b * inverse)
                weight = bank.weight[r, k, j, c] * (good + bad) * rarity
                least = NEGLIGIBLE * bank.mass[r, k] * shapes.prior[j, c]
                bank.weight[r, k, j, c] = weight if weight > least else 0.0
                total += weight
                move = good / (good + bad) * spread * g * inverse
                a += move * b
                low = 0.3 * shapes.mean[c]
                bank.mean[r, k, j, c] = max(a, low) if low > 0.0 else min(a, low)
                bank.var[r, k, j, c] = max(spread * (1.0 - move * g), 0.0)
            bank.response[r, k, j, 0] = r0 + gain[0] * d
            bank.response[r, k, j, 1] += gain[1] * d
            bank.response[r, k, j, 2] = r2 + gain[2] * d
    return total


@njit(cache=True, nogil=True)
def _scale_before(bank: Bank, r: int, before_h: float, factor: np.float32) -> None:
    """Multiply the weights of onsets before ``before_h``."""
    for s in range(bank.used[r]):
        if bank.onset_h[r, s] < before_h:
            for j in range(bank.weight.shape[2]):
                for c in range(bank.weight.shape[3]):
                    bank.weight[r, s, j, c] *= factor


@njit(cache=True, nogil=True)
def _settle(
    deaths: Bank,
    transients: Bank,
    r: int,
    time_h: float,
    before_h: float,
    x: NDArray[np.float64],
    rate: float,
    total: float,
    share: float,
    rates: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Close transients that are over; what they explained is taken from deaths before.

    ``out`` gains the log likelihood of each rate of transients; ``share`` is the
    probability of being alive with none, against dead. The baseline loses what the
    transient had added to it.
    """
    first = 0
    while transients.used[r] > 0 and time_h - transients.onset_h[r, 0] > TRANSIENT_OVER_H:
        weight = _weight(transients, r, first)
        excess = weight - transients.mass[r, 0]
        for k in range(rates.size):
            out[k] += math.log(max(1.0 + rates[k] * excess * share, 0.01))
        level = x[0]
        for j in range(transients.mean.shape[2]):
            for c in range(transients.mean.shape[3]):
                part = rate * transients.weight[r, 0, j, c] / total * level
                for i in range(3):
                    x[i] -= part * transients.mean[r, 0, j, c] * transients.response[r, 0, j, i]
        factor = np.float32(1.0 / max(1.0 + rate * excess, 0.01))
        _scale_before(deaths, r, before_h, factor)
        _scale_before(transients, r, before_h, factor)
        _drop(transients, r, first)


@njit(cache=True, nogil=True)
def _remember(base: Baselines, r: int, e: float, s: float, trust: float) -> None:
    """Add a trusted innovation to the neuron's own noise."""
    keep = 1.0 - 1.0 / MEMORY
    base.squares[r, 0] = keep * base.squares[r, 0] + trust * e * e / s
    base.squares[r, 1] = keep * base.squares[r, 1] + trust


@njit(cache=True, nogil=True)
def _relearn(base: Baselines, r: int, e: float, trust: float, direction: float) -> None:
    """Widen the baseline after several outliers in a row that cannot be a death."""
    base.streak[r] = base.streak[r] + 1 if trust < 0.1 and e * direction < 0.0 else 0
    if base.streak[r] >= STREAK:
        base.cov[r, 0] += (0.5 * base.state[r, 0]) ** 2
        base.streak[r] = 0


@njit(cache=True, nogil=True)
def score_visit(
    rows: NDArray[np.int64],
    time_h: float,
    value: NDArray[np.float64],
    fill: NDArray[np.float64],
    fixed: NDArray[np.float64],
    slope: NDArray[np.float64],
    relative: NDArray[np.float64],
    base: Baselines,
    deaths: Bank,
    transients: Bank,
    noise: Noise,
    death_shapes: Shapes,
    transient_shapes: Shapes,
    outliers: NDArray[np.float64],
    rates: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Take one visit in: move baselines, weigh templates, return the statistics.

    Parameters
    ----------
    rows, time_h, value, fill, fixed, slope, relative, noise
        As in `predict_visit`; a row stands at most once in ``rows``.
    base, deaths, transients : Baselines, Bank, Bank
        State of all neurons, changed in place.
    death_shapes, transient_shapes : Shapes
        Templates of deaths and of transients that recover.
    outliers : (a, 2) float64
        Candidate shares of wide tails and of outliers.
    rates : (b,) float64
        Candidate rates of transients, per neuron-day.

    Returns
    -------
    (n, 5 + a + b) float64
        ln(R / (1 + rate * transients)) with R in neuron-days; transients, neuron-days;
        trust in the value, 0 to 1; normalised squared innovation; share of the neuron
        being plainly alive; log likelihood of each share of outliers and of each rate.

    Notes
    -----
    R <- (R + dt) * ratio, Shiryaev-Roberts: a new onset's mass is the time since the last
    value. Cost is linear in neurons and in slots x time constants x amplitudes.
    """
    out = np.zeros((rows.size, 5 + outliers.shape[0] + rates.size))
    gain = np.zeros(3)
    direction = 1.0 if death_shapes.mean[0] > 0.0 else -1.0
    for i in range(rows.size):
        r = rows[i]
        x = base.state[r]
        p = base.cov[r]
        dt = time_h - base.last_h[r]
        before = base.last_h[r]
        base.visits[r] += 1
        base.last_h[r] = time_h
        if base.visits[r] == 1:
            first = value[i] / max(fill[i], 0.3)
            rel = fixed[i] / (first * first + 1e-12) + relative[i] * relative[i]
            _begin(x, p, first, rel, noise, noise.white, noise.drift)
            out[i, 0] = -math.inf
            out[i, 2] = 1.0
            out[i, 4] = 1.0
            continue
        _predict(x, p, dt, noise, noise.drift)
        y = x[0] + x[2]
        level = max(x[0], LEVEL_FLOOR)
        s = p[0] + 2.0 * p[2] + p[5]
        s += _variance(y, value[i], fixed[i], slope[i], relative[i], noise.white)
        visits = noise.scale_visits + base.squares[r, 1]
        scale = (noise.scale_visits * noise.scale + base.squares[r, 0]) / visits
        scale *= 1.0 + math.sqrt(2.0 / visits)
        e = value[i] - fill[i] * y
        normal = _normal(e, scale * s)
        usual = 1.0 - noise.tail - noise.outlier
        bad = _unusual(e, scale * s, level, noise.tail, noise.outlier)
        density = usual * normal + bad
        trust = usual * normal / density
        _open_visit(deaths, transients, r, time_h, dt, death_shapes, transient_shapes)
        _update(x, p, gain, e, s, trust)
        phi = math.exp(-dt / noise.drift_tau_h)
        photon = (value[i], fixed[i], slope[i], relative[i], noise.white)
        death_weight = _weigh(
            deaths, r, death_shapes, time_h, dt, phi, level, y, e, s, scale,
            photon, usual, bad, density, gain,
        )  # fmt: skip
        transient_weight = _weigh(
            transients, r, transient_shapes, time_h, dt, phi, level, y, e, s, scale,
            photon, usual, bad, density, gain,
        )  # fmt: skip
        _forget(deaths, r)
        living = 1.0 + noise.transients_per_day * transient_weight
        total = living + noise.deaths_per_day * death_weight
        share = 1.0 / total
        out[i, 0] = math.log(max(death_weight, 1e-30) / living)
        out[i, 1] = transient_weight
        out[i, 2] = trust
        out[i, 3] = e * e / s
        out[i, 4] = share
        wide = _normal(e, TAIL * scale * s)
        far = _far(e, scale * s, level)
        for k in range(outliers.shape[0]):
            other = outliers[k, 0] * wide + outliers[k, 1] * far
            other += (1.0 - outliers[k, 0] - outliers[k, 1]) * normal
            other /= density
            out[i, 5 + k] = math.log((living * other + total - living) / total)
        _settle(
            deaths, transients, r, time_h, before, x, noise.transients_per_day, total,
            1.0 / (1.0 + total - living), rates, out[i, 5 + outliers.shape[0] :],
        )  # fmt: skip
        _remember(base, r, e, s, trust)
        _relearn(base, r, e, trust, direction)
    return out
