"""What a raw frame looks like, from a part of its rows: levels, structure, pixels at the ceiling.

A frame as the camera gave it goes in; level and noise of the background in each tile, how
much pixels differ over short and long distances and how many are clipped come out. Nothing
here judges.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEAR, FINE, COARSE, CLIPPED = range(4)
"""Places in the second array that `digest` returns."""

CUT = 2.5
"""Values within this many standard deviations of the level make the next estimate of it."""

WIDE = 1e30
"""Everything is within."""

ROUNDS = 5
"""Estimates of a level, each from what the one before left."""


@njit(cache=True, nogil=True)
def clipped_levels(sample: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Return mean and standard deviation of what lies near most values, of several tiles.

    The mean of all, then five times that of the values within 2.5 standard deviations of the
    one before: what is bright and rare counts no more.

    Parameters
    ----------
    sample : (N, C) float32
        Values of C tiles.
    n : int
        How many of each are filled, from the first; at least 1.

    Returns
    -------
    (C, 2) float32
        Level and noise, in the values' unit.

    Notes
    -----
    The tiles side by side fill the processor's vectors.
    """
    tiles = sample.shape[1]
    centre, reach = sample[0].copy(), np.full(tiles, np.float32(WIDE))
    out = np.zeros((tiles, 2), np.float32)
    count, total, square = np.empty((3, tiles), np.float32)
    for _ in range(ROUNDS + 1):
        count[:], total[:], square[:] = 0, 0, 0
        for i in range(n):
            values = sample[i]
            for c in range(tiles):
                off = values[c] - centre[c]
                inside = np.float32(1) if abs(off) <= reach[c] else np.float32(0)
                off *= inside
                count[c] += inside
                total[c] += off
                square[c] += off * off
        for c in range(tiles):
            if count[c] > 0:
                mean = total[c] / count[c]
                out[c, 0] = centre[c] + mean
                out[c, 1] = math.sqrt(max(square[c] / count[c] - mean * mean, 0.0))
                centre[c] = out[c, 0]
                reach[c] = np.float32(CUT) * out[c, 1]
    return out


@njit(cache=True, nogil=True)
def add_reached(line: NDArray[np.float32], ceiling: float, counts: NDArray[np.float32]) -> None:
    """Count where a line reaches a ceiling, place by place.

    Parameters
    ----------
    line : (N,) float32
        A row.
    ceiling : float
        The least that counts.
    counts : (N,) float32
        Changed in place.
    """
    least = np.float32(ceiling)
    for x in range(line.size):
        counts[x] += np.float32(1) if line[x] >= least else np.float32(0)


@njit(cache=True, nogil=True)
def add_squares(
    line: NDArray[np.float32], other: NDArray[np.float32], sums: NDArray[np.float32]
) -> None:
    """Add the squared differences of two lines to sums, in place.

    Parameters
    ----------
    line : (N,) float32
        A row.
    other : (M,) float32
        What it is compared with, place by place; M >= N.
    sums : (N,) float32
        Changed in place.
    """
    for x in range(line.size):
        off = other[x] - line[x]
        sums[x] += off * off


@njit(cache=True, nogil=True)
def digest(
    stack: NDArray[Any],
    rows_apart: int,
    cols_apart: int,
    tiles: tuple[int, int],
    distances: tuple[int, int],
    ceiling: float,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Describe a frame.

    Parameters
    ----------
    stack : (Z, Y, X) integer or float
        Camera values; planes are summed.
    rows_apart, cols_apart : int
        Every so manyeth row is read; levels take every so manyeth of its pixels.
    tiles : (int, int)
        Rows and columns of tiles; the frame is shared out evenly, and every tile has a row
        that is read.
    distances : (int, int)
        Fine and coarse distance along a row at which pixels are compared, less than X.
    ceiling : float
        Pixels of any plane from here on are clipped.

    Returns
    -------
    levels : (n_rows, n_cols, 2) float32
        Level and noise of each tile's background.
    structure : (4,) float64
        Mean squared difference of pixels one (`NEAR`), fine (`FINE`) and coarse distances
        (`COARSE`) apart, in all of which independent noise is the same; the share of
        `CLIPPED` pixels.

    Notes
    -----
    Cost linear in the pixels of the rows that are read.
    """
    planes, height, width = stack.shape
    n_rows, n_cols = tiles
    fine, coarse = distances
    levels, structure = np.zeros((n_rows, n_cols, 2), np.float32), np.zeros(4)
    line = np.empty(width, np.float32)
    per_row = max(width // n_cols // cols_apart, 1)
    sample = np.empty(((height // n_rows // rows_apart + 2) * per_row, n_cols), np.float32)
    pairs = width - coarse
    # Each by itself: rows of one array are not known to lie apart, which is slow.
    one, some, many = (
        np.zeros(pairs, np.float32),
        np.zeros(pairs, np.float32),
        np.zeros(pairs, np.float32),
    )
    plane, reached = np.zeros(width, np.float32), np.zeros(width, np.float32)
    left = np.array([col * width // n_cols for col in range(n_cols)])
    read = 0
    for row in range(n_rows):
        top, bottom = row * height // n_rows, (row + 1) * height // n_rows
        filled = 0
        for y in range(top + min(rows_apart, bottom - top) // 2, bottom, rows_apart):
            read += 1
            line[:] = 0
            for z in range(planes):
                source = stack[z, y]
                for x in range(width):
                    plane[x] = np.float32(source[x])
                add_reached(plane, ceiling, reached)
                line += plane
            add_squares(line[:pairs], line[1:], one)
            add_squares(line[:pairs], line[fine:], some)
            add_squares(line[:pairs], line[coarse:], many)
            for k in range(per_row):
                for col in range(n_cols):
                    sample[filled, col] = line[left[col] + k * cols_apart]
                filled += 1
        levels[row] = clipped_levels(sample, filled)
    for k, sums in enumerate((one, some, many)):
        structure[k] = sums.sum() / (read * pairs)
    structure[CLIPPED] = reached.sum() / (read * planes * width)
    return levels, structure
