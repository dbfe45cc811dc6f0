"""Outlines as runs of pixels along rows, and what can be done with them without an image.

A run is a row of four numbers: its row in the frame, its first column, the column after its
last, and the outline it belongs to. A frame has some ten thousand of them where it has millions
of pixels.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Y, START, STOP, LABEL = 0, 1, 2, 3
"""Columns of a table of runs."""

CHUNK = 64
"""Pixels of a row that are looked through at once."""


@njit(cache=True, nogil=True)
def runs_of(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """List the runs of a label image, in raster order.

    Parameters
    ----------
    labels : (Y, X) int32
        0 is background.

    Returns
    -------
    (K, 4) int32
        Columns Y, START, STOP, LABEL; neighbouring pixels of one label are one run.
    """
    height, width = labels.shape
    runs = np.empty((1024, 4), np.int32)
    n = 0
    for y in range(height):
        line = labels[y]
        before = np.int32(0)
        for first in range(0, width, CHUNK):
            part = line[first : first + CHUNK]
            some = before
            for k in range(part.size):
                some = np.int32(some | part[k])
            if some == 0:
                continue
            for k in range(part.size):
                here = part[k]
                if here == before:
                    continue
                if before != 0:
                    runs[n - 1, STOP] = first + k
                if here != 0:
                    if n == runs.shape[0]:
                        runs = np.concatenate((runs, np.empty_like(runs)))
                    runs[n, Y], runs[n, START], runs[n, LABEL] = y, first + k, here
                    n += 1
                before = here
        if before != 0:
            runs[n - 1, STOP] = width
    return runs[:n].copy()


@njit(cache=True, nogil=True)
def paint_runs(runs: NDArray[np.int32], names: NDArray[np.int32], image: NDArray[np.int32]) -> None:
    """Write a number for each pixel of the runs, in place.

    Parameters
    ----------
    runs : (K, 4) int32
        Columns Y, START, STOP, LABEL.
    names : (n + 1,) int32
        What is written for each label.
    image : (Y, X) int32
        Changed where the runs are.
    """
    for k in range(runs.shape[0]):
        line = image[runs[k, Y]]
        name = names[runs[k, LABEL]]
        for x in range(runs[k, START], runs[k, STOP]):
            line[x] = name


@njit(cache=True, nogil=True)
def free_runs(
    runs: NDArray[np.int32], known: NDArray[np.int32], n: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Cut from runs the pixels of outlines that are known.

    Parameters
    ----------
    runs : (K, 4) int32
        Columns Y, START, STOP, LABEL.
    known : (Y, X) int32
        Positive where an outline is known.
    n : int
        Largest label of the runs.

    Returns
    -------
    free : (K', 4) int32
        What is left of the runs, in their order.
    pixels : (n + 1, 2) int64
        Pixels of each label, and how many of them are known.
    """
    free = np.empty((runs.shape[0] + 64, 4), np.int32)
    pixels = np.zeros((n + 1, 2), np.int64)
    m = 0
    for k in range(runs.shape[0]):
        y, label = runs[k, Y], runs[k, LABEL]
        pixels[label, 0] += runs[k, STOP] - runs[k, START]
        inside = False
        for x in range(runs[k, START], runs[k, STOP]):
            if known[y, x] > 0:
                pixels[label, 1] += 1
                inside = False
                continue
            if not inside:
                if m == free.shape[0]:
                    free = np.concatenate((free, np.empty_like(free)))
                free[m, Y], free[m, START], free[m, LABEL] = y, x, label
                m += 1
                inside = True
            free[m - 1, STOP] = x + 1
    return free[:m].copy(), pixels
