"""A clairvoyant detector: who knows all laws and the neuron's own death, but not when.

Known are fold, rise time, light, the variances and the exact laws of wander, trend, heavy
tails, outliers and transients; unknown the onset (weighed at `PHASES` points of every
interval) and where outliers and transients fell. Living and dying are each a mixture of
Gaussian states in (level, trend, wander, transient), one Kalman filter per component; the
value's own law is a mixture too (`values_of`). The Shiryaev-Roberts statistic sums the
likelihood ratios over the onsets; its threshold is calibrated on traces of the living.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from detect.traces import (
    BACKGROUND,
    FILL_PER_INDICATOR,
    OUTLIER_SD,
    READ_E,
    TRANSIENT_MEAN,
    TRANSIENT_TAU_H,
    WANDER_TAU_H,
    Law,
    Traces,
)

Floats = NDArray[np.float64]

PHASES = 2
"""Onsets per interval between visits."""
ONSETS = 64
"""Onsets weighed at a time; the least likely gives way."""
COMPONENTS = 8
"""Gaussian states of each hypothesis."""
HOPELESS = math.log(1e-3)
"""Likelihood ratio at which an onset is given up."""
CERTAIN = 30.0
"""Logarithm of the statistic at which nothing more is asked."""
LIKELY = 0.02
"""Weight of a component from which a transient may begin."""
UNLIKELY = 80.0
"""Squared deviations of a value, in its variance, that weigh nothing."""
NEGLIGIBLE = 1e-6
"""Weight below which a component is dropped."""
OVER = 0.005
"""Transient, in the logarithm, that is joined with none."""


class Nuisance(NamedTuple):
    """The laws that the oracle knows; variances and means in the logarithm of the ratio."""

    level_var: float
    trend_var: float
    wander_var: float
    share: Floats
    """Of the value's components: probability, ..."""
    times: Floats
    """... what they multiply the mean with, ..."""
    white_var: Floats
    """... and their variance in the logarithm."""
    begins: Floats
    """Probability, mean and variance of a transient at the first visit that sees it, (k, 3)."""


def nuisance_of(law: Law) -> Nuisance:
    """Return what the oracle knows of a law; visits are regular."""
    share, shift, widened, blur = _values_of(law)
    white = law.white**2 * widened + blur
    return Nuisance(
        law.ratio_sd**2, (law.trend_per_day / 24.0) ** 2, law.wander**2,
        share, np.exp(shift + 0.5 * white), white, _transients_of(law),
    )  # fmt: skip


def _values_of(law: Law) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the components of a value's own noise."""
    share, shift, widened, blur = np.ones(1), np.zeros(1), np.ones(1), np.zeros(1)
    if law.heavy_tails:
        # Student t(4), scaled to unit variance, is normal with variance 2 / chi2(4).
        edges = np.array([0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.88, 0.95, 0.985, 0.997, 0.9995, 1.0])
        drawn = np.sort(2.0 / np.random.default_rng(0).chisquare(4, 2_000_000))
        at = (edges * drawn.size).astype(int)
        widened = np.array([drawn[a:b].mean() for a, b in pairwise(at)])
        share = np.diff(edges)
        shift, blur = np.zeros(share.size), np.zeros(share.size)
    if law.outliers > 0:
        step = 0.25
        node = np.arange(-9, 10) * step
        weight = np.exp(-0.5 * (node / OUTLIER_SD) ** 2)
        weight *= law.outliers / weight.sum()
        share = np.concatenate([(1.0 - law.outliers) * share, weight])
        shift = np.concatenate([shift, node])
        widened = np.concatenate([widened, np.ones(node.size)])
        blur = np.concatenate([blur, np.full(node.size, step**2 / 12.0)])
    return share, shift, widened, blur


def _transients_of(law: Law) -> Floats:
    """Return what a transient is like at the first visit after it began."""
    if law.transients_per_day <= 0:
        return np.zeros((0, 3))
    dt = law.interval_min / 60.0
    rng = np.random.default_rng(0)
    seen = rng.exponential(TRANSIENT_MEAN, 1_000_000)
    seen *= np.exp(-rng.uniform(0.0, dt, seen.size) / TRANSIENT_TAU_H)
    edges = np.array([0.0, 0.06, 0.16, 0.32, 0.56, 0.95, np.inf])
    begin = law.transients_per_day * dt / 24.0
    kind = np.digitize(seen, edges) - 1
    rows = [
        (begin * np.mean(kind == k), seen[kind == k].mean(), seen[kind == k].var())
        for k in range(edges.size - 1)
    ]
    return np.array(rows)


@njit(cache=True, nogil=True)
def forecast(state: Floats, gap_h: float, law: Nuisance) -> None:
    """Move one component on by ``gap_h``: (weight, 4 means, 10 covariances by row)."""
    phi = math.exp(-gap_h / WANDER_TAU_H)
    psi = math.exp(-gap_h / TRANSIENT_TAU_H)
    state[1] += gap_h * state[2]
    state[3] *= phi
    state[4] *= psi
    # 5 ll, 6 lt, 7 lw, 8 lx, 9 tt, 10 tw, 11 tx, 12 ww, 13 wx, 14 xx
    state[5] += gap_h * (2.0 * state[6] + gap_h * state[9])
    state[6] += gap_h * state[9]
    state[7] = phi * (state[7] + gap_h * state[10])
    state[8] = psi * (state[8] + gap_h * state[11])
    state[10] *= phi
    state[11] *= psi
    state[12] = phi * phi * state[12] + law.wander_var * (1.0 - phi * phi)
    state[13] *= phi * psi
    state[14] *= psi * psi


@njit(cache=True, nogil=True)
def observe(state: Floats, y: float, death: float, light: float, fill_var: float, dark: float,
             law: Nuisance) -> float:  # fmt: skip
    """Take a value in; return its likelihood under this component.

    ``y`` is the ratio over the neuron's own living level, ``death`` the logarithm of the
    rise, ``light`` the living indicator's electrons. The mixture of the value's law is joined
    to one Gaussian again; all its gains lie along one direction.
    """
    c0 = state[5] + state[7] + state[8]
    c1 = state[6] + state[10] + state[11]
    c2 = state[7] + state[12] + state[13]
    c3 = state[8] + state[13] + state[14]
    p = c0 + c2 + c3
    base = math.exp(state[1] + state[3] + state[4] + death + 0.5 * p)
    total = 0.0
    first = 0.0
    second = 0.0
    slope = 0.0
    for i in range(law.share.size):
        mean = base * law.times[i]
        var = mean * mean * (p + law.white_var[i] + fill_var) + (light * mean + dark) / light**2
        e = y - mean
        if e * e > UNLIKELY * var:
            continue
        like = law.share[i] * math.exp(-0.5 * e * e / var) / math.sqrt(2.0 * math.pi * var)
        pull = mean * e / var
        total += like
        first += like * pull
        second += like * pull * pull
        slope += like * mean * mean / var
    if total < 1e-250:
        return 1e-250
    first /= total
    cut = slope / total - (second / total - first * first)
    state[1] += c0 * first
    state[2] += c1 * first
    state[3] += c2 * first
    state[4] += c3 * first
    # The covariance never leaves the positive: a wild value can widen it, not more.
    cut = max(cut, -0.5 / p)
    state[5] -= cut * c0 * c0
    state[6] -= cut * c0 * c1
    state[7] -= cut * c0 * c2
    state[8] -= cut * c0 * c3
    state[9] -= cut * c1 * c1
    state[10] -= cut * c1 * c2
    state[11] -= cut * c1 * c3
    state[12] -= cut * c2 * c2
    state[13] -= cut * c2 * c3
    state[14] -= cut * c3 * c3
    return total


@njit(cache=True, nogil=True)
def _join(state: Floats, other: Floats) -> None:
    """Join ``other`` into ``state`` by their moments; both weights are positive."""
    total = state[0] + other[0]
    a = state[0] / total
    b = other[0] / total
    k = 5
    for i in range(4):
        for j in range(i, 4):
            gap = (state[1 + i] - other[1 + i]) * (state[1 + j] - other[1 + j])
            state[k] = a * state[k] + b * other[k] + a * b * gap
            k += 1
    for i in range(4):
        state[1 + i] = a * state[1 + i] + b * other[1 + i]
    state[0] = total


@njit(cache=True, nogil=True)
def _distance(one: Floats, two: Floats) -> float:
    """Return how far two components' transients are apart, in their own spread."""
    gap = one[4] - two[4]
    return gap * gap / (one[14] + two[14] + 1e-4)


@njit(cache=True, nogil=True)
def _visit(
    mix: Floats, used: int, gap_h: float, y: float, death: float, light: float,
    fill_var: float, dark: float, law: Nuisance, pool: Floats,
) -> tuple[int, float]:  # fmt: skip
    """Move a hypothesis on by one visit; return its components and the value's likelihood."""
    count = 0
    for s in range(used):
        forecast(mix[s], gap_h, law)
        pool[count] = mix[s]
        count += 1
    if law.begins.shape[0] > 0:
        none = 1.0 - law.begins[:, 0].sum()
        for s in range(used):
            pool[s, 0] *= none
            if mix[s, 0] < LIKELY:
                continue
            for b in range(law.begins.shape[0]):
                pool[count] = mix[s]
                pool[count, 0] = mix[s, 0] * law.begins[b, 0]
                pool[count, 4] += law.begins[b, 1]
                pool[count, 14] += law.begins[b, 2]
                count += 1
    total = 0.0
    for s in range(count):
        pool[s, 0] *= observe(pool[s], y, death, light, fill_var, dark, law)
        total += pool[s, 0]
    for s in range(count):
        pool[s, 0] /= total
        if pool[s, 14] < 0.0:
            pool[s, 14] = 0.0
    # What is over joins what never was; then the heaviest stay, others join the nearest.
    used = 0
    rest = -1
    for s in range(count):
        if pool[s, 0] < NEGLIGIBLE:
            continue
        if math.fabs(pool[s, 4]) < OVER and pool[s, 14] < OVER * OVER:
            pool[s, 4] = 0.0
            pool[s, 8] = pool[s, 11] = pool[s, 13] = pool[s, 14] = 0.0
            if rest >= 0:
                _join(pool[rest], pool[s])
                continue
            rest = used
        if used != s:
            pool[used] = pool[s]
        used += 1
    while used > mix.shape[0]:
        least = 0
        for s in range(1, used):
            if pool[s, 0] < pool[least, 0]:
                least = s
        near = -1
        best = math.inf
        for s in range(used):
            if s != least:
                far = _distance(pool[s], pool[least])
                if far < best:
                    best = far
                    near = s
        _join(pool[near], pool[least])
        used -= 1
        pool[least] = pool[used]
    for s in range(used):
        mix[s] = pool[s]
    return used, total


@njit(cache=True, nogil=True)
def _follow(time_h: Floats, y: Floats, light: float, fill_var: float, dark: float, fold: float,
            rise_h: float, law: Nuisance, out: Floats) -> None:  # fmt: skip
    """Write the logarithm of the statistic, neuron-days, of one neuron at each visit."""
    size = COMPONENTS if law.begins.shape[0] > 0 else 1
    living = np.zeros((size, 15))
    living[0, 0] = 1.0
    living[0, 5], living[0, 9], living[0, 12] = law.level_var, law.trend_var, law.wander_var
    alive = 1
    banks = np.zeros((ONSETS, size, 15))
    used = np.zeros(ONSETS, np.int64)
    onset = np.zeros(ONSETS)
    weight = np.zeros(ONSETS)
    open_ = 0
    pool = np.zeros((size * (1 + law.begins.shape[0]), 15))
    last = time_h[0]
    total = -math.inf
    for k in range(time_h.size):
        out[k] = total
        if math.isnan(y[k]) or total > CERTAIN:
            continue
        gap = time_h[k] - last
        last = time_h[k]
        if k > 0:
            for j in range(PHASES):
                if open_ == ONSETS:
                    least = 0
                    for b in range(1, open_):
                        if weight[b] < weight[least]:
                            least = b
                    open_ -= 1
                    banks[least] = banks[open_]
                    used[least], onset[least] = used[open_], onset[open_]
                    weight[least] = weight[open_]
                banks[open_, :alive] = living[:alive]
                used[open_] = alive
                onset[open_] = last - gap * (j + 0.5) / PHASES
                weight[open_] = math.log(gap / 24.0 / PHASES)
                open_ += 1
        alive, like = _visit(living, alive, gap, y[k], 0.0, light, fill_var, dark, law, pool)
        base = math.log(like)
        total = -math.inf
        b = 0
        while b < open_:
            age = last - onset[b]
            death = math.log1p((fold - 1.0) * -math.expm1(-age / rise_h))
            used[b], like = _visit(
                banks[b], used[b], gap, y[k], death, light, fill_var, dark, law, pool
            )
            weight[b] += math.log(like) - base
            if weight[b] < HOPELESS + math.log(gap / 24.0 / PHASES):
                open_ -= 1
                banks[b] = banks[open_]
                used[b], onset[b], weight[b] = used[open_], onset[open_], weight[open_]
                continue
            if weight[b] > total:
                total = weight[b] + math.log1p(math.exp(total - weight[b]))
            else:
                total += math.log1p(math.exp(weight[b] - total))
            b += 1
        out[k] = total


@njit(cache=True, nogil=True)
def _follow_all(time_h: Floats, y: Floats, light: Floats, fill_var: Floats, dark: float,
                fold: Floats, rise_h: Floats, law: Nuisance, out: Floats) -> None:  # fmt: skip
    for i in range(y.shape[0]):
        _follow(time_h, y[i], light[i], fill_var[i], dark, fold[i], rise_h[i], law, out[i])


def known_of(traces: Traces) -> tuple[Floats, Floats, Floats, float]:
    """Return what the oracle knows of each neuron's light.

    The ratio over its own living level, (neuron, visit); the living indicator's electrons
    and the fill's relative variance, (neuron,); and the indicator's variance in the dark.
    """
    law = traces.law
    light = law.electrons * traces.brightness * traces.level
    fill = FILL_PER_INDICATOR * law.electrons * traces.brightness
    dark = READ_E**2 + law.electrons * np.array(BACKGROUND)
    ratio = FILL_PER_INDICATOR * traces.signal / traces.reference / traces.level[:, None]
    return ratio, light, (fill + dark[1]) / fill**2, float(dark[0])


def statistics(traces: Traces) -> Floats:
    """Return the logarithm of the oracle's statistic, neuron-days, (neuron, visit).

    Ratios of two counts are taken as normal: from some 200 electrons of the indicator on.
    """
    ratio, light, fill_var, dark = known_of(traces)
    out = np.empty(ratio.shape)
    _follow_all(
        traces.time_h, ratio, light, fill_var, dark, traces.fold, traces.rise_h,
        nuisance_of(traces.law), out,
    )  # fmt: skip
    return out
