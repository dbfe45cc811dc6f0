"""Supervisor, worker and analyser, all real: who says what at the end, and who hears it."""

import errno
import os
import sys

import pytest

from livedeath.errors import HardwareError, LivedeathError, StoreError
from livedeath.model.study import Study
from livedeath.run.coverage import unscored
from livedeath.store import durable
from livedeath.store.folder import StudyFolder
from livedeath_acquisition import run as acquiring
from livedeath_acquisition import supervisor

STUDY = """
title = "watched"
vessels = [{ id = "p1", wells = ["B2:B3"] }]
channels = [
  { name = "RFP", role = "fill", exposure_ms = 75 },
  { name = "GEDI", role = "indicator", exposure_ms = 50 },
]
optics = { pixel_size_um = 2.0, image_shape_px = [48, 48] }
schedule = { interval_h = 2, duration_h = 4 }
policies = { tries = 2, frame_deadline_s = 0.6, disk_floor_gb = 0.0 }
"""
N_VISITS = 6

# A worker whose driver does not come back: in the first process from its fifth frame, in
# those after it as told.
HANGING = """
import json, sys, time
from livedeath_acquisition import simulated, worker
order = json.loads(sys.argv[1])
worker._WRITE_S = 1.0
make = simulated.simulated
calls = 0
def hanging(folder):
    microscope = make(folder)
    acquire = microscope.acquire
    def take(frame):
        global calls
        calls += 1
        if calls == (LATER if order["restarts"] else 5):
            time.sleep(3600)
        return acquire(frame)
    microscope.acquire = take
    return microscope
simulated.simulated = hanging
worker.main()
"""


@pytest.fixture
def folder(tmp_path):
    return StudyFolder.create(tmp_path / "a study", Study.from_toml(STUDY))


@pytest.fixture
def hang(tmp_path, monkeypatch):
    """Let workers hang, so that only the watchdog can end them."""

    def start(later=0):
        script = tmp_path / "hanging.py"
        script.write_text(HANGING.replace("LATER", str(later)), encoding="utf-8")
        monkeypatch.setattr(
            acquiring, "worker_command", lambda order: [sys.executable, str(script), order.text()]
        )

    return start


# A worker that comes while another acquire's begins: that one says so and holds the lock.
LATE = """
import json, sys
from pathlib import Path
from livedeath.store.journal import Journal
from livedeath_acquisition import worker
worker._LOCK_WAIT_S = 0.1
begun = {"kind": "acquisition", "what": "start", "microscope": "simulated", "command": "first"}
Journal(Path(json.loads(sys.argv[1])["folder"]) / "journal.jsonl").append(begun)
worker.main()
"""


def words(folder):
    """Return what the journal says of the acquisition as a whole."""
    return [e["what"] for e in folder.journal.read() if e["kind"] == "acquisition"]


def test_after_the_watchdog_ended_a_worker_every_visit_is_scored(folder, hang):
    hang()
    acquired = acquiring.acquire(folder.path, microscope="simulated")
    assert (acquired.restarts, acquired.saved, acquired.missed) == (1, 12, 0)
    assert acquired.analysis["visits"] == N_VISITS
    assert words(folder) == ["start", "restart", "resume", "finish"]
    run = folder.run()
    assert (run.complete, run.provenance()["visits"]) == (True, N_VISITS)
    assert unscored(folder, run) == ()


def test_when_the_supervisor_gives_up_what_was_acquired_is_scored(folder, hang, monkeypatch):
    monkeypatch.setattr(supervisor, "MAX_FRUITLESS_STARTS", 1)
    hang(later=1)
    with pytest.raises(HardwareError, match="without saving a frame"):
        acquiring.acquire(folder.path, microscope="simulated")
    assert words(folder) == ["start", "restart", "resume", "interrupted"]
    assert "without saving a frame" in folder.journal.read()[-1]["why"]
    run = folder.run()
    assert (run.complete, run.provenance()["visits"]) == (True, 2)


def test_a_person_who_stops_it_ends_it_for_everybody(folder):
    def stop(heartbeat):
        if heartbeat["what"] == "saved":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        acquiring.acquire(folder.path, microscope="simulated", on_heartbeat=stop)
    assert words(folder) == ["start", "interrupted"]
    assert not folder.is_being_acquired
    assert acquiring.acquire(folder.path).analysis["visits"] == N_VISITS
    assert words(folder) == ["start", "interrupted", "resume", "finish"]


def test_one_that_is_refused_while_another_acquires_says_nothing_of_an_end(
    folder, tmp_path, monkeypatch
):
    script = tmp_path / "late.py"
    script.write_text(LATE, encoding="utf-8")
    monkeypatch.setattr(
        acquiring, "worker_command", lambda order: [sys.executable, str(script), order.text()]
    )
    with (
        durable.lock(folder.acquire_lock, doing="the first"),
        pytest.raises(LivedeathError, match="in use by 'the first'"),
    ):
        acquiring.acquire(folder.path, microscope="simulated", score=False)
    assert words(folder) == ["start"]


# A worker whose study, or whose driver's port, is refused by the system.
REFUSED = """
import errno, json, sys
from livedeath_acquisition import worker
order = json.loads(sys.argv[1])
def refuse(*_):
    raise PermissionError(errno.EACCES, "Permission denied", WHERE)
worker.Worker._work_off = refuse
worker.main()
"""


@pytest.mark.parametrize(
    ("where", "said", "restarts"),
    [
        ('order["folder"] + "/images.ome.zarr"', "images.ome.zarr: cannot be read or written", 1),
        ('"/dev/ttyUSB0"', "started 2 times without saving a frame", 2),
    ],
    ids=["the study's disk", "a driver's port"],
)
def test_only_a_microscope_is_tried_again(folder, tmp_path, monkeypatch, where, said, restarts):
    monkeypatch.setattr(supervisor, "MAX_FRUITLESS_STARTS", 2)
    script = tmp_path / "refused.py"
    script.write_text(REFUSED.replace("WHERE", where), encoding="utf-8")
    orders = []

    def command(order):
        orders.append(order)
        return [sys.executable, str(script), order.text()]

    monkeypatch.setattr(acquiring, "worker_command", command)
    with pytest.raises(HardwareError, match=said):
        acquiring.acquire(folder.path, microscope="simulated", score=False)
    assert len(orders) == restarts


def test_a_study_that_cannot_be_written_is_refused_before_anything_starts(folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr(acquiring, "worker_command", lambda order: pytest.fail("was started"))
    with pytest.raises(StoreError, match="cannot be written"):
        acquiring.acquire(folder.path, microscope="simulated", score=False)


def test_why_it_ended_is_said_though_the_journal_cannot_be_told(folder, hang, monkeypatch):
    monkeypatch.setattr(supervisor, "MAX_FRUITLESS_STARTS", 1)
    hang(later=1)

    def full(self, entry):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("livedeath.store.journal.Journal.append", full)
    with pytest.raises(HardwareError, match="without saving a frame"):
        acquiring.acquire(folder.path, microscope="simulated", score=False)


def test_all_words_of_an_acquisition_name_it(folder, hang):
    hang()
    acquiring.acquire(folder.path, microscope="simulated", score=False)
    acquiring.acquire(folder.path, score=False)
    said = [e for e in folder.journal.read() if e["kind"] == "acquisition"]
    assert [e["what"] for e in said] == ["start", "restart", "resume", "finish"]
    assert len({e["command"] for e in said}) == 1


def test_a_person_who_stops_it_while_it_hangs_ends_it_too(folder, hang, monkeypatch):
    hang()
    monkeypatch.setattr(supervisor.Supervisor, "_follow", lambda self, life: stop_when_hung(life))

    def stop_when_hung(life):
        while (life.said.get())["what"] != "waiting":
            pass
        life.process.kill()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        acquiring.acquire(folder.path, microscope="simulated", score=False)
    # The worker could not say so any more.
    assert words(folder) == ["start", "interrupted"]
    assert folder.journal.read()[-1]["why"] == "stopped by a person"


def test_what_is_refused_at_the_start_leaves_no_word(folder):
    with pytest.raises(Exception, match="no such file"):
        acquiring.acquire(folder.path, microscope="replay:nowhere.tif")
    assert folder.journal.read() == []
