"""Optics, camera and channels: what the microscope is told and what its numbers mean."""

import re
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from livedeath.model.base import Declared, numbered, written
from livedeath.model.vessels import Wells

MIN_SIDE_PX = 16
"""Shortest side of a frame, pixels; a soma is about as wide."""

MAX_SIDE_PX = 65_536
"""Longest side of a frame, pixels; stitched mosaics of a whole well stay below."""

Role = Literal["fill", "indicator", "dye", "marker", "payload", "nucleus", "transmitted"]


NOT_IN_A_FILE_NAME = re.compile(r'[<>:"/\\|?*,]|[\x00-\x1f]')
"""Characters that Windows allows in no file's name, and the comma of a CSV."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def name_fault(name: str) -> str:
    """Say why a channel cannot be called so; empty if it can.

    Parameters
    ----------
    name : str
        It becomes a column of the traces and part of files' names, on Windows too.
    """
    if not name.strip():
        return "is blank"
    found = NOT_IN_A_FILE_NAME.search(name)
    if found:
        return f"holds {found[0]!r}, which no file's name may hold"
    if name != name.strip():
        return "begins or ends with a blank"
    if name.endswith("."):
        return "ends with a point, which no file's name may"
    return "is no name for a file on Windows" if _DEVICES.fullmatch(name) else ""


def _two_sides(shape: Any) -> Any:  # noqa: ANN401 - whatever was written
    """Refuse a list of other than two sides; what else may be wrong is asked later."""
    if isinstance(shape, (list, tuple)) and len(shape) != 2:
        sides = [side for side in shape if isinstance(side, int) and side >= MIN_SIDE_PX][-2:]
        like = sides if len(sides) == 2 else [2048, 2048]
        raise ValueError(
            f"{written(shape)} is no frame; write its rows and columns only, like {like}"
        )
    return shape


class Camera(Declared):
    """The camera's calibration; what is unknown stays empty and the data say so."""

    offset_adu: float | None = Field(default=None, ge=0)
    gain_e_per_adu: float | None = Field(default=None, gt=0)
    read_noise_e: float | None = Field(default=None, ge=0)
    saturation_adu: float | None = Field(default=None, gt=0)


class CalibrationFile(Declared):
    """A measured dark, flat or crosstalk file of a channel, named by its content."""

    channel: str
    kind: Literal["dark", "flat", "crosstalk"]
    path: str
    sha256: str = Field(pattern=r"^[0-9a-fA-F]{64}$")

    @field_validator("path")
    @classmethod
    def _backslashes_stay(cls, path: str) -> str:
        if not path.isprintable():
            raise ValueError(
                f"{path!r} is no path, a backslash in it was read as a control character; "
                f"write it in single quotes, or with /"
            )
        return path


class OpticsChange(Declared):
    """From ``at_h`` on other optics; every vessel's acquisition number goes up by one."""

    at_h: float = Field(gt=0)
    objective: str | None = None
    binning: int | None = Field(default=None, ge=1)
    pixel_size_um: float | None = Field(default=None, gt=0)
    image_shape_px: tuple[int, int] | None = None
    why: str = ""

    _not_here: ClassVar[dict[str, str]] = dict.fromkeys(
        ("vessel", "vessels", "wells", "channel", "channels"),
        "a change of optics is one of the whole microscope, for every vessel, well and channel; "
        "leave it out",
    )
    _whole_shape = field_validator("image_shape_px", mode="before")(_two_sides)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        said = self.model_fields_set - {"at_h", "why"}
        if all(getattr(self, name) is None for name in said):
            raise ValueError(
                f"nothing changes at {self.at_h:g} h; say what does: objective, binning, "
                f"pixel_size_um or image_shape_px"
            )
        if self.binning is not None and self.pixel_size_um is None:
            raise ValueError(
                f"binning becomes {self.binning} at {self.at_h:g} h, and pixel_size_um stays; "
                f"give the new size of a pixel, binning included"
            )
        return self


class Optics(Declared):
    """Objective, pixel size and frame."""

    pixel_size_um: float = Field(gt=0, le=100)
    image_shape_px: tuple[int, int] = (2048, 2048)
    bit_depth: Literal[8, 12, 14, 16] = 16
    objective: str = ""
    binning: int = Field(default=1, ge=1)
    camera: Camera = Field(default_factory=Camera)
    files: tuple[CalibrationFile, ...] = ()
    changes: tuple[OpticsChange, ...] = ()

    _whole_shape = field_validator("image_shape_px", mode="before")(_two_sides)

    @field_validator("image_shape_px")
    @classmethod
    def _frame_has_pixels(cls, shape: tuple[int, int]) -> tuple[int, int]:
        if min(shape) < MIN_SIDE_PX or max(shape) > MAX_SIDE_PX:
            raise ValueError(
                f"a frame of {shape[0]} x {shape[1]} px cannot be; allowed are sides of "
                f"{MIN_SIDE_PX} to {MAX_SIDE_PX} px, rows first"
            )
        return shape

    @model_validator(mode="after")
    def _camera_fits_its_depth(self) -> Self:
        top = 2**self.bit_depth - 1
        offset, saturation = self.camera.offset_adu, self.camera.saturation_adu
        for name, value in (("offset_adu", offset), ("saturation_adu", saturation)):
            if value is not None and value > top:
                raise ValueError(
                    f"camera.{name} is {value:g}, but a pixel of {self.bit_depth} bits goes up to "
                    f"{top}; mend it or bit_depth"
                )
        if offset is not None and saturation is not None and saturation <= offset:
            raise ValueError(
                f"camera.saturation_adu is {saturation:g}, below the dark pixel of offset_adu, "
                f"{offset:g}; it must be above"
            )
        return self

    @field_validator("changes")
    @classmethod
    def _changes_in_order(cls, changes: tuple[OpticsChange, ...]) -> tuple[OpticsChange, ...]:
        for before, after in pairwise(changes):
            if after.at_h == before.at_h:
                raise ValueError(f"at_h {after.at_h:g} stands there twice; join the two")
            if after.at_h < before.at_h:
                raise ValueError(
                    f"at_h {after.at_h:g} comes after {before.at_h:g}; write them in increasing "
                    f"order"
                )
        return changes

    @model_validator(mode="after")
    def _changed_optics_are_possible(self) -> Self:
        for number, change in enumerate(self.changes, start=1):
            try:
                self.of(number)
            except ValidationError as error:
                fault = error.errors(include_url=False)[0]
                said = str(fault["msg"]).removeprefix("Value error, ")
                where = f"{numbered('changes', number - 1)}.{'.'.join(map(str, fault['loc']))}"
                raise ValueError(
                    f"{where} at {change.at_h:g} h: {said[:1].lower()}{said[1:]}"
                ) from None
        return self

    def acquisition_at(self, time_h: float) -> int:
        """Return the number of the acquisition in force at a time, from 0."""
        return sum(change.at_h <= time_h for change in self.changes)

    def of(self, acquisition: int) -> "Optics":
        """Return the optics in force during an acquisition, without further changes."""
        now = self.model_dump(exclude={"changes"})
        for change in self.changes[:acquisition]:
            said = change.model_dump(exclude={"at_h", "why"}, exclude_none=True)
            now.update(said)
        return Optics.model_validate(now)

    @property
    def frame_um(self) -> tuple[float, float]:
        """Height and width of one frame, micrometres."""
        height, width = self.image_shape_px
        return height * self.pixel_size_um, width * self.pixel_size_um

    @property
    def frame_bytes(self) -> int:
        """Size of one frame before compression, bytes."""
        height, width = self.image_shape_px
        return height * width * (1 if self.bit_depth == 8 else 2)


class Channel(Declared):
    """One channel: its role, light and exposure, and the preset that selects it."""

    name: str
    role: Role
    exposure_ms: float = Field(gt=0, le=600_000)
    light_percent: float = Field(default=100.0, ge=0, le=100)
    every: int = Field(default=1, ge=1, description="Taken at every nth visit.")
    wells: Wells = ()
    group: str = "Channel"
    preset: str = ""
    note: str = ""

    @field_validator("name")
    @classmethod
    def _can_be_a_column_and_a_file(cls, name: str) -> str:
        if name_fault(name):
            ours = NOT_IN_A_FILE_NAME.sub("_", name).strip(" .")
            like = "GFP" if name_fault(ours) else ours
            raise ValueError(
                f"{name!r} {name_fault(name)}; name is livedeath's own and stands in tables and "
                f"file names: write name = {like!r}, and as preset the microscope's own name"
            )
        return name

    @property
    def preset_name(self) -> str:
        """The Micro-Manager preset of ``group`` that selects this channel."""
        return self.preset or self.name
