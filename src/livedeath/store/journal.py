"""The study's journal: one JSON line per thing that happened, the spine of everything else.

Entries go in and are durable when `Journal.append` returns; entries come out in the order in
which they were written, also while another process writes. A line that a crash tore is not an
entry: it was never acknowledged to anyone. Nothing is ever edited or removed.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from livedeath.errors import StoreError
from livedeath.model.frame import FrameKey
from livedeath.store import durable

Entry: TypeAlias = dict[str, Any]
FrameStatus: TypeAlias = Literal["saved", "missed", "superseded", "not_planned"]

JOURNAL_FILE = "journal.jsonl"
"""Its name in the folder of a study."""

SETTLED: frozenset[str] = frozenset({"saved", "missed", "not_planned"})
"""Statuses after which nobody waits for a frame any more."""

LOG = "log"
"""Kind of an entry that says what a person did; each has an id, by which it can be retracted."""

ID_DIGITS = 6
"""Hexadecimal digits of an id: enough that a slip of the finger names no other entry."""


FINISH = "finish"
"""Said by a worker: every planned frame is settled; nothing more comes."""

INTERRUPTED = "interrupted"
"""Nobody acquires any more, though frames are due; ``livedeath acquire`` goes on."""

RESTART = "restart"
"""Said by a supervisor: its worker died or hung and another takes over; more comes."""

ENDS = frozenset({FINISH, INTERRUPTED})
"""After these an acquisition has ended, until a ``resume`` follows."""

COMMAND = "command"
"""Key of an entry on the acquisition: which ``livedeath acquire`` says it."""

WRITER_WAIT_S = 30.0
"""How long a writer waits for another one's line, which takes milliseconds."""


def frame_key(entry: Entry) -> FrameKey:
    """Return the frame that a journal entry of kind ``frame`` speaks of."""
    return FrameKey(
        entry["vessel"],
        int(entry["acquisition"]),
        entry["well"],
        int(entry["field"]),
        int(entry["t"]),
        entry["channel"],
        int(entry["z"]),
    )


def frame_entry(key: FrameKey, status: FrameStatus, **details: Any) -> Entry:  # noqa: ANN401
    """Build the entry of one frame.

    Parameters
    ----------
    key : FrameKey
        The frame.
    status : {"saved", "missed", "superseded", "not_planned"}
        What became of it.
    **details
        ``attempt``, ``session``, ``planned_h``, ``time_h``, ``x_um``, ``y_um``, ``z_um``,
        ``exposure_ms``, ``reason``, ...
    """
    return {"kind": "frame", "status": status, **key._asdict(), "attempt": 0, **details}


def with_id(entry: Entry) -> Entry:
    """Return an entry of kind ``log`` with the time of writing and its id."""
    timed = {"wall": _now()} | entry
    return timed | {"id": _id_of(_line(timed).encode())}


def _id_of(line: bytes) -> str:
    return hashlib.sha256(line.strip()).hexdigest()[:ID_DIGITS]


class Journal:
    """An append-only file of JSON lines.

    Parameters
    ----------
    path : Path
        The file; it is made by the first `append`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, entry: Entry) -> None:
        """Append one entry; it is durable when this returns.

        Parameters
        ----------
        entry : dict
            JSON values; ``wall`` (UTC, ISO 8601) is added if absent.

        Raises
        ------
        StoreError
            If another writer does not let go of the journal.
        ValueError
            If a value is not JSON, such as NaN.
        """
        self.append_all([entry])

    def append_all(self, entries: list[Entry]) -> None:
        """Append entries with one flush to the device; see `append`.

        After a crash a leading part of them may be there.
        """
        wall = _now()
        lines = [_line({"wall": wall} | entry) for entry in entries]
        if not lines:
            return
        is_new = not self.path.exists()
        with self.path.open("a+b", buffering=0) as handle:
            if not durable.hold(handle, wait_s=WRITER_WAIT_S):
                raise StoreError(
                    f"{self.path}: another program has held the journal for {WRITER_WAIT_S:g} s; "
                    "stop it and run the command again"
                )
            try:
                durable.append_line(handle, "\n".join(lines))
            finally:
                durable.release(handle)
        if is_new:
            durable.fsync_path(self.path.parent)

    def read(self) -> list[Entry]:
        """Return all entries, oldest first; empty if nothing happened yet."""
        return self.tail(0)[0]

    def tail(self, offset: int) -> tuple[list[Entry], int]:
        """Return what was appended since ``offset`` and the offset to go on from.

        Parameters
        ----------
        offset : int
            0, or what an earlier call returned.

        Returns
        -------
        entries : list of dict
            Complete lines only; a line still being written comes with a later call.
        offset : int
            The byte behind the last complete line.
        """
        try:
            with self.path.open("rb") as handle:
                handle.seek(offset)
                data = handle.read()
        except FileNotFoundError:
            return [], offset
        except OSError as error:
            raise StoreError(f"{self.path}: the journal cannot be read ({error})") from error
        end = data.rfind(b"\n") + 1
        return list(_parse(data[:end])), offset + end

    def frames(self) -> dict[FrameKey, Entry]:
        """Return the entry in force of every frame that was journaled.

        A later line counts more than an earlier one, unless it speaks of an earlier attempt.
        """
        return frames_of(self.read())


def frames_of(entries: list[Entry]) -> dict[FrameKey, Entry]:
    """Return the entry in force per frame; see `Journal.frames`."""
    found: dict[FrameKey, Entry] = {}
    for entry in entries:
        if entry.get("kind") != "frame":
            continue
        key = frame_key(entry)
        before = found.get(key)
        if before is None or entry.get("attempt", 0) >= before.get("attempt", 0):
            found[key] = entry
    return found


def zero_of(entries: list[Entry]) -> datetime | None:
    """Return when hour 0 was, by the first acquisition that says it; None where none does."""
    said = (e["zero"] for e in entries if e.get("kind") == "acquisition" and "zero" in e)
    first = next(said, None)
    return None if first is None else datetime.fromisoformat(first)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def last_word(entries: list[Entry]) -> str:
    """Return how an acquisition stands: the last ``what`` of its entries, empty before any."""
    said = [str(entry["what"]) for entry in entries if entry.get("kind") == "acquisition"]
    return said[-1] if said else ""


def _line(entry: Entry) -> str:
    return json.dumps(entry, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _parse(data: bytes) -> Iterator[Entry]:
    for line in data.split(b"\n"):
        try:
            entry = json.loads(line)
        except ValueError:  # a torn line, closed by the next append; or an empty one
            continue
        if isinstance(entry, dict):
            if entry.get("kind") == LOG:
                entry.setdefault("id", _id_of(line))  # written before entries had one
            yield entry
