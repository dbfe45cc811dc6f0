"""Vessels: plates, dishes, slices and windows, and the fields the camera visits there."""

import math
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from livedeath.errors import StudyError
from livedeath.model.base import Declared
from livedeath.model.plate import (
    corners,
    expand,
    expand_inside,
    row_column,
    well_centre_um,
    well_name,
)

VesselFormat = Literal[
    "6-well", "12-well", "24-well", "48-well", "96-well", "384-well", "dish", "slice", "window"
]


def _well_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        try:
            corners(pattern)
        except StudyError as error:
            raise ValueError(str(error)) from None
    return patterns


Wells = Annotated[tuple[str, ...], AfterValidator(_well_patterns)]
"""Wells as they are written: names, blocks such as ``B2:D5``, or ``all``."""


def canonical_well(well: str) -> str:
    """Return a well's name as it stands everywhere else: ``B3`` for ``b03``.

    Raises
    ------
    ValueError
        If it is no well name.
    """
    try:
        return well_name(*row_column(well))
    except StudyError as error:
        raise ValueError(str(error)) from None


class Site(Declared):
    """One field declared by its place, in the vessel's frame (origin: centre of A1)."""

    x_um: float
    y_um: float
    z_um: float | None = Field(
        default=None, description="Height of the focus drive; none: where the drive stands."
    )
    well: str = "A1"

    @field_validator("well")
    @classmethod
    def _one_well(cls, well: str) -> str:
        return canonical_well(well)


class Vessel(Declared):
    """A plate, dish, slice or cranial window."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    format: VesselFormat = "96-well"
    wells: Wells = ()
    fields_per_well: int = Field(default=1, ge=1, le=100)
    field_overlap: float = Field(default=0.0, ge=0, lt=0.9)
    sites: tuple[Site, ...] = ()
    origin_um: tuple[float, float] = Field(
        default=(0.0, 0.0), description="(y, x) of the centre of A1 in the stage's coordinates."
    )
    note: str = ""

    @model_validator(mode="after")
    def _wells_exist(self) -> Self:
        """Refuse wells outside the vessel, and sites beside declared wells."""
        try:
            inside = self.expand(self.wells)
            for site in self.sites:
                self.expand((site.well,))
        except StudyError as error:
            raise ValueError(f"{self.id!r}: {error}; mend the well or the format") from None
        stray = [site.well for site in self.sites if inside and site.well not in inside]
        if stray:
            raise ValueError(
                f"vessel {self.id!r} has a site in {stray[0]}, which is not among its wells; add "
                f"the well, or leave wells out"
            )
        return self

    def expand(self, patterns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the wells that patterns such as ``A1:B6`` or ``all`` name here."""
        return expand(patterns, self.format)

    def has(self, patterns: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the wells that patterns name which this vessel has."""
        return expand_inside(patterns, self.format)

    def n_fields(self, well: str) -> int:
        """Return how many fields a visited well has."""
        return len(self._sites_in(well)) or self.fields_per_well

    def field_centres_um(self, well: str, step_um: tuple[float, float]) -> list[tuple[float, ...]]:
        """Return (y, x, z) of every field of a well in the vessel's frame.

        Where no height is declared z is 0 and counts from where the focus drive stands; see
        `declares_height`.

        Parameters
        ----------
        well : str
            Name of the well.
        step_um : (float, float)
            Height and width of one frame, micrometres.
        """
        own = self._sites_in(well)
        if own:
            return [(site.y_um, site.x_um, site.z_um or 0.0) for site in own]
        y0, x0 = well_centre_um(well, self.format)
        scale = 1.0 - self.field_overlap
        return [
            (y0 + dy * step_um[0] * scale, x0 + dx * step_um[1] * scale, 0.0)
            for dy, dx in _block(self.fields_per_well)
        ]

    def declares_height(self, well: str, index: int) -> bool:
        """Return whether the nth field of a well has a height of its own for the focus drive."""
        own = self._sites_in(well)
        return bool(own) and own[index].z_um is not None

    def _sites_in(self, well: str) -> list[Site]:
        return [site for site in self.sites if site.well == well]


def _block(count: int) -> list[tuple[float, float]]:
    """Return ``count`` offsets of a centred block, row by row, in steps of one frame."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    places = [
        (r - (rows - 1) / 2, c - (columns - 1) / 2) for r in range(rows) for c in range(columns)
    ]
    return places[:count]


class Session(Declared):
    """A stay of a vessel on the stage, from loading to removal."""

    id: str
    vessel: str
    loaded_h: float = Field(ge=0)
    removed_h: float | None = None
    note: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.removed_h is not None and self.removed_h <= self.loaded_h:
            raise ValueError(
                f"session {self.id!r} is removed at {self.removed_h} h, before it is loaded at "
                f"{self.loaded_h} h; removed_h must be later"
            )
        return self
