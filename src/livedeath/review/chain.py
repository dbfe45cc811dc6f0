"""The rows of a review journal and the chain of digests that ties them together.

In: rows as read from a file. Out: which verdicts stand, and whether every row is as it
was written. Nothing here touches a file.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from livedeath.errors import StoreError

VERDICTS = ("dead", "alive", "lost", "unsure", "not_a_neuron", "dead_on_arrival")
"""What a reviewer can say about a neuron."""


@dataclass(frozen=True)
class Verdict:
    """One row of a review journal.

    Attributes
    ----------
    seq : int
        Number of the row, from 1, without gaps.
    kind : str
        ``verdict``, or ``undo`` for a row that takes another one back.
    run : str
        Name of the analysis run whose call was looked at.
    neuron_id : int
        The neuron, unique in the study.
    item : str
        Opaque name under which the reviewer saw it.
    verdict : str
        One of :data:`VERDICTS`; of an ``undo``, the verdict taken back.
    time_h : float or None
        Hours since the study's start of the visit that the verdict points at.
    t : int or None
        That visit's number in its field: what the reviewer had before the eyes.
    duration_ms : float or None
        From the item being painted to the verdict.
    undoes : int or None
        ``seq`` of the row taken back.
    version : str
        Version of livedeath that wrote the row.
    wall : str
        Time of day of the verdict, UTC, ISO 8601.
    details : str
        JSON object with whatever else belongs to the decision.
    digest : str
        SHA-256 over the previous row's digest and this row, hexadecimal.
    """

    seq: int
    kind: str
    run: str
    neuron_id: int
    item: str
    verdict: str
    time_h: float | None
    t: int | None
    duration_ms: float | None
    undoes: int | None
    version: str
    wall: str
    details: str
    digest: str


COLUMNS = tuple(field.name for field in fields(Verdict))
"""Names of a row's columns, in the order of the file."""


def canonical(value: object) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces, every script as it is."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def root_digest(about: Sequence[object]) -> str:
    """Return the digest before the first row: of whose file this is and since when."""
    return hashlib.sha256(canonical(list(about)).encode("utf-8")).hexdigest()


def row_digest(before: str, values: Mapping[str, Any]) -> str:
    """Return a row's digest, given the one before it and all its values but the digest."""
    return hashlib.sha256(f"{before}\n{canonical(dict(values))}".encode()).hexdigest()


def standing(rows: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts that nobody took back, in the order of writing."""
    undone = {row.undoes for row in rows if row.kind == "undo"}
    return [row for row in rows if row.kind == "verdict" and row.seq not in undone]


def count_verdicts(verdicts: Mapping[int, Verdict]) -> dict[str, int]:
    """Count standing verdicts by kind; every kind of :data:`VERDICTS` is a key."""
    counts = dict.fromkeys(VERDICTS, 0)
    for row in verdicts.values():
        counts[row.verdict] += 1
    return counts


def check_chain(rows: Sequence[Verdict], *, root: str, written: int, where: object) -> None:
    """Refuse rows that are not as they were written.

    Parameters
    ----------
    rows : sequence of Verdict
        All rows, in order.
    root : str
        Digest before the first row.
    written : int
        How many rows the file says were ever written.
    where : object
        Name of the file, for the message.

    Raises
    ------
    StoreError
        A row was changed, moved, added or removed.
    """
    before = root
    for number, row in enumerate(rows, start=1):
        values = {name: getattr(row, name) for name in COLUMNS if name != "digest"}
        if row.seq != number or row.digest != row_digest(before, values):
            raise StoreError(
                f"{where}: row {number} is not as it was written (neuron {row.neuron_id}, "
                f"{row.verdict!r}); take the file from a backup."
            )
        before = row.digest
    if written != len(rows):
        raise StoreError(
            f"{where}: {written} rows were written and {len(rows)} are left; take the file "
            "from a backup."
        )
