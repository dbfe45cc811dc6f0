"""Sums over regions and over neurons: places, sizes, and the light of each soma.

Images, labels and soma profiles in; one row of numbers per region or neuron out.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

AREA, Y, X, YY, XX, YX, LIGHT, PEAK, BORDER, CLIPPED = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
"""Columns of `region_table`."""

SUM, VARIANCE, INSIDE, CLIPPED_PART = 0, 1, 2, 3
"""Columns of `weighted_sums`."""


@njit(cache=True, nogil=True)
def region_table(
    labels: NDArray[np.int32],
    n_labels: int,
    image: NDArray[np.float32],
    clipped: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Measure every region in one pass.

    Parameters
    ----------
    labels : (Y, X) int32
        0 is background, others in 1..n_labels; not checked here.
    n_labels : int
        Largest label.
    image : (Y, X) float32
        Intensity, background subtracted.
    clipped : (Y, X) bool
        Pixels at the camera's ceiling.

    Returns
    -------
    (n_labels + 1, 10) float64
        Columns AREA (px), Y and X (centre, px), YY, XX, YX (central second moments,
        px2, of the outline, with the pixel's own 1/12), LIGHT (sum of the image), PEAK
        (its maximum), BORDER (1 if any pixel lies on the frame's border), CLIPPED
        (number of clipped pixels). Row 0 and rows of absent labels hold NaN places.

    Notes
    -----
    Cost linear in Y*X. Moments are summed relative to the region's first pixel, so that
    large frames lose no digits.
    """
    height, width = labels.shape
    table = np.zeros((n_labels + 1, 10))
    first = np.zeros((n_labels + 1, 2))
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            if label == 0:
                continue
            row = table[label]
            if row[AREA] == 0:
                first[label, 0], first[label, 1] = y, x
                row[PEAK] = -np.inf
            dy, dx = y - first[label, 0], x - first[label, 1]
            value = image[y, x]
            row[AREA] += 1
            row[Y] += dy
            row[X] += dx
            row[YY] += dy * dy
            row[XX] += dx * dx
            row[YX] += dy * dx
            row[LIGHT] += value
            row[PEAK] = max(row[PEAK], value)
            row[CLIPPED] += clipped[y, x]
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
def bilinear(patch: NDArray[np.float32], y: float, x: float) -> float:
    """Read a patch between its pixels; zero outside.

    Parameters
    ----------
    patch : (P, Q) float32
        The patch.
    y, x : float
        Where, in pixels of the patch.

    Returns
    -------
    float
        The value.
    """
    rows, cols = patch.shape
    top, left = math.floor(y), math.floor(x)
    fy, fx = y - top, x - left
    value = 0.0
    for v in range(2):
        row = top + v
        if row < 0 or row >= rows:
            continue
        wy = fy if v else 1.0 - fy
        for u in range(2):
            col = left + u
            if 0 <= col < cols:
                value += wy * (fx if u else 1.0 - fx) * patch[row, col]
    return value


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
    half = profiles.shape[1] // 2
    table = np.empty((places.shape[0], 4))
    for i in range(places.shape[0]):
        profile = profiles[i]
        cy, cx = places[i, 0], places[i, 1]
        light, background, square, cube, inside, ceiling = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for y in range(max(math.floor(cy) - half, 0), min(math.ceil(cy) + half + 1, height)):
            for x in range(max(math.floor(cx) - half, 0), min(math.ceil(cx) + half + 1, width)):
                owner = owners[y, x]
                if owner != 0 and owner != names[i]:
                    continue
                p = bilinear(profile, y - cy + half, x - cx + half)
                if p <= 0.0:
                    continue
                noise = noises[y * n_rows // height, x * n_cols // width]
                light += p * image[y, x]
                background += p * p * noise * noise
                square += p * p
                cube += p * p * p
                inside += p
                if clipped[y, x]:
                    ceiling += p
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
