import json
import shutil
from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile

import scenes
import small_studies
from livedeath.cli import main
from livedeath.model.measures import VisitResult
from livedeath.model.tables import CALLS
from livedeath.run import follow as following
from livedeath.run.follow import LOCK_FILE, follow
from livedeath.run.score import declare_recording
from livedeath.run.status import status
from livedeath.store import durable
from run.counter import Whole

ZERO = "2026-03-02T08:00:00+00:00"
START = {
    "kind": "acquisition",
    "what": "start",
    "microscope": "micromanager:scope.cfg",
    "zero": ZERO,
}
# The study has two wells, two channels and visits at 0, 1, 2, 3 and 4 h: 20 frames.


@pytest.fixture
def folder(tmp_path):
    return small_studies.create(tmp_path / "study")


def at(hour, minute=0):
    return datetime(2026, 3, 2, 8 + hour, minute, tzinfo=UTC)


def begun(folder, n_visits, missed=()):
    folder.journal.append(START)
    visits = folder.plan.visits[:n_visits]
    return small_studies.acquire(folder, visits=visits, missed=missed, finish=False)


def test_a_study_that_was_never_begun(folder):
    said = status(folder)
    assert (said.state, said.holder, said.microscope, said.now_h) == (
        "never begun",
        None,
        None,
        None,
    )
    assert said.frames == {"planned": 20, "saved": 0, "missed": 0, "due": 20}
    assert said.visits == {"planned": 10, "complete": 0}
    assert (said.next.well, said.next.field, said.next.t, said.next.time_h) == ("B2", 0, 0, 0.0)
    assert said.last is None
    assert (said.ends_h, said.ends_at, said.overdue) == (4.0, None, 0)
    assert (said.runs, said.not_scored) == ((), 0)


def test_a_study_that_is_being_acquired(folder):
    begun(folder, 3)
    with durable.lock(folder.acquire_lock, doing="livedeath acquire"):
        said = status(folder, now=at(1, 30))
    assert said.state == "acquiring"
    assert said.holder.startswith("'livedeath acquire' (process ")
    assert said.microscope == "micromanager:scope.cfg"
    assert said.now_h == 1.5
    assert (said.last.well, said.last.t, said.last.time_h) == ("B2", 1, 1.01)
    assert (said.next.well, said.next.t, said.next.at) == ("B3", 1, "2026-03-02T09:00:00+00:00")
    assert (said.ends_h, said.ends_at) == (4.0, "2026-03-02T12:00:00+00:00")
    assert said.overdue == 1
    assert said.frames == {"planned": 20, "saved": 6, "missed": 0, "due": 14}
    assert said.visits == {"planned": 10, "complete": 3}
    assert said.not_scored == 3


def test_a_study_whose_acquisition_was_killed_or_stopped(folder):
    begun(folder, 3)
    assert status(folder).state == "interrupted"
    folder.journal.append({"kind": "acquisition", "what": "interrupted"})
    assert status(folder).state == "interrupted"


def test_a_study_that_is_finished_with_frames_missed(folder):
    keys = [key for visit in folder.plan.visits[:2] for key in visit.frames()]
    begun(folder, 10, missed=keys[:3])
    folder.journal.append({"kind": "acquisition", "what": "finish"})
    said = status(folder)
    assert said.state == "finished"
    assert said.frames == {"planned": 20, "saved": 17, "missed": 3, "due": 0}
    assert said.missed == {"camera timeout": 3}
    assert (said.next, said.overdue, said.visits["complete"]) == (None, 0, 10)
    assert said.disk["needed_gb"] == 0


def test_a_half_taken_visit_is_next_and_not_complete(folder):
    begun(folder, 1)
    visit = folder.plan.visits[1]
    folder.journal.append(small_studies.entry_of(visit, next(iter(visit.frames()))))
    said = status(folder, now=at(0, 1))
    assert said.visits["complete"] == 1
    assert (said.next.well, said.next.t) == ("B3", 0)
    assert said.frames["due"] == 17
    assert said.disk["needed_gb"] == pytest.approx(17 * 48 * 48 * 2 / 1e9)


def test_a_clock_that_stands_still_has_no_time_of_day(folder):
    folder.journal.append(START | {"microscope": "simulated"})
    small_studies.acquire(folder, visits=folder.plan.visits[:3], finish=False)
    said = status(folder, now=at(9))
    assert (said.now_h, said.ends_at, said.next.at, said.overdue) == (1.01, None, None, 0)


class Nobody(Whole):
    """Stands in for the pipeline where only the number of visits counts: it finds no neuron."""

    def __init__(self, study):
        self.labels = np.zeros(study.optics.image_shape_px, np.int32)
        self.traces, self.called = {}, ()
        self.bad_frames = {}

    def push(self, visit, labels=None):
        return self

    def calls(self, traces, *, final=True):
        return {column.name: np.empty(0) for column in CALLS}

    def state(self):
        return {}

    def restore(self, state):
        pass


def test_runs_say_how_far_they_came(folder):
    begun(folder, 4)
    run = follow(folder, make_analyser=Nobody)
    assert [(r.run, r.complete, r.visits, r.not_scored) for r in status(folder).runs] == [
        (run.name, True, 4, 0)
    ]
    small_studies.acquire(folder, visits=folder.plan.visits[4:7], finish=False)
    said = status(folder)
    assert (said.runs[0].not_scored, said.not_scored, said.runs[0].running) == (3, 3, None)
    told = run.provenance() | {"complete": False, "visits": 0}
    durable.write_json(run.path / "provenance.json", told)
    with durable.lock(run.path / LOCK_FILE, doing="livedeath score"):
        said = status(folder)
    assert (said.runs[0].complete, said.runs[0].visits, said.runs[0].not_scored) == (False, 4, 3)
    assert "'livedeath score'" in said.runs[0].running


class Judging(Nobody):
    """Finds each third fill dark and the GEDI of the second visit blurred, and stops for good."""

    stop_at = None

    def __init__(self, study):
        super().__init__(study)
        self.pushes = 0

    def push(self, visit, labels=None):
        if self.pushes == self.stop_at:
            raise KeyboardInterrupt
        bad = {"dark": self.pushes % 3 == 0, "out of focus": self.pushes == 1}
        for reason in (reason for reason, so in bad.items() if so):
            self.bad_frames = self.bad_frames | {reason: self.bad_frames.get(reason, 0) + 1}
        self.pushes += 1
        return VisitResult(scenes.outlined(self.labels), {}, (), {})


def test_bad_frames_are_told_by_reason(folder, capsys):
    begun(folder, 7)
    follow(folder, make_analyser=Judging)
    assert list(status(folder).runs[0].bad_frames.items()) == [("dark", 3), ("out of focus", 1)]
    assert main.run(["status", str(folder.path)]) == 0
    assert "7 visits, bad frames: 3 dark, 1 out of focus\n" in capsys.readouterr().out
    assert main.run(["status", str(folder.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["runs"][0]
    assert told["bad_frames"] == {"dark": 3, "out of focus": 1}


def test_bad_frames_are_told_while_the_analyser_is_at_work(folder, monkeypatch):
    monkeypatch.setattr(following, "CHECKPOINT_VISITS", 2)
    monkeypatch.setattr(Judging, "stop_at", 5)
    begun(folder, 7)
    with pytest.raises(KeyboardInterrupt):
        follow(folder, make_analyser=Judging)
    (run,) = status(folder).runs
    assert (run.complete, run.visits) == (False, 4)
    assert run.bad_frames == {"dark": 2, "out of focus": 1}


def test_a_run_without_bad_frames_says_nothing_of_them(folder, capsys):
    begun(folder, 3)
    follow(folder, make_analyser=Nobody)
    assert status(folder).runs[0].bad_frames == {}
    assert main.run(["status", str(folder.path)]) == 0
    assert "bad frames" not in capsys.readouterr().out


def test_a_study_made_from_a_recording(tmp_path):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, small_studies.blobs(3), photometric="minisblack")
    told = {"pixel_size_um": 1.0, "interval_h": 1.0}
    said = status(declare_recording(path, tmp_path / "declared", told=told))
    assert (said.state, said.next, said.holder) == ("recorded", None, None)
    assert said.frames == {"planned": 3, "saved": 3, "missed": 0, "due": 0}
    assert (said.runs, said.not_scored) == ((), 3)


def test_it_changes_nothing_and_reads_no_image(folder):
    begun(folder, 2)
    shutil.rmtree(folder.images.path)
    before = {p: p.stat().st_mtime_ns for p in folder.path.rglob("*")}
    status(folder)
    assert {p: p.stat().st_mtime_ns for p in folder.path.rglob("*")} == before


def test_the_command_says_the_same_as_json_and_in_words(folder, capsys):
    begun(folder, 3)
    assert main.run(["status", str(folder.path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    found = asdict(status(folder))
    free = {"now_h", "disk", "overdue"}
    expected = found | {"study": str(folder.path), "runs": list(found["runs"])}
    assert {k: v for k, v in said.items() if k not in free} == {
        k: v for k, v in expected.items() if k not in free
    }
    assert main.run(["status", str(folder.path)]) == 0
    words = capsys.readouterr().out
    assert "interrupted on micromanager:scope.cfg" in words
    assert "6 of 20 saved" in words
    assert "3 visits wait for 'livedeath score'" in words


def test_what_is_no_study_is_refused(tmp_path, capsys):
    assert main.run(["status", str(tmp_path)]) == 2
    assert "this is no study" in capsys.readouterr().err
