"""Readable twins of `livedeath.analysis.pairs`."""

import numpy as np


def pairs_within(points, others, reaches):
    pairs = [
        (i, j, float(((points[i] - others[j]) ** 2).sum()))
        for i in range(len(points))
        for j in range(len(others))
        if ((points[i] - others[j]) ** 2).sum() <= reaches[i] ** 2
    ]
    first, second, squares = zip(*pairs, strict=True) if pairs else ((), (), ())
    return np.array(first, int), np.array(second, int), np.array(squares, float)


def groups(first, second, n_first, n_second):
    names = list(range(len(first)))
    for _ in names:
        for a in range(len(first)):
            for b in range(len(first)):
                if first[a] == first[b] or second[a] == second[b]:
                    names[a] = names[b] = min(names[a], names[b])
    order = list(dict.fromkeys(names))
    return np.array([order.index(name) for name in names], int)
