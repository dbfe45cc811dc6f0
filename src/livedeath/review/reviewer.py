"""Reviewers' names: when two are the same, and how one becomes a file name."""

import hashlib
import re
import unicodedata

from livedeath.errors import StoreError

NAME_LIMIT = 64  # characters of a reviewer's name kept in the file name

_RESERVED = {"con", "prn", "aux", "nul"} | {f"{p}{n}" for p in ("com", "lpt") for n in range(1, 10)}


def file_name(reviewer: str) -> str:
    """Return the name of a reviewer's file, safe on Windows, macOS and Linux.

    Letters of every script are kept. Names that differ in case only are one reviewer,
    since two such files cannot stand side by side on Windows and macOS. Where a name
    loses something else on the way, eight digits of its SHA-256 keep it apart.

    Parameters
    ----------
    reviewer : str
        The name as typed; not empty.

    Returns
    -------
    str
        File name ending in ``.sqlite``.

    Raises
    ------
    StoreError
        The name holds no letter or digit.
    """
    name = canonical_reviewer(reviewer)
    safe = re.sub(r"[^\w-]+", "_", name).strip("_-")[:NAME_LIMIT]
    if not any(char.isalnum() for char in safe):
        raise StoreError(
            f"reviewer {reviewer!r}: a reviewer's name needs at least one letter or digit; "
            "give another name."
        )
    if safe != name or safe in _RESERVED:
        safe += "-" + hashlib.sha256(name.encode("utf-8")).hexdigest()[:8]
    return f"{safe}.sqlite"


def canonical_reviewer(reviewer: str) -> str:
    """Return the form of a reviewer's name by which two names are compared."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", reviewer).strip().casefold())
