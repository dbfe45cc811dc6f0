"""Outlines of somata: every level of every group of neighbouring peaks, measured at once.

An image whose foreground is shared out among peaks (`livedeath.kernels.label`) goes in. Peaks
are joined pair by pair over their highest saddle into a tree (`merge_tree`); each node, cut at
each level of brightness, is one outline that a soma may have, measured by sums over its pixels
and the cracks between them (`profiles`): the cost is that of the foreground. `features` makes
numbers without scale of them, `forest` a score; `livedeath.kernels.chosen` chooses.
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

DEPTH = 5
"""Questions that each tree of the score asks."""


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
def shelves(
    levels: NDArray[np.uint8],
    basins: NDArray[np.int32],
    places: NDArray[np.int32],
    parents: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Say where the levels of each node stand in a table: only those up to its peak.

    Parameters
    ----------
    levels : (Y, X) uint8
        1 and more at the places.
    basins : (Y, X) int32
        1..n at the places, 0 elsewhere: leaf ``k - 1`` of the tree.
    places : (N,) int32
        Flat indices of the foreground.
    parents : (m,) int32
        From `merge_tree`.

    Returns
    -------
    (m + 1,) int64
        Level k of node i is row ``starts[i] + k`` of ``starts[m]`` rows.
    """
    highest = np.zeros(parents.size, np.int64)
    level, basin = levels.ravel(), basins.ravel()
    for at in places:
        node = basin[at] - 1
        highest[node] = max(highest[node], level[at])
    starts = np.zeros(parents.size + 1, np.int64)
    for node in range(parents.size):
        if parents[node] >= 0:
            highest[parents[node]] = max(highest[parents[node]], highest[node])
        starts[node + 1] = starts[node] + highest[node] + 1
    return starts


@njit(cache=True, nogil=True)
def profiles(
    image: NDArray[np.float32],
    levels: NDArray[np.uint8],
    basins: NDArray[np.int32],
    places: NDArray[np.int32],
    parents: NDArray[np.int32],
    starts: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Sum over the pixels and cracks of every node, at each level or above it.

    Parameters
    ----------
    image : (Y, X) float32
        What is measured.
    levels, basins, places, parents
        As for `shelves`.
    starts : (m + 1,) int64
        From `shelves`.

    Returns
    -------
    (starts[m], 15) float64
        Of each node cut at each level; level 0 is not used.

    Notes
    -----
    A crack between a pixel and a darker one belongs to all levels between the two, so it is
    added at the upper and taken away at the lower. A crack between two basins is a cut of
    every node that holds one of them only: it is added to both and taken away twice from
    the smallest node that holds both.
    """
    height, width = image.shape
    values, level, basin = image.ravel(), levels.ravel(), basins.ravel()
    table = np.zeros((starts[-1], N_SUMS))
    for at in places:
        y, x = at // width, at % width
        own, here, value = basin[at] - 1, np.int64(level[at]), float(values[at])
        row = table[starts[own] + here]
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
            other, there = basin[near] - 1, np.int64(level[near])
            if other < 0 or there < here:
                drop = value - max(float(values[near]), 0.0)
                row[CRACKS] += 1
                row[DROP] += drop
                row[DROPS] += drop * drop
                if other >= 0:
                    below = table[starts[own] + there]
                    below[CRACKS] -= 1
                    below[DROP] -= drop
                    below[DROPS] -= drop * drop
            if k > 1 or other < 0:
                continue
            low = min(here, there)
            both = own if own == other else meeting(parents, own, other)
            if both >= 0:
                table[starts[both] + low, EULER] -= 1
            if own != other:
                light = min(value, float(values[near]))
                for side in (own, other):
                    table[starts[side] + low, CUT] += 1
                    table[starts[side] + low, CUT_LIGHT] += light
                if both >= 0:
                    table[starts[both] + low, CUT] -= 2
                    table[starts[both] + low, CUT_LIGHT] -= 2 * light
        if y + 1 < height and x + 1 < width:
            right, under, across = basin[at + 1], basin[at + width], basin[at + width + 1]
            if right > 0 and under > 0 and across > 0:
                low = min(here, level[at + 1], level[at + width], level[at + width + 1])
                node = own
                for other in (right - 1, under - 1, across - 1):
                    if node >= 0 and other != node:
                        node = meeting(parents, node, other)
                if node >= 0:
                    table[starts[node] + low, EULER] += 1
    for node in range(parents.size):
        first, last = starts[node], starts[node + 1]
        if parents[node] >= 0:
            to = starts[parents[node]]
            table[to : to + last - first] += table[first:last]
        for k in range(last - 2, first, -1):
            table[k] += table[k + 1]
    return table


@njit(cache=True, nogil=True)
def area_at(table: NDArray[np.float64], starts: NDArray[np.int64], node: int, level: int) -> float:
    """Return the pixels of a node at a level or above it, 0 above its peak."""
    at = starts[node] + max(level, 1)
    return table[at, AREA] if at < starts[node + 1] else 0.0


@njit(cache=True, nogil=True)
def open_levels(
    table: NDArray[np.float64],
    starts: NDArray[np.int64],
    children: NDArray[np.int32],
    node: int,
    least: float,
    largest: float,
    steep: float,
    found: NDArray[np.int32],
) -> tuple[int, float]:
    """List the levels at which a node may be the outline of a soma, the brightest first.

    Parameters
    ----------
    table, starts
        From `profiles` and `shelves`.
    children : (m, 2) int32
        From `merge_tree`.
    node : int
        Which one.
    least, largest : float
        Pixels of an outline.
    steep : float
        The mean drop of light over its boundary must be this part of the steepest one's.
    found : (256,) int32
        Filled with the levels.

    Returns
    -------
    n : int
        How many there are.
    steepest : float
        Largest mean drop of the node.
    """
    n, steepest = 0, 1e-12
    for k in range(starts[node + 1] - starts[node] - 1, 0, -1):
        row = table[starts[node] + k]
        if row[AREA] > largest:
            break
        if row[AREA] < least:
            continue
        # Above the peak of one part it is an outline of the other.
        apart = False
        for child in children[node]:
            apart = apart or (child >= 0 and area_at(table, starts, child, k) == 0)
        if apart:
            continue
        steepest = max(steepest, row[DROP] / max(row[CRACKS], 1.0))
        found[n] = k
        n += 1
    kept = 0
    for i in range(n):
        row = table[starts[node] + found[i]]
        if row[DROP] / max(row[CRACKS], 1.0) >= steep * steepest:
            found[kept] = found[i]
            kept += 1
    return kept, steepest


@njit(cache=True, nogil=True)
def describe(
    table: NDArray[np.float64],
    starts: NDArray[np.int64],
    parents: NDArray[np.int32],
    children: NDArray[np.int32],
    saddles: NDArray[np.float32],
    peaks: NDArray[np.float32],
    noise: float,
    values: NDArray[np.float64],
    soma_px: float,
    node: int,
    level: int,
    steepest: float,
    to: NDArray[np.float32],
) -> None:
    """Describe an outline by numbers without scale.

    Parameters
    ----------
    table, starts
        From `profiles` and `shelves`.
    parents, children, saddles, peaks
        From `merge_tree`.
    noise : float
        Noise at the node.
    values : (L + 1,) float64
        Brightness at which each level begins.
    soma_px : float
        Diameter of a typical soma.
    node, level : int
        The outline.
    steepest : float
        From `open_levels`.
    to : (21,) float32
        Filled: size, ellipse, its axes, roundness; mean drop over the boundary in the mean,
        in noises, its variation; level in the mean, mean in the peak, mean in noises,
        texture; part of the boundary that is cut, its light in the mean, part on the frame's
        border, holes; drop in the steepest one, area four levels up and down, own valley and
        smaller part, valley to the neighbour.
    """
    row = table[starts[node] + level]
    area = row[AREA]
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
    top = values[starts[node + 1] - starts[node] - 1]
    to[0] = math.log(area / (math.pi / 4.0 * soma_px * soma_px))
    to[1] = area / (4.0 * math.pi * math.sqrt(det))
    to[2] = math.sqrt(max(half - off, 1e-6) / (half + off))
    to[3] = 64.0 / math.pi * area / (around * around)
    to[4] = drop * soma_px / mean
    to[5] = math.log(max(drop / noise, 1e-3))
    to[6] = math.sqrt(max(row[DROPS] / cracks - drop * drop, 0.0)) / max(drop, 1e-12)
    to[7] = values[level] / mean
    to[8] = mean / top
    to[9] = math.log(mean / noise)
    to[10] = math.sqrt(max(row[SQUARES] / area - mean * mean, 0.0)) / mean
    to[11] = row[CUT] / around
    to[12] = row[CUT_LIGHT] / row[CUT] / mean if row[CUT] > 0 else 0.0
    to[13] = row[BORDER] / around
    to[14] = min(max(1.0 - row[EULER], -5.0), 8.0)
    to[15] = drop / steepest
    to[16] = area_at(table, starts, node, level + 4) / area
    to[17] = area / area_at(table, starts, node, level - 4)
    to[18], to[19], to[20] = 0.0, 0.0, 1.0
    if children[node, 0] >= 0:
        lower = children[node, 1]
        to[18] = 1.0 - saddles[node] / max(peaks[lower], np.float32(1e-9))
        to[19] = area_at(table, starts, lower, level) / area
    if parents[node] >= 0:
        to[20] = 1.0 - saddles[parents[node]] / max(peaks[node], np.float32(1e-9))


@njit(cache=True, nogil=True)
def features(
    table: NDArray[np.float64],
    starts: NDArray[np.int64],
    parents: NDArray[np.int32],
    children: NDArray[np.int32],
    saddles: NDArray[np.float32],
    peaks: NDArray[np.float32],
    noises: NDArray[np.float64],
    values: NDArray[np.float64],
    soma_px: float,
    least: float,
    largest: float,
    steep: float,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Describe every outline that may be a soma; what the score is learnt from.

    Parameters
    ----------
    table, starts, parents, children, saddles, peaks, values, soma_px
        As for `describe`.
    noises : (m,) float64
        Noise at each node.
    least, largest, steep : float
        As for `open_levels`.

    Returns
    -------
    outlines : (K, 2) int32
        Node and level.
    numbers : (K, 21) float32
        From `describe`.
    """
    outlines = np.empty((starts[-1], 2), np.int32)
    numbers = np.empty((starts[-1], N_FEATURES), np.float32)
    levels = np.empty(256, np.int32)
    n = 0
    for node in range(parents.size):
        found, steepest = open_levels(table, starts, children, node, least, largest, steep, levels)
        for i in range(found):
            outlines[n, 0], outlines[n, 1] = node, levels[i]
            describe(
                table,
                starts,
                parents,
                children,
                saddles,
                peaks,
                noises[node],
                values,
                soma_px,
                node,
                levels[i],
                steepest,
                numbers[n],
            )
            n += 1
    return outlines[:n].copy(), numbers[:n].copy()


@njit(cache=True, nogil=True)
def forest(
    numbers: NDArray[np.float32],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    leaves: NDArray[np.float32],
) -> float:
    """Add up the leaves that an outline falls into, over all trees.

    Parameters
    ----------
    numbers : (21,) float32
        From `describe`.
    feature : (T, 2**5 - 1) int32
        What each tree asks, five questions deep: after question i comes ``2 * i + 1``, or
        ``2 * i + 2`` where the number is above the threshold.
    threshold : (T, 2**5 - 1) float32
        Infinite where there is nothing to ask.
    leaves : (T, 2**5) float32
        What each answer adds.

    Returns
    -------
    float
        The score.
    """
    score = np.float32(0)
    for tree in range(feature.shape[0]):
        at = 0
        for _ in range(DEPTH):
            at = 2 * at + 1 + int(numbers[feature[tree, at]] > threshold[tree, at])
        score += leaves[tree, at - feature.shape[1]]
    return float(score)


@njit(cache=True, nogil=True)
def best_levels(
    table: NDArray[np.float64],
    starts: NDArray[np.int64],
    parents: NDArray[np.int32],
    children: NDArray[np.int32],
    saddles: NDArray[np.float32],
    peaks: NDArray[np.float32],
    noises: NDArray[np.float64],
    values: NDArray[np.float64],
    soma_px: float,
    least: float,
    largest: float,
    steep: float,
    stride: int,
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    leaves: NDArray[np.float32],
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Find the level at which each node is the likeliest outline of a soma.

    Parameters
    ----------
    table, starts, parents, children, saddles, peaks, noises, values, soma_px
        As for `features`.
    least, largest, steep : float
        As for `features`.
    stride : int
        Every so many levels one is scored first, then those around the best of them.
    feature, threshold, leaves
        As for `forest`.

    Returns
    -------
    level : (m,) int32
        0 where there is none.
    best : (m,) float64
        Its score, 0 where there is none.
    """
    level = np.zeros(parents.size, np.int32)
    best = np.zeros(parents.size)
    levels = np.empty(256, np.int32)
    numbers = np.empty(N_FEATURES, np.float32)
    for node in range(parents.size):
        n, steepest = open_levels(table, starts, children, node, least, largest, steep, levels)
        top = -1
        for turn in range(2):
            first = 0 if turn == 0 else max(top - stride + 1, 0)
            last = n if turn == 0 else min(top + stride, n)
            around = top
            if turn == 1 and top < 0:
                continue
            for i in range(first, last, stride if turn == 0 else 1):
                if i == around:
                    continue
                describe(
                    table,
                    starts,
                    parents,
                    children,
                    saddles,
                    peaks,
                    noises[node],
                    values,
                    soma_px,
                    node,
                    levels[i],
                    steepest,
                    numbers,
                )
                score = forest(numbers, feature, threshold, leaves)
                if score > best[node]:
                    best[node], level[node], top = score, levels[i], i
    return level, best
