"""What was declared when frames were first taken: kept in the journal, and read back.

The entry that starts an acquisition holds the whole ``study.toml`` as it stood. So a later
correction can be told from a comparison that was thought of afterwards.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from livedeath.errors import StudyError
from livedeath.model.base import validate
from livedeath.model.comparison import Comparison
from livedeath.model.declaration import Declaration
from livedeath.model.prespecified import changes, resolved
from livedeath.model.study import Study
from livedeath.model.toml import parse_toml
from livedeath.store.journal import Entry

OTHER_FRAMES = (
    "its vessels, optics, channels, schedule, sessions or focus were changed after the "
    "acquisition began"
)
"""Said of a study that `takes_other_frames`."""

RECORDING = "recording"
"""Who began the journal of a study whose frames were there before it was declared."""


def declaration_entry(study: Study, text: str) -> Entry:
    """Return what the entry that starts or resumes an acquisition says of the declaration.

    Parameters
    ----------
    study : Study
        The declaration.
    text : str
        The same as TOML, with its comments.
    """
    return {
        "fingerprint": study.fingerprint,
        "camera_fingerprint": study.camera_fingerprint,
        "comparison_fingerprints": list(study.comparison_fingerprints),
        "declared": text,
    }


@dataclass(frozen=True)
class AtStart:
    """A study as it was declared when its acquisition began.

    Attributes
    ----------
    declared : Declaration or None
        None where the journal was written before declarations were kept, or where this
        version cannot read what was declared.
    fingerprint : str
        SHA-256 of it; empty if the journal does not say.
    comparison_fingerprints : tuple of str
        Of each of its comparisons.
    by_recording : bool
        Whether the frames had been taken before anything was declared.
    """

    declared: Declaration | None
    fingerprint: str
    comparison_fingerprints: tuple[str, ...]
    by_recording: bool

    def compared(self, study: Study, comparison: Comparison) -> bool:
        """Return whether a comparison was declared then, as it is now.

        Parameters
        ----------
        study : Study
            As it is declared now.
        comparison : Comparison
            One of its comparisons.
        """
        if self.declared is not None:
            before = self.declared
            now = resolved(study, comparison)
            return any(resolved(before, one) == now for one in before.comparisons)
        number = study.comparisons.index(comparison)
        known = study.comparison_fingerprints[number] in self.comparison_fingerprints
        return known or self.fingerprint == study.fingerprint

    def changes(self, study: Study) -> list[str]:
        """Return what was changed in the declaration since, one sentence each."""
        if self.declared is not None:
            return changes(self.declared, study)
        if self.fingerprint == study.fingerprint:
            return []
        return ["study.toml was changed; the journal does not hold what it said before"]


def declared_at_start(entries: Iterable[Mapping[str, Any]]) -> AtStart | None:
    """Return what a study declared when its acquisition began; None if nobody wrote it down.

    Parameters
    ----------
    entries : iterable of dict
        The journal.
    """
    for entry in entries:
        if entry.get("kind") == "acquisition" and entry.get("fingerprint"):
            return AtStart(
                declared=_read(entry.get("declared")),
                fingerprint=str(entry["fingerprint"]),
                comparison_fingerprints=tuple(entry.get("comparison_fingerprints", ())),
                by_recording=entry.get("by") == RECORDING,
            )
    return None


def takes_other_frames(study: Study, entries: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether other frames were declared when the acquisition began; it cannot go on so.

    Parameters
    ----------
    study : Study
        As it is declared now.
    entries : iterable of dict
        The journal.
    """
    begun = (e["camera_fingerprint"] for e in entries if "camera_fingerprint" in e)
    return next(begun, study.camera_fingerprint) != study.camera_fingerprint


def _read(text: object) -> Declaration | None:
    """Read a declaration that may be older than today's rules."""
    if not isinstance(text, str):
        return None
    try:
        where = "the declaration in the journal"
        return validate(Declaration, parse_toml(text, where=where), where=where)
    except StudyError:
        return None
