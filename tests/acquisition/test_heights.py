"""Where stage and focus are sent: to declared places, and the focus else nowhere."""

import gc
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from livedeath.errors import StudyError
from livedeath.model.plan import plan
from livedeath.model.study import Study
from livedeath_acquisition.clock import RealClock
from livedeath_acquisition.heights import Heights, journaled_origin_um

# The library of Micro-Manager's bridge leaves its socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:Exception ignored in. <function Socket:pytest.PytestUnraisableExceptionWarning"
)

FOUND_UM = 37.5  # where a person focused
STUDY = """
title = "heights"
channels = [{ name = "FITC", role = "fill", exposure_ms = 5 }]
optics = { pixel_size_um = 1.0, image_shape_px = [512, 512], bit_depth = 16 }
schedule = { times_h = [0.0] }
"""
WELLS = STUDY + '[[vessels]]\nid = "p1"\nwells = ["A1:A2"]\n'
SITES = STUDY + (
    '[[vessels]]\nid = "p1"\nformat = "dish"\n'
    "sites = [{ x_um = 0.0, y_um = 0.0 }, { x_um = 120.0, y_um = -40.0, z_um = 5.0 }]\n"
)
STACK = "[focus]\nplanes_um = [-4.0, 0.0, 6.0]\n"


def study_of(text):
    return Study.from_toml(text)


def frames(study, planned):
    for visit in plan(study).visits:
        for key in visit.frames():
            yield planned(study, visit, key.channel, key=key, z_um=visit.z_um[key.z])


@pytest.fixture
def sent(monkeypatch):
    """Return every height to which a person's focused microscope is sent from now on."""
    from livedeath_acquisition import core
    from livedeath_acquisition.pycro import start_core

    heights = []

    def start_focused(*told):
        started = start_core(*told)
        move = started.setPosition
        move(FOUND_UM)
        started.setPosition = lambda *where: heights.append(where[-1]) or move(*where)
        return started

    monkeypatch.setattr(core, "start_core", start_focused)
    return heights


@contextmanager
def demo_camera(study, **more):
    """Open the demonstration microscope."""
    from livedeath_acquisition import core
    from livedeath_acquisition.adapters import bundled, folder_for

    config = bundled() / "MMConfig_demo.cfg"
    clock = RealClock(datetime.now(UTC))
    scope = core.CoreMicroscope(study, config, clock=clock, adapters=folder_for(config), **more)
    try:
        scope.open()
        yield scope
    finally:
        scope.close()


@contextmanager
def running_micromanager(study):
    from livedeath_acquisition.pycro import RemoteCore
    from livedeath_acquisition.remote import RemoteMicroscope

    program = Path(__file__).with_name("fake_micromanager.py")
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        port = int(server.stdout.readline())
        person = RemoteCore(port, deadline_s=5.0)
        person.call("set_position", FOUND_UM)
        scope = RemoteMicroscope(study, port, clock=RealClock(datetime.now(UTC)))
        scope.open()
        yield scope, person
        scope.close()
        person.close()
        gc.collect()
        server.stdin.close()


def test_without_a_declared_height_the_focus_drive_is_left_alone(planned, sent):
    study = study_of(WELLS)
    with demo_camera(study) as scope:
        seen = [scope.acquire(frame).z_um for frame in frames(study, planned)]
        assert scope.z_origin_um == FOUND_UM
    assert seen == [FOUND_UM] * 2
    assert not sent


def test_planes_without_a_declared_height_are_steps_from_where_it_stood(planned, sent):
    study = study_of(WELLS + STACK)
    with demo_camera(study) as scope:
        seen = [scope.acquire(frame).z_um for frame in frames(study, planned)]
    assert seen == pytest.approx(2 * [33.5, 37.5, 43.5])
    assert set(sent) == {33.5, 37.5, 43.5}


def test_the_focus_is_left_where_it_was_found(planned, sent):
    # Else whoever opens the microscope next would count from the last plane.
    study = study_of(WELLS + STACK)
    with demo_camera(study) as scope:
        list(map(scope.acquire, frames(study, planned)))
        assert sent[-1] == 43.5
    assert sent[-1] == FOUND_UM


def test_a_declared_height_is_where_the_drive_is_sent(planned, sent):
    study = study_of(SITES)
    with demo_camera(study) as scope:
        seen = [scope.acquire(frame).z_um for frame in frames(study, planned)]
    assert seen == sent == [FOUND_UM, 5.0]


def test_the_origin_of_an_earlier_start_holds_again(planned, sent):
    study = study_of(WELLS + STACK)
    with demo_camera(study, z_before_um=31.5) as scope:
        scope.acquire(next(frames(study, planned)))
        assert scope.z_origin_um == 31.5
    assert sent == [27.5, 31.5]


def test_a_look_leaves_the_focus_where_it_was(sent):
    from livedeath_acquisition.look import look

    study = study_of(WELLS + STACK)
    with demo_camera(study) as scope:
        list(look(study, scope, [plan(study).visits[0]]))
    assert sent[-1] == FOUND_UM


def test_a_running_micromanagers_focus_is_left_alone(planned):
    study = study_of(WELLS)
    with running_micromanager(study) as (scope, _):
        assert [scope.acquire(frame).z_um for frame in frames(study, planned)] == [FOUND_UM] * 2
        assert scope.z_origin_um == FOUND_UM


def test_a_running_micromanager_takes_planes_and_goes_back(planned):
    study = study_of(WELLS + STACK)
    with running_micromanager(study) as (scope, person):
        seen = [scope.acquire(frame).z_um for frame in frames(study, planned)]
        assert seen == pytest.approx(2 * [33.5, 37.5, 43.5])
        scope.close()
        assert person.call("get_position") == pytest.approx(FOUND_UM)


def test_a_running_micromanager_settles_after_a_long_move(planned, monkeypatch):
    from livedeath_acquisition import remote

    slept = []
    monkeypatch.setattr(remote.time, "sleep", slept.append)
    study = study_of(WELLS + "[policies]\nsettle_ms = 123.0\n")
    with running_micromanager(study) as (scope, _):
        slept.clear()
        near, far = frames(study, planned)
        for frame in (near, far, far):
            scope.acquire(frame)
        assert [nap for nap in slept if nap in (0.0, 0.123)] == [0.0, 0.123, 0.0]


def found_at(now_um, before_um=10.0, text=WELLS + STACK):
    heights = Heights(study_of(text), before_um=before_um)
    heights.found_at(now_um)
    return heights.origin_um


@pytest.mark.parametrize("left_at_um", [6.0, 10.0, 16.0, 10.4])
def test_where_a_frame_left_the_drive_the_origin_stays(left_at_um):
    assert found_at(left_at_um) == 10.0


@pytest.mark.parametrize("now_um", [0.0, 8.0, 11.0, 3000.0])
def test_where_a_person_moved_the_drive_is_the_new_origin(now_um):
    assert found_at(now_um) == now_um


def test_a_drive_left_at_a_sites_height_was_not_moved():
    assert found_at(5.0, text=SITES) == 10.0
    assert found_at(5.0, before_um=None, text=SITES) == 5.0


def test_the_last_origin_of_the_journal_counts():
    lines = [{"what": "start", "z_origin_um": 1.0}, {"what": "resume", "z_origin_um": 2.0}]
    assert journaled_origin_um([*lines, {"what": "finish"}]) == 2.0
    assert journaled_origin_um([{"what": "start"}]) is None


def test_a_height_written_as_a_plane_is_refused():
    high = "[focus]\nplanes_um = [3150.0]\n"
    with pytest.raises(StudyError, match="3150 um, but fields without a z_um of their own"):
        Heights(study_of(WELLS + high))
    sites = SITES.replace("y_um = 0.0 }", "y_um = 0.0, z_um = 4.0 }")
    Heights(study_of(sites + high))


def asymmetric(text):
    """Return a study whose A1 lies at y = 1000, x = 2000 of the stage."""
    return study_of(text.replace('id = "p1"', 'id = "p1"\norigin_um = [1000.0, 2000.0]'))


def test_the_origin_of_a_vessel_is_y_x_on_a_core(planned):
    study = asymmetric(SITES)
    with demo_camera(study) as scope:
        *_, last = frames(study, planned)
        exposure = scope.acquire(last)
        assert scope._core.getXYPosition() == pytest.approx((2120.0, 960.0), abs=0.1)
    assert (exposure.x_um, exposure.y_um) == pytest.approx((120.0, -40.0), abs=0.1)


def test_the_origin_of_a_vessel_is_y_x_on_a_running_micromanager(planned):
    study = asymmetric(SITES)
    with running_micromanager(study) as (scope, person):
        *_, last = frames(study, planned)
        exposure = scope.acquire(last)
        stage = person.call("get_x_position"), person.call("get_y_position")
    assert stage == pytest.approx((2120.0, 960.0), abs=0.1)
    assert (exposure.x_um, exposure.y_um) == pytest.approx((120.0, -40.0), abs=0.1)


def test_the_origin_of_a_vessel_is_y_x_in_a_simulated_culture(planned):
    from livedeath_acquisition.devices import View
    from livedeath_acquisition.simulated import Culture

    class World:
        def render(self, **asked):
            return asked

    study = asymmetric(SITES)
    *_, last = frames(study, planned)
    asked = Culture(study, World()).expose(View(last, 2120.0, 960.0, 5.0, 0, 5.0, True))
    assert (asked["x_um"], asked["y_um"]) == (120.0, -40.0)
