"""Compare groups, with the p-value computed on the experimental unit.

In goes a ``SurvivalTable``; out comes, for each group against the control, the ratio of
death rates with its interval and p-value from one number per unit, the difference of
restricted means, and a hazard ratio as an estimate. Neurons are never counted as
replicates: with three animals of 100 neurons in each arm and no effect, a Cox model on
neurons is significant two times in three, the test used here one time in twenty. Below
two units per arm the p-value is refused and everything else is still given.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from livedeath.errors import OptionalDependencyError, TableError
from livedeath.statistics.estimate import (
    CONFIDENCE,
    ROUNDING,
    ArmEstimate,
    common_horizon_h,
    estimate,
    t_quantile,
)
from livedeath.statistics.sandwich import clustered_error
from livedeath.statistics.table import SurvivalTable

Floats = NDArray[np.float64]

CONTROL_NAMES = ("vehicle", "control", "untreated", "dmso", "mock", "wildtype", "wt")

# Added to each unit's deaths, and its time at the pooled rate to the unit's hours, so that
# a unit without deaths keeps a finite log rate (the usual continuity correction of 1/2).
HALF_DEATH = 0.5

# By default lifelines stops up to 2e-4 of a coefficient too early.
TO_THE_END = {"precision": 1e-12, "r_precision": 1e-15}


ADJUSTED = "adjusted over this family after Holm"
"""What was done to the p-values of a family."""


@dataclass(frozen=True)
class UnitRates:
    """One number per unit: its log death rate; every array is (U,)."""

    unit: NDArray[np.object_]
    group: NDArray[np.object_]
    block: NDArray[np.object_]
    n_neurons: NDArray[np.int64]
    deaths: Floats
    neuron_hours: Floats
    log_rate: Floats


@dataclass(frozen=True)
class Contrast:
    """One group against the control, as it was computed.

    ``p``, ``interval`` and ``p_adjusted`` are None where ``refused`` says why (``p_adjusted``
    also where ``adjusted_note`` does); ``effect`` is the ratio of death rates, group over
    control.
    """

    group: str
    control: str
    n_units: dict[str, int]
    n_neurons: dict[str, int]
    n_blocks: int | None
    method: str
    effect: float | None
    interval: tuple[float, float] | None
    p: float | None
    p_adjusted: float | None
    adjusted_note: str
    refused: str | None
    rmst_difference_h: float | None
    rmst_interval_h: tuple[float, float] | None
    hazard_ratio: float | None
    hazard_interval: tuple[float, float] | None
    hazard_note: str


def unit_rates(table: SurvivalTable, horizon_h: float) -> UnitRates:
    """Return each unit's log death rate up to a horizon.

    Parameters
    ----------
    table : SurvivalTable
        Neurons; a lost one counts as ``p_dead`` of a death where that is known.
    horizon_h : float
        Deaths and hours after it are left out.

    Notes
    -----
    log((d + 1/2) / (T + 1 / (2 r))), d deaths and T neuron-hours of the unit, r the pooled
    rate: the half death is drawn towards the rate of all units together, so that small
    units are not pushed apart by it.
    """
    cut = table.censored_at(np.maximum(horizon_h, table.entry_h))
    rows = cut.take(cut.at_risk & (cut.entry_h < horizon_h))
    units, first, which = np.unique(rows.unit, return_index=True, return_inverse=True)
    weight = rows.event + np.where(rows.lost, np.nan_to_num(rows.p_dead), 0.0)
    deaths = np.bincount(which, weight, minlength=len(units)).astype(np.float64)
    hours = np.bincount(which, rows.exit_h - rows.entry_h, minlength=len(units)).astype(np.float64)
    pooled = max(deaths.sum(), HALF_DEATH) / hours.sum() if len(units) else 1.0
    block = rows.group if rows.block is None else rows.block
    return UnitRates(
        unit=units,
        group=rows.group[first],
        block=block[first],
        n_neurons=np.bincount(which, minlength=len(units)),
        deaths=deaths,
        neuron_hours=hours,
        log_rate=np.log((deaths + HALF_DEATH) / (hours + HALF_DEATH / pooled)),
    )


def default_control(groups: Sequence[str]) -> str:
    """Return the group named like a control, else the first in alphabetical order."""
    named = [group for group in groups if group.strip().lower() in CONTROL_NAMES]
    return named[0] if named else min(groups)


def compare(
    table: SurvivalTable,
    control: str | None = None,
    *,
    horizon_h: float | None = None,
    hazard: bool = True,
) -> tuple[Contrast, ...]:
    """Compare every other group with the control.

    Parameters
    ----------
    table : SurvivalTable
        One endpoint. With a ``block`` the test is paired: one difference per block.
    control : str, optional
        Name of the control group; default: one named vehicle, control, untreated, ...,
        else the first in alphabetical order.
    horizon_h : float, optional
        Hour up to which deaths count; default: the last at which every group was watched.
    hazard : bool
        Whether to fit the Cox model for the hazard ratio.

    Returns
    -------
    tuple of Contrast
        p-values adjusted over them by Holm's method.
    """
    groups = table.groups
    chosen = default_control(groups) if control is None else control
    if chosen not in groups:
        raise TableError(
            f"No group is called '{chosen}'; the groups are "
            f"{', '.join(repr(name) for name in groups)}."
        )
    horizon = common_horizon_h(table) if horizon_h is None else horizon_h
    found = [
        _compare_pair(
            table.take(np.isin(table.group, [chosen, group])), group, chosen, horizon, hazard
        )
        for group in groups
        if group != chosen
    ]
    return _adjusted(found)


def _compare_pair(
    table: SurvivalTable, group: str, control: str, horizon: float, hazard: bool
) -> Contrast:
    rates = unit_rates(table, horizon)
    arms = {arm.group: arm for arm in estimate(table, horizon_h=horizon, landmarks_h=())}
    headline = _headline(rates, group, control, paired=table.block is not None)
    difference, rmst_interval = _rmst_difference(arms[group], arms[control])
    ratio, ratio_interval, note = (
        hazard_ratio(table, group, control, horizon_h=horizon)
        if hazard
        else (None, None, "not fitted")
    )
    return Contrast(
        group=group,
        control=control,
        n_units={name: arms[name].n_units for name in (control, group)},
        n_neurons={name: arms[name].n_neurons for name in (control, group)},
        n_blocks=len(set(rates.block)) if table.block is not None else None,
        p_adjusted=None,
        adjusted_note=ADJUSTED,
        rmst_difference_h=difference,
        rmst_interval_h=rmst_interval,
        hazard_ratio=ratio,
        hazard_interval=ratio_interval,
        hazard_note=note,
        **headline,
    )


def _headline(rates: UnitRates, group: str, control: str, *, paired: bool) -> dict[str, Any]:
    if paired:
        return _paired_by_block(rates, group, control)
    test, base = (rates.log_rate[rates.group == name] for name in (group, control))
    method = "t-test on the log death rates of units"
    refused = _too_few_units(group, len(test)) or _too_few_units(control, len(base))
    refused = refused or _nobody_died(rates)
    if refused:
        return _refused(method, refused, _difference(test, base))
    # Equal variances: with 3 + 3 units of 100 neurons its error of the first kind is 4.6 %
    # at a nominal 5 % (4,000 repetitions, gamma frailty of variance 0.1 to 0.3).
    if max(np.ptp(test), np.ptp(base)) <= ROUNDING:
        why = "No p-value: the units of each arm do not differ from one another at all."
        return _refused(method, why, _difference(test, base))
    with warnings.catch_warnings():
        # Units of one arm may agree to the last digit (nobody died in any); the pooled
        # variance is then that of the other arm.
        warnings.simplefilter("ignore", RuntimeWarning)
        found = stats.ttest_ind(test, base)
    degrees = len(test) + len(base) - 2
    return _stated(method, _difference(test, base), found.statistic, found.pvalue, degrees)


def _difference(test: Floats, base: Floats) -> float:
    return float(test.mean() - base.mean()) if len(test) and len(base) else float("nan")


def _paired_by_block(rates: UnitRates, group: str, control: str) -> dict[str, Any]:
    method = "paired t-test on the log death rates, one difference per block"
    differences = np.array(
        [
            _difference(
                *(
                    rates.log_rate[(rates.block == block) & (rates.group == name)]
                    for name in (group, control)
                )
            )
            for block in dict.fromkeys(rates.block)
        ]
    )
    complete = differences[np.isfinite(differences)]
    mean = float(complete.mean()) if len(complete) else float("nan")
    if len(complete) < 2:
        return _refused(
            method,
            (
                f"No p-value: {len(complete)} of {len(differences)} blocks hold units of both "
                f"'{group}' and '{control}', and a test by block needs at least 2."
            ),
            mean,
        )
    refused = _nobody_died(rates) or (
        "No p-value: the blocks do not differ from one another at all."
        if np.ptp(complete) <= ROUNDING
        else None
    )
    if refused:
        return _refused(method, refused, mean)
    found = stats.ttest_1samp(complete, 0.0)
    return _stated(method, mean, found.statistic, found.pvalue, len(complete) - 1)


def _too_few_units(name: str, n: int) -> str | None:
    if n >= 2:
        return None
    return (
        f"No p-value: '{name}' has {n} unit{'' if n == 1 else 's'}, and neurons of one unit are "
        f"not independent; at least 2 units per arm are needed."
    )


def _nobody_died(rates: UnitRates) -> str | None:
    return None if rates.deaths.sum() > 0 else "No p-value: nobody died in either arm."


def _refused(method: str, why: str, log_ratio: float) -> dict[str, Any]:
    effect = float(np.exp(log_ratio)) if np.isfinite(log_ratio) else None
    return {"method": method, "refused": why, "effect": effect, "interval": None, "p": None}


def _stated(
    method: str, log_ratio: float, statistic: float, p: float, degrees: int
) -> dict[str, Any]:
    half = t_quantile(degrees) * abs(log_ratio / statistic) if statistic else 0.0
    return {
        "method": f"{method}, {degrees} degrees of freedom",
        "refused": None,
        "effect": float(np.exp(log_ratio)),
        "interval": (float(np.exp(log_ratio - half)), float(np.exp(log_ratio + half))),
        "p": float(p),
    }


def _adjusted(found: Sequence[Contrast]) -> tuple[Contrast, ...]:
    """Adjust the p-values of a family; a lone one stays as it is."""
    stated = [one.p for one in found if one.p is not None]
    try:
        adjusted = iter(stated if len(stated) < 2 else _holm(stated))
    except OptionalDependencyError as error:
        return tuple(replace(one, adjusted_note=f"not adjusted: {error}") for one in found)
    return tuple(
        one if one.p is None else replace(one, p_adjusted=float(next(adjusted))) for one in found
    )


def _holm(p_values: list[float]) -> list[float]:
    """Adjust p-values after Holm 1979."""
    try:
        from statsmodels.stats.multitest import multipletests
    except ImportError:
        raise OptionalDependencyError("The adjustment of p-values", "survival") from None
    return list(multipletests(p_values, method="holm")[1])


def _rmst_difference(
    test: ArmEstimate, base: ArmEstimate
) -> tuple[float | None, tuple[float, float] | None]:
    if test.rmst_h.value is None or base.rmst_h.value is None:
        return None, None
    difference = test.rmst_h.value - base.rmst_h.value
    error = math.hypot(_standard_error(test), _standard_error(base))
    half = t_quantile(test.n_units + base.n_units - 2) * error
    if not np.isfinite(half):
        return difference, None
    return difference, (difference - half, difference + half)


def _standard_error(arm: ArmEstimate) -> float:
    return float("nan") if arm.rmst_error_h is None else arm.rmst_error_h


def hazard_ratio(
    table: SurvivalTable, group: str, control: str, *, horizon_h: float
) -> tuple[float | None, tuple[float, float] | None, str]:
    """Fit a Cox model of one group against the control.

    Parameters
    ----------
    table : SurvivalTable
        Rows of the two groups; its block becomes the stratum, its covariates enter.
    group, control : str
        Names of the two groups.
    horizon_h : float
        Deaths after it are left out.

    Returns
    -------
    ratio : float or None
        Hazard of the group over that of the control.
    interval : (float, float) or None
        Sandwich error clustered on units, referred to Student's t with units - 2 (by
        block: blocks - 1) degrees of freedom.
    note : str
        How it was fitted, or why not.

    Notes
    -----
    lifelines, ties after Efron, delayed entry; a lost neuron of known p_dead stands as two
    weighted rows. An estimate beside the headline, never the headline: with few units the
    sandwich is too narrow even with t (8 % at a nominal 5 % with 3 units per arm).
    """
    try:
        from lifelines import CoxPHFitter
        from lifelines.exceptions import ConvergenceError
    except ImportError:
        return None, None, str(OptionalDependencyError("The hazard ratio", "survival"))
    cut = table.censored_at(np.maximum(horizon_h, table.entry_h))
    rows = cut.take(cut.at_risk)
    if any(not (rows.event & (rows.group == name)).any() for name in (group, control)):
        return None, None, "no hazard ratio: an arm has no death"
    fitter = CoxPHFitter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = _cox_frame(rows, group)
            fitter.fit(frame, **_cox_columns(rows), fit_options=TO_THE_END)
    except (ConvergenceError, ValueError, np.linalg.LinAlgError) as error:
        return None, None, f"no hazard ratio: the Cox model could not be fitted ({error})"
    return _read_cox(fitter, frame, rows)


def _scaled(values: Floats) -> Floats:
    """Bring a covariate to mean 0 and deviation 1: the group's ratio is the same, the fit safer."""
    spread = float(values.std())
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0))


def _cox_columns(rows: SurvivalTable) -> dict[str, Any]:
    return {
        "duration_col": "exit_h",
        "event_col": "event",
        "entry_col": "entry_h",
        "weights_col": "weight",
        "cluster_col": "unit",
        "strata": None if rows.block is None else ["block"],
    }


def _cox_frame(rows: SurvivalTable, group: str) -> Any:  # noqa: ANN401 (pandas is optional)
    import pandas as pd

    share = np.where(rows.lost, np.nan_to_num(rows.p_dead), 0.0)
    columns = {
        "exit_h": rows.exit_h,
        "entry_h": rows.entry_h,
        "treated": (rows.group == group).astype(float),
        "unit": rows.unit,
        "event": rows.event,
        "weight": 1.0 - share,
        **{f"covariate_{name}": _scaled(values) for name, values in rows.covariates.items()},
    }
    if rows.block is not None:
        columns["block"] = rows.block
    kept = pd.DataFrame(columns)
    died = kept.assign(event=True, weight=share)
    both = pd.concat([kept, died], ignore_index=True)
    return both[both["weight"] > 0].reset_index(drop=True)


def _read_cox(
    fitter: Any,  # noqa: ANN401 (lifelines is optional and untyped)
    frame: Any,  # noqa: ANN401
    rows: SurvivalTable,
) -> tuple[float | None, tuple[float, float] | None, str]:
    log_ratio = float(fitter.params_["treated"])
    names = list(fitter.params_.index)
    n = len(frame)
    # Not that of lifelines, which forgets late entry and depends on the order of tied rows.
    errors = clustered_error(
        frame[names].to_numpy(dtype=np.float64),
        frame["entry_h"].to_numpy(dtype=np.float64),
        frame["exit_h"].to_numpy(dtype=np.float64),
        frame["event"].to_numpy(dtype=bool),
        frame["weight"].to_numpy(dtype=np.float64),
        frame["unit"].to_numpy(),
        np.full(n, "") if rows.block is None else frame["block"].to_numpy(),
        fitter.params_.to_numpy(),
        fitter.variance_matrix_.to_numpy(),
    )
    error = float(errors[names.index("treated")])
    n_units = len(set(rows.unit))
    degrees = n_units - 2 if rows.block is None else len(set(rows.block)) - 1
    stratum = "" if rows.block is None else ", stratified by block"
    note = f"Cox model, ties after Efron{stratum}, errors clustered on {n_units} units"
    half = t_quantile(degrees) * error
    ratio = float(np.exp(log_ratio))
    per_group = [len(set(rows.unit[rows.group == name])) for name in rows.groups]
    if min(per_group) < 2 or not np.isfinite(half):
        return ratio, None, f"{note}; no interval below 2 units per arm"
    interval = (float(np.exp(log_ratio - half)), float(np.exp(log_ratio + half)))
    return ratio, interval, f"{note}, {100 * CONFIDENCE:.0f} % interval with t({degrees})"
