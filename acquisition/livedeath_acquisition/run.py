"""Acquires a study from here: worker and analyser side by side, under one supervisor.

In goes a study's folder, out comes how it ended. When it ends well the analysis is
complete; when the analyser dies, no frame is lost and it is started again. Whatever ends the
acquisition, the journal says so, for that is what an analyser waits for.
"""

import json
import logging
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livedeath.errors import HardwareError, LivedeathError, StoreError, StudyError, command
from livedeath.run.coverage import NOT_YET, unscored
from livedeath.store.declared import OTHER_FRAMES, takes_other_frames
from livedeath.store.folder import StudyFolder
from livedeath.store.journal import COMMAND, ENDS, INTERRUPTED, RESTART
from livedeath_acquisition import choose, heartbeats
from livedeath_acquisition.supervisor import Companion, Outcome, Supervisor
from livedeath_acquisition.worker import Order

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Acquired:
    """What an acquisition came to.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    planned, saved, missed : int
        Frames of the whole plan, by the journal.
    restarts : int
        How often the worker had to be started again.
    analysis : dict
        What the analyser printed; empty when nothing was scored.
    """

    folder: StudyFolder
    planned: int
    saved: int
    missed: int
    restarts: int
    analysis: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        own = {
            "study": self.folder.path,
            "frames_planned": self.planned,
            "frames_saved": self.saved,
            "frames_missed": self.missed,
            "restarts": self.restarts,
        }
        return {key: value for key, value in self.analysis.items() if key not in own} | own


def acquire(
    path: Path | str,
    *,
    microscope: str | None = None,
    score: bool = True,
    visit_now: bool = False,
    on_heartbeat: Callable[[heartbeats.Heartbeat], None] | None = None,
) -> Acquired:
    """Acquire a study, or resume it.

    Parameters
    ----------
    path : path
        The study's folder.
    microscope : str or None
        As written after ``--microscope``; None goes on with the study's own.
    score : bool
        Whether the analyser runs beside the acquisition.
    visit_now : bool
        Take the nearest round now, then end.
    on_heartbeat : callable or None
        Given every heartbeat of the worker.

    Raises
    ------
    LivedeathError
        If the input is at fault; then nothing was changed.
    HardwareError
        If the hardware gave up by the declared policy; the study can be resumed.
    """
    folder = StudyFolder.open(Path(path))
    if folder.source is not None:
        raise StoreError(
            f"{folder.path}: this study was made from a recording and has no microscope; score it "
            f"with '{command('score', folder.path)}'"
        )
    entries, begun_at = folder.journal.tail(0)
    choose.resume(microscope, entries)
    _refuse_changed_study(folder, entries)
    folder.refuse_read_only()
    analyser = _analyser(folder) if score else None
    words = _Words(folder, begun_at)
    try:
        outcome = _supervise(
            folder,
            microscope,
            visit_now=visit_now,
            on_heartbeat=on_heartbeat,
            analyser=analyser,
            words=words,
        )
        words.say_ended(outcome.sentence)
        analysis = _analysis(folder, analyser, outcome)
    except BaseException as error:
        words.say_ended(str(error) or "stopped by a person")
        raise
    finally:
        if analyser is not None:
            analyser.end()
    return _count(folder, outcome, analysis)


class _Words:
    """What the journal is told by whoever outlives the workers.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    offset : int
        Where the journal ended before this acquisition; what stands before is not its own.

    Attributes
    ----------
    command : str
        Stands in all words of this acquisition, its workers' too. Another one may have begun
        meanwhile; of that one nothing is said here.
    """

    def __init__(self, folder: StudyFolder, offset: int) -> None:
        self.command = uuid.uuid4().hex[:12]
        self._journal = folder.journal
        self._offset = offset

    def _is_under_way(self) -> bool:
        """Whether a worker of this acquisition has the last word, and it is not an end."""
        entries, _ = self._journal.tail(self._offset)
        said = [entry for entry in entries if entry.get("kind") == "acquisition"]
        return bool(said) and said[-1].get(COMMAND) == self.command and said[-1]["what"] not in ENDS

    def say_restart(self, how: str) -> None:
        """Say that a worker ended in a way that is not the end."""
        if self._is_under_way():
            self._say(RESTART, how)

    def say_ended(self, why: str) -> None:
        """Say that nobody goes on, unless the last worker could say so itself."""
        if self._is_under_way():
            self._say(INTERRUPTED, why)

    def _say(self, what: str, why: str) -> None:
        entry = {"kind": "acquisition", "what": what, "why": why, COMMAND: self.command}
        try:
            self._journal.append(entry)
        except OSError as error:
            # Why it ended counts more, and a full disk may be the reason.
            logger.warning("the journal was not told that the acquisition ended: %s", error)


def _refuse_changed_study(folder: StudyFolder, entries: list[dict[str, Any]]) -> None:
    """Refuse to go on with frames that were not declared when the acquisition began."""
    if takes_other_frames(folder.study, entries):
        raise StudyError(
            f"{folder.path / 'study.toml'}: {OTHER_FRAMES}; take the change back, or declare a "
            f"new study in another folder."
        )


def _analyser(folder: StudyFolder) -> Companion:
    return Companion(["score", str(folder.path), "--follow", "--json"])


def worker_command(order: Order) -> list[str]:
    """Return the command line of the process that carries out an order."""
    return [sys.executable, "-m", "livedeath_acquisition.worker", order.text()]


def _supervise(
    folder: StudyFolder,
    microscope: str | None,
    *,
    visit_now: bool,
    on_heartbeat: Callable[[heartbeats.Heartbeat], None] | None,
    analyser: Companion | None,
    words: _Words,
) -> Outcome:
    def command(restarts: int, deaths: list[tuple[list[Any], int]], how: str) -> list[str]:
        if restarts:
            words.say_restart(how)
        order = Order(
            str(folder.path),
            microscope,
            visit_now,
            restarts=restarts,
            deaths=deaths,
            how=how,
            command=words.command,
        )
        return worker_command(order)

    def listen(heartbeat: heartbeats.Heartbeat) -> None:
        if analyser is not None and heartbeat["what"] in ("ready", "saved", "missed", "waiting"):
            analyser.keep_alive()
        if on_heartbeat is not None:
            on_heartbeat(heartbeat)

    return Supervisor(command, on_heartbeat=listen).run()


def _analysis(folder: StudyFolder, analyser: Companion | None, outcome: Outcome) -> dict[str, Any]:
    """Let the analyser score what there is; return what it printed, or raise how it all ended.

    Raises
    ------
    LivedeathError
        If the input was at fault, or the analysis failed.
    HardwareError
        If the hardware gave up; what was acquired is scored first.
    """
    if outcome.status == heartbeats.FINISHED:
        return {} if analyser is None else _finish(analyser, folder)
    if analyser is not None and analyser.starts:
        analyser.finish()
    gave_up = outcome.status == heartbeats.GAVE_UP
    raise (HardwareError if gave_up else LivedeathError)(outcome.sentence)


def _finish(analyser: Companion, folder: StudyFolder) -> dict[str, Any]:
    """Wait until the analysis is complete and return what it printed."""
    said = _understood(folder, *analyser.finish())
    if said and _lacks_visits(folder, said["run"]):
        said = _understood(folder, *analyser.finish(anew=True))
    return said


def _understood(folder: StudyFolder, status: int, said: str, complaint: str) -> dict[str, Any]:
    if status != 0:
        last = complaint.splitlines()[-1:] or [f"status {status}"]
        raise LivedeathError(
            f"{folder.path}: every frame is safe, but the analysis failed ({last[0]}); run "
            f"'{command('score', folder.path)}'"
        )
    try:
        return dict(json.loads(said.splitlines()[-1]))
    except (ValueError, IndexError):
        return {}


def _lacks_visits(folder: StudyFolder, run: str) -> bool:
    """Return whether an analyser that ended well had left before the last visit."""
    return any(one.why == NOT_YET for one in unscored(folder, folder.run(run)))


def _count(folder: StudyFolder, outcome: Outcome, analysis: dict[str, Any]) -> Acquired:
    statuses = [entry["status"] for entry in folder.journal.frames().values()]
    return Acquired(
        folder=folder,
        planned=folder.plan.n_frames,
        saved=statuses.count("saved"),
        missed=statuses.count("missed"),
        restarts=outcome.restarts,
        analysis=analysis,
    )
