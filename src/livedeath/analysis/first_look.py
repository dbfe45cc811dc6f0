"""First visits go in; what is true of all that follows comes out: the scale, and what to say.

Each field is looked at until it shows neurons: how wide its somata are, how many of them the
border cuts, whether its images are fit for this at all. `look` changes nothing and needs
nothing but the visit; `take` puts what was found into the order of the visits, so that results
depend on that order alone.
"""

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.analysis import correct, unfit
from livedeath.analysis.scale import SomaScale
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.measures import LevelledFrame, SomaSize, State, below
from livedeath.model.optics import Optics
from livedeath.model.study import Study

SPREAD_LOG_SD = 0.24
"""Log-sd of a soma's diameter, from the quartiles 14.1-19.4 um (eLife 35977)."""

NOTHING_SEEN = SomaSize(math.nan, math.inf, 0)

Estimate = Callable[[Callable[[float], LevelledFrame]], SomaSize]
"""Says how wide somata are in a frame. It is given what levels the frame for somata of a
diameter, camera px."""

MIDDLE_SOMAS, ENOUGH = 30.0, 20
"""Somata are measured in the middle of a frame, so many expected diameters wide, and in all of
it where that shows fewer than so many: each size that is tried costs a segmentation."""

FIELDS = 24
"""Fields of an acquisition in which somata are measured, the first that are visited."""


class Looked(NamedTuple):
    """What one visit of one field showed: its somata, and the faults of each channel's frame."""

    size: SomaSize
    faults: dict[str, tuple[unfit.Fault, ...]]


class FirstLook:
    """What the first visits of a study's fields say.

    Parameters
    ----------
    study : Study
        Channels, optics and settings.
    shown_by : str
        Channel that somata are found on.
    measured : tuple of str
        Channels whose images are looked at.
    estimate : callable, optional
        Says how wide somata are in a frame; None to trust what is told or usual.
    """

    def __init__(
        self,
        study: Study,
        *,
        shown_by: str,
        measured: tuple[str, ...],
        estimate: Estimate | None,
    ) -> None:
        self._study, self._shown_by, self._estimate = study, shown_by, estimate
        self._measured = measured
        self._scales: dict[int, SomaScale] = {}
        self._measures: set[FieldKey] = set()
        self._sized: set[FieldKey] = set()
        self._at_border: dict[FieldKey, int] = {}
        self._faults: dict[str, dict[FieldKey, tuple[unfit.Fault, ...]]] = {}

    def begin(self, field: FieldKey) -> None:
        """Take note of a field, in the order of the visits."""
        of_it = sum(key.acquisition == field.acquisition for key in self._measures)
        if of_it < FIELDS:
            self._measures.add(field)

    def look(self, visit: Visit, labels: NDArray[Any] | None, flat: Any) -> Looked:  # noqa: ANN401
        """Look at a visit of a field that has shown no neurons yet; changes nothing.

        Parameters
        ----------
        visit : Visit
            Its images.
        labels : (Y, X) integer, optional
            Outlines made elsewhere: then these say how wide somata are.
        flat : (Y, X) float32, optional
            Measured flat field of the channel that shows somata.

        Raises
        ------
        FrameError
            If the image that shows somata is no image.
        """
        return Looked(self._size(visit, labels, flat), self._unfit(visit))

    def _size(self, visit: Visit, labels: NDArray[Any] | None, flat: Any) -> SomaSize:  # noqa: ANN401
        if labels is not None:
            return size_of_outlines(labels)
        image, estimate = visit.images.get(self._shown_by), self._estimate
        if image is None or estimate is None or visit.field not in self._measures:
            return NOTHING_SEEN
        optics = self._optics(visit.field.acquisition)
        where = f"{visit.field.name} t={visit.t} {self._shown_by}"
        side = math.ceil(MIDDLE_SOMAS * self._study.analysis.soma_px(optics.pixel_size_um))

        def seen(part: tuple[Any, ...]) -> SomaSize:
            corrected = correct.correct(
                image[part],
                optics.camera,
                flat=None if flat is None else flat[part],
                bit_depth=optics.bit_depth,
                where=where,
            )
            return estimate(partial(correct.level, corrected))

        whole = image.ndim < 2 or max(image.shape[-2:]) <= side
        found = NOTHING_SEEN if whole else seen((..., *_middle(image.shape, side)))
        return found if found.n >= ENOUGH else seen((...,))

    def _unfit(self, visit: Visit) -> dict[str, tuple[unfit.Fault, ...]]:
        optics = self._optics(visit.field.acquisition)
        soma_px = self._study.analysis.soma_px(optics.pixel_size_um)
        found = {}
        for name in self._measured:
            image = visit.images.get(name)
            if image is None or image.dtype.kind not in "uif" or image.ndim not in (2, 3):
                continue
            ceiling = correct.ceiling(image, optics.camera, optics.bit_depth)
            found[name] = unfit.faults(image, soma_px=soma_px, ceiling=ceiling)
        return found

    def take(self, field: FieldKey, looked: Looked) -> float:
        """Take what a visit showed, in the order of the visits.

        Returns
        -------
        float
            Diameter of a typical soma that the field begins with, um.
        """
        scale = self._scale_of(field.acquisition)
        if looked.size.n and field not in self._sized:
            self._sized.add(field)
            scale.push(looked.size)
        for name, faults in looked.faults.items():
            self._faults.setdefault(name, {})[field] = faults
        return scale.diameter_um

    def soma_um(self, acquisition: int) -> float:
        """Return the diameter of a typical soma as it is known now, um."""
        return self._scale_of(acquisition).diameter_um

    def count_border(self, field: FieldKey, somata: int) -> None:
        """Note how many somata the border cuts in the visit in which a field's neurons begin."""
        self._at_border[field] = somata

    @property
    def at_border(self) -> int:
        """Somata that touch the border of a field and are not followed."""
        return sum(self._at_border.values())

    @property
    def scales(self) -> list[dict[str, Any]]:
        """How wide somata are in each acquisition, as JSON values; lengths in micrometres."""
        return [
            {
                "acquisition": number,
                "soma_diameter_um": scale.diameter_um,
                "told_um": scale.told_um,
                "seen_um": scale.seen_um,
                "somata": scale.somata,
                "pixel_size_um": self._optics(number).pixel_size_um,
            }
            for number, scale in self._scales.items()
        ]

    @property
    def warnings(self) -> list[str]:
        """What a person should know before trusting the results, one sentence each."""
        said = [scale.doubt() for scale in self._scales.values()]
        return [sentence for sentence in said if sentence] + [
            sentence
            for channel, fields in self._faults.items()
            for kind in unfit.KINDS
            if (sentence := _said(channel, kind, fields))
        ]

    def state(self) -> State:
        """Return everything that the next visit depends on."""
        state: State = {
            "scales": json.dumps(list(self._scales)),
            "measures": json.dumps(sorted(map(list, self._measures))),
            "sized": json.dumps(sorted(map(list, self._sized))),
            "faults": json.dumps(
                [
                    [
                        channel,
                        [
                            [list(key), [list(fault) for fault in faults]]
                            for key, faults in fields.items()
                        ],
                    ]
                    for channel, fields in self._faults.items()
                ]
            ),
            "border": json.dumps([[list(key), n] for key, n in self._at_border.items()]),
        }
        for number, scale in self._scales.items():
            state |= {f"scale{number}/{name}": value for name, value in scale.state().items()}
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._scales = {}
        for number in json.loads(str(state["scales"])):
            self._scale_of(number).restore(below(state, f"scale{number}/"))
        self._measures = {FieldKey(*names) for names in json.loads(str(state["measures"]))}
        self._sized = {FieldKey(*names) for names in json.loads(str(state["sized"]))}
        self._faults = {
            channel: {
                FieldKey(*key): tuple(unfit.Fault(*one) for one in found) for key, found in fields
            }
            for channel, fields in json.loads(str(state["faults"]))
        }
        border = json.loads(str(state["border"]))
        self._at_border = {FieldKey(*names): int(n) for names, n in border}

    def _optics(self, acquisition: int) -> Optics:
        return self._study.optics.of(acquisition)

    def _scale_of(self, acquisition: int) -> SomaScale:
        if acquisition not in self._scales:
            settings = self._study.analysis
            self._scales[acquisition] = SomaScale(
                settings.soma_diameter_um,
                settings.expected_soma_um,
                self._optics(acquisition).pixel_size_um,
            )
        return self._scales[acquisition]


def _middle(shape: tuple[int, ...], side: int) -> tuple[slice, slice]:
    """Return where the middle of a frame is, at most ``side`` px high and wide."""
    top, left = (max((n - side) // 2, 0) for n in shape[-2:])
    return slice(top, top + side), slice(left, left + side)


def _said(channel: str, kind: str, fields: Mapping[FieldKey, tuple[unfit.Fault, ...]]) -> str:
    """Say that a channel's frames are unfit, and in which fields; empty where they are fit."""
    found = {key: fault for key, faults in fields.items() for fault in faults if fault.kind == kind}
    if not found or (kind in unfit.ABOUT_LIGHT and 2 * len(found) <= len(fields)):
        return ""
    worst = max(found, key=lambda key: found[key].share)
    where = f"in {worst.name}" if len(fields) == 1 else f"in {len(found)} of {len(fields)} fields"
    _, share, value = found[worst]
    return unfit.sentence(kind, channel, where=where, share=share, value=value)


def size_of_outlines(labels: NDArray[Any]) -> SomaSize:
    """Return how wide the outlines of a label image are: discs of their areas, the median.

    Parameters
    ----------
    labels : (Y, X) integer
        0 is background.
    """
    areas = np.unique(labels[labels != 0], return_counts=True)[1]
    if areas.size == 0:
        return NOTHING_SEEN
    diameters = np.sqrt(4.0 / math.pi * areas)
    # The standard error of a median is 1.25 times that of a mean.
    return SomaSize(
        float(np.median(diameters)), 1.25 * SPREAD_LOG_SD / len(areas) ** 0.5, len(areas)
    )
