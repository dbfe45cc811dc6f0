"""The process that touches the hardware: opens the microscope, executes, and may die.

Its supervisor starts it, hears its heartbeats on standard output and ends it by closing its
standard input. Whatever a driver prints goes to standard error.

Run as ``python -m livedeath_acquisition.worker JSON``; see ``Order``.
"""

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from livedeath.errors import HardwareError, LivedeathError
from livedeath.model.frame import FrameKey
from livedeath.model.study import Study
from livedeath.store import durable, logfile
from livedeath.store.folder import StudyFolder
from livedeath.store.journal import COMMAND, FINISH, INTERRUPTED, frames_of, last_word, zero_of
from livedeath_acquisition import choose, heartbeats
from livedeath_acquisition.executor import CrashHistory, Executor
from livedeath_acquisition.microscope import HungError, Microscope
from livedeath_acquisition.schedule import DueVisit, choose_round, due_visits
from livedeath_acquisition.watchdog import end_with_parent

# Its own name, for as a process of its own this module is called __main__.
logger = logging.getLogger("livedeath_acquisition.worker")

# A worker that was ended a moment ago may still hold the lock.
_LOCK_WAIT_S = 10.0
# Engine, disk and camera threads hand over to one another for every frame; with Python's
# 5 ms this cost a third of the frames per second at 512 x 512 (169 against 108 measured).
_SWITCH_INTERVAL_S = 0.0005
# Writing a frame and its journal line, beside the exposure and its deadline.
_WRITE_S = 30.0


@dataclass(frozen=True)
class Order:
    """What a worker is told.

    Parameters
    ----------
    folder : str
        The study's folder.
    microscope : str or None
        As written after ``--microscope``; None goes on with the study's own.
    visit_now : bool
        Take the nearest round now, then end.
    restarts : int
        How many workers ran before this one under the same supervisor.
    deaths : list of (frame key as a list, int)
        Frames at which they died, and how often.
    how : str
        How the last one ended.
    command : str
        By which the journal tells the words of this ``livedeath acquire`` from another's.
    """

    folder: str
    microscope: str | None = None
    visit_now: bool = False
    restarts: int = 0
    deaths: list[tuple[list[Any], int]] = field(default_factory=list)
    how: str = ""
    command: str = ""

    def text(self) -> str:
        """Return the order as the worker's argument."""
        return json.dumps(asdict(self))

    @property
    def crashes(self) -> CrashHistory:
        """What the executor is told about earlier processes."""
        return CrashHistory({FrameKey(*key): count for key, count in self.deaths}, self.how)


class Worker:
    """Carries out one order.

    Parameters
    ----------
    order : Order
        What to do.
    tell : callable
        Takes each heartbeat.
    """

    def __init__(self, order: Order, tell: Callable[[heartbeats.Heartbeat], None]) -> None:
        self._order = order
        self._tell = tell
        self._folder = StudyFolder.open(Path(order.folder))
        self._choice = choose.resume(order.microscope, self._folder.journal.read())
        self._is_running = False

    def run(self) -> None:
        """Take what is due; returns when nothing is left or the ordered round is done.

        Raises
        ------
        LivedeathError
            If the input is at fault or the hardware gave up.
        HungError
            If only a new process can go on.
        """
        lock = self._folder.acquire_lock
        is_new = not lock.exists()
        try:
            with durable.lock(lock, doing="livedeath acquire", wait_s=_LOCK_WAIT_S):
                self._work_off()
        except LivedeathError:
            if is_new and not self._folder.journal.read():
                # What was refused leaves no trace.
                lock.unlink(missing_ok=True)
            raise

    def _work_off(self) -> None:
        self._sweep()
        due = due_visits(self._folder.plan, self._folder.journal.frames())
        if due:
            self._acquire(due)
        else:
            self._say_ready(due)
        self._finish()

    def interrupted(self, why: str = "its supervisor stopped or was gone") -> None:
        """Say in the journal that the acquisition ends here, if it had begun."""
        if self._is_running:
            self._journal(INTERRUPTED, why=why)

    def _acquire(self, due: list[DueVisit]) -> None:
        zero = hour_zero(self._folder)
        microscope = choose.make(self._choice, self._folder, zero=zero)
        try:
            microscope.open()
            self._prepare(zero, microscope.z_origin_um)
            self._say_ready(due)
            self._execute(microscope, due)
        except HungError:
            # Closing would wait for the very call that hangs; the process ends instead.
            raise
        except LivedeathError as error:
            self.interrupted(str(error))
            microscope.close()
            raise
        except BaseException:
            # A fault: the supervisor starts another worker, or says that it gave up.
            microscope.close()
            raise
        microscope.close()

    def _execute(self, microscope: Microscope, due: list[DueVisit]) -> None:
        executor = Executor(self._folder, microscope, tell=self._tell, crashes=self._order.crashes)
        if not self._order.visit_now:
            executor.run(due)
            return
        chosen, too_late = choose_round(due, microscope.now_h())
        executor.miss(too_late, "the vessel was not brought")
        executor.run(chosen, wait=False)

    def _sweep(self) -> None:
        """Remove what a dead worker left; the analyser may be writing after a restart."""
        folder = self._folder.path
        if not self._order.restarts:
            durable.sweep(folder)
        elif self._folder.images.exists:
            durable.sweep(self._folder.images.path)

    def _prepare(self, zero: datetime, z_origin_um: float | None) -> None:
        """Lay out the study on disk, once the microscope is known to fit it."""
        if self._choice.kind == "simulated":
            from livedeath_acquisition.simulated import keep_parameters

            keep_parameters(self._folder)
        self._folder.images.create(self._folder.plan)
        self._begin(zero, z_origin_um)

    def _begin(self, zero: datetime, z_origin_um: float | None) -> None:
        focus = {} if z_origin_um is None else {"z_origin_um": z_origin_um}
        begun = any(e.get("kind") == "acquisition" for e in self._folder.journal.read())
        self._journal(
            "resume" if begun else "start",
            zero=zero.isoformat(),
            **self._folder.declaration_entry(),
            **focus,
        )
        self._is_running = True

    def _finish(self) -> None:
        """Journal the end once, when every planned frame is settled."""
        self._is_running = False
        entries = self._folder.journal.read()
        if due_visits(self._folder.plan, frames_of(entries)):
            self._journal(INTERRUPTED, why="the ordered round is done")
        elif last_word(entries) != FINISH:
            self._journal(FINISH)

    def _journal(self, what: str, **details: Any) -> None:  # noqa: ANN401 - JSON
        entry = {"kind": "acquisition", "what": what, "microscope": self._choice.text}
        named = {COMMAND: self._order.command} if self._order.command else {}
        self._folder.journal.append(entry | details | named)

    def _say_ready(self, due: list[DueVisit]) -> None:
        n_due = sum(len(one.frames) for one in due)
        planned = self._folder.plan.n_frames
        logger.info("%s: %d of %d frames are due", self._choice.text, n_due, planned)
        self._tell(
            {
                "what": "ready",
                "planned": planned,
                "settled": planned - n_due,
                "frame_s": frame_budget_s(self._folder.study),
            }
        )


def hour_zero(folder: StudyFolder) -> datetime:
    """Return when a study's hour 0 was: by its journal, else as declared, else now."""
    journaled = zero_of(folder.journal.read())
    if journaled is not None:
        return journaled
    declared = folder.study.schedule.start
    return declared.astimezone(UTC) if declared is not None else datetime.now(UTC)


def frame_budget_s(study: Study) -> float:
    """Return how long a frame may take, with all its tries, until the process counts as hung.

    An engine that hangs is noticed earlier, inside; this is for a driver that holds the
    whole process.
    """
    policies = study.policies
    longest_s = max(channel.exposure_ms for channel in study.channels) / 1000.0
    one_try_s = 2.0 * (policies.frame_deadline_s + longest_s) + policies.settle_ms / 1000.0
    return policies.tries * one_try_s + _WRITE_S


def _speak() -> Callable[[heartbeats.Heartbeat], None]:
    """Keep standard output for heartbeats; what anybody prints goes to standard error."""
    pipe = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    lock = threading.Lock()

    def tell(heartbeat: heartbeats.Heartbeat) -> None:
        with lock, contextlib.suppress(OSError):
            os.write(pipe, heartbeats.line(heartbeat))

    return tell


def main() -> None:
    """Carry out the order given as argument and end with a status that says how it went.

    What went wrong also stands in the study's log, for standard error ends with the process.
    """
    # The terminal's Ctrl-C is the supervisor's to answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    tell = _speak()
    with logfile.keeping("worker") as log:
        status = _carry_out(Order(**json.loads(sys.argv[1])), tell, log)
    # Threads of drivers and engines may never end by themselves.
    sys.stderr.flush()
    os._exit(status)


def _carry_out(
    order: Order, tell: Callable[[heartbeats.Heartbeat], None], log: logfile.StudyLog
) -> int:
    try:
        worker = Worker(order, tell)
        end_with_parent(worker.interrupted)
        worker.run()
    except HungError as error:
        log.refused(error)
        tell({"what": "hung", "sentence": str(error)})
        return heartbeats.HUNG
    except LivedeathError as error:
        log.refused(error)
        tell({"what": "error", "sentence": str(error), "status": error.exit_status})
        return error.exit_status
    except Exception as error:  # noqa: BLE001 - the process's last line of defence
        refused = _refused_by_disk(error, Path(order.folder))
        if refused is not None:
            log.refused(HardwareError(refused))
            tell({"what": "error", "sentence": refused, "status": HardwareError.exit_status})
            return HardwareError.exit_status
        log.fault()
        traceback.print_exc()
        return heartbeats.FAULT
    tell({"what": "finished"})
    return heartbeats.FINISHED


def _refused_by_disk(error: Exception, folder: Path) -> str | None:
    """Say what to do if the study's disk is at fault: no other process would fare better.

    A driver's own files and ports are not the study's.
    """
    if not isinstance(error, OSError):
        return None
    elsewhere = isinstance(error.filename, str) and not Path(error.filename).is_relative_to(folder)
    return None if elsewhere else durable.complaint(error)


if __name__ == "__main__":
    main()
