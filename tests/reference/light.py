"""Readable twins of `livedeath.kernels.light`."""

import numpy as np

from reference.background import along, despeckle, spread_nodes


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
