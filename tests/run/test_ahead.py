"""Threads that work ahead change nothing but the time it takes."""

import dataclasses
import threading
import time
from functools import partial

import numpy as np
import pytest
from polars.testing import assert_frame_equal

import small_studies
from livedeath.analysis.pipeline import Pipeline
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.measures import SomaSize
from livedeath.run import ahead
from livedeath.run import follow as following
from livedeath.run.ahead import Job
from livedeath.run.follow import follow
from livedeath.run.visits import CompleteVisit
from livedeath.store.folder import StudyFolder

FIELDS = 5


def by_frame(level):
    """Stand in for an estimate: every frame says another size, and says it surely."""
    return SomaSize(8.0 + abs(float(level(16.0).image.sum())) % 30.0, 0.05, 30)


def imaged(path):
    """Make a study of several wells with round neurons, really imaged."""
    study = small_studies.study_of_blobs()
    wells = tuple(f"B{k}" for k in range(2, 2 + FIELDS))
    vessels = (study.vessels[0].replace(wells=wells),)
    folder = StudyFolder.create(path, study.replace(vessels=vessels))
    folder.images.create(folder.plan)
    for number, visit in enumerate(folder.plan.visits):
        for key in visit.frames():
            frame = small_studies.blobs(1, seed=number)[0]
            folder.images.write(key, frame)
            folder.journal.append(small_studies.entry_of(visit, key))
    folder.journal.append({"kind": "acquisition", "what": "finish"})
    return folder


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """Return a study, scored with one thread."""
    folder = imaged(tmp_path_factory.mktemp("one") / "study")
    return folder, follow(folder, make_analyser=partial(Pipeline, estimate=by_frame))


def assert_same(run, other, plan):
    for table in ("traces", "calls"):
        a, b = getattr(run, table)(), getattr(other, table)()
        assert_frame_equal(a, b, check_exact=True)
    for field in plan.fields:
        np.testing.assert_array_equal(run.labels(field)[:], other.labels(field)[:])
    names = ("scales", "at_border", "warnings", "bad_frames", "visits")
    assert {n: run.provenance()[n] for n in names} == {n: other.provenance()[n] for n in names}


@pytest.mark.parametrize("workers", [2, 3, 8])
@pytest.mark.parametrize("checkpoint", [4, 64])
def test_any_number_of_threads_gives_the_same_to_the_last_bit(
    one, tmp_path, monkeypatch, workers, checkpoint
):
    monkeypatch.setattr(following, "CHECKPOINT_VISITS", checkpoint)
    folder = imaged(tmp_path / "study")
    make = partial(Pipeline, estimate=by_frame)
    run = follow(folder, workers=workers, make_analyser=make)
    assert run.traces().height > 100
    assert_same(run, one[1], folder.plan)


def test_the_size_of_somata_depends_on_the_order_of_visits(one, tmp_path):
    folder = imaged(tmp_path / "study")
    backwards = folder.journal.read()[::-1]
    assert one[1].provenance()["scales"][0]["somata"] == 30 * FIELDS
    line, other = (Pipeline(folder.study, estimate=by_frame) for _ in range(2))
    sequence = following.Sequence(folder.study, folder.plan)
    visits = [following._visit(v, folder.images) for v in sequence.feed(backwards[::-1])][:FIELDS]
    for visit in visits:
        line.push(visit)
    for visit in visits[::-1]:
        other.push(visit)
    first, last = (p.state()["field0/soma_um"] for p in (line, other))
    assert first != last


def test_a_run_killed_while_working_ahead_goes_on_exactly(one, tmp_path, monkeypatch):
    monkeypatch.setattr(following, "CHECKPOINT_VISITS", 4)
    folder = imaged(tmp_path / "study")

    class Killed(Pipeline):
        left = 13

        def take(self, visit, seen):
            Killed.left -= 1
            if Killed.left == 0:
                raise KeyboardInterrupt
            return super().take(visit, seen)

    make = partial(Killed, estimate=by_frame)
    with pytest.raises(KeyboardInterrupt):
        follow(folder, workers=3, make_analyser=make)
    run = follow(folder, workers=3, make_analyser=make)
    assert_same(run, one[1], folder.plan)


def test_a_frame_that_cannot_be_seen_ends_the_run_with_its_own_error(tmp_path):
    folder = imaged(tmp_path / "study")

    class Wrong(Pipeline):
        def see(self, visit, labels=None, *, turn):
            if visit.t == 3 and visit.field.well == "B4":
                images = {name: image[:40] for name, image in visit.images.items()}
                visit = dataclasses.replace(visit, images=images)
            return super().see(visit, labels, turn=turn)

    with pytest.raises(following_error(), match="B4/0 t=3"):
        follow(folder, workers=3, make_analyser=Wrong)


def following_error():
    from livedeath.errors import FrameError

    return FrameError


def job(number, field, *, log, lock, slow=0.0, turn_of_all=False):
    key = FieldKey("plate1", 0, f"B{field}", 0)
    complete = CompleteVisit(key, number, "", float(number), ())

    def read():
        return Visit(key, number, float(number), "", {})

    def see(visit, turn):
        time.sleep(slow if number % 3 == 0 else 0.0)
        if turn_of_all:
            with turn(), lock:
                log.append(number)
        with lock:
            log.append((field, number))
        return number

    return Job(complete, read, see)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_visits_of_a_field_and_turns_keep_their_order(workers):
    log, lock = [], threading.Lock()
    jobs = (job(n, n % 4, log=log, lock=lock, slow=0.004, turn_of_all=n < 12) for n in range(40))
    done = list(ahead.ahead(jobs, workers=workers, pause=lambda n: False))
    assert [seen for _, _, seen in done] == list(range(40))
    assert [entry for entry in log if isinstance(entry, int)] == list(range(12))
    for field in range(4):
        own = [n for f, n in (e for e in log if isinstance(e, tuple)) if f == field]
        assert own == sorted(own)


def test_nothing_is_begun_beyond_a_pause_before_all_was_taken():
    log, lock = [], threading.Lock()
    jobs = (job(n, n, log=log, lock=lock) for n in range(12))
    for taken, _ in enumerate(ahead.ahead(jobs, workers=3, pause=lambda n: n % 4 == 0), start=1):
        if taken % 4 == 0:
            time.sleep(0.02)
            assert len(log) == taken


def test_fields_are_looked_at_at_the_same_time():
    meeting = threading.Barrier(2, timeout=20)

    def meet(visit, turn):
        meeting.wait()

    def jobs(fields):
        for n in range(4):
            made = job(n, n % fields, log=[], lock=threading.Lock())
            yield made._replace(see=meet)

    assert len(list(ahead.ahead(jobs(2), workers=2, pause=lambda n: False))) == 4
    meeting.reset()
    meeting._timeout = 0.2
    with pytest.raises(threading.BrokenBarrierError):
        list(ahead.ahead(jobs(1), workers=2, pause=lambda n: False))
