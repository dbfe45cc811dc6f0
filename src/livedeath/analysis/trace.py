"""Where each neuron is goes in with the levelled frames; its light in every channel comes out.

The weight is the neuron's own soma, learnt from its first good visits and then frozen:
what a soma does when it dies must not change how it is measured. A neuron whose outline
is lost is measured on at its last place.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.analysis.lent import lent
from livedeath.kernels import measure, runs
from livedeath.kernels.placing import turned
from livedeath.model.flags import Flag
from livedeath.model.measures import LevelledFrame, Runs, Seen, TraceBlock

LEARN_VISITS = 3
"""Good visits whose mean is the frozen profile."""

REACH = 1.0
"""A profile reaches this many soma diameters from its centre."""

LEAST_INSIDE = 0.25
"""Below this part of the profile in the frame and free there is no measurement."""

CLIPPED_PART = 0.02
"""A neuron with more than this part of its profile on clipped pixels is flagged."""

UNSMOOTHED = np.ones(1, np.float32)
"""Taps of no smoothing."""

TURNED = math.radians(1.0)
"""Profiles are turned with a frame that is turned farther than this: the edge of a soma then moves
by a tenth of a pixel."""

FAINT_SNR = 3.0
"""Light below this many standard deviations cannot show a fold of three in one visit."""


class Tracer:
    """Measures the neurons of one field.

    Parameters
    ----------
    soma_px : float
        Diameter of a typical soma, working px.
    taps : (2 * R + 1,) float32
        Smoothing of the light that profiles are learnt from; default: none.
    """

    def __init__(self, soma_px: float, taps: NDArray[np.float32] = UNSMOOTHED) -> None:
        self._half = max(math.ceil(REACH * soma_px), 2)
        self._taps = taps
        side = 2 * self._half + 1
        self._profiles = np.empty((0, side, side), np.float32)
        self._boxes = np.empty((0, 4), np.int32)
        self._learnt = np.empty(0, np.int64)

    def push(
        self,
        frames: Mapping[str, LevelledFrame],
        seen: Seen,
        outlines: Runs,
        *,
        shown: LevelledFrame | None,
    ) -> TraceBlock:
        """Measure every neuron in every channel of a visit.

        Parameters
        ----------
        frames : dict of str to LevelledFrame
            The channels that were taken.
        seen : Seen
            Where the neurons are.
        outlines : Runs
            Outlines of this visit.
        shown : LevelledFrame, optional
            What profiles are learnt from; None to learn nothing.

        Returns
        -------
        TraceBlock
            One row per neuron.
        """
        self._grow(seen.label.size)
        with lent(outlines.shape, np.int32) as owners:
            runs.paint_runs(outlines.table, _neuron_of(seen, outlines) + np.int32(1), owners)
            swallowed, by = _swallowed(seen, owners)
            flags = _flags_of(seen, outlines.shape)
            flags[np.concatenate([swallowed, by])] |= np.uint32(Flag.MERGED)
            _share_out(seen, owners, swallowed, by)
            if shown is not None:
                self._learn(shown, owners, seen, flags)
            places = np.column_stack([seen.y, seen.x])
            profiles, boxes = self._profiles, self._boxes
            if abs(seen.turn) > TURNED:
                profiles = turned(profiles, seen.turn)
                boxes = measure.profile_boxes(profiles)
            laid = measure.lay_profiles(profiles, boxes, places, owners)
            nobody = np.zeros(_neuron_of(seen, outlines).size, np.int32)
            runs.paint_runs(outlines.table, nobody, owners)
        light: dict[str, NDArray[np.float64]] = {}
        light_sd: dict[str, NDArray[np.float64]] = {}
        for name, frame in frames.items():
            table = _sums(frame, laid)
            missing = table[:, measure.INSIDE] < LEAST_INSIDE
            light[name] = np.where(missing, np.nan, table[:, measure.SUM])
            light_sd[name] = np.where(missing, np.nan, np.sqrt(table[:, measure.VARIANCE]))
            flags[table[:, measure.CLIPPED_PART] > CLIPPED_PART] |= np.uint32(Flag.CLIPPED)
            if not frame.calibrated:
                flags |= np.uint32(Flag.UNCALIBRATED)
        return TraceBlock(light, light_sd, flags)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that the next visit depends on."""
        return {"profiles": self._profiles.copy(), "learnt": self._learnt.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        self._profiles, self._learnt = state["profiles"].copy(), state["learnt"].copy()
        self._boxes = measure.profile_boxes(self._profiles)

    def _grow(self, n: int) -> None:
        more = n - self._learnt.size
        if more == 0:
            return
        nothing = np.zeros((more, *self._profiles.shape[1:]), np.float32)
        self._profiles = np.concatenate([self._profiles, nothing])
        self._boxes = np.concatenate([self._boxes, np.zeros((more, 4), np.int32)])
        self._learnt = np.concatenate([self._learnt, np.zeros(more, np.int64)])

    def _learn(
        self,
        shown: LevelledFrame,
        owners: NDArray[np.int32],
        seen: Seen,
        flags: NDArray[np.uint32],
    ) -> None:
        """Take a good visit into the mean of each profile that is not frozen yet."""
        doubtful = (flags & np.uint32(Flag.MERGED | Flag.TOUCHES_BORDER)) > 0
        wanted = (seen.label > 0) & (self._learnt < LEARN_VISITS)
        chosen = np.flatnonzero(wanted & (~doubtful | (self._learnt == 0)))
        if chosen.size == 0:
            return
        places = np.column_stack([seen.y[chosen], seen.x[chosen]])
        patches = measure.soma_patches(
            shown.raw, shown.floor, shown.gain, shown.levels, shown.speckle, self._taps,
            owners, (chosen + 1).astype(np.int32), places, self._half,
        )  # fmt: skip
        if abs(seen.turn) > TURNED:
            patches = turned(patches, -seen.turn)
        good = patches.any(axis=(1, 2))
        chosen, patches = chosen[good], patches[good]
        count = self._learnt[chosen][:, np.newaxis, np.newaxis]
        mean = (self._profiles[chosen] * count + patches) / (count + 1)
        self._profiles[chosen] = mean.astype(np.float32)
        self._boxes[chosen] = measure.profile_boxes(self._profiles[chosen])
        self._learnt[chosen] += 1


def _sums(
    frame: LevelledFrame,
    laid: tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    quantum = 1.0 if frame.calibrated else 0.0
    return measure.weighted_sums(
        frame.raw, frame.floor, frame.gain, frame.levels, frame.noises, frame.speckle,
        frame.clipped, *laid, quantum,
    )  # fmt: skip


def too_faint(light: NDArray[np.float64], light_sd: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell where the light is too little to show a fold of three in one visit."""
    return ~(light > FAINT_SNR * light_sd)


def _flags_of(seen: Seen, shape: tuple[int, int]) -> NDArray[np.uint32]:
    flags = np.zeros(seen.label.size, np.uint32)
    lost = seen.label == 0
    height, width = shape
    cut = np.where(lost, seen.radius, 0.0)
    outside = (np.minimum(seen.y, seen.x) < cut) | (seen.y > height - 1 - cut)
    outside |= seen.x > width - 1 - cut
    flags[lost] |= np.uint32(Flag.MASK_LOST)
    flags[outside] |= np.uint32(Flag.OUTSIDE_COMMON_AREA)
    flags[seen.gap] |= np.uint32(Flag.TRACK_GAP)
    flags[seen.border] |= np.uint32(Flag.TOUCHES_BORDER)
    return flags


def _neuron_of(seen: Seen, outlines: Runs) -> NDArray[np.int32]:
    """Return the neuron behind each label, -1 for none."""
    most = max(int(outlines.table[:, runs.LABEL].max(initial=0)), int(seen.label.max(initial=0)))
    table = np.full(most + 1, -1, np.int32)
    table[seen.label[seen.label > 0]] = np.flatnonzero(seen.label > 0)
    return table


def _swallowed(
    seen: Seen, owners: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return lost neurons whose place lies in another neuron's outline, and those."""
    y, x = np.rint(seen.y).astype(np.int64), np.rint(seen.x).astype(np.int64)
    inside = (y >= 0) & (x >= 0) & (y < owners.shape[0]) & (x < owners.shape[1])
    lost = np.flatnonzero((seen.label == 0) & inside)
    by = owners[y[lost], x[lost]].astype(np.int64) - 1
    return lost[by >= 0], by[by >= 0]


def _share_out(
    seen: Seen,
    owners: NDArray[np.int32],
    swallowed: NDArray[np.int64],
    by: NDArray[np.int64],
) -> None:
    """Leave to a soma swallowed by a neighbour's outline the part that is nearer to its place."""
    for lost, other in zip(swallowed.tolist(), by.tolist(), strict=True):
        reach = math.ceil(seen.radius[lost])
        top, left = max(round(seen.y[lost]) - reach, 0), max(round(seen.x[lost]) - reach, 0)
        part = owners[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
        y, x = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        own = (y - seen.y[lost]) ** 2 + (x - seen.x[lost]) ** 2
        theirs = (y - seen.y[other]) ** 2 + (x - seen.x[other]) ** 2
        part[(part == other + 1) & (own < theirs) & (own <= reach**2)] = lost + 1
