"""Visits in their order go in; each comes out, in that order, with what its field saw of it.

With several threads frames are read and fields looked at ahead of whoever takes the visits:
different fields at the same time, the visits of one field one after the other. What comes out
is the same to the last bit as with one thread: a field sees its own visits in their order, and
what all fields decide together is decided in the order of the visits.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from livedeath.model.frame import FieldKey, Visit
from livedeath.run.visits import CompleteVisit

AHEAD = 2
"""Visits that each thread may be ahead; their images are in memory."""

Turn = Callable[[], AbstractContextManager[None]]


class Job(NamedTuple):
    """What is to be done ahead with one visit.

    Attributes
    ----------
    complete : CompleteVisit
        Which one.
    read : callable
        Returns the visit with its images; called in a thread.
    see : callable
        Takes the visit and a turn (see `Turns`), returns what its field saw; called in a thread,
        after the field's visit before.
    """

    complete: CompleteVisit
    read: Callable[[], Visit]
    see: Callable[[Visit, Turn], Any]


Done = tuple[CompleteVisit, Visit, Any]


class Turns:
    """Lets visits that are worked on at the same time do something in their order."""

    def __init__(self) -> None:
        self._next = 0
        self._over: set[int] = set()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def of(self, number: int) -> Iterator[None]:
        """Wait until every earlier number is over; then it is this one's turn."""
        with self._changed:
            self._changed.wait_for(lambda: self._next == number)
        yield

    def over(self, number: int) -> None:
        """Say that a number needs no turn any more."""
        with self._changed:
            self._over.add(number)
            while self._next in self._over:
                self._over.remove(self._next)
                self._next += 1
            self._changed.notify_all()


def one_by_one(jobs: Iterator[Job]) -> Generator[Done, None, None]:
    """Do each job when its visit is asked for."""
    for job in jobs:
        visit = job.read()
        yield job.complete, visit, job.see(visit, contextlib.nullcontext)


def ahead(
    jobs: Iterator[Job], *, workers: int, pause: Callable[[int], bool]
) -> Generator[Done, None, None]:
    """Do jobs ahead, in threads.

    Parameters
    ----------
    jobs : iterator of Job
        In the order of their visits; asked for one at a time.
    workers : int
        Threads.
    pause : callable
        Given how many jobs were begun, tells whether no further one may begin before all of
        them were taken: when somebody wants to write down the state of all fields.

    Yields
    ------
    tuple
        The visit as complete, with its images, and what its field saw.
    """
    turns, last = Turns(), dict[FieldKey, Future[Any]]()
    waiting: deque[tuple[CompleteVisit, Future[tuple[Visit, Any]]]] = deque()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            for number, job in enumerate(jobs):
                field = job.complete.field
                # A job waits only for jobs that were begun before it, so none waits for ever.
                future = pool.submit(_do, job, last.get(field), turns, number)
                last[field] = future
                waiting.append((job.complete, future))
                room = 0 if pause(number + 1) else AHEAD * workers - 1
                while len(waiting) > room:
                    yield _taken(waiting)
            while waiting:
                yield _taken(waiting)
        finally:
            for _, future in waiting:
                future.cancel()


def _taken(waiting: deque[tuple[CompleteVisit, Future[tuple[Visit, Any]]]]) -> Done:
    complete, future = waiting.popleft()
    return complete, *future.result()


def _do(job: Job, before: Future[Any] | None, turns: Turns, number: int) -> tuple[Visit, Any]:
    """Read a visit, wait for its field's visit before, and look at it."""
    try:
        visit = job.read()
        if before is not None:
            before.result()
        return visit, job.see(visit, lambda: turns.of(number))
    finally:
        turns.over(number)


class Behind:
    """Does jobs in their order, in a thread of its own where there is one for it.

    Parameters
    ----------
    room : int
        Jobs that may wait; 0 to do each at once.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._pool = ThreadPoolExecutor(max_workers=1) if room else None
        self._waiting: deque[Future[None]] = deque()

    def do(self, job: Callable[[], None]) -> None:
        """Do a job, soon; an error of one before may be raised here."""
        if self._pool is None:
            job()
            return
        self._waiting.append(self._pool.submit(job))
        while len(self._waiting) > self._room:
            self._waiting.popleft().result()

    def wait(self) -> None:
        """Return when all jobs are done, or raise the error of one."""
        while self._waiting:
            self._waiting.popleft().result()

    def close(self) -> None:
        """Let go of the thread; what waits is not done."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
