"""What several channels say of one death: banks of templates in, one statistic out.

Each channel weighs onsets by itself (`livedeath.kernels.bank`). Its evidence is a step function
of the onset: the likelihood ratio of a death that began then. Over a living neuron its
expectation is one at every onset, and so is that of the product of channels whose noise is
independent; the integral of the product over all onsets is the Shiryaev-Roberts statistic of
one death that they all show, and of one channel it is that channel's statistic.

Nothing here knows whether noises are independent; `livedeath.detection.further` does.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.bank import Bank

HOURS_PER_DAY = 24.0
LOG_MOST = 100.0
"""Largest logarithm of one channel's ratio, and of a sum 6 times it: no exponential overflows."""
LIGHTEST = 1e-300
"""Smallest sum that a logarithm is taken of."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Steps(NamedTuple):
    """Step functions of the onset, of (K,) channels and (n,) neurons.

    ``cells`` (K, n, s, 3) holds where each step begins and ends, h, and the logarithm of its
    ratio; steps ascend, those not in use begin at infinity. ``watched`` (K, n, 2) holds a
    channel's first and last visit of a neuron, h; NaN where it had none. A channel says nothing
    of onsets outside them, its ratio is 1; between them, where it has no step, the logarithm
    is ``between``.
    """

    cells: Floats
    watched: Floats
    between: float


@njit(cache=True, nogil=True, error_model="numpy")
def by_onset(bank: Bank, rows: Ints, living: Floats, law: Floats) -> Floats:
    """Return what one channel says of each onset.

    Parameters
    ----------
    bank : Bank
        Its templates.
    rows : (n,) int64
        Neurons in it; -1 for one it does not know.
    living : (n,) float64
        Weight of each being alive.
    law : (k,) float64
        What each template's weight counts.

    Returns
    -------
    (n, s, 3) float64
        As ``cells`` of `Steps`.
    """
    used, order, weight = bank.used, bank.order, bank.weight
    out = np.full((rows.size, order.shape[1], 3), math.inf)
    for i in range(rows.size):
        r = rows[i]
        if r < 0:
            continue
        for k in range(used[r]):
            s = order[r, k]
            total = 0.0
            for c in range(law.size):
                total += law[c] * weight[r, s, c]
            days = (bank.until_h[r, s] - bank.from_h[r, s]) / HOURS_PER_DAY
            ratio = total / (max(days, LIGHTEST) * living[i])
            out[i, k, 0] = bank.from_h[r, s]
            out[i, k, 1] = bank.until_h[r, s]
            out[i, k, 2] = min(math.log(ratio), LOG_MOST) if ratio > 0.0 else -math.inf
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def fuse(steps: Steps, start_h: Floats, end_h: Floats, groups: Ints, powers: Floats) -> Floats:
    """Integrate the product of some channels' ratios over the onset.

    Parameters
    ----------
    steps : Steps
        What each channel says of each onset.
    start_h, end_h : (n,) float64
        First and last onset, h; NaN for none.
    groups : (g,) int64
        Which channels are multiplied: bit k for channel k.
    powers : (2**K,) float64
        To which power the product is taken, by the channels that speak of an onset.

    Returns
    -------
    (n, g) float64
        Logarithm of the integrals, days; minus infinity where there is no onset.

    Notes
    -----
    Exact on the common refinement of all steps. Cost is linear in neurons, steps and groups.
    """
    channels, n, most = steps.cells.shape[:3]
    out = np.zeros((n, groups.size))
    at = np.zeros(channels, np.int64)
    ln = np.zeros(channels)
    for i in range(n):
        at[:] = 0
        now = start_h[i]
        while now < end_h[i]:
            until = end_h[i]
            speaks = 0
            for c in range(channels):
                first, last = steps.watched[c, i, 0], steps.watched[c, i, 1]
                ln[c] = 0.0
                if not now < last:
                    continue
                if now < first:
                    until = min(until, first)
                    continue
                until = min(until, last)
                speaks |= 1 << c
                while at[c] < most and steps.cells[c, i, at[c], 1] <= now:
                    at[c] += 1
                begins = steps.cells[c, i, at[c], 0] if at[c] < most else math.inf
                if begins <= now:
                    ln[c] = steps.cells[c, i, at[c], 2]
                    until = min(until, steps.cells[c, i, at[c], 1])
                else:
                    ln[c] = steps.between
                    until = min(until, begins)
            days = (until - now) / HOURS_PER_DAY
            for g in range(groups.size):
                together = groups[g] & speaks
                total = 0.0
                for c in range(channels):
                    if together >> c & 1:
                        total += ln[c]
                total = min(powers[together] * total, 6.0 * LOG_MOST)
                out[i, g] += days * math.exp(total)
            now = until
        for g in range(groups.size):
            out[i, g] = math.log(out[i, g]) if out[i, g] > LIGHTEST else -math.inf
    return out
