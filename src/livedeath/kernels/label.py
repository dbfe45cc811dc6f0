"""Regions of an image, each around its own peak and down to its own threshold.

A smooth image and the noise of it go in; labels come out. Whether a region is a soma is
decided elsewhere. A watershed in steps that read the frame in order: every pixel goes
uphill to its peak (`climb`), the saddles between neighbouring peaks are listed (`saddles`),
peaks are joined over them from the highest one down (`join`), and each region is cut back
to its own threshold (`trim`).
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

CHUNK = 32
"""Pixels of a row that are looked through at once."""


@njit(cache=True, nogil=True)
def smooth(image: NDArray[np.float32], taps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convolve rows and columns with the same symmetric taps; outside the frame is zero.

    Parameters
    ----------
    image : (Y, X) float32
        Background subtracted, so that zero is what lies outside.
    taps : (2 * R + 1,) float32
        Symmetric.

    Returns
    -------
    (Y, X) float32
        The smoothed image.

    Notes
    -----
    Cost Y * X * (R + 1) twice: taps are used in pairs.
    """
    height, width = image.shape
    reach = taps.size // 2
    out = np.empty_like(image)
    padded = np.zeros(width + 2 * reach, np.float32)
    nothing = np.zeros(width, np.float32)
    for y in range(height):
        line = padded[reach : reach + width]
        centre = image[y]
        for x in range(width):
            line[x] = taps[reach] * centre[x]
        for k in range(1, reach + 1):
            tap = taps[reach + k]
            above = image[y - k] if y >= k else nothing
            below = image[y + k] if y + k < height else nothing
            for x in range(width):
                line[x] += tap * (above[x] + below[x])
        target = out[y]
        for x in range(width):
            target[x] = taps[reach] * line[x]
        for k in range(1, reach + 1):
            tap = taps[reach + k]
            left = padded[reach - k : reach - k + width]
            right = padded[reach + k : reach + k + width]
            for x in range(width):
                target[x] += tap * (left[x] + right[x])
    return out


@njit(cache=True, nogil=True)
def climb(
    image: NDArray[np.float32], floors: NDArray[np.float32], basins: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give each pixel above its floor the number of the peak uphill of it.

    Uphill is the brightest of the pixel and its eight neighbours above their floors; of
    equally bright ones the first in raster order.

    Parameters
    ----------
    image : (Y, X) float32
        What to climb on.
    floors : (R, C) float32
        Positive floor of each tile; tiles share the frame evenly.
    basins : (Y, X) int32
        Zero everywhere; filled with 1..n, peaks numbered in raster order.

    Returns
    -------
    places : (N,) int32
        Flat indices of the pixels above their floor, in raster order.
    tops : (n + 1,) int32
        Flat index of each peak, -1 at index 0.

    Notes
    -----
    Cost linear in Y*X. Whole rows are compared at once; only pixels above their floor are
    looked at one by one.
    """
    height, width = image.shape
    n_rows, n_cols = floors.shape
    rows = np.zeros((3, -(-width // CHUNK) * CHUNK + 2), np.float32)
    uphill = np.empty(width, np.int32)
    floor_line = np.empty(width, np.float32)
    places = np.empty(height * width, np.int32)
    tops = np.empty((height + 1) // 2 * ((width + 1) // 2) + 1, np.int32)
    tops[0] = -1
    flat = basins.ravel()
    n, n_peaks = 0, 0
    for ahead in range(height + 1):
        # What is not above its floor becomes zero, which is never uphill.
        shown = rows[ahead % 3, 1 : width + 1]
        if ahead < height:
            row = ahead * n_rows // height
            for col in range(n_cols):
                left, right = -(-col * width // n_cols), -(-(col + 1) * width // n_cols)
                floor_line[left:right] = floors[row, col]
            source = image[ahead]
            for x in range(width):
                shown[x] = source[x] if source[x] > floor_line[x] else np.float32(0)
        else:
            shown[:] = 0
        y = ahead - 1
        if y < 0:
            continue
        above, here, below = rows[(y + 2) % 3], rows[y % 3], rows[ahead % 3]
        _point_uphill(above, here, below, uphill)
        start = y * width
        for first in range(1, here.size - 1, CHUNK):
            chunk = here[first : first + CHUNK]
            some = np.int32(0)
            for k in range(CHUNK):
                some = np.int32(some | np.int32(chunk[k] > np.float32(0)))
            if some == 0:
                continue
            for k in range(CHUNK):
                if chunk[k] <= np.float32(0):
                    continue
                at = start + first - 1 + k
                places[n] = at
                n += 1
                step = uphill[first - 1 + k]
                if step == 0:
                    n_peaks += 1
                    tops[n_peaks], flat[at] = at, n_peaks
                    continue
                # A peak's number where it is known, else where to look: -1 - place.
                known = flat[at + step]
                flat[at] = known if known != 0 else -1 - (at + step)
    for k in range(n):
        number = flat[places[k]]
        while number < 0:
            number = flat[-1 - number]
        flat[places[k]] = number
    return places[:n].copy(), tops[: n_peaks + 1].copy()


@njit(cache=True, nogil=True)
def _point_uphill(
    above: NDArray[np.float32],
    here: NDArray[np.float32],
    below: NDArray[np.float32],
    uphill: NDArray[np.int32],
) -> None:
    """Fill in for each pixel of a row how far away its brightest neighbour is, flat."""
    width = uphill.size
    for x in range(width):
        best, step = above[x], -width - 1
        value = above[x + 1]
        step = -width if value > best else step
        best = value if value > best else best
        value = above[x + 2]
        step = -width + 1 if value > best else step
        best = value if value > best else best
        value = here[x]
        step = -1 if value > best else step
        best = value if value > best else best
        value = here[x + 1]
        step = 0 if value > best else step
        best = value if value > best else best
        value = here[x + 2]
        step = 1 if value > best else step
        best = value if value > best else best
        value = below[x]
        step = width - 1 if value > best else step
        best = value if value > best else best
        value = below[x + 1]
        step = width if value > best else step
        best = value if value > best else best
        value = below[x + 2]
        step = width + 1 if value > best else step
        uphill[x] = step


@njit(cache=True, nogil=True)
def saddles(
    image: NDArray[np.float32], basins: NDArray[np.int32], places: NDArray[np.int32], n: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """List which basins meet and how high the saddle between them is.

    Parameters
    ----------
    image : (Y, X) float32
        What was climbed on.
    basins : (Y, X) int32
        From `climb`.
    places : (N,) int32
        From `climb`.
    n : int
        Number of basins.

    Returns
    -------
    pairs : (K, 2) int32
        Basins with neighbouring pixels (of eight), the smaller number first; each pair
        once.
    heights : (K,) float32
        The highest of the lower pixels of the neighbours.
    """
    width = basins.shape[1]
    values, flat = image.ravel(), basins.ravel()
    pairs = np.empty((4 * places.size, 2), np.int32)
    heights = np.empty(4 * places.size, np.float32)
    latest = np.full(n + 1, -1, np.int32)
    before = np.empty(4 * places.size, np.int32)
    n_pairs, row_start = 0, 0
    for at in places:
        while at >= row_start + width:
            row_start += width
        x = at - row_start
        basin = flat[at]
        for k in range(4):
            # Right, then the three below.
            near = at + 1 if k == 0 else at + width + k - 2
            if (k == 1 and x == 0) or (k in (0, 3) and x == width - 1) or near >= flat.size:
                continue
            other = flat[near]
            if other == 0 or other == basin:
                continue
            height = min(values[at], values[near])
            low, high = min(basin, other), max(basin, other)
            pair = latest[low]
            while pair >= 0 and pairs[pair, 1] != high:
                pair = before[pair]
            if pair >= 0:
                heights[pair] = max(heights[pair], height)
                continue
            pairs[n_pairs, 0], pairs[n_pairs, 1], heights[n_pairs] = low, high, height
            before[n_pairs] = latest[low]
            latest[low] = n_pairs
            n_pairs += 1
    return pairs[:n_pairs].copy(), heights[:n_pairs].copy()


@njit(cache=True, nogil=True)
def find_root(parents: NDArray[np.int32], region: int) -> int:
    """Follow a region to the one it was joined to, shortening the way.

    Parameters
    ----------
    parents : (N,) int32
        Parent of each region, itself for a root; changed in place (path halving).
    region : int
        Where to start.

    Returns
    -------
    int
        The root.
    """
    while parents[region] != region:
        parents[region] = parents[parents[region]]
        region = parents[region]
    return region


@njit(cache=True, nogil=True)
def join(
    peaks: NDArray[np.float64],
    pairs: NDArray[np.int32],
    heights: NDArray[np.float32],
    depth: float,
    noise_depth: float,
    near: float,
    near_depth: float,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Join basins over their saddles and keep apart those with a real valley.

    Where two regions meet, the lower one is joined to the higher one unless its peak
    stands out over the saddle by more than ``depth`` of itself and by more than
    ``noise_depth``. Peaks nearer than ``near`` that meet above half of the higher one must
    stand out by ``near_depth``: that is the texture of one soma.

    Parameters
    ----------
    peaks : (n + 1, 3) float64
        Value, y and x of each basin's peak; row 0 is not used.
    pairs : (K, 2) int32
        From `saddles`, the highest saddle first.
    heights : (K,) float32
        Of the saddles, descending.
    depth : float
        Smallest valley kept, as a part of the lower peak, 0 to 1.
    noise_depth : float
        Smallest valley kept, in the image's unit.
    near : float
        Distance of two peaks below which they are usually one, px.
    near_depth : float
        Smallest valley kept between such peaks, as a part of the lower peak.

    Returns
    -------
    names : (n + 1,) int32
        Region of each basin, 1..m in the order of the regions' peaks; 0 at index 0.
    kept : (m + 1,) int32
        The basin with each region's peak; 0 at index 0.
    saddles : (m + 1,) float32
        The highest saddle to a region that was kept apart; 0 where there is none.
    """
    n = peaks.shape[0]
    parents = np.arange(n).astype(np.int32)
    meets = np.zeros(n, np.float32)
    for k in range(heights.size):
        low, high = find_root(parents, pairs[k, 0]), find_root(parents, pairs[k, 1])
        if low == high:
            continue
        if peaks[low, 0] > peaks[high, 0] or (peaks[low, 0] == peaks[high, 0] and low < high):
            low, high = high, low
        saddle, peak = heights[k], peaks[low, 0]
        dy, dx = peaks[low, 1] - peaks[high, 1], peaks[low, 2] - peaks[high, 2]
        texture = dy * dy + dx * dx < near * near and saddle >= 0.5 * peaks[high, 0]
        part = near_depth if texture else depth
        if peak - saddle <= max(part * peak, noise_depth):
            parents[low] = high
        else:
            meets[low] = max(meets[low], saddle)
            meets[high] = max(meets[high], saddle)
    names = np.zeros(n, np.int32)
    kept = np.zeros(n, np.int32)
    saddles = np.zeros(n, np.float32)
    m = 0
    for basin in range(1, n):
        if parents[basin] == basin:
            m += 1
            names[basin], kept[m], saddles[m] = m, basin, meets[basin]
    for basin in range(1, n):
        names[basin] = names[find_root(parents, basin)]
    return names, kept[: m + 1], saddles[: m + 1]


@njit(cache=True, nogil=True)
def trim(
    image: NDArray[np.float32],
    basins: NDArray[np.int32],
    places: NDArray[np.int32],
    names: NDArray[np.int32],
    floors: NDArray[np.float32],
) -> NDArray[np.int32]:
    """Rename basins, in place, and cut each region back to the pixels above its threshold.

    Parameters
    ----------
    image : (Y, X) float32
        What was climbed on.
    basins : (Y, X) int32
        From `climb`; changed in place.
    places : (N,) int32
        The pixels that are in a basin.
    names : (n + 1,) int32
        New name of each basin, 0..m.
    floors : (m + 1,) float32
        Threshold of each new name; infinity removes it.

    Returns
    -------
    (N',) int32
        The places that are left, in their order.
    """
    values, flat = image.ravel(), basins.ravel()
    left = np.empty_like(places)
    n = 0
    for at in places:
        name = names[flat[at]]
        if name == 0 or values[at] < floors[name]:
            flat[at] = 0
            continue
        flat[at] = name
        left[n] = at
        n += 1
    return left[:n].copy()


@njit(cache=True, nogil=True)
def covered(
    labels: NDArray[np.int32],
    places: NDArray[np.int32],
    fine: NDArray[np.int32],
    kinds: NDArray[np.uint8],
    factor: int,
    n: int,
) -> NDArray[np.int64]:
    """Count for each coarse region how much of it lies on fine regions of each kind.

    Parameters
    ----------
    labels : (Y', X') int32
        Coarse regions, 0..n, one pixel for ``factor`` x ``factor`` fine ones.
    places : (N,) int32
        Flat indices of the coarse regions' pixels.
    fine : (Y, X) int32
        Fine regions, 0..m.
    kinds : (m + 1,) uint8
        Kind of each fine region, 0 to 2.
    factor : int
        Fine pixels per coarse one, along one side.
    n : int
        Largest coarse label.

    Returns
    -------
    (n + 1, 3) int64
        Fine pixels of each kind under each coarse region.
    """
    counts = np.zeros((n + 1, 3), np.int64)
    height, width = fine.shape
    flat = labels.ravel()
    for at in places:
        top, left = at // labels.shape[1] * factor, at % labels.shape[1] * factor
        for y in range(top, min(top + factor, height)):
            for x in range(left, min(left + factor, width)):
                counts[flat[at], kinds[fine[y, x]]] += 1
    return counts


@njit(cache=True, nogil=True)
def paint(
    labels: NDArray[np.int32],
    places: NDArray[np.int32],
    names: NDArray[np.int32],
    fine: NDArray[np.int32],
    factor: int,
) -> NDArray[np.int32]:
    """Paint coarse regions into a fine label image, in place.

    Parameters
    ----------
    labels : (Y', X') int32
        Coarse regions, 0..n, one pixel for ``factor`` x ``factor`` fine ones.
    places : (N,) int32
        Flat indices of the coarse regions' pixels.
    names : (n + 1,) int32
        Label to paint for each region, 0 for none.
    fine : (Y, X) int32
        Changed in place.
    factor : int
        Fine pixels per coarse one, along one side.

    Returns
    -------
    (N',) int32
        Flat indices of the pixels painted.
    """
    height, width = fine.shape
    flat = labels.ravel()
    painted = np.empty(places.size * factor * factor, np.int32)
    n = 0
    for at in places:
        name = names[flat[at]]
        if name == 0:
            continue
        top, left = at // labels.shape[1] * factor, at % labels.shape[1] * factor
        for y in range(top, min(top + factor, height)):
            for x in range(left, min(left + factor, width)):
                fine[y, x] = name
                painted[n] = y * width + x
                n += 1
    return painted[:n].copy()
