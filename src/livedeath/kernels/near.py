"""Which points of one set are near which of another: a grid of cells, no tree.

Points and reaches in; pairs with their squared distances out, in a fixed order.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def cells_of(points: Floats, least_side: float) -> tuple[Ints, Ints, Ints, Floats]:
    """Sort points into the cells of a grid.

    Parameters
    ----------
    points : (M, 2) float64
        Finite (y, x), at least one.
    least_side : float
        Cells are at least this wide; wider where the points would leave most of them empty.

    Returns
    -------
    order : (M,) int64
        Points cell by cell, row by row, in their own order within a cell.
    starts : (R * C + 1,) int64
        Where each cell begins in ``order``.
    shape : (2,) int64
        R and C.
    frame : (3,) float64
        Corner y and x of the grid, and the side of a cell.
    """
    m = len(points)
    low_y, low_x = points[0, 0], points[0, 1]
    high_y, high_x = low_y, low_x
    for k in range(m):
        low_y, high_y = min(low_y, points[k, 0]), max(high_y, points[k, 0])
        low_x, high_x = min(low_x, points[k, 1]), max(high_x, points[k, 1])
    tall, wide = high_y - low_y, high_x - low_x
    # About one point per cell; a thin cloud has a long side and hardly an area.
    side = max(least_side, math.sqrt(tall * wide / m), max(tall, wide) / (m + 1.0), 1e-9)
    rows, cols = int(tall / side) + 1, int(wide / side) + 1
    counts = np.zeros(rows * cols + 1, np.int64)
    cell = np.empty(m, np.int64)
    for k in range(m):
        cell[k] = int((points[k, 0] - low_y) / side) * cols + int((points[k, 1] - low_x) / side)
        counts[cell[k] + 1] += 1
    starts = np.cumsum(counts)
    filled = starts[:-1].copy()
    order = np.empty(m, np.int64)
    for k in range(m):
        order[filled[cell[k]]] = k
        filled[cell[k]] += 1
    return order, starts, np.array([rows, cols]), np.array([low_y, low_x, side])


@njit(cache=True, nogil=True)
def near_pairs(points: Floats, others: Floats, reaches: Floats) -> tuple[Ints, Ints, Floats]:
    """List all pairs no farther apart than the first one's reach.

    Parameters
    ----------
    points : (N, 2) float64
        Finite (y, x).
    others : (M, 2) float64
        Finite (y, x).
    reaches : (N,) float64
        How far each point reaches; same unit, >= 0.

    Returns
    -------
    first, second : (K,) int64
        Indices into ``points`` and ``others``, sorted by both.
    squares : (K,) float64
        Squared distances.

    Notes
    -----
    Cost linear in N + M + K where points lie evenly.
    """
    n = len(points)
    size = 4 * n + 16 if len(others) else 0
    first, second = np.empty(size, np.int64), np.empty(size, np.int64)
    squares = np.empty(size)
    k = 0
    if n == 0 or len(others) == 0:
        return first[:0], second[:0], squares[:0]
    order, starts, shape, frame = cells_of(others, reaches.max())
    rows, cols = shape[0], shape[1]
    low_y, low_x, per_side = frame[0], frame[1], 1.0 / frame[2]
    for i in range(n):
        y, x, reach = points[i, 0], points[i, 1], reaches[i]
        begin = k
        # A little more than the reach, against rounding; what is too far is left out exactly.
        wide = reach * (1.0 + 1e-9) + 1e-9
        # And a cell more where rounding may put a point into either of two.
        top = max(int((y - wide - low_y) * per_side - 1e-6), 0)
        left = max(int((x - wide - low_x) * per_side - 1e-6), 0)
        bottom = min(math.floor((y + wide - low_y) * per_side + 1e-6), rows - 1)
        right = min(math.floor((x + wide - low_x) * per_side + 1e-6), cols - 1)
        for row in range(top, bottom + 1):
            if right < left:
                break
            for at in range(starts[row * cols + left], starts[row * cols + right + 1]):
                j = order[at]
                square = (others[j, 0] - y) ** 2 + (others[j, 1] - x) ** 2
                if square > reach * reach:
                    continue
                if k == size:
                    size *= 2
                    first = np.concatenate((first, np.empty(size - k, np.int64)))
                    second = np.concatenate((second, np.empty(size - k, np.int64)))
                    squares = np.concatenate((squares, np.empty(size - k)))
                back = k
                while back > begin and second[back - 1] > j:
                    second[back], squares[back] = second[back - 1], squares[back - 1]
                    back -= 1
                first[k], second[back], squares[back] = i, j, square
                k += 1
    return first[:k], second[:k], squares[:k]
