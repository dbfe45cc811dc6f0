"""Readable twins of `livedeath.kernels.placing`."""

import numpy as np
from scipy import ndimage
from scipy.optimize import least_squares


def placed(points, turn, scale, centre, shift):
    cos, sin = np.cos(turn), np.sin(turn)
    away = np.asarray(points) - centre
    turned = away @ np.array([[cos, sin], [-sin, cos]])
    return centre + scale * turned + shift


def moved(points, turn, scale, y, x):
    return placed(points, turn, scale, np.zeros(2), np.array([y, x]))


def n_inside(points, height, width):
    return sum(1 for y, x in points if 0 <= y < height and 0 <= x < width)


def fit_placing(before, after):
    """Least squares about the first point, by a general solver; no robustness, no prior."""

    def off(p):
        return (placed(before, p[0], np.exp(p[1]), before[0], p[2:]) - after).ravel()

    best = least_squares(off, np.zeros(4), x_scale=[1e-3, 1e-3, 1, 1], xtol=1e-14, ftol=1e-14).x
    return lambda points: placed(points, best[0], np.exp(best[1]), before[0], best[2:])


def vote(before, after, turns, reach, bin_):
    """Count agreeing pairs bin by bin; bins are named by their whole numbers."""
    best = []
    for turn in turns:
        moved = after[None] - placed(before, turn, 1.0, np.zeros(2), np.zeros(2))[:, None]
        near = moved[(np.abs(moved) <= reach).all(axis=2)]
        bins = ((near + reach) / bin_).astype(int)
        side = int(2 * reach / bin_) + 2
        ways = [
            (sum(1 for r, c in bins if r in (y, y + 1) and c in (x, x + 1)), -y, -x)
            for y in range(side - 1)
            for x in range(side - 1)
        ]
        n, y, x = max(ways)
        best.append((n, (1 - y) * bin_ - reach, (1 - x) * bin_ - reach) if n else (0, 0, 0))
    return np.array(best, float)


def turned(patches, turn):
    """Turn by scipy, about the middle, bilinear; each patch keeps its sum."""
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, sin], [-sin, cos]])
    middle = np.full(2, patches.shape[1] // 2)
    out = np.array(
        [
            ndimage.affine_transform(p.astype(float), matrix, middle - matrix @ middle, order=1)
            for p in patches
        ]
    ).reshape(patches.shape)
    after = out.sum(axis=(1, 2), keepdims=True)
    before = patches.sum(axis=(1, 2), keepdims=True)
    return out * np.where(after > 0, before / np.where(after > 0, after, 1), 1)
