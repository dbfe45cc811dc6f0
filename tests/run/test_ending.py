"""When a live analyser stops waiting: at the last word, or when nobody is left to say it."""

import threading
import time

import pytest

import small_studies
from livedeath.run import ending
from livedeath.run import follow as following
from livedeath.run.follow import follow
from livedeath.store import durable
from run.counter import Counter

START = {"kind": "acquisition", "what": "start"}


@pytest.fixture
def folder(tmp_path):
    return small_studies.create(tmp_path / "a study")


@pytest.fixture
def soon(monkeypatch):
    """Let a follower look often and give up early."""
    monkeypatch.setattr(following, "POLL_S", 0.01)
    monkeypatch.setattr(ending, "GONE_S", 0.3)


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s

    def after(self, watch, *steps_s):
        """Return what a watch says after each of some steps."""
        said = []
        for step_s in steps_s:
            self.now_s += step_s
            said.append(watch.is_gone())
        return said


def test_an_acquisition_is_gone_when_its_lock_was_free_for_long(folder):
    clock = Clock()
    watch = ending.Watch(folder, clock=clock)
    assert clock.after(watch, 0, 100, 199, 1) == [False, False, False, True]


def test_a_lock_that_is_held_keeps_a_follower_waiting(folder):
    clock = Clock()
    watch = ending.Watch(folder, clock=clock)
    with durable.lock(folder.acquire_lock):
        assert clock.after(watch, 0, 1000, 1000) == [False] * 3
    assert clock.after(watch, 10, 299, 1) == [False, False, True]


def test_a_new_line_of_the_journal_is_a_sign_of_life(folder):
    clock = Clock()
    watch = ending.Watch(folder, clock=clock)
    assert clock.after(watch, 0, 299) == [False, False]
    watch.hear()
    assert clock.after(watch, 1, 299, 1) == [False, False, True]


def followed(folder):
    """Start a live follower in a thread; return the thread and the list of its run."""
    runs = []
    thread = threading.Thread(
        target=lambda: runs.append(follow(folder, live=True, make_analyser=Counter))
    )
    thread.start()
    return thread, runs


def begun(folder, visits):
    folder.journal.append(START)
    small_studies.acquire(folder, visits=folder.plan.visits[:visits], finish=False)


def test_a_follower_leaves_when_every_process_was_killed(folder, soon):
    begun(folder, 3)
    thread, runs = followed(folder)
    thread.join(30)
    assert not thread.is_alive()
    assert runs[0].complete
    assert runs[0].traces().height == 3


@pytest.mark.parametrize("word", ["restart", "resume", "start"])
def test_a_follower_waits_while_somebody_acquires(folder, soon, word):
    begun(folder, 3)
    folder.journal.append({"kind": "acquisition", "what": word})
    with durable.lock(folder.acquire_lock):
        thread, runs = followed(folder)
        time.sleep(1.0)
        assert thread.is_alive()
        small_studies.acquire(folder, visits=folder.plan.visits[3:])
        thread.join(30)
    assert runs[0].traces().height == 10


def test_a_follower_that_is_started_first_waits_for_the_acquisition(folder, soon):
    thread, runs = followed(folder)
    time.sleep(1.0)
    assert thread.is_alive()
    small_studies.acquire(folder)
    thread.join(30)
    assert runs[0].traces().height == 10


@pytest.mark.parametrize("word", ["finish", "interrupted"])
def test_the_last_word_ends_a_follower_at_once(folder, word, monkeypatch):
    monkeypatch.setattr(following, "POLL_S", 0.01)
    begun(folder, 3)
    folder.journal.append({"kind": "acquisition", "what": word})
    with durable.lock(folder.acquire_lock):
        thread, runs = followed(folder)
        thread.join(30)
    assert runs[0].traces().height == 3
