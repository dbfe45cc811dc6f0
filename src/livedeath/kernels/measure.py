"""Sums over regions and over neurons: places, sizes, and the light of each soma.

Images, labels and soma profiles in; one row of numbers per region or neuron out.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.bank import LANES
from livedeath.kernels.label import smooth
from livedeath.kernels.light import cut_light

AREA, Y, X, YY, XX, YX, LIGHT, BORDER = 0, 1, 2, 3, 4, 5, 6, 7
"""Columns of `region_table`."""

SUM, VARIANCE, INSIDE, CLIPPED_PART = 0, 1, 2, 3
"""Columns of `weighted_sums`."""


@njit(cache=True, nogil=True)
def region_table(
    labels: NDArray[np.int32],
    places: NDArray[np.int32],
    n_labels: int,
    image: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Measure every region in one pass over its pixels.

    Parameters
    ----------
    labels : (Y, X) int32
        0 is background, others in 1..n_labels; not checked here.
    places : (N,) int32
        Flat indices, ascending or not, of all pixels with a label other than 0, each once.
    n_labels : int
        Largest label.
    image : (Y, X) float32
        Intensity, background subtracted.

    Returns
    -------
    (n_labels + 1, 8) float64
        Columns AREA (px), Y and X (centre, px), YY, XX, YX (central second moments,
        px2, of the outline, with the pixel's own 1/12), LIGHT (sum of the image), BORDER
        (1 if any pixel lies on the frame's border). Row 0 and rows of absent labels hold
        NaN places.

    Notes
    -----
    Cost linear in N. Moments are summed relative to the region's first pixel, so that
    large frames lose no digits.
    """
    height, width = labels.shape
    flat, values = labels.ravel(), image.ravel()
    table = np.zeros((n_labels + 1, 8))
    first = np.zeros((n_labels + 1, 2))
    for at in places:
        label = flat[at]
        y, x = at // width, at % width
        row = table[label]
        if row[AREA] == 0:
            first[label, 0], first[label, 1] = y, x
        dy, dx = y - first[label, 0], x - first[label, 1]
        row[AREA] += 1
        row[Y] += dy
        row[X] += dx
        row[YY] += dy * dy
        row[XX] += dx * dx
        row[YX] += dy * dx
        row[LIGHT] += values[at]
        if y == 0 or x == 0 or y == height - 1 or x == width - 1:
            row[BORDER] = 1
    for label in range(n_labels + 1):
        row = table[label]
        area = row[AREA]
        if area == 0:
            row[Y], row[X] = math.nan, math.nan
            continue
        y, x = row[Y] / area, row[X] / area
        row[YY] = row[YY] / area - y * y + 1.0 / 12.0
        row[XX] = row[XX] / area - x * x + 1.0 / 12.0
        row[YX] = row[YX] / area - y * x
        row[Y], row[X] = y + first[label, 0], x + first[label, 1]
    return table


@njit(cache=True, nogil=True)
def shift_row(
    patch: NDArray[np.float32], row: int, weights: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Read one row of a patch that lies between pixels, by bilinear interpolation.

    Parameters
    ----------
    patch : (P, Q) float32
        The patch; zero outside.
    row : int
        Which row of the shifted patch, 0 to P: a mixture of the patch's rows ``row - 1``
        and ``row``.
    weights : (4,) float32
        Of a pixel's neighbour above left, above, to the left, and of itself.
    out : (Q + 3,) float32
        ``out[1]`` to ``out[Q + 1]`` are filled; the values between them are used as well.
    """
    rows, cols = patch.shape
    out[:] = 0
    for k in range(2):
        at = row - 1 + k
        if at < 0 or at >= rows:
            continue
        source, before, same = patch[at], weights[2 * k], weights[2 * k + 1]
        left, right = out[2:], out[1:]
        for x in range(cols):
            left[x] += before * source[x]
        for x in range(cols):
            right[x] += same * source[x]


@njit(cache=True, nogil=True)
def profile_boxes(profiles: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the part of each profile that is not zero.

    Parameters
    ----------
    profiles : (N, P, P) float32
        Non-negative.

    Returns
    -------
    (N, 4) int32
        First row, row after the last, first column, column after the last; all 0 for an empty
        profile.
    """
    boxes = np.zeros((profiles.shape[0], 4), np.int32)
    for i in range(profiles.shape[0]):
        top, bottom, left, right = profiles.shape[1], 0, profiles.shape[2], 0
        for v in range(profiles.shape[1]):
            for u in range(profiles.shape[2]):
                if profiles[i, v, u] > np.float32(0):
                    top, bottom = min(top, v), v + 1
                    left, right = min(left, u), max(right, u + 1)
        if bottom > 0:
            boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = top, bottom, left, right
    return boxes


@njit(cache=True, nogil=True)
def lay_profiles(
    profiles: NDArray[np.float32],
    boxes: NDArray[np.int32],
    places: NDArray[np.float64],
    owners: NDArray[np.int32],
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    """Lay each neuron's profile on its place, and leave out what is another neuron's.

    Parameters
    ----------
    profiles : (N, P, P) float32
        Non-negative, each of sum 1, centred on pixel ``(P - 1) / 2``.
    boxes : (N, 4) int32
        From `profile_boxes`.
    places : (N, 2) float64
        Centre (y, x) of each neuron, px.
    owners : (Y, X) int32
        Which neuron's soma a pixel is part of: its index + 1, 0 for none.

    Returns
    -------
    weights : (M,) float32
        The weights of all windows, one after the other, row by row.
    windows : (N, 5) int64
        Of each neuron: top, left, rows and columns of its window in the frame, and where its
        weights begin.
    sums : (N, 3) float64
        Sums of the weights, their squares and their cubes.

    Notes
    -----
    Cost linear in the boxes. What is between pixels is interpolated bilinearly.
    """
    height, width = owners.shape
    n = places.shape[0]
    windows = np.zeros((n, 5), np.int64)
    total = 0
    for i in range(n):
        at_y = math.floor(places[i, 0]) - profiles.shape[1] // 2
        at_x = math.floor(places[i, 1]) - profiles.shape[2] // 2
        top, bottom = max(at_y + boxes[i, 0], 0), min(at_y + boxes[i, 1] + 1, height)
        left, right = max(at_x + boxes[i, 2], 0), min(at_x + boxes[i, 3] + 1, width)
        windows[i, 4] = total
        if boxes[i, 1] > 0 and bottom > top and right > left:
            windows[i, 0], windows[i, 1] = top, left
            windows[i, 2], windows[i, 3] = bottom - top, right - left
            total += (bottom - top) * (right - left)
    weights = np.zeros(total, np.float32)
    sums = np.zeros((n, 3))
    parts, line = np.empty(4, np.float32), np.empty(profiles.shape[2] + 3, np.float32)
    for i in range(n):
        top, left, rows, cols, first = windows[i]
        at_y, at_x = math.floor(places[i, 0]), math.floor(places[i, 1])
        fy, fx = places[i, 0] - at_y, places[i, 1] - at_x
        parts[0], parts[1] = fy * fx, fy * (1.0 - fx)
        parts[2], parts[3] = (1.0 - fy) * fx, (1.0 - fy) * (1.0 - fx)
        skipped = left - (at_x - profiles.shape[2] // 2)
        name = np.int32(i + 1)
        for v in range(rows):
            shift_row(profiles[i], top + v - (at_y - profiles.shape[1] // 2), parts, line)
            source = line[1 + skipped : 1 + skipped + cols]
            owner = owners[top + v, left : left + cols]
            target = weights[first + v * cols : first + (v + 1) * cols]
            _add_powers(source, owner, name, target, sums[i])
    return weights, windows, sums


@njit(cache=True, nogil=True, fastmath=LANES)
def _add_powers(
    source: NDArray[np.float32],
    owner: NDArray[np.int32],
    name: np.int32,
    target: NDArray[np.float32],
    sums: NDArray[np.float64],
) -> None:
    """Keep the weights of a row that are no other neuron's; add them, squares and cubes."""
    one, two, three = np.float32(0), np.float32(0), np.float32(0)
    for x in range(target.size):
        free = owner[x] == np.int32(0) or owner[x] == name
        p = source[x] if free else np.float32(0)
        target[x] = p
        one += p
        two += p * p
        three += p * p * p
    sums[0] += one
    sums[1] += two
    sums[2] += three


@njit(cache=True, nogil=True)
def weighted_sums(
    raw: NDArray[Any],
    floor: float,
    gain: float,
    levels: NDArray[np.float32],
    noises: NDArray[np.float32],
    speckle: float,
    clipped: NDArray[np.bool_],
    weights: NDArray[np.float32],
    windows: NDArray[np.int64],
    sums: NDArray[np.float64],
    quantum: float,
) -> NDArray[np.float64]:
    """Measure each neuron's light with its own profile as the weight.

    With the profile p (sum 1) laid on the neuron's place, the light is
    ``sum(p * I) / sum(p * p)`` over the pixels that belong to no other neuron: the
    least-squares amplitude of the profile.

    Parameters
    ----------
    raw, floor, gain, levels, speckle
        The frame, for `livedeath.kernels.light.cut_light`.
    noises : (R, C) float32
        Background noise per pixel of each tile; tiles share the frame evenly.
    clipped : (Y, X) bool
        Pixels at the camera's ceiling; of no size where there are none.
    weights, windows, sums
        From `lay_profiles`.
    quantum : float
        Intensity per photo-electron (1 where the image is in electrons), 0 where it is
        not known: then the neuron's own photon noise is left out.

    Returns
    -------
    (N, 4) float64
        SUM and VARIANCE of the light (NaN where none of the profile is in the frame and
        free), INSIDE (part of the profile that could be used, 0 to 1), CLIPPED_PART
        (part of the profile on clipped pixels).

    Notes
    -----
    Cost linear in the weights. ``VARIANCE = sum(p2 n2 + p2 q p F+) / sum(p2)**2`` with the
    noise n, the quantum q and the light F, taken as zero where it is negative.
    """
    height, width = raw.shape
    n_rows, n_cols = noises.shape
    table = np.empty((windows.shape[0], 4))
    spread = np.empty((n_rows, width), np.float32)
    for col in range(n_cols):
        # Pixel x is in tile x * n_cols // width.
        start, stop = -(-col * width // n_cols), -(-(col + 1) * width // n_cols)
        for row in range(n_rows):
            spread[row, start:stop] = noises[row, col] * noises[row, col]
    room = np.empty(1, np.float32)
    for i in range(windows.shape[0]):
        top, left, rows, cols, first = windows[i]
        square = sums[i, 1]
        table[i, INSIDE], table[i, CLIPPED_PART] = sums[i, 0], 0.0
        if square <= 0.0:
            table[i, SUM], table[i, VARIANCE] = math.nan, math.nan
            continue
        # One pixel more on each side: what towers over its neighbours is known by them.
        size = (rows + 2) * (cols + 2)
        if room.size < size:
            room = np.empty(2 * size, np.float32)
        window = room[:size].reshape(rows + 2, cols + 2)
        cut_light(raw, floor, gain, levels, top - 1, left - 1, speckle, window)
        light, background, ceiling = 0.0, 0.0, 0.0
        for v in range(rows):
            y = top + v
            p = weights[first + v * cols : first + (v + 1) * cols]
            noise = spread[y * n_rows // height, left : left + cols]
            one, two = _row_sums(p, window[v + 1, 1 : cols + 1], noise)
            light += one
            background += two
            if clipped.size > 0:
                for x in range(cols):
                    ceiling += float(p[x]) if clipped[y, left + x] else 0.0
        light /= square
        photons = quantum * max(light, 0.0) * sums[i, 2]
        table[i, SUM] = light
        table[i, VARIANCE] = (background + photons) / (square * square)
        table[i, CLIPPED_PART] = ceiling
    return table


@njit(cache=True, nogil=True, fastmath=LANES)
def _row_sums(
    p: NDArray[np.float32], light: NDArray[np.float32], noise: NDArray[np.float32]
) -> tuple[float, float]:
    """Return the weighted light of a row and the weighted variance of its background."""
    one, two = np.float32(0), np.float32(0)
    for x in range(p.size):
        one += p[x] * light[x]
        two += p[x] * p[x] * noise[x]
    return float(one), float(two)


@njit(cache=True, nogil=True)
def soma_patches(
    raw: NDArray[Any],
    floor: float,
    gain: float,
    levels: NDArray[np.float32],
    speckle: float,
    taps: NDArray[np.float32],
    owners: NDArray[np.int32],
    names: NDArray[np.int32],
    places: NDArray[np.float64],
    half: int,
) -> NDArray[np.float32]:
    """Cut out each soma, centred between pixels where need be, with a soft edge.

    Parameters
    ----------
    raw, floor, gain, levels, speckle
        The frame, for `livedeath.kernels.light.cut_light`.
    taps : (2 * R + 1,) float32
        Smoothing of its rows and columns, as in `livedeath.kernels.label.smooth`.
    owners : (Y, X) int32
        Outlines.
    names : (N,) int32
        The number of each soma in ``owners``.
    places : (N, 2) float64
        Centre (y, x) of each patch, px.
    half : int
        The patch reaches from -half to +half.

    Returns
    -------
    (N, 2 * half + 1, 2 * half + 1) float32
        The positive smooth light under the soma's own outline, averaged over 3 x 3 so that the
        edge is soft, and scaled to sum 1; all zero where the outline is not in reach.
    """
    height, width = owners.shape
    side = 2 * half + 1
    # One pixel for each of the 3 x 3 and of what lies between pixels; and what smoothing and
    # despeckling look at.
    around = taps.size // 2 + 1
    patches = np.zeros((places.shape[0], side, side), np.float32)
    masked = np.zeros((side + 3, side + 3), np.float32)
    window = np.empty((side + 3 + 2 * around, side + 3 + 2 * around), np.float32)
    for i in range(places.shape[0]):
        top, left = math.floor(places[i, 0]), math.floor(places[i, 1])
        fy, fx = places[i, 0] - top, places[i, 1] - left
        top, left = top - half - 1, left - half - 1
        cut_light(raw, floor, gain, levels, top - around, left - around, speckle, window)
        image = smooth(window, taps)
        for v in range(side + 3):
            for u in range(side + 3):
                y, x = top + v, left + u
                masked[v, u] = 0
                if 0 <= y < height and 0 <= x < width and owners[y, x] == names[i]:
                    masked[v, u] = max(image[around + v, around + u], np.float32(0))
        total = 0.0
        for v in range(side):
            for u in range(side):
                value = 0.0
                for dy in range(4):
                    wy = 1.0 - fy if dy == 0 else (fy if dy == 3 else 1.0)
                    for dx in range(4):
                        wx = 1.0 - fx if dx == 0 else (fx if dx == 3 else 1.0)
                        value += wy * wx * masked[v + dy, u + dx]
                patches[i, v, u] = np.float32(value / 9.0)
                total += value / 9.0
        if total > 0.0:
            for v in range(side):
                for u in range(side):
                    patches[i, v, u] = np.float32(patches[i, v, u] / total)
    return patches
