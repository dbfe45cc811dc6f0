"""What every microscope promises, over each that there is."""

import gc
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile

from livedeath.errors import HardwareError, StudyError
from livedeath.model.plan import plan
from livedeath.model.study import Study
from livedeath_acquisition.clock import RealClock
from livedeath_acquisition.microscope import ExposureError, mismatch

# The library of Micro-Manager's bridge leaves its socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:Exception ignored in. <function Socket:pytest.PytestUnraisableExceptionWarning"
)

DEMO_STUDY = """
title = "on a real core"
[[vessels]]
id = "p1"
format = "dish"
sites = [{ x_um = 0.0, y_um = 0.0 }, { x_um = 120.0, y_um = -40.0, z_um = 5.0 }]
[optics]
pixel_size_um = 1.0
image_shape_px = [512, 512]
bit_depth = 16
[[channels]]
name = "nuclei"
role = "fill"
exposure_ms = 5
preset = "DAPI"
[[channels]]
name = "FITC"
role = "indicator"
exposure_ms = 10
[schedule]
times_h = [0.0, 1.0]
[policies]
frame_deadline_s = 10.0
"""


def demo_config() -> Path:
    from livedeath_acquisition.adapters import bundled

    folder = bundled()
    assert folder is not None
    return folder / "MMConfig_demo.cfg"


@contextmanager
def bench_of_devices(study, tmp_path):
    from livedeath.simulation.parameters import WorldParameters
    from livedeath.simulation.world import World
    from livedeath_acquisition.simulated import BenchMicroscope, Culture

    small = study.replace(
        optics=study.optics.model_dump() | {"image_shape_px": (64, 64), "bit_depth": 16}
    )
    yield small, BenchMicroscope(small, Culture(small, World(small, WorldParameters())))


@contextmanager
def replay(study, tmp_path):
    from livedeath_acquisition.replay import ReplayMicroscope

    path = tmp_path / "recorded film.ome.tif"
    planned = plan(study)
    shape = (2, 2, 16, 24)
    stacks = np.random.default_rng(3).integers(0, 250, (len(planned.fields), *shape), np.uint16)
    with tifffile.TiffWriter(path, ome=True) as writer:
        for stack in stacks:
            writer.write(stack, metadata={"axes": "TCYX"}, photometric="minisblack")
    small = study.replace(optics=study.optics.model_dump() | {"image_shape_px": (16, 24)})
    yield small, ReplayMicroscope(small, path)


@contextmanager
def demo_camera(study, tmp_path):
    from livedeath_acquisition.adapters import folder_for
    from livedeath_acquisition.core import CoreMicroscope

    config = demo_config()
    clock = RealClock(datetime.now(UTC))
    yield study, CoreMicroscope(study, config, clock=clock, adapters=folder_for(config))


@contextmanager
def running_micromanager(study, tmp_path):
    from livedeath_acquisition.remote import RemoteMicroscope

    program = Path(__file__).with_name("fake_micromanager.py")
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        port = int(server.stdout.readline())
        yield study, RemoteMicroscope(study, port, clock=RealClock(datetime.now(UTC)))
        gc.collect()
        server.stdin.close()


KINDS = [bench_of_devices, replay, demo_camera, running_micromanager]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def opened(request, tmp_path_factory):
    study = Study.from_toml(DEMO_STUDY)
    with request.param(study, tmp_path_factory.mktemp("scope")) as (study, microscope):
        microscope.open()
        yield study, microscope
        microscope.close()


def frames(study, planned):
    for visit in plan(study).visits:
        for channel in visit.channels:
            yield planned(study, visit, channel)


def test_an_image_is_of_the_declared_shape_and_type(opened, planned):
    study, microscope = opened
    for frame in frames(study, planned):
        image = microscope.acquire(frame).image
        assert image.shape == study.optics.image_shape_px
        assert image.dtype == np.uint16


def test_what_is_read_back_is_what_was_asked(opened, planned):
    study, microscope = opened
    for frame in frames(study, planned):
        assert mismatch(frame, microscope.acquire(frame)) is None


def test_the_clock_never_goes_back(opened, planned):
    study, microscope = opened
    times = [microscope.acquire(frame).time_h for frame in frames(study, planned)]
    assert times == sorted(times)
    assert microscope.now_h() >= times[-1]


def test_waiting_for_the_past_returns_at_once(opened):
    _, microscope = opened
    before = microscope.now_h()
    microscope.wait_until(before - 1.0)
    assert microscope.now_h() >= before


def test_a_channel_that_is_not_there_is_one_failure_and_no_more(opened, planned):
    study, microscope = opened
    frame = next(frames(study, planned))
    lost = planned(study, plan(study).visits[0], frame.key.channel, preset="no such", attempt=1)
    with pytest.raises(ExposureError):
        microscope.acquire(lost)
    again = planned(study, plan(study).visits[0], frame.key.channel, attempt=2)
    assert microscope.acquire(again).image.shape == study.optics.image_shape_px


def test_an_image_is_not_changed_by_the_next(opened, planned):
    study, microscope = opened
    first, *_, last = list(frames(study, planned))
    image = microscope.acquire(first).image
    before = image.copy()
    microscope.acquire(last)
    np.testing.assert_array_equal(image, before)


def test_replay_gives_the_recorded_pixels(planned, tmp_path):
    study = Study.from_toml(DEMO_STUDY)
    with replay(study, tmp_path) as (small, microscope):
        microscope.open()
        with tifffile.TiffFile(tmp_path / "recorded film.ome.tif") as file:
            recorded = np.stack([series.asarray() for series in file.series])
        fields = plan(small).fields
        for frame in frames(small, planned):
            c = [channel.name for channel in small.channels].index(frame.key.channel)
            expected = recorded[fields.index(frame.key.field_key), frame.key.t, c]
            exposure = microscope.acquire(frame)
            np.testing.assert_array_equal(exposure.image, expected)
            assert exposure.time_h == frame.planned_h
        microscope.close()


def test_a_study_with_more_visits_than_the_recording_is_refused(tmp_path):
    study = Study.from_toml(DEMO_STUDY.replace("[0.0, 1.0]", "[0.0, 1.0, 2.0]"))
    with (
        pytest.raises(StudyError, match="declares 3 visits, the recording has 2"),
        replay(study, tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('preset = "DAPI"', 'preset = "DAPPI"'), "preset 'DAPPI' of group 'Channel'.*'FITC'"),
        (
            ('preset = "DAPI"', 'preset = "DAPI"\ngroup = "Wheels"'),
            "group 'Wheels', the microscope has",
        ),
        (("[512, 512]", "[512, 256]"), "gives 512 x 512 pixels of 16 bit, .* 512 x 256"),
        (("bit_depth = 16", "bit_depth = 8"), "declares 512 x 512 of 8 bit"),
    ],
    ids=["preset", "group", "shape", "depth"],
)
def test_a_study_that_does_not_fit_is_refused_before_the_first_frame(tmp_path, change, said):
    study = Study.from_toml(DEMO_STUDY.replace(*change))
    with demo_camera(study, tmp_path) as (_, microscope):
        with pytest.raises(StudyError, match=said):
            microscope.open()
        microscope.close()


def test_where_no_micromanager_runs_it_says_so():
    from livedeath_acquisition.remote import RemoteMicroscope

    study = Study.from_toml(DEMO_STUDY.replace("10.0", "0.3"))
    microscope = RemoteMicroscope(study, 47_113, clock=RealClock(datetime.now(UTC)))
    with pytest.raises(HardwareError, match="no Micro-Manager answers"):
        microscope.open()
    microscope.close()
