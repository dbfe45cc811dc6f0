"""One visit's outlines against the neurons that are known: what may be whom, and what follows.

Rows of neurons (`TRACK`) and the outlines of a visit in; candidate pairs, joined pieces,
doubts and new places out. Points are (y, x) in the field's reference frame, working px.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.assign import assign
from livedeath.kernels.doubts import doubt, mix_ups
from livedeath.kernels.near import near_pairs
from livedeath.kernels.tracks import ALIKE, LEAST_GATE, OFF, Floats, Ints, Laws, Rows

DAY_H = 24.0

STALE_GATE = 0.35
"""Whoever was unseen for too many visits is the same only at the same place, in soma diameters."""

OTHER_THING = 4.0
"""An outline whose ln(area) changes by more than this many sds is something else."""

AREA_SD = 0.4
"""Visit-to-visit change of ln(area): plain sd 0.38 over 268 rat cortical neurons (eLife 35977)."""

LIGHT_SD = 0.3
"""Visit-to-visit change of ln(light of the soma): plain sd 0.26 (ibid.), and the outline's."""

LOOKS = 0.05
"""What a change of one sd in size or light costs; the gate costs 1. Where a neuron moves as far as
the gate in one of a hundred days, its motion's own likelihood would say 0.1."""

WILD_LOOKS = 4.0
"""Squared sds beyond which a change costs no more: a death changes both."""

ONE_SOMA = 1.4
"""Outlines inside a neuron's own that have together less than this part of its area are its
pieces."""

JUMP = 2.5
"""An innovation beyond this many standard deviations is a real move: the filter follows."""

RADIUS_GAIN = 0.2
"""Part of the way that a soma's remembered radius goes towards that of its new outline."""

CENTRE_ERROR = 0.03
"""Least error of an outline's centre, in soma diameters."""

CUT_ERROR = 0.25
"""Error of the centre of an outline that the border cuts, in soma diameters."""

ALONE = 1.2
"""What it costs to have no outline; a pair at the gate costs 1."""

CLEARLY = 0.25
"""A mutual nearest pair is linked at once if it costs at most this part of the next choice."""

SHOWS = 0.5
"""A visit that shows a smaller part of those whom the one before showed says of nobody that it
left: it is the light or the focus that changed."""

COMPANY = 0.1
"""When at least this part of those who were away for long, and at least three, are back at their
places, the others may be back as well, wherever they went."""

LIGHT_ERROR = 0.42
"""Error of a centre by noise: this part of a soma's diameter over its signal to noise."""


@njit(cache=True, nogil=True)
def landmarks(tracks: Rows, most_away: int) -> Floats:
    """Return the places (M, 2) of those (N,) that can be expected in the next visit.

    Those who are no more, or were away for more than ``most_away`` visits, cannot.
    """
    out = np.empty((len(tracks), 2))
    n = 0
    for i in range(len(tracks)):
        if tracks["away"][i] <= most_away and not tracks["ended"][i]:
            out[n, 0], out[n, 1] = tracks["y"][i], tracks["x"][i]
            n += 1
    return out[:n]


@njit(cache=True, nogil=True)
def candidates(
    tracks: Rows,
    points: Floats,
    area: Floats,
    light: Floats,
    border: NDArray[np.bool_],
    time_h: float,
    laws: Laws,
    dimmer: float,
    company: bool,
) -> tuple[Ints, Ints, Floats]:
    """List which outline may be which neuron, and what that costs.

    Parameters
    ----------
    tracks : (N,) `TRACK`
        The neurons.
    points : (M, 2) float64
        Centres of the outlines.
    area, light : (M,) float64
        Pixels and light of each.
    border : (M,) bool
        Which are cut by the border: their looks say nothing.
    time_h : float
        Hour of the visit.
    laws : Laws
        Lengths of the field.
    dimmer : float
        ln of what all light changed by; a neuron's own change is what is left.
    company : bool
        Whoever was away for long may have gone as far as others: many come back at once.

    Returns
    -------
    first, second : (K,) int64
        Neuron and outline, sorted by both.
    costs : (K,) float64
        Squared distance in gates, and what the change of looks costs.
    """
    n = len(tracks)
    places, reaches = np.empty((n, 2)), np.empty(n)
    least = min(LEAST_GATE * laws.soma, laws.gate)
    for i in range(n):
        places[i, 0], places[i, 1] = tracks["y"][i], tracks["x"][i]
        days = max(time_h - tracks["seen_h"][i], 0.0) / DAY_H
        reaches[i] = min(max(laws.gate * math.sqrt(days), least), laws.gate)
        if tracks["away"][i] > laws.gap_visits and not company:
            reaches[i] = STALE_GATE * laws.soma
    first, second, squares = near_pairs(places, points, reaches)
    kept = 0
    for k in range(first.size):
        i, j, square = first[k], second[k], squares[k]
        radius = tracks["radius"][i]
        if tracks["ended"][i]:
            continue
        cost = square / (reaches[i] * reaches[i])
        if border[j] or tracks["cut"][i]:
            first[kept], second[kept], squares[kept] = i, j, cost + LOOKS
            kept += 1
            continue
        size = math.log(area[j] / (math.pi * radius * radius)) / AREA_SD
        cost += LOOKS * min(size * size, WILD_LOOKS)
        if abs(size) > OTHER_THING:
            continue
        # A dying neuron fades and shrinks where it stands; what is otherwise elsewhere is another.
        step = square > (OFF * laws.soma) ** 2
        if step and abs(size) * AREA_SD > ALIKE:
            continue
        if light[j] > 0.0 and tracks["light"][i] > 0.0:
            change = math.log(light[j] / tracks["light"][i])
            if step and abs(change - dimmer) > ALIKE:
                continue
            own = (change - dimmer) / LIGHT_SD
            cost += LOOKS * min(own * own, WILD_LOOKS)
        first[kept], second[kept], squares[kept] = i, j, cost
        kept += 1
    return first[:kept], second[:kept], squares[:kept]


@njit(cache=True, nogil=True)
def linked(
    tracks: Rows,
    points: Floats,
    area: Floats,
    light: Floats,
    border: NDArray[np.bool_],
    time_h: float,
    laws: Laws,
) -> tuple[Ints, Ints, Ints, Floats]:
    """Link neurons to outlines at least cost.

    Parameters
    ----------
    tracks : (N,) `TRACK`
        The neurons.
    points, area, light, border, time_h, laws
        As in `candidates`.

    Returns
    -------
    links : (N,) int64
        Outline of each neuron, -1 for none.
    first, second, costs : (K,)
        What was possible, as from `candidates`.

    Notes
    -----
    Once more where all light changed, changes being taken from the common one, and where many of
    those who were away for long are back.
    """
    sizes = (len(tracks), len(points))
    dimmer = 0.0
    first, second, costs = candidates(
        tracks, points, area, light, border, time_h, laws, dimmer, False
    )
    links = assign(first, second, costs, sizes, ALONE, CLEARLY)
    changes = np.empty(len(tracks))
    n, long, back = 0, 0, 0
    for i in range(len(tracks)):
        j = links[i]
        if j >= 0 and light[j] > 0.0 and tracks["light"][i] > 0.0:
            changes[n] = light[j] / tracks["light"][i]
            n += 1
    if n:
        dimmer = math.log(np.median(changes[:n]))
    if abs(dimmer) > LIGHT_SD:
        first, second, costs = candidates(
            tracks, points, area, light, border, time_h, laws, dimmer, False
        )
        links = assign(first, second, costs, sizes, ALONE, CLEARLY)
    for i in range(len(tracks)):
        if tracks["away"][i] > laws.gap_visits and not tracks["ended"][i]:
            long += 1
            back += links[i] >= 0
    if back >= max(3.0, COMPANY * long):
        first, second, costs = candidates(
            tracks, points, area, light, border, time_h, laws, dimmer, True
        )
        links = assign(first, second, costs, sizes, ALONE, CLEARLY)
    return links, first, second, costs


@njit(cache=True, nogil=True)
def wholes(
    tracks: Rows, links: Ints, points: Floats, area: Floats, light: Floats
) -> tuple[Floats, Floats, Floats]:
    """Join what lies in pieces inside the outline that a neuron had.

    Parameters
    ----------
    tracks : (N,) `TRACK`
        The neurons.
    links : (N,) int64
        Outline of each neuron, -1 for none.
    points, area, light : (M, 2), (M,), (M,) float64
        The outlines.

    Returns
    -------
    points, area, light : (M, 2), (M,), (M,) float64
        The same with each linked outline joined to those of nobody whose centres lie inside the
        neuron's own, as long as all are not too large for it.
    """
    points, area, light = points.copy(), area.copy(), light.copy()
    taken = np.zeros(len(points), np.bool_)
    for i in range(len(tracks)):
        if links[i] >= 0:
            taken[links[i]] = True
    free = np.flatnonzero(~taken)
    if free.size == 0 or free.size == len(points):
        return points, area, light
    places = np.empty((len(tracks), 2))
    places[:, 0], places[:, 1] = tracks["y"], tracks["x"]
    # Few outlines are nobody's: they look for neurons, not neurons for them.
    reach = np.full(free.size, tracks["radius"].max())
    second, first, squares = near_pairs(points[free], places, reach)
    for k in np.argsort(first, kind="mergesort"):
        i, f = first[k], free[second[k]]
        if squares[k] > tracks["radius"][i] ** 2:
            continue
        j, radius = links[i], tracks["radius"][i]
        if j < 0 or taken[f] or area[j] + area[f] > ONE_SOMA * math.pi * radius * radius:
            continue
        taken[f] = True
        total = area[j] + area[f]
        for axis in range(2):
            points[j, axis] = (area[j] * points[j, axis] + area[f] * points[f, axis]) / total
        area[j] = total
        light[j] += light[f]
    return points, area, light


@njit(cache=True, nogil=True)
def follow(
    tracks: Rows,
    links: Ints,
    points: Floats,
    area: Floats,
    light: Floats,
    snr: Floats,
    border: NDArray[np.bool_],
    depth: Floats,
    time_h: float,
    shows: bool,
    laws: Laws,
) -> NDArray[np.bool_]:
    """Move each neuron towards its outline and count who was seen.

    Parameters
    ----------
    tracks : (N,) `TRACK`
        The neurons; written, but for whoever is blended only the counts.
    links : (N,) int64
        Outline of each neuron, -1 for none.
    points, area, light, snr : (M, 2), (M,), (M,), (M,) float64
        The outlines, pieces joined.
    border : (M,) bool
        Which are cut by the border: they say little of the place and nothing of the looks.
    depth : (N,) float64
        How far inside the visit's frame each neuron's place is, px; who is outside is not missed.
    time_h : float
        Hour of the visit.
    shows : bool
        Whether the visit shows most of those that the one before showed.
    laws : Laws
        Lengths of the field.

    Returns
    -------
    (N,) bool
        Who was not seen in the visit before and is now.

    Notes
    -----
    A Kalman filter of a place that wanders; a move beyond `JUMP` is believed at once.
    """
    n = len(tracks)
    gap = np.zeros(n, np.bool_)
    anybody = (links >= 0).any()
    least = (CENTRE_ERROR * laws.soma) ** 2
    for i in range(n):
        j = links[i]
        if tracks["ended"][i]:
            continue
        if j < 0:
            tracks["unseen"][i] += 1
            tracks["missed"][i] += anybody and depth[i] >= 0.0
            tracks["away"][i] += shows and depth[i] >= 0.0
            continue
        gap[i] = tracks["unseen"][i] > 0
        tracks["unseen"][i] = 0
        tracks["away"][i] = 0
        tracks["sightings"][i] += 1
        if tracks["blended"][i]:
            continue
        days = max(time_h - tracks["seen_h"][i], 0.0) / DAY_H
        prior = tracks["variance"][i] + laws.motion * laws.motion * days
        error = (LIGHT_ERROR * laws.soma / snr[j]) ** 2 + least
        if border[j]:
            error += (CUT_ERROR * laws.soma) ** 2
        off_y, off_x = points[j, 0] - tracks["y"][i], points[j, 1] - tracks["x"][i]
        jumped = off_y * off_y + off_x * off_x > JUMP * JUMP * 2.0 * (prior + error)
        gain = 1.0 if jumped else prior / (prior + error)
        tracks["y"][i] += gain * off_y
        tracks["x"][i] += gain * off_x
        tracks["variance"][i] = error if jumped else prior * (1.0 - gain)
        tracks["seen_h"][i] = time_h
        if border[j] and not tracks["cut"][i]:
            continue
        radius = math.sqrt(area[j] / math.pi)
        known = RADIUS_GAIN if border[j] == tracks["cut"][i] else 1.0
        tracks["radius"][i] += known * (radius - tracks["radius"][i])
        tracks["light"][i] = light[j]
        tracks["cut"][i] = border[j]
    return gap


@njit(cache=True, nogil=True)
def settle(
    tracks: Rows,
    links: Ints,
    possible: tuple[Ints, Ints, Floats],
    points: Floats,
    area: Floats,
    light: Floats,
    snr: Floats,
    border: NDArray[np.bool_],
    depth: Floats,
    time_h: float,
    laws: Laws,
) -> NDArray[np.bool_]:
    """Take links for true: join pieces, doubt who may be another, and follow.

    Parameters
    ----------
    tracks : (N,) `TRACK`
        The neurons; written.
    links : (N,) int64
        Outline of each neuron, -1 for none.
    possible : (K,) int64, int64, float64
        From `candidates`.
    points, area, light, snr, border, depth, time_h, laws
        As in `follow`, pieces not joined yet.

    Returns
    -------
    (N,) bool
        Who was not seen in the visit before and is now.
    """
    whole, size, sum_ = wholes(tracks, links, points, area, light)
    tracks["mixed"][:] = mix_ups(tracks, links, possible[0], possible[1], possible[2])
    doubt(tracks, links, whole, size, sum_, border, depth, laws)
    expected, there = 0, 0
    for i in range(len(tracks)):
        if tracks["unseen"][i] == 0:
            expected += 1
            there += links[i] >= 0
    shows = there >= SHOWS * expected
    return follow(tracks, links, whole, size, sum_, snr, border, depth, time_h, shows, laws)
