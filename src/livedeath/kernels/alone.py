"""Somata that stand alone, outlined one by one in a window each.

The camera's pixels and the places of peaks go in; for each peak comes out whether it is a soma
that stands alone, with its outline, or what else is to be done with it. A region grows from
the peak downhill, brightest pixels first (`grow`), and its outline lies where its boundary is
steepest. Where it climbs up another peak before that, it does not stand alone, and is left to
those who look closely.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.light import cut_light

REFUSED, ALONE, CONTESTED, FAINT = 0, 1, 2, 3
"""What becomes of a peak: no soma; a soma; to be looked at closely; at a coarser scale."""

KIND, TOP, TOP_Y, TOP_X, AREA, Y, X, LIGHT, EDGE = range(9)
"""Columns of `outline_alone`: what becomes of the peak; its brightness and place; pixels, centre
and light of its outline; level of the outline in parts of the brightness."""

HALF_MAXIMUM = 2.3548
"""Full width at half maximum of a Gaussian, in its sd."""

STEPS = 32
"""Levels between a peak's brightness and nothing."""

LOWEST = 28
"""The last of them that an outline may have: an eighth of the peak."""

VALLEY, VALLEY_NOISES = 0.1, 4.0
"""Another peak is one if it rises over the saddle by this part of itself and so many noises."""

TAKEN = -2
"""Belongs to another region: neither grown into nor a drop at the boundary."""

LEVEL, MET, CRACKS, PEAKS = range(4)
PIXELS, SUM_Y, SUM_X, SUM_YY, SUM_XX, SUM_YX = range(4, 10)
"""Places in what `grow` returns."""

ELLIPTIC, ROUND, WIDE = 0.92, 0.6, 0.6
"""A soma fills its ellipse by so much, has so little boundary (1: a disc), is so wide for its
length, at least."""

GIVE_UP = 0.5
"""What scores below this part of the best so far is past the outline."""

THREAD = 0.4
"""What is so narrow for its length is none."""

NARROW = 0.33
"""What is narrower than this, in soma diameters, is no soma."""

LARGEST = 2.2
"""No soma that stands alone is larger, in diameters of the typical one."""

WINDOW = 1.0
"""A window reaches so many soma diameters from its peak."""

OPEN = 0.6
"""It stands alone if it meets others only below this part of its peak, and its outline above."""


@njit(cache=True, nogil=True)
def peaks_of(image: NDArray[np.float32], floors: NDArray[np.float32]) -> NDArray[np.int32]:
    """List the pixels that are above their floor and brighter than all around them.

    Parameters
    ----------
    image : (Y, X) float32
        A smooth image.
    floors : (R, C) float32
        Floor of each tile; tiles share the frame evenly.

    Returns
    -------
    (N, 3) int32
        Row, column, and how many of the 25 pixels around it, itself included, are at least half
        as bright; in raster order. Of equally bright neighbours the first is a peak.
    """
    height, width = image.shape
    n_rows, n_cols = floors.shape
    found = np.empty((1024, 3), np.int32)
    floor_line = np.empty(width, np.float32)
    n = 0
    for y in range(height):
        row = y * n_rows // height
        for col in range(n_cols):
            left, right = -(-col * width // n_cols), -(-(col + 1) * width // n_cols)
            floor_line[left:right] = floors[row, col]
        here = image[y]
        for x in range(width):
            value = here[x]
            if value <= floor_line[x]:
                continue
            if (x > 0 and here[x - 1] >= value) or (x + 1 < width and here[x + 1] > value):
                continue
            if not _is_peak(image, y, x):
                continue
            half, count = np.float32(0.5) * value, np.int32(0)
            for v in range(max(y - 2, 0), min(y + 3, height)):
                for u in range(max(x - 2, 0), min(x + 3, width)):
                    count += np.int32(image[v, u] >= half)
            if n == found.shape[0]:
                found = np.concatenate((found, np.empty_like(found)))
            found[n, 0], found[n, 1], found[n, 2] = y, x, count
            n += 1
    return found[:n].copy()


@njit(cache=True, nogil=True)
def _is_peak(image: NDArray[np.float32], y: int, x: int) -> bool:
    """Tell whether no pixel around is brighter, and none before it as bright."""
    value = image[y, x]
    for v in range(max(y - 1, 0), min(y + 2, image.shape[0])):
        for u in range(max(x - 1, 0), min(x + 2, image.shape[1])):
            earlier = v < y or (v == y and u < x)
            if image[v, u] > value or (earlier and image[v, u] == value):
                return False
    return True


@njit(cache=True, nogil=True)
def unexplained(
    blocks: NDArray[np.float32], floors: NDArray[np.float32], labels: NDArray[np.int32], factor: int
) -> NDArray[np.int32]:
    """List where four blocks of light, evenly bright, lie outside of all outlines.

    Parameters
    ----------
    blocks : (R, C) float32
        Light of blocks of pixels.
    floors : (P, Q) float32
        What a block must exceed in each tile; tiles share the frame evenly.
    labels : (Y, X) int32
        Outlines, positive.
    factor : int
        Side of a block, px.

    Returns
    -------
    (N, 2) int32
        Row and column of the pixel between four blocks (two by two) of which the darkest is at
        least half as bright as the brightest, and of which none holds a pixel of an outline at its
        middle.
    """
    n_rows, n_cols = blocks.shape
    found = np.empty((256, 2), np.int32)
    n = 0
    for row in range(n_rows - 1):
        p = row * floors.shape[0] // n_rows
        for col in range(n_cols - 1):
            a, b = blocks[row, col], blocks[row, col + 1]
            floor = floors[p, col * floors.shape[1] // n_cols]
            if a <= floor or b <= floor:
                continue
            c, d = blocks[row + 1, col], blocks[row + 1, col + 1]
            low, high = min(min(a, b), min(c, d)), max(max(a, b), max(c, d))
            if low <= floor or low < np.float32(0.5) * high:
                continue
            y, x = (row + 1) * factor, (col + 1) * factor
            near = factor // 2
            free = True
            for v in (y - near - 1, y + near):
                for u in (x - near - 1, x + near):
                    v_in = min(max(v, 0), labels.shape[0] - 1)
                    u_in = min(max(u, 0), labels.shape[1] - 1)
                    free = free and labels[v_in, u_in] <= 0
            if free:
                if n == found.shape[0]:
                    found = np.concatenate((found, np.empty_like(found)))
                found[n, 0], found[n, 1] = y, x
                n += 1
    return found[:n].copy()


@njit(cache=True, nogil=True)
def smooth_inside(
    window: NDArray[np.float32],
    taps: NDArray[np.float32],
    room: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Convolve rows and columns with the same symmetric taps, where all of them are inside.

    Parameters
    ----------
    window : (V + 2 * R + 2, U + 2 * R + 2) float32
        Light; its outermost pixels are not looked at.
    taps : (2 * R + 1,) float32
        Symmetric.
    room : (V, U + 2 * R + 2) float32
        Changed.
    out : (V, U) float32
        Filled.

    Notes
    -----
    Four taps at a time, so that a row is read and written rarely.
    """
    reach = taps.size // 2
    rows, cols = out.shape
    wide = room.shape[1]
    for v in range(rows):
        middle, line = window[v + reach + 1], room[v]
        centre = taps[reach]
        for x in range(wide):
            line[x] = centre * middle[x]
        for k in range(1, reach + 1, 2):
            one = taps[reach + k]
            two = taps[reach + k + 1] if k < reach else np.float32(0)
            further = k + 1 if k < reach else k
            a, b = window[v + reach + 1 - k], window[v + reach + 1 + k]
            c, d = window[v + reach + 1 - further], window[v + reach + 1 + further]
            for x in range(wide):
                line[x] += one * (a[x] + b[x]) + two * (c[x] + d[x])
        target = out[v]
        middle = line[reach + 1 : reach + 1 + cols]
        for x in range(cols):
            target[x] = centre * middle[x]
        for k in range(1, reach + 1, 2):
            one = taps[reach + k]
            two = taps[reach + k + 1] if k < reach else np.float32(0)
            further = k + 1 if k < reach else k
            a, b = line[reach + 1 - k :], line[reach + 1 + k :]
            c, d = line[reach + 1 - further :], line[reach + 1 + further :]
            for x in range(cols):
                target[x] += one * (a[x] + b[x]) + two * (c[x] + d[x])


@njit(cache=True, nogil=True)
def grow(
    light: NDArray[np.float32],
    labels: NDArray[np.int32],
    corner: tuple[int, int],
    top: int,
    first: int,
    last: int,
    least: float,
    noise: float,
    order: NDArray[np.int32],
    after: NDArray[np.int32],
    box: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Grow a region downhill from a peak; find the level at which its boundary is steepest.

    Parameters
    ----------
    light : (V, U) float32
        A smooth window.
    labels : (Y, X) int32
        Positive where a pixel of the frame belongs to a region that is known, negative where a peak
        is.
    corner : (int, int)
        Place of the window's first pixel in the frame; may lie outside.
    top : int
        Flat index of the peak.
    first, last : int
        Levels, of 32 between the peak and 0, between which the outline is looked for.
    least : float
        Pixels of the smallest outline.
    noise : float
        Of the window.
    order, after : (V * U,) int32
        Room: ``order`` is filled with the level at which a pixel came to the region, from 1 on,
        0 where none did.
    box : (4,) int64
        Filled: first and last row, first and last column of all that was reached.
    out : (10,) float64
        Filled: the steepest level, -1 for none; the level at which another peak or the
        border of the frame or of the window was met, else 33; cracks around the outline, peaks in
        it; pixels and moments of the outline, about the peak.

    Notes
    -----
    The mean drop over the boundary's cracks, times the root of the area and the square of
    compactness, is largest at the outline. Cost linear in the pixels of the region: they wait in
    one list for each level.
    """
    height, width = light.shape
    values = light.ravel()
    peak = values[top]
    scale = np.float32(STEPS) / peak
    heads = np.full(STEPS + 1, -1, np.int32)
    order[:] = 0
    heads[0], after[top] = top, -1
    order[top] = -1
    ty, tx = top // width, top % width
    area, cracks, drop, others = 0, 0, 0.0, 0
    sums = np.zeros(5)
    box[0], box[1], box[2], box[3] = ty, ty, tx, tx
    past = np.zeros((STEPS + 1, 9))
    best = -1.0
    out[LEVEL], out[MET] = -1.0, STEPS + 1
    level = 0
    while level <= last:
        at = heads[level]
        if at >= 0:
            heads[level] = after[at]
            order[at] = level + 1
            y, x = at // width, at % width
            dy, dx, value = y - ty, x - tx, values[at]
            if y == 0 or x == 0 or y == height - 1 or x == width - 1:
                out[MET] = level
                break
            box[0], box[1] = min(box[0], y), max(box[1], y)
            box[2], box[3] = min(box[2], x), max(box[3], x)
            area += 1
            others += labels[corner[0] + y, corner[1] + x] < 0
            sums[0] += dy
            sums[1] += dx
            sums[2] += dy * dy
            sums[3] += dx * dx
            sums[4] += dy * dx
            for k in range(4):
                near = at + (1 if k == 0 else -1 if k == 1 else width if k == 2 else -width)
                other = values[near]
                if order[near] > 0:
                    cracks -= 1
                    drop -= other - value
                    continue
                cracks += 1
                if order[near] == TAKEN:
                    continue
                drop += value - max(other, np.float32(0))
                if order[near] < 0:
                    continue
                v, u = corner[0] + near // width, corner[1] + near % width
                if v < 0 or u < 0 or v >= labels.shape[0] or u >= labels.shape[1]:
                    out[MET] = level
                    last = -1
                    break
                if labels[v, u] > 0:
                    order[near] = TAKEN
                    drop -= value - max(other, np.float32(0))
                    continue
                own = int((peak - other) * scale)
                if own > last:
                    continue
                if own < level:
                    saddle = peak - level / scale
                    rise = other - saddle
                    if rise > VALLEY * other and rise > VALLEY_NOISES * noise:
                        out[MET] = level
                        last = -1
                        break
                order[near] = -1
                own = max(own, level)
                after[near], heads[own] = heads[own], near
            continue
        if level >= first and area >= least:
            compact = 64.0 / math.pi * area / (cracks * cracks)
            score = drop / cracks * math.sqrt(area) * compact * compact
            row = past[level]
            row[0], row[1], row[2], row[3] = score, cracks, others, area
            for k in range(5):
                row[4 + k] = sums[k]
            best = max(best, score)
            if score < GIVE_UP * best:
                break
        level += 1
    _steepest(past, out)


@njit(cache=True, nogil=True)
def _steepest(past: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Write down the level at which the score, with its neighbours', is highest."""
    best, at = 0.0, -1
    for level in range(1, past.shape[0] - 1):
        if past[level, 3] == 0.0:
            continue
        before = past[level - 1, 0] if past[level - 1, 3] > 0.0 else past[level, 0]
        after = past[level + 1, 0] if past[level + 1, 3] > 0.0 else past[level, 0]
        score = before + 2.0 * past[level, 0] + after
        if score > best:
            best, at = score, level
    if at >= 0:
        out[LEVEL], out[CRACKS], out[PEAKS], out[PIXELS] = (
            at, past[at, 1], past[at, 2], past[at, 3],
        )  # fmt: skip
        for k in range(5):
            out[SUM_Y + k] = past[at, 4 + k]


@njit(cache=True, nogil=True)
def soma_like(out: NDArray[np.float64], soma_px: float, blur: float, strict: float) -> int:
    """Say what a region that was grown is, by its outline.

    Parameters
    ----------
    out : (10,) float64
        From `grow`.
    soma_px : float
        Diameter of a typical soma, px.
    blur : float
        Square of the width (px) that smoothing gives a point.
    strict : float
        Part of what is asked of a soma's shape: 1, or less where noise makes its outline.

    Returns
    -------
    int
        `ALONE`, `REFUSED` (narrow or small) or `CONTESTED`.
    """
    area = out[PIXELS]
    if out[LEVEL] < 0:
        return REFUSED if out[MET] > STEPS else CONTESTED
    y, x = out[SUM_Y] / area, out[SUM_X] / area
    yy, xx = out[SUM_YY] / area - y * y + 1.0 / 12.0, out[SUM_XX] / area - x * x + 1.0 / 12.0
    yx = out[SUM_YX] / area - y * x
    half = 0.5 * (yy + xx)
    off = math.sqrt(max(0.25 * (yy - xx) ** 2 + yx * yx, 0.0))
    short, long = math.sqrt(max(half - off, 1e-6)), math.sqrt(half + off)
    open_below = out[MET] > out[LEVEL] and out[MET] >= STEPS * (1.0 - OPEN)
    narrow = 16.0 * short * short - blur < (NARROW * soma_px) ** 2
    if narrow and open_below:
        return REFUSED
    if short < THREAD * long and open_below:
        return REFUSED
    filled = area / (4.0 * math.pi * short * long)
    smooth_edge = 64.0 / math.pi * area / out[CRACKS] ** 2
    good = filled >= strict * ELLIPTIC and smooth_edge >= strict * ROUND
    good = good and short >= strict * WIDE * long
    good = good and out[PEAKS] <= 1
    good = good and open_below and not narrow
    good = good and area <= math.pi / 4.0 * (LARGEST * soma_px) ** 2
    return ALONE if good else CONTESTED


@njit(cache=True, nogil=True)
def outline_alone(
    raw: NDArray[Any],
    floor: float,
    gain: float,
    levels: NDArray[np.float32],
    speckle: float,
    taps: NDArray[np.float32],
    places: NDArray[np.int32],
    noises: NDArray[np.float64],
    snr: float,
    soma_px: float,
    blur: float,
    strict: float,
    part: float,
    reach: int,
    edges: tuple[int, int],
    labels: NDArray[np.int32],
    named: int,
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Outline the somata among peaks that stand alone.

    Parameters
    ----------
    raw, floor, gain, levels, speckle
        The frame, for `livedeath.kernels.light.cut_light`.
    taps : (2 * R + 1,) float32
        Smoothing of rows and columns.
    places : (N, 2) int32
        Peaks; the brightest first. The brightest pixel near each is taken.
    noises : (N,) float64
        Of the smoothed light, at each.
    snr : float
        A peak below so many noises is faint.
    soma_px, blur, strict : float
        As of `soma_like`.
    part : float
        Diameter of the smallest soma, in soma diameters, with the smoothing taken out.
    reach : int
        The brightest pixel is looked for so far from each peak, px.
    edges : (int, int)
        First and last of the 32 levels that an outline may have.
    labels : (Y, X) int32
        Outlines that are known; the new ones are added.
    named : int
        Largest label that is used.

    Returns
    -------
    table : (N, 9) float64
        Columns KIND, TOP, TOP_Y, TOP_X, AREA, Y, X, LIGHT, EDGE.
    runs : (K, 4) int32
        The outlines as runs (`livedeath.kernels.runs`), labelled in the order of the rows that
        are `ALONE`.
    """
    height, width = labels.shape
    table = np.zeros((places.shape[0], 9))
    found = np.empty((1024, 4), np.int32)
    around = taps.size // 2 + 1
    half = int(WINDOW * soma_px) + 2
    side = 2 * half + 1
    window = np.empty((side + 2 * around, side + 2 * around), np.float32)
    light = np.empty((side, side), np.float32)
    room = np.empty((side, side + 2 * around), np.float32)
    order, after = np.empty(side * side, np.int32), np.empty(side * side, np.int32)
    box = np.empty(4, np.int64)
    out = np.zeros(10)
    least = math.pi / 4.0 * (blur + (part * soma_px) ** 2)
    n_runs = 0
    for i in range(places.shape[0]):
        row = table[i]
        row[KIND] = REFUSED
        y, x = places[i, 0], places[i, 1]
        if labels[y, x] > 0:
            continue
        cut_light(raw, floor, gain, levels, y - half - around, x - half - around, speckle, window)
        smooth_inside(window, taps, room, light)
        top = half * side + half
        for v in range(half - reach, half + reach + 1):
            for u in range(half - reach, half + reach + 1):
                free = 0 <= y - half + v < height and 0 <= x - half + u < width
                free = free and labels[y - half + v, x - half + u] <= 0
                if free and light[v, u] > light[top // side, top % side]:
                    top = v * side + u
        row[TOP] = light[top // side, top % side]
        row[TOP_Y], row[TOP_X] = y - half + top // side, x - half + top % side
        if row[TOP] < snr * noises[i]:
            row[KIND] = FAINT
            continue
        corner = (y - half, x - half)
        grow(
            light, labels, corner, top, edges[0], edges[1], least, noises[i], order, after, box, out
        )
        kind = soma_like(out, soma_px, blur, strict)
        inside = min(row[TOP_Y], height - 1 - row[TOP_Y], row[TOP_X], width - 1 - row[TOP_X])
        if kind == REFUSED and inside < 0.5 * soma_px:
            kind = CONTESTED  # cut by the frame, a soma is narrow
        row[KIND] = kind
        if kind != ALONE:
            continue
        named += 1
        row[AREA], row[EDGE] = out[PIXELS], 1.0 - out[LEVEL] / STEPS
        row[Y] = row[TOP_Y] + out[SUM_Y] / out[PIXELS]
        row[X] = row[TOP_X] + out[SUM_X] / out[PIXELS]
        lowest = int(out[LEVEL]) + 1
        for v in range(box[0], box[1] + 1):
            before = False
            for u in range(box[2], box[3] + 1):
                own = 0 < order[v * side + u] <= lowest
                if own:
                    row[LIGHT] += window[v + around, u + around]
                    labels[y - half + v, x - half + u] = named
                    if not before:
                        if n_runs == found.shape[0]:
                            found = np.concatenate((found, np.empty_like(found)))
                        found[n_runs, 0], found[n_runs, 1] = y - half + v, x - half + u
                        found[n_runs, 3] = named
                        n_runs += 1
                    found[n_runs - 1, 2] = x - half + u + 1
                before = own
    return table, found[:n_runs].copy()


@njit(cache=True, nogil=True)
def join_boxes(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join boxes that overlap, until none do.

    Parameters
    ----------
    boxes : (N, 4) int64
        First row, row after the last, first column, column after the last.

    Returns
    -------
    (M, 4) int64
        Boxes that share no pixel and hold all of the given ones.

    Notes
    -----
    Cost N * M: there are few.
    """
    kept = np.empty_like(boxes)
    n = 0
    for i in range(boxes.shape[0]):
        box = boxes[i].copy()
        k = 0
        while k < n:
            other = kept[k]
            apart = box[0] >= other[1] or other[0] >= box[1]
            apart = apart or box[2] >= other[3] or other[2] >= box[3]
            if apart:
                k += 1
                continue
            box[0], box[1] = min(box[0], other[0]), max(box[1], other[1])
            box[2], box[3] = min(box[2], other[2]), max(box[3], other[3])
            n -= 1
            kept[k] = kept[n]
            k = 0
        kept[n] = box
        n += 1
    return kept[:n].copy()
