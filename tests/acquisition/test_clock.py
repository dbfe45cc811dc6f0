import time
from datetime import UTC, datetime, timedelta

import pytest

from livedeath_acquisition.clock import JumpingClock, RealClock


def test_a_jumping_clock_stands_still():
    clock = JumpingClock(2.0)
    assert clock.now_h() == clock.now_h() == 2.0


def test_a_jumping_clock_is_there_at_once_and_never_goes_back():
    clock = JumpingClock()
    clock.wait_until(100.0)
    clock.wait_until(50.0)
    assert clock.now_h() == 100.0


def test_a_real_clock_counts_from_zero():
    clock = RealClock(datetime.now(UTC) - timedelta(hours=3))
    assert clock.now_h() == pytest.approx(3.0, abs=1e-3)


def test_a_real_clock_waits():
    clock = RealClock(datetime.now(UTC))
    before = time.monotonic()
    clock.wait_until(clock.now_h() + 0.1 / 3600)
    assert time.monotonic() - before >= 0.095


def test_a_real_clock_does_not_follow_the_wall_clock(monkeypatch):
    clock = RealClock(datetime.now(UTC))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert clock.now_h() == pytest.approx(0.0, abs=1e-3)
