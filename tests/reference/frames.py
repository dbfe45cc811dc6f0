"""Readable twins of `livedeath.kernels.frames`."""

import numpy as np

from livedeath.kernels.frames import CUT, ROUNDS


def clipped_levels(sample, n):
    out = []
    for values in sample[:n].T.astype(float):
        kept = values
        for _ in range(ROUNDS + 1):
            level, noise = kept.mean(), kept.std()
            kept = values[np.abs(values - level) <= CUT * noise]
            if kept.size == 0:
                break
        out.append((level, noise))
    return np.array(out)


def add_reached(line, ceiling, counts):
    counts += line >= ceiling


def add_squares(line, other, sums):
    sums += (other[: line.size] - line) ** 2


def digest(stack, rows_apart, cols_apart, tiles, distances, ceiling):
    height, width = stack.shape[1:]
    whole = stack.astype(float).sum(axis=0)
    levels, read = np.zeros((*tiles, 2)), []
    per_row = max(width // tiles[1] // cols_apart, 1)
    for row in range(tiles[0]):
        top, bottom = row * height // tiles[0], (row + 1) * height // tiles[0]
        mine = list(range(top + min(rows_apart, bottom - top) // 2, bottom, rows_apart))
        read += mine
        for col in range(tiles[1]):
            left = col * width // tiles[1]
            part = whole[mine, left : left + per_row * cols_apart : cols_apart]
            levels[row, col] = clipped_levels(part.reshape(-1, 1), part.size)[0]
    lines = whole[read]
    pairs = width - distances[1]
    apart = [
        np.mean((lines[:, d : d + pairs] - lines[:, :pairs]) ** 2) for d in (1, *distances)
    ]  # fmt: skip
    return levels, np.array([*apart, np.mean(stack[:, read] >= ceiling)])
