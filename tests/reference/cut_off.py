"""Readable twins of `livedeath.kernels.cut_off`."""

from statistics import NormalDist

import numpy as np

from livedeath.kernels.cut_off import CUT_OFF_CLIP, LEAST_QUANTILE
from reference.background import tiles


def normal_quantile(share):
    return NormalDist().inv_cdf(min(max(share, 1e-9), 1 - 1e-9))


def cut_off_level(sample, lowest, half):
    kept, edge, noise = sample.astype(float), lowest + half, 0.0
    for _ in range(5):
        piled = (kept <= edge).sum()
        if piled in (0, kept.size):
            break
        value = kept[max(kept.size // 2, piled + (kept.size - piled) // 2)]
        below = (kept <= value).mean()
        least = normal_quantile(piled / kept.size)
        if below == 1:
            noise = noise or max(half, value - edge) / max(least, LEAST_QUANTILE)
            break
        noise = (value + half - edge) / (normal_quantile(below) - least)
        inside = kept <= edge - least * noise + CUT_OFF_CLIP * noise
        inside[: piled + 1] = True
        kept = kept[inside]
    return kept.mean(), noise


def cut_off_levels(image, rows, cols, floor, every, origin, lowest, half):
    levels, noises = np.empty((rows, cols)), np.empty((rows, cols))
    for r, c, ys, xs in tiles(image.shape, rows, cols):
        part = np.sort(image[ys, xs][::every].astype(np.float32) - np.float32(origin), axis=None)
        levels[r, c], noise = cut_off_level(part, lowest - origin, half)
        noises[r, c] = max(noise, floor)
    return levels, np.maximum(noises, np.median(noises))
