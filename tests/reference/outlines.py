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


def shelves(levels, basins, places, parents):
    starts = [0]
    for node in range(len(parents)):
        leaves = [k for k in range(basins.max()) if node in lineage(parents, k)]
        starts.append(
            starts[-1] + 1 + int(levels[np.isin(basins - 1, leaves) & (basins > 0)].max())
        )
    return np.array(starts)


def profiles(image, levels, basins, places, parents, starts):
    table = np.zeros((starts[-1], 15))
    for node in range(len(parents)):
        leaves = [k for k in range(basins.max()) if node in lineage(parents, k)]
        own = np.isin(basins - 1, leaves) & (basins > 0)
        for k in range(1, starts[node + 1] - starts[node]):
            table[starts[node] + k] = sums(image, levels, basins, own & (levels >= k), k)
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


def area_at(table, starts, node, level):
    rows = table[starts[node] : starts[node + 1]]
    return rows[max(level, 1), 0] if max(level, 1) < len(rows) else 0.0


def drop_of(table, starts, node, level):
    """Return the mean drop of light over a boundary."""
    row = table[starts[node] + level]
    return row[9] / max(row[8], 1.0)


def open_levels(table, starts, children, node, least, largest, steep, found):
    levels = []
    for k in range(starts[node + 1] - starts[node] - 1, 0, -1):
        area = area_at(table, starts, node, k)
        parts = [child for child in children[node] if child >= 0]
        whole = all(area_at(table, starts, child, k) > 0 for child in parts)
        if least <= area <= largest and whole:
            levels.append(k)
    drops = [drop_of(table, starts, node, k) for k in levels]
    steepest = max([1e-12, *drops])
    kept = [k for k, drop in zip(levels, drops, strict=True) if drop >= steep * steepest]
    found[: len(kept)] = kept
    return len(kept), steepest


def features(table, starts, parents, children, saddles, peaks, noises, values, soma_px, *bounds):
    outlines, numbers = [], []
    for node in range(len(parents)):
        levels = np.zeros(256, int)
        n, steepest = open_levels(table, starts, children, node, *bounds, levels)
        for k in levels[:n]:
            outlines.append((node, k))
            numbers.append(np.zeros(21))
            tree = (parents, children, saddles, peaks)
            told = (noises[node], values, soma_px, node, k, steepest, numbers[-1])
            describe(table, starts, *tree, *told)
    return np.array(outlines).reshape(-1, 2), np.array(numbers).reshape(-1, 21)


def best_levels(table, starts, parents, children, *rest):
    *given, stride, feature, threshold, leaves = rest
    outlines, numbers = features(table, starts, parents, children, *given)
    scores = [forest(row, feature, threshold, leaves) for row in numbers]
    level, best = np.zeros(len(parents), int), np.zeros(len(parents))
    for node in range(len(parents)):
        rows = [i for i, (of, _) in enumerate(outlines) if of == node]
        seen = [i for i in rows[::stride] if scores[i] > 0]
        if seen:
            # max() returns the first of equals.
            top = max(seen, key=scores.__getitem__)
            near = [i for i in rows if abs(i - top) < stride and i != top]
            top = max([top, *near], key=scores.__getitem__)
            level[node], best[node] = outlines[top][1], scores[top]
    return level, best


def describe(
    table,
    starts,
    parents,
    children,
    saddles,
    peaks,
    noise,
    values,
    soma_px,
    node,
    level,
    steepest,
    to,
):
    row = table[starts[node] + level]
    area, sy, sx, syy, sxx, syx, light, squares = row[:8]
    cracks, drops, squared, cut, cut_light, border, euler = row[8:]
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
        smaller = area_at(table, starts, low, level) / area
    outer = 1.0
    if parents[node] >= 0:
        outer = 1 - saddles[parents[node]] / max(peaks[node], 1e-9)
    to[:] = [
        math.log(area / (math.pi / 4 * soma_px**2)),
        area / (4 * math.pi * math.sqrt(det)),
        math.sqrt(max(half - off, 1e-6) / (half + off)),
        4 * math.pi * area / (math.pi / 4 * around) ** 2,
        drop * soma_px / mean,
        math.log(max(drop / noise, 1e-3)),
        math.sqrt(max(squared / n_cracks - drop**2, 0.0)) / max(drop, 1e-12),
        values[level] / mean,
        mean / values[starts[node + 1] - starts[node] - 1],
        math.log(mean / noise),
        math.sqrt(max(squares / area - mean**2, 0.0)) / mean,
        cut / around,
        cut_light / cut / mean if cut > 0 else 0.0,
        border / around,
        min(max(1 - euler, -5), 8),
        drop / steepest,
        area_at(table, starts, node, level + 4) / area,
        area / area_at(table, starts, node, level - 4),
        own_valley,
        smaller,
        outer,
    ]


def forest(numbers, feature, threshold, leaves):
    score = 0.0
    for asks, limits, adds in zip(feature, threshold, leaves, strict=True):
        answers = ""
        at = 0
        while at < len(asks):
            above = bool(numbers[asks[at]] > limits[at])
            answers += "1" if above else "0"
            at = 2 * at + (2 if above else 1)
        score += adds[int(answers, 2)]
    return score
