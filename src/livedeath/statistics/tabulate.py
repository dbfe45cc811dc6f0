"""Estimates become tables: one row per arm, one per pair of groups, and the curves."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import polars.selectors as cs

from livedeath.statistics.estimate import ArmEstimate, Estimate


def arms_table(arms: tuple[ArmEstimate, ...]) -> pl.DataFrame:
    """Return one row per arm: counts, survival at the horizon with bounds, mean and median."""
    return _numbers([_arm_row(arm) for arm in arms])


_WORDS = (
    "name",
    "standing",
    "details",
    "a",
    "b",
    "design",
    "p_method",
    "adjusted_note",
    "hazard_note",
    "refused",
)
"""Columns of `pairs_table` that hold words."""


def pairs_table(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Return one row per pair of groups that was compared.

    Parameters
    ----------
    rows : sequence of dict
        From `livedeath.statistics.survival.comparison_rows`. Counts per group become
        columns of ``a``, the control, and of ``b``.
    """
    table = _numbers([_flat(row) for row in rows])
    return table.with_columns(cs.by_name(*_WORDS, require_all=False).cast(pl.String))


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{side}": value.get(row[side]) for side in ("a", "b")}
        else:
            flat[name] = value
    return flat


def _numbers(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Return rows as a table in which a number that is nowhere known is still a number."""
    table = pl.DataFrame(rows, infer_schema_length=None)
    return table.with_columns(cs.by_dtype(pl.Null).cast(pl.Float64))


def _arm_row(arm: ArmEstimate) -> dict[str, Any]:
    last = arm.landmarks[-1] if arm.landmarks else None
    return {
        "arm": arm.group,
        "units": arm.n_units,
        "neurons": arm.n_neurons,
        "dead": arm.n_dead,
        "lost": arm.n_lost,
        "alive": arm.n_alive,
        "dead_on_arrival": arm.n_dead_on_arrival,
        "neuron_hours": arm.neuron_hours,
        "horizon_h": arm.horizon_h,
        **_three("survival", last.survival if last else Estimate(None)),
        "survival_all_lost_dead": last.all_lost_dead if last else None,
        "survival_no_lost_dead": last.no_lost_dead if last else None,
        **_three("rmst_h", arm.rmst_h),
        **_three("median_h", arm.median_h),
    }


def _three(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def curve_table(arms: tuple[ArmEstimate, ...]) -> pl.DataFrame:
    """Return the survival curves, one row per arm and hour of a death or loss."""
    parts = [
        pl.DataFrame(
            {
                "arm": [arm.group] * len(arm.curve.times_h),
                "time_h": arm.curve.times_h,
                "survival": arm.curve.survival,
                "low": arm.curve.low,
                "high": arm.curve.high,
                "all_lost_dead": arm.curve.all_lost_dead,
                "no_lost_dead": arm.curve.no_lost_dead,
            }
        ).with_columns(pl.col("low", "high").fill_nan(None))
        for arm in arms
    ]
    return pl.concat(parts) if parts else pl.DataFrame({"arm": [], "time_h": []})
