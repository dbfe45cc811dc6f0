"""Survival per arm, with intervals that come from the units.

In goes a ``SurvivalTable``; out comes, for each group, the product-limit curve with
delayed entry, its value at landmarks, the restricted mean and the median, each with an
interval, and every count a reader needs to judge it. Neurons of one unit are not
independent, so no interval here is computed from neurons: the estimate is repeated
without each unit in turn (jackknife) and referred to Student's t with units - 1 degrees of
freedom. Units that agree by chance do not make an interval vanish: it is never narrower than
that of independent neurons. One unit gives a curve and no interval.

A neuron that is lost may have died. Three curves are therefore given: every lost neuron
dead when lost, none dead (censored when lost), and, where the probability of death given
loss is known, the one weighted by it.

Notes
-----
Product-limit estimator: Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452; risk set
under delayed entry: entry < t <= exit. Interval on the complementary log-log scale:
Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data, 1.4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from livedeath.statistics.table import SurvivalTable

Floats = NDArray[np.float64]

CONFIDENCE = 0.95

# Below it two numbers differ by rounding only.
ROUNDING = 1e-9

# Hours between landmarks, the coarsest that still gives at least two of them.
LANDMARK_STEPS_H = (168.0, 72.0, 48.0, 24.0, 12.0, 6.0, 3.0, 1.0, 0.25)


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; None where it cannot be estimated."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Landmark:
    """Survival at one hour, with its interval and the bounds for lost neurons.

    ``all_lost_dead`` and ``no_lost_dead`` are the lower and the upper bound.
    """

    hours: float
    survival: Estimate
    all_lost_dead: float
    no_lost_dead: float
    at_risk: int


@dataclass(frozen=True)
class Curve:
    """Step functions of time; every array is (T,) float64 and starts at hour 0.

    ``low`` and ``high`` are NaN where no interval can be given.
    """

    times_h: Floats
    survival: Floats
    low: Floats
    high: Floats
    all_lost_dead: Floats
    no_lost_dead: Floats


@dataclass(frozen=True)
class ArmEstimate:
    """What one group shows; counts are neurons unless they say units."""

    group: str
    n_units: int
    n_neurons: int
    n_dead: int
    n_lost: int
    n_alive: int
    n_dead_on_arrival: int
    n_without_time: int
    neuron_hours: float
    horizon_h: float
    curve: Curve
    landmarks: tuple[Landmark, ...]
    rmst_h: Estimate
    rmst_error_h: float | None
    median_h: Estimate
    lost_weighted: bool


@dataclass(frozen=True)
class UnitCounts:
    """Deaths and neurons at risk of each unit at each time of an event.

    Attributes
    ----------
    times_h : (T,) float64
        Hours at which anybody died or was lost, increasing.
    deaths, lost : (U, T) float64
        Deaths seen, and losses, at each hour.
    lost_dead : (U, T) float64
        Losses weighted by P(dead | lost); 0 where that is unknown.
    risk : (U, T) float64
        Neurons with entry < t <= exit.
    """

    times_h: Floats
    deaths: Floats
    lost: Floats
    lost_dead: Floats
    risk: Floats


def product_limit(deaths: Floats, risk: Floats) -> Floats:
    """Multiply up survival over time.

    Parameters
    ----------
    deaths, risk : (..., T) float64
        Deaths and neurons at risk at each hour.

    Returns
    -------
    (..., T) float64
        Survival just after each hour, in 0..1, never increasing.
    """
    share = np.divide(deaths, risk, out=np.zeros_like(deaths), where=risk > 0)
    return np.asarray(np.cumprod(1.0 - np.minimum(share, 1.0), axis=-1))


def count_units(table: SurvivalTable) -> UnitCounts:
    """Count deaths, losses and neurons at risk per unit and hour of a table's rows."""
    rows = table.take(table.at_risk)
    times = np.unique(rows.exit_h[rows.event | rows.lost])
    units = list(dict.fromkeys(rows.unit))
    shape = (len(units), len(times))
    counts = UnitCounts(times, *(np.zeros(shape) for _ in range(4)))
    for row, unit in enumerate(units):
        _count_unit(rows.take(rows.unit == unit), counts, row)
    return counts


def _count_unit(rows: SurvivalTable, counts: UnitCounts, row: int) -> None:
    at = np.searchsorted(counts.times_h, rows.exit_h)
    np.add.at(counts.deaths[row], at[rows.event], 1.0)
    np.add.at(counts.lost[row], at[rows.lost], 1.0)
    np.add.at(counts.lost_dead[row], at[rows.lost], np.nan_to_num(rows.p_dead[rows.lost]))
    entered = np.searchsorted(np.sort(rows.entry_h), counts.times_h, side="left")
    left = np.searchsorted(np.sort(rows.exit_h), counts.times_h, side="left")
    counts.risk[row] = entered - left


def at_risk(table: SurvivalTable, hours: Sequence[float]) -> list[int]:
    """Count the neurons under watch just before each hour; at hour 0, those there at once."""
    rows = table.take(table.at_risk)
    return [
        int(((rows.entry_h < hour) & (rows.exit_h >= hour)).sum())
        if hour > 0
        else int((rows.entry_h <= 0).sum())
        for hour in hours
    ]


def common_horizon_h(table: SurvivalTable) -> float:
    """Return the last hour at which every group was still watched."""
    rows = table.take(table.at_risk)
    ends = [float(rows.exit_h[rows.group == group].max()) for group in rows.groups]
    return min(ends, default=0.0)


def landmark_hours(horizon_h: float) -> tuple[float, ...]:
    """Return even hours well before the horizon, at most eight, and the horizon itself."""
    if horizon_h <= 0:
        return ()
    step = next((s for s in LANDMARK_STEPS_H if horizon_h / s >= 2), horizon_h)
    inner = np.arange(1, np.floor(horizon_h / step + 1e-9) + 1) * step
    inner = inner[-8:] if len(inner) > 8 else inner
    kept = [float(hour) for hour in inner if hour <= horizon_h - step / 2]
    return (*kept, horizon_h)


def estimate(
    table: SurvivalTable,
    *,
    horizon_h: float | None = None,
    landmarks_h: Sequence[float] | None = None,
) -> tuple[ArmEstimate, ...]:
    """Estimate survival of every group of a table.

    Parameters
    ----------
    table : SurvivalTable
        One endpoint, one row per neuron.
    horizon_h : float, optional
        Hour up to which the restricted mean is taken; default: the last hour at which
        every group was still watched.
    landmarks_h : sequence of float, optional
        Hours at which survival is stated; default: even hours up to the horizon.

    Returns
    -------
    tuple of ArmEstimate
        In the order of the groups' first row.
    """
    horizon = common_horizon_h(table) if horizon_h is None else horizon_h
    hours = landmark_hours(horizon) if landmarks_h is None else tuple(landmarks_h)
    return tuple(
        _estimate_group(table.take(table.group == group), group, horizon, hours)
        for group in table.groups
    )


def _estimate_group(
    rows: SurvivalTable, group: str, horizon: float, hours: Sequence[float]
) -> ArmEstimate:
    counts = count_units(rows)
    rmst, rmst_error = _rmst(counts, rows, horizon)
    weighted = bool(np.isfinite(rows.p_dead).any())
    watched = rows.at_risk
    return ArmEstimate(
        group=group,
        n_units=len(set(rows.unit[watched])),
        n_neurons=int(watched.sum()),
        n_dead=int((rows.event & watched).sum()),
        n_lost=int((rows.lost & watched).sum()),
        n_alive=int((~rows.event & ~rows.lost & watched).sum()),
        n_dead_on_arrival=int(rows.dead_on_arrival.sum()),
        n_without_time=int((~watched & ~rows.dead_on_arrival).sum()),
        neuron_hours=float((rows.exit_h - rows.entry_h)[watched].sum()),
        horizon_h=horizon,
        curve=_curve(counts),
        landmarks=tuple(_landmark(counts, rows, hour) for hour in hours),
        rmst_h=rmst,
        rmst_error_h=rmst_error,
        median_h=_median(_curve(counts)),
        lost_weighted=weighted,
    )


def _main_deaths(counts: UnitCounts) -> Floats:
    return np.asarray(counts.deaths + counts.lost_dead)


def _pooled(deaths: Floats, counts: UnitCounts) -> Floats:
    return product_limit(deaths.sum(axis=0), counts.risk.sum(axis=0))


def _without_each_unit(counts: UnitCounts) -> Floats:
    """Return (U, T) survival with each unit left out in turn."""
    deaths = _main_deaths(counts)
    return product_limit(
        deaths.sum(axis=0) - deaths, np.maximum(counts.risk.sum(axis=0) - counts.risk, 0.0)
    )


def jackknife_error(without: Floats) -> Floats:
    """Return the standard error from estimates that each leave one unit out.

    Parameters
    ----------
    without : (U, ...) float64
        The estimate without the u-th unit.

    Returns
    -------
    (...) float64
        sqrt((U - 1) / U * sum of squared deviations); NaN below two units.
    """
    n = len(without)
    if n < 2:
        return np.full(without.shape[1:], np.nan)
    spread = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.sqrt((n - 1) / n * spread))


def neurons_error(deaths: Floats, risk: Floats) -> Floats:
    """Return Greenwood's standard error of survival, which takes neurons as independent.

    Parameters
    ----------
    deaths, risk : (T,) float64
        Deaths and neurons at risk at each hour.

    Notes
    -----
    S * sqrt(sum of d / (n * (n - d))); 0 where nobody is left.
    """
    left = risk * (risk - deaths)
    terms = np.divide(deaths, left, out=np.zeros_like(deaths), where=left > 0)
    return np.asarray(product_limit(deaths, risk) * np.sqrt(np.cumsum(terms)))


def half_width(jackknifed: Floats, alone: Floats, degrees: int) -> Floats:
    """Return half an interval: from the units, or from independent neurons if that is wider.

    Parameters
    ----------
    jackknifed, alone : (...) float64
        Standard errors from units, and from neurons taken as independent.
    degrees : int
        Degrees of freedom of the former; NaN comes out below 1.
    """
    normal = float(norm.ppf(0.5 + CONFIDENCE / 2))
    return np.maximum(t_quantile(degrees) * jackknifed, normal * alone)


def t_quantile(degrees: float, confidence: float = CONFIDENCE) -> float:
    """Return the two-sided quantile of Student's t; NaN without degrees of freedom."""
    if degrees < 1:
        return float("nan")
    return float(student.ppf(0.5 + confidence / 2, degrees))


def _survival_interval(survival: Floats, half: Floats) -> tuple[Floats, Floats]:
    """Return the interval on the complementary log-log scale, which stays in 0..1."""
    inside = (survival > 0) & (survival < 1) & np.isfinite(half)
    s = np.where(inside, survival, 0.5)
    width = half / (s * np.abs(np.log(s)))
    centre = np.log(-np.log(s))
    with np.errstate(over="ignore"):
        low, high = (np.exp(-np.exp(centre + side * width)) for side in (1, -1))
    unknown = np.where(survival >= 1, 1.0, np.nan)
    return np.where(inside, low, unknown), np.where(inside, high, unknown)


def _curve(counts: UnitCounts) -> Curve:
    survival = _pooled(_main_deaths(counts), counts)
    alone = neurons_error(_main_deaths(counts).sum(axis=0), counts.risk.sum(axis=0))
    error = jackknife_error(_without_each_unit(counts))
    low, high = _survival_interval(survival, half_width(error, alone, len(counts.risk) - 1))
    lower = _pooled(counts.deaths + counts.lost, counts)
    upper = _pooled(counts.deaths, counts)
    columns = (survival, low, high, lower, upper)
    start = np.concatenate(([0.0], counts.times_h))
    return Curve(start, *(np.concatenate(([1.0], column)) for column in columns))


def step_at(times_h: Floats, values: Floats, hour: float) -> float:
    """Return the value of a step function at an hour (right-continuous)."""
    at = int(np.searchsorted(times_h, hour, side="right")) - 1
    return float(values[max(at, 0)])


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _landmark(counts: UnitCounts, rows: SurvivalTable, hour: float) -> Landmark:
    curve = _curve(counts)

    def at(values: Floats) -> float:
        return step_at(curve.times_h, values, hour)

    certain = at(curve.survival) >= 1
    interval = (None, None) if certain else (_known(at(curve.low)), _known(at(curve.high)))
    return Landmark(
        hours=hour,
        survival=Estimate(at(curve.survival), *interval),
        all_lost_dead=at(curve.all_lost_dead),
        no_lost_dead=at(curve.no_lost_dead),
        at_risk=at_risk(rows, [hour])[0],
    )


def restricted_mean_h(times_h: Floats, survival: Floats, horizon_h: float) -> Floats:
    """Return the area under survival up to a horizon, hours.

    Parameters
    ----------
    times_h : (T,) float64
        Hours of the steps, increasing.
    survival : (..., T) float64
        Survival just after each of them; 1 before the first.
    horizon_h : float
        Upper end of the area.
    """
    edges = np.clip(np.concatenate(([0.0], times_h, [horizon_h])), 0.0, horizon_h)
    full = np.concatenate((np.ones((*survival.shape[:-1], 1)), survival), axis=-1)
    return np.asarray((full * np.diff(edges)).sum(axis=-1))


def _rmst(counts: UnitCounts, rows: SurvivalTable, horizon: float) -> tuple[Estimate, float | None]:
    """Return the restricted mean with its interval, and its standard error."""
    if horizon <= 0 or not rows.at_risk.any():
        return Estimate(None), None
    survival = _pooled(_main_deaths(counts), counts)
    value = float(restricted_mean_h(counts.times_h, survival, horizon))
    without = restricted_mean_h(counts.times_h, _without_each_unit(counts), horizon)
    alone = _neurons_rmst_error(counts, survival, horizon)
    error = float(np.maximum(jackknife_error(without), alone))
    half = float(half_width(jackknife_error(without), np.array(alone), len(counts.risk) - 1))
    if not np.isfinite(half) or half <= ROUNDING * horizon:
        return Estimate(value), _known(error)
    return Estimate(value, max(value - half, 0.0), min(value + half, horizon)), error


def _neurons_rmst_error(counts: UnitCounts, survival: Floats, horizon: float) -> float:
    """Return the restricted mean's error for independent neurons (Klein & Moeschberger 4.5)."""
    deaths, risk = _main_deaths(counts).sum(axis=0), counts.risk.sum(axis=0)
    edges = np.clip(np.append(counts.times_h, horizon), 0.0, horizon)
    after = np.cumsum((survival * np.diff(edges))[::-1])[::-1]
    left = risk * (risk - deaths)
    terms = np.divide(deaths, left, out=np.zeros_like(deaths), where=left > 0)
    return float(np.sqrt((after**2 * terms).sum()))


def _median(curve: Curve) -> Estimate:
    """Return the first hour at which half are dead; the band's crossings as its interval."""
    return Estimate(*(_crossing(curve, s) for s in (curve.survival, curve.low, curve.high)))


def _crossing(curve: Curve, values: Floats) -> float | None:
    below = np.flatnonzero(values <= 0.5 + ROUNDING)
    return float(curve.times_h[below[0]]) if len(below) else None
