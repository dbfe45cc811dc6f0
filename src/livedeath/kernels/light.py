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


@njit(cache=True, nogil=True)
def bin_light(
    raw: NDArray[Any],
    floor: float,
    gain: float,
    levels: NDArray[np.float32],
    speckle: float,
    factor: int,
    out: NDArray[np.float32],
    first: int,
    last: int,
) -> None:
    """Sum the light above background over blocks of ``factor`` x ``factor`` pixels.

    Parameters
    ----------
    raw, floor, gain, levels, speckle
        The frame, as for `cut_light`.
    factor : int
        Side of a block, >= 1.
    out : (ceil(Y / factor), ceil(X / factor)) float32
        A block cut by the border is scaled up to the full number of pixels.
    first, last : int
        Rows of blocks that are filled, so that threads may share the work.

    Notes
    -----
    One pass over the pixels, which are summed as they are. The background is taken away at the
    middle of each block. Only where a block towers over those beside it are its pixels looked at
    for one that towers over its neighbours.
    """
    height, width = raw.shape
    n_rows, n_cols = levels.shape[0], out.shape[1]
    pitch = height / n_rows
    column = np.zeros(n_cols * factor, np.float32)
    base = np.zeros((n_rows, n_cols), np.float32)
    for row in range(n_rows):
        for col in range(n_cols):
            stop = min((col + 1) * factor, width)
            base[row, col] = levels[row, col * factor : stop].mean()
    area = np.float32(factor * factor)
    zero, scale = np.float32(floor) * area, np.float32(gain)
    window = np.empty((factor + 2, factor + 2), np.float32)
    for block in range(first, last):
        top, bottom = block * factor, min((block + 1) * factor, height)
        _add_rows(raw, top, bottom, column)
        target = out[block]
        _add_beside(column, factor, target)
        if bottom - top < factor:
            target *= np.float32(factor / (bottom - top))
        if n_cols * factor > width:
            target[n_cols - 1] *= np.float32(factor / (width - (n_cols - 1) * factor))
        place = 0.5 * (top + bottom) / pitch - 0.5
        row = min(max(int(place), 0), max(n_rows - 2, 0))
        part = np.float32(place - row)
        upper, lower = base[row], base[min(row + 1, n_rows - 1)]
        least = np.float32(speckle)
        for col in range(n_cols):
            under = area * (upper[col] + part * (lower[col] - upper[col]))
            target[col] = scale * (target[col] - zero) - under
        if not _towers(target, least):
            continue
        for col in range(n_cols):
            beside = target[max(col - 1, 0)] + target[min(col + 1, n_cols - 1)]
            if 0 < col < n_cols - 1 and target[col] <= least + beside:
                continue
            left, right = col * factor, min((col + 1) * factor, width)
            highest = raw[top, left]
            for y in range(top, bottom):
                for x in range(left, right):
                    highest = max(highest, raw[y, x])
            under = upper[col] + part * (lower[col] - upper[col])
            peak = scale * (np.float32(highest) - np.float32(floor)) - under
            mean = target[col] / area
            if peak > mean + mean + least:
                cut_light(raw, floor, gain, levels, top - 1, left - 1, speckle, window)
                total = np.float32(0)
                for v in range(1, bottom - top + 1):
                    for u in range(1, right - left + 1):
                        total += window[v, u]
                target[col] = total * (area / np.float32((bottom - top) * (right - left)))


@njit(cache=True, nogil=True)
def _towers(line: NDArray[np.float32], least: np.float32) -> bool:
    """Tell whether a value exceeds the sum of those beside it by so much; ends always do."""
    n = line.size
    if n < 3 or line[0] > least or line[n - 1] > least:
        return True
    left, middle, right = line[: n - 2], line[1 : n - 1], line[2:]
    some = np.int32(0)
    for x in range(n - 2):
        some = np.int32(some | np.int32(middle[x] > least + (left[x] + right[x])))
    return bool(some != 0)


@njit(cache=True, nogil=True)
def _add_rows(raw: NDArray[Any], top: int, bottom: int, column: NDArray[np.float32]) -> None:
    """Sum rows, column by column; four at a time."""
    width = raw.shape[1]
    line = column[:width]
    line[:] = 0
    y = top
    while y + 4 <= bottom:
        a, b, c, d = raw[y], raw[y + 1], raw[y + 2], raw[y + 3]
        for x in range(width):
            line[x] += (np.float32(a[x]) + np.float32(b[x])) + (np.float32(c[x]) + np.float32(d[x]))
        y += 4
    while y < bottom:
        a = raw[y]
        for x in range(width):
            line[x] += np.float32(a[x])
        y += 1


@njit(cache=True, nogil=True)
def _add_beside(line: NDArray[np.float32], factor: int, out: NDArray[np.float32]) -> None:
    """Sum groups of so many neighbours; four and two of them without an inner loop."""
    if factor == 4:
        for col in range(out.size):
            x = 4 * col
            out[col] = (line[x] + line[x + 1]) + (line[x + 2] + line[x + 3])
    elif factor == 2:
        for col in range(out.size):
            out[col] = line[2 * col] + line[2 * col + 1]
    else:
        for col in range(out.size):
            total = np.float32(0)
            for x in range(col * factor, (col + 1) * factor):
                total += line[x]
            out[col] = total
