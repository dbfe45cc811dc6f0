"""Sums over regions and over neurons: places, sizes, and the light of each soma.

Images, labels and soma profiles in; one row of numbers per region or neuron out.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

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
def weighted_sums(
    image: NDArray[np.float32],
    noises: NDArray[np.float32],
    clipped: NDArray[np.bool_],
    owners: NDArray[np.int32],
    names: NDArray[np.int32],
    places: NDArray[np.float64],
    profiles: NDArray[np.float32],
    quantum: float,
) -> NDArray[np.float64]:
    """Measure each neuron's light with its own profile as the weight.

    With the profile p (sum 1) laid on the neuron's place, the light is
    ``sum(p * I) / sum(p * p)`` over the pixels that belong to no other neuron: the
    least-squares amplitude of the profile.

    Parameters
    ----------
    image : (Y, X) float32
        Intensity, background subtracted.
    noises : (R, C) float32
        Background noise per pixel of each tile; tiles share the frame evenly.
    clipped : (Y, X) bool
        Pixels at the camera's ceiling.
    owners : (Y, X) int32
        Which neuron's soma a pixel is part of, 0 for none.
    names : (N,) int32
        The neurons' numbers in ``owners``.
    places : (N, 2) float64
        Centre (y, x) of each neuron, px.
    profiles : (N, P, P) float32
        Non-negative, each of sum 1, centred on pixel ``(P - 1) / 2``.
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
    Cost P*P per neuron. ``VARIANCE = sum(p2 n2 + p2 q p F+) / sum(p2)**2`` with the
    noise n, the quantum q and the light F, taken as zero where it is negative.
    """
    height, width = image.shape
    n_rows, n_cols = noises.shape
    side = profiles.shape[1]
    table = np.empty((places.shape[0], 4))
    weights, line = np.empty(4, np.float32), np.empty(side + 3, np.float32)
    for i in range(places.shape[0]):
        top, left = math.floor(places[i, 0]), math.floor(places[i, 1])
        fy, fx = places[i, 0] - top, places[i, 1] - left
        weights[0], weights[1] = fy * fx, fy * (1.0 - fx)
        weights[2], weights[3] = (1.0 - fy) * fx, (1.0 - fy) * (1.0 - fx)
        light, background, square, cube, inside, ceiling = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for v in range(side + 1):
            y = top - side // 2 + v
            if y < 0 or y >= height:
                continue
            shift_row(profiles[i], v, weights, line)
            x0 = left - side // 2
            for x in range(max(x0, 0), min(x0 + side + 1, width)):
                p = line[x - x0 + 1]
                if p <= np.float32(0):
                    continue
                owner = owners[y, x]
                if owner != 0 and owner != names[i]:
                    continue
                noise = noises[y * n_rows // height, x * n_cols // width]
                weight = float(p)
                light += weight * image[y, x]
                background += weight * weight * noise * noise
                square += weight * weight
                cube += weight * weight * weight
                inside += weight
                if clipped[y, x]:
                    ceiling += weight
        if square > 0.0:
            light /= square
            table[i, SUM] = light
            photons = quantum * max(light, 0.0) * cube
            table[i, VARIANCE] = (background + photons) / (square * square)
        else:
            table[i, SUM], table[i, VARIANCE] = math.nan, math.nan
        table[i, INSIDE], table[i, CLIPPED_PART] = inside, ceiling
    return table


@njit(cache=True, nogil=True)
def soma_patches(
    image: NDArray[np.float32],
    labels: NDArray[np.int32],
    names: NDArray[np.int32],
    places: NDArray[np.float64],
    half: int,
) -> NDArray[np.float32]:
    """Cut out each soma, centred between pixels where need be, with a soft edge.

    Parameters
    ----------
    image : (Y, X) float32
        Smooth intensity, background subtracted.
    labels : (Y, X) int32
        Outlines.
    names : (N,) int32
        The label of each soma.
    places : (N, 2) float64
        Centre (y, x) of each patch, px.
    half : int
        The patch reaches from -half to +half.

    Returns
    -------
    (N, 2 * half + 1, 2 * half + 1) float32
        The positive image under the soma's own label, averaged over 3 x 3 so that the
        edge is soft, and scaled to sum 1; all zero where the label is not in reach.
    """
    height, width = image.shape
    side = 2 * half + 1
    patches = np.zeros((places.shape[0], side, side), np.float32)
    masked = np.zeros((side + 3, side + 3), np.float32)
    for i in range(places.shape[0]):
        top, left = math.floor(places[i, 0]), math.floor(places[i, 1])
        fy, fx = places[i, 0] - top, places[i, 1] - left
        for v in range(side + 3):
            for u in range(side + 3):
                y, x = top + v - half - 1, left + u - half - 1
                masked[v, u] = 0
                if 0 <= y < height and 0 <= x < width and labels[y, x] == names[i]:
                    masked[v, u] = max(image[y, x], np.float32(0))
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
