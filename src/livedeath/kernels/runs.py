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
