"""What a person did to a study: words go in, an entry of its journal comes out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from livedeath.errors import StudyError, command
from livedeath.run import logbook
from livedeath.run.logbook import NOW, Deed, Logged
from livedeath.store.folder import StudyFolder

RETRACT = "retract"


def log(
    folder: Path | str,
    what: str,
    *,
    wells: Sequence[str] | str = (),
    vessel: str | None = None,
    at: float | str = NOW,
    why: str = "",
    compound: str = "",
    dose: float | None = None,
    unit: str = "",
    entry: str | None = None,
) -> Logged:
    """Say what was done to a study; nothing already written is changed.

    Parameters
    ----------
    folder : path
        The study.
    what : {'dose', 'exclude', 'media', 'load', 'unload', 'kill', 'note', 'retract'}
        What was done; ``retract`` voids an entry of the log.
    wells : sequence of str
        Like ``B3`` or ``A1:A4``.
    vessel : str, optional
        Needed if the study has several.
    at : float or 'now'
        Hours since the study's start.
    why : str
        Reason, in your words.
    compound, dose, unit : str, float, str
        With ``dose`` and ``kill``: what was added and how much.
    entry : str, optional
        With ``retract``: id of the entry; see `OpenStudy.log`.

    Returns
    -------
    Logged
        ``entry`` as it stands in the journal, ``notes`` on what is doubtful about it.

    Raises
    ------
    StudyError
        If it makes no sense for this study; then nothing is written.
    """
    study = StudyFolder.open(Path(folder))
    named = (wells,) if isinstance(wells, str) else tuple(wells)
    deed = Deed(what, named, vessel, str(at), why, compound, dose, unit)
    if (entry is not None) != (what == RETRACT):
        raise StudyError(_entry_fault(study, what))
    if entry is None:
        return logbook.log(study, deed)
    refuse_unused(deed)
    return logbook.retract(study, entry, why)


def _entry_fault(study: StudyFolder, what: str) -> str:
    if what != RETRACT:
        return "--entry has a meaning with 'retract' only; leave it out."
    return (
        f"'retract' needs the entry; give its id with --entry, see "
        f"'{command('log', study.path, 'list')}'."
    )


def refuse_unused(deed: Deed) -> None:
    """Refuse what would silently count for nothing in a retraction or a list.

    Raises
    ------
    StudyError
        Naming the first such option.
    """
    given = {
        "--wells": deed.wells,
        "--vessel": deed.vessel,
        "--at": deed.at != NOW,
        "--why": deed.why and deed.what == "list",
        "--compound": deed.compound,
        "--dose": deed.dose is not None,
        "--unit": deed.unit,
    }
    said = [name for name, value in given.items() if value]
    if said:
        raise StudyError(f"{said[0]} has no meaning with '{deed.what}'; leave it out.")


def logged(folder: StudyFolder) -> list[dict[str, Any]]:
    """Return what was logged, oldest first, each with ``retracted_by`` (an id or None)."""
    entries = logbook.logged(folder.journal.read())
    void = logbook.voided(entries)
    return [one | {"retracted_by": void.get(one["id"], {}).get("id")} for one in entries]
