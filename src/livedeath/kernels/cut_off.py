"""Background and noise of a frame of which an offset was subtracted and nothing below 0 kept.

What is left of the background is a normal variable cut off at its lowest value. Pixels go in, and
a mesh of levels and noises comes out, as from `livedeath.kernels.background`.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

CUT_OFF_CLIP = 3.5
"""The same where only the upper part of the background is left, in which few pixels lie."""

LEAST_QUANTILE = 0.2
"""Where one value holds all that is not cut off, its mean is at least so many noises below."""


@njit(cache=True, nogil=True)
def normal_quantile(share: float) -> float:
    """Return how many standard deviations over the mean a share of a normal variable ends.

    Parameters
    ----------
    share : float
        0 to 1; beyond 1e-9 of either, the value there.

    Returns
    -------
    float
        To 1e-9, by bisection.
    """
    low, high = -6.0, 6.0
    for _ in range(36):
        middle = 0.5 * (low + high)
        if 0.5 * math.erfc(-middle / math.sqrt(2.0)) < share:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@njit(cache=True, nogil=True)
def cut_off_level(sample: NDArray[np.float32], lowest: float, half: float) -> tuple[float, float]:
    """Estimate level and noise of a background that is cut off at a lowest value.

    Of a normal variable of which nothing below ``lowest`` is kept, the share that stands there
    and one further quantile say mean and standard deviation. While less than half stands there
    the quantile is the median; else the middle of what lies above, which is cut from above at
    3.5 noises, five times over, for bright things share the sample.

    Parameters
    ----------
    sample : (N,) float32
        Sorted, N > 0; nothing below ``lowest``.
    lowest : float
        Where the background is cut off.
    half : float
        Half a step between two values, 0 for real numbers.

    Returns
    -------
    level, noise : float
        Mean of what there is of the background, and standard deviation of all of it.
    """
    edge = lowest + half
    piled = 0
    while piled < sample.size and sample[piled] <= edge:
        piled += 1
    kept = sample.size
    noise = 0.0
    for _ in range(5):
        if piled == 0 or piled >= kept:
            break
        at = max(kept // 2, piled + (kept - piled) // 2)
        value, last = sample[at], at + 1
        while last < kept and sample[last] == value:
            last += 1
        least = normal_quantile(piled / kept)
        if last >= kept:
            # One step holds all the rest: its mean is taken to stand at the cut.
            if noise == 0.0:
                noise = max(half, float(value) - edge) / max(least, LEAST_QUANTILE)
            break
        spread = normal_quantile(last / kept) - least
        noise = (float(value) + half - edge) / spread
        ceiling = edge - least * noise + CUT_OFF_CLIP * noise
        while kept > piled + 1 and sample[kept - 1] > ceiling:
            kept -= 1
    return float(sample[:kept].mean()), noise


@njit(cache=True, nogil=True)
def cut_off_levels(
    image: NDArray[Any],
    n_rows: int,
    n_cols: int,
    floor: float,
    every: int,
    origin: float,
    lowest: float,
    half: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Measure level and noise in each tile of a frame whose background is cut off.

    As `tile_levels`, by `cut_off_level`: level is the mean of what is left of the background,
    noise that of all of it, so that what is left rises over the level by no more than the
    noise says.

    Parameters
    ----------
    image, n_rows, n_cols, floor, every, origin
        As of `tile_levels`.
    lowest, half : float
        As of `cut_off_level`, in the image's unit.

    Returns
    -------
    levels, noises : (n_rows, n_cols) float32
        In the image's unit, levels above the origin. No noise is below the median of all tiles.

    Notes
    -----
    Pixels are sorted; cost N log N in those that are read.
    """
    height, width = image.shape
    levels = np.empty((n_rows, n_cols), np.float32)
    noises = np.empty((n_rows, n_cols), np.float32)
    for row in range(n_rows):
        top, bottom = row * height // n_rows, (row + 1) * height // n_rows
        for col in range(n_cols):
            left, right = col * width // n_cols, (col + 1) * width // n_cols
            cols = right - left
            sample = np.empty(((bottom - top - 1) // every + 1) * cols, np.float32)
            n = 0
            for y in range(top, bottom, every):
                for x in range(left, right):
                    sample[n] = np.float32(image[y, x]) - np.float32(origin)
                    n += 1
            sample.sort()
            levels[row, col], noise = cut_off_level(sample, lowest - origin, half)
            noises[row, col] = max(noise, floor)
    usual = np.float32(np.median(noises))
    for row in range(n_rows):
        for col in range(n_cols):
            noises[row, col] = max(noises[row, col], usual)
    return levels, noises
