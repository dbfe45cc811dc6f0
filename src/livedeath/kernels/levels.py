"""Values of a visit in, medians of groups and remembered levels out; one pass over the neurons.

What is followed of a neuron is its usual level and how far it strays from visit to visit. The
numbers that say how fast and how far are the caller's.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _bring(held: Floats, low: int, high: int, at: int) -> None:
    """Reorder ``held[low:high]`` so that no value before ``at`` is larger, none after it smaller.

    Hoare's selection: only the part in which the place lies is divided further.
    """
    high -= 1
    while low < high:
        pivot = held[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while held[i] < pivot:
                i += 1
            while held[j] > pivot:
                j -= 1
            if i <= j:
                held[i], held[j] = held[j], held[i]
                i += 1
                j -= 1
        if at <= j:
            high = j
        elif at >= i:
            low = i
        else:
            break


@njit(cache=True, nogil=True, error_model="numpy")
def group_medians(values: Floats, use: Truths, group: Ints, groups: int) -> Floats:
    """Return the median of each group's values.

    Equivalent to ``[np.median(values[use & (group == k)]) for k in range(groups)]``, at a cost
    linear in values and groups.

    Parameters
    ----------
    values : (n,) float64
        Finite where they are used.
    use : (n,) bool
        Which count.
    group : (n,) int64
        Number of each value's group, 0..groups-1; not checked here.
    groups : int
        How many groups there are.

    Returns
    -------
    (groups,) float64
        NaN where a group has no value.
    """
    ends = np.zeros(groups + 1, np.int64)
    for i in range(values.size):
        if use[i]:
            ends[group[i] + 1] += 1
    for k in range(groups):
        ends[k + 1] += ends[k]
    held = np.empty(ends[groups])
    filled = ends[:-1].copy()
    for i in range(values.size):
        if use[i]:
            held[filled[group[i]]] = values[i]
            filled[group[i]] += 1
    out = np.full(groups, np.nan)
    for k in range(groups):
        middle = (ends[k] + ends[k + 1]) // 2
        if ends[k] == ends[k + 1]:
            continue
        _bring(held, ends[k], ends[k + 1], middle)
        out[k] = held[middle]
        if (ends[k + 1] - ends[k]) % 2 == 0:
            before = held[ends[k]]
            for i in range(ends[k] + 1, middle):
                before = max(before, held[i])
            out[k] = (before + out[k]) / 2.0
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def remember(
    rows: Ints,
    value: Floats,
    measured: Floats,
    use: Truths,
    which: int,
    level: Floats,
    var: Floats,
    past: Floats,
    visits: Floats,
    away: Floats,
    first_sd: float,
    away_visits: float,
    memory_visits: float,
) -> None:
    """Let each neuron's level and its scatter from visit to visit learn from a value.

    Parameters
    ----------
    rows : (n,) int64
        Neurons of the visit, each at most once.
    value, measured : (n,) float64
        What was seen, and its variance as it was measured; finite where used.
    use : (n,) bool
        Whose values count.
    which : int
        Column of what is remembered that belongs to these values.
    level, var, past, visits, away : (N, k) float64
        Level, relative variance from visit to visit, measured variance, visits learnt from,
        and visits in a row beyond the noise; changed in place.
    first_sd : float
        Relative scatter before any was seen.
    away_visits : float
        Visits in a row beyond the noise after which the level is taken to be the new one.
    memory_visits : float
        Visits over which a level is remembered.
    """
    for i in range(rows.size):
        if not use[i]:
            continue
        r, now, seen = rows[i], value[i], visits[rows[i], which]
        first = seen == 0.0
        usual = now if first else level[r, which]
        noise = first_sd * first_sd if first else var[r, which]
        reach = 3.0 * math.sqrt(noise) * abs(usual)
        strays = away[r, which] + 1.0 if abs(now - usual) > reach else 0.0
        if strays >= away_visits:
            usual, strays = now, 0.0
        away[r, which] = strays
        off = min(max(now - usual, -reach), reach)
        part = off / (1.0 if usual == 0.0 else usual)
        step = part * part * seen / (seen + 1.0)
        share = max(1.0 / (seen + 3.0), 0.5 / memory_visits)
        var[r, which] = noise if first else noise + share * (step - noise)
        past[r, which] = (
            measured[i] if first else past[r, which] + share * (measured[i] - past[r, which])
        )
        level[r, which] = usual + off / min(seen + 1.0, memory_visits)
        visits[r, which] = seen + 1.0
