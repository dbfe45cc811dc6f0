"""One visit's outlines against the neurons that are known: what may be whom, and what follows.

Rows of neurons (`TRACK`) and the outlines of a visit in; candidate pairs, joined pieces,
doubts and new places out. Points are (y, x) in the field's reference frame, working px.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.assign import assign
from livedeath.kernels.near import near_pairs

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Rows = NDArray[Any]

TRACK = np.dtype(
    [
        ("y", "f8"), ("x", "f8"), ("variance", "f8"), ("radius", "f8"), ("light", "f8"),
        ("seen_h", "f8"), ("began_h", "f8"),
        ("unseen", "i8"), ("away", "i8"), ("sightings", "i8"), ("missed", "i8"), ("astray", "i8"),
        ("parent", "i8"),
        ("blended", "?"), ("mixed", "?"), ("moved", "?"), ("ended", "?"), ("cut", "?"),
    ]
)  # fmt: skip
"""A neuron: place and its variance, radius and light of its last outline, hours of its last and
first sighting; visits since it was seen, those of them that showed others, all with and without
it; how long its outline has stood elsewhere with nobody near, the row of who divided into it;
whether it may be mistaken for a lost neighbour, for a neighbour that is found, may be a newcomer
elsewhere, is no more, and was only seen cut by the border."""

DAY_H = 24.0

LEAST_GATE = 0.75
"""However short the interval, a neuron may be found this far away, in soma diameters:
outlines of the same soma differ from visit to visit."""

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

OFF = 0.25
"""A neuron farther from its place than this, in soma diameters, has taken a step."""

ALIKE = 1.1
"""Two are alike if ln(area) and ln(light) differ by less than this: a factor of three."""

BESIDE = 0.5
"""Outlines nearer to each other than this, in soma diameters, may be mistaken for one."""

BLENDED = 1.5
"""An outline so many times as large as the neuron's own may hold a neighbour as well."""

BRIGHTER = 2.0
"""So is an outline so many times as bright as the neuron's own: no death adds to the fill."""

AS_LARGE = 0.7
"""An outline that is nobody's may be all that is found of a lost neuron it touches, if it has at
least this part of the neuron's area."""

MAY_HAVE_MOVED = 2.0
"""Whoever is not found may be the newcomer within this many gates."""

ONE_SOMA = 1.4
"""Outlines inside a neuron's own that have together less than this part of its area are its
pieces."""

SURE = 0.1
"""Two neurons that changed their outlines would cost this much more, or it is not sure who is
who: odds of five in the motion's own likelihood."""

HEALED_VISITS = 5
"""A neuron whose outline stood elsewhere for so many visits, with no lost neuron near whose outline
that could be, stands there."""

APART = 2.0
"""Two daughters are at most this far apart, in soma diameters; they stand on either side of"""

MIDWAY = 0.6
"""the place where the parent was, which is at most this far from midway between them."""

SHARE = 0.3
"""Each has at least this part of the light of both, and of their area."""

KEPT_LIGHT = 0.6
"""The light of both is that of the parent: its ln differs by less than this."""

SMALLER = 0.85
"""And each is smaller than this part of the parent, while neither was there before."""

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


class Laws(NamedTuple):
    """Lengths of a field, working px.

    A soma's diameter, the farthest way of a day, the usual way of a day per axis; and the visits
    of a gap.
    """

    soma: float
    gate: float
    motion: float
    gap_visits: int


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
def divisions(
    tracks: Rows,
    links: Ints,
    points: Floats,
    area: Floats,
    light: Floats,
    free: NDArray[np.bool_],
    laws: Laws,
) -> tuple[Ints, Ints]:
    """Say who divided into which two outlines.

    Parameters
    ----------
    tracks : (N,) `TRACK`
        The cells.
    links : (N,) int64
        Outline of each, -1 for none.
    points, area, light : (M, 2), (M,), (M,) float64
        The outlines.
    free : (M,) bool
        Which outlines may begin a track.
    laws : Laws
        Lengths of the field.

    Returns
    -------
    divided : (D,) int64
        Who divided, ascending.
    daughters : (D, 2) int64
        Its outlines, ascending. No outline is anybody else's, nor in two pairs; of pairs that
        share one the pair counts whose middle is nearest to its parent, the first of equals.
    """
    n, m = len(tracks), len(points)
    owner = np.full(m, -1, np.int64)
    for i in range(n):
        if links[i] >= 0:
            owner[links[i]] = i
    places = np.empty((n, 2))
    places[:, 0], places[:, 1] = tracks["y"], tracks["x"]
    reach = np.full(n, (APART / 2.0 + MIDWAY) * laws.soma)
    first, second, _ = near_pairs(places, points, reach)
    starts = np.zeros(n + 1, np.int64)
    for k in range(first.size):
        starts[first[k] + 1] += 1
    starts = np.cumsum(starts)
    taken = np.zeros(m, np.bool_)
    partner = np.full((n, 2), -1, np.int64)
    while True:
        best, who, one, other = np.inf, -1, -1, -1
        for i in range(n):
            if tracks["ended"][i] or partner[i, 0] >= 0 or tracks["blended"][i]:
                continue
            if tracks["unseen"][i] > laws.gap_visits:
                continue
            whole = math.pi * tracks["radius"][i] ** 2
            for a in range(starts[i], starts[i + 1]):
                p = second[a]
                if taken[p] or not free[p] or (owner[p] >= 0 and owner[p] != i):
                    continue
                for b in range(a + 1, starts[i + 1]):
                    q = second[b]
                    if taken[q] or not free[q] or (owner[q] >= 0 and owner[q] != i):
                        continue
                    apart = math.hypot(points[p, 0] - points[q, 0], points[p, 1] - points[q, 1])
                    off_y = (points[p, 0] + points[q, 0]) / 2.0 - places[i, 0]
                    off_x = (points[p, 1] + points[q, 1]) / 2.0 - places[i, 1]
                    off = math.hypot(off_y, off_x)
                    if apart > APART * laws.soma or off > MIDWAY * laws.soma or off >= best:
                        continue
                    small, large = min(area[p], area[q]), max(area[p], area[q])
                    if small < SHARE * (small + large) or large > SMALLER * whole:
                        continue
                    if tracks["light"][i] > 0.0 and light[p] > 0.0 and light[q] > 0.0:
                        both = light[p] + light[q]
                        kept = abs(math.log(both / tracks["light"][i])) < KEPT_LIGHT
                        if not kept or min(light[p], light[q]) < SHARE * both:
                            continue
                    best, who, one, other = off, i, p, q
        if who < 0:
            break
        partner[who, 0], partner[who, 1] = one, other
        taken[one] = taken[other] = True
    divided = np.flatnonzero(partner[:, 0] >= 0)
    return divided, partner[divided]


@njit(cache=True, nogil=True)
def mix_ups(
    tracks: Rows, links: Ints, first: Ints, second: Ints, costs: Floats
) -> NDArray[np.bool_]:
    """Tell which neurons may have each other's outlines.

    Parameters
    ----------
    tracks : (N,) `TRACK`
        The neurons.
    links : (N,) int64
        Outline of each neuron, -1 for none.
    first, second, costs : (K,)
        From `candidates`, sorted by ``first``.

    Returns
    -------
    (N,) bool
        Those found of whom a neighbour, found or lost, could have the outline, and they the
        neighbour's, at hardly more cost in all.
    """
    n = len(links)
    mixed = np.zeros(n, np.bool_)
    owner_of = np.full(second.max() + 1 if second.size else 0, -1, np.int64)
    own = np.zeros(n)
    starts = np.zeros(n + 1, np.int64)
    for k in range(first.size):
        starts[first[k] + 1] += 1
        if links[first[k]] == second[k]:
            own[first[k]], owner_of[second[k]] = costs[k], first[k]
    starts = np.cumsum(starts)
    for k in range(first.size):
        b, i = first[k], second[k]
        a = owner_of[i]
        if a < 0 or a == b:
            continue
        j = links[b]
        if j < 0:
            # Who was away before this visit, too, has had no outline to lose.
            if tracks["unseen"][b] == 0 and costs[k] - own[a] < SURE:
                mixed[a] = True
            continue
        for at in range(starts[a], starts[a + 1]):
            if second[at] == j and costs[at] + costs[k] - own[a] - own[b] < SURE:
                mixed[a], mixed[b] = True, True
    return mixed


@njit(cache=True, nogil=True)
def doubt(
    tracks: Rows,
    links: Ints,
    points: Floats,
    area: Floats,
    light: Floats,
    border: NDArray[np.bool_],
    depth: Floats,
    laws: Laws,
) -> None:
    """Say who may be mistaken for a lost neighbour, and who may be a newcomer elsewhere.

    A neuron whose outline takes a step in place, size or light while a neighbour is lost
    there, or in place and size at once, shares it with a neighbour, or has taken its outline:
    it is not followed and nothing it shows counts, until it is found again at its own place, or
    for so long where it is that it stands there. Whoever is not found beside another's outline
    may lie under it, and so may whoever is touched by a large outline that is nobody's; whoever
    is not found while something like it turned up may be that, or has left at the border.

    Parameters
    ----------
    tracks : (N,) `TRACK`
        The neurons before they follow; ``blended``, ``moved`` and ``astray`` are written.
    links : (N,) int64
        Outline of each neuron, -1 for none.
    points, area, light : (M, 2), (M,), (M,) float64
        The outlines, pieces joined.
    border : (M,) bool
        Which are cut by the border: they take no steps and do not grow.
    depth : (N,) float64
        How far inside the visit's frame each neuron's place is, px.
    laws : Laws
        Lengths of the field.
    """
    n, m = len(tracks), len(points)
    lost = np.flatnonzero((links < 0) & ~tracks["ended"])
    other = np.zeros(n, np.bool_)
    owner = np.full(m, -1, np.int64)
    for i in range(n):
        if links[i] >= 0:
            owner[links[i]] = i
    if lost.size and m:
        places, radius, reach = np.empty((lost.size, 2)), np.empty(lost.size), np.empty(lost.size)
        largest = math.sqrt(area.max() / math.pi)
        for k in range(lost.size):
            i = lost[k]
            places[k, 0], places[k, 1] = tracks["y"][i], tracks["x"][i]
            radius[k] = tracks["radius"][i]
            beside = radius[k] + largest + BESIDE * laws.soma
            reach[k] = max(beside, MAY_HAVE_MOVED * laws.gate)
            tracks["moved"][i] |= depth[i] < LEAST_GATE * laws.soma
        first, second, squares = near_pairs(places, points, reach)
        for k in range(first.size):
            i, j, apart = lost[first[k]], second[k], math.sqrt(squares[k])
            r, own = radius[first[k]], math.sqrt(area[j] / math.pi)
            a = owner[j]
            if a >= 0 and apart < own + r + BESIDE * laws.soma:
                other[a] = True
                tracks["blended"][i] = True
            if a < 0 and apart < own + r and own * own >= AS_LARGE * r * r:
                tracks["blended"][i] = True
            new = a < 0 or tracks["began_h"][a] > tracks["seen_h"][i]
            if apart <= MAY_HAVE_MOVED * laws.gate and new and abs(2 * math.log(own / r)) < ALIKE:
                known = light[j] > 0.0 and tracks["light"][i] > 0.0
                if not known or abs(math.log(light[j] / tracks["light"][i])) < ALIKE:
                    tracks["moved"][i] = True
    elif lost.size:
        for k in range(lost.size):
            tracks["moved"][lost[k]] |= depth[lost[k]] < LEAST_GATE * laws.soma
    for i in range(n):
        j = links[i]
        if j < 0:
            continue
        away = math.hypot(points[j, 0] - tracks["y"][i], points[j, 1] - tracks["x"][i])
        step = away > OFF * laws.soma
        large = area[j] > BLENDED * math.pi * tracks["radius"][i] ** 2
        brighter = light[j] > BRIGHTER * tracks["light"][i]
        if border[j] or tracks["cut"][i]:
            step, large, brighter = False, False, False
        begins = ((step or large or brighter) and other[i]) or (step and large)
        stays = (step or brighter) and tracks["blended"][i]
        alone = stays and not begins and not other[i]
        tracks["astray"][i] = tracks["astray"][i] + 1 if alone else 0
        tracks["blended"][i] = begins or (stays and tracks["astray"][i] < HEALED_VISITS)
        tracks["moved"][i] = False


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
