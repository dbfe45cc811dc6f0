"""When the camera looks, how it focuses, and what happens when something fails."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal, Self, overload

from pydantic import Field, field_validator, model_validator

from livedeath.model.base import Declared, written
from livedeath.model.vessels import Wells

MAX_ROUNDS = 2_000_000
"""Rounds of one study: one a second for 23 days. Nothing that is kept needs more."""


class Window(Declared):
    """Hours in which some wells are visited."""

    wells: Wells
    vessel: str | None = None
    from_h: float = Field(default=0.0, ge=0)
    to_h: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to_h is not None and self.to_h <= self.from_h:
            raise ValueError(
                f"the window closes at {self.to_h:g} h (to_h), before it opens at "
                f"{self.from_h:g} h (from_h); to_h must be later"
            )
        return self


class EvenHours(Sequence[float]):
    """Hours at even distances from 0 on; each is worked out when it is asked for.

    Parameters
    ----------
    interval_h : float
        Distance, hours.
    count : int
        How many.
    """

    def __init__(self, interval_h: float, count: int) -> None:
        self._interval_h = interval_h
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[float, ...]: ...
    def __getitem__(self, index: int | slice) -> float | tuple[float, ...]:
        if isinstance(index, slice):
            return tuple(self[k] for k in range(*index.indices(self._count)))
        if not -self._count <= index < self._count:
            raise IndexError(index)
        return round(index % self._count * self._interval_h, 9)


class Schedule(Declared):
    """When fields are visited: every ``interval_h``, at ``times_h``, or once per session."""

    mode: Literal["interval", "times", "session"] = "interval"
    interval_h: float | None = Field(default=None, gt=0)
    duration_h: float | None = Field(default=None, gt=0)
    times_h: tuple[float, ...] = ()
    start: datetime | None = None
    windows: tuple[Window, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _times_alone_are_a_mode(cls, data: Any) -> Any:  # noqa: ANN401 - pydantic hands anything in
        if isinstance(data, dict) and data.get("times_h") and "interval_h" not in data:
            return {"mode": "times"} | data
        return data

    @field_validator("start", mode="before")
    @classmethod
    def _start_has_a_zone(cls, start: object) -> object:
        """Refuse an hour 0 that another computer would take for another hour."""
        try:
            read = datetime.fromisoformat(start) if isinstance(start, str) else start
        except ValueError:
            read = None
        if read is None and start is None:
            return None
        if not isinstance(read, datetime) or read.tzinfo is None:
            raise ValueError(
                f"{written(start)} is no date and time with its zone; write them without quotes, "
                f"like 2026-03-02T09:00:00+01:00"
            )
        return read

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        """Refuse hours given in two ways, of which one would be ignored, and none at all."""
        even = {"interval_h": self.interval_h, "duration_h": self.duration_h}
        given = [name for name, value in even.items() if value is not None]
        if given and self.times_h:
            raise ValueError(
                f"times_h and {given[0]} are both given, and a schedule goes by times_h, or by "
                f"interval_h and duration_h; leave one out"
            )
        if self.mode == "session" and (given or self.times_h):
            raise ValueError(
                f"{(given or ['times_h'])[0]} is given, but mode 'session' goes by [[sessions]]; "
                f"leave it out, or mode"
            )
        if (self.mode == "interval" and self.times_h) or (self.mode == "times" and given):
            raise ValueError(
                f"mode is {self.mode!r}, but the hours are given as {(given or ['times_h'])[0]}; "
                f"leave mode out"
            )
        if self.mode == "times" and not self.times_h:
            raise ValueError("mode is 'times', but times_h lists no hour; list them")
        missing = [name for name in even if name not in given]
        if self.mode == "interval" and missing:
            raise ValueError(
                f"{missing[0]} is missing; the schedule needs interval_h and duration_h, or times_h"
            )
        return self

    @model_validator(mode="after")
    def _times_increase(self) -> Self:
        for before, after in pairwise(self.times_h):
            if after <= before:
                raise ValueError(f"times_h goes from {before} to {after}; hours must increase")
        if self.times_h and self.times_h[0] < 0:
            raise ValueError(f"times_h starts at {self.times_h[0]}; hours count from 0")
        return self

    @model_validator(mode="after")
    def _rounds_can_be_counted(self) -> Self:
        """Refuse by arithmetic what nobody could enumerate, and what is one round only."""
        if self.interval_h is None or self.duration_h is None:
            return self
        if self.duration_h < self.interval_h * (1 - 1e-9):
            raise ValueError(
                f"duration_h is {self.duration_h:g}, shorter than interval_h, {self.interval_h:g}; "
                f"lengthen it, or give the hours as times_h"
            )
        rounds = self.duration_h / self.interval_h
        if rounds > MAX_ROUNDS:
            raise ValueError(
                f"interval_h is {self.interval_h:g} and duration_h {self.duration_h:g}, which are "
                f"{rounds:.3g} rounds; at most {MAX_ROUNDS:,} can be planned; both are in hours"
            )
        return self

    def hours(self) -> Sequence[float]:
        """Return the hours of all rounds, of which none is worked out yet.

        Empty in mode ``session``.
        """
        if self.mode == "times":
            return self.times_h
        if self.interval_h is None or self.duration_h is None:
            return ()
        return EvenHours(self.interval_h, int(self.duration_h / self.interval_h + 1e-9) + 1)


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
        if any(b <= a for a, b in pairwise(self.planes_um)):
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
