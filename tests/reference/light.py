"""Readable twins of `livedeath.kernels.light`."""

import numpy as np

from reference.background import along, bin_sum, despeckle, spread_nodes


def spread_rows(levels, width):
    lines = np.empty((levels.shape[0], width), np.float32)
    for nodes, line in zip(levels, lines, strict=True):
        spread_nodes(nodes, line)
    return lines


def cut_light(raw, floor, gain, levels, top, left, speckle, out):
    above, below, down = along(raw.shape[0], levels.shape[0])
    down = down[:, np.newaxis]
    light = gain * (raw - np.float64(floor)) - (levels[above] * (1 - down) + levels[below] * down)
    out[:] = 0
    for v, u in np.ndindex(out.shape):
        if 0 <= top + v < raw.shape[0] and 0 <= left + u < raw.shape[1]:
            out[v, u] = light[top + v, left + u]
    despeckle(out, speckle)


def bin_light(raw, floor, gain, levels, speckle, factor, out, first, last):
    light = np.empty((raw.shape[0] + 2, raw.shape[1] + 2), np.float32)
    cut_light(raw, floor, gain, levels, -1, -1, speckle, light)
    out[first:last] = bin_sum(light[1:-1, 1:-1], factor)[first:last]
