"""Each trap of pycromanager that concerns us, as a test of our guard against it."""

import time

import numpy as np
import pytest

from livedeath_acquisition.microscope import ExposureError, HungError


def take(bench, study, visit, planned, channel="RFP", **changes):
    return bench.acquire(planned(study, visit, channel, **changes))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("camera_error", "camera was lost"),
        ("camera_timeout", "no image in time"),
        ("stage_error", "Error executing event"),
        ("stage_lies", "away from"),
    ],
)
def test_a_failed_event_is_one_clear_failure(bench, study, visits, planned, fault, said):
    # pycromanager only prints it; an engine that loses frames ends "normally".
    bench.bench.faults[fault] = 6
    with pytest.raises(ExposureError, match=said):
        take(bench, study, visits[1], planned)


def test_a_jammed_filter_is_one_clear_failure(bench, study, visits, planned):
    take(bench, study, visits[0], planned, "RFP")
    bench.bench.faults["filter_error"] = 100
    with pytest.raises(ExposureError):
        take(bench, study, visits[0], planned, "GEDI")


@pytest.mark.parametrize("fault", ["camera_error", "camera_timeout", "stage_error", "stage_lies"])
def test_after_a_failure_the_next_frame_is_the_right_one(bench, study, visits, planned, fault):
    # Elsewhere one failed snap shifts every later frame by one.
    bench.bench.faults[fault] = 6
    with pytest.raises(ExposureError):
        take(bench, study, visits[1], planned)
    bench.bench.faults.clear()
    for attempt, visit in enumerate(visits, start=1):
        exposure = take(bench, study, visit, planned, attempt=attempt)
        assert exposure.image[1, 0] == 1 + visit.t
        assert exposure.image[0, 0] == round(visit.x_um / 100)


def test_a_failed_move_is_never_saved_at_the_old_place(bench, study, visits, planned):
    take(bench, study, visits[0], planned)
    exposures = bench.bench.scene.exposures
    bench.bench.faults["stage_error"] = 6
    with pytest.raises(ExposureError):
        take(bench, study, visits[1], planned)
    assert bench.bench.scene.exposures == exposures


def test_a_frame_that_comes_too_late_does_not_answer_for_the_next(bench, study, visits, planned):
    bench.bench.slow_s = 1.3
    bench.bench.faults["camera_slow"] = 1
    with pytest.raises(ExposureError, match="no image within"):
        take(bench, study, visits[0], planned)
    exposure = take(bench, study, visits[6], planned)
    assert exposure.image[1, 0] == 1 + visits[6].t


def test_an_answer_of_another_attempt_is_dropped(bench, study, visits, planned):
    stale = {"Axes": {"time": 0, "attempt": 0}}
    bench._scope._driver._take(np.full((32, 48), 999, np.uint16), stale)
    assert take(bench, study, visits[0], planned, attempt=1).image[1, 0] == 1


def test_what_receives_images_never_raises(bench, study, visits, planned):
    # An exception in a hook ends a run that then reports "completed".
    assert bench._scope._driver._take(None, None) is None
    assert take(bench, study, visits[0], planned).image[1, 0] == 1


def test_a_camera_without_pixels_does_not_spin_for_ever(bench, study, visits, planned, monkeypatch):
    # The engine asks again, a million times a second, while getImage raises.
    def no_pixels(*_, **__):
        raise RuntimeError("the image cannot be read")

    monkeypatch.setattr(bench._scope._core, "getImage", no_pixels)
    with pytest.raises(ExposureError, match="cannot be read"):
        take(bench, study, visits[0], planned)


def test_the_shutter_opens_for_a_python_camera_and_closes_again(bench, study, visits, planned):
    assert take(bench, study, visits[0], planned).image[1, 0] != 0
    assert not bench.bench.open


def test_the_shutter_closes_after_a_failed_exposure(bench, study, visits, planned):
    bench.bench.faults["camera_error"] = 1
    with pytest.raises(ExposureError):
        take(bench, study, visits[0], planned)
    assert not bench.bench.open


def test_a_hung_call_is_noticed_in_time(study, visits, planned, tmp_path):
    # In a process of its own: nothing but its end releases the thread.
    import subprocess
    import sys

    script = tmp_path / "hang.py"
    script.write_text(HANG, encoding="utf-8")
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert "did not answer within" in ended.stdout, ended.stderr


HANG = """
import os, sys
from livedeath.model.plan import plan
from livedeath.model.study import Study
from livedeath_acquisition import devices, simulated
from livedeath_acquisition.microscope import HungError, PlannedFrame
import numpy as np

class Scene:
    dtype = np.uint16
    def shape(self, frame): return (32, 48)
    def expose(self, view): return np.zeros((32, 48), np.uint16)

study = Study.from_toml('''
title = "t"
vessels = [{id = "p1"}]
channels = [{name = "RFP", role = "fill", exposure_ms = 5}]
optics = {pixel_size_um = 1.0, image_shape_px = [32, 48]}
schedule = {times_h = [0.0]}
policies = {frame_deadline_s = 0.3}
''')
visit = plan(study).visits[0]
scope = simulated.BenchMicroscope(study, Scene())
scope.open()
scope.bench.faults["camera_hang"] = 1
key = next(visit.frames())
try:
    scope.acquire(PlannedFrame(key, 0.0, "", 0.0, 0.0, 0.0, "Channel", "RFP", 5.0))
except HungError as error:
    print(error, flush=True)
os._exit(0)
"""


def test_two_presets_of_the_same_settings_are_both_in_place(study):
    from livedeath_acquisition.core import preset_in_place

    class Setting:
        getDeviceLabel = staticmethod(lambda: "Filter")
        getPropertyName = staticmethod(lambda: "Label")
        getPropertyValue = staticmethod(lambda: "A")

    class Settings:
        size = staticmethod(lambda: 1)
        getSetting = staticmethod(lambda index: Setting)

    class TwinCore:
        now = "A"
        getCurrentConfig = staticmethod(lambda group: "first")
        getConfigData = staticmethod(lambda group, preset, native: Settings)

        def getProperty(self, device, name):
            return self.now

    core = TwinCore()
    assert preset_in_place(core, "Channel", "second") == "second"
    core.now = "B"
    assert preset_in_place(core, "Channel", "second") == "first"


def test_engines_can_be_started_again_in_one_process(study, visits, planned):
    # pycromanager keeps the dead core: "Camera byte depth cannot be zero".
    from livedeath_acquisition.simulated import BenchMicroscope

    for _ in range(3):
        microscope = BenchMicroscope(study, _FlatScene())
        microscope.open()
        assert microscope.acquire(planned(study, visits[0], "RFP")).image[0, 0] == 7
        microscope.close()


class _FlatScene:
    dtype = np.uint16

    def shape(self, frame):
        return (32, 48)

    def expose(self, view):
        return np.full((32, 48), 7, np.uint16)


def test_many_frames_are_taken_without_needless_waits(bench, study, visits, planned):
    start = time.perf_counter()
    for attempt in range(100):
        take(bench, study, visits[attempt % 8], planned, attempt=attempt)
    # 550 frames/s at 512 x 512 on two cores; a forgotten sleep of 50 ms would show.
    assert time.perf_counter() - start < 4.0


def test_hung_is_not_an_exposure_that_may_be_tried_again():
    assert not issubclass(HungError, ExposureError)


def test_pymmcore_plus_keeps_no_log_in_the_home(bench):
    # Its documented switch opens the usual file all the same.
    import logging.handlers
    import os

    from pymmcore_plus import _logger

    assert _logger.LOG_FILE is None
    to_files = logging.handlers.RotatingFileHandler
    log = logging.getLogger("pymmcore-plus")
    assert not [one for one in log.handlers if isinstance(one, to_files)]
    assert not {"PYMM_LOG_FILE", "PYTEST_RUNNING"} & set(os.environ)


@pytest.fixture
def naps(monkeypatch):
    """Return how long the driver slept, instead of sleeping."""
    from livedeath_acquisition import core

    slept = []
    monkeypatch.setattr(core.time, "sleep", slept.append)
    return slept


def settling(study):
    return study.replace(policies=study.policies.replace(settle_ms=123.0))


def test_a_long_move_settles_and_a_short_one_does_not(study, visits, planned, naps):
    from livedeath_acquisition.simulated import BenchMicroscope

    microscope = BenchMicroscope(settling(study), _FlatScene())
    microscope.open()
    naps.clear()
    for x_um in (0.0, 1000.0, 2001.0, 2001.0):
        microscope.acquire(planned(study, visits[0], "RFP", x_um=x_um, y_um=0.0))
    assert naps.count(0.123) == 1
    microscope.close()


def test_a_move_that_fails_while_settling_is_one_failure(study, visits, planned):
    from livedeath_acquisition.simulated import BenchMicroscope

    microscope = BenchMicroscope(settling(study), _FlatScene())
    microscope.open()
    microscope.bench.faults["stage_error"] = 1
    with pytest.raises(ExposureError, match="stage refused"):
        microscope.acquire(planned(study, visits[1], "RFP"))
    assert microscope.acquire(planned(study, visits[1], "RFP", attempt=1)).image[0, 0] == 7
    microscope.close()


def test_a_stage_that_cannot_be_read_is_one_failure(bench, study, visits, planned, monkeypatch):
    def lost():
        raise RuntimeError("the stage was unplugged")

    monkeypatch.setattr(bench._scope._core, "getXYPosition", lost)
    with pytest.raises(ExposureError, match="unplugged"):
        take(bench, study, visits[0], planned)
