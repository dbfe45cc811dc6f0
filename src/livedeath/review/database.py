"""The SQLite file behind a review journal: its tables, its marks, its errors in words.

In: a path. Out: an open database whose tables refuse change and deletion. What the rows
mean is known to `livedeath.review.journal`, how they are chained to `livedeath.review.chain`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from livedeath.errors import StoreError
from livedeath.review.chain import COLUMNS, Verdict, check_chain, root_digest

SCHEMA_VERSION = 1
APPLICATION_ID = 0x4C445256  # "LDRV": marks the file as a review journal of livedeath
BUSY_TIMEOUT_S = 10.0  # two windows of one reviewer may wait for each other this long

TABLES = """
CREATE TABLE about (reviewer TEXT NOT NULL, created TEXT NOT NULL, schema INTEGER NOT NULL);
CREATE TABLE rows (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('verdict', 'undo')),
    run TEXT NOT NULL,
    neuron_id INTEGER NOT NULL,
    item TEXT NOT NULL,
    verdict TEXT NOT NULL,
    time_h REAL,
    t INTEGER,
    duration_ms REAL,
    undoes INTEGER,
    version TEXT NOT NULL,
    wall TEXT NOT NULL,
    details TEXT NOT NULL,
    digest TEXT NOT NULL
);
CREATE TRIGGER rows_stay BEFORE UPDATE ON rows
    BEGIN SELECT RAISE(ABORT, 'a review is never changed'); END;
CREATE TRIGGER rows_remain BEFORE DELETE ON rows
    BEGIN SELECT RAISE(ABORT, 'a review is never deleted'); END;
CREATE TRIGGER about_stays BEFORE UPDATE ON about
    BEGIN SELECT RAISE(ABORT, 'a reviewer is never changed'); END;
CREATE TRIGGER about_remains BEFORE DELETE ON about
    BEGIN SELECT RAISE(ABORT, 'a reviewer is never deleted'); END;
"""

SELECT_ROWS = f"SELECT {', '.join(COLUMNS)} FROM rows ORDER BY seq"
INSERT_ROW = f"INSERT INTO rows ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"


def connect(path: Path) -> sqlite3.Connection:
    """Open a file for reading and appending; its folder is made when missing."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say in one sentence what the system or SQLite has against a file."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"{path}: this review journal cannot be used ({error}); check that the folder can "
            "be written and that the file is a review journal."
        ) from error


def create(db: sqlite3.Connection, reviewer: str) -> None:
    """Lay out a new file; call inside a transaction."""
    for statement in statements(TABLES):
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    db.execute("INSERT INTO about VALUES (?, ?, ?)", (reviewer, now(), SCHEMA_VERSION))


def is_new(db: sqlite3.Connection) -> bool:
    """Say whether a file holds nothing yet."""
    found = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(found[0] == 0)


def check_kind(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is no review journal, or one of another schema."""
    kind = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if kind != APPLICATION_ID:
        raise StoreError(f"{path}: this is no review journal of livedeath; move it elsewhere.")
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path}: written with review schema {version}, this version reads schema "
            f"{SCHEMA_VERSION}; use the version of livedeath that wrote it."
        )


def about(db: sqlite3.Connection) -> tuple[str, str, int]:
    """Return whose file this is, since when, and its schema."""
    reviewer, created, schema = db.execute("SELECT reviewer, created, schema FROM about").fetchone()
    return str(reviewer), str(created), int(schema)


def root(db: sqlite3.Connection) -> str:
    """Return the digest before the first row."""
    return root_digest(about(db))


def verify(db: sqlite3.Connection, path: Path, rows: list[Verdict]) -> None:
    """Refuse rows that are not as they were written."""
    found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").fetchone()
    check_chain(rows, root=root(db), written=found[0] if found else 0, where=path)


def now() -> str:
    """Return the time of day, UTC, ISO 8601 to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def statements(script: str) -> list[str]:
    """Split a script at the semicolons that end a statement, not those inside a trigger."""
    statements, held = [], ""
    for line in script.splitlines():
        held += line + "\n"
        if sqlite3.complete_statement(held):
            statements.append(held)
            held = ""
    return statements
