"""Starts the worker, listens to its heartbeats, and starts it again when it dies or hangs.

Standard library only, so that nothing a driver brings along can take it down. A heartbeat
comes with a settled frame, or with a wait that says how long it lasts; attempts do not
count. It knows nothing of microscopes or studies.
"""

import contextlib
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any

from livedeath_acquisition import heartbeats
from livedeath_acquisition.heartbeats import Heartbeat

# Loading a large configuration and homing a stage takes minutes on some microscopes.
START_S = 300.0
# Room beyond an announced wait before it counts as a hang.
WAIT_MARGIN_S = 60.0
# Starts in a row without one saved frame, before the hardware counts as given up.
MAX_FRUITLESS_STARTS = 5
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 60.0
# A worker whose pipe closed ends at once; this is for a system that is slow.
_END_S = 5.0

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    """How an acquisition ended.

    Parameters
    ----------
    status : int
        Exit status: 0 done, 2 the input is at fault, 3 the hardware gave up, 1 a fault.
    sentence : str
        Why, when it is not 0.
    planned, saved, missed : int
        Frames of the plan, and those settled under this supervisor.
    restarts : int
        How many workers died or hung and were followed by another.
    """

    status: int = heartbeats.FINISHED
    sentence: str = ""
    planned: int = 0
    saved: int = 0
    missed: int = 0
    restarts: int = 0


@dataclass
class _Life:
    """One worker process, from start to end."""

    process: subprocess.Popen[bytes]
    listener: threading.Thread
    said: "queue.SimpleQueue[Heartbeat | None]"
    errors: IO[bytes]
    last: Heartbeat = field(default_factory=dict)
    at: list[Any] | None = None
    saved: int = 0
    frame_s: float = START_S


def one_thread_each() -> dict[str, str]:
    """Return an environment in which linear algebra does not start threads of its own.

    Between calls they spin: OpenBLAS doubled the processor time of a simulated frame (57
    against 31 ms at 512 x 512), at the cost of whoever shares the machine. What the user
    has set stays.
    """
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    return dict.fromkeys(names, "1") | dict(os.environ)


class Supervisor:
    """Keeps one worker alive until its work is done.

    Parameters
    ----------
    command : callable
        Returns the worker's command line, given how many workers ran before, the frames at
        which they died with counts, and how the last one ended.
    on_heartbeat : callable or None
        Given every heartbeat, for a progress bar.
    start_s : float
        How long a worker may take until its first heartbeat, seconds.
    """

    def __init__(
        self,
        command: Callable[[int, list[tuple[list[Any], int]], str], list[str]],
        *,
        on_heartbeat: Callable[[Heartbeat], None] | None = None,
        start_s: float = START_S,
    ) -> None:
        self._command = command
        self._on_heartbeat = on_heartbeat or (lambda heartbeat: None)
        self._start_s = start_s
        self._deaths: Counter[tuple[Any, ...]] = Counter()
        self._outcome = Outcome()

    def run(self) -> Outcome:
        """Return when the work is done, refused, or given up.

        Stops the worker before any exception, a ``KeyboardInterrupt`` too, passes through.
        """
        fruitless, how = 0, ""
        while True:
            life = self._start(how)
            try:
                how = self._follow(life)
                _say_another_follows(life.process)
            finally:
                tail = _end(life)
            if life.last.get("what") in ("finished", "error"):
                return self._conclude(life.last)
            fruitless = 0 if life.saved else fruitless + 1
            if fruitless >= MAX_FRUITLESS_STARTS:
                return self._abandon(how, tail)
            self._remember(life)
            logger.warning("the worker is started again: %s%s", how, tail and f" ({tail})")
            time.sleep(min(FIRST_PAUSE_S * 2.0**fruitless, LONGEST_PAUSE_S))

    def _start(self, how: str) -> _Life:
        deaths = [(list(frame), count) for frame, count in self._deaths.items()]
        errors = tempfile.TemporaryFile()
        process = subprocess.Popen(
            self._command(self._outcome.restarts, deaths, how),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=one_thread_each(),
        )
        said: queue.SimpleQueue[Heartbeat | None] = queue.SimpleQueue()
        listener = threading.Thread(target=_listen, args=(process.stdout, said), daemon=True)
        listener.start()
        return _Life(process, listener, said, errors)

    def _follow(self, life: _Life) -> str:
        """Hear a worker until it ends or hangs; return how it ended."""
        deadline = time.monotonic() + self._start_s
        while True:
            try:
                heartbeat = life.said.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return "it hung"
            if heartbeat is None:
                return self._how_it_ended(life)
            self._on_heartbeat(heartbeat)
            life.last = heartbeat
            deadline = self._note(life, heartbeat, deadline)

    def _note(self, life: _Life, heartbeat: Heartbeat, deadline: float) -> float:
        """Take in a heartbeat; return by when the next must come."""
        what, now = heartbeat["what"], time.monotonic()
        if what == "next":
            life.at = heartbeat["frame"]
            # It ends an announced wait and prolongs nothing.
            return min(deadline, now + life.frame_s)
        if what == "waiting":
            return now + float(heartbeat["for_s"]) + WAIT_MARGIN_S + life.frame_s
        if what == "ready":
            life.frame_s = float(heartbeat["frame_s"])
            self._outcome.planned = int(heartbeat["planned"])
        elif what in ("saved", "missed"):
            life.at = None if life.at == heartbeat["frame"] else life.at
            life.saved += what == "saved"
            self._outcome.saved += what == "saved"
            self._outcome.missed += what == "missed"
        return now + life.frame_s

    def _how_it_ended(self, life: _Life) -> str:
        status = life.process.wait()
        if status == heartbeats.HUNG:
            return str(life.last.get("sentence", "it hung"))
        return f"its process ended with status {status}"

    def _remember(self, life: _Life) -> None:
        self._outcome.restarts += 1
        if life.at is not None:
            self._deaths[tuple(life.at)] += 1

    def _conclude(self, last: Heartbeat) -> Outcome:
        self._outcome.status = int(last.get("status", heartbeats.FINISHED))
        self._outcome.sentence = str(last.get("sentence", ""))
        return self._outcome

    def _abandon(self, how: str, tail: str) -> Outcome:
        self._outcome.status = heartbeats.GAVE_UP
        self._outcome.sentence = (
            f"the acquisition was started {MAX_FRUITLESS_STARTS} times without saving a frame "
            f"(last time {how}{': ' + tail if tail else ''}); run 'livedeath doctor', mend the "
            f"microscope and run 'livedeath acquire' again"
        )
        return self._outcome


def _listen(pipe: IO[bytes], said: "queue.SimpleQueue[Heartbeat | None]") -> None:
    """Pass on every heartbeat of a pipe, then None for its end; closes the pipe."""
    with contextlib.suppress(OSError, ValueError), pipe:
        for text in pipe:
            heartbeat = heartbeats.read(text)
            if heartbeat is not None:
                said.put(heartbeat)
    said.put(None)


def _say_another_follows(process: "subprocess.Popen[bytes]") -> None:
    """Tell a worker that it is ended for another one to take over, if it still hears."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.write(heartbeats.ANOTHER_FOLLOWS)
            process.stdin.flush()


def _end(life: _Life) -> str:
    """End a worker: close its standard input, then kill; return its last line on standard error."""
    end_process(life.process)
    life.listener.join(timeout=_END_S)
    with life.errors as errors:
        errors.seek(0)
        lines = errors.read().decode("utf-8", errors="replace").split("\n")
    return next((one.strip() for one in reversed(lines) if one.strip()), "")


def end_process(process: "subprocess.Popen[bytes]", *, patience_s: float | None = None) -> None:
    """End a process that watches its standard input; the same on every system.

    Parameters
    ----------
    process : subprocess.Popen
        Started with a pipe as standard input; its watchdog ends it when that closes.
    patience_s : float or None
        How long it may take to end by itself, seconds; None for what a watchdog needs.
    """
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(timeout=_END_S if patience_s is None else patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Companion:
    """A second process beside the acquisition, whose death costs nothing.

    Parameters
    ----------
    arguments : list of str
        What follows ``livedeath`` on the command line.
    """

    MAX_STARTS = 3
    PAUSE_S = 2.0

    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._out: IO[bytes] = tempfile.TemporaryFile()
        self._errors: IO[bytes] = tempfile.TemporaryFile()
        self._started = 0.0
        self.starts = 0

    def keep_alive(self) -> None:
        """Start it, or start it again if it ended: not at once and not without end."""
        if self._process is not None and self._process.poll() is None:
            return
        rested = time.monotonic() - self._started > self.PAUSE_S
        if self.starts == 0 or (rested and self.starts < self.MAX_STARTS):
            self._start()

    def _start(self) -> None:
        if self._process is not None:
            end_process(self._process)
        self.starts += 1
        if self.starts > 1:
            logger.warning("the analyser is started again (start %d)", self.starts)
        self._started = time.monotonic()
        for file in (self._out, self._errors):
            file.seek(0)
            file.truncate()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "livedeath_acquisition.watchdog", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=self._out,
            stderr=self._errors,
            env=one_thread_each(),
        )

    def finish(self, *, anew: bool = False) -> tuple[int, str, str]:
        """Wait for its end; return status, output, complaint.

        If it died it is started once more, whatever happened before: now it has the
        machine to itself. With ``anew`` so too if it ended well.
        """
        if anew or self._process is None or self._process.wait() != 0:
            self._start()
        assert self._process is not None
        return self._process.wait(), _text(self._out), _text(self._errors)

    def end(self) -> None:
        """End it now, if it still runs."""
        if self._process is not None:
            end_process(self._process)
        self._out.close()
        self._errors.close()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace").strip()
