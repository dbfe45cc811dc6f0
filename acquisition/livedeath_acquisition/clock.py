"""Clocks that count a study's hours: the real one, and one that jumps.

Both answer ``now_h`` and ``wait_until``. The real clock starts from the hour the journal
says and then runs on the machine's monotonic clock, so that a corrected wall clock cannot
move a schedule.
"""

import time
from datetime import UTC, datetime
from typing import Protocol

# Longest sleep between two looks at the clock; a suspended laptop sleeps through more.
_NAP_S = 5.0


class Clock(Protocol):
    """Hours since the study's start."""

    def now_h(self) -> float:
        """Return the hours since the study's start."""

    def wait_until(self, time_h: float) -> None:
        """Return once ``now_h() >= time_h``."""


class JumpingClock:
    """A clock that stands still until somebody waits, and is there at once.

    Parameters
    ----------
    now_h : float
        Where it stands, hours.
    """

    def __init__(self, now_h: float = 0.0) -> None:
        self._now_h = now_h

    def now_h(self) -> float:
        """Return where the clock stands, hours."""
        return self._now_h

    def wait_until(self, time_h: float) -> None:
        """Jump forward to an hour; never goes back."""
        self._now_h = max(self._now_h, time_h)


class RealClock:
    """The hours that have passed since a study's start.

    Parameters
    ----------
    zero : datetime
        When hour 0 was; without a time zone it is local time.
    """

    def __init__(self, zero: datetime) -> None:
        passed_s = (datetime.now(UTC) - zero.astimezone(UTC)).total_seconds()
        self._offset_s = passed_s - time.monotonic()

    def now_h(self) -> float:
        """Return the hours since the study's start."""
        return (time.monotonic() + self._offset_s) / 3600.0

    def wait_until(self, time_h: float) -> None:
        """Sleep until an hour."""
        while (left_s := (time_h - self.now_h()) * 3600.0) > 0:
            time.sleep(min(left_s, _NAP_S))
