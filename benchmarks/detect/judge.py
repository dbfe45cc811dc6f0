"""Calls and the truth in, figures with their Monte-Carlo errors out."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from detect.traces import Traces

Floats = NDArray[np.float64]


@dataclass
class Tally:
    """What one detector did, plate after plate; early calls are false and are left out."""

    delay_h: list[Floats] = field(default_factory=list)
    bound_h: list[Floats] = field(default_factory=list)
    found: list[NDArray[np.bool_]] = field(default_factory=list)
    false: int = 0
    days: float = 0.0

    def add(self, traces: Traces, called_h: Floats, bound_h: Floats | None = None) -> None:
        """Take in one plate; ``bound_h`` is that of its dying neurons."""
        dying = np.isfinite(traces.onset_h)
        alive_until = np.where(dying, traces.onset_h, traces.time_h[-1])
        early = called_h < alive_until
        self.false += int(early.sum())
        self.days += float(np.where(early, called_h, alive_until).sum()) / 24.0
        counted = dying & ~early
        delay = (called_h - traces.onset_h)[counted]
        found = delay <= traces.law.horizon_h
        self.found.append(found)
        self.delay_h.append(np.where(found, delay, traces.law.horizon_h))
        if bound_h is not None:
            self.bound_h.append(bound_h[~early[dying]])

    @property
    def deaths(self) -> int:
        """Deaths that were not called early."""
        return sum(part.size for part in self.found)

    def ratio(self) -> tuple[float, float]:
        """Return mean delay over mean bound, and its standard error."""
        return ratio_of_means(np.concatenate(self.delay_h), np.concatenate(self.bound_h))

    def sensitivity(self) -> tuple[float, float]:
        """Return the share found within the horizon, and its standard error."""
        found = np.concatenate(self.found)
        share = float(found.mean())
        return share, float(np.sqrt(share * (1.0 - share) / found.size))

    def mean_min(self) -> float:
        """Return the mean delay in minutes; a miss counts as the horizon."""
        return 60.0 * float(np.concatenate(self.delay_h).mean())

    def rate(self) -> tuple[float, float, float]:
        """Return false calls per 1,000 neuron-days and their exact 95 % limits."""
        low, high = poisson_limits(self.false)
        per = 1000.0 / max(self.days, 1e-9)
        return self.false * per, low * per, high * per


def ratio_of_means(above: Floats, below: Floats) -> tuple[float, float]:
    """Return mean over mean of pairs, and its standard error by the delta method."""
    ratio = float(above.mean() / below.mean())
    rest = above - ratio * below
    return ratio, float(rest.std(ddof=1) / below.mean() / np.sqrt(above.size))


def poisson_limits(count: int, certainty: float = 0.95) -> tuple[float, float]:
    """Return the exact limits of a Poisson mean of which ``count`` events were seen."""
    tail = 0.5 * (1.0 - certainty)
    low = 0.5 * chi2.ppf(tail, 2 * count) if count else 0.0
    return float(low), float(0.5 * chi2.ppf(1.0 - tail, 2 * count + 2))


def first_above(statistic: Floats, time_h: Floats, threshold: float) -> Floats:
    """Return when each neuron's statistic, (neuron, visit), first reaches the threshold."""
    above = statistic >= threshold
    return np.where(above.any(axis=1), time_h[above.argmax(axis=1)], np.nan)


def threshold_at(highest: Floats, days: float, rate: float) -> float:
    """Return the threshold that living neurons reach ``rate`` times per 1,000 neuron-days.

    ``highest`` is each living neuron's highest statistic, ``days`` the neuron-days watched.
    Between two neurons' highest the threshold is in the middle.
    """
    ordered = np.sort(highest[np.isfinite(highest)])[::-1]
    allowed = int(rate * days / 1000.0)
    if allowed >= ordered.size:
        return float(ordered[-1])
    return float(0.5 * (ordered[max(allowed - 1, 0)] + ordered[allowed]))
