"""Readable twins of `livedeath.kernels.measure`."""

import numpy as np

from reference.label import smooth
from reference.light import cut_light


def region_table(labels, places, n_labels, image):
    table = np.zeros((n_labels + 1, 8))
    edge = np.ones(labels.shape, bool)
    edge[1:-1, 1:-1] = False
    for label in range(n_labels + 1):
        y, x = np.nonzero(labels == label)
        if label == 0 or y.size == 0:
            table[label, 1:3] = np.nan
            continue
        dy, dx = y - y.mean(), x - x.mean()
        table[label] = [
            y.size,
            y.mean(),
            x.mean(),
            (dy * dy).mean() + 1 / 12,
            (dx * dx).mean() + 1 / 12,
            (dy * dx).mean(),
            image[y, x].astype(np.float64).sum(),
            edge[y, x].any(),
        ]
    return table


def bilinear(patch, y, x):
    """Read a patch between its pixels; zero outside."""
    value = 0.0
    for (row, col), pixel in np.ndenumerate(patch):
        value += max(0.0, 1 - abs(y - row)) * max(0.0, 1 - abs(x - col)) * pixel
    return value


def shift_row(patch, row, weights, out):
    padded = np.pad(patch, ((1, 1), (1, 1)))
    above, here = padded[row], padded[row + 1]
    out[:] = 0
    for x in range(patch.shape[1] + 1):
        around = (above[x], above[x + 1], here[x], here[x + 1])
        out[x + 1] = np.dot(weights, around)


def profile_boxes(profiles):
    boxes = np.zeros((len(profiles), 4), np.int32)
    for i, profile in enumerate(profiles):
        y, x = np.nonzero(profile)
        if y.size:
            boxes[i] = y.min(), y.max() + 1, x.min(), x.max() + 1
    return boxes


def laid(profile, place, name, owners):
    """Return the weight of every pixel of the frame."""
    half = profile.shape[0] // 2
    weight = np.zeros(owners.shape)
    for y, x in np.ndindex(owners.shape):
        if owners[y, x] in (0, name):
            weight[y, x] = bilinear(profile, y - place[0] + half, x - place[1] + half)
    return weight


def lay_profiles(profiles, boxes, places, owners):
    weights, windows, sums, total = [], np.zeros((len(places), 5), np.int64), [], 0
    for i, (cy, cx) in enumerate(places):
        p = laid(profiles[i], (cy, cx), i + 1, owners)
        top, left = (int(np.floor(c)) - profiles.shape[1] // 2 for c in (cy, cx))
        rows = slice(*np.clip([top + boxes[i, 0], top + boxes[i, 1] + 1], 0, p.shape[0]))
        cols = slice(*np.clip([left + boxes[i, 2], left + boxes[i, 3] + 1], 0, p.shape[1]))
        part = p[rows, cols] if profiles[i].any() else p[:0, :0]
        windows[i, 4] = total
        if part.size:
            windows[i, :4] = rows.start, cols.start, *part.shape
        weights.append(part.ravel())
        total += part.size
        sums.append([(p**k).sum() for k in (1, 2, 3)])
    return np.concatenate(weights), windows, np.array(sums)


def weighted_sums(
    raw, floor, gain, levels, noises, speckle, clipped, weights, windows, sums, quantum
):
    image = np.empty(raw.shape, np.float32)
    cut_light(raw, floor, gain, levels, 0, 0, speckle, image)
    rows = np.arange(raw.shape[0]) * noises.shape[0] // raw.shape[0]
    cols = np.arange(raw.shape[1]) * noises.shape[1] // raw.shape[1]
    noise = noises[rows][:, cols].astype(float)
    table = np.empty((len(windows), 4))
    for i, (top, left, height, width, first) in enumerate(windows):
        p = weights[first : first + height * width].reshape(height, width).astype(float)
        part = slice(top, top + height), slice(left, left + width)
        if not (p > 0).any():
            table[i] = np.nan, np.nan, 0, 0
            continue
        total = (p * image[part]).sum() / (p**2).sum()
        variance = p**2 * (noise[part] ** 2 + quantum * p * max(total, 0))
        ceiling = p[clipped[part]].sum() if clipped.size else 0.0
        table[i] = total, variance.sum() / (p**2).sum() ** 2, p.sum(), ceiling
    return table


def soma_patches(raw, floor, gain, levels, speckle, taps, owners, names, places, half):
    side, reach = 2 * half + 1, half + taps.size + 4
    image = np.empty((raw.shape[0] + 2 * reach, raw.shape[1] + 2 * reach), np.float32)
    cut_light(raw, floor, gain, levels, -reach, -reach, speckle, image)
    image = smooth(image, taps)[reach:-reach, reach:-reach]
    patches = np.zeros((len(places), side, side))
    for i, (cy, cx) in enumerate(places):
        own = np.where(owners == names[i], np.maximum(image, 0), 0).astype(float)
        for v, u in np.ndindex(side, side):
            y, x = cy + v - half, cx + u - half
            near = [bilinear(own, y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            patches[i, v, u] = sum(near) / 9
        if patches[i].any():
            patches[i] /= patches[i].sum()
    return patches
