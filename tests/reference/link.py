"""Readable twins of `livedeath.kernels.link`."""

import math

import numpy as np

from livedeath.kernels import link
from livedeath.kernels import tracks as rows
from livedeath.kernels.assign import assign
from reference.doubts import distance, doubt, mix_ups


def landmarks(tracks, most_away):
    known = [(t["y"], t["x"]) for t in tracks if t["away"] <= most_away and not t["ended"]]
    return np.array(known, float).reshape(-1, 2)


def candidates(tracks, points, area, light, border, time_h, laws, dimmer, company):
    pairs = []
    for i, track in enumerate(tracks):
        days = max(time_h - track["seen_h"], 0) / 24
        least = min(rows.LEAST_GATE * laws.soma, laws.gate)
        reach = float(np.clip(laws.gate * math.sqrt(days), least, laws.gate))
        if track["away"] > laws.gap_visits and not company:
            reach = link.STALE_GATE * laws.soma
        for j in range(len(points)):
            size = math.log(area[j] / (math.pi * track["radius"] ** 2))
            known = light[j] > 0 and track["light"] > 0
            change = math.log(light[j] / track["light"]) - dimmer if known else 0.0
            cut = border[j] or track["cut"]
            step = distance(track, points[j]) > rows.OFF * laws.soma
            other = abs(size) > link.OTHER_THING * link.AREA_SD
            other |= step and max(abs(size), abs(change)) > rows.ALIKE
            if track["ended"] or (other and not cut) or distance(track, points[j]) > reach:
                continue
            looks = min((size / link.AREA_SD) ** 2, link.WILD_LOOKS)
            looks += min((change / link.LIGHT_SD) ** 2, link.WILD_LOOKS)
            looks = 1 if cut else looks
            pairs.append((i, j, (distance(track, points[j]) / reach) ** 2 + link.LOOKS * looks))
    first, second, costs = zip(*pairs, strict=True) if pairs else ((), (), ())
    return np.array(first, int), np.array(second, int), np.array(costs, float)


def linked(tracks, points, area, light, border, time_h, laws):
    def attempt(dimmer, company):
        told = candidates(tracks, points, area, light, border, time_h, laws, dimmer, company)
        sizes = (len(tracks), len(points))
        return assign(*told, sizes, link.ALONE, link.CLEARLY), *told

    result = attempt(0.0, company=False)
    pairs = [(i, j) for i, j in enumerate(result[0]) if j >= 0]
    changes = [light[j] / tracks["light"][i] for i, j in pairs if light[j] > 0 < tracks["light"][i]]
    dimmer = math.log(np.median(changes)) if changes else 0.0
    if abs(dimmer) > link.LIGHT_SD:
        result = attempt(dimmer, company=False)
    long = (tracks["away"] > laws.gap_visits) & ~tracks["ended"]
    if (result[0][long] >= 0).sum() >= max(3, link.COMPANY * long.sum()):
        result = attempt(dimmer, company=True)
    return result


def wholes(tracks, links, points, area, light):
    points, area, light = points.copy(), area.copy(), light.copy()
    free = [j for j in range(len(points)) if j not in links]
    for i, track in enumerate(tracks):
        j = links[i]
        for f in list(free):
            inside = distance(track, points[f]) <= track["radius"]
            most = link.ONE_SOMA * math.pi * track["radius"] ** 2
            if j < 0 or not inside or area[j] + area[f] > most:
                continue
            free.remove(f)
            points[j] = (area[j] * points[j] + area[f] * points[f]) / (area[j] + area[f])
            area[j], light[j] = area[j] + area[f], light[j] + light[f]
    return points, area, light


def follow(tracks, links, points, area, light, snr, border, depth, time_h, shows, laws):
    there = ~tracks["ended"]
    seen = (links >= 0) & there
    gap = seen & (tracks["unseen"] > 0)
    missed = ~seen & there
    tracks["unseen"][missed] += 1
    inside = missed & (depth >= 0)
    tracks["away"][inside] += shows
    tracks["missed"][inside] += bool((links >= 0).any())
    tracks["sightings"][seen] += 1
    tracks["unseen"][seen] = tracks["away"][seen] = 0
    for i in np.flatnonzero(seen & ~tracks["blended"]):
        track, j = tracks[i], links[i]
        off = points[j] - (track["y"], track["x"])
        prior = track["variance"] + laws.motion**2 * max(time_h - track["seen_h"], 0) / 24
        error = (link.CENTRE_ERROR * laws.soma) ** 2 + (link.LIGHT_ERROR * laws.soma / snr[j]) ** 2
        error += (link.CUT_ERROR * laws.soma) ** 2 if border[j] else 0
        jumped = (off**2).sum() > link.JUMP**2 * 2 * (prior + error)
        gain = 1.0 if jumped else prior / (prior + error)
        place = (track["y"], track["x"]) + gain * off
        tracks["y"][i], tracks["x"][i] = place
        tracks["variance"][i] = error if jumped else prior * error / (prior + error)
        tracks["seen_h"][i] = time_h
        if border[j] and not track["cut"]:
            continue
        radius = math.sqrt(area[j] / math.pi)
        whole = track["cut"] and not border[j]
        tracks["radius"][i] = radius if whole else 0.8 * track["radius"] + 0.2 * radius
        tracks["light"][i], tracks["cut"][i] = light[j], border[j]
    return gap


def settle(tracks, links, possible, points, area, light, snr, border, depth, time_h, laws):
    whole = wholes(tracks, links, points, area, light)
    tracks["mixed"] = mix_ups(tracks, links, *possible)
    doubt(tracks, links, *whole, border, depth, laws)
    expected = tracks["unseen"] == 0
    shows = (links[expected] >= 0).sum() >= link.SHOWS * expected.sum()
    return follow(tracks, links, *whole, snr, border, depth, time_h, shows, laws)
