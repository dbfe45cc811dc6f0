"""``livedeath log``: add what a person did to the study's journal, list it, retract it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit


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
    given = (wells, vessel, at, why, compound, dose, unit)
    if what is What.list:
        _list(folder, given, as_json=as_json)
        return
    from livedeath.api.log import log as logged
    from livedeath.run.logbook import said_of

    done = logged(
        folder,
        what.value,
        wells=wells or (),
        vessel=vessel,
        at=at,
        why=why,
        compound=compound,
        dose=dose,
        unit=unit,
        entry=entry,
    )
    for note in done.notes:
        typer.echo(f"Note: {note}.", err=True)
    text = f"entry {done.entry['id']} is in the journal: {said_of(done.entry)}."
    emit({"study": folder, **done.entry, "notes": done.notes}, as_json=as_json, text=text)


def _list(folder: Path, given: tuple[Any, ...], *, as_json: bool) -> None:
    from livedeath.api.log import logged, refuse_unused
    from livedeath.run.logbook import Deed, said_of
    from livedeath.store.folder import StudyFolder

    wells, *rest = given
    refuse_unused(Deed(What.list.value, tuple(wells or ()), *rest))
    study = StudyFolder.open(folder)
    rows = logged(study)
    lines = [
        f"{row['id']}  {row.get('wall', '')[:16]}  {said_of(row)}"
        + (f"  (retracted by {row['retracted_by']})" if row["retracted_by"] else "")
        for row in rows
    ]
    text = "\n".join(lines) or "nothing was logged yet."
    emit({"study": study.path, "entries": rows}, as_json=as_json, text=text)
