"""Survival of a study or of any table of neurons: one path, whoever asks.

A folder or a table goes in; estimates per group and comparisons come out. A study's own
comparisons are computed as it declared them, so that the command, the report and a notebook
give the same numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from livedeath.errors import StoreError, TableError
from livedeath.model.comparison import STUDY_START, Comparison
from livedeath.statistics.compare import Contrast, compare
from livedeath.statistics.declared import (
    Shown,
    arms_in_order,
    comparison_table,
    shown_as,
    shown_comparisons,
)
from livedeath.statistics.estimate import ArmEstimate, Estimate, estimate
from livedeath.statistics.study import StudyCalls, grouped, read_calls
from livedeath.statistics.table import SurvivalTable, from_frame
from livedeath.statistics.tabulate import arms_table, curve_table, pairs_table
from livedeath.store.folder import StudyFolder
from livedeath.store.tables import read_table

ASKED = "post hoc: asked for by name, not declared"


@dataclass(frozen=True)
class Asked:
    """What was asked for by name; None where it was left open.

    Attributes
    ----------
    group, unit, block : str or None
        Columns, or for a study ``well``, ``vessel`` or a kind of entity.
    covariates : tuple of str
        Numeric columns for the hazard model.
    control : str or None
        Name of the control group.
    horizon_h : float or None
        Hour up to which deaths count.
    endpoint : str or None
        Which endpoint, where there are several.
    """

    group: str | None = None
    unit: str | None = None
    block: str | None = None
    covariates: tuple[str, ...] = ()
    control: str | None = None
    horizon_h: float | None = None
    endpoint: str | None = None

    def __post_init__(self) -> None:
        if self.horizon_h is not None and not 0 < self.horizon_h < math.inf:
            raise TableError(
                f"The horizon is {self.horizon_h:g} h; give an hour after 0, up to which deaths "
                "count."
            )

    def of(self, declared: Comparison) -> Comparison | None:
        """Return a declared comparison with what was asked for in its place.

        None where other groups were asked for: then nothing of it holds. Another unit has no
        block but one that is named with it; named groups, or another control, are compared
        all.
        """
        if self.group not in (None, declared.factor):
            return None
        given = {
            "unit": self.unit,
            "block": self.block,
            "covariates": self.covariates or None,
            "control": self.control,
            "horizon_h": self.horizon_h,
        }
        changes: dict[str, Any] = {name: one for name, one in given.items() if one is not None}
        if self.unit is not None:
            changes["block"] = self.block
        if self.control is not None or self.group is not None:
            changes["treated"] = ()
        return declared.model_copy(update=changes)

    @property
    def by_name(self) -> bool:
        """Whether a comparison was asked for that the study need not have declared."""
        given = (self.group, self.unit, self.block, self.control, self.horizon_h)
        return any(one is not None for one in given) or bool(self.covariates)


@dataclass(frozen=True)
class Survival:
    """Survival per group, and the comparisons of groups.

    Attributes
    ----------
    table : SurvivalTable
        One row per neuron.
    groups : tuple of ArmEstimate
        In the order of the table.
    comparisons : tuple of Shown
        As declared, or the one asked for; empty with one group only.
    run : str
        Name of the analysis of a study; empty for a table.
    """

    table: SurvivalTable
    groups: tuple[ArmEstimate, ...]
    comparisons: tuple[Shown, ...]
    run: str = ""

    def __repr__(self) -> str:
        groups = ", ".join(f"{arm.group} ({arm.n_dead} of {arm.n_neurons})" for arm in self.groups)
        pairs = sum(len(shown.results) for shown in self.comparisons)
        pairs_said = f"{pairs} comparison" + ("" if pairs == 1 else "s")
        return f"<survival, dead of neurons: {groups}; {pairs_said}>"

    @property
    def arms(self) -> pl.DataFrame:
        """One row per group: counts, survival at the horizon, mean and median."""
        return arms_table(self.groups)

    @property
    def curves(self) -> pl.DataFrame:
        """The survival curves, one row per group and hour of a death or loss."""
        return curve_table(self.groups)

    @property
    def effects(self) -> pl.DataFrame:
        """One row per pair of groups: ratios of ``b`` over the control ``a``, intervals, p."""
        return pairs_table(self._rows)

    @property
    def _rows(self) -> list[dict[str, Any]]:
        return [row for shown in self.comparisons for row in comparison_rows(shown)]

    def to_dict(self) -> dict[str, Any]:
        """Return ``groups`` and ``comparisons`` as JSON values."""
        return {
            "endpoint": self.table.endpoint,
            "n_neurons": int(self.table.at_risk.sum()),
            "n_units": len(set(self.table.unit[self.table.at_risk])),
            "groups": [_group(arm) for arm in self.groups],
            "comparisons": self._rows,
        }


def survival(
    source: Path | str | pl.DataFrame,
    *,
    group: str | None = None,
    unit: str | None = None,
    block: str | None = None,
    covariates: Sequence[str] = (),
    control: str | None = None,
    horizon_h: float | None = None,
    endpoint: str | None = None,
    run: str | None = None,
) -> Survival:
    """Estimate survival per group and compare the groups.

    Parameters
    ----------
    source : path or polars.DataFrame
        Folder of a scored study, or a table (CSV, Parquet or in memory) with one row per
        neuron: ``last_alive_h`` and ``first_dead_h``, or ``time_h`` and ``event``.
    group, unit, block : str, optional
        Columns. Default for a table: ``arm`` and ``unit``, no block. For a study also
        ``well``, ``vessel`` or a kind of entity; default: what its comparisons declare.
    covariates : sequence of str
        Numeric columns for the hazard model.
    control : str, optional
        Name of the control group.
    horizon_h : float, optional
        Hour up to which deaths count.
    endpoint : str, optional
        Which endpoint, where there are several.
    run : str, optional
        Name of a study's run; default: the latest.

    Returns
    -------
    Survival
        ``groups``, ``comparisons``, ``arms`` and ``curves``.

    Raises
    ------
    StoreError, TableError
        In one sentence: what is missing or not allowed.
    """
    named = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    asked = Asked(group, unit, block, named, control, horizon_h, endpoint)
    if isinstance(source, pl.DataFrame):
        return _of_table(source, asked)
    if not isinstance(source, str | Path):
        raise TableError(
            f"The source is a {type(source).__module__.split('.')[0]} {type(source).__name__}; "
            "give a path or a polars.DataFrame (of pandas: polars.from_pandas(table))."
        )
    path = Path(source)
    if (path / "study.toml").is_file():
        return _of_study(path, asked, run)
    calls = path / "calls.parquet"
    if path.is_dir() and not calls.is_file():
        raise StoreError(
            f"{path}: this is neither a study nor a scored table; name the folder of a study or "
            "a CSV or Parquet table."
        )
    try:
        table = grouped(read_table(calls)) if path.is_dir() else read_table(path)
        return _of_table(table, asked)
    except TableError as error:
        said = str(error)
        raise TableError(said if str(path) in said else f"{path}: {said}") from None


def _of_table(frame: pl.DataFrame, asked: Asked) -> Survival:
    table = from_frame(
        # Blanks around a word are not seen: 'drug ' would be an arm of its own.
        frame.with_columns(cs.string().str.strip_chars()),
        asked.group or "arm",
        unit=asked.unit or "unit",
        block=asked.block,
        covariates=asked.covariates,
        endpoint=asked.endpoint,
    )
    return _asked_for(table, asked)


def _of_study(path: Path, asked: Asked, run: str | None) -> Survival:
    folder = StudyFolder.open(path)
    chosen = folder.run(run)
    calls = read_calls(folder, chosen, endpoint=asked.endpoint)
    return replace(of_calls(calls, folder.journal.read(), asked), run=chosen.name)


def of_calls(
    calls: StudyCalls,
    entries: Sequence[dict[str, Any]],
    asked: Asked = Asked(),
    *,
    unit: str = "well",
) -> Survival:
    """Estimate survival from a study's calls, as declared unless something else is asked.

    Parameters
    ----------
    calls : StudyCalls
        From `livedeath.statistics.study.read_calls`.
    entries : sequence of dict
        The journal.
    asked : Asked
        What was asked for by name.
    unit : str
        What the unit is called where the study declares no comparison.
    """
    if not calls.joined.height:
        raise StoreError(f"The run cannot be counted: {calls.why_empty}")
    if not asked.by_name:
        shown = tuple(shown_comparisons(calls, entries, unit=unit))
        by_name = {arm.group: arm for arm in estimate(calls.table)}
        arms = tuple(by_name[name] for name in arms_in_order(calls))
        return Survival(calls.table, arms, shown)
    own = [one for one in calls.study.comparisons[:1] if asked.of(one)]
    changed = asked.of(own[0]) if own else None
    if changed is not None:
        return _as_declared(calls, changed, asked)
    table = calls.survival(
        group=asked.group or "arm",
        unit=asked.unit,
        block=asked.block,
        covariates=asked.covariates,
    )
    return _asked_for(table, asked)


def _as_declared(calls: StudyCalls, changed: Comparison, asked: Asked) -> Survival:
    """Estimate the first declared comparison, in which something was asked for by name."""
    table = calls.survival(group=changed.factor, unit=asked.unit)
    compared = comparison_table(calls, changed)
    _refuse_beyond(compared, asked.horizon_h)
    since_start = changed.origin == STUDY_START
    groups = estimate(table, horizon_h=asked.horizon_h if since_start else None)
    return Survival(table, groups, (shown_as(calls, changed, ASKED),))


def _refuse_beyond(table: SurvivalTable, horizon_h: float | None) -> None:
    """Refuse a horizon after the last neuron was seen: nothing is known there."""
    last = table.last_h
    if horizon_h is None:
        return
    if not (math.isfinite(horizon_h) and horizon_h > 0):
        raise TableError(f"The horizon is {horizon_h:g} h; give a number of hours above 0.")
    if horizon_h > last:
        raise TableError(
            f"The horizon is {horizon_h:g} h, but nobody was watched after {last:g} h; give at "
            "most that."
        )


def _asked_for(table: SurvivalTable, asked: Asked) -> Survival:
    _refuse_beyond(table, asked.horizon_h)
    groups = estimate(table, horizon_h=asked.horizon_h)
    watched = table.take(table.at_risk)
    if len(watched.groups) < 2:
        return Survival(table, groups, ())
    found = compare(watched, asked.control, horizon_h=asked.horizon_h)
    unit = f"unit: {asked.unit or 'unit'}"
    details = f"{unit}; within each {asked.block}" if asked.block else unit
    name = f"Each group against {found[0].control}"
    return Survival(table, groups, (Shown(name, ASKED, details, "", found),))


def _group(arm: ArmEstimate) -> dict[str, Any]:
    return {
        "name": arm.group,
        "units": arm.n_units,
        "n": arm.n_neurons,
        "deaths": arm.n_dead,
        "lost": arm.n_lost,
        "alive": arm.n_alive,
        "dead_on_arrival": arm.n_dead_on_arrival,
        "without_time": arm.n_without_time,
        "neuron_hours": arm.neuron_hours,
        "horizon_h": arm.horizon_h,
        **_three("median", arm.median_h),
        **_three("rmst", arm.rmst_h),
        "survival": [
            {
                "time_h": m.hours,
                **asdict(m.survival),
                "all_lost_dead": m.all_lost_dead,
                "no_lost_dead": m.no_lost_dead,
                "at_risk": m.at_risk,
            }
            for m in arm.landmarks
        ],
        "lost_weighted_by_p_dead": arm.lost_weighted,
    }


def _three(name: str, hours: Estimate) -> dict[str, float | None]:
    return {f"{name}_h": hours.value, f"{name}_low_h": hours.low, f"{name}_high_h": hours.high}


def comparison_rows(shown: Shown) -> list[dict[str, Any]]:
    """Return one row per pair of groups of a comparison, as JSON values.

    Returns
    -------
    list of dict
        ``a`` is the control, ratios are b over a, differences b minus a; one row without
        groups and with ``refused`` where nothing could be computed.
    """
    head = {"name": shown.name, "standing": shown.standing, "details": shown.details}
    if shown.refused:
        return [{**head, "a": None, "b": None, "refused": shown.refused}]
    return [{**head, **_pair(one)} for one in shown.results]


def _pair(one: Contrast) -> dict[str, Any]:
    low, high = one.interval or (None, None)
    hazard_low, hazard_high = one.hazard_interval or (None, None)
    rmst_low, rmst_high = one.rmst_interval_h or (None, None)
    return {
        "a": one.control,
        "b": one.group,
        "design": "units" if one.n_blocks is None else "blocks",
        "n_units": one.n_units,
        "n_neurons": one.n_neurons,
        "n_blocks": one.n_blocks,
        "rate_ratio": one.effect,
        "rate_ratio_low": low,
        "rate_ratio_high": high,
        "p": one.p,
        "p_adjusted": one.p_adjusted,
        "adjusted_note": one.adjusted_note,
        "p_method": one.method,
        "hazard_ratio": one.hazard_ratio,
        "low": hazard_low,
        "high": hazard_high,
        "hazard_note": one.hazard_note,
        "rmst_difference_h": one.rmst_difference_h,
        "rmst_difference_low_h": rmst_low,
        "rmst_difference_high_h": rmst_high,
        "refused": one.refused,
    }
