"""A law of living and dying neurons in, traces with known onsets out.

Two channels, photons, background and read noise, neurons that differ, wander, trend and
focus; where asked for: outliers, transients, heavy tails, bleaching, missing visits, schedules
that are irregular or follow the signal, steps common to a well.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.faults import FAULTS, factors
from detect.witnesses import WITNESSES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FILL_PER_INDICATOR = 4.0
"""Electrons of the fill for each of the living indicator, per soma and visit."""
BACKGROUND = (0.5, 0.125 * FILL_PER_INDICATOR)
"""Background under a soma, indicator and fill, in typical living indicators."""
READ_E = 26.0
"""Read noise summed over a soma (pixels of 0.65 um), electrons."""
WANDER_TAU_H = 12.0
"""Memory of the slow wander of a living neuron's ratio."""
OUTLIER_SD = 0.7
"""Log sd of an outlier."""
TRANSIENT_MEAN = 0.3
"""Mean height of a transient, in the logarithm; heights are exponential."""
TRANSIENT_TAU_H = 0.5
"""Decay of a transient."""
WELL_STEP = 0.2
"""Step of a whole well in the indicator, fraction, either sign."""
RUPTURE_H, CORPSE_TAU_H, CLEARED_H = 2.0, (1.0, 24.0), (6.0, 24.0)
"""After an onset: when light begins to leak, its time constants, and when a corpse is cleared."""
FINER, FIELD = 3, 25
"""Adaptive visits: steps per interval, neurons of a field that are looked at together."""
VANISHES = 0.2
"""Share of dying neurons whose fill goes at once."""
LEAK_TAU_H, LEAK_TAU_SD = 6.0, 0.7
"""Time constant of the fill that leaks out of the others, and its log sd."""
FILL_LEFT = 0.3
"""Largest share of the fill that stays, uniform from none."""


@dataclass(frozen=True)
class Law:
    """What neurons, light and schedule are like; the defaults are the reference.

    Notes
    -----
    The live ratio's log sd of 0.31 and its heavy tails follow published traces; fold 3, rise
    30 min and the rest are chosen. Fold and rise vary with log sd .35 and .7 over neurons.
    """

    electrons: float = 300.0
    interval_min: float = 15.0
    neurons: int = 500
    days: float = 4.0
    dying: float = 0.5
    fold: float = 3.0
    fold_sd: float = 0.35
    rise_min: float = 30.0
    rise_sd: float = 0.7
    ratio_sd: float = 0.31
    white: float = 0.05
    wander: float = 0.08
    trend_per_day: float = 0.02
    focus: float = 0.10
    brightness_sd: float = 0.7
    dimmest: float = 0.5
    first_onset_h: float = 24.0
    watched_h: float = 24.0
    outliers: float = 0.0
    transients_per_day: float = 0.0
    heavy_tails: bool = False
    bleaching_per_day: float = 0.0
    missing: float = 0.0
    schedule: str = "regular"
    well_steps_per_day: float = 0.0
    steps_logged: bool = False
    wells: int = 1
    fault: str = ""
    killed: str = ""
    """'well': all of the first well die at one time, 'plate': all neurons do."""
    dead_before: float = 0.0
    """Share of neurons that died a day before the first visit."""
    corpse: str = ""
    """'indicator-leaks', 'both-leak' or 'cleared'."""
    sd_given: bool = True
    endpoint: str = "indicator_rise"
    further: tuple[str, ...] = ()
    """Channels of `detect.witnesses` beside the indicator."""
    alike: float = 0.0
    """Correlation of the noise of all channels, towards death."""
    accidents_shared: bool = False
    """Outliers and transients strike all channels at once, not the indicator alone."""

    @property
    def horizon_h(self) -> float:
        """Delay counted for a missed death."""
        return 24.0 if self.interval_min < 240 else 120.0


@dataclass(frozen=True)
class Traces:
    """One plate: (neuron, visit) arrays and the truth, (neuron,)."""

    law: Law
    time_h: Floats
    looked: Bools
    """Whether the neuron's field was visited."""
    signal: Floats
    signal_sd: Floats
    reference: Floats
    reference_sd: Floats
    well: NDArray[np.str_]
    intervened: Bools
    """(well, visit)."""
    onset_h: Floats
    """NaN where the neuron lives on."""
    fold: Floats
    rise_h: Floats
    level: Floats
    """Living ratio over its median."""
    brightness: Floats
    further: dict[str, tuple[Floats, Floats]]
    """Values and standard deviations of further channels, (neuron, visit)."""
    fault_h: Floats
    """When the neuron's field or itself was first struck by a fault, NaN where never."""

    @property
    def photon_variance(self) -> Floats:
        """Relative variance of each living neuron's score by photons and read noise."""
        law = self.law
        light = law.electrons * self.brightness
        dark = READ_E**2 + law.electrons * np.array(BACKGROUND)
        fill = FILL_PER_INDICATOR * light
        own = (fill + dark[1]) / fill**2
        if law.endpoint == "loss_of_fill":
            return np.asarray(own)
        live = light * self.level
        return np.asarray((live + dark[0]) / live**2 + own)


def times(law: Law, rng: np.random.Generator) -> Floats:
    """Return the hours of a plate's visits."""
    dt = law.interval_min / 60.0
    if law.schedule != "irregular":
        step = dt / FINER if law.schedule == "adaptive" else dt
        return np.arange(0.0, law.days * 24.0 + 1e-9, step)
    gaps = dt * np.exp(rng.uniform(-np.log(3.0), np.log(3.0), int(1.2 * law.days * 24.0 / dt)))
    time_h = np.concatenate([[0.0], np.cumsum(gaps)])
    return time_h[time_h <= law.days * 24.0]


class Neurons(NamedTuple):
    """What the neurons of a plate are, (neuron,)."""

    onset_h: Floats
    fold: Floats
    rise_h: Floats
    level: Floats
    brightness: Floats
    well: NDArray[np.int64]


def simulate(law: Law, seed: int | list[int]) -> Traces:
    """Return one plate under ``law``."""
    rng = np.random.default_rng(seed)
    time_h = times(law, rng)
    drawn = _neurons(law, rng)
    n, well = law.neurons, drawn.well
    ln = _nuisance(law, rng, n, time_h)
    accidents = _accidents(law, rng, n, time_h)
    ln += accidents
    step, intervened = _well_steps(law, rng, time_h)
    ratio = np.exp(ln + step[well])
    light = law.electrons * drawn.brightness[:, None] * np.ones(time_h.size)
    if law.focus > 0:
        light *= np.exp(rng.normal(0.0, law.focus, light.shape))
    light *= np.exp(-law.bleaching_per_day * time_h / 24.0)
    if law.endpoint == "loss_of_fill":
        left, tau_h = _leaks(rng, n)
        drawn = drawn._replace(fold=left, rise_h=tau_h)
    rise, fill = _died(law, rng, drawn, time_h)
    struck, dimmed, fault_h = np.ones(1), np.ones(1), np.full(n, np.nan)
    if law.fault:
        struck, dimmed, fault_h = factors(FAULTS[law.fault], rng, time_h, well)
    own, other = law.electrons * np.array(BACKGROUND)
    if law.endpoint == "loss_of_fill":
        fill, ratio = fill * ratio, np.ones(ratio.shape)
    signal = _counted(rng, struck * light * drawn.level[:, None] * rise * ratio, struck * own)
    reference = _counted(rng, dimmed * FILL_PER_INDICATOR * light * fill, dimmed * other)
    looked = np.ones(ratio.shape, np.bool_)
    there = rng.random(ratio.shape) >= law.missing if law.missing > 0 else looked
    if law.schedule == "adaptive":
        there = looked = _sooner_where_bright(signal[0] / reference[0])
    names = np.array([f"W{k:02d}" for k in range(law.wells)])
    common = accidents if law.accidents_shared else np.zeros(1)
    further = {
        name: witness(
            rng, law, drawn.onset_h, time_h, drawn.brightness,
            law.alike * (ln - accidents)
            + (1.0 - law.alike**2) ** 0.5 * _nuisance(law, rng, n, time_h),
            common,
        )
        for name, witness in WITNESSES.items() if name in law.further
    }  # fmt: skip
    return Traces(
        law, time_h, looked, np.where(there, signal[0], np.nan), signal[1],
        np.where(there, reference[0], np.nan), reference[1], names[well], intervened,
        *drawn[:-1], further, fault_h,
    )  # fmt: skip


def _neurons(law: Law, rng: np.random.Generator) -> Neurons:
    """Return who they are and when they die."""
    n = law.neurons
    well = np.arange(n) * law.wells // n
    onset = np.full(n, np.nan)
    last = law.days * 24.0 - law.watched_h
    dying = rng.permutation(n) < round(law.dying * n)
    onset[dying] = rng.uniform(law.first_onset_h, last, int(dying.sum()))
    if law.killed:
        struck = well == 0 if law.killed == "well" else np.ones(n, np.bool_)
        onset[struck] = rng.uniform(0.5 * last, last)
    if law.dead_before > 0:
        onset[rng.random(n) < law.dead_before] = -24.0
    fold = 1.0 + (law.fold - 1.0) * np.exp(rng.normal(0.0, law.fold_sd, n))
    rise_h = law.rise_min / 60.0 * np.exp(rng.normal(0.0, law.rise_sd, n))
    level = np.exp(rng.normal(0.0, law.ratio_sd, n))
    return Neurons(onset, fold, rise_h, level, _brightness(law, rng), well)


def _died(
    law: Law, rng: np.random.Generator, drawn: Neurons, time_h: Floats
) -> tuple[Floats, Floats]:
    """Return what death and what follows it do to the indicator and to the fill."""
    age = np.clip(time_h - np.nan_to_num(drawn.onset_h, nan=1e9)[:, None], 0.0, None)
    change = 1.0 + (drawn.fold[:, None] - 1.0) * -np.expm1(-age / drawn.rise_h[:, None])
    still = np.ones(change.shape)
    if law.endpoint == "loss_of_fill":
        return still, change
    if law.corpse == "cleared":
        gone_h = rng.uniform(*CLEARED_H, drawn.onset_h.size)[:, None]
        there = np.where(age > gone_h, 0.0, 1.0)
        return change * there, there
    if law.corpse:
        tau_h = np.exp(rng.uniform(*np.log(CORPSE_TAU_H), drawn.onset_h.size))[:, None]
        left = np.exp(-np.clip(age - RUPTURE_H, 0.0, None) / tau_h)
        return change * left, left if law.corpse == "both-leak" else still
    return change, still


def _nuisance(law: Law, rng: np.random.Generator, n: int, time_h: Floats) -> Floats:
    """Return the logarithm of what living neurons do, (neuron, visit)."""
    ln = rng.normal(0.0, law.trend_per_day, n)[:, None] * time_h / 24.0
    ln += _wander(rng, n, time_h, law.wander)
    shape = (n, time_h.size)
    shock = rng.standard_t(4, shape) / np.sqrt(2.0) if law.heavy_tails else rng.normal(size=shape)
    ln += law.white * shock
    return ln


def _accidents(law: Law, rng: np.random.Generator, n: int, time_h: Floats) -> Floats:
    """Return the logarithm of what befalls neurons and passes, (neuron, visit)."""
    ln = np.zeros((n, time_h.size))
    if law.transients_per_day > 0:
        ln += _transients(rng, n, time_h, law.transients_per_day)
    if law.outliers > 0:
        hit = rng.random(ln.shape) < law.outliers
        ln[hit] += rng.normal(0.0, OUTLIER_SD, int(hit.sum()))
    return ln


def _wander(rng: np.random.Generator, n: int, time_h: Floats, sd: float) -> Floats:
    """Return AR(1) wander with a memory of 12 h."""
    phi = np.exp(-np.diff(time_h, prepend=time_h[0]) / WANDER_TAU_H)
    out = rng.normal(0.0, sd, (time_h.size, n))
    out[1:] *= np.sqrt(1.0 - phi[1:, None] ** 2)
    for k in range(1, time_h.size):
        out[k] += phi[k] * out[k - 1]
    return out.T


def _transients(rng: np.random.Generator, n: int, time_h: Floats, per_day: float) -> Floats:
    """Return rises that decay with 30 min; heights exponential, mean 0.3 in ln."""
    out = np.zeros((n, time_h.size))
    count = rng.poisson(per_day * time_h[-1] / 24.0, n)
    who = np.repeat(np.arange(n), count)
    start = rng.uniform(0.0, time_h[-1], who.size)
    height = rng.exponential(TRANSIENT_MEAN, who.size)
    first = np.searchsorted(time_h, start)
    reach = np.searchsorted(time_h, start + 20.0 * TRANSIENT_TAU_H)
    for i, begin, end, s, h in zip(who, first, reach, start, height, strict=True):
        out[i, begin:end] += h * np.exp((s - time_h[begin:end]) / TRANSIENT_TAU_H)
    return out


def _well_steps(law: Law, rng: np.random.Generator, time_h: Floats) -> tuple[Floats, Bools]:
    """Return the ln of each well's steps, (well, visit), and where they are logged."""
    step = np.zeros((law.wells, time_h.size))
    logged = np.zeros(step.shape, np.bool_)
    if law.well_steps_per_day <= 0:
        return step, logged
    per_visit = law.well_steps_per_day * np.diff(time_h, prepend=time_h[0]) / 24.0
    hit = rng.random(step.shape) < per_visit
    size = np.log1p(rng.choice([-WELL_STEP, WELL_STEP], step.shape))
    # A step that stays would walk away: each is undone by the next.
    for w in range(law.wells):
        now = 0.0
        for k in np.flatnonzero(hit[w]):
            now = size[w, k] - now if now == 0.0 else 0.0
            step[w, k:] = now
    return step, logged | hit if law.steps_logged else logged


def _brightness(law: Law, rng: np.random.Generator) -> Floats:
    """Return light over the typical; neurons that are too dim were never chosen."""
    drawn = np.exp(rng.normal(0.0, law.brightness_sd, 20 * law.neurons))
    kept = drawn[drawn >= law.dimmest]
    return np.asarray(kept[: law.neurons])


def _sooner_where_bright(ratio: Floats) -> Bools:
    """Return when each field is looked at: soon after a value above its neurons' own past.

    The first value above the mean of its neuron so far by 30 % brings the next visit forward
    to a third of the interval; without one, it is put off to two intervals.
    """
    n, m = ratio.shape
    looked = np.zeros((n, m), np.bool_)
    total, count = np.zeros(n), np.zeros(n)
    due = np.zeros(-(-n // FIELD), np.int64)
    field = np.arange(n) // FIELD
    for k in range(m):
        now = due[field] == k
        high = now & (count > 0) & (ratio[:, k] > 1.3 * total / np.maximum(count, 1))
        looked[:, k] = now
        total[now] += ratio[now, k]
        count[now] += 1
        hot = np.bincount(field[high], minlength=due.size) > 0.15 * FIELD
        due = np.where(due == k, k + np.where(hot, 1, 2 * FINER), due)
    return looked


def _leaks(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Return the share of fill that stays, and the time constant of its loss, h."""
    tau_h = LEAK_TAU_H * np.exp(rng.normal(0.0, LEAK_TAU_SD, n))
    tau_h[rng.random(n) < VANISHES] = 1.0 / 60.0
    return rng.uniform(0.0, FILL_LEFT, n), tau_h


def _counted(
    rng: np.random.Generator, mean: Floats, background: Floats | float
) -> tuple[Floats, Floats]:
    """Return background-free electrons and the standard deviation a camera would state."""
    counts = rng.poisson(mean + background) + rng.normal(0.0, READ_E, mean.shape)
    return counts - background, np.sqrt(np.maximum(counts, 1.0) + READ_E**2)
