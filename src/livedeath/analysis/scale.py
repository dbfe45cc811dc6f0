"""How wide somata look in the first visit of each field goes in; the analysis's scale comes out.

Everything in the image core is measured in soma diameters. Where nobody told how wide a soma
is, the first visit of each field that shows any says it, all fields of an acquisition together
and in the order of their visits; a field keeps the scale that it began with. A few somata
hardly move what is usual of neurons, a field full of them decides. What was told is taken as
it was told, and held against what is seen: a wrong pixel size shows itself here. Nothing here
looks at an image.
"""

import math
from collections.abc import Mapping
from typing import Any

from livedeath.model.measures import SomaSize

USUAL_LOG_SD = 0.35
"""How far a study's typical soma lies from the usual one, log-sd: twice or half is 2 of them."""

FIELD_LOG_SD = 0.1
"""Error that one frame's estimate has, however many somata it shows: focus, dye, outlines;
chosen."""

HOLDS = 0.1
"""A scale is given up only for one that differs by more than this, as a ln: nearly all fields
of a study then have the same."""

DISAGREE = 1.5
"""From this ratio on, told and seen disagree."""

SURE = 2.0
"""And by so many standard deviations of what is seen: a lone soma may be a large one."""


class SomaScale:
    """Says how wide a soma is in one acquisition.

    Parameters
    ----------
    told_um : float or None
        What the user says; None to estimate it.
    usual_um : float
        What is expected before any soma was seen.
    pixel_um : float
        Size of a camera pixel.

    Notes
    -----
    The estimates' logarithms are averaged with the inverse of their variances, the usual one
    among them with a log-sd of `USUAL_LOG_SD`.
    """

    def __init__(self, told_um: float | None, usual_um: float, pixel_um: float) -> None:
        self.told_um = told_um
        self.diameter_um = usual_um if told_um is None else told_um
        """In force for fields that begin now, um."""
        self.somata = 0
        """Number of somata that were measured."""
        self._usual_um = usual_um
        self._pixel_um = pixel_um
        self._weight = self._sum = 0.0

    def push(self, seen: SomaSize) -> None:
        """Take what one field's first visit shows; a frame without somata says nothing."""
        if seen.n == 0:
            return
        weight = 1.0 / (seen.log_sd**2 + FIELD_LOG_SD**2)
        self._weight += weight
        self._sum += weight * math.log(seen.diameter_px * self._pixel_um)
        self.somata += seen.n
        if self.told_um is None:
            prior = USUAL_LOG_SD**-2
            mean = (self._sum + prior * math.log(self._usual_um)) / (self._weight + prior)
            if abs(mean - math.log(self.diameter_um)) > HOLDS:
                self.diameter_um = math.exp(mean)

    @property
    def seen_um(self) -> float | None:
        """What the somata alone say, um; None before any was seen."""
        return math.exp(self._sum / self._weight) if self._weight else None

    def doubt(self) -> str:
        """Say that told (or usual) and seen disagree; empty where they do not."""
        if self.seen_um is None:
            return ""
        expected = self._usual_um if self.told_um is None else self.told_um
        away = abs(math.log(self.seen_um / expected))
        if away < max(math.log(DISAGREE), SURE * self._weight**-0.5):
            return ""
        seen = f"somata look {self.seen_um:.3g} um wide ({self.somata} measured)"
        pixel = f"the pixel size of {self._pixel_um:g} um"
        if self.told_um is None:
            return (
                f"{seen}, those of neurons are about {expected:g} um: check {pixel}, and if it is "
                f"right say so with a soma diameter of {self.seen_um:.2g} um"
            )
        return (
            f"{seen}, but were told to be {expected:g} um: check {pixel}, or leave the soma "
            f"diameter out and it is estimated"
        )

    def state(self) -> dict[str, Any]:
        """Return everything that the next field depends on."""
        return {
            "diameter_um": self.diameter_um,
            "somata": self.somata,
            "weight": self._weight,
            "sum": self._sum,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.diameter_um, self.somata = float(state["diameter_um"]), int(state["somata"])
        self._weight, self._sum = float(state["weight"]), float(state["sum"])
