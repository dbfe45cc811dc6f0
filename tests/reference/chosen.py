"""Readable twins of `livedeath.kernels.chosen`."""

import numpy as np
from scipy import ndimage

from reference.label import floor_at


def choose(parents, best, least, weakest):
    m = len(parents)
    parts = [[k for k in range(m) if parents[k] == node] for node in range(m)]
    owners = np.full(m, -1)

    def taken(node):
        return owners[node] >= 0 or any(taken(k) for k in parts[node])

    def best_way(node, threshold, free):
        """Return what a part of the tree is worth, and the nodes that make it so."""
        ways = [best_way(k, threshold, free) for k in parts[node]]
        apart = sum(worth for worth, _ in ways), [k for _, nodes in ways for k in nodes]
        whole = best[node] - threshold
        return (whole, [node]) if free[node] and whole > apart[0] else apart

    for threshold in (least, weakest):
        free = [not taken(node) for node in range(m)]
        for root in np.flatnonzero(np.asarray(parents) < 0):
            for node in best_way(root, threshold, free)[1]:
                inside = [node]
                while inside:
                    at = inside.pop()
                    owners[at] = node
                    inside += parts[at]
    return owners


def brightest(image, basins, places, owners):
    tops = np.full(len(owners), -1)
    for at in places:
        owner = owners[basins.ravel()[at] - 1]
        if owner >= 0 and (tops[owner] < 0 or image.ravel()[at] > image.ravel()[tops[owner]]):
            tops[owner] = at
    return tops


def paint_chosen(basins, places, levels, owners, lowest, names, labels):
    for at in places:
        owner = owners[basins.ravel()[at] - 1]
        if owner >= 0 and levels.ravel()[at] >= lowest[owner]:
            labels.ravel()[at] = names[owner]
    for name in range(1, names.max() + 1):
        if (labels == name).any():
            make_whole(labels, None, name)
    return np.flatnonzero(labels)


def make_whole(labels, box, name):
    parts, n = ndimage.label(labels == name)
    sizes = np.bincount(parts.ravel(), minlength=n + 1)[1:]
    largest = parts == 1 + int(np.argmax(sizes))
    labels[labels == name] = 0
    whole = ndimage.binary_fill_holes(largest) & (labels == 0)
    labels[whole] = name
    return int(whole.sum())


def mark_refused(image, floors, labels, n_sure):
    kinds = np.zeros(image.shape, int)
    for y, x in np.ndindex(image.shape):
        if 0 < labels[y, x] <= n_sure:
            kinds[y, x] = 1
        elif image[y, x] > floor_at(floors, image.shape, y, x):
            kinds[y, x] = 2
    return kinds
