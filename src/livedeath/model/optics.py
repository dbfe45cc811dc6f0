"""Optics, camera and channels: what the microscope is told and what its numbers mean."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from livedeath.model.base import Declared

Role = Literal["fill", "indicator", "dye", "marker", "payload", "nucleus", "transmitted"]


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


class OpticsChange(Declared):
    """From ``at_h`` on other optics; every vessel's acquisition number goes up by one."""

    at_h: float = Field(gt=0)
    objective: str | None = None
    binning: int | None = Field(default=None, ge=1)
    pixel_size_um: float | None = Field(default=None, gt=0)
    image_shape_px: tuple[int, int] | None = None
    why: str = ""


class Optics(Declared):
    """Objective, pixel size and frame."""

    pixel_size_um: float = Field(gt=0, le=100)
    image_shape_px: tuple[int, int] = (2048, 2048)
    bit_depth: Literal[8, 12, 14, 16] = 16
    objective: str = ""
    binning: int = Field(default=1, ge=1)
    camera: Camera = Camera()
    files: tuple[CalibrationFile, ...] = ()
    changes: tuple[OpticsChange, ...] = ()

    @field_validator("image_shape_px")
    @classmethod
    def _frame_has_pixels(cls, shape: tuple[int, int]) -> tuple[int, int]:
        if min(shape) < 16:
            raise ValueError(f"a frame of {shape} px is too small; allowed from 16 x 16")
        return shape

    @model_validator(mode="after")
    def _changes_in_order(self) -> Self:
        times = [change.at_h for change in self.changes]
        if times != sorted(set(times)):
            raise ValueError(f"optics.changes are at {times} h; write them in increasing order")
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

    name: str = Field(pattern=r"^[^\s,/\\][^,/\\]*$")
    role: Role
    exposure_ms: float = Field(gt=0, le=600_000)
    light_percent: float = Field(default=100.0, ge=0, le=100)
    every: int = Field(default=1, ge=1, description="Taken at every nth visit.")
    wells: tuple[str, ...] = ()
    group: str = "Channel"
    preset: str = ""
    note: str = ""

    @property
    def preset_name(self) -> str:
        """The Micro-Manager preset of ``group`` that selects this channel."""
        return self.preset or self.name
