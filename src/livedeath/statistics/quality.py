"""What a study measured about itself: the share of deaths it finds, and its false alarms.

The end-kill tells how many neurons known to be dead were called dead, and how late. Calls that
were taken back, the control wells and living traces turned round in time tell how often the
detector spoke where nobody died. Joined calls go in, small frozen results come out; nothing
here changes a call.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import chi2, norm, t

from livedeath.detection.null import Null
from livedeath.model.tables import DIVIDED, PLACE
from livedeath.statistics.declared import control_arm
from livedeath.statistics.study import StudyCalls, floats

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HOURS_PER_DAY = 24.0
LARGEST_WEIGHT = 4.0
"""Most deaths that one found death stands for: a delay that few could show says little."""


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
    found_so_far : float
        Share called by the end of the watch.
    share, low, high : float
        Share that is found where the watch is long enough, and its 95 % interval; see Notes.
    delay_h, delay_low_h, delay_high_h : float
        Call minus kill: median and quartiles.
    onset_h, onset_low_h, onset_high_h : float
        Onset minus kill: median and quartiles; includes how long the killing took.
    well_low, well_high : float
        Smallest and largest share found among wells.
    watched_h : float
        How long was looked on after the kill.

    Notes
    -----
    A neuron that dies late, or shows it slowly, is not called before the watch ends. How long
    calls take after an onset is known from all deaths of the study, each of which could only
    show a delay shorter than its own watch (product-limit estimate for right truncation,
    Woodroofe 1985, doi:10.1214/aos/1176346584). A found death whose watch shows the share D of
    the delays stands for 1 / D deaths. A neuron that would never be called stays missed, and
    a delay longer than any watch is not known of.

    The interval takes wells as the independent units: Wilson's, for as many neurons as the
    differences among wells leave (Korn and Graubard 1998), never more than there are. With
    one well it takes neurons as independent.
    """

    kill_h: float
    n_wells: int
    n_alive: int
    n_found: int
    n_lost: int
    n_missed: int
    found_so_far: float
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
class Rate:
    """Events in neuron-days, as a rate per 1,000 with its exact Poisson interval."""

    n: int
    neuron_days: float
    rate: float
    low: float
    high: float

    @classmethod
    def of(cls, n: int, neuron_days: float) -> "Rate":
        """Return the rate of so many events; NaN without neuron-days."""
        scale = 1000.0 / neuron_days if neuron_days > 0 else float("nan")
        low, high = poisson_interval(n)
        return cls(n, neuron_days, n * scale, low * scale, high * scale)


@dataclass(frozen=True)
class FalseAlarms:
    """How often the detector spoke, before any kill.

    Attributes
    ----------
    asked : float
        False deaths per 1,000 neuron-days that the study allows.
    neuron_days, expected_false : float
        Watched in all, and how many false deaths the allowed rate makes of that.
    alarms, taken_back, deaths : int
        Neurons ever called, those of them whose call was taken back later or gave way to a
        later death than the watch, and the rest.
    arm : str
        The control arm.
    control_alarms, control_deaths : Rate
        The same in it: both bound the realised rates from above, for control neurons die too.
    null : Rate or None
        Alarms on living traces turned round in time; None where there are none.
    null_deaths : Rate or None
        Those that were not taken back.
    null_neurons : int
        How many neurons these were.
    """

    asked: float
    neuron_days: float
    expected_false: float
    alarms: int
    taken_back: int
    deaths: int
    arm: str
    control_alarms: Rate
    control_deaths: Rate
    null: Rate | None
    null_deaths: Rate | None
    null_neurons: int


def wilson(found: float, of: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share.

    Parameters
    ----------
    found, of : float
        ``found`` out of ``of``, which need not be whole; NaN for 0 of 0.
    confidence : float
        Between 0 and 1.

    Notes
    -----
    Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    if of == 0:
        return float("nan"), float("nan")
    z = float(norm.ppf(0.5 + confidence / 2))
    p, wide = found / of, z * z / of
    middle = p + wide / 2
    half = z * float(np.sqrt(p * (1 - p) / of + wide / (4 * of)))
    return max(0.0, (middle - half) / (1 + wide)), min(1.0, (middle + half) / (1 + wide))


def poisson_interval(count: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact (Garwood 1936) interval of a Poisson count's mean."""
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(chi2.ppf(tail, 2 * count)) / 2
    return low, float(chi2.ppf(1 - tail, 2 * count + 2)) / 2


def sensitivity(called: StudyCalls) -> Sensitivity | None:
    """Measure the share of killed neurons that is called dead; None without a kill."""
    calls, kill = called.calls, called.kill_h
    alive = _alive_at_kill(called)
    if not alive.any():
        return None
    outcome = calls["outcome"].to_numpy()
    found = alive & (outcome == "dead")
    lost = alive & (outcome == "lost")
    delay = floats(calls, "called_at_h") - kill
    onset = floats(calls, "death_h") - kill
    wells = calls["vessel"].to_numpy() + "/" + calls["well"].to_numpy()
    by_well = [float(found[alive & (wells == well)].mean()) for well in np.unique(wells[alive])]
    n, k = int(alive.sum()), int(found.sum())
    stands_for = np.where(found, weights(called), 0.0)[alive]
    return Sensitivity(
        float(kill[alive].min()),
        len(by_well),
        n,
        k,
        int(lost.sum()),
        n - k - int(lost.sum()),
        k / n,
        *share_of_units(stands_for, wells[alive]),
        *_quartiles(delay[found]),
        *_quartiles(onset[found]),
        min(by_well),
        max(by_well),
        _watched_after(called),
    )


def weights(called: StudyCalls) -> Floats:
    """Return (n,) how many deaths each death stands for that was called in time to be seen.

    1 where the watch after its onset shows every delay that is known of, or the onset is not
    dated; see `Sensitivity`.
    """
    calls = called.calls
    onset = floats(calls, "death_h")
    delay, limit = floats(calls, "called_at_h") - onset, _watched_until(called) - onset
    known = (calls["outcome"] == "dead").to_numpy() & (delay >= 0) & (delay <= limit)
    out = np.ones(calls.height)
    out[known] = 1.0 / np.maximum(
        delay_distribution(delay[known], limit[known], limit[known]), 1.0 / LARGEST_WEIGHT
    )
    return out


def delay_distribution(delay_h: Floats, limit_h: Floats, at_h: Floats) -> Floats:
    """Return the share of delays up to some hours, from delays seen only below a limit.

    Parameters
    ----------
    delay_h, limit_h : (n,) float64
        Each delay, and the longest that could have been seen in its place.
    at_h : (k,) float64
        Where to say the share.

    Returns
    -------
    (k,) float64
        0..1; 1 from the longest delay on.
    """
    values, m = np.unique(delay_h, return_counts=True)
    at_risk = (np.sort(delay_h).searchsorted(values, side="right")) - (
        np.sort(limit_h).searchsorted(values, side="left")
    )
    # D(t) is the product over later delays of the share, of those that could be seen, before it.
    before = np.append(np.cumprod((1.0 - m / at_risk)[::-1])[::-1], 1.0)
    return np.asarray(before[values.searchsorted(at_h, side="right")])


def share_of_units(values: Floats, unit: NDArray[np.object_]) -> tuple[float, float, float]:
    """Return a mean of values about 0..1 as a share, with an interval on units.

    Parameters
    ----------
    values : (n,) float64
        What each neuron counts; n > 0.
    unit : (n,) of str
        Its unit.
    """
    n = values.size
    share = min(float(values.mean()), 1.0)
    units, of = np.unique(unit.astype(str), return_inverse=True)
    k = units.size
    size = float(n)
    if k > 1:
        residual = np.bincount(of, values - values.mean())
        variance = k / (k - 1) * float(residual @ residual) / n**2
        alike = share * (1.0 - share) / n
        effect = max(variance / alike, 1.0) if alike > 0 else 1.0
        size *= float(t.ppf(0.975, n - 1) / t.ppf(0.975, k - 1)) ** 2 / effect
    return (share, *wilson(share * size, size))


def _alive_at_kill(called: StudyCalls) -> Bools:
    """Say who was followed and not yet called, dead or lost when the kill came."""
    calls, kill = called.calls, called.kill_h
    last = called.last_visit_before(kill)
    entered = floats(calls, "entry_h") <= last
    before = (floats(calls, "called_at_h") < kill) | (floats(calls, "death_high_h") < last)
    outcome = calls["outcome"].to_numpy()
    divided = (calls["loss_reason"] == DIVIDED).fill_null(value=False).to_numpy()
    gone = ((outcome == "lost") | divided) & (floats(calls, "last_alive_h") < last)
    # A well that was excluded before its kill counts no more.
    seen = np.isfinite(kill) & np.isfinite(last) & (called.end_h >= kill)
    seen &= _watched_until(called) >= kill
    return np.asarray(seen & entered & ~before & ~gone & (outcome != "dead_on_arrival"))


def _watched_until(called: StudyCalls) -> Floats:
    """Return per call the last visit of its field: a kill nobody looked at tells nothing."""
    last = called.traces.group_by(PLACE).agg(pl.col("time_h").max().alias("until"))
    joined = called.calls.select(PLACE).join(last, on=PLACE, how="left", maintain_order="left")
    return floats(joined, "until")


def _watched_after(called: StudyCalls) -> float:
    later = _watched_until(called) - called.kill_h
    return float(np.nanmax(later[np.isfinite(later)], initial=0.0))


def _quartiles(values: Floats) -> tuple[float, float, float]:
    values = values[np.isfinite(values)]
    if not len(values):
        return (float("nan"),) * 3
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(middle), float(low), float(high)


def false_alarms(called: StudyCalls, asked: float, null: Null | None = None) -> FalseAlarms:
    """Count alarms, what is left of them, and both in the control wells.

    Parameters
    ----------
    called : StudyCalls
        The study's calls.
    asked : float
        False deaths allowed per 1,000 neuron-days.
    null : Null, optional
        What the detector said of living traces turned round in time.
    """
    table, arm = called.table, control_arm(called)
    watched = table.at_risk
    own = watched & (table.group == arm)
    days = np.where(watched, table.exit_h - table.entry_h, 0.0) / HOURS_PER_DAY
    ended = floats(called.joined, "ended_h")
    by_then = floats(called.joined, "called_at_h") <= np.where(np.isnan(ended), np.inf, ended)
    alarm = watched & (by_then | table.event)
    alarms, deaths = int(alarm.sum()), int((table.event & watched).sum())
    return FalseAlarms(
        asked,
        float(days.sum()),
        asked * float(days.sum()) / 1000.0,
        alarms,
        alarms - deaths,
        deaths,
        arm,
        Rate.of(int((alarm & own).sum()), float(days[own].sum())),
        Rate.of(int((table.event & own).sum()), float(days[own].sum())),
        null and Rate.of(null.alarms, null.neuron_days),
        null and Rate.of(null.deaths, null.neuron_days),
        null.neurons if null else 0,
    )
