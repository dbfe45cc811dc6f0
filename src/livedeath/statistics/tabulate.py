"""Estimates per arm become tables: one row per arm, and the curves."""

from typing import Any

import polars as pl

from livedeath.statistics.estimate import ArmEstimate, Estimate


def arms_table(arms: tuple[ArmEstimate, ...]) -> pl.DataFrame:
    """Return one row per arm: counts, survival at the horizon with bounds, mean and median."""
    return pl.DataFrame([_arm_row(arm) for arm in arms])


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
