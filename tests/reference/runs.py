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
