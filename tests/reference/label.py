"""Readable twins of `livedeath.kernels.label`."""

import numpy as np

from livedeath.kernels.label import KEY_SHIFT


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


def descending(image, floors):
    above = [
        y * image.shape[1] + x
        for y, x in np.ndindex(image.shape)
        if image[y, x] > floor_at(floors, image.shape, y, x)
    ]
    values = image.ravel()[above]
    return (
        np.array(sorted(zip(-(values.view(np.int32) >> KEY_SHIFT), above, strict=True)))[:, 1]
        if above
        else np.empty(0, int)
    )


def find_root(parents, region):
    while parents[region] != region:
        region = parents[region]
    return region


def flood(image, order, depth, noise_depth, near, near_depth):
    """The same with sets: each region is the set of its pixels."""
    height, width = image.shape
    value = {at: float(image[divmod(at, width)]) for at in map(int, order)}
    regions, peaks, meets, begun = {}, {}, {}, []

    def region_of(at):
        return next((name for name, members in regions.items() if at in members), None)

    def around(at):
        y, x = divmod(at, width)
        for v in range(max(y - 1, 0), min(y + 2, height)):
            for u in range(max(x - 1, 0), min(x + 2, width)):
                if region_of(v * width + u) is not None:
                    yield v * width + u

    for at in map(int, order):
        known = list(around(at))
        if not known:
            begun.append(at)
            regions[at], peaks[at], meets[at] = {at}, at, 0.0
            continue
        brightest = max(value[k] for k in known)
        own = region_of(next(k for k in known if value[k] == brightest))
        regions[own].add(at)
        for neighbour in known:
            other = region_of(neighbour)
            if other == own:
                continue
            low, high = (own, other) if value[peaks[other]] > value[peaks[own]] else (other, own)
            (y, x), (v, u) = divmod(peaks[low], width), divmod(peaks[high], width)
            close = (y - v) ** 2 + (x - u) ** 2 < near**2
            texture = close and value[at] >= 0.5 * value[peaks[high]]
            need = max((near_depth if texture else depth) * value[peaks[low]], noise_depth)
            if np.float32(value[peaks[low]]) - np.float32(value[at]) <= need:
                regions[high] |= regions.pop(low)
                own = high
            else:
                for name in (low, high):
                    meets[name] = max(meets[name], value[at])
    basins = np.zeros(image.shape, int)
    kept = [name for name in begun if name in regions]
    for number, name in enumerate(kept, start=1):
        for at in regions[name]:
            basins[divmod(at, width)] = number
    return (
        basins,
        np.array([-1, *(peaks[name] for name in kept)]),
        np.array([0.0, *(meets[name] for name in kept)]),
    )


def trim(image, basins, order, floors):
    for at in order:
        place = divmod(int(at), image.shape[1])
        if image[place] < floors[basins[place]]:
            basins[place] = 0


def relabel(labels, names):
    for place in np.ndindex(labels.shape):
        if labels[place]:
            labels[place] = names[labels[place]]
