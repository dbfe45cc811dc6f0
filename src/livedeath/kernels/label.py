"""Regions of an image, each around its own peak and down to its own threshold.

A smooth image and the noise of it go in; labels come out. Whether a region is a soma is
decided elsewhere.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

KEY_SHIFT = 12
"""Bits cut from a float32 to sort by it: steps of 1/2048 of the value."""


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
def descending(image: NDArray[np.float32], floors: NDArray[np.float32]) -> NDArray[np.int32]:
    """List the pixels above a floor, brightest first.

    A counting sort on the leading bits of the float: steps of 1/2048 of the value are
    kept apart, and pixels of one step come in raster order.

    Parameters
    ----------
    image : (Y, X) float32
        What to sort by.
    floors : (R, C) float32
        Positive floor of each tile; tiles share the frame evenly.

    Returns
    -------
    (N,) int32
        Flat indices of the pixels with a value above their floor.
    """
    height, width = image.shape
    n_rows, n_cols = floors.shape
    bits = image.view(np.int32)
    lowest = floors.min()
    low = np.array([lowest], np.float32).view(np.int32)[0] >> KEY_SHIFT
    top = max(image.max(), lowest)
    high = np.array([top], np.float32).view(np.int32)[0] >> KEY_SHIFT
    starts = np.zeros(high - low + 2, np.int64)
    for y in range(height):
        row = y * n_rows // height
        for col in range(n_cols):
            floor = floors[row, col]
            for x in range(-(-col * width // n_cols), -(-(col + 1) * width // n_cols)):
                if image[y, x] > floor:
                    starts[high - (bits[y, x] >> KEY_SHIFT) + 1] += 1
    for key in range(1, starts.size):
        starts[key] += starts[key - 1]
    order = np.empty(starts[-1], np.int32)
    for y in range(height):
        row = y * n_rows // height
        for col in range(n_cols):
            floor = floors[row, col]
            for x in range(-(-col * width // n_cols), -(-(col + 1) * width // n_cols)):
                if image[y, x] > floor:
                    key = high - (bits[y, x] >> KEY_SHIFT)
                    order[starts[key]] = y * width + x
                    starts[key] += 1
    return order


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
def flood(
    image: NDArray[np.float32],
    order: NDArray[np.int32],
    depth: float,
    noise_depth: float,
    near: float,
    near_depth: float,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Grow regions from the peaks downwards and keep apart those with a real valley.

    Pixels are taken brightest first. One without a neighbour taken before starts a
    region; others join the region of their brightest neighbour. Where two regions meet,
    the lower one is joined to the higher one unless its peak stands out over the meeting
    point by more than ``depth`` of itself and by more than ``noise_depth``. Peaks nearer
    than ``near`` that meet above half of the higher one must stand out by
    ``near_depth``: that is the texture of one soma.

    Parameters
    ----------
    image : (Y, X) float32
        Smooth intensities.
    order : (N,) int32
        From `descending`.
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
    basins : (Y, X) int32
        0 where not in ``order``, else the number of the region, 1..n.
    peaks : (n + 1,) int32
        Flat index of each region's brightest pixel, -1 at index 0.
    saddles : (n + 1,) float32
        Where the region meets another one, the highest value of the image there; 0 where
        it stands alone.
    """
    height, width = image.shape
    values = image.ravel()
    basins = np.zeros((height, width), np.int32)
    flat = basins.ravel()
    parents = np.empty(order.size + 1, np.int32)
    peaks = np.empty(order.size + 1, np.int32)
    meets = np.empty(order.size + 1, np.float32)
    n = 0
    for at in order:
        y, x = at // width, at % width
        best, best_value, alike = 0, np.float32(-np.inf), True
        for v in range(max(y - 1, 0), min(y + 2, height)):
            for near_at in range(v * width + max(x - 1, 0), v * width + min(x + 2, width)):
                basin = flat[near_at]
                if basin == 0:
                    continue
                alike = alike and (best == 0 or basin == best)
                if values[near_at] > best_value:
                    best, best_value = basin, values[near_at]
        if best == 0:
            n += 1
            parents[n], peaks[n], meets[n], flat[at] = n, at, np.float32(0), n
            continue
        root = find_root(parents, best)
        flat[at] = root
        if alike:
            continue
        saddle = values[at]
        for v in range(max(y - 1, 0), min(y + 2, height)):
            for near_at in range(v * width + max(x - 1, 0), v * width + min(x + 2, width)):
                if flat[near_at] == 0 or flat[near_at] == root:
                    continue
                other = find_root(parents, flat[near_at])
                if other == root:
                    continue
                low, high = other, root
                if values[peaks[low]] > values[peaks[high]]:
                    low, high = high, low
                peak = values[peaks[low]]
                dy = peaks[low] // width - peaks[high] // width
                dx = peaks[low] % width - peaks[high] % width
                texture = dy * dy + dx * dx < near * near
                texture = texture and saddle >= np.float32(0.5) * values[peaks[high]]
                part = near_depth if texture else depth
                if peak - saddle <= max(part * peak, noise_depth):
                    parents[low] = high
                    root = high
                else:
                    meets[low] = max(meets[low], saddle)
                    meets[high] = max(meets[high], saddle)
    names = np.zeros(n + 1, np.int32)
    tops = np.empty(n + 1, np.int32)
    saddles = np.zeros(n + 1, np.float32)
    tops[0] = -1
    kept = 0
    for region in range(1, n + 1):
        if parents[region] == region:
            kept += 1
            names[region] = kept
            tops[kept], saddles[kept] = peaks[region], meets[region]
    for at in order:
        flat[at] = names[find_root(parents, flat[at])]
    return basins, tops[: kept + 1], saddles[: kept + 1]


@njit(cache=True, nogil=True)
def trim(
    image: NDArray[np.float32],
    basins: NDArray[np.int32],
    order: NDArray[np.int32],
    floors: NDArray[np.float32],
) -> None:
    """Cut each region back, in place, to the pixels above its own threshold.

    Parameters
    ----------
    image : (Y, X) float32
        What the regions were grown on.
    basins : (Y, X) int32
        From `flood`; changed in place.
    order : (N,) int32
        The pixels that are in a region.
    floors : (n + 1,) float32
        Threshold of each region; infinity removes it.
    """
    values, flat = image.ravel(), basins.ravel()
    for at in order:
        if values[at] < floors[flat[at]]:
            flat[at] = 0


@njit(cache=True, nogil=True)
def relabel(labels: NDArray[np.int32], names: NDArray[np.int32]) -> None:
    """Give each label its new name, in place.

    Parameters
    ----------
    labels : (Y, X) int32
        0..n; changed in place.
    names : (n + 1,) int32
        New name of each label; ``names[0]`` is 0.
    """
    flat = labels.ravel()
    for at in range(flat.size):
        if flat[at] != 0:
            flat[at] = names[flat[at]]
