"""What a run has not seen: a study's journal and a run go in, the visits it lacks come out.

Whoever shows results asks here, so that nobody takes a part for the whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from livedeath.model.frame import FieldKey
from livedeath.run.visits import CompleteVisit, Sequence
from livedeath.store.folder import Run, StudyFolder
from livedeath.store.journal import Entry

NOT_YET = "the analysis has not come so far"


@dataclass(frozen=True)
class Unscored:
    """Visits of one field that were acquired and are in no table of the run.

    Parameters
    ----------
    field : FieldKey
        Which field.
    why : str
        `NOT_YET`, or why it will never be scored.
    hours : tuple of float
        When they were made, hours since the study's start.
    """

    field: FieldKey
    why: str
    hours: tuple[float, ...]

    @property
    def visits(self) -> int:
        """How many they are."""
        return len(self.hours)


def unscored(
    folder: StudyFolder, run: Run, *, entries: list[Entry] | None = None
) -> tuple[Unscored, ...]:
    """Return the visits with images that the journal holds and the tables of a run do not.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    run : Run
        One of its runs.
    entries : list of dict, optional
        The journal, where it was read before.

    Returns
    -------
    tuple of Unscored
        Empty when the run is whole; see `lacking`.
    """
    journaled = folder.journal.read() if entries is None else entries
    visits = Sequence(folder.study, folder.plan).feed(journaled)
    return lacking(visits, int(run.provenance().get("visits", 0)))


def lacking(visits: Iterable[CompleteVisit], seen: int) -> tuple[Unscored, ...]:
    """Return the visits with images that an analysis which saw the first few has not scored.

    Parameters
    ----------
    visits : iterable of CompleteVisit
        In the order of the journal.
    seen : int
        How many of them it saw.

    Returns
    -------
    tuple of Unscored
        By field and reason, in the order of the journal. Visits that were missed, or taken
        out by the declaration, are not lacking.
    """
    hours: dict[tuple[FieldKey, str], list[float]] = {}
    for number, visit in enumerate(visits):
        why = _why(visit, is_seen=number < seen)
        if why:
            hours.setdefault((visit.field, why), []).append(visit.time_h)
    return tuple(Unscored(*key, tuple(sorted(when))) for key, when in hours.items())


def _why(visit: CompleteVisit, *, is_seen: bool) -> str:
    """Return why a visit is in no table; empty if it is, or has nothing to be scored."""
    if visit.excluded or not visit.saved:
        return ""
    return visit.skipped or ("" if is_seen else NOT_YET)
