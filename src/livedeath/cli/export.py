"""``livedeath export``: a study's results in a format that other programs read."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from livedeath.cli.common import JsonOption, emit


class Format(StrEnum):
    """What can be written; see `livedeath.api.export`."""

    csv = "csv"
    ctc = "ctc"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("export")(export)


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a scored study.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; new or empty.")],
    to: Annotated[
        Format, typer.Option(help="csv: tables; ctc: masks as in the Cell Tracking Challenge.")
    ],
    run: Annotated[str | None, typer.Option(help="Name of the run; default: the latest.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the results of a study for other programs."""
    from livedeath.api.export import export_study

    written = export_study(folder, out, to=to.value, run=run)
    text = f"{written['out']}: {to.value} written from run {written['run']}."
    emit(written, as_json=as_json, text=text)
