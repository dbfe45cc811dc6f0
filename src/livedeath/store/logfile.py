"""The log of a study: what its commands did and what went wrong, for whoever looks afterwards.

Records of the standard library's logging go in; lines of ``logs/livedeath.log`` in the study
come out. A command begins a log with `keeping`, and whoever opens a study says so with
`about`; importing this sets up nothing, and without a study nothing is written. The log is
for people: no part of livedeath reads it, and losing it loses no result.

Several processes work on one study, so every record is written under a lock, by whoever has
something to say, into a file that nobody holds open between two records. That also lets
Windows rename it when it is full.
"""

import contextlib
import logging
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from livedeath.store import durable

LOGS_FOLDER = "logs"
LOG_FILE = "livedeath.log"

LARGEST_BYTES = 1_000_000
"""Size at which the file is put aside and a new one begun."""

OLDER_KEPT = 3
"""Files put aside that are kept; their names end in ``.1`` (the newest), ``.2`` and so on."""

LONGEST_RECORD = 32_000
"""Characters of one record; a traceback has about 2,000."""

LOCK_WAIT_S = 1.0
"""How long to wait for another process's record, which takes milliseconds; then it is lost."""

PACKAGES = ("livedeath", "livedeath_acquisition", "napari_livedeath")
"""Whose records count from INFO on; those of other packages count from WARNING on."""

FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(process)d %(name)s: %(message)s"

logger = logging.getLogger(__name__)


class StudyLog(logging.Handler):
    """Writes records into the study that a process works on, once it is known which.

    Parameters
    ----------
    doing : str
        What the process does, in each of its lines, like ``score``.
    """

    def __init__(self, doing: str) -> None:
        super().__init__()
        written = logging.Formatter(FORMAT.replace("%(process)d", f"{doing}[%(process)d]"))
        written.datefmt, written.converter = "%Y-%m-%dT%H:%M:%S", time.gmtime
        self.setFormatter(written)
        self._study: Path | None = None
        self._waiting: deque[logging.LogRecord] = deque(maxlen=100)
        self.written: Path | None = None
        """The file, once something of this process stands in it."""

    def about(self, study: Path) -> None:
        """Say whose log it is; the first one stays."""
        if self._study is None:
            self._study = study
            while self._waiting:
                self.handle(self._waiting.popleft())

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; what cannot be written is given up, for work comes first."""
        if self._study is None:
            self._waiting.append(record)
            return
        path = self._study / LOGS_FOLDER / LOG_FILE
        if getattr(record, "refusal", False) and not path.exists():
            return
        with contextlib.suppress(OSError):
            if _append(path, self.format(record)[:LONGEST_RECORD]):
                self.written = path

    def refused(self, error: Exception) -> None:
        """Note a sentence that a user was told; that alone begins no log in a study."""
        logger.error("%s", error, extra={"refusal": True})

    def fault(self) -> None:
        """Note the exception that is being handled, with its traceback."""
        logger.critical("a fault of livedeath", exc_info=sys.exc_info())


def _append(path: Path, text: str) -> bool:
    """Append a record to the file of its turn; False if another process holds it too long."""
    path.parent.mkdir(exist_ok=True)
    with path.with_name(f"{LOG_FILE}.lock").open("a+b") as lock:
        if not durable.hold(lock, wait_s=LOCK_WAIT_S):
            return False
        try:
            _rotate(path)
            with path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
                file.write(f"{text}\n")
        finally:
            durable.release(lock)
    return True


def _rotate(path: Path) -> None:
    """Put a full file aside; one that a viewer holds open on Windows goes on growing till then."""
    if not path.exists() or path.stat().st_size < LARGEST_BYTES:
        return
    turns = [path, *(path.with_name(f"{path.name}.{n}") for n in range(1, OLDER_KEPT + 1))]
    with contextlib.suppress(OSError):
        for older, newer in zip(turns[:0:-1], turns[-2::-1], strict=True):
            if newer.exists():
                newer.replace(older)


_kept: list[StudyLog] = []


@contextlib.contextmanager
def keeping(doing: str) -> Iterator[StudyLog]:
    """Keep the log of a process while it works.

    Parameters
    ----------
    doing : str
        What it does, like ``score``.
    """
    log = StudyLog(doing)
    root, own = logging.getLogger(), [logging.getLogger(name) for name in PACKAGES]
    levels = [one.level for one in own]
    root.addHandler(log)
    for one in own:
        one.setLevel(logging.INFO)
    _kept.append(log)
    try:
        yield log
    finally:
        _kept.remove(log)
        root.removeHandler(log)
        for one, level in zip(own, levels, strict=True):
            one.setLevel(level)


def about(study: Path) -> None:
    """Say that this process works on a study; changes nothing where no log is kept.

    Parameters
    ----------
    study : Path
        Folder of a study that is known to be one.
    """
    for log in _kept:
        log.about(study)
