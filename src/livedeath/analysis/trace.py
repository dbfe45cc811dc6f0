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

from livedeath.kernels import measure
from livedeath.kernels.placing import turned
from livedeath.model.flags import Flag
from livedeath.model.measures import LevelledFrame, Seen, TraceBlock

LEARN_VISITS = 3
"""Good visits whose mean is the frozen profile."""

REACH = 1.0
"""A profile reaches this many soma diameters from its centre."""

LEAST_INSIDE = 0.25
"""Below this part of the profile in the frame and free there is no measurement."""

CLIPPED_PART = 0.02
"""A neuron with more than this part of its profile on clipped pixels is flagged."""

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
    """

    def __init__(self, soma_px: float) -> None:
        self._half = max(math.ceil(REACH * soma_px), 2)
        side = 2 * self._half + 1
        self._profiles = np.empty((0, side, side), np.float32)
        self._learnt = np.empty(0, np.int64)

    def push(
        self,
        frames: Mapping[str, LevelledFrame],
        seen: Seen,
        labels: NDArray[np.int32],
        *,
        shape: NDArray[np.float32] | None,
    ) -> TraceBlock:
        """Measure every neuron in every channel of a visit.

        Parameters
        ----------
        frames : dict of str to LevelledFrame
            The channels that were taken.
        seen : Seen
            Where the neurons are.
        labels : (Y, X) int32
            Outlines of this visit.
        shape : (Y, X) float32, optional
            Smooth image from which profiles are learnt; None to learn nothing.

        Returns
        -------
        TraceBlock
            One row per neuron.
        """
        flags = _flags_of(seen, labels)
        owners = _owners(seen, labels)
        self._grow(seen.label.size)
        if shape is not None:
            self._learn(shape, owners, seen, flags)
        light: dict[str, NDArray[np.float64]] = {}
        light_sd: dict[str, NDArray[np.float64]] = {}
        for name, frame in frames.items():
            table = self._sums(frame, seen, owners)
            light[name] = table[:, measure.SUM].copy()
            light_sd[name] = np.sqrt(table[:, measure.VARIANCE])
            light[name][table[:, measure.INSIDE] < LEAST_INSIDE] = np.nan
            light_sd[name][table[:, measure.INSIDE] < LEAST_INSIDE] = np.nan
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

    def _grow(self, n: int) -> None:
        more = n - self._learnt.size
        nothing = np.zeros((more, *self._profiles.shape[1:]), np.float32)
        self._profiles = np.concatenate([self._profiles, nothing])
        self._learnt = np.concatenate([self._learnt, np.zeros(more, np.int64)])

    def _learn(
        self,
        shape: NDArray[np.float32],
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
        names = (chosen + 1).astype(np.int32)
        patches = measure.soma_patches(shape, owners, names, places, self._half)
        if abs(seen.turn) > TURNED:
            patches = turned(patches, -seen.turn)
        good = patches.any(axis=(1, 2))
        chosen, patches = chosen[good], patches[good]
        count = self._learnt[chosen][:, np.newaxis, np.newaxis]
        mean = (self._profiles[chosen] * count + patches) / (count + 1)
        self._profiles[chosen] = mean.astype(np.float32)
        self._learnt[chosen] += 1

    def _sums(
        self, frame: LevelledFrame, seen: Seen, owners: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        names = np.arange(1, seen.label.size + 1, dtype=np.int32)
        places = np.column_stack([seen.y, seen.x])
        quantum = 1.0 if frame.calibrated else 0.0
        profiles = self._profiles
        if abs(seen.turn) > TURNED:
            profiles = turned(profiles, seen.turn)
        return measure.weighted_sums(
            frame.image, frame.noises, frame.clipped, owners, names, places, profiles, quantum
        )


def too_faint(light: NDArray[np.float64], light_sd: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell where the light is too little to show a fold of three in one visit."""
    return ~(light > FAINT_SNR * light_sd)


def _flags_of(seen: Seen, labels: NDArray[np.int32]) -> NDArray[np.uint32]:
    flags = np.zeros(seen.label.size, np.uint32)
    lost = seen.label == 0
    height, width = labels.shape
    cut = np.where(lost, seen.radius, 0.0)
    outside = (np.minimum(seen.y, seen.x) < cut) | (seen.y > height - 1 - cut)
    outside |= seen.x > width - 1 - cut
    flags[lost] |= np.uint32(Flag.MASK_LOST)
    flags[outside] |= np.uint32(Flag.OUTSIDE_COMMON_AREA)
    flags[seen.gap] |= np.uint32(Flag.TRACK_GAP)
    flags[seen.border] |= np.uint32(Flag.TOUCHES_BORDER)
    swallowed, by = _swallowed(seen, labels)
    flags[swallowed] |= np.uint32(Flag.MERGED)
    flags[by] |= np.uint32(Flag.MERGED)
    return flags


def _swallowed(
    seen: Seen, labels: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return lost neurons whose place lies in another neuron's outline, and those."""
    y, x = np.rint(seen.y).astype(np.int64), np.rint(seen.x).astype(np.int64)
    inside = (y >= 0) & (x >= 0) & (y < labels.shape[0]) & (x < labels.shape[1])
    lost = np.flatnonzero((seen.label == 0) & inside)
    neuron_of = _neuron_of(seen, labels)
    by = neuron_of[labels[y[lost], x[lost]]]
    return lost[by >= 0], by[by >= 0]


def _neuron_of(seen: Seen, labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the neuron behind each label, -1 for none."""
    table = np.full(max(int(labels.max()), int(seen.label.max(initial=0))) + 1, -1, np.int64)
    table[seen.label[seen.label > 0]] = np.flatnonzero(seen.label > 0)
    return table


def _owners(seen: Seen, labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return which neuron's soma each pixel is part of: local number + 1, 0 for none.

    A soma swallowed by a neighbour's outline keeps the part that is nearer to its place.
    """
    owners = (_neuron_of(seen, labels) + 1).astype(np.int32)[labels]
    for lost, by in zip(*_swallowed(seen, labels), strict=True):
        reach = math.ceil(seen.radius[lost])
        top, left = max(round(seen.y[lost]) - reach, 0), max(round(seen.x[lost]) - reach, 0)
        part = owners[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
        y, x = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        own = (y - seen.y[lost]) ** 2 + (x - seen.x[lost]) ** 2
        other = (y - seen.y[by]) ** 2 + (x - seen.x[by]) ** 2
        part[(part == by + 1) & (own < other) & (own <= reach**2)] = lost + 1
    return owners
