"""Readable twins of `livedeath.kernels.near`."""

import numpy as np


def near_pairs(points, others, reaches):
    pairs = [
        (i, j, float(((points[i] - others[j]) ** 2).sum()))
        for i in range(len(points))
        for j in range(len(others))
        if ((points[i] - others[j]) ** 2).sum() <= reaches[i] ** 2
    ]
    first, second, squares = zip(*pairs, strict=True) if pairs else ((), (), ())
    return np.array(first, int), np.array(second, int), np.array(squares, float)


def cells_of(points, shape, frame):
    """Return the points of each cell of a grid with this shape and frame, row by row."""
    low_y, low_x, side = frame
    cells = [[] for _ in range(shape[0] * shape[1])]
    for k, (y, x) in enumerate(points):
        cells[int((y - low_y) / side) * shape[1] + int((x - low_x) / side)].append(k)
    return cells
