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


@njit(cache=True, nogil=True, fastmath=True)
def clipped_level(values: NDArray[np.float32], n: int) -> tuple[float, float]:
    """Return mean and standard deviation of what lies near most values.

    The mean of all, then five times that of the values within 2.5 standard deviations of the
    one before: what is bright and rare counts no more.

    Parameters
    ----------
    values : (N,) float32
        Of a tile.
    n : int
        How many of them are filled, from the first; at least 1.

    Returns
    -------
    level, noise : float
        In the values' unit.
    """
    centre, reach = values[0], np.float32(WIDE)
    level, noise = float(centre), 0.0
    for _ in range(ROUNDS + 1):
        count, total, square = np.float32(0), np.float32(0), np.float32(0)
        for i in range(n):
            off = values[i] - centre
            off *= np.float32(abs(off) <= reach)
            count += np.float32(abs(values[i] - centre) <= reach)
            total += off
            square += off * off
        if count == np.float32(0):
            break
        mean = total / count
        level = float(centre + mean)
        noise = math.sqrt(max(float(square / count - mean * mean), 0.0))
        centre, reach = np.float32(level), np.float32(CUT * noise)
    return level, noise


@njit(cache=True, nogil=True, fastmath=True)
def squares_apart(line: NDArray[np.float32], apart: int, n: int) -> float:
    """Return the sum of squared differences of pixels some distance apart.

    Parameters
    ----------
    line : (X,) float32
        A row.
    apart : int
        The distance, pixels.
    n : int
        How many pairs, from the first pixel on; at most X - apart.

    Returns
    -------
    float
        In the square of the row's unit.

    Notes
    -----
    Summed in the order that is quickest: `benchmarks/bench_pipeline.py` times it.
    """
    total = np.float32(0)
    here, there = line[:n], line[apart : apart + n]
    for x in range(n):
        off = there[x] - here[x]
        total += off * off
    return float(total)


@njit(cache=True, nogil=True)
def count_from(values: NDArray[Any], ceiling: float) -> int:
    """Count the values from a ceiling on.

    Parameters
    ----------
    values : (N,) integer or float
        Camera values.
    ceiling : float
        The least that counts.

    Returns
    -------
    int
        How many there are.
    """
    count = 0
    for x in range(values.size):
        count += np.int32(values[x] >= ceiling)
    return count


@njit(cache=True, nogil=True)
def digest(
    stack: NDArray[Any],
    rows_apart: int,
    cols_apart: int,
    tiles: tuple[int, int],
    distances: tuple[int, int],
    ceiling: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
    levels : (n_rows, n_cols, 2) float64
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
    levels, structure = np.zeros((n_rows, n_cols, 2)), np.zeros(4)
    line = np.empty(width, np.float32)
    per_row = width // n_cols // cols_apart
    sample = np.empty((n_cols, (height // n_rows // rows_apart + 2) * per_row), np.float32)
    pairs = width - distances[1]
    read = 0
    for row in range(n_rows):
        top, bottom = row * height // n_rows, (row + 1) * height // n_rows
        filled = 0
        for y in range(top + min(rows_apart, bottom - top) // 2, bottom, rows_apart):
            read += 1
            line[:] = np.float32(0)
            for z in range(planes):
                source = stack[z, y]
                structure[CLIPPED] += count_from(source, ceiling)
                for x in range(width):
                    line[x] += np.float32(source[x])
            structure[NEAR] += squares_apart(line, 1, pairs)
            structure[FINE] += squares_apart(line, distances[0], pairs)
            structure[COARSE] += squares_apart(line, distances[1], pairs)
            for col in range(n_cols):
                left = col * width // n_cols
                for k in range(per_row):
                    sample[col, filled + k] = line[left + k * cols_apart]
            filled += per_row
        for col in range(n_cols):
            levels[row, col, 0], levels[row, col, 1] = clipped_level(sample[col], filled)
    structure[CLIPPED] /= read * planes * width
    structure[:CLIPPED] /= read * pairs
    return levels, structure
