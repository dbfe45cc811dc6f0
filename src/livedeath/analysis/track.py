"""Detections of one visit go in; the number of the neuron behind each comes out.

Neurons hardly move, but they vanish, reappear and have neighbours. Whoever is nearest to
nobody else is linked at once; the rest is assigned together at least cost. A number is
never used twice, and no visit has a number on two detections or two on one. Light says only
what cannot be the same neuron.
"""

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from livedeath.analysis.pairs import groups, pairs_within
from livedeath.model.measures import Detections, Tracking
from livedeath.model.settings import AnalysisSettings

DAY_H = 24.0

MOTION_UM = 5.0
"""Displacement in a day, per axis: 95 % of 268 rat cortical neurons stay within 12 um (eLife
35977). Most move less, but a place that lags behind a mover loses its light."""

LEAST_GATE = 0.75
"""However short the interval, a neuron may be found this far away, in soma diameters:
outlines of the same soma differ from visit to visit."""

STALE_GATE = 0.35
"""Whoever was unseen for too many visits is the same only at the same place, in soma diameters."""

CLEARLY_NEARER = 0.5
"""A mutual nearest pair is linked at once if it is nearer than this part of the next choice."""

CENTRE_ERROR = 0.03
"""Least error of an outline's centre, in soma diameters."""

JUMP = 2.5
"""An innovation beyond this many standard deviations is a real move: the filter follows."""

ENOUGH_TO_REFINE = 3
"""Neurons needed for their median displacement to refine a shift: one that moves is outvoted."""

RADIUS_GAIN = 0.2
"""Part of the way that a soma's remembered radius goes towards that of its new outline."""

AWAY_VISITS = 2
"""Who was unseen for more than this many times the visits of a gap is no longer measured."""

WELL_IN_VIEW = 0.5
"""A neuron that begins after the first visit has its centre this far inside the frame, in
soma diameters: the light of somata outside comes and goes at the border."""

OTHER_THING = 4.0
"""An outline whose ln(area) changes by more than this many sds is something else."""

LEAST_APART = 0.8
"""Centres of two somata are at least this part of the sum of their radii apart."""

BLENDED = 1.5
"""An outline so many times as large as the neuron's own may hold a neighbour as well."""

BRIGHTER = 2.0
"""So is an outline so many times as bright as the neuron's own: no death adds to the fill."""

AS_LARGE = 0.7
"""An outline that is nobody's may be all that is found of a lost neuron it touches, if it has at
least this part of the neuron's area."""

OFF = 0.25
"""A neuron farther from its place than this, in soma diameters, has taken a step."""

BESIDE = 0.5
"""Outlines nearer to each other than this, in soma diameters, may be mistaken for one."""

MAY_HAVE_MOVED = 2.0
"""Whoever is not found may be the newcomer within this many gates,"""

ALIKE = 1.1
"""if ln(area) and ln(light) differ by less than this: a factor of three."""

AREA_SD = 0.4
"""Visit-to-visit change of ln(area): plain sd 0.38 over 268 rat cortical neurons (eLife 35977)."""


@dataclasses.dataclass
class Tracks:
    """The neurons of a field, one entry each; index = local number.

    ``y`` and ``x`` are in the field's reference frame, working px; ``unseen`` counts the
    visits since a neuron was seen, ``sightings`` and ``missed`` all with and without it,
    visits that show nobody left out. ``light`` is that of the last outline of its own,
    ``began_h`` its first hour. ``blended`` and ``moved`` say that it may be mistaken for a
    neighbour, and that it may be a newcomer elsewhere.
    """

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    variance: NDArray[np.float64]
    radius: NDArray[np.float64]
    seen_h: NDArray[np.float64]
    unseen: NDArray[np.int64]
    sightings: NDArray[np.int64]
    missed: NDArray[np.int64]
    light: NDArray[np.float64]
    began_h: NDArray[np.float64]
    blended: NDArray[np.bool_]
    moved: NDArray[np.bool_]

    @classmethod
    def empty(cls) -> "Tracks":
        """Return no tracks."""
        y, x, variance, radius, seen_h, light, began_h = np.empty((7, 0))
        unseen, sightings, missed = np.empty((3, 0), np.int64)
        blended, moved = np.empty((2, 0), np.bool_)
        return cls(
            y, x, variance, radius, seen_h, unseen, sightings, missed,
            light, began_h, blended, moved,
        )  # fmt: skip

    @property
    def points(self) -> NDArray[np.float64]:
        """Places (N, 2) in the reference frame, px."""
        return np.column_stack([self.y, self.x])

    def append(self, other: "Tracks") -> None:
        """Add further tracks at the end."""
        for field in dataclasses.fields(self):
            both = np.concatenate([getattr(self, field.name), getattr(other, field.name)])
            setattr(self, field.name, both)

    def take(self, chosen: NDArray[Any]) -> "Tracks":
        """Return some of the tracks."""
        return Tracks(*(getattr(self, field.name)[chosen] for field in dataclasses.fields(self)))

    def __len__(self) -> int:
        """Return the number of tracks."""
        return self.y.size


class Tracker:
    """Follows the neurons of one field.

    Parameters
    ----------
    settings : AnalysisSettings
        ``gate_um`` is the farthest a neuron moves in a day, in a shorter time less, in a
        longer no more; who goes unseen for at most ``gap_visits`` is still looked for there.
    soma_px : float
        Diameter of a typical soma, working px.
    pixel_um : float
        Size of a working pixel.
    """

    def __init__(self, settings: AnalysisSettings, *, soma_px: float, pixel_um: float) -> None:
        self._soma = soma_px
        self._gate = settings.gate_um / pixel_um
        self._motion = MOTION_UM / pixel_um
        self._gap_visits = settings.gap_visits
        self.tracks = Tracks.empty()
        self._candidates = Tracks.empty()

    def push(
        self,
        detections: Detections,
        *,
        time_h: float,
        shift: tuple[float, float] = (0.0, 0.0),
        trusted: bool = False,
        shape: tuple[int, int] | None = None,
    ) -> Tracking:
        """Take the detections of the next visit.

        Parameters
        ----------
        detections : Detections
            Places in the visit's own frame.
        time_h : float
            Hours; not before the visit before.
        shift : (float, float)
            Shift of the visit's frame against the reference.
        trusted : bool
            Every detection is a neuron at once (labels made elsewhere). Otherwise only
            those clear of the border are, in the first visit that shows any; later ones
            must be seen twice, and clear of the neurons that are known.
        shape : (int, int), optional
            Sides of the frame, px; with it later neurons must be well inside.

        Returns
        -------
        Tracking
            Who is who.
        """
        points = np.column_stack([detections.y, detections.x]) - np.asarray(shift)
        links = self._link(self.tracks, points, detections, time_h)
        points, shift = self._refine(points, links, detections, shift)
        self._doubt_places(links, points, detections, _depth_of(self.tracks.points, shift, shape))
        gap = self._follow(links, points, detections, time_h)
        neuron = np.full(detections.y.size, -1, np.int64)
        neuron[links[links >= 0]] = np.flatnonzero(links >= 0)
        depth = _depth(detections, shape)
        new = self._births(neuron < 0, points, detections, time_h, None if trusted else depth)
        neuron[new] = len(self.tracks) + np.arange(new.size)
        self.tracks.append(self._begin(points[new], detections, new, time_h))
        gap = np.concatenate([gap, np.zeros(new.size, np.bool_)])
        return Tracking(neuron, np.concatenate([links, new]), gap, shift)

    def doubted(self) -> NDArray[np.bool_]:
        """Tell whose place says nothing about life and death.

        Who was away for long, or for longer than it was ever seen, is lost; who was missed
        more often than seen, up to the last sighting, was no neuron of its own. Who may
        have been mistaken for a neighbour, or may be a newcomer elsewhere, is doubted too.
        A neuron that vanishes as it dies is none of these.
        """
        tracks = self.tracks
        patience = np.minimum(AWAY_VISITS * self._gap_visits, tracks.sightings)
        away = tracks.unseen > patience
        away |= tracks.moved | (tracks.blended & (tracks.unseen == 0))
        return np.asarray(away | (tracks.missed - tracks.unseen > tracks.sightings), np.bool_)

    def hidden(self) -> NDArray[np.bool_]:
        """Tell who is not found and may lie under a neighbour's outline."""
        return np.asarray(self.tracks.blended & (self.tracks.unseen > 0), np.bool_)

    def support(self, detections: Detections, shift: tuple[float, float]) -> int:
        """Count the detections that a shift brings within half a soma of a neuron."""
        points = np.column_stack([detections.y, detections.x]) - np.asarray(shift)
        reach = np.full(len(points), 0.5 * self._soma)
        near, _, _ = pairs_within(points, self.tracks.points, reach)
        return int(np.unique(near).size)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that the next visit depends on."""
        return {
            f"{name}.{field.name}": getattr(tracks, field.name).copy()
            for name, tracks in (("tracks", self.tracks), ("candidates", self._candidates))
            for field in dataclasses.fields(Tracks)
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        names = [field.name for field in dataclasses.fields(Tracks)]
        self.tracks = Tracks(*(state[f"tracks.{name}"].copy() for name in names))
        self._candidates = Tracks(*(state[f"candidates.{name}"].copy() for name in names))

    def _reaches(self, tracks: Tracks, time_h: float) -> NDArray[np.float64]:
        days = np.maximum(time_h - tracks.seen_h, 0.0) / DAY_H
        least = min(LEAST_GATE * self._soma, self._gate)
        reach = np.clip(self._gate * np.sqrt(days), least, self._gate)
        stale = tracks.unseen > self._gap_visits
        return np.where(stale, STALE_GATE * self._soma, reach)

    def _link(
        self,
        tracks: Tracks,
        points: NDArray[np.float64],
        detections: Detections,
        time_h: float,
    ) -> NDArray[np.int64]:
        """Return the index of each track's detection, -1 for none."""
        reaches = self._reaches(tracks, time_h)
        first, second, squares = pairs_within(tracks.points, points, reaches)
        areas = detections.area[second]
        ratio = np.log(areas / (math.pi * tracks.radius[first] ** 2)) / AREA_SD
        costs = squares / reaches[first] ** 2 + 0.02 * np.minimum(ratio**2, 9.0)
        same = np.abs(ratio) <= OTHER_THING
        # A dying neuron fades where it stands; what shines elsewhere otherwise is another.
        step = squares > (OFF * self._soma) ** 2
        same &= ~(step & (_light_ratio(detections.light[second], tracks.light[first]) > ALIKE))
        sizes = (len(tracks), len(points))
        return assign(first[same], second[same], costs[same], sizes)

    def _refine(
        self,
        points: NDArray[np.float64],
        links: NDArray[np.int64],
        detections: Detections,
        shift: tuple[float, float],
    ) -> tuple[NDArray[np.float64], tuple[float, float]]:
        """Take out the median displacement of the neurons that were linked."""
        linked = np.flatnonzero(links >= 0)
        linked = linked[~detections.border[links[linked]]]
        if linked.size < ENOUGH_TO_REFINE:
            return points, shift
        moved = np.median(points[links[linked]] - self.tracks.points[linked], axis=0)
        return points - moved, (shift[0] + float(moved[0]), shift[1] + float(moved[1]))

    def _follow(
        self,
        links: NDArray[np.int64],
        points: NDArray[np.float64],
        detections: Detections,
        time_h: float,
    ) -> NDArray[np.bool_]:
        """Move each linked track towards its detection; return who comes after a gap."""
        tracks = self.tracks
        gap = (links >= 0) & (tracks.unseen > 0)
        tracks.unseen[:] = np.where(links >= 0, 0, tracks.unseen + 1)
        tracks.sightings[links >= 0] += 1
        if (links >= 0).any():
            tracks.missed[links < 0] += 1
        seen = np.flatnonzero((links >= 0) & ~tracks.blended)
        found = links[seen]
        days = np.maximum(time_h - tracks.seen_h[seen], 0.0) / DAY_H
        prior = tracks.variance[seen] + self._motion**2 * days
        error = self._error(detections.snr[found])
        off = points[found] - tracks.points[seen]
        total = prior + error
        jumped = (off**2).sum(axis=1) > JUMP**2 * 2.0 * total
        gain = np.where(jumped, 1.0, prior / total)
        tracks.y[seen] += gain * off[:, 0]
        tracks.x[seen] += gain * off[:, 1]
        tracks.variance[seen] = np.where(jumped, error, prior * (1.0 - gain))
        change = np.sqrt(detections.area[found] / math.pi) - tracks.radius[seen]
        tracks.radius[seen] += RADIUS_GAIN * change
        tracks.light[seen] = detections.light[found]
        tracks.seen_h[seen] = time_h
        return gap

    def _doubt_places(
        self,
        links: NDArray[np.int64],
        points: NDArray[np.float64],
        detections: Detections,
        depth: NDArray[np.float64],
    ) -> None:
        """Say who may be mistaken for a neighbour, and who may be a newcomer elsewhere.

        A neuron whose outline takes a step in place, size or light while a neighbour is lost
        there, or in place and size at once, shares it with a neighbour, or has taken its
        outline: it is not followed and nothing it shows counts, until it is found again at its
        own place. Whoever is not found beside another's outline may lie under it, and so may
        whoever is touched by a large outline that is nobody's; whoever is not found while
        something like it turned up may be that.
        """
        tracks, n = self.tracks, len(self.tracks)
        if n == 0:
            return
        linked, lost = np.flatnonzero(links >= 0), np.flatnonzero(links < 0)
        found = links[linked]
        off = np.hypot(*(points[found] - tracks.points[linked]).T)
        grown = detections.area[found] / (math.pi * tracks.radius[linked] ** 2)
        step, large = off > OFF * self._soma, grown > BLENDED
        with np.errstate(divide="ignore", invalid="ignore"):
            brighter = detections.light[found] > BRIGHTER * tracks.light[linked]
        other = np.zeros(n, np.bool_)
        beside, under = self._beside(points[found], detections.area[found], lost)
        other[linked[beside]] = True
        begins = ((step | large | brighter) & other[linked]) | (step & large)
        stays = (step | brighter) & tracks.blended[linked]
        tracks.blended[linked] = begins | stays
        tracks.blended[lost[np.unique(under)]] = True
        tracks.blended[lost[self._touched(links, points, detections.area, lost)]] = True
        tracks.moved[linked] = False
        tracks.moved[lost] |= self._turned_up(lost, links, points, detections)
        tracks.moved[lost] |= depth[lost] < LEAST_GATE * self._soma

    def _beside(
        self, points: NDArray[np.float64], areas: NDArray[np.float64], lost: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return pairs (outline, lost neuron) that nearly touch."""
        own = np.sqrt(areas / math.pi)
        radius = self.tracks.radius[lost]
        reach = own + radius.max(initial=0.0) + BESIDE * self._soma
        first, second, squares = pairs_within(points, self.tracks.points[lost], reach)
        near = squares < (own[first] + radius[second] + BESIDE * self._soma) ** 2
        return first[near], second[near]

    def _touched(
        self,
        links: NDArray[np.int64],
        points: NDArray[np.float64],
        areas: NDArray[np.float64],
        lost: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Return which lost neurons are touched by a large outline that is nobody's."""
        free = np.setdiff1d(np.arange(len(points)), links)
        own, radius = np.sqrt(areas[free] / math.pi), self.tracks.radius[lost]
        reach = own + radius.max(initial=0.0)
        first, second, squares = pairs_within(points[free], self.tracks.points[lost], reach)
        near = squares < (own[first] + radius[second]) ** 2
        near &= own[first] ** 2 >= AS_LARGE * radius[second] ** 2
        return np.unique(second[near])

    def _turned_up(
        self,
        lost: NDArray[np.int64],
        links: NDArray[np.int64],
        points: NDArray[np.float64],
        detections: Detections,
    ) -> NDArray[np.bool_]:
        """Tell which lost neurons may be something that turned up since they were seen."""
        tracks = self.tracks
        since = np.full(len(points), np.inf)
        since[links[links >= 0]] = tracks.began_h[links >= 0]
        reach = np.full(lost.size, MAY_HAVE_MOVED * self._gate)
        first, second, _ = pairs_within(tracks.points[lost], points, reach)
        i = lost[first]
        new = since[second] > tracks.seen_h[i]
        size = np.log(detections.area[second] / (math.pi * tracks.radius[i] ** 2))
        alike = np.abs(size) < ALIKE
        alike &= ~(_light_ratio(detections.light[second], tracks.light[i]) >= ALIKE)
        out = np.zeros(lost.size, np.bool_)
        out[first[new & alike]] = True
        return out

    def _error(self, snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the variance of a centre: the outline's, and the light's."""
        noise = 0.42 * self._soma / snr
        return noise**2 + (CENTRE_ERROR * self._soma) ** 2

    def _births(
        self,
        free: NDArray[np.bool_],
        points: NDArray[np.float64],
        detections: Detections,
        time_h: float,
        depth: NDArray[np.float64] | None,
    ) -> NDArray[np.int64]:
        """Return the detections that begin a neuron now; remember those that may later."""
        new = np.flatnonzero(free & detections.strong)
        if depth is None:
            return new
        first = len(self.tracks) == 0
        new = new[depth[new] >= (0.0 if first else WELL_IN_VIEW * self._soma)]
        if first:
            return new
        new = new[~self._on_known(points[new], detections.area[new])]
        links = self._link(self._candidates, points[new], detections.take(new), time_h)
        confirmed = np.zeros(new.size, np.bool_)
        confirmed[links[links >= 0]] = True
        self._candidates.unseen += 1
        waiting = (links < 0) & (self._candidates.unseen <= self._gap_visits)
        self._candidates = self._candidates.take(waiting)
        later = new[~confirmed]
        self._candidates.append(self._begin(points[later], detections, later, time_h))
        return new[confirmed]

    def _on_known(
        self, points: NDArray[np.float64], areas: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Tell which points are so near to a known neuron that both cannot be somata."""
        own = np.sqrt(areas / math.pi)
        reach = own + self.tracks.radius.max(initial=0.0)
        first, second, squares = pairs_within(points, self.tracks.points, reach)
        close = squares < (LEAST_APART * (own[first] + self.tracks.radius[second])) ** 2
        known = np.zeros(len(points), np.bool_)
        known[first[close]] = True
        return known

    def _begin(
        self,
        points: NDArray[np.float64],
        detections: Detections,
        which: NDArray[np.int64],
        time_h: float,
    ) -> Tracks:
        n = len(points)
        areas = detections.area[which]
        return Tracks(
            y=points[:, 0].copy(),
            x=points[:, 1].copy(),
            variance=np.full(n, (CENTRE_ERROR * self._soma) ** 2),
            radius=np.sqrt(areas / math.pi),
            seen_h=np.full(n, time_h),
            unseen=np.zeros(n, np.int64),
            sightings=np.ones(n, np.int64),
            missed=np.zeros(n, np.int64),
            light=detections.light[which].copy(),
            began_h=np.full(n, time_h),
            blended=np.zeros(n, np.bool_),
            moved=np.zeros(n, np.bool_),
        )


def _light_ratio(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the size of the ln of the ratio of two lights; NaN where either is unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(np.log(one / other)))


def _depth_of(
    points: NDArray[np.float64], shift: tuple[float, float], shape: tuple[int, int] | None
) -> NDArray[np.float64]:
    """Return how far inside the frame places of the reference lie, px."""
    if shape is None:
        return np.full(len(points), np.inf)
    here = points + np.asarray(shift)
    return np.asarray(np.minimum(here, np.array(shape) - 1.0 - here).min(axis=1))


def _depth(detections: Detections, shape: tuple[int, int] | None) -> NDArray[np.float64]:
    """Return how far inside the frame each centre lies, px; below 0 what the border cuts."""
    depth = np.full(detections.y.size, np.inf)
    if shape is not None:
        depth = np.minimum(detections.y, detections.x)
        depth = np.minimum(depth, shape[0] - 1 - detections.y)
        depth = np.minimum(depth, shape[1] - 1 - detections.x)
    return np.where(detections.border, -1.0, depth)


def assign(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    costs: NDArray[np.float64],
    sizes: tuple[int, int],
) -> NDArray[np.int64]:
    """Link the two sides of a list of candidate pairs one to one.

    Parameters
    ----------
    first, second : (K,) int64
        Candidate pairs, sorted by ``first``.
    costs : (K,) float64
        Cost of each pair; about 1 at the gate.
    sizes : (int, int)
        Number of points on either side.

    Returns
    -------
    (N,) int64
        For each point of the first side its partner, -1 for none.

    Notes
    -----
    Mutual nearest pairs without a near rival first; then, group by group, the cheapest
    assignment in which staying alone costs as much as a pair at the gate.
    """
    links = np.full(sizes[0], -1, np.int64)
    clear = _clear_pairs(first, second, costs, sizes)
    links[first[clear]] = second[clear]
    taken = np.zeros(sizes[1], np.bool_)
    taken[second[clear]] = True
    rest = np.flatnonzero((links[first] < 0) & ~taken[second])
    numbers = groups(first[rest], second[rest], *sizes)
    by_group = rest[np.argsort(numbers, kind="stable")]
    for members in np.split(by_group, np.cumsum(np.bincount(numbers))[:-1]):
        _assign_group(links, first[members], second[members], costs[members])
    return links


def _clear_pairs(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    costs: NDArray[np.float64],
    sizes: tuple[int, int],
) -> NDArray[np.int64]:
    """Return the pairs that are nearest on both sides and have no near rival."""
    nearest = [np.full(n, np.inf) for n in sizes]
    for side, ends in zip(nearest, (first, second), strict=True):
        np.minimum.at(side, ends, costs)
    best = (costs == nearest[0][first]) & (costs == nearest[1][second])
    rival = [np.full(n, np.inf) for n in sizes]
    for side, ends in zip(rival, (first, second), strict=True):
        np.minimum.at(side, ends[~best], costs[~best])
    limit = CLEARLY_NEARER**2 * np.minimum(rival[0][first], rival[1][second])
    chosen = np.flatnonzero(best & (costs <= limit))
    once = (np.bincount(first[chosen], minlength=sizes[0])[first[chosen]] == 1) & (
        np.bincount(second[chosen], minlength=sizes[1])[second[chosen]] == 1
    )
    return np.asarray(chosen[once], np.int64)


def _assign_group(
    links: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    costs: NDArray[np.float64],
) -> None:
    """Assign one connected group at least cost, into ``links``."""
    rows, row = np.unique(first, return_inverse=True)
    cols, col = np.unique(second, return_inverse=True)
    matrix = np.full((rows.size, cols.size + rows.size), 1e6)
    matrix[row, col] = costs
    matrix[np.arange(rows.size), cols.size + np.arange(rows.size)] = 1.2
    chosen_row, chosen_col = linear_sum_assignment(matrix)
    real = chosen_col < cols.size
    links[rows[chosen_row[real]]] = cols[chosen_col[real]]
