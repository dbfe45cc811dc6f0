"""Outlines of one visit go in; the number of the neuron behind each comes out.

Neurons hardly move, but they vanish, reappear and have neighbours. Whoever is nearest to
nobody else is linked at once; the rest is assigned together at least cost, by place, size and
light. A number is never used twice, and no visit has a number on two outlines or two on one.
Where two neurons may have been taken for each other, both are doubted.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.analysis import plane
from livedeath.kernels import doubts, link
from livedeath.kernels.near import near_pairs
from livedeath.kernels.tracks import TRACK, Laws
from livedeath.model.measures import Detections, Placing, Tracking
from livedeath.model.settings import AnalysisSettings

MOTION_UM = 5.0
"""Displacement in a day, per axis: 95 % of 268 rat cortical neurons stay within 12 um (eLife
35977). Most move less, but a place that lags behind a mover loses its light."""

FEW = 5
"""A field with fewer neurons is linked also where it is not certain how its frame lies."""

AWAY_VISITS = 2
"""Who was unseen for more than this many times the visits of a gap is no longer measured."""

WELL_IN_VIEW = 0.5
"""A neuron that begins after the first visit has its centre this far inside the frame, in
soma diameters: the light of somata outside comes and goes at the border."""

LEAST_APART = 0.8
"""Centres of two somata are at least this part of the sum of their radii apart."""

RETURNED = 0.7
"""A newcomer is a neuron that is missing for long if ln(area) and ln(light) differ by less: a
factor of two. Neurons are not born; they come back into focus."""


class Tracks:
    """The neurons of a field: one row of `livedeath.kernels.tracks.TRACK` each, by local number.

    Places are in the field's reference frame, working px.
    """

    def __init__(self, rows: NDArray[Any] | None = None) -> None:
        self.rows = np.zeros(0, TRACK) if rows is None else rows

    @property
    def y(self) -> NDArray[np.float64]:
        """Places (N,), px."""
        return np.asarray(self.rows["y"])

    @property
    def x(self) -> NDArray[np.float64]:
        """Places (N,), px."""
        return np.asarray(self.rows["x"])

    @property
    def radius(self) -> NDArray[np.float64]:
        """Radii (N,) of discs of the outlines' area, px."""
        return np.asarray(self.rows["radius"])

    @property
    def points(self) -> NDArray[np.float64]:
        """Places (N, 2), px."""
        points = np.empty((len(self), 2))
        points[:, 0], points[:, 1] = self.rows["y"], self.rows["x"]
        return points

    def append(self, rows: NDArray[Any]) -> None:
        """Add further rows at the end."""
        if rows.size:
            # As bytes: NumPy copies rows of several columns one column at a time.
            both = np.empty(self.rows.size + rows.size, TRACK)
            whole = both.view(np.uint8)
            whole[: self.rows.nbytes] = self.rows.view(np.uint8)
            whole[self.rows.nbytes :] = rows.view(np.uint8)
            self.rows = both

    def __len__(self) -> int:
        """Return the number of neurons."""
        return self.rows.size


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
        gap = settings.gap_visits
        self._laws = Laws(soma_px, settings.gate_um / pixel_um, MOTION_UM / pixel_um, gap)
        self._gap_visits = gap
        self._divide = settings.divisions
        self.tracks = Tracks()
        self._candidates = Tracks()
        self._unplaced = False

    def push(
        self,
        detections: Detections,
        *,
        time_h: float,
        placing: Placing | None = None,
        certain: bool = True,
        trusted: bool = False,
        shape: tuple[int, int] | None = None,
    ) -> Tracking:
        """Take the outlines of the next visit.

        Parameters
        ----------
        detections : Detections
            Places in the visit's own frame.
        time_h : float
            Hours; not before the visit before.
        placing : Placing, optional
            How the visit's frame lies against the reference; default: as the reference.
        certain : bool
            Whether that is certain. Otherwise nobody is linked, unless the field has so few
            neurons that they could have moved by themselves.
        trusted : bool
            Every outline is a neuron at once (labels made elsewhere). Otherwise only
            those clear of the border are, in the first visit that shows any; later ones
            must be seen twice, and clear of the neurons that are known.
        shape : (int, int), optional
            Sides of the frame, px; with it later neurons must be well inside.

        Returns
        -------
        Tracking
            Who is who.
        """
        seen = np.column_stack([detections.y, detections.x])
        placing = placing or Placing()
        self._unplaced = not certain and len(self.landmarks()) >= FEW
        if self._unplaced:
            return self._nobody(len(detections))
        rows, points = self.tracks.rows, plane.to_reference(seen, placing)
        looks = (detections.area, detections.light)
        border, laws = detections.border, self._laws
        links, first, second, costs = link.linked(rows, points, *looks, border, time_h, laws)
        inside = None if trusted else np.where(detections.border, -1.0, _depth(seen, shape))
        divided, daughters = self._divisions(links, points, detections, inside)
        new = self._births(links, points, detections, time_h, inside, daughters.ravel())
        depth = _depth(plane.to_frame(self.tracks.points, placing), shape)
        gap = link.settle(
            rows,
            links,
            (first, second, costs),
            points,
            *looks,
            detections.snr,
            border,
            depth,
            time_h,
            laws,
        )
        ended = np.zeros(len(links) + new.size + daughters.size, np.bool_)
        ended[divided] = rows["ended"][divided] = True
        if new.size + daughters.size:
            new = np.concatenate([new, daughters.ravel()])
            begun = self._begin(points, detections, new, time_h)
            begun["parent"][new.size - daughters.size :] = np.repeat(divided, 2)
            self.tracks.append(begun)
            links = np.concatenate([links, new])
            gap = np.concatenate([gap, np.zeros(new.size, np.bool_)])
        neuron = np.full(len(detections), -1, np.int64)
        found = np.flatnonzero(links >= 0)
        neuron[links[found]] = found
        return Tracking(neuron, links, gap, ended)

    def _nobody(self, n: int) -> Tracking:
        """Take a visit that says of none of its outlines whose they are."""
        rows = self.tracks.rows
        rows["unseen"] += 1
        unseen = np.full(len(rows), -1, np.int64)
        return Tracking(np.full(n, -1, np.int64), unseen, unseen >= 0, unseen >= 0)

    def doubted(self) -> NDArray[np.bool_]:
        """Tell whose place says nothing about life and death.

        Who was away for long, or for longer than it was ever seen, is lost; who was missed
        more often than seen, up to the last sighting, was no neuron of its own. Who may
        have been mistaken for a neighbour, or may be a newcomer elsewhere, is doubted too, and
        so is everybody while nobody knows how the frame lies.
        A neuron that vanishes as it dies is none of these.
        """
        rows = self.tracks.rows
        patience = np.minimum(AWAY_VISITS * self._gap_visits, rows["sightings"])
        away = (rows["unseen"] > patience) | rows["moved"]
        away |= (rows["blended"] | rows["mixed"]) & (rows["unseen"] == 0)
        away |= self._unplaced
        return np.asarray(away | (rows["missed"] - rows["unseen"] > rows["sightings"]), np.bool_)

    def hidden(self) -> NDArray[np.bool_]:
        """Tell who is not found and may lie under a neighbour's outline."""
        rows = self.tracks.rows
        return np.asarray(rows["blended"] & (rows["unseen"] > 0), np.bool_)

    def landmarks(self) -> NDArray[np.float64]:
        """Return the places (N, 2) of those that can be expected in the next visit."""
        return link.landmarks(self.tracks.rows, AWAY_VISITS * self._gap_visits)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that the next visit depends on."""
        state = {"unplaced": np.array(self._unplaced)}
        return state | {
            f"{name}.{field}": np.ascontiguousarray(tracks.rows[field])
            for name, tracks in (("tracks", self.tracks), ("candidates", self._candidates))
            for field in TRACK.names or ()
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        self._unplaced = bool(state["unplaced"])
        for name, tracks in (("tracks", self.tracks), ("candidates", self._candidates)):
            tracks.rows = np.zeros(state[f"{name}.y"].size, TRACK)
            for field in TRACK.names or ():
                tracks.rows[field] = state[f"{name}.{field}"]

    def _divisions(
        self,
        links: NDArray[np.int64],
        points: NDArray[np.float64],
        detections: Detections,
        depth: NDArray[np.float64] | None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return who divided (D,) and its daughters (D, 2), outlines that begin a track each.

        Takes them out of ``links``. Nobody divides where divisions are not declared.
        """
        rows = self.tracks.rows
        nobody = np.empty(0, np.int64), np.empty((0, 2), np.int64)
        if not self._divide or len(rows) == 0:
            return nobody
        free = detections.strong & ~detections.border
        if depth is not None:
            free &= depth >= 0.0
        divided, daughters = doubts.divisions(
            rows, links, points, detections.area, detections.light, free, self._laws
        )
        links[divided] = -1
        return divided, daughters

    def _births(
        self,
        links: NDArray[np.int64],
        points: NDArray[np.float64],
        detections: Detections,
        time_h: float,
        depth: NDArray[np.float64] | None,
        daughters: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Return the outlines that begin a neuron now; remember those that may later.

        One that would begin a neuron where one like it is missing for long is that one: it goes
        into ``links``.
        """
        free = detections.strong.copy()
        free[links[links >= 0]] = free[daughters] = False
        new = np.flatnonzero(free)
        if depth is None:
            return new
        first = len(self.tracks) == 0
        new = new[depth[new] >= (0.0 if first else WELL_IN_VIEW * self._soma)]
        waiting = self._candidates.rows
        if first or new.size + waiting.size == 0:
            return new
        long = (links < 0) & (self.tracks.rows["away"] > self._gap_visits)
        new = new[~self._on_known(points[new], detections.area[new], ~long)]
        near = detections.take(new)
        again = link.linked(
            waiting, points[new], near.area, near.light, near.border, time_h, self._laws
        )[0]
        confirmed = np.zeros(new.size, np.bool_)
        confirmed[again[again >= 0]] = True
        waiting["unseen"] += 1
        self._candidates.rows = waiting[(again < 0) & (waiting["unseen"] <= self._gap_visits)]
        self._candidates.append(self._begin(points, detections, new[~confirmed], time_h))
        new = new[confirmed]
        new = new[~self._returned(links, np.flatnonzero(long), new, points, detections, time_h)]
        return new[~self._on_known(points[new], detections.area[new], long)]

    def _returned(
        self,
        links: NDArray[np.int64],
        long: NDArray[np.int64],
        new: NDArray[np.int64],
        points: NDArray[np.float64],
        detections: Detections,
        time_h: float,
    ) -> NDArray[np.bool_]:
        """Link outlines to neurons like them that are missing for long; return which were."""
        back = np.zeros(new.size, np.bool_)
        if new.size == 0 or long.size == 0:
            return back
        rows = self.tracks.rows[long]
        found = detections.take(new)
        rows["away"] = 0  # of a copy: they may be as far as others
        which = link.linked(
            rows, points[new], found.area, found.light, found.border, time_h, self._laws
        )[0]
        at = np.flatnonzero(which >= 0)
        size = np.abs(np.log(found.area[which[at]] / (np.pi * rows["radius"][at] ** 2)))
        change = np.abs(_changes(found.light[which[at]], rows["light"][at]))
        at = at[(size < RETURNED) & ~(change >= RETURNED)]
        links[long[at]] = new[which[at]]
        back[which[at]] = True
        return back

    def _on_known(
        self,
        points: NDArray[np.float64],
        areas: NDArray[np.float64],
        which: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Tell which points are so near to one of some neurons that both cannot be somata."""
        own, radius = np.sqrt(areas / np.pi), self.tracks.radius[which]
        known = np.zeros(len(points), np.bool_)
        reach = LEAST_APART * (own + radius.max(initial=0.0))
        first, second, squares = near_pairs(points, self.tracks.points[which], reach)
        close = squares < (LEAST_APART * (own[first] + radius[second])) ** 2
        known[first[close]] = True
        return known

    def _begin(
        self,
        points: NDArray[np.float64],
        detections: Detections,
        which: NDArray[np.int64],
        time_h: float,
    ) -> NDArray[Any]:
        """Return rows for some outlines."""
        rows = np.zeros(which.size, TRACK)
        rows["y"], rows["x"] = points[which].T
        rows["variance"] = (link.CENTRE_ERROR * self._soma) ** 2
        rows["radius"] = np.sqrt(detections.area[which] / np.pi)
        rows["light"] = detections.light[which]
        rows["seen_h"] = rows["began_h"] = time_h
        rows["cut"] = detections.border[which]
        rows["sightings"] = 1
        rows["parent"] = -1
        return rows


def _changes(now: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ln of what lights changed by; NaN where either is unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.log(now / before)
    return np.where(np.isfinite(change), change, np.nan)


def _depth(points: NDArray[np.float64], shape: tuple[int, int] | None) -> NDArray[np.float64]:
    """Return how far inside the frame places of a visit lie, px; infinite where none is known."""
    if shape is None:
        return np.full(len(points), np.inf)
    return np.asarray(np.minimum(points, np.array(shape) - 1.0 - points).min(axis=1))
