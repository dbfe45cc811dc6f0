"""When the camera looks, how it focuses, and what happens when something fails."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field, model_validator

from livedeath.model.base import Declared


class Window(Declared):
    """Hours in which some wells are visited."""

    wells: tuple[str, ...]
    vessel: str | None = None
    from_h: float = Field(default=0.0, ge=0)
    to_h: float | None = None


class Schedule(Declared):
    """When fields are visited: every ``interval_h``, at ``times_h``, or once per session."""

    mode: Literal["interval", "times", "session"] = "interval"
    interval_h: float | None = Field(default=None, gt=0)
    duration_h: float | None = Field(default=None, gt=0)
    times_h: tuple[float, ...] = ()
    start: datetime | None = None
    windows: tuple[Window, ...] = ()

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.times_h and self.mode == "interval" and self.interval_h is None:
            return self.model_copy(update={"mode": "times"})
        if self.mode == "interval" and (self.interval_h is None or self.duration_h is None):
            raise ValueError("the schedule needs interval_h and duration_h, or times_h")
        if self.mode == "times" and not self.times_h:
            raise ValueError("the schedule has mode 'times' but no times_h; list the hours")
        return self

    @model_validator(mode="after")
    def _times_increase(self) -> Self:
        for before, after in zip(self.times_h, self.times_h[1:], strict=False):
            if after <= before:
                raise ValueError(f"times_h goes from {before} to {after}; hours must increase")
        if self.times_h and self.times_h[0] < 0:
            raise ValueError(f"times_h starts at {self.times_h[0]}; hours count from 0")
        return self

    def hours(self) -> tuple[float, ...]:
        """Return the hours of all rounds; empty in mode ``session``."""
        if self.mode == "times":
            return self.times_h
        if self.interval_h is None or self.duration_h is None:
            return ()
        rounds = int(self.duration_h / self.interval_h + 1e-9) + 1
        return tuple(round(k * self.interval_h, 9) for k in range(rounds))


class Focus(Declared):
    """How the focus is kept, and the planes taken at each visit."""

    method: Literal["none", "hardware", "sweep", "map"] = "none"
    channel: str | None = None
    range_um: float = Field(default=20.0, gt=0)
    step_um: float = Field(default=2.0, gt=0)
    every: int = Field(default=1, ge=1, description="Focused at every nth round.")
    planes_um: tuple[float, ...] = Field(default=(0.0,), min_length=1)

    @model_validator(mode="after")
    def _planes_rise(self) -> Self:
        if any(b <= a for a, b in zip(self.planes_um, self.planes_um[1:], strict=False)):
            raise ValueError(f"planes_um is {list(self.planes_um)}; planes must rise")
        return self


class Policies(Declared):
    """What is done when the hardware fails; nothing is decided at three in the morning."""

    tries: int = Field(default=3, ge=1, le=20)
    frame_deadline_s: float = Field(default=30.0, gt=0)
    after_failure: Literal["skip", "pause", "stop"] = "skip"
    missed_in_a_row: int = Field(
        default=20, ge=1, description="So many missed frames in a row and the hardware gave up."
    )
    disk_floor_gb: float = Field(default=1.0, ge=0)
    settle_ms: float = Field(default=0.0, ge=0)
    move_s: float = Field(
        default=0.5, ge=0, description="Measured time of a move, for the dry run."
    )


class Light(Declared):
    """How much light a field may get."""

    budget_ms_per_field: float | None = Field(default=None, gt=0)
    irradiance_mw_per_cm2: float | None = Field(default=None, gt=0)


class EndKill(Declared):
    """At the end every well is killed, and the study measures its own sensitivity."""

    at_h: float = Field(gt=0)
    compound: str = ""
    dose: float | None = Field(default=None, ge=0)
    unit: str = ""
    wells: tuple[str, ...] = ()
    vessel: str | None = None


class Exclusion(Declared):
    """Wells that count no longer, from an hour on, with the reason."""

    wells: tuple[str, ...] = Field(min_length=1)
    vessel: str | None = None
    from_h: float = Field(default=0.0, ge=0)
    why: str = Field(min_length=1)


class Comparison(Declared):
    """What is compared with what, decided before the first call."""

    name: str = ""
    factor: Literal["arm", "population", "genotype"] = "arm"
    control: str
    treated: tuple[str, ...] = ()
    unit: str = "well"
    block: str | None = None
    origin: str = Field(default="study", description="'study', or the arm whose start counts as 0.")
    endpoint: Literal["indicator_rise", "loss_of_fill", "permeabilisation"] = "indicator_rise"
    horizon_h: float | None = Field(default=None, gt=0)
    covariates: tuple[str, ...] = ()
    family: str = ""
