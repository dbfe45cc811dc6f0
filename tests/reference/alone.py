"""Readable twins of `livedeath.kernels.alone`."""

import math

import numpy as np
from scipy import ndimage

from livedeath.kernels.alone import (
    ALONE,
    CONTESTED,
    ELLIPTIC,
    FAINT,
    GIVE_UP,
    LARGEST,
    NARROW,
    OPEN,
    REFUSED,
    ROUND,
    STEPS,
    THREAD,
    VALLEY,
    VALLEY_NOISES,
    WIDE,
    WINDOW,
)
from reference.label import smooth
from reference.light import cut_light


def spread(mesh, shape):
    rows = np.arange(shape[0]) * mesh.shape[0] // shape[0]
    cols = np.arange(shape[1]) * mesh.shape[1] // shape[1]
    return mesh[rows][:, cols]


def peaks_of(image, floors):
    floor = spread(floors, image.shape)
    padded = np.pad(image, 2, constant_values=-np.inf)
    found = []
    for y, x in np.ndindex(image.shape):
        value = image[y, x]
        near = padded[y + 1 : y + 4, x + 1 : x + 4].ravel()
        if value > floor[y, x] and (near[:4] < value).all() and (near[5:] <= value).all():
            wide = padded[y : y + 5, x : x + 5] >= np.float32(0.5) * value
            found.append((y, x, wide.sum()))
    return np.array(found, np.int32).reshape(-1, 3)


def unexplained(blocks, floors, labels, factor):
    floor, near = spread(floors, blocks.shape), factor // 2
    found = []
    for row, col in np.ndindex(blocks.shape[0] - 1, blocks.shape[1] - 1):
        four = blocks[row : row + 2, col : col + 2]
        lowest = floor[row, col]
        y, x = (row + 1) * factor, (col + 1) * factor
        ys = np.clip([y - near - 1, y + near], 0, labels.shape[0] - 1)
        xs = np.clip([x - near - 1, x + near], 0, labels.shape[1] - 1)
        even = four.min() >= np.float32(0.5) * four.max()
        if four.min() > lowest and even and (labels[np.ix_(ys, xs)] <= 0).all():
            found.append((y, x))
    return np.array(found, np.int32).reshape(-1, 2)


def smooth_inside(window, taps, room, out):
    cut = taps.size // 2 + 1
    out[:] = smooth(window, taps)[cut:-cut, cut:-cut]


def moments(region, top):
    y, x = np.nonzero(region)
    dy, dx = y - top[0], x - top[1]
    return [y.size, dy.sum(), dx.sum(), (dy * dy).sum(), (dx * dx).sum(), (dy * dx).sum()]


def grow(light, labels, corner, top, first, last, least, noise, order, after, box, out):
    place = np.unravel_index(top, light.shape)
    peak = light[place]
    own = ((peak - light) * (np.float32(STEPS) / peak)).astype(int)
    ys, xs = (np.arange(n) + c for n, c in zip(light.shape, corner, strict=True))
    inside = np.logical_and.outer(
        (ys >= 0) & (ys < labels.shape[0]), (xs >= 0) & (xs < labels.shape[1])
    )
    known = np.zeros(light.shape, np.int32)
    known[inside] = labels[
        np.ix_(ys[(ys >= 0) & (ys < labels.shape[0])], xs[(xs >= 0) & (xs < labels.shape[1])])
    ].ravel()
    free = inside & (known <= 0)
    edge = np.ones(light.shape, bool)
    edge[1:-1, 1:-1] = False
    edge |= ndimage.binary_dilation(~inside)
    before = np.zeros(light.shape, bool)
    past, best = {}, -1.0
    out[0], out[1] = -1, STEPS + 1
    order[:] = 0
    for level in range(last + 1):
        parts, _ = ndimage.label(free & (own <= level))
        region = parts == parts[place]
        new = region & ~before
        rise = light - (peak - np.float32(level) / (np.float32(STEPS) / peak))
        climbs = new & (own < level) & (rise > VALLEY * light) & (rise > VALLEY_NOISES * noise)
        order.reshape(light.shape)[new] = level + 1
        if (region & edge).any() or climbs.any():
            out[1] = level
            break
        before = region
        area = region.sum()
        cracks, drop = 0, 0.0
        for y, x in np.argwhere(region):
            for v, u in ((y, x + 1), (y, x - 1), (y + 1, x), (y - 1, x)):
                if not region[v, u]:
                    cracks += 1
                    if known[v, u] <= 0:
                        drop += light[y, x] - max(light[v, u], 0)
        if level >= first and area >= least:
            compact = 64 / math.pi * area / cracks**2
            score = drop / cracks * math.sqrt(area) * compact**2
            past[level] = score, cracks, (known[region] < 0).sum(), moments(region, place)
            best = max(best, score)
            if score < GIVE_UP * best:
                break
    scores = {k: past[max(k - 1, 0)][0] if k - 1 in past else v[0] for k, v in past.items()}
    smoothed = {
        k: scores[k] + 2 * v[0] + (past[k + 1][0] if k + 1 in past else v[0])
        for k, v in past.items()
        if 0 < k < STEPS
    }
    if smoothed and max(smoothed.values()) > 0:
        level = max(smoothed, key=smoothed.get)
        out[0], out[2], out[3], out[4:] = level, past[level][1], past[level][2], past[level][3]


def soma_like(out, soma_px, blur, strict):
    area = out[4]
    if out[0] < 0:
        return REFUSED if out[1] > STEPS else CONTESTED
    y, x = out[5] / area, out[6] / area
    tensor = np.array([[out[7] / area - y * y, out[9] / area - y * x], [0, out[8] / area - x * x]])
    tensor[1, 0] = tensor[0, 1]
    short, long = np.sqrt(np.maximum(np.linalg.eigvalsh(tensor + np.eye(2) / 12), 1e-6))
    stands_out = out[1] > out[0] and out[1] >= STEPS * (1 - OPEN)
    narrow = 16 * short**2 - blur < (NARROW * soma_px) ** 2
    if stands_out and (narrow or short < THREAD * long):
        return REFUSED
    good = area / (4 * math.pi * short * long) >= strict * ELLIPTIC
    good &= (
        64 / math.pi * area / out[2] ** 2 >= strict * ROUND
        and short >= strict * WIDE * long
        and out[3] <= 1
    )
    good &= stands_out and not narrow and area <= math.pi / 4 * (LARGEST * soma_px) ** 2
    return ALONE if good else CONTESTED


def outline_alone(
    raw, floor, gain, levels, speckle, taps, places, noises, snr, soma_px, blur, strict, part,
    reach, edges, labels, named,
):  # fmt: skip
    half, cut = int(WINDOW * soma_px) + 2, taps.size // 2 + 1
    side = 2 * half + 1
    table, runs = np.zeros((len(places), 9)), []
    least = math.pi / 4 * (blur + (part * soma_px) ** 2)
    window, light = (
        np.empty((side + 2 * cut, side + 2 * cut), np.float32),
        np.empty((side, side), np.float32),
    )
    order, out, box = np.zeros(side * side, np.int32), np.zeros(10), np.zeros(4, np.int64)
    for row, (y, x), noise in zip(table, places.tolist(), noises, strict=True):
        if labels[y, x] > 0:
            continue
        cut_light(raw, floor, gain, levels, y - half - cut, x - half - cut, speckle, window)
        smooth_inside(window, taps, None, light)
        top = half, half
        for v in range(half - reach, half + reach + 1):
            for u in range(half - reach, half + reach + 1):
                at = y - half + v, x - half + u
                inside = 0 <= at[0] < labels.shape[0] and 0 <= at[1] < labels.shape[1]
                if inside and labels[at] <= 0 and light[v, u] > light[top]:
                    top = v, u
        row[1:4] = light[top], y - half + top[0], x - half + top[1]
        if row[1] < snr * noise:
            row[0] = FAINT
            continue
        out[:] = 0
        corner = (y - half, x - half)
        grow(
            light,
            labels,
            corner,
            top[0] * side + top[1],
            *edges,
            least,
            noise,
            order,
            None,
            box,
            out,
        )
        row[0] = soma_like(out, soma_px, blur, strict)
        from_border = min(*row[2:4], labels.shape[0] - 1 - row[2], labels.shape[1] - 1 - row[3])
        if row[0] == REFUSED and from_border < 0.5 * soma_px:
            row[0] = CONTESTED
        if row[0] != ALONE:
            continue
        named += 1
        region = (order > 0) & (order <= out[0] + 1)
        region = region.reshape(side, side)
        row[4], row[8] = out[4], 1 - out[0] / STEPS
        row[5], row[6] = row[2] + out[5] / out[4], row[3] + out[6] / out[4]
        row[7] = window[cut:-cut, cut:-cut][region].sum(dtype=np.float64)
        for v, u in np.argwhere(region):
            labels[corner[0] + v, corner[1] + u] = named
        for v in range(side):
            line = np.flatnonzero(np.diff(np.pad(region[v], 1).astype(int)))
            for start, stop in line.reshape(-1, 2).tolist():
                runs.append((corner[0] + v, corner[1] + start, corner[1] + stop, named))
    return table, np.array(runs, np.int32).reshape(-1, 4)


def join_boxes(boxes):
    kept = [list(box) for box in boxes.tolist()]
    joined = True
    while joined:
        joined = False
        for i in range(len(kept)):
            for j in range(i + 1, len(kept)):
                a, b = kept[i], kept[j]
                if a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]:
                    kept[i] = [min(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), max(a[3], b[3])]
                    del kept[j]
                    joined = True
                    break
            if joined:
                break
    return np.array(kept, np.int64).reshape(-1, 4)
