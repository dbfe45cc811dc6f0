"""Detections of one visit go in; the number of the neuron behind each comes out.

Neurons hardly move, but they vanish, reappear and have neighbours. Whoever is nearest to
nobody else is linked at once; the rest is assigned together at least cost. A number is
never used twice, and no visit has a number on two detections or two on one. Nothing here
looks at intensities.
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

MOTION_UM = 1.5
"""Displacement in a day, per axis: median 1.8 um over 268 rat cortical neurons (eLife 35977)."""

LEAST_GATE = 0.75
"""However short the interval, a neuron may be found this far away, in soma diameters:
outlines of the same soma differ from visit to visit."""

STALE_GATE = 0.35
"""Whoever was unseen for too many visits is the same only at the same place, in soma diameters."""

CLEARLY_NEARER = 0.5
"""A mutual nearest pair is linked at once if it is nearer than this part of the next choice."""

CENTRE_ERROR = 0.03
"""Least error of an outline's centre, in soma diameters."""

JUMP = 3.0
"""An innovation beyond this many standard deviations is a real move: the filter follows."""

ENOUGH_TO_REFINE = 5
"""Neurons needed for their median displacement to refine a shift."""

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

AREA_SD = 0.4
"""Visit-to-visit change of ln(area): plain sd 0.38 over 268 rat cortical neurons (eLife 35977)."""


@dataclasses.dataclass
class Tracks:
    """The neurons of a field, one entry each; index = local number.

    ``y`` and ``x`` are in the field's reference frame, working px; ``unseen`` counts the
    visits since a neuron was seen, ``sightings`` and ``missed`` all with and without it,
    visits that show nobody left out.
    """

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    variance: NDArray[np.float64]
    radius: NDArray[np.float64]
    seen_h: NDArray[np.float64]
    unseen: NDArray[np.int64]
    sightings: NDArray[np.int64]
    missed: NDArray[np.int64]

    @classmethod
    def empty(cls) -> "Tracks":
        """Return no tracks."""
        y, x, variance, radius, seen_h = np.empty((5, 0))
        unseen, sightings, missed = np.empty((3, 0), np.int64)
        return cls(y, x, variance, radius, seen_h, unseen, sightings, missed)

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
        links = self._link(self.tracks, points, detections.area, time_h)
        points, shift = self._refine(points, links, detections, shift)
        gap = self._follow(links, points, detections, time_h)
        neuron = np.full(detections.y.size, -1, np.int64)
        neuron[links[links >= 0]] = np.flatnonzero(links >= 0)
        depth = _depth(detections, shape)
        new = self._births(neuron < 0, points, detections, time_h, None if trusted else depth)
        neuron[new] = len(self.tracks) + np.arange(new.size)
        self.tracks.append(self._begin(points[new], detections.area[new], time_h))
        gap = np.concatenate([gap, np.zeros(new.size, np.bool_)])
        return Tracking(neuron, np.concatenate([links, new]), gap, shift)

    def doubted(self) -> NDArray[np.bool_]:
        """Tell whose place says nothing about life and death.

        Who was away for long, or for longer than it was ever seen, is lost; who was missed
        more often than seen, up to the last sighting, was no neuron of its own. A neuron
        that vanishes as it dies is neither.
        """
        tracks = self.tracks
        patience = np.minimum(AWAY_VISITS * self._gap_visits, tracks.sightings)
        away = tracks.unseen > patience
        return away | (tracks.missed - tracks.unseen > tracks.sightings)

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
        areas: NDArray[np.float64],
        time_h: float,
    ) -> NDArray[np.int64]:
        """Return the index of each track's detection, -1 for none."""
        reaches = self._reaches(tracks, time_h)
        first, second, squares = pairs_within(tracks.points, points, reaches)
        ratio = np.log(areas[second] / (math.pi * tracks.radius[first] ** 2)) / AREA_SD
        costs = squares / reaches[first] ** 2 + 0.02 * np.minimum(ratio**2, 9.0)
        same = np.abs(ratio) <= OTHER_THING
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
        seen = np.flatnonzero(links >= 0)
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
        tracks.seen_h[seen] = time_h
        gap = (links >= 0) & (tracks.unseen > 0)
        tracks.unseen[:] = np.where(links >= 0, 0, tracks.unseen + 1)
        tracks.sightings[seen] += 1
        if links.size and seen.size:
            tracks.missed[links < 0] += 1
        return gap

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
        links = self._link(self._candidates, points[new], detections.area[new], time_h)
        confirmed = np.zeros(new.size, np.bool_)
        confirmed[links[links >= 0]] = True
        self._candidates.unseen += 1
        waiting = (links < 0) & (self._candidates.unseen <= self._gap_visits)
        self._candidates = self._candidates.take(waiting)
        later = new[~confirmed]
        self._candidates.append(self._begin(points[later], detections.area[later], time_h))
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
        self, points: NDArray[np.float64], areas: NDArray[np.float64], time_h: float
    ) -> Tracks:
        n = len(points)
        return Tracks(
            y=points[:, 0].copy(),
            x=points[:, 1].copy(),
            variance=np.full(n, (CENTRE_ERROR * self._soma) ** 2),
            radius=np.sqrt(areas / math.pi),
            seen_h=np.full(n, time_h),
            unseen=np.zeros(n, np.int64),
            sightings=np.ones(n, np.int64),
            missed=np.zeros(n, np.int64),
        )


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
