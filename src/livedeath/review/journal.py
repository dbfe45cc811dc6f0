"""What a reviewer decided, one durable and unalterable row per verdict.

In: verdicts of one reviewer. Out: a SQLite file that only grows. Each row carries the
SHA-256 of the row before it, so that a later change of any row is found by
:meth:`ReviewJournal.verify`. A verdict is never edited: taking one back adds a row.

It refuses to open another reviewer's file, and it does not judge what a verdict means
for the call beside it; that is for the report.
"""

import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from livedeath._version import __version__
from livedeath.errors import StoreError
from livedeath.review import database
from livedeath.review.chain import (
    COLUMNS,
    VERDICTS,
    Verdict,
    canonical,
    row_digest,
    standing,
)
from livedeath.review.reviewer import canonical_reviewer, file_name


class ReviewJournal:
    """A reviewer's append-only journal.

    Use as a context manager, or call :meth:`close`. Every :meth:`record` is on disk
    when it returns: SQLite with a rollback journal and full synchronisation, which
    also holds on a network share and leaves one single file to copy (a write-ahead
    log would need all its users on one machine, and two more files).

    Parameters
    ----------
    path : Path
        The file; made with its folder when missing.
    reviewer : str
        Whose verdicts it holds. An existing file of someone else is refused.

    Raises
    ------
    StoreError
        The file cannot be written, is no review journal, or is another reviewer's.
    """

    def __init__(self, path: Path, reviewer: str) -> None:
        file_name(reviewer)
        self.path = Path(path)
        self.reviewer = reviewer.strip()
        self._db = database.connect(self.path)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    @classmethod
    def in_folder(cls, folder: Path, reviewer: str) -> Self:
        """Open a reviewer's journal in the folder ``reviews`` of a study."""
        return cls(Path(folder) / file_name(reviewer), reviewer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        self._db.close()

    def _prepare(self) -> None:
        with database.explained(self.path):
            self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.execute("PRAGMA synchronous = EXTRA")
            self._db.execute("PRAGMA fullfsync = ON")
            with self._writing():
                if database.is_new(self._db):
                    database.create(self._db, self.reviewer)
                database.check_kind(self._db, self.path)
        self._check_reviewer()

    def _check_reviewer(self) -> None:
        owner = database.about(self._db)[0]
        if canonical_reviewer(owner) != canonical_reviewer(self.reviewer):
            raise StoreError(
                f"{self.path}: these are the reviews of {owner!r}, not of {self.reviewer!r}; "
                "every reviewer has a file of their own."
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.rollback()
            raise
        self._db.commit()

    def record(
        self,
        run: str,
        neuron_id: int,
        *,
        verdict: str,
        item: str = "",
        time_h: float | None = None,
        t: int | None = None,
        duration_ms: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Verdict:
        """Append one verdict; it is durable when this returns.

        Parameters
        ----------
        run : str
            Name of the analysis run.
        neuron_id : int
            The neuron.
        verdict : str
            One of :data:`VERDICTS`.
        item : str
            Opaque name under which the neuron was shown.
        time_h : float, optional
            Visit the verdict points at, hours since the study's start.
        t : int, optional
            Number of that visit in its field.
        duration_ms : float, optional
            From the item being painted to the verdict.
        details : mapping, optional
            Anything else that belongs to the decision; JSON values only.

        Returns
        -------
        Verdict
            The row as written.

        Raises
        ------
        ValueError
            The verdict is none of :data:`VERDICTS`.
        StoreError
            The row could not be written; nothing was recorded.
        """
        if verdict not in VERDICTS:
            raise ValueError(f"verdict {verdict!r} is none of {', '.join(VERDICTS)}")
        values = {
            "kind": "verdict",
            "run": run,
            "neuron_id": int(neuron_id),
            "item": item,
            "verdict": verdict,
            "time_h": _number(time_h),
            "t": None if t is None else int(t),
            "duration_ms": _number(duration_ms),
            "undoes": None,
            "details": canonical(dict(details or {})),
        }
        with database.explained(self.path), self._writing():
            return self._append(values)

    def undo(self, run: str) -> Verdict | None:
        """Take back the last standing verdict of a run by adding a row that says so.

        Returns
        -------
        Verdict or None
            The verdict taken back; None when none of the run stands.
        """
        with database.explained(self.path), self._writing():
            left = [row for row in standing(self._read()) if row.run == run]
            if not left:
                return None
            last = left[-1]
            kept = ("run", "neuron_id", "item", "verdict", "time_h", "t")
            values = {name: getattr(last, name) for name in kept}
            values |= {"kind": "undo", "undoes": last.seq, "duration_ms": None, "details": "{}"}
            self._append(values)
            return last

    def _append(self, values: dict[str, Any]) -> Verdict:
        last = self._db.execute("SELECT seq, digest FROM rows ORDER BY seq DESC LIMIT 1").fetchone()
        seq, before = last or (0, database.root(self._db))
        values |= {"seq": seq + 1, "version": __version__, "wall": database.now()}
        row = Verdict(**values, digest=row_digest(before, values))
        self._db.execute(database.INSERT_ROW, tuple(getattr(row, name) for name in COLUMNS))
        return row

    def _read(self) -> list[Verdict]:
        return [Verdict(*row) for row in self._db.execute(database.SELECT_ROWS)]

    def rows(self) -> list[Verdict]:
        """Return every row in the order of writing, undone ones and undos included."""
        with database.explained(self.path):
            return self._read()

    def verdicts(self, run: str) -> dict[int, Verdict]:
        """Return the verdict that stands for each neuron of a run: the last not undone."""
        return {row.neuron_id: row for row in standing(self.rows()) if row.run == run}

    @property
    def head(self) -> str:
        """Digest of the last row: kept elsewhere, it also proves that no row is missing."""
        rows = self.rows()
        return rows[-1].digest if rows else database.root(self._db)

    def verify(self) -> int:
        """Check the chain from the first row to the last.

        Returns
        -------
        int
            How many rows stand in the file.

        Raises
        ------
        StoreError
            A row was changed, added, moved or removed outside of this class.
        """
        with database.explained(self.path):
            database.verify(self._db, self.path, self._read())
            return len(self._read())


def read_verdicts(folder: Path, run: str) -> dict[str, dict[int, Verdict]]:
    """Read what every reviewer of a study says about a run, without writing anything.

    Parameters
    ----------
    folder : Path
        The study's folder ``reviews``; may be missing.
    run : str
        Name of the analysis run.

    Returns
    -------
    dict
        Reviewer, as written by themselves, to neuron id to the standing verdict.

    Raises
    ------
    StoreError
        A file is no review journal, or its chain is broken.
    """
    reviews: dict[str, dict[int, Verdict]] = {}
    for path in sorted(Path(folder).glob("*.sqlite")):
        reviewer, rows = _read_file(path)
        reviews[reviewer] = {row.neuron_id: row for row in standing(rows) if row.run == run}
    return reviews


def _read_file(path: Path) -> tuple[str, list[Verdict]]:
    with database.explained(path):
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            database.check_kind(db, path)
            rows = [Verdict(*row) for row in db.execute(database.SELECT_ROWS)]
            database.verify(db, path, rows)
            return database.about(db)[0], rows
        finally:
            db.close()


def _number(value: float | None) -> float | None:
    """Return a finite float or None: SQLite keeps no NaN."""
    return None if value is None or not math.isfinite(value) else float(value)
