"""Who may be mistaken for whom: divisions, mix-ups of neighbours, and neurons that are doubted.

Rows of neurons (`livedeath.kernels.tracks.TRACK`) and the outlines of a visit in; what of them
says nothing out.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.near import near_pairs
from livedeath.kernels.tracks import ALIKE, LEAST_GATE, OFF, Floats, Ints, Laws, Rows

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
