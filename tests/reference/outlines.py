"""Readable twins of `livedeath.kernels.outlines`."""

import math

import numpy as np

CROSS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def lineage(parents, node):
    """Return a node and all that hold it, the smallest first."""
    found = []
    while node >= 0:
        found.append(node)
        node = parents[node]
    return found


def meeting(parents, a, b):
    return next((node for node in lineage(parents, a) if node in lineage(parents, b)), -1)


def merge_tree(tops, areas, pairs, heights, largest):
    groups = [{k} for k in range(len(tops))]
    node_of = list(range(len(tops)))
    parents, children = [-1] * len(tops), [(-1, -1)] * len(tops)
    saddles, peaks = [0.0] * len(tops), list(tops)
    for (a, b), height in zip(pairs, heights, strict=True):
        one, other = (next(i for i, g in enumerate(groups) if k in g) for k in (a, b))
        both = groups[one] | groups[other]
        if one == other or sum(areas[k] for k in both) > largest:
            continue
        parts = (node_of[one], node_of[other])
        bright = parts if peaks[parts[1]] <= peaks[parts[0]] else parts[::-1]
        new = len(parents)
        parents[parts[0]] = parents[parts[1]] = new
        parents.append(-1)
        children.append(bright)
        saddles.append(height)
        peaks.append(peaks[bright[0]])
        groups[one], groups[other] = both, set()
        node_of[one] = new
    return np.array(parents), np.array(children), np.array(saddles), np.array(peaks)


def cores(image, basins, places, least, n):
    return np.array([((basins == k + 1) & (image > least)).sum() for k in range(n)], int)


def profiles(image, levels, basins, places, parents, n_levels):
    table = np.zeros((len(parents), n_levels + 1, 15))
    for node in range(len(parents)):
        leaves = [k for k in range(basins.max()) if node in lineage(parents, k)]
        own = np.isin(basins - 1, leaves) & (basins > 0)
        for k in range(1, n_levels + 1):
            table[node, k] = sums(image, levels, basins, own & (levels >= k), k)
    return table


def sums(image, levels, basins, mask, k):
    """Sum over the pixels and cracks of one outline."""
    y, x = np.nonzero(mask)
    light = image[mask].astype(float)
    row = [y.size, y.sum(), x.sum(), (y * y).sum(), (x * x).sum(), (y * x).sum()]
    row += [light.sum(), (light**2).sum()]
    drops, cut, border = [], [], 0
    for v, u in zip(y, x, strict=True):
        for dv, du in CROSS:
            near = (v + dv, u + du)
            if not (0 <= near[0] < image.shape[0] and 0 <= near[1] < image.shape[1]):
                border += 1
            elif basins[near] > 0 and levels[near] >= k:
                if not mask[near]:
                    cut.append(float(min(image[v, u], image[near])))
            else:
                drops.append(float(image[v, u]) - max(float(image[near]), 0.0))
    row += [len(drops), sum(drops), sum(d * d for d in drops), len(cut), sum(cut), border]
    edges = (mask[1:] & mask[:-1]).sum() + (mask[:, 1:] & mask[:, :-1]).sum()
    faces = (mask[1:, 1:] & mask[:-1, 1:] & mask[1:, :-1] & mask[:-1, :-1]).sum()
    return [*row, y.size - edges + faces]


def features(table, parents, children, saddles, peaks, noises, values, soma_px, least, largest):
    n_levels = table.shape[1] - 1
    outlines, numbers = [], []
    for node in range(table.shape[0]):
        highest = max([k for k in range(2, n_levels + 1) if table[node, k, 0] > 0], default=1)
        rows = []
        for k in range(highest, 0, -1):
            area = table[node, k, 0]
            if area > largest:
                break
            same_below = 1 < k < highest and table[node, k - 1, 0] == area
            parts = [child for child in children[node] if child >= 0]
            whole = all(table[child, k, 0] > 0 for child in parts)
            if area >= least and not same_below and whole:
                outlines.append((node, k))
                tree = (parents, children, saddles, peaks)
                rows.append(looks(table, tree, noises, values, soma_px, node, k))
                rows[-1][8] /= values[highest]
        steepest = max([row[15] for row in rows], default=0.0)
        for row in rows:
            row[15] /= max(steepest, 1e-12)
        numbers += rows
    return np.array(outlines).reshape(-1, 2), np.array(numbers).reshape(-1, 21)


def looks(table, tree, noises, values, soma_px, node, k):
    """Describe one outline; mean light is not divided by the peak yet, nor the drop."""
    parents, children, saddles, peaks = tree
    n_levels = table.shape[1] - 1
    area, sy, sx, syy, sxx, syx, light, squares = table[node, k, :8]
    cracks, drops, squared, cut, cut_light, border, euler = table[node, k, 8:]
    y, x = sy / area, sx / area
    yx = syx / area - y * x
    cov = np.array([[syy / area - y * y + 1 / 12, yx], [yx, sxx / area - x * x + 1 / 12]])
    det = max(np.linalg.det(cov), 1e-6)
    half = np.trace(cov) / 2
    off = math.sqrt(max(half**2 - det, 0.0))
    mean = max(light / area, 1e-12)
    n_cracks = max(cracks, 1.0)
    drop = drops / n_cracks
    around = cracks + cut + border
    own_valley, smaller = 0.0, 0.0
    if children[node][0] >= 0:
        low = children[node][1]
        own_valley = 1 - saddles[node] / max(peaks[low], 1e-9)
        smaller = table[low, k, 0] / area
    outer = 1.0
    if parents[node] >= 0:
        outer = 1 - saddles[parents[node]] / max(peaks[node], 1e-9)
    return [
        math.log(area / (math.pi / 4 * soma_px**2)),
        area / (4 * math.pi * math.sqrt(det)),
        math.sqrt(max(half - off, 1e-6) / (half + off)),
        4 * math.pi * area / (math.pi / 4 * around) ** 2,
        drop * soma_px / mean,
        math.log(max(drop / noises[node], 1e-3)),
        math.sqrt(max(squared / n_cracks - drop**2, 0.0)) / max(drop, 1e-12),
        values[k] / mean,
        mean,
        math.log(mean / noises[node]),
        math.sqrt(max(squares / area - mean**2, 0.0)) / mean,
        cut / around,
        cut_light / cut / mean if cut > 0 else 0.0,
        border / around,
        min(max(1 - euler, -5), 8),
        drop,
        table[node, min(k + 4, n_levels), 0] / area,
        area / table[node, max(k - 4, 1), 0],
        own_valley,
        smaller,
        outer,
    ]


def forest(numbers, feature, threshold, left, right, value, starts):
    def leaf(row, start):
        at = start
        while feature[at] >= 0:
            at = start + (left[at] if row[feature[at]] <= threshold[at] else right[at])
        return value[at]

    return np.array([sum(leaf(row, start) for start in starts) for row in numbers])
