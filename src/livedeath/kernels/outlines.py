"""Outlines of somata: every level of every group of neighbouring peaks, measured at once.

An image whose foreground is shared out among peaks (`livedeath.kernels.label`) goes in. The
peaks are joined pair by pair over their highest saddle into a tree (`merge_tree`); each node
of the tree, cut at each level of brightness, is one outline that a soma may have. All of them
are measured by sums over their pixels and over the cracks between pixels, one histogram of
levels per node (`profiles`), so that the cost is that of the foreground and not of the
outlines. `features` makes numbers without scale out of the sums, `forest` a score. Which of
them are taken is decided in `livedeath.kernels.chosen`.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

AREA, Y, X, YY, XX, YX, LIGHT, SQUARES = 0, 1, 2, 3, 4, 5, 6, 7
CRACKS, DROP, DROPS, CUT, CUT_LIGHT, BORDER, EULER = 8, 9, 10, 11, 12, 13, 14
"""Columns of `profiles`: pixels, their places and squares, light and its squares; cracks to
what is darker, the sum of their drops and squared drops; cracks along a cut and the light
there; cracks on the frame's border; Euler number (parts minus holes)."""

N_SUMS = 15

N_FEATURES = 21


@njit(cache=True, nogil=True)
def merge_tree(
    tops: NDArray[np.float32],
    areas: NDArray[np.int64],
    pairs: NDArray[np.int32],
    heights: NDArray[np.float32],
    largest: float,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    """Join basins pair by pair, over the highest saddle first.

    Parameters
    ----------
    tops : (n,) float32
        Height of each basin's peak; basins are 0..n-1.
    areas : (n,) int64
        Pixels of each basin at its brightest level; nothing larger than ``largest`` is made.
    pairs : (K, 2) int32
        Basins that meet, the highest saddle first.
    heights : (K,) float32
        Of the saddles.
    largest : float
        Nothing is joined that has more pixels than this.

    Returns
    -------
    parents : (m,) int32
        Node that a node was joined into, -1 for a root; 0..n-1 are the basins.
    children : (m, 2) int32
        The two parts of each node, the one with the brighter top first; -1 for basins.
    saddles : (m,) float32
        Where the two parts meet; 0 for basins.
    peaks : (m,) float32
        Brightest value of each node.
    """
    n = tops.size
    parents = np.full(2 * n, -1, np.int32)
    children = np.full((2 * n, 2), -1, np.int32)
    saddles = np.zeros(2 * n, np.float32)
    peaks = np.zeros(2 * n, np.float32)
    peaks[:n] = tops
    node_of = np.arange(n).astype(np.int32)
    leaders = np.arange(n).astype(np.int32)
    size = areas.copy()
    m = n
    for k in range(heights.size):
        a, b = pairs[k, 0], pairs[k, 1]
        while leaders[a] != a:
            leaders[a] = leaders[leaders[a]]
            a = leaders[a]
        while leaders[b] != b:
            leaders[b] = leaders[leaders[b]]
            b = leaders[b]
        if a == b or size[a] + size[b] > largest:
            continue
        one, other = node_of[a], node_of[b]
        if peaks[other] > peaks[one]:
            one, other = other, one
        children[m, 0], children[m, 1] = one, other
        parents[one], parents[other] = m, m
        saddles[m], peaks[m] = heights[k], peaks[one]
        leaders[b] = a
        node_of[a] = m
        size[a] += size[b]
        m += 1
    return parents[:m].copy(), children[:m].copy(), saddles[:m].copy(), peaks[:m].copy()


@njit(cache=True, nogil=True)
def meeting(parents: NDArray[np.int32], a: int, b: int) -> int:
    """Return the smallest node that holds both, -1 if none does; parents come after children."""
    while a != b:
        if a < b:
            a = parents[a]
        else:
            b = parents[b]
        if a < 0 or b < 0:
            return -1
    return a


@njit(cache=True, nogil=True)
def cores(
    image: NDArray[np.float32],
    basins: NDArray[np.int32],
    places: NDArray[np.int32],
    least: float,
    n: int,
) -> NDArray[np.int64]:
    """Count the pixels of each basin that stand out.

    Parameters
    ----------
    image : (Y, X) float32
        From `stand_out`.
    basins : (Y, X) int32
        1..n at the places.
    places : (N,) int32
        Flat indices of the foreground.
    least : float
        What a pixel of a core exceeds.
    n : int
        Number of basins.

    Returns
    -------
    (n,) int64
        Pixels of each.
    """
    counts = np.zeros(n, np.int64)
    values, flat = image.ravel(), basins.ravel()
    for at in places:
        if values[at] > least:
            counts[flat[at] - 1] += 1
    return counts


@njit(cache=True, nogil=True)
def profiles(
    image: NDArray[np.float32],
    levels: NDArray[np.uint8],
    basins: NDArray[np.int32],
    places: NDArray[np.int32],
    parents: NDArray[np.int32],
    n_levels: int,
) -> NDArray[np.float64]:
    """Sum over the pixels and cracks of every node, at each level or above it.

    Parameters
    ----------
    image : (Y, X) float32
        What is measured.
    levels : (Y, X) uint8
        1..n_levels at the places.
    basins : (Y, X) int32
        1..n at the places, 0 elsewhere: leaf ``k - 1`` of the tree.
    places : (N,) int32
        Flat indices of the foreground.
    parents : (m,) int32
        From `merge_tree`.
    n_levels : int
        Largest level.

    Returns
    -------
    (m, n_levels + 1, 15) float64
        Of each node cut at each level; 0 is not used.

    Notes
    -----
    A crack between a pixel and a darker one belongs to all levels between the two, so it is
    added at the upper and taken away at the lower. A crack between two basins is a cut of
    every node that holds one of them only: it is added to both and taken away twice from
    the smallest node that holds both.
    """
    height, width = image.shape
    values, level, basin = image.ravel(), levels.ravel(), basins.ravel()
    table = np.zeros((parents.size, n_levels + 1, N_SUMS))
    for at in places:
        y, x = at // width, at % width
        own, here, value = basin[at] - 1, int(level[at]), float(values[at])
        row = table[own, here]
        row[AREA] += 1
        row[Y] += y
        row[X] += x
        row[YY] += y * y
        row[XX] += x * x
        row[YX] += y * x
        row[LIGHT] += value
        row[SQUARES] += value * value
        row[EULER] += 1
        for k in range(4):
            v, u = y + (k == 1) - (k == 3), x + (k == 0) - (k == 2)
            if v < 0 or u < 0 or v >= height or u >= width:
                row[BORDER] += 1
                continue
            near = v * width + u
            other, there = basin[near] - 1, int(level[near])
            if other < 0 or there < here:
                drop = value - max(float(values[near]), 0.0)
                row[CRACKS] += 1
                row[DROP] += drop
                row[DROPS] += drop * drop
                if other >= 0:
                    below = table[own, there]
                    below[CRACKS] -= 1
                    below[DROP] -= drop
                    below[DROPS] -= drop * drop
            if k > 1 or other < 0:
                continue
            low = min(here, there)
            both = own if own == other else meeting(parents, own, other)
            if both >= 0:
                table[both, low, EULER] -= 1
            if own != other:
                light = min(value, float(values[near]))
                for side in (own, other):
                    table[side, low, CUT] += 1
                    table[side, low, CUT_LIGHT] += light
                if both >= 0:
                    table[both, low, CUT] -= 2
                    table[both, low, CUT_LIGHT] -= 2 * light
        if y + 1 < height and x + 1 < width:
            right, under, across = basin[at + 1], basin[at + width], basin[at + width + 1]
            if right > 0 and under > 0 and across > 0:
                low = min(here, level[at + 1], level[at + width], level[at + width + 1])
                node = own
                for other in (right - 1, under - 1, across - 1):
                    if node >= 0 and other != node:
                        node = meeting(parents, node, other)
                if node >= 0:
                    table[node, low, EULER] += 1
    for node in range(parents.size):
        if parents[node] >= 0:
            table[parents[node]] += table[node]
        for k in range(n_levels - 1, 0, -1):
            table[node, k] += table[node, k + 1]
    return table


@njit(cache=True, nogil=True)
def features(
    table: NDArray[np.float64],
    parents: NDArray[np.int32],
    children: NDArray[np.int32],
    saddles: NDArray[np.float32],
    peaks: NDArray[np.float32],
    noises: NDArray[np.float64],
    values: NDArray[np.float64],
    soma_px: float,
    least: float,
    largest: float,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Describe every outline that may be a soma by numbers without scale.

    Parameters
    ----------
    table : (m, L + 1, 15) float64
        From `profiles`.
    parents, children, saddles, peaks
        From `merge_tree`.
    noises : (m,) float64
        Noise at each node.
    values : (L + 1,) float64
        Brightness at which each level begins.
    soma_px : float
        Diameter of a typical soma.
    least, largest : float
        Pixels of an outline.

    Returns
    -------
    outlines : (K, 2) int32
        Node and level.
    numbers : (K, 21) float32
        Size, ellipse, roundness, gradient at the boundary (relative, in noises, its
        variation, relative to the steepest of the node), level and mean relative to the
        peak, light in noises, texture, cut part and its light, border, holes, growth over
        four levels each way, own valley and smaller part, valley to the neighbour.
    """
    n_levels = table.shape[1] - 1
    outlines = np.empty((table.shape[0] * n_levels, 2), np.int32)
    numbers = np.empty((table.shape[0] * n_levels, N_FEATURES), np.float32)
    typical = math.pi / 4.0 * soma_px * soma_px
    n = 0
    for node in range(table.shape[0]):
        highest = n_levels
        while highest > 1 and table[node, highest, AREA] == 0:
            highest -= 1
        top = values[highest]
        merged = children[node, 0] >= 0
        first_row, steepest = n, 0.0
        for k in range(highest, 0, -1):
            row = table[node, k]
            area = row[AREA]
            if area > largest:
                break
            if area < least or (1 < k < highest and table[node, k - 1, AREA] == area):
                continue
            # Above the peak of one part it is an outline of the other.
            if merged and table[children[node, 1], k, AREA] == 0:
                continue
            if merged and table[children[node, 0], k, AREA] == 0:
                continue
            around = row[CRACKS] + row[CUT] + row[BORDER]
            y, x = row[Y] / area, row[X] / area
            yy = row[YY] / area - y * y + 1.0 / 12.0
            xx = row[XX] / area - x * x + 1.0 / 12.0
            yx = row[YX] / area - y * x
            det = max(yy * xx - yx * yx, 1e-6)
            half = 0.5 * (yy + xx)
            off = math.sqrt(max(half * half - det, 0.0))
            mean = max(row[LIGHT] / area, 1e-12)
            cracks = max(row[CRACKS], 1.0)
            drop = row[DROP] / cracks
            outlines[n, 0], outlines[n, 1] = node, k
            to = numbers[n]
            to[0] = math.log(area / typical)
            to[1] = area / (4.0 * math.pi * math.sqrt(det))
            to[2] = math.sqrt(max(half - off, 1e-6) / (half + off))
            to[3] = 64.0 / math.pi * area / (around * around)
            to[4] = drop * soma_px / mean
            to[5] = math.log(max(drop / noises[node], 1e-3))
            to[6] = math.sqrt(max(row[DROPS] / cracks - drop * drop, 0.0)) / max(drop, 1e-12)
            to[7] = values[k] / mean
            to[8] = mean / top
            to[9] = math.log(mean / noises[node])
            to[10] = math.sqrt(max(row[SQUARES] / area - mean * mean, 0.0)) / mean
            to[11] = row[CUT] / around
            to[12] = row[CUT_LIGHT] / row[CUT] / mean if row[CUT] > 0 else 0.0
            to[13] = row[BORDER] / around
            to[14] = min(max(1.0 - row[EULER], -5.0), 8.0)
            to[15] = drop
            to[16] = table[node, min(k + 4, n_levels), AREA] / area
            to[17] = area / table[node, max(k - 4, 1), AREA]
            to[18], to[19] = 0.0, 0.0
            if merged:
                lower = children[node, 1]
                to[18] = 1.0 - saddles[node] / max(peaks[lower], np.float32(1e-9))
                to[19] = table[lower, k, AREA] / area
            to[20] = 1.0
            if parents[node] >= 0:
                to[20] = 1.0 - saddles[parents[node]] / max(peaks[node], np.float32(1e-9))
            steepest = max(steepest, drop)
            n += 1
        for i in range(first_row, n):
            numbers[i, 15] /= max(steepest, 1e-12)
    return outlines[:n].copy(), numbers[:n].copy()


@njit(cache=True, nogil=True)
def forest(
    numbers: NDArray[np.float32],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float32],
    left: NDArray[np.int16],
    right: NDArray[np.int16],
    value: NDArray[np.float32],
    starts: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Add up the leaves that each row falls into, over all trees.

    Parameters
    ----------
    numbers : (K, F) float32
        From `features`.
    feature : (N,) int16
        Feature that each node looks at, -1 for a leaf.
    threshold : (N,) float32
        Up to here a row goes left.
    left, right : (N,) int16
        Next node, counted from the tree's first.
    value : (N,) float32
        Of a leaf.
    starts : (T,) int64
        First node of each tree.

    Returns
    -------
    (K,) float32
        Scores.
    """
    scores = np.zeros(numbers.shape[0], np.float32)
    for start in starts:
        for i in range(numbers.shape[0]):
            at = start
            while feature[at] >= 0:
                lower = numbers[i, feature[at]] <= threshold[at]
                at = start + (left[at] if lower else right[at])
            scores[i] += value[at]
    return scores
