"""Readable twins of `livedeath.kernels.doubts`."""

import math

import numpy as np

from livedeath.kernels import doubts
from livedeath.kernels import tracks as rows


def distance(track, point):
    return math.hypot(track["y"] - point[0], track["x"] - point[1])


def divisions(tracks, links, points, area, light, free, laws):
    owner = {j: i for i, j in enumerate(links) if j >= 0}
    pairs = []
    for i, track in enumerate(tracks):
        reach = (doubts.APART / 2 + doubts.MIDWAY) * laws.soma
        for p in range(len(points)):
            for q in range(p + 1, len(points)):
                middle = (points[p] + points[q]) / 2
                there = all(free[j] and owner.get(j, i) == i for j in (p, q))
                there &= max(distance(track, points[j]) for j in (p, q)) <= reach
                there &= math.dist(points[p], points[q]) <= doubts.APART * laws.soma
                there &= distance(track, middle) <= doubts.MIDWAY * laws.soma
                there &= not track["ended"] and not track["blended"]
                there &= track["unseen"] <= laws.gap_visits
                sizes = sorted([area[p], area[q]])
                whole = math.pi * track["radius"] ** 2
                there &= (
                    sizes[0] >= doubts.SHARE * sum(sizes) and sizes[1] <= doubts.SMALLER * whole
                )
                lights = sorted([light[p], light[q]])
                if lights[0] > 0 and track["light"] > 0:
                    there &= abs(math.log(sum(lights) / track["light"])) < doubts.KEPT_LIGHT
                    there &= lights[0] >= doubts.SHARE * sum(lights)
                if there:
                    pairs.append((distance(track, middle), i, p, q))
    found = {}
    used = set()
    for _, i, p, q in sorted(pairs):
        if i not in found and not used & {p, q}:
            found[i] = (p, q)
            used |= {p, q}
    divided = sorted(found)
    return np.array(divided, int), np.array([found[i] for i in divided], int).reshape(-1, 2)


def mix_ups(tracks, links, first, second, costs):
    cost = {(i, j): c for i, j, c in zip(first, second, costs, strict=True)}
    mixed = np.zeros(len(links), bool)
    for a in range(len(links)):
        for b in range(len(links)):
            i, j = links[a], links[b]
            if a == b or i < 0 or (a, i) not in cost or (b, i) not in cost:
                continue
            if j < 0:
                mixed[a] |= tracks["unseen"][b] == 0 and cost[b, i] - cost[a, i] < doubts.SURE
            elif (a, j) in cost and (b, j) in cost:
                more = cost[a, j] + cost[b, i] - cost[a, i] - cost[b, j]
                if more < doubts.SURE:
                    mixed[[a, b]] = True
    return mixed


def doubt(tracks, links, points, area, light, border, depth, laws):
    before, soma = tracks.copy(), laws.soma
    own = np.sqrt(area / math.pi)
    owner = {j: i for i, j in enumerate(links) if j >= 0}
    lost = [i for i in range(len(tracks)) if links[i] < 0 and not tracks["ended"][i]]
    beside = {}
    for i in lost:
        track = before[i]
        if depth[i] < rows.LEAST_GATE * soma:
            tracks["moved"][i] = True
        for j in range(len(points)):
            apart, a = distance(track, points[j]), owner.get(j)
            reach = own[j] + track["radius"]
            if a is not None and apart < reach + doubts.BESIDE * soma:
                beside[a] = tracks["blended"][i] = True
            if (
                a is None
                and apart < reach
                and own[j] ** 2 >= doubts.AS_LARGE * track["radius"] ** 2
            ):
                tracks["blended"][i] = True
            new = a is None or before["began_h"][a] > track["seen_h"]
            near_ = apart <= doubts.MAY_HAVE_MOVED * laws.gate
            size = abs(math.log(area[j] / (math.pi * track["radius"] ** 2)))
            known = light[j] > 0 and track["light"] > 0
            change = abs(math.log(light[j] / track["light"])) if known else 0.0
            if new and near_ and size < rows.ALIKE and change < rows.ALIKE:
                tracks["moved"][i] = True
    for i, j in enumerate(links):
        if j < 0:
            continue
        track = before[i]
        step = distance(track, points[j]) > rows.OFF * soma
        large = area[j] > doubts.BLENDED * math.pi * track["radius"] ** 2
        brighter = light[j] > doubts.BRIGHTER * track["light"]
        if border[j] or track["cut"]:
            step = large = brighter = False
        begins = ((step or large or brighter) and i in beside) or (step and large)
        stays = track["blended"] and (step or brighter)
        astray = track["astray"] + 1 if stays and not begins and i not in beside else 0
        tracks["astray"][i] = astray
        tracks["blended"][i] = begins or (stays and astray < doubts.HEALED_VISITS)
        tracks["moved"][i] = False
