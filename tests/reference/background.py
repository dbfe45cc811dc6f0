"""Readable twins of `livedeath.kernels.background`."""

import numpy as np

from livedeath.kernels.background import (
    CLIP,
    CLIPPED_SD,
    LOWER_QUARTER_SD,
    SAMPLE_COLS,
    SAMPLE_ROWS,
    STRIDES,
)


def sample_level(sample, floor):
    kept = list(sample)
    for _ in range(5):
        level = kept[len(kept) // 2]
        noise = max((float(level) - float(kept[len(kept) // 4])) / LOWER_QUARTER_SD, floor)
        ceiling = float(level) + CLIP * noise
        kept = [v for v in kept if v <= ceiling] or kept[:1]
    return float(level), noise


def tiles(shape, rows, cols):
    for r in range(rows):
        for c in range(cols):
            y = slice(r * shape[0] // rows, (r + 1) * shape[0] // rows)
            x = slice(c * shape[1] // cols, (c + 1) * shape[1] // cols)
            yield r, c, y, x


def sort_columns(columns, pairs):
    columns[:] = np.sort(columns, axis=0)


def tile_sample(part, every):
    step_y = (-(-part.shape[0] // every) - 1) // SAMPLE_ROWS + 1
    step_x = (part.shape[1] - 1) // SAMPLE_COLS + 1
    return np.sort(part[:: step_y * every, ::step_x], axis=None)


def band_samples(band, origin, n_cols, every, samples):
    samples[:] = np.inf
    counts = np.empty(n_cols, np.int64)
    for _, col, ys, xs in tiles(band.shape, 1, n_cols):
        drawn = tile_sample(band[ys, xs].astype(np.float32) - np.float32(origin), every)
        counts[col], samples[: drawn.size, col] = drawn.size, drawn
    return counts


def tile_levels(image, rows, cols, floor, every=1, origin=0.0):
    levels, noises = np.empty((rows, cols)), np.empty((rows, cols))
    for r, c, ys, xs in tiles(image.shape, rows, cols):
        part = image[ys, xs].astype(np.float32) - np.float32(origin)
        level, noise = sample_level(tile_sample(part, every), floor)
        for stride in STRIDES:
            off = part[:: stride * every] - np.float32(level)
            near = off[np.abs(off) <= np.float32(CLIP * noise)].astype(np.float64)
            if near.size:
                level, noise = level + near.mean(), max(near.std() / CLIPPED_SD, floor)
        levels[r, c], noises[r, c] = level, noise
    return levels, noises


def median_mesh(mesh):
    smooth = np.empty_like(mesh)
    for r, c in np.ndindex(mesh.shape):
        near = np.sort(mesh[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2], axis=None)
        smooth[r, c] = near[(near.size - 1) // 2]
    return smooth


def calm_mesh(mesh, reaches):
    medians = median_mesh(mesh)
    return np.where(mesh > medians + reaches, medians, mesh)


def spread_nodes(nodes, line):
    before, after, part = along(line.size, nodes.size)
    line[:] = nodes[before] * (1 - part) + nodes[after] * part


def along(length, n):
    """Return for each pixel the mesh node before it and how far it is to the next."""
    pitch = length / n
    place = (np.arange(length) + 0.5) / pitch - 0.5
    node = np.clip(place.astype(int), 0, max(n - 2, 0))
    return node, np.minimum(node + 1, n - 1), place - node


def subtract_levels(image, levels, out):
    top, bottom, down = along(image.shape[0], levels.shape[0])
    left, right, across = along(image.shape[1], levels.shape[1])
    for y, x in np.ndindex(image.shape):
        upper = levels[top[y], left[x]] * (1 - across[x]) + levels[top[y], right[x]] * across[x]
        lower = (
            levels[bottom[y], left[x]] * (1 - across[x]) + levels[bottom[y], right[x]] * across[x]
        )
        out[y, x] = image[y, x] - (upper * (1 - down[y]) + lower * down[y])


def despeckle(image, margin):
    changed = 0
    for y in range(1, image.shape[0] - 1):
        for x in range(1, image.shape[1] - 1):
            around = image[y - 1 : y + 2, x - 1 : x + 2].ravel()
            near = max(np.delete(around, 4).max(), 0)
            if image[y, x] > margin and image[y, x] > 2 * near + margin:
                image[y, x] = near
                changed += 1
    return changed


def bin_sum(image, factor):
    rows, cols = -(-image.shape[0] // factor), -(-image.shape[1] // factor)
    binned = np.empty((rows, cols))
    for r, c in np.ndindex(rows, cols):
        block = image[r * factor : (r + 1) * factor, c * factor : (c + 1) * factor]
        binned[r, c] = block.mean(dtype=np.float64) * factor**2
    return binned
