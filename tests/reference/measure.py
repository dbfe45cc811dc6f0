"""Readable twins of `livedeath.kernels.measure`."""

import numpy as np


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


def weighted_sums(image, noises, clipped, owners, names, places, profiles, quantum):
    half = profiles.shape[1] // 2
    table = np.empty((len(places), 4))
    for i, (cy, cx) in enumerate(places):
        p, light, noise, ceiling = [], [], [], []
        for y, x in np.ndindex(image.shape):
            weight = bilinear(profiles[i], y - cy + half, x - cx + half)
            if weight > 0 and owners[y, x] in (0, names[i]):
                p.append(weight)
                light.append(image[y, x])
                row = y * noises.shape[0] // image.shape[0]
                noise.append(noises[row, x * noises.shape[1] // image.shape[1]])
                ceiling.append(clipped[y, x])
        p, light, noise = np.array(p), np.array(light, float), np.array(noise, float)
        if p.size == 0:
            table[i] = np.nan, np.nan, 0, 0
            continue
        total = (p * light).sum() / (p**2).sum()
        variance = (p**2 * (noise**2 + quantum * p * max(total, 0))).sum() / (p**2).sum() ** 2
        table[i] = total, variance, p.sum(), p[np.array(ceiling)].sum()
    return table


def soma_patches(image, labels, names, places, half):
    side = 2 * half + 1
    patches = np.zeros((len(places), side, side))
    for i, (cy, cx) in enumerate(places):
        own = np.where(labels == names[i], np.maximum(image, 0), 0).astype(float)
        for v, u in np.ndindex(side, side):
            y, x = cy + v - half, cx + u - half
            near = [bilinear(own, y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            patches[i, v, u] = sum(near) / 9
        if patches[i].any():
            patches[i] /= patches[i].sum()
    return patches
