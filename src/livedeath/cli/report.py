"""``livedeath report``: one page that a scientist would show, and the tables behind it."""

from pathlib import Path
from typing import Annotated

import typer

from livedeath.cli.common import JsonOption, emit, progress

PARTS = 5


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("report")(report)


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of a study that was scored.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="New or empty folder for the report; default: reports/RUN in the study."),
    ] = None,
    run: Annotated[str | None, typer.Option(help="Name of the analysis; default: latest.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write report.html, self-contained, and its tables."""
    from livedeath.reporting.html import report as reported

    with progress("Reporting", PARTS) as advance:
        result = reported(folder, out=out, run=run, step=lambda part: advance(1))
    emit(result, as_json=as_json, text=f"Report: {result['report']}")
