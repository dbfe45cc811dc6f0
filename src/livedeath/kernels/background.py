"""Background and noise of a frame, tile by tile; neurons and neurites in a tile do not count.

An image goes in, a mesh of levels and noises comes out, and an image without its
background. Nothing here knows about neurons.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.bank import LANES

SAMPLE_ROWS, SAMPLE_COLS = 8, 8
"""Pixels of a tile's sample for the first, robust estimate."""

STRIDES = (4, 2, 1)
"""Rows of a tile that make the later estimates: every fourth of those read, every second, all.
Each takes out 9/10 of what is wrong with the level and 3/4 of what is wrong with the noise
(slopes of the moments of a normal variable cut at 2.5 sd)."""

CLIP = 2.5
"""Pixels within this many standard deviations of the level make such an estimate."""

CLIPPED_SD = 0.9546
"""Standard deviation of a normal variable cut at +-2.5, where the uncut one has 1."""

LOWER_QUARTER_SD = 0.6745
"""Distance from the median to the lower quartile of a normal variable, in its sd."""

CHUNK = 256
"""Pixels of a row that are looked through at once."""


@njit(cache=True, nogil=True)
def sample_level(sample: NDArray[np.float32], floor: float) -> tuple[float, float]:
    """Estimate level and noise of background that shares a sample with bright things.

    The sample is cut from above at 2.5 noises over the median, five times over; the
    noise is read from the lower half, which bright things do not reach.

    Parameters
    ----------
    sample : (N,) float32
        Sorted, N > 0.
    floor : float
        Smallest noise returned, in the sample's unit.

    Returns
    -------
    level, noise : float
        Median and standard deviation of what is left.
    """
    kept = sample.size
    level = float(sample[kept // 2])
    noise = floor
    for _ in range(5):
        level = float(sample[kept // 2])
        noise = max((level - float(sample[kept // 4])) / LOWER_QUARTER_SD, floor)
        ceiling = level + CLIP * noise
        while kept > 1 and sample[kept - 1] > ceiling:
            kept -= 1
    return level, noise


def _exchanges(n: int) -> NDArray[np.int64]:
    """Return the pairs (K, 2) of Batcher's odd-even merge sort; ``n`` is a power of two."""
    pairs: list[tuple[int, int]] = []
    p = 1
    while p < n:
        k = p
        while k >= 1:
            for j in range(k % p, n - k, 2 * k):
                same = (i + j for i in range(min(k, n - j - k)))
                pairs += [(i, i + k) for i in same if i // (2 * p) == (i + k) // (2 * p)]
            k //= 2
        p *= 2
    return np.array(pairs, np.int64)


EXCHANGES = _exchanges(SAMPLE_ROWS * SAMPLE_COLS)
"""Which values of a sample are put in order, pair after pair, until it is sorted."""


@njit(cache=True, nogil=True)
def sort_columns(columns: NDArray[np.float32], pairs: NDArray[np.int64]) -> None:
    """Sort each column, in place, by a sorting network.

    Parameters
    ----------
    columns : (64, C) float32
        Changed in place.
    pairs : (K, 2) int64
        `EXCHANGES`.

    Notes
    -----
    Columns side by side fill the processor's vectors; no value decides what is done next.
    """
    for k in range(pairs.shape[0]):
        low, high = columns[pairs[k, 0]], columns[pairs[k, 1]]
        for c in range(columns.shape[1]):
            one, other = low[c], high[c]
            low[c] = one if one < other else other
            high[c] = other if one < other else one


@njit(cache=True, nogil=True)
def band_samples(
    band: NDArray[Any], origin: float, n_cols: int, every: int, samples: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Take at most 8 x 8 pixels of each tile of a band, evenly spaced, and sort them.

    Parameters
    ----------
    band : (P, X) uint16 or float32
        A row of tiles.
    origin : float
        Taken from every value.
    n_cols : int
        Tiles of the band.
    every : int
        Only every so manyeth row of the band is read.
    samples : (64, n_cols) float32
        Filled, one column per tile, with infinity at its end.

    Returns
    -------
    (n_cols,) int64
        How many values of each column are filled.
    """
    rows, width = band.shape
    samples[:] = np.inf
    counts = np.zeros(n_cols, np.int64)
    step = (-(-rows // every) - 1) // SAMPLE_ROWS + 1
    zero = np.float32(origin)
    n = 0
    for y in range(0, rows, step * every):
        line = band[y]
        for col in range(n_cols):
            left, right = col * width // n_cols, (col + 1) * width // n_cols
            at = n
            for x in range(left, right, (right - left - 1) // SAMPLE_COLS + 1):
                samples[at, col] = np.float32(line[x]) - zero
                at += 1
            counts[col] += at - n
        n += SAMPLE_COLS
    sort_columns(samples, EXCHANGES)
    return counts


@njit(cache=True, nogil=True)
def tile_levels(
    image: NDArray[Any],
    n_rows: int,
    n_cols: int,
    floor: float,
    every: int = 1,
    origin: float = 0.0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Measure the background's level and noise in each tile.

    First a robust estimate from a small sample (`sample_level`), then three times over the
    mean and standard deviation of the pixels within 2.5 noises of it, in the end of all
    rows that are read, which is nearly as good as the mean of pure background.

    Parameters
    ----------
    image : (Y, X) uint16 or float32
        Finite intensities.
    n_rows, n_cols : int
        Number of tiles; the frame is shared out evenly. Not more than pixels.
    floor : float
        Smallest noise possible: the quantisation of the camera.
    every : int
        Only every so manyeth row of a tile is read.
    origin : float
        Taken from every value first: a whole number near the background keeps the digits.

    Returns
    -------
    levels, noises : (n_rows, n_cols) float32
        In the image's unit, levels above the origin.

    Notes
    -----
    Cost linear in the pixels that are read. A band of tiles is summed column by column, over
    whole rows, so that the loops are long enough for the processor's vectors, and stays in
    its cache.
    """
    height, width = image.shape
    levels = np.empty((n_rows, n_cols), np.float32)
    noises = np.empty((n_rows, n_cols), np.float32)
    samples = np.empty((SAMPLE_ROWS * SAMPLE_COLS, n_cols), np.float32)
    zero = np.float32(origin)
    centre, reach = np.empty(width, np.float32), np.empty(width, np.float32)
    near, total = np.empty(width, np.float32), np.empty(width, np.float32)
    squares = np.empty(width, np.float32)
    for row in range(n_rows):
        top, bottom = row * height // n_rows, (row + 1) * height // n_rows
        counts = band_samples(image[top:bottom], origin, n_cols, every, samples)
        for col in range(n_cols):
            sample = samples[: counts[col], col]
            levels[row, col], noises[row, col] = sample_level(sample, floor)
        for stride in STRIDES:
            for col in range(n_cols):
                left, right = col * width // n_cols, (col + 1) * width // n_cols
                centre[left:right] = levels[row, col]
                reach[left:right] = CLIP * noises[row, col]
            near[:], total[:], squares[:] = 0, 0, 0
            for y in range(top, bottom, stride * every):
                line = image[y]
                for x in range(width):
                    off = (np.float32(line[x]) - zero) - centre[x]
                    inside = np.float32(1) if abs(off) <= reach[x] else np.float32(0)
                    off *= inside
                    near[x] += inside
                    total[x] += off
                    squares[x] += off * off
            for col in range(n_cols):
                left, right = col * width // n_cols, (col + 1) * width // n_cols
                count, mean, square = _three_sums(
                    near[left:right], total[left:right], squares[left:right]
                )
                if count > 0.0:
                    mean /= count
                    variance = max(square / count - mean * mean, 0.0)
                    levels[row, col] += np.float32(mean)
                    noises[row, col] = max(math.sqrt(variance) / CLIPPED_SD, floor)
    return levels, noises


@njit(cache=True, nogil=True, fastmath=LANES)
def _three_sums(
    one: NDArray[np.float32], two: NDArray[np.float32], three: NDArray[np.float32]
) -> tuple[float, float, float]:
    """Return the sums of three lines of one length."""
    a, b, c = np.float32(0), np.float32(0), np.float32(0)
    for x in range(one.size):
        a += one[x]
        b += two[x]
        c += three[x]
    return float(a), float(b), float(c)


@njit(cache=True, nogil=True)
def median_mesh(mesh: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace each node of a mesh by the median of its 3 x 3 neighbourhood.

    Parameters
    ----------
    mesh : (R, C) float32
        One value per tile.

    Returns
    -------
    (R, C) float32
        At the border the neighbourhood is what there is of it; of an even number of
        values the lower middle one is taken.
    """
    n_rows, n_cols = mesh.shape
    smooth = np.empty_like(mesh)
    for row in range(n_rows):
        inner = 0 < row < n_rows - 1
        if inner and n_cols > 2:
            _medians_of_nine(mesh[row - 1], mesh[row], mesh[row + 1], smooth[row, 1:])
        for col in range(0, n_cols, n_cols - 1 if inner and n_cols > 1 else 1):
            smooth[row, col] = _median_near(mesh, row, col)
    return smooth


@njit(cache=True, nogil=True)
def _median_near(mesh: NDArray[np.float32], row: int, col: int) -> float:
    """Return the lower median of what there is of a node's neighbourhood."""
    near = np.empty(9, np.float32)
    n = 0
    for r in range(max(row - 1, 0), min(row + 2, mesh.shape[0])):
        for c in range(max(col - 1, 0), min(col + 2, mesh.shape[1])):
            # Sorted as they come: of so few values that is quickest.
            place = n
            while place > 0 and near[place - 1] > mesh[r, c]:
                near[place] = near[place - 1]
                place -= 1
            near[place] = mesh[r, c]
            n += 1
    return float(near[(n - 1) // 2])


@njit(cache=True, nogil=True)
def _medians_of_nine(
    above: NDArray[np.float32],
    here: NDArray[np.float32],
    below: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Fill the medians of the neighbourhoods of a row's inner nodes.

    Columns are put in order first; the median is then the middle one of the highest low, the
    middle middle and the lowest high of three columns (Smith 1996).
    """
    n = here.size
    low, middle, high = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    for x in range(n):
        a, b, c = above[x], here[x], below[x]
        a, b = min(a, b), max(a, b)
        b, c = min(b, c), max(b, c)
        a, b = min(a, b), max(a, b)
        low[x], middle[x], high[x] = a, b, c
    for x in range(n - 2):
        a = max(max(low[x], low[x + 1]), low[x + 2])
        p, q = min(middle[x], middle[x + 1]), max(middle[x], middle[x + 1])
        b = max(p, min(q, middle[x + 2]))
        c = min(min(high[x], high[x + 1]), high[x + 2])
        a, b = min(a, b), max(a, b)
        b = min(b, c)
        out[x] = max(a, b)


@njit(cache=True, nogil=True)
def calm_mesh(mesh: NDArray[np.float32], reaches: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring down the nodes of a mesh that tower over their neighbourhood.

    A tile full of somata has no background of its own. All other nodes stay as they are,
    so that a slope is kept up to the border, where a plain median would flatten it.

    Parameters
    ----------
    mesh : (R, C) float32
        Background level of each tile.
    reaches : (R, C) float32
        How far above the median of its 3 x 3 neighbourhood a node may lie.

    Returns
    -------
    (R, C) float32
        With the nodes beyond their reach replaced by that median.
    """
    medians = median_mesh(mesh)
    calm = mesh.copy()
    for row in range(mesh.shape[0]):
        for col in range(mesh.shape[1]):
            if mesh[row, col] - medians[row, col] > reaches[row, col]:
                calm[row, col] = medians[row, col]
    return calm


@njit(cache=True, nogil=True)
def spread_nodes(nodes: NDArray[np.float32], line: NDArray[np.float32]) -> None:
    """Interpolate between nodes that share a line evenly, in place.

    Parameters
    ----------
    nodes : (C,) float32
        Values at the middles of C equal parts of the line.
    line : (X,) float32
        Filled; in a straight line beyond the outermost nodes.
    """
    n, width = nodes.size, line.size
    pitch = width / n
    for col in range(max(n - 1, 1)):
        right = min(col + 1, n - 1)
        left_x = 0 if col == 0 else math.ceil((col + 0.5) * pitch - 0.5)
        right_x = width if col >= n - 2 else math.ceil((right + 0.5) * pitch - 0.5)
        slope = (nodes[right] - nodes[col]) / np.float32(pitch)
        start = nodes[col] - slope * np.float32((col + 0.5) * pitch - 0.5)
        for x in range(left_x, right_x):
            line[x] = start + slope * np.float32(x)


@njit(cache=True, nogil=True)
def subtract_levels(
    image: NDArray[np.float32], levels: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Subtract the background, interpolated between the centres of the tiles.

    Bilinear inside the mesh, extended in a straight line beyond the outermost centres
    (a vignette falls towards the border).

    Parameters
    ----------
    image : (Y, X) float32
        The image whose tiles were measured.
    levels : (R, C) float32
        From `tile_levels`, smoothed or not.
    out : (Y, X) float32
        Filled with the image minus the background; may be the image itself.
    """
    height, width = image.shape
    n_rows = levels.shape[0]
    pitch = height / n_rows
    upper, lower = np.empty((2, width), np.float32)
    last = -1
    for y in range(height):
        place = (y + 0.5) / pitch - 0.5
        row = min(max(int(place), 0), max(n_rows - 2, 0))
        if row != last:
            spread_nodes(levels[row], upper)
            spread_nodes(levels[min(row + 1, n_rows - 1)], lower)
            last = row
        part = np.float32(place - row)
        source, target = image[y], out[y]
        for x in range(width):
            target[x] = source[x] - (upper[x] + part * (lower[x] - upper[x]))


@njit(cache=True, nogil=True)
def despeckle(image: NDArray[np.float32], margin: float) -> int:
    """Bring down, in place, single pixels that tower over all their neighbours.

    Hot pixels and cosmic rays: a pixel above twice its brightest neighbour plus
    ``margin`` takes that neighbour's value. No soma is one pixel wide.

    Parameters
    ----------
    image : (Y, X) float32
        Background subtracted; changed in place. The outermost pixels are left alone.
    margin : float
        In the image's unit; several noises; positive.

    Returns
    -------
    int
        Number of pixels changed.

    Notes
    -----
    Rows are looked through in chunks for a pixel that towers over its two neighbours in
    the row; there is none in nearly all of them.
    """
    height, width = image.shape
    least = np.float32(margin)
    changed = 0
    for y in range(1, height - 1):
        above, here, below = image[y - 1], image[y], image[y + 1]
        for start in range(1, width - 1, CHUNK):
            stop = min(start + CHUNK, width - 1)
            left, middle, right = here[start - 1 :], here[start:stop], here[start + 1 :]
            towering = np.int32(0)
            for x in range(middle.size):
                beside = left[x] if left[x] > right[x] else right[x]
                beside = beside if beside > np.float32(0) else np.float32(0)
                over = middle[x] > beside + beside + least
                towering = np.int32(towering | np.int32(over))
            if towering == 0:
                continue
            for x in range(start, stop):
                near = max(here[x - 1], here[x + 1], np.float32(0))
                for u in range(x - 1, x + 2):
                    near = max(near, above[u], below[u])
                if here[x] > near + near + least:
                    here[x] = near
                    changed += 1
    return changed


@njit(cache=True, nogil=True)
def bin_sum(image: NDArray[Any], factor: int) -> NDArray[np.float32]:
    """Sum blocks of ``factor`` x ``factor`` pixels.

    Parameters
    ----------
    image : (Y, X) uint16 or float32
        Intensities.
    factor : int
        Side of a block, >= 1.

    Returns
    -------
    (ceil(Y / factor), ceil(X / factor)) float32
        A block cut by the border is scaled up to the full number of pixels.
    """
    height, width = image.shape
    n_rows, n_cols = -(-height // factor), -(-width // factor)
    binned = np.empty((n_rows, n_cols), np.float32)
    line = np.zeros(n_cols * factor, np.float32)
    for row in range(n_rows):
        for x in range(width):
            line[x] = 0
        for y in range(row * factor, min((row + 1) * factor, height)):
            source = image[y]
            for x in range(width):
                line[x] += np.float32(source[x])
        target = binned[row]
        for col in range(n_cols):
            block = line[col * factor]
            for x in range(col * factor + 1, (col + 1) * factor):
                block += line[x]
            target[col] = block
    rest_y, rest_x = height - (n_rows - 1) * factor, width - (n_cols - 1) * factor
    for col in range(n_cols):
        binned[n_rows - 1, col] *= np.float32(factor / rest_y)
    for row in range(n_rows):
        binned[row, n_cols - 1] *= np.float32(factor / rest_x)
    return binned
