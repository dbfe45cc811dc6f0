"""Readable twins of `livedeath.kernels.label`."""

import numpy as np


def smooth(image, taps):
    reach = taps.size // 2
    padded = np.pad(image.astype(np.float64), reach)
    out = np.zeros(image.shape)
    for dy, down in enumerate(taps):
        for dx, across in enumerate(taps):
            out += down * across * padded[dy:, dx:][: image.shape[0], : image.shape[1]]
    return out


def floor_at(floors, shape, y, x):
    """Return the floor of the tile that a pixel lies in."""
    cols = floors.shape[1]
    col = next(c for c in range(cols) if x < -(-(c + 1) * shape[1] // cols))
    return floors[y * floors.shape[0] // shape[0], col]


def around(shape, y, x):
    """Return a pixel and its neighbours in raster order."""
    for v in range(max(y - 1, 0), min(y + 2, shape[0])):
        for u in range(max(x - 1, 0), min(x + 2, shape[1])):
            yield v, u


def climb(image, floors, basins):
    ground = {
        place
        for place in np.ndindex(image.shape)
        if image[place] > floor_at(floors, image.shape, *place)
    }

    def uphill(place):
        # max() returns the first of equals, which is the first in raster order.
        return max((p for p in around(image.shape, *place) if p in ground), key=image.__getitem__)

    def peak_of(place):
        while uphill(place) != place:
            place = uphill(place)
        return place

    peaks = sorted({peak_of(place) for place in ground})
    for place in ground:
        basins[place] = peaks.index(peak_of(place)) + 1
    width = image.shape[1]
    return (
        np.array([y * width + x for y, x in sorted(ground)], int),
        np.array([-1, *(y * width + x for y, x in peaks)]),
    )


def saddles(image, basins, places, n):
    heights = {}
    for place in np.ndindex(image.shape):
        for near in around(image.shape, *place):
            low, high = sorted((basins[place], basins[near]))
            if low > 0 and low != high:
                height = min(image[place], image[near])
                heights[low, high] = max(heights.get((low, high), 0), height)
    return np.array(list(heights), int).reshape(-1, 2), np.array(list(heights.values()), np.float32)


def find_root(parents, region):
    while parents[region] != region:
        region = parents[region]
    return region


def join(peaks, pairs, heights, depth, noise_depth, near, near_depth):
    """The same with sets: each region is the set of its basins, named by its highest one."""
    regions = {basin: {basin} for basin in range(1, len(peaks))}
    meets = dict.fromkeys(regions, 0.0)
    for pair, saddle in zip(pairs, heights, strict=True):
        one, other = (next(name for name in regions if basin in regions[name]) for basin in pair)
        if one == other:
            continue
        low, high = sorted((one, other), key=lambda name: (peaks[name, 0], -name))
        close = np.hypot(*(peaks[low, 1:] - peaks[high, 1:])) < near
        texture = close and saddle >= 0.5 * peaks[high, 0]
        need = max((near_depth if texture else depth) * peaks[low, 0], noise_depth)
        if peaks[low, 0] - saddle <= need:
            regions[high] |= regions.pop(low)
        else:
            for name in (low, high):
                meets[name] = max(meets[name], saddle)
    kept = sorted(regions)
    names = np.zeros(len(peaks), int)
    for number, name in enumerate(kept, start=1):
        names[list(regions[name])] = number
    return names, np.array([0, *kept]), np.array([0.0, *(meets[name] for name in kept)])


def trim(image, basins, places, names, floors):
    left = []
    for at in places:
        place = divmod(int(at), image.shape[1])
        name = names[basins[place]]
        stays = name > 0 and image[place] >= floors[name]
        basins[place] = name if stays else 0
        left += [at] if stays else []
    return np.array(left, int)


def enlarged(labels, shape, factor):
    """Return a coarse label image at the size of the fine one."""
    large = np.kron(labels, np.ones((factor, factor), int))
    return large[: shape[0], : shape[1]]


def covered(labels, places, fine, kinds, factor, n):
    large, kind = enlarged(labels, fine.shape, factor), kinds[fine]
    return np.array(
        [[(kind[large == k] == j).sum() * (k > 0) for j in range(3)] for k in range(n + 1)]
    )


def paint(labels, places, names, fine, factor):
    new = names[enlarged(labels, fine.shape, factor)]
    fine[new > 0] = new[new > 0]
    return np.flatnonzero(new)
