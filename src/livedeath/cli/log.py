"""``livedeath log``: add what a person did to the study's journal, list it, retract it."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livedeath.cli.common import JsonOption, emit
from livedeath.errors import StudyError

if TYPE_CHECKING:  # the store is loaded when the command runs, not for its help
    from livedeath.run.logbook import Deed
    from livedeath.store.folder import StudyFolder


class What(StrEnum):
    """What can be logged, and what can be done with the log."""

    dose = "dose"
    exclude = "exclude"
    media = "media"
    load = "load"
    unload = "unload"
    kill = "kill"
    note = "note"
    retract = "retract"
    list = "list"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("log")(log)


def log(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the study.")],
    what: Annotated[
        What,
        typer.Argument(help="What was done; 'retract' voids an entry, 'list' shows them all."),
    ],
    wells: Annotated[
        list[str] | None, typer.Option(help="Wells, like B3 or A1:A4; repeat for more.")
    ] = None,
    vessel: Annotated[str | None, typer.Option(help="Vessel; needed if there are several.")] = None,
    at: Annotated[str, typer.Option(help="Hour since the study's start, or 'now'.")] = "now",
    why: Annotated[str, typer.Option(help="Reason, in your words.")] = "",
    compound: Annotated[str, typer.Option(help="With dose and kill: what was added.")] = "",
    dose: Annotated[float | None, typer.Option(help="With dose and kill: how much.")] = None,
    unit: Annotated[str, typer.Option(help="Unit of the dose, like uM.")] = "",
    entry: Annotated[
        str | None, typer.Option(help="With retract: the entry's id, as 'list' shows it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what was done to a study; nothing already written is changed."""
    from livedeath.run.logbook import Deed
    from livedeath.store.folder import StudyFolder

    study_folder = StudyFolder.open(folder)
    if entry is not None and what is not What.retract:
        raise StudyError("--entry has a meaning with 'retract' only; leave it out.")
    if entry is None and what is What.retract:
        raise StudyError(
            f"'retract' needs the entry; give its id with --entry, see 'livedeath log "
            f"{folder.name} list'."
        )
    deed = Deed(what.value, tuple(wells or ()), vessel, at, why, compound, dose, unit)
    if what in (What.retract, What.list):
        _refuse_unused(deed)
    if what is What.list:
        _list(study_folder, as_json=as_json)
    else:
        _log(study_folder, deed, entry, as_json=as_json)


def _refuse_unused(deed: "Deed") -> None:
    """Refuse what would silently count for nothing."""
    given = {
        "--wells": deed.wells,
        "--vessel": deed.vessel,
        "--at": deed.at != "now",
        "--why": deed.why and deed.what == "list",
        "--compound": deed.compound,
        "--dose": deed.dose is not None,
        "--unit": deed.unit,
    }
    said = [name for name, value in given.items() if value]
    if said:
        raise StudyError(f"{said[0]} has no meaning with '{deed.what}'; leave it out.")


def _log(folder: "StudyFolder", deed: "Deed", entry: str | None, *, as_json: bool) -> None:
    from livedeath.run import logbook

    if entry is not None:
        done = logbook.retract(folder, entry, deed.why)
    else:
        done = logbook.log(folder, deed)
    for note in done.notes:
        typer.echo(f"Note: {note}.", err=True)
    said = f"entry {done.entry['id']} is in the journal: {logbook.said_of(done.entry)}."
    emit({"study": folder.path, **done.entry, "notes": done.notes}, as_json=as_json, text=said)


def _list(folder: "StudyFolder", *, as_json: bool) -> None:
    from livedeath.run import logbook

    entries = logbook.logged(folder.journal.read())
    void = logbook.voided(entries)
    rows = [one | {"retracted_by": void.get(one["id"], {}).get("id")} for one in entries]
    lines = [
        f"{row['id']}  {row.get('wall', '')[:16]}  {logbook.said_of(row)}"
        + (f"  (retracted by {row['retracted_by']})" if row["retracted_by"] else "")
        for row in rows
    ]
    text = "\n".join(lines) or "nothing was logged yet."
    emit({"study": folder.path, "entries": rows}, as_json=as_json, text=text)
