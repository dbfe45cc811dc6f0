"""What is done when frames fail, is late, too bright or does not fit, without any engine."""

import errno

import numpy as np
import pytest

from livedeath.errors import FrameError, HardwareError
from livedeath_acquisition.clock import JumpingClock
from livedeath_acquisition.executor import CrashHistory, Executor
from livedeath_acquisition.microscope import Exposure, ExposureError, HungError
from livedeath_acquisition.schedule import due_visits


class StubMicroscope:
    """Takes frames of one value, and fails as told: key to errors, first attempt first."""

    def __init__(self, shape=(32, 48)):
        self.clock = JumpingClock()
        self.shape = shape
        self.failures = {}
        self.asked = []

    def now_h(self):
        return self.clock.now_h()

    def wait_until(self, time_h):
        self.clock.wait_until(time_h)

    def acquire(self, frame):
        self.asked.append(frame)
        errors = self.failures.get((frame.key.t, frame.key.channel), [])
        if errors:
            raise errors.pop(0)
        return Exposure(
            np.full(self.shape, 1 + frame.key.t, np.uint16),
            self.now_h(),
            frame.x_um,
            frame.y_um,
            frame.z_um,
            frame.preset,
            frame.exposure_ms,
        )


@pytest.fixture
def scope():
    return StubMicroscope()


def run(folder, scope, *, crashes=None, wait=True):
    told = []
    executor = Executor(folder, scope, tell=told.append, crashes=crashes)
    due = due_visits(folder.plan, folder.journal.frames())
    executor.run(due, wait=wait)
    return told


def with_policies(folder, **changes):
    policies = folder.study.policies.replace(**changes)
    folder.study = folder.study.replace(policies=policies)
    return folder


def statuses(folder):
    return {(k.well, k.t, k.channel): e["status"] for k, e in folder.journal.frames().items()}


def test_every_planned_frame_is_saved_once(folder, scope):
    run(folder, scope)
    entries = [e for e in folder.journal.read() if e["kind"] == "frame"]
    assert len(entries) == folder.plan.n_frames == len(folder.journal.frames())
    for key in folder.plan.frames():
        assert folder.images.read(key)[0, 0] == 1 + key.t


def test_a_journal_line_says_where_and_when(folder, scope):
    run(folder, scope)
    key = list(folder.plan.frames())[-1]
    entry = folder.journal.frames()[key]
    assert entry["time_h"] == entry["planned_h"] == 3.0
    assert (entry["x_um"], entry["y_um"], entry["exposure_ms"]) == (18000.0, 9000.0, 50.0)


def test_a_frame_is_on_disk_before_its_line(folder, scope, monkeypatch):
    append = folder.journal.append
    early = []

    def check(entry):
        from livedeath.store.journal import frame_key

        early.extend([entry] if not folder.images.has(frame_key(entry)) else [])
        append(entry)

    monkeypatch.setattr(folder.journal, "append", check)
    run(folder, scope)
    assert not early


def test_a_failed_attempt_is_tried_again_and_counted(folder, scope):
    scope.failures[1, "GEDI"] = [ExposureError("no"), ExposureError("no")]
    run(folder, scope)
    assert set(statuses(folder).values()) == {"saved"}
    first = next(e for e in folder.journal.read() if e.get("t") == 1 and e["channel"] == "GEDI")
    assert first["attempt"] == 2


def test_after_the_last_try_the_frame_is_missed_with_its_reason(folder, scope):
    scope.failures[1, "GEDI"] = [ExposureError("the lamp is out")] * 3
    run(folder, scope)
    missed = [e for e in folder.journal.read() if e.get("status") == "missed"]
    assert [(e["well"], e["t"], e["reason"]) for e in missed] == [("B2", 1, "the lamp is out")]
    assert list(statuses(folder).values()).count("saved") == folder.plan.n_frames - 1


@pytest.mark.parametrize("tries", [1, 5])
def test_a_frame_is_tried_as_often_as_declared(folder, scope, tries):
    with_policies(folder, tries=tries)
    scope.failures[1, "GEDI"] = [ExposureError("the lamp is out")] * tries
    run(folder, scope)
    asked = [
        f.key for f in scope.asked if (f.key.well, f.key.t, f.key.channel) == ("B2", 1, "GEDI")
    ]
    assert len(asked) == tries
    assert statuses(folder)["B2", 1, "GEDI"] == "missed"


def test_after_a_stop_the_next_frame_is_next(folder, scope):
    with_policies(folder, after_failure="stop")
    scope.failures[1, "GEDI"] = [ExposureError("the lamp is out")] * 3
    with pytest.raises(HardwareError):
        run(folder, scope)
    run(folder, scope)
    assert list(statuses(folder).values()).count("missed") == 1
    assert len(statuses(folder)) == folder.plan.n_frames


def test_with_policy_pause_nothing_is_journaled_of_the_frame(folder, scope):
    with_policies(folder, after_failure="pause")
    scope.failures[1, "GEDI"] = [ExposureError("the lamp is out")] * 3
    with pytest.raises(HardwareError, match="lamp is out; paused"):
        run(folder, scope)
    assert ("B2", 1, "GEDI") not in statuses(folder)
    run(folder, scope)
    assert set(statuses(folder).values()) == {"saved"}


def test_with_policy_stop_the_frame_is_missed_and_the_run_ends(folder, scope):
    with_policies(folder, after_failure="stop")
    scope.failures[1, "GEDI"] = [ExposureError("the lamp is out")] * 3
    with pytest.raises(HardwareError, match="stopped"):
        run(folder, scope)
    assert statuses(folder)["B2", 1, "GEDI"] == "missed"


def test_too_many_missed_in_a_row_give_up(folder, scope):
    with_policies(folder, missed_in_a_row=3)
    for t in range(4):
        for channel in ("RFP", "GEDI"):
            scope.failures[t, channel] = [ExposureError("dark")] * 100
    with pytest.raises(HardwareError, match="3 frames in a row"):
        run(folder, scope)
    assert len(statuses(folder)) == 3


def test_missed_frames_between_saved_ones_do_not_give_up(folder, scope):
    with_policies(folder, missed_in_a_row=3)
    for t in range(4):
        scope.failures[t, "GEDI"] = [ExposureError("dark")] * 100
    run(folder, scope)
    assert list(statuses(folder).values()).count("missed") == 8


def test_a_visit_too_late_is_no_failure_of_the_microscope(folder, scope):
    with_policies(folder, missed_in_a_row=1)
    scope.clock.wait_until(2.5)
    run(folder, scope)
    assert list(statuses(folder).values()).count("missed") == 8


def test_a_hung_microscope_is_not_tried_again(folder, scope):
    scope.failures[1, "RFP"] = [HungError("it hangs")]
    with pytest.raises(HungError):
        run(folder, scope)
    assert scope.asked[-1].key.t == 1
    assert len(statuses(folder)) == 4


def test_a_frame_at_which_processes_died_is_missed(folder, scope):
    fatal = list(folder.plan.frames())[2]
    run(folder, scope, crashes=CrashHistory({fatal: 3}, "status -11"))
    entry = folder.journal.frames()[fatal]
    assert entry["status"] == "missed"
    assert "died 3 times at this frame (status -11)" in entry["reason"]
    assert fatal not in [frame.key for frame in scope.asked]


def test_a_frame_at_which_one_process_died_is_tried_again(folder, scope):
    fatal = list(folder.plan.frames())[2]
    run(folder, scope, crashes=CrashHistory({fatal: 1}, "status -11"))
    assert folder.journal.frames()[fatal]["status"] == "saved"
    assert folder.journal.frames()[fatal]["attempt"] == 1


def test_a_visit_whose_hour_has_passed_is_missed_not_shifted(folder, scope):
    scope.clock.wait_until(2.5)
    run(folder, scope)
    by_hour = {t: s for (_, t, _), s in statuses(folder).items()}
    assert by_hour == {0: "missed", 1: "missed", 2: "saved", 3: "saved"}
    reasons = {e["reason"] for e in folder.journal.read() if e.get("status") == "missed"}
    assert reasons == {"its hour had passed, the field's next visit was due"}


def test_a_brought_vessel_is_visited_at_once(folder, scope):
    run(folder, scope, wait=False)
    assert set(statuses(folder).values()) == {"saved"}
    assert scope.now_h() == 0.0


def test_light_is_counted_per_field_in_the_order_taken(folder, scope):
    run(folder, scope)
    of_b2 = [frame.light_ms for frame in scope.asked if frame.key.well == "B2"]
    assert of_b2 == [0, 75, 125, 200, 250, 325, 375, 450]


def test_a_resumed_run_counts_the_light_of_the_journal(folder, scope):
    scope.failures[2, "RFP"] = [HungError("it hangs")]
    with pytest.raises(HungError):
        run(folder, scope)
    again = StubMicroscope()
    run(folder, again)
    assert again.asked[0].light_ms == 250
    assert again.asked[0].key.t == 2


def test_the_light_budget_ends_a_fields_exposures(folder, scope):
    folder.study = folder.study.replace(light={"budget_ms_per_field": 130.0})
    run(folder, scope)
    saved = [key for key, status in statuses(folder).items() if status == "saved"]
    assert sorted(saved) == sorted((w, 0, c) for w in ("B2", "B3") for c in ("RFP", "GEDI"))
    reasons = {e.get("reason") for e in folder.journal.read() if e.get("status") == "missed"}
    assert reasons == {"the field's light budget is used up"}


def test_a_disk_below_its_floor_pauses_before_the_visit(folder, scope):
    with_policies(folder, disk_floor_gb=1e9)
    with pytest.raises(HardwareError, match="disk_floor_gb"):
        run(folder, scope)
    assert not scope.asked


def test_a_visit_that_would_go_below_the_floor_is_not_begun(folder, scope, monkeypatch):
    # Two frames of 32 x 48 pixels take 6,144 bytes.
    free = {"bytes": 1_006_143}
    usage = type("Usage", (), {"free": property(lambda self: free["bytes"])})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage())
    with_policies(folder, disk_floor_gb=0.001)
    with pytest.raises(HardwareError, match=r"the study keeps 0\.001 GB"):
        run(folder, scope)
    assert not scope.asked
    free["bytes"] += 1
    run(folder, scope)
    assert set(statuses(folder).values()) == {"saved"}


def test_a_full_disk_ends_the_run_and_journals_nothing_false(folder, scope, monkeypatch):
    def full(key, image):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder.images, "write", full)
    with pytest.raises(HardwareError, match="No space left"):
        run(folder, scope)
    assert not statuses(folder)


def test_a_frame_of_another_shape_is_refused(folder):
    with pytest.raises(FrameError, match="16"):
        run(folder, StubMicroscope(shape=(16, 16)))
    assert not statuses(folder)


def test_heartbeats_name_each_frame_before_and_after(folder, scope):
    told = run(folder, scope)
    keys = [list(key) for key in folder.plan.frames()]
    assert [heartbeat["frame"] for heartbeat in told if heartbeat["what"] == "next"] == keys
    assert [heartbeat["frame"] for heartbeat in told if heartbeat["what"] == "saved"] == keys
