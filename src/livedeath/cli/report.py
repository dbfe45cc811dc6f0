"""``livedeath report``: one page that a scientist would show, and the tables behind it."""

from pathlib import Path
from typing import Annotated

import typer

from livedeath.cli.common import JsonOption, check_output_folder, emit, progress

PARTS = 5


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("report")(report)


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a study that was scored.")],
    out: Annotated[
        Path | None,
        typer.Option(help="New or empty folder for the report; default: reports/RUN in the study."),
    ] = None,
    run: Annotated[str | None, typer.Option(help="Name of the analysis; default: latest.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write report.html, self-contained, and its tables."""
    from livedeath.report.from_table import gather_table, is_table_run
    from livedeath.report.html import write_report
    from livedeath.report.material import gather

    material = gather_table(folder) if is_table_run(folder) else gather(folder, run=run)
    own = (
        folder.absolute()
        if material.from_table
        else material.folder.reports_dir / material.run.name
    )
    target = check_output_folder(out) if out else own
    with progress("Reporting", PARTS) as advance:
        result = write_report(material, target, step=lambda part: advance(1))
    emit(result, as_json=as_json, text=f"Report: {result['report']}")
