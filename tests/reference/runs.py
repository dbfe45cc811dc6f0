"""Readable twins of `livedeath.kernels.runs`."""

import itertools

import numpy as np


def runs_of(labels):
    runs = []
    for y, line in enumerate(labels.tolist()):
        x = 0
        for label, group in itertools.groupby(line):
            n = len(list(group))
            if label:
                runs.append((y, x, x + n, label))
            x += n
    return np.array(runs, np.int32).reshape(-1, 4)


def paint_runs(runs, names, image):
    for y, start, stop, label in runs.tolist():
        image[y, start:stop] = names[label]


def free_runs(runs, known, n):
    pixels = np.zeros((n + 1, 2), np.int64)
    parts = []
    for y, start, stop, label in runs.tolist():
        line = np.zeros(known.shape[1], np.int32)
        line[start:stop] = np.where(known[y, start:stop] > 0, 0, label)
        pixels[label] += stop - start, (known[y, start:stop] > 0).sum()
        part = runs_of(line[np.newaxis])
        part[:, 0] = y
        parts.append(part)
    return np.concatenate([np.zeros((0, 4), np.int32), *parts]), pixels
