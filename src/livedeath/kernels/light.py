"""Light above background, read from the camera's own pixels where it is asked for.

Raw pixels and a mesh of background levels go in; light of a window, or of the whole frame, comes
out. No frame of light is kept: most of it is background and is never looked at.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.background import despeckle, spread_nodes


@njit(cache=True, nogil=True)
def spread_rows(levels: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Interpolate each row of a mesh along the frame's columns.

    Parameters
    ----------
    levels : (R, C) float32
        Background level of each tile.
    width : int
        Columns of the frame, >= C.

    Returns
    -------
    (R, width) float32
        Levels at the middles of the rows of tiles; in a straight line beyond the outermost
        nodes.
    """
    lines = np.empty((levels.shape[0], width), np.float32)
    for row in range(levels.shape[0]):
        spread_nodes(levels[row], lines[row])
    return lines


@njit(cache=True, nogil=True)
def cut_light(
    raw: NDArray[Any],
    floor: float,
    gain: float,
    levels: NDArray[np.float32],
    top: int,
    left: int,
    speckle: float,
    out: NDArray[np.float32],
) -> None:
    """Fill a window with the light above background.

    Parameters
    ----------
    raw : (Y, X) uint16 or float32
        Camera values.
    floor, gain : float
        Light is ``gain * (raw - floor)`` before the background is taken away.
    levels : (R, X) float32
        Light of the background, from `spread_rows`; between the middles of the rows of tiles,
        which share the frame evenly, it is interpolated, beyond them extended in a straight line.
    top, left : int
        Place of the window's first pixel in the frame; may lie outside.
    speckle : float
        Single pixels that tower over their neighbours by so much are brought down
        (`livedeath.kernels.background.despeckle`), the window's outermost ones left alone.
    out : (V, U) float32
        Filled; zero outside the frame.
    """
    height, width = raw.shape
    n_rows = levels.shape[0]
    pitch = height / n_rows
    zero, scale = np.float32(floor), np.float32(gain)
    first, last = max(left, 0), min(left + out.shape[1], width)
    for v in range(out.shape[0]):
        y = top + v
        line = out[v]
        if y < 0 or y >= height or last <= first:
            line[:] = 0
            continue
        line[: first - left] = 0
        line[last - left :] = 0
        place = (y + 0.5) / pitch - 0.5
        row = min(max(int(place), 0), max(n_rows - 2, 0))
        part = np.float32(place - row)
        source, target = raw[y, first:last], line[first - left : last - left]
        upper, lower = levels[row, first:last], levels[min(row + 1, n_rows - 1), first:last]
        for x in range(source.size):
            base = upper[x] + part * (lower[x] - upper[x])
            target[x] = scale * (np.float32(source[x]) - zero) - base
    despeckle(out, speckle)
