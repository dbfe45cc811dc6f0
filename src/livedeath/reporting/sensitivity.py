"""Sensitivity and false alarms: what the study measured about itself.

The end-kill tells how many neurons known to be dead were called dead, and how late. The
control wells tell how often the detector spoke where little was expected: an upper bound of
its false alarms, since control neurons die too. Arrays go in, small frozen results come out.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import binomtest, chi2

from livedeath.model.tables import PLACE
from livedeath.reporting.material import Material
from livedeath.statistics.declared import control_arm
from livedeath.statistics.study import floats

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HOURS_PER_DAY = 24.0


@dataclass(frozen=True)
class Sensitivity:
    """What the end-kill shows; hours, counts of neurons.

    Attributes
    ----------
    kill_h : float
        Hour of the kill (the earliest, where wells differ).
    n_wells, n_alive : int
        Wells killed, and neurons in them that were alive and followed then.
    n_found, n_lost, n_missed : int
        Of those: called dead afterwards, lost afterwards, still called alive.
    share, low, high : float
        Share found, and its Wilson interval.
    delay_h, delay_low_h, delay_high_h : float
        Call minus kill: median and quartiles.
    onset_h, onset_low_h, onset_high_h : float
        Onset minus kill: median and quartiles; includes how long the killing took.
    well_low, well_high : float
        Smallest and largest share found among wells.
    watched_h : float
        How long was looked on after the kill.
    """

    kill_h: float
    n_wells: int
    n_alive: int
    n_found: int
    n_lost: int
    n_missed: int
    share: float
    low: float
    high: float
    delay_h: float
    delay_low_h: float
    delay_high_h: float
    onset_h: float
    onset_low_h: float
    onset_high_h: float
    well_low: float
    well_high: float
    watched_h: float


@dataclass(frozen=True)
class FalseAlarms:
    """Calls of death in control wells, before any kill.

    ``rate`` is per 1,000 neuron-days, with its exact Poisson interval; ``asked`` is what
    the study allows; ``expected_false`` is how many of all calls of the study that makes.
    """

    arm: str
    n_calls: int
    neuron_days: float
    rate: float
    low: float
    high: float
    asked: float
    all_neuron_days: float
    expected_false: float
    all_calls: int


def wilson(found: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share.

    Parameters
    ----------
    found, of : int
        ``found`` out of ``of``; NaN for 0 of 0.
    confidence : float
        Between 0 and 1.

    Notes
    -----
    Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    if of == 0:
        return float("nan"), float("nan")
    interval = binomtest(found, of).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def poisson_interval(count: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact (Garwood 1936) interval of a Poisson count's mean."""
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(chi2.ppf(tail, 2 * count)) / 2
    return low, float(chi2.ppf(1 - tail, 2 * count + 2)) / 2


def sensitivity(material: Material) -> Sensitivity | None:
    """Measure the share of killed neurons that was called dead; None without a kill."""
    calls, kill = material.called.calls, material.called.kill_h
    alive = _alive_at_kill(material)
    if not alive.any():
        return None
    outcome = calls["outcome"].to_numpy()
    found = alive & (outcome == "dead")
    lost = alive & (outcome == "lost")
    delay = floats(calls, "called_at_h") - kill
    onset = floats(calls, "death_h") - kill
    by_well = _by_well(calls, alive, found)
    n, k = int(alive.sum()), int(found.sum())
    return Sensitivity(
        float(kill[alive].min()),
        len(by_well),
        n,
        k,
        int(lost.sum()),
        n - k - int(lost.sum()),
        k / n,
        *wilson(k, n),
        *_quartiles(delay[found]),
        *_quartiles(onset[found]),
        min(by_well),
        max(by_well),
        _watched_after(material),
    )


def _alive_at_kill(material: Material) -> Bools:
    """Say who was followed and not yet called, dead or lost when the kill came."""
    calls, kill = material.called.calls, material.called.kill_h
    last = material.called.last_visit_before(kill)
    entered = floats(calls, "entry_h") <= last
    called = floats(calls, "called_at_h")
    high = floats(calls, "death_high_h")
    before = (called < kill) | (high < last)
    outcome = calls["outcome"].to_numpy()
    gone = (outcome == "lost") & (floats(calls, "last_alive_h") < last)
    # A well that was excluded before its kill counts no more.
    seen = np.isfinite(kill) & np.isfinite(last) & (material.called.end_h >= kill)
    seen &= _watched_until(material) >= kill
    return np.asarray(seen & entered & ~before & ~gone & (outcome != "dead_on_arrival"))


def _watched_until(material: Material) -> Floats:
    """Return per call the last visit of its field: a kill nobody looked at tells nothing."""
    last = material.traces.group_by(PLACE).agg(pl.col("time_h").max().alias("until"))
    calls = material.called.calls
    joined = calls.select(PLACE).join(last, on=PLACE, how="left", maintain_order="left")
    return floats(joined, "until")


def _watched_after(material: Material) -> float:
    later = _watched_until(material) - material.called.kill_h
    return float(np.nanmax(later[np.isfinite(later)], initial=0.0))


def _by_well(calls: pl.DataFrame, alive: Bools, found: Bools) -> list[float]:
    wells = calls["vessel"].to_numpy() + "/" + calls["well"].to_numpy()
    return [float(found[alive & (wells == well)].mean()) for well in np.unique(wells[alive])]


def _quartiles(values: Floats) -> tuple[float, float, float]:
    values = values[np.isfinite(values)]
    if not len(values):
        return (float("nan"),) * 3
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(middle), float(low), float(high)


def false_alarms(material: Material) -> FalseAlarms:
    """Count the calls of death in control wells against their neuron-days."""
    table, arm = material.table, control_arm(material.called)
    own = table.at_risk & (table.group == arm)
    hours = table.exit_h - table.entry_h
    days = float(hours[own].sum()) / HOURS_PER_DAY
    everywhere = float(hours[table.at_risk].sum()) / HOURS_PER_DAY
    n = int((table.event & own).sum())
    scale = 1000.0 / days if days > 0 else float("nan")
    low, high = poisson_interval(n)
    asked = _asked(material)
    return FalseAlarms(
        arm,
        n,
        days,
        n * scale,
        low * scale,
        high * scale,
        asked,
        everywhere,
        asked * everywhere / 1000.0,
        int((table.event & table.at_risk).sum()),
    )


def _asked(material: Material) -> float:
    settings = material.provenance.get("settings") or {}
    given = settings.get("false_alarms_per_1000_neuron_days")
    return float(given or material.study.analysis.false_alarms_per_1000_neuron_days)
