"""``livedeath export``: a study's results in a format that other programs read."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from livedeath.cli.common import JsonOption, check_output_folder, emit
from livedeath.errors import StoreError


class Format(StrEnum):
    """What can be written."""

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
    from livedeath.store import durable

    target = check_output_folder(out)
    writer = _csv if to is Format.csv else _ctc
    source = _Source(folder, run)
    durable.make_folder(target.parent)
    with durable.replacing_folder(target) as partial:
        names = writer(source, partial)
    written = {
        kind: [target / name for name in value] if isinstance(value, list) else target / value
        for kind, value in names.items()
    }
    text = f"{target}: {to.value} written from run {source.name}."
    emit(
        {"study": folder, "run": source.name, "format": to.value, "out": target, **written},
        as_json=as_json,
        text=text,
    )


class _Source:
    """What is exported: a run of a study, or a folder made from a table of traces."""

    def __init__(self, folder: Path, run: str | None) -> None:
        from livedeath.store.folder import Run, StudyFolder

        self.folder: StudyFolder | None = None
        if (folder / "traces.parquet").is_file() and not (folder / "study.toml").is_file():
            self.run = Run(folder)
        else:
            self.folder = StudyFolder.open(folder)
            self.run = self.folder.run(run)
        self.name = self.run.name


def _csv(source: _Source, out: Path) -> dict[str, Any]:
    from livedeath.export.csv import export_csv, write_csv

    if source.folder is None:
        written = write_csv(source.run.traces(), source.run.calls(), out)
    else:
        written = export_csv(source.folder, source.run, out)
    return {kind: path.name for kind, path in written.items()}


def _ctc(source: _Source, out: Path) -> dict[str, Any]:
    from livedeath.export.ctc import export_ctc

    if source.folder is None:
        raise StoreError("a table of traces has no masks; export it --to csv.")
    sequences = export_ctc(source.folder, source.run, out)
    return {"sequences": [path.name for path in sequences], "labels": "labels.csv"}
