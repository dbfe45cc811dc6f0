"""A row of the benchmark in, its figures out; one function for each kind of row."""

from dataclasses import dataclass, field, replace

import numpy as np

from detect.bound import information_bound
from detect.dating import best_dates
from detect.faults import FAULTS
from detect.judge import Tally, first_above, poisson_limits, ratio_of_means, threshold_at
from detect.oracle import statistics
from detect.peers import PEERS, as_practised
from detect.scored import alone, learnt, score
from detect.traces import Law, simulate
from livedeath.model.priors import Priors

ASKED = 1.0
"""False deaths per 1,000 neuron-days asked for where deaths are timed."""
TOY = {"neurons": 48, "days": 3.0}
"""Size of a plate at toy size."""


ORACLES = {"t4": (1.258, 0.016), "outliers+transients": (1.539, 0.021)}
"""Delay of the oracle over the clean bound, and its standard error.

As `--rows 'oracle-*' --seed 5` measured it: 1,000 deaths, its threshold set on 28,000
neuron-days of the living to one false call per 1,000. On clean data it stands at 1.002.
"""
FAULT_REACH_H = 6.0
"""Deaths that began this long before an accident are judged as during it; and who is called by
an accident, and dies of its own, is found where it is dated no longer before its death."""


@dataclass(frozen=True)
class Size:
    """How much is simulated."""

    deaths: int = 4000
    events: float = 28.0
    toy: bool = False


def limits(reach: str) -> tuple[float, float]:
    """Return the range a target allows: '<= 1.12', '>= 0.97' or '0.93-0.97'.

    >>> limits("<= 1.12")
    (-inf, 1.12)
    >>> limits("0.93-0.97")
    (0.93, 0.97)
    """
    if reach[:2] == "<=":
        return -np.inf, float(reach[2:])
    if reach[:2] == ">=":
        return float(reach[2:]), np.inf
    low, high = reach.split("-")
    return float(low), float(high)


@dataclass(frozen=True)
class Figure:
    """One number of a row beside what is asked of it."""

    name: str
    value: float
    error: float
    reach: str = ""
    today: str = ""
    more: dict[str, float] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether the estimate is within one standard error of its target; None without one."""
        if not self.reach:
            return None
        low, high = limits(self.reach)
        return low - self.error <= self.value <= high + self.error


@dataclass(frozen=True)
class Row:
    """A kind of experiment; ``kind`` names the function of `KINDS` that measures it."""

    name: str
    kind: str
    law: Law
    reach: str = ""
    today: str = ""
    sensitivity: str = ""
    taught_by: Law | None = None


TEACHER = 1_000_000
"""Number of the plate that teaches the others, far from theirs."""


def priors_of(row: Row, seed: int, size: Size, asked: float) -> Priors | None:
    """Return what the row's teacher learns from a plate of its own; None without a teacher."""
    if row.taught_by is None:
        return None
    law, _ = plates(row.taught_by, 0.0, size)
    return learnt(simulate(law, [seed, TEACHER]), asked)


def plates(law: Law, wanted: float, size: Size) -> tuple[Law, int]:
    """Return the law of a plate, and how many of them hold ``wanted`` deaths or days."""
    if size.toy:
        return replace(law, **TOY), 1
    each = law.neurons * (law.dying or law.days)
    return law, max(1, int(np.ceil(wanted / each)))


def delay(row: Row, seed: int, size: Size) -> list[Figure]:
    """Time the calls of deaths against the information bound."""
    law, count = plates(row.law, size.deaths, size)
    priors = priors_of(row, seed, size, ASKED)
    tally, seconds, values = Tally(), 0.0, 0
    for k in range(count):
        traces = simulate(law, [seed, k])
        scored = score(traces, ASKED, priors=priors)
        tally.add(traces, scored.called_h, information_bound(traces, ASKED / 1000.0))
        seconds, values = seconds + scored.seconds, values + scored.values
    ratio, error = tally.ratio()
    share, share_error = tally.sensitivity()
    rate, low, high = tally.rate()
    more = {
        "deaths": tally.deaths, "delay_min": tally.mean_min(), "false_per_1000": rate,
        "false_low": low, "false_high": high, "us_per_value": 1e6 * seconds / values,
    }  # fmt: skip
    figures = [
        Figure("delay / bound", ratio, error, row.reach, row.today, more),
        Figure("sensitivity", share, share_error, row.sensitivity),
    ]
    if row.name in ORACLES:
        known, known_error = ORACLES[row.name]
        spread = np.hypot(error / known, ratio * known_error / known**2)
        figures.append(Figure("delay / oracle", ratio / known, float(spread), "<= 1.25"))
    return figures


def null(row: Row, seed: int, size: Size, asked: float = ASKED) -> list[Figure]:
    """Count the false deaths of a plate where nobody dies, over the rate asked for."""
    law, count = plates(row.law, 1000.0 * size.events / asked, size)
    priors = priors_of(row, seed, size, asked)
    tally, seconds, values = Tally(), 0.0, 0
    for k in range(count):
        traces = simulate(law, [seed, k])
        scored = score(traces, asked, priors=priors)
        tally.add(traces, scored.called_h)
        seconds, values = seconds + scored.seconds, values + scored.values
    rate, low, high = tally.rate()
    more = {
        "asked": asked, "false": tally.false, "neuron_days": tally.days,
        "low": low / asked, "high": high / asked, "us_per_value": 1e6 * seconds / values,
    }  # fmt: skip
    error = max(tally.false, 1.0) ** 0.5 * 1000.0 / tally.days / asked
    return [Figure(f"rate / {asked:g} asked", rate / asked, error, "<= 1.5", row.today, more)]


def fault(row: Row, seed: int, size: Size) -> list[Figure]:
    """Count who is falsely dead in the end after an accident, and who is found after it."""
    law, count = plates(row.law, size.deaths / 5.0, size)
    false = living = alarms = lost = late = found = 0
    days = 0.0
    for k in range(count):
        traces = simulate(law, [seed, k])
        scored = score(traces, ASKED, dated=True)
        dying = np.isfinite(traces.onset_h)
        early = scored.called_h < np.where(dying, traces.onset_h, np.inf)
        dead = scored.calls["outcome"] == "dead"
        alive_until = np.where(dying, traces.onset_h, traces.time_h[-1])
        right = dead & dying & (scored.calls["death_h"] >= traces.onset_h - FAULT_REACH_H)
        false, alarms = false + int((early & dead & ~right).sum()), alarms + int(early.sum())
        living += int((early & dead & ~dying).sum())
        days += float(alive_until.sum()) / 24.0
        after = dying & (traces.onset_h > traces.fault_h - FAULT_REACH_H)
        in_time = scored.called_h - traces.onset_h <= law.horizon_h
        late, found = late + int(after.sum()), found + int((after & right & in_time).sum())
        lost += int((after & (scored.calls["loss_reason"] == "field_fault")).sum())
    low, high = poisson_limits(false)
    per = 1000.0 / days
    more = {
        "false": false, "of_who_never_dies": living, "neuron_days": days,
        "low": low * per, "high": high * per,
        "alarms_per_1000": alarms * per, "deaths_after": late,
        "lost_as_fault": lost / max(late, 1),
    }  # fmt: skip
    figures = [
        Figure("false per 1000 nd", false * per, max(false, 1.0) ** 0.5 * per, "<= 2",
               row.today, more)
    ]  # fmt: skip
    if FAULTS[law.fault].returns or FAULTS[law.fault].fill > 0:
        share = found / max(late, 1)
        error = float(np.sqrt(max(share * (1.0 - share), 0.25 / max(late, 1)) / max(late, 1)))
        figures.append(Figure("found after it", share, error, ">= 0.97"))
    return figures


def clairvoyant(row: Row, seed: int, size: Size) -> list[Figure]:
    """Time the oracle against the clean bound, its threshold set on its own living neurons."""
    live, nulls = plates(replace(row.law, dying=0.0, days=7.0), 1000.0 * size.events / ASKED, size)
    highest = [statistics(simulate(live, [seed, 1, k])).max(axis=1) for k in range(nulls)]
    days = nulls * live.neurons * live.days
    threshold = threshold_at(np.concatenate(highest), days, ASKED)
    law, count = plates(row.law, size.deaths / 4.0, size)
    tally = Tally()
    for k in range(count):
        traces = simulate(law, [seed, k])
        called = first_above(statistics(traces), traces.time_h, threshold)
        tally.add(traces, called, information_bound(traces, ASKED / 1000.0))
    ratio, error = tally.ratio()
    more = {
        "threshold": threshold, "neuron_days": days, "deaths": tally.deaths,
        "delay_min": tally.mean_min(), "sensitivity": tally.sensitivity()[0],
    }  # fmt: skip
    return [Figure("oracle / bound", ratio, error, "", row.today, more)]


def dated(row: Row, seed: int, size: Size) -> list[Figure]:
    """Compare onsets with the best that could be said of them, and their intervals."""
    law, count = plates(row.law, size.deaths / 4.0, size)
    own, best, inside = [], [], []
    for k in range(count):
        traces = simulate(law, [seed, k])
        scored = score(traces, ASKED, dated=True)
        good = scored.called_h >= traces.onset_h
        least = best_dates(traces, np.where(good, scored.called_h, np.nan))
        low, high = scored.calls["death_low_h"], scored.calls["death_high_h"]
        own.append((scored.calls["death_h"] - traces.onset_h)[good])
        best.append((least - traces.onset_h)[good])
        inside.append(((low <= traces.onset_h) & (traces.onset_h <= high))[good])
    error, least, held = np.concatenate(own), np.concatenate(best), np.concatenate(inside)
    squared, squared_error = ratio_of_means(error**2, least**2)
    more = {
        "rmse_min": 60.0 * float(np.sqrt(np.mean(error**2))),
        "best_rmse_min": 60.0 * float(np.sqrt(np.mean(least**2))),
        "median_error_min": 60.0 * float(np.median(np.abs(error))),
        "bias_min": 60.0 * float(error.mean()), "deaths": error.size,
    }  # fmt: skip
    ratio = float(np.sqrt(squared))
    share = float(held.mean())
    return [
        Figure("onset RMSE / best", ratio, squared_error / (2 * ratio), row.reach, row.today, more),
        Figure("95 % interval holds", share, (share * (1.0 - share) / held.size) ** 0.5,
               "0.93-0.97"),
    ]  # fmt: skip


def peers(row: Row, seed: int, size: Size) -> list[Figure]:
    """Time what is practised at the rate asked for, on the same traces as the detector."""
    live, nulls = plates(replace(row.law, dying=0.0, days=7.0), 1000.0 * size.events / ASKED, size)
    highest: dict[str, list[np.ndarray]] = {name: [] for name in PEERS}
    for k in range(nulls):
        traces = simulate(live, [seed, 1, k])
        for name, statistic in PEERS.items():
            highest[name].append(statistic(traces).max(axis=1))
    days = nulls * live.neurons * live.days
    level = {name: threshold_at(np.concatenate(top), days, ASKED) for name, top in highest.items()}
    law, count = plates(row.law, size.deaths / 4.0, size)
    tallies = {name: Tally() for name in ("livedeath", *PEERS, "as practised (T0 99 %)")}
    for k in range(count):
        traces = simulate(law, [seed, k])
        bound = information_bound(traces, ASKED / 1000.0)
        called = {
            name: first_above(PEERS[name](traces), traces.time_h, level[name]) for name in PEERS
        }
        called["livedeath"] = score(traces, ASKED).called_h
        called["as practised (T0 99 %)"] = as_practised(traces)
        for name, tally in tallies.items():
            tally.add(traces, called[name], bound)
    figures = []
    for name, tally in tallies.items():
        share, _ = tally.sensitivity()
        more = {
            "sensitivity": share, "delay_min": tally.mean_min(),
            "false_per_1000": tally.rate()[0], "deaths": tally.deaths,
        }  # fmt: skip
        figures.append(Figure(name, *tally.ratio(), more=more))
    return figures


def fused(row: Row, seed: int, size: Size) -> list[Figure]:
    """Time deaths by all channels together, and by each of them alone, at the same rate asked."""
    law, count = plates(row.law, size.deaths / 4.0, size)
    tallies = {name: Tally() for name in ("fused", "indicator", *law.further)}
    both: dict[str, list[np.ndarray]] = {name: [] for name in tallies}
    for k in range(count):
        traces = simulate(law, [seed, k])
        called = {
            "fused": score(traces, ASKED).called_h,
            "indicator": score(replace(traces, further={}), ASKED).called_h,
            **{name: alone(traces, name, ASKED) for name in law.further},
        }
        dying = np.isfinite(traces.onset_h)
        counted = dying & ~np.any([c < traces.onset_h for c in called.values()], axis=0)
        for name, tally in tallies.items():
            tally.add(traces, called[name])
            delay = np.fmin(called[name] - traces.onset_h, law.horizon_h)[counted]
            both[name].append(np.nan_to_num(delay, nan=law.horizon_h))
    paired = {name: np.concatenate(parts) for name, parts in both.items()}
    best = min((name for name in paired if name != "fused"), key=lambda name: paired[name].mean())
    ratio, error = ratio_of_means(paired["fused"], paired[best])
    more = {f"{name}_min": tally.mean_min() for name, tally in tallies.items()}
    more |= {f"{name}_false_per_1000": tally.rate()[0] for name, tally in tallies.items()}
    share, share_error = tallies["fused"].sensitivity()
    return [
        Figure("fused / best single", ratio, error, row.reach, row.today,
               more | {"deaths": tallies["fused"].deaths}),
        Figure("sensitivity", share, share_error, row.sensitivity),
    ]  # fmt: skip


def killed(row: Row, seed: int, size: Size) -> list[Figure]:
    """Count who is called within three visits where all neurons of a well die at once."""
    law, count = plates(row.law, size.deaths / 4.0, size)
    found, outcomes = [], []
    for k in range(count):
        traces = simulate(law, [seed, k])
        scored = score(traces, ASKED, dated=True)
        struck = traces.onset_h == traces.onset_h[0]
        third = traces.time_h[np.searchsorted(traces.time_h, traces.onset_h[0], side="right") + 2]
        found.append(((scored.called_h >= traces.onset_h) & (scored.called_h <= third))[struck])
        outcomes.append((scored.calls["outcome"] == "dead")[struck])
    share, kept = float(np.concatenate(found).mean()), float(np.concatenate(outcomes).mean())
    # Neurons of one well share their fate; the error is that of the wells.
    error = float(np.std([part.mean() for part in found]) / np.sqrt(len(found)))
    more = {"dead_in_the_end": kept, "neurons": sum(part.size for part in found)}
    return [Figure("within three visits", share, error, row.reach, row.today, more)]


def kept(row: Row, seed: int, size: Size) -> list[Figure]:
    """Count true deaths that are taken back when the corpse loses its light."""
    law, count = plates(row.law, size.deaths / 4.0, size)
    called = back = 0
    for k in range(count):
        traces = simulate(law, [seed, k])
        scored = score(traces, ASKED, dated=True)
        good = scored.called_h >= traces.onset_h
        called += int(good.sum())
        back += int((good & (scored.calls["outcome"] != "dead")).sum())
    share = back / max(called, 1)
    error = max(back, 1) ** 0.5 / max(called, 1)
    return [Figure("taken back", share, error, row.reach, row.today, {"called": called})]


def arrived(row: Row, seed: int, size: Size) -> list[Figure]:
    """Count who is named dead on arrival, of the living and of those who were."""
    law, count = plates(row.law, size.deaths / 4.0, size)
    named, dead = [], []
    for k in range(count):
        traces = simulate(law, [seed, k])
        scored = score(traces, ASKED, dated=True)
        named.append(scored.calls["outcome"] == "dead_on_arrival")
        dead.append(traces.onset_h < 0.0)
    was, is_ = np.concatenate(dead), np.concatenate(named)
    wrong, right = float(is_[~was].mean()), float(is_[was].mean())
    return [
        Figure("living named", wrong, max(is_[~was].sum(), 1) ** 0.5 / (~was).sum(), row.reach,
               row.today, {"living": int((~was).sum())}),
        Figure("dead named", right, (right * (1.0 - right) / was.sum()) ** 0.5,
               more={"dead": int(was.sum())}),
    ]  # fmt: skip


KINDS = {
    "delay": delay,
    "null": null,
    "fault": fault,
    "oracle": clairvoyant,
    "onset": dated,
    "peers": peers,
    "fused": fused,
    "killed": killed,
    "kept": kept,
    "arrived": arrived,
}
