"""Who belongs to whom: candidate pairs with costs in, links one to one out.

Whoever is nearest to nobody else is linked at once; only the contested rest is assigned
together, and nothing is built that grows with the square of anything.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def clear_pairs(
    first: Ints, second: Ints, costs: Floats, sizes: tuple[int, int], alone: float, clearly: float
) -> Ints:
    """Link the pairs that are cheapest on both sides and have no near rival.

    Parameters
    ----------
    first, second : (K,) int64
        Candidate pairs.
    costs : (K,) float64
        Cost of each.
    sizes : (int, int)
        Number of points on either side.
    alone : float
        No pair costs more.
    clearly : float
        A pair has no near rival if it costs at most this part of either side's next choice.

    Returns
    -------
    (N,) int64
        For each point of the first side its partner, -1 for none.
    """
    n, m = sizes
    best, next_ = np.full((2, max(n, m)), np.inf), np.full((2, max(n, m)), np.inf)
    for k in range(first.size):
        for side in range(2):
            i = first[k] if side == 0 else second[k]
            if costs[k] < best[side, i]:
                best[side, i], next_[side, i] = costs[k], best[side, i]
            else:
                next_[side, i] = min(next_[side, i], costs[k])
    links = np.full(n, -1, np.int64)
    for k in range(first.size):
        i, j, cost = first[k], second[k], costs[k]
        if cost == best[0, i] and cost == best[1, j]:
            rival = min(next_[0, i], next_[1, j])
            limit = alone if rival == np.inf else min(clearly * rival, alone)
            # Two at the same least cost are each other's rival, also where it is nothing.
            if cost <= limit and cost < rival:
                links[i] = j
    return links


@njit(cache=True, nogil=True)
def assign(
    first: Ints, second: Ints, costs: Floats, sizes: tuple[int, int], alone: float, clearly: float
) -> Ints:
    """Link the two sides of a list of candidate pairs one to one.

    Parameters
    ----------
    first, second : (K,) int64
        Candidate pairs, each once, sorted by ``first``.
    costs : (K,) float64
        Cost of each pair, >= 0.
    sizes : (int, int)
        Number of points on either side.
    alone : float
        What it costs a point of the first side to have no partner, > 0.
    clearly : float
        See `clear_pairs`; 0 assigns all together that have a rival.

    Returns
    -------
    (N,) int64
        For each point of the first side its partner, -1 for none. What `clear_pairs` did not
        link costs least in all, staying alone included.

    Notes
    -----
    Shortest augmenting paths with potentials (Jonker and Volgenant 1987) over the pairs there
    are: each first point has, beside its candidates, a partner of its own that stands for
    being alone. A search ends at the first free partner, so it stays in its contested group.
    """
    n, m = sizes
    links = clear_pairs(first, second, costs, sizes, alone, clearly)
    owner = np.full(m + n, -1, np.int64)
    for i in range(n):
        if links[i] >= 0:
            owner[links[i]] = -2
    starts = np.zeros(n + 1, np.int64)
    for k in range(first.size):
        starts[first[k] + 1] += 1
    starts = np.cumsum(starts)
    height, drop = np.zeros(n), np.zeros(m + n)
    far, come = np.full(m + n, np.inf), np.full(m + n, -1, np.int64)
    done = np.zeros(m + n, np.bool_)
    touched = np.empty(m + n, np.int64)
    chosen = np.full(n, -1, np.int64)
    for start in range(n):
        if links[start] >= 0 or starts[start] == starts[start + 1]:
            continue
        count, row, reached = 0, start, 0.0
        while True:
            for k in range(starts[row], starts[row + 1] + 1):
                own = k == starts[row + 1]
                j = m + row if own else second[k]
                if owner[j] == -2 or done[j]:
                    continue
                cost = alone if own else costs[k]
                length = reached + cost - height[row] - drop[j]
                if length < far[j]:
                    if far[j] == np.inf:
                        touched[count] = j
                        count += 1
                    far[j], come[j] = length, row
            nearest = -1
            for k in range(count):
                j = touched[k]
                if not done[j] and (nearest < 0 or far[j] < far[nearest]):
                    nearest = j
            done[nearest] = True
            reached = far[nearest]
            if owner[nearest] < 0:
                break
            row = owner[nearest]
        height[start] += reached
        for k in range(count):
            j = touched[k]
            if done[j]:
                drop[j] -= reached - far[j]
                if owner[j] >= 0:
                    height[owner[j]] += reached - far[j]
        j = nearest
        while True:
            row = come[j]
            owner[j], j, chosen[row] = row, chosen[row], j
            if row == start:
                break
        for k in range(count):
            far[touched[k]], done[touched[k]] = np.inf, False
    for i in range(n):
        if 0 <= chosen[i] < m:
            links[i] = chosen[i]
    return links
