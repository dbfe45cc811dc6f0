"""What is practised, as statistics that rise with the evidence, (neuron, visit).

Each gets the threshold at which living neurons of the same law reach it as often as the
detector is allowed to be wrong; the practice is judged as practised, too.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detect.judge import first_above
from detect.traces import FILL_PER_INDICATOR, Traces

Floats = NDArray[np.float64]

OWN_VISITS = 8
"""Visits whose mean is a neuron's own baseline."""
CALM_H = 12.0
"""A CUSUM's users learn mean and spread of each neuron on this much of its start."""
ALLOWANCE, FOLLOW, CALM = 2.5, 0.1, 1.0
"""Of a CUSUM: half of the shift it waits for, and how its running mean follows.

The share of a value's deviation, clipped at so many standard deviations. The best of 32
choices for the reference, where it stands at 1.6 times the bound.
"""


def ratio_of(traces: Traces) -> Floats:
    """Return indicator over fill; the fill of the dim is kept from zero."""
    return FILL_PER_INDICATOR * traces.signal / np.maximum(traces.reference, 20.0)


def population_threshold(traces: Traces) -> Floats:
    """Return the ratio itself: one threshold for all neurons, the field's practice."""
    return ratio_of(traces)


def own_fold(traces: Traces) -> Floats:
    """Return the ratio over the mean of the neuron's own first visits."""
    ratio = ratio_of(traces)
    fold = ratio / ratio[:, :OWN_VISITS].mean(axis=1, keepdims=True)
    fold[:, :OWN_VISITS] = -np.inf
    return fold


def cusum(traces: Traces) -> Floats:
    """Return a one-sided CUSUM of values scaled by the neuron's own mean and spread.

    The mean follows, little of it what is far off; the spread is that of the start.
    """
    ratio = ratio_of(traces)
    start = int(np.searchsorted(traces.time_h, CALM_H))
    first = ratio[:, :start]
    mean = np.median(first, axis=1)
    spread = 1.4826 * np.median(np.abs(first - mean[:, None]), axis=1)
    spread = np.sqrt(spread**2 + np.median(spread) ** 2 / 4.0)
    total, out = np.zeros(mean.size), np.full(ratio.shape, -np.inf)
    for k in range(start, ratio.shape[1]):
        z = (ratio[:, k] - mean) / spread
        total = np.maximum(total + z - ALLOWANCE, 0.0)
        mean += FOLLOW * spread * np.clip(z, -CALM, CALM)
        out[:, k] = total
    return out


PEERS: dict[str, Callable[[Traces], Floats]] = {
    "population threshold": population_threshold,
    "own-baseline fold": own_fold,
    "CUSUM": cusum,
}


def as_practised(traces: Traces) -> Floats:
    """Return when each ratio first exceeds the first visit's 99th percentile."""
    ratio = ratio_of(traces)
    threshold = float(np.quantile(ratio[:, 0], 0.99))
    return first_above(ratio, traces.time_h, threshold)
