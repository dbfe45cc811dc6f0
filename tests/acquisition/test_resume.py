"""An acquisition that is killed, dies or hangs, and goes on: as if nothing had happened."""

import json
import random
import subprocess
import sys
import textwrap
import time

import numpy as np
import polars as pl
import pytest

from livedeath.cli.main import run
from livedeath.model.study import Study
from livedeath.run.follow import follow
from livedeath.store import durable, logfile
from livedeath.store.folder import StudyFolder
from livedeath_acquisition import heartbeats
from livedeath_acquisition.supervisor import Supervisor
from livedeath_acquisition.worker import Order, Worker

STUDY = """
title = "small but true"
[[vessels]]
id = "p1"
wells = ["B2:B3"]
fields_per_well = 2
[optics]
pixel_size_um = 2.0
image_shape_px = [48, 48]
[[channels]]
name = "RFP"
role = "fill"
exposure_ms = 75
[[channels]]
name = "GEDI"
role = "indicator"
exposure_ms = 50
[schedule]
interval_h = 2
duration_h = 18
[policies]
frame_deadline_s = 2.0
disk_floor_gb = 0.0
"""
N_FRAMES = 80
# What may differ between two runs of the same study.
UNLIKE = {"wall": "", "attempt": 0}


def make(path) -> StudyFolder:
    return StudyFolder.create(path, Study.from_toml(STUDY))


def start(folder: StudyFolder) -> subprocess.Popen:
    order = Order(str(folder.path), "simulated").text()
    return subprocess.Popen(
        [sys.executable, "-m", "livedeath_acquisition.worker", order],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def finish(folder: StudyFolder) -> None:
    """Take what is left, in this process."""
    Worker(Order(str(folder.path), "simulated"), lambda heartbeat: None).run()


def kill_after(folder: StudyFolder, n_saved: int, then_s: float) -> None:
    """Kill a worker, without any clean-up, a moment after it saved so many frames."""
    with start(folder) as worker:
        for line in worker.stdout:
            n_saved -= (heartbeats.read(line) or {}).get("what") == "saved"
            if n_saved <= 0:
                break
        time.sleep(then_s)
        worker.kill()


def images(folder: StudyFolder) -> dict:
    return {key: folder.images.read(key) for key in folder.plan.frames()}


def saved_lines(folder: StudyFolder) -> list:
    return [e for e in folder.journal.read() if e.get("status") == "saved"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> StudyFolder:
    folder = make(tmp_path_factory.mktemp("undisturbed") / "study")
    finish(folder)
    return folder


def assert_same(folder: StudyFolder, undisturbed: StudyFolder) -> None:
    expected = images(undisturbed)
    for key, image in images(folder).items():
        np.testing.assert_array_equal(image, expected[key], err_msg=str(key))
    for key, entry in undisturbed.journal.frames().items():
        same = folder.journal.frames()[key]
        assert {**same, **UNLIKE} == {**entry, **UNLIKE}


def test_an_undisturbed_run_saves_every_frame_once(undisturbed):
    lines = saved_lines(undisturbed)
    assert len(lines) == len(undisturbed.journal.frames()) == N_FRAMES
    whats = [e["what"] for e in undisturbed.journal.read() if e["kind"] == "acquisition"]
    assert whats == ["start", "finish"]
    # The simulated focus drive stands at 0 when it is found.
    assert next(e for e in undisturbed.journal.read() if "zero" in e)["z_origin_um"] == 0.0


def test_the_cultures_images_are_not_all_the_same(undisturbed):
    # Else equality below would prove nothing.
    assert len({image.tobytes() for image in images(undisturbed).values()}) == N_FRAMES


def test_killed_at_random_moments_and_resumed_it_equals_an_undisturbed_run(tmp_path, undisturbed):
    folder = make(tmp_path / "a killed study é")
    chance = random.Random(11)
    for _ in range(2):
        kill_after(folder, chance.randint(1, 30), chance.uniform(0.0, 0.03))
    assert len(folder.journal.frames()) < N_FRAMES
    leave_half_written(folder)
    finish(folder)
    assert len(saved_lines(folder)) == N_FRAMES
    assert not [e for e in folder.journal.read() if e.get("status") == "missed"]
    assert not list(folder.path.rglob(f"*{durable.PARTIAL_SUFFIX}"))
    assert_same(folder, undisturbed)


def test_killed_with_all_its_processes_the_same_command_goes_on(tmp_path, undisturbed, capfd):
    folder = make(tmp_path / "a killed study")
    named = ["--microscope", "simulated", "--json"]
    command = [sys.executable, "-m", "livedeath", "acquire", str(folder.path), *named]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as supervisor:
        while len(saved_lines(folder)) < 7 and supervisor.poll() is None:
            time.sleep(0.01)
        supervisor.kill()
        # The end of the pipe is the end of every process that it started.
        assert supervisor.stdout.read() == b""
    assert 7 <= len(saved_lines(folder)) < N_FRAMES
    assert run(command[3:]) == 0
    said = json.loads(capfd.readouterr().out)
    assert (said["frames_planned"], said["frames_saved"], said["frames_missed"]) == (80, 80, 0)
    assert len(saved_lines(folder)) == N_FRAMES
    assert_same(folder, undisturbed)
    expected = follow(undisturbed)
    assert pl.read_parquet(said["traces"]).equals(expected.traces())
    assert pl.read_parquet(said["calls"]).equals(expected.calls())
    assert len(expected.calls()) == said["neurons"] > 0
    assert log_of(folder).count("INFO worker[") == 2
    assert f"run {expected.name}: complete after" in log_of(folder)
    assert not list(folder.path.rglob(f"*{durable.PARTIAL_SUFFIX}"))


def log_of(folder: StudyFolder) -> str:
    return (folder.path / "logs" / "livedeath.log").read_text(encoding="utf-8")


def leave_half_written(folder: StudyFolder) -> None:
    """Leave what a power cut leaves: half a frame and half a journal line."""
    partial = durable.partial_path(next(folder.images.path.rglob("c.*")))
    partial.write_bytes(b"half a frame")
    with folder.journal.path.open("ab") as journal:
        journal.write(b'{"kind":"frame","status":"sav')


def test_a_worker_ends_and_says_so_when_its_supervisor_is_gone(tmp_path):
    folder = make(tmp_path / "study")
    with start(folder) as worker:
        for line in worker.stdout:
            if (heartbeats.read(line) or {}).get("what") == "saved":
                break
        worker.stdin.close()
        assert worker.wait(timeout=10) == heartbeats.ORPHANED
    whats = [e["what"] for e in folder.journal.read() if e["kind"] == "acquisition"]
    assert whats[-1] == "interrupted"


def test_a_worker_that_another_one_follows_says_nothing_of_an_end(tmp_path):
    folder = make(tmp_path / "study")
    with start(folder) as worker:
        for line in worker.stdout:
            if (heartbeats.read(line) or {}).get("what") == "saved":
                break
        worker.stdin.write(heartbeats.ANOTHER_FOLLOWS)
        worker.stdin.close()
        assert worker.wait(timeout=10) == heartbeats.ORPHANED
    assert [e["what"] for e in folder.journal.read() if e["kind"] == "acquisition"] == ["start"]


def test_a_second_worker_is_refused_while_one_runs(tmp_path, monkeypatch):
    from livedeath.errors import StoreError
    from livedeath_acquisition import worker as module

    folder = make(tmp_path / "study")
    monkeypatch.setattr(module, "_LOCK_WAIT_S", 0.1)
    with (
        durable.lock(folder.acquire_lock, doing="livedeath acquire"),
        pytest.raises(StoreError, match="in use by 'livedeath acquire'"),
    ):
        module.Worker(Order(str(folder.path), "simulated"), lambda heartbeat: None).run()


FAULTY = """
import json, sys
from livedeath_acquisition import simulated, worker
order = json.loads(sys.argv[1])
faults = [{"camera_hang": 1}, {"crash": 1}, {"camera_error": 2}]
make = simulated.simulated
calls = 0
def faulty(folder):
    microscope = make(folder)
    acquire = microscope.acquire
    def after_a_while(frame):
        global calls
        calls += 1
        if calls == 9 and order["restarts"] < len(faults):
            microscope.bench.faults.update(faults[order["restarts"]])
        return acquire(frame)
    microscope.acquire = after_a_while
    return microscope
simulated.simulated = faulty
worker.main()
"""


def test_a_hang_a_crash_and_a_camera_error_cost_no_frame(tmp_path, undisturbed):
    folder = make(tmp_path / "study")
    script = tmp_path / "faulty.py"
    script.write_text(textwrap.dedent(FAULTY), encoding="utf-8")

    def command(restarts, deaths, how):
        order = Order(str(folder.path), "simulated", restarts=restarts, deaths=deaths, how=how)
        return [sys.executable, str(script), order.text()]

    with logfile.keeping("acquire"):
        logfile.about(folder.path)
        outcome = Supervisor(command).run()
    assert (outcome.status, outcome.restarts, outcome.missed) == (0, 2, 0)
    log = log_of(folder)
    assert log.count("WARNING acquire[") == log.count("the worker is started again") == 2
    assert log.count("INFO worker[") == log.count("frames are due") == 3
    assert log.count("WARNING worker[") == log.count(" attempt ") == 2
    assert len(saved_lines(folder)) == N_FRAMES
    assert_same(folder, undisturbed)


def test_an_order_survives_the_command_line():
    order = Order("a study", "replay:x y.tif", restarts=2, deaths=[(["p1", 0], 1)], how="hung")
    assert json.loads(order.text())["deaths"] == [[["p1", 0], 1]]
