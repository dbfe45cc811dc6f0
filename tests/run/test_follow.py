import dataclasses
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import small_studies
from livedeath.errors import StoreError
from livedeath.model.flags import Flag
from livedeath.model.tables import trace_columns
from livedeath.run import follow as following
from livedeath.run.follow import follow
from livedeath.store import durable, tables
from livedeath.store.folder import Run, StudyFolder
from run.counter import Counter


@pytest.fixture
def study(tmp_path):
    return small_studies.acquire(small_studies.create(tmp_path / "研究 7"))


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr(following, "CHECKPOINT_VISITS", 3)
    monkeypatch.setattr(following, "POLL_S", 0.01)


def results(run):
    return run.traces(), run.calls()


def assert_same(run, other):
    for one, two in zip(results(run), results(other), strict=True):
        assert_frame_equal(one, two, check_exact=True)


def offline(study, **more):
    return follow(study, make_analyser=Counter, **more)


def test_a_finished_study_gives_tables_labels_and_provenance(study):
    run = offline(study)
    assert run.complete
    assert run.traces().height == 10
    assert run.traces().columns == list(trace_columns(("fill", "GEDI")))
    assert run.calls()["neuron_id"].to_list() == [1, 2]
    said = run.provenance()
    assert said["visits"] == 10
    assert said["study"] == study.study.fingerprint
    labels = run.labels(study.plan.fields[1])
    assert labels.shape == (5, small_studies.SIDE, small_studies.SIDE)
    assert set(np.unique(labels[4])) == {0, 2}
    assert study.run().name == run.name
    assert [r.name for r in study.runs()] == [run.name]


def test_each_column_says_its_unit_and_unknown_is_null(study):
    run = offline(study)
    said = tables.read_units(run.traces_path)
    assert (said["time_h"], said["y_px"], said["area_um2"]) == ("h", "px", "um2")
    assert said["fill"] == said["fill_sd"] == said["GEDI"] == "grey levels"
    assert "well" not in said
    assert tables.read_units(run.calls_path)["called_at_h"] == "h"
    raw = pl.read_parquet(run.calls_path)
    assert raw["death_h"].null_count() == raw.height > 0


def test_the_same_again_does_nothing_new(study):
    first = offline(study)
    seen = []
    assert_same(offline(study, progress=seen.append), first)
    assert seen == []


def test_other_settings_make_another_run(study):
    settings = study.study.analysis.replace(false_alarms_per_1000_neuron_days=2.0)
    assert offline(study).name != offline(study, settings=settings).name


def test_two_threads_give_the_same(study, tmp_path):
    first = results(offline(study))
    again = StudyFolder.open(study.path)
    (study.path / "analysis").rename(tmp_path / "before")
    second = results(offline(again, workers=3))
    for one, two in zip(first, second, strict=True):
        assert_frame_equal(one, two, check_exact=True)


def test_a_killed_analyser_goes_on_exactly(study, tmp_path, often):
    reference = results(offline(study))
    (study.path / "analysis").rename(tmp_path / "before")

    class Crashing(Counter):
        pushes = 0

        def push(self, visit, labels=None):
            Crashing.pushes += 1
            if Crashing.pushes in (2, 6, 11):
                raise KeyboardInterrupt
            return super().push(visit, labels)

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            follow(study, make_analyser=Crashing)
        assert not study.runs()[0].complete
    run = follow(study, make_analyser=Crashing)
    assert run.complete
    assert Crashing.pushes < 10 + 3 * 3 + 3
    for one, two in zip(reference, results(run), strict=True):
        assert_frame_equal(one, two, check_exact=True)


@pytest.mark.parametrize("name", ["checkpoint.json", "state-*.npz", "traces-000000.parquet"])
def test_over_a_damaged_checkpoint_the_analysis_begins_anew(study, tmp_path, often, name):
    reference = results(offline(study))
    (study.path / "analysis").rename(tmp_path / "before")

    class Crashing(Counter):
        pushes = 0

        def push(self, visit, labels=None):
            Crashing.pushes += 1
            if Crashing.pushes == 8:
                raise KeyboardInterrupt
            return super().push(visit, labels)

    with pytest.raises(KeyboardInterrupt):
        follow(study, make_analyser=Crashing)
    (damaged,) = (study.runs()[0].path / "checkpoint").glob(name)
    damaged.write_bytes(b"\0" * 40)
    run = follow(study, make_analyser=Crashing)
    assert Crashing.pushes == 8 + 10
    for one, two in zip(reference, results(run), strict=True):
        assert_frame_equal(one, two, check_exact=True)


def test_live_and_finished_give_the_same_bits(tmp_path, often):
    done = small_studies.acquire(small_studies.create(tmp_path / "done"))
    live = small_studies.create(tmp_path / "live")
    runs = []
    thread = threading.Thread(
        target=lambda: runs.append(follow(live, live=True, make_analyser=Counter))
    )
    thread.start()
    small_studies.acquire(live)
    thread.join(30)
    assert not thread.is_alive()
    assert_same(runs[0], offline(done))


def test_a_live_follower_can_be_told_to_stop(tmp_path, often):
    live = small_studies.create(tmp_path / "live")
    small_studies.acquire(live, visits=live.plan.visits[:3], finish=False)
    run = follow(live, live=True, make_analyser=Counter, stop=lambda: True)
    assert run.traces().height == 3


class Calling(Counter):
    """Calls a neuron at some of its visits."""

    at, tables = (), 0

    def push(self, visit, labels=None):
        result = super().push(visit, labels)
        called = tuple(result.traces["neuron_id"].tolist())
        return dataclasses.replace(result, called=called if len(self.log) in self.at else ())

    def calls(self, traces, *, final=True):
        type(self).tables += 1
        return super().calls(traces, final=final)


def told_live(folder, *, at, expected):
    """Acquire visits one by one for a live analyser; return how often it wrote tables after each.

    The acquisition goes on all the while, so whatever stands in the tables was written for a call.
    """
    told, made = [], type("Made", (Calling,), {"at": at})
    thread = threading.Thread(target=lambda: follow(folder, live=True, make_analyser=made))
    thread.start()
    for visit, count in zip(folder.plan.visits, expected, strict=False):
        small_studies.acquire(folder, visits=[visit], finish=False)
        deadline = time.monotonic() + (20.0 if count > sum(told[-1:]) else 0.5)
        while time.monotonic() < deadline and made.tables <= sum(told[-1:]):
            time.sleep(0.01)
        told.append(made.tables)
    folder.journal.append({"kind": "acquisition", "what": "finish"})
    thread.join(30)
    assert not thread.is_alive()
    return told


@pytest.fixture
def no_rest(often, monkeypatch):
    monkeypatch.setattr(following, "CHECKPOINT_VISITS", 64)
    monkeypatch.setattr(following._Follower, "_rest", lambda self: None)


@pytest.mark.parametrize(
    ("at", "writing", "expected"),
    [
        ((1, 2, 3), 0.0, [1, 2, 3]),
        ((2,), 0.0, [0, 1, 1]),
        ((), 0.0, [0, 0, 0]),
        ((1, 2, 3), 1e9, [1, 1, 1]),
    ],
    ids=["each called", "one called", "none called", "slow to write"],
)
def test_what_was_called_stands_in_the_tables_at_once_unless_they_are_slow_to_write(
    tmp_path, no_rest, monkeypatch, at, writing, expected
):
    monkeypatch.setattr(following, "WRITING", writing)
    live = small_studies.create(tmp_path / "live")
    assert told_live(live, at=at, expected=expected) == expected


def test_traces_are_kept_as_one_piece_per_checkpoint(study, often, monkeypatch):
    kept = []
    monkeypatch.setattr(following._Follower, "end", lambda self: kept.append(self.done))
    offline(study)
    assert [part.height for part in kept[0].saved] == [3, 3, 3]
    assert [part.n_chunks() for part in kept[0].saved] == [1, 1, 1]
    assert len(kept[0].unsaved) == 1


class Judging(Counter):
    """Finds the fill of well B2 dark at its second and third visit."""

    def push(self, visit, labels=None):
        result = super().push(visit, labels)
        bad = {"fill": "dark"} if visit.field.well == "B2" and visit.t in (1, 2) else {}
        called = (1,) if (visit.field.well, visit.t) == ("B2", 3) else ()
        return dataclasses.replace(result, called=called, bad_frames=bad)


def test_the_log_says_who_was_called_and_where_frames_turned_bad(study, caplog):
    caplog.set_level("INFO", "livedeath.run.follow")
    follow(study, make_analyser=Judging)
    said = [
        (record.levelname, record.message)
        for record in caplog.records
        if not record.message.startswith("run ")
    ]
    assert said == [
        ("INFO", "plate1/B2/0 t=1 fill: bad frame, dark"),
        ("INFO", "plate1/B2/0 t=3 at 3.01 h: called dead: neuron 1"),
        ("INFO", "plate1/B2/0 t=3 fill: frames are good again"),
    ]


def test_a_run_is_continued_when_the_journal_has_grown(tmp_path):
    done = small_studies.acquire(small_studies.create(tmp_path / "done"))
    grown = small_studies.create(tmp_path / "grown")
    small_studies.acquire(grown, visits=grown.plan.visits[:4], finish=False)
    early = offline(grown)
    assert early.traces().height == 4
    small_studies.acquire(grown, visits=grown.plan.visits[4:])
    run = offline(grown)
    assert run.path == early.path
    assert_same(run, offline(done))


def test_missed_frames_are_said_and_skipped_visits_shift_nothing(tmp_path):
    study = small_studies.create(tmp_path / "study")
    keys = list(study.plan.frames())
    small_studies.acquire(study, missed=[keys[4], keys[8], keys[9]])
    made = []

    def make(declared):
        made.append(Counter(declared))
        return made[0]

    run = follow(study, make_analyser=make)
    assert run.traces().height == 9
    assert len(made[0].log) == 9
    assert ("B2", 1, False, ("fill",)) in made[0].log
    assert 2 not in run.traces().filter(pl.col("well") == "B2")["t"].to_list()


def test_a_logged_exclusion_changes_no_run(study):
    before = offline(study)
    traces, calls = before.traces(), before.calls()
    entry = {"kind": "log", "what": "exclude", "vessel": "plate1", "wells": ["B2"]}
    study.journal.append(entry | {"at_h": 0.0, "why": "contaminated"})
    again = offline(study)
    assert again.path == before.path
    assert_frame_equal(again.traces(), traces)
    assert_frame_equal(again.calls(), calls)


def test_a_second_analyser_of_the_same_run_is_refused(study):
    run = offline(study)
    with (
        durable.lock(run.path / following.LOCK_FILE, doing="livedeath score"),
        pytest.raises(StoreError, match="in use by 'livedeath score'"),
    ):
        offline(study)


def test_a_study_without_neurons_has_empty_tables_of_the_right_types(tmp_path):
    folder = small_studies.create(tmp_path / "study")
    small_studies.acquire(folder, visits=())
    run = offline(folder)
    assert run.traces().height == run.calls().height == 0
    assert run.traces().schema["flags"] == pl.UInt32
    assert run.traces().schema["well"] == pl.String


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from livedeath.run import follow as following
from livedeath.store.folder import StudyFolder
from run.counter import Counter
following.CHECKPOINT_VISITS = 2
class Told(Counter):
    def push(self, visit, labels=None):
        print("push", flush=True)
        return super().push(visit, labels)
following.follow(StudyFolder.open(Path(sys.argv[1])), make_analyser=Told)
"""


@pytest.mark.parametrize("after", [1, 5, 9])
def test_a_process_killed_in_the_middle_is_continued(study, tmp_path, after):
    tests = Path(__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(study.path), str(tests)],
        stdout=subprocess.PIPE,
    )
    said = [process.stdout.readline() for _ in range(after)]
    process.kill()
    process.wait()
    process.stdout.close()
    assert said == [b"push\n"] * after
    run = offline(study)
    (study.path / "analysis").rename(tmp_path / "killed")
    reference = offline(study)
    assert_same(Run(tmp_path / "killed" / run.path.name), reference)
    assert tables.read_parquet(reference.traces_path).height == 10


def test_labels_are_durable_before_the_checkpoint_that_covers_them(study, often, monkeypatch):
    said, real_flush, real_save = [], durable.flush, following.Checkpoint.save

    def flush(paths):
        paths = list(paths)
        said.append(("flush", len(paths)))
        real_flush(paths)

    def save(self, visits, *more, **named):
        said.append(("checkpoint", visits))
        real_save(self, visits, *more, **named)

    monkeypatch.setattr(durable, "flush", flush)
    monkeypatch.setattr(following.Checkpoint, "save", save)
    for workers in (1, 3):
        said.clear()
        offline(study, workers=workers)
        assert said == [
            ("flush", 3), ("checkpoint", 3), ("flush", 3), ("checkpoint", 6),
            ("flush", 3), ("checkpoint", 9), ("flush", 1), ("checkpoint", 10),
        ]  # fmt: skip
        shutil.rmtree(study.analysis_dir)


def test_a_label_that_cannot_be_written_ends_the_run(study, monkeypatch):
    def full(self, field, t, labels, *, flushed):
        raise OSError(28, "No space left on device", "labels")

    monkeypatch.setattr(following.LabelStore, "write", full)
    for workers in (1, 3):
        with pytest.raises(OSError, match="No space"):
            offline(study, workers=workers)


def imaged(path):
    """Make a study of one field with round neurons, one of which dies; really imaged."""
    study = small_studies.study_of_blobs()
    folder = StudyFolder.create(path, study)
    folder.images.create(folder.plan)
    small_studies.acquire_blobs(folder)
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = imaged(tmp_path_factory.mktemp("real") / "study")
    return folder, follow(folder)


def test_the_real_pipeline_sees_the_same_live(real, tmp_path, often):
    live = StudyFolder.create(tmp_path / "live", real[0].study)
    live.images.create(live.plan)
    runs = []
    thread = threading.Thread(target=lambda: runs.append(follow(live, live=True)))
    thread.start()
    small_studies.acquire_blobs(live)
    thread.join(60)
    assert not thread.is_alive()
    assert real[1].calls().height == 4
    assert_same(runs[0], real[1])


def test_the_real_pipeline_goes_on_exactly_after_every_visit(real, tmp_path, monkeypatch):
    monkeypatch.setattr(following, "CHECKPOINT_VISITS", 1)
    folder = imaged(tmp_path / "study")

    class OneVisit(following.Pipeline):
        pushes = 0

        def take(self, visit, seen):
            if self.pushes:
                raise KeyboardInterrupt
            self.pushes += 1
            return super().take(visit, seen)

    for _ in folder.plan.visits[1:]:
        with pytest.raises(KeyboardInterrupt):
            follow(folder, make_analyser=OneVisit)
    run = follow(folder, make_analyser=OneVisit)
    assert run.complete
    assert_same(run, real[1])


def test_the_flags_of_a_call_are_those_of_its_rows(real):
    # Restarted and live runs equal this one, flags included: the two tests above.
    traces, calls = real[1].traces(), real[1].calls()
    for neuron, flags in calls.select("neuron_id", "flags").iter_rows():
        rows = traces.filter(neuron_id=neuron)["flags"].to_list()
        assert flags == np.bitwise_or.reduce(rows)
    dead = calls.filter(outcome="dead")["flags"][0]
    assert dead & Flag.OUTLIER


def test_a_death_in_the_images_is_called_and_dated(real):
    dead = real[1].calls().filter(pl.col("outcome") == "dead")
    assert dead.height == 1
    where = real[1].traces().filter(pl.col("neuron_id") == dead["neuron_id"][0])
    assert (where["y_px"][0], where["x_px"][0]) == pytest.approx((24, 24), abs=2)
    assert 5.0 <= dead["death_low_h"][0] <= dead["death_h"][0] <= dead["death_high_h"][0] <= 7.1
    assert 6.0 <= dead["called_at_h"][0] <= 9.1


def test_the_run_asked_for_last_is_the_one_that_is_shown(study):
    first = offline(study)
    stricter = study.study.analysis.replace(false_alarms_per_1000_neuron_days=5.0)
    second = offline(study, settings=stricter)
    assert study.run().name == second.name
    offline(study)
    assert study.run().name == first.name
