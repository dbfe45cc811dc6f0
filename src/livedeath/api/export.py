"""A run in another format: the folder of a study or of a scored table goes in, files come out."""

from enum import StrEnum
from pathlib import Path
from typing import Any

from livedeath.errors import StoreError, StudyError
from livedeath.export.csv import export_csv, write_csv
from livedeath.export.ctc import export_ctc
from livedeath.store import durable
from livedeath.store.folder import Run, StudyFolder


class Format(StrEnum):
    """What can be written."""

    csv = "csv"
    ctc = "ctc"


def export_study(
    folder: Path | str, out: Path | str, *, to: str, run: str | None = None
) -> dict[str, Any]:
    """Write the results of a scored study, or of a scored table of traces.

    Parameters
    ----------
    folder : path
        The study, or what ``livedeath score TRACES.csv`` wrote.
    out : path
        New or empty folder; it is whole or not there.
    to : {'csv', 'ctc'}
        csv: tables; ctc: masks as in the Cell Tracking Challenge.
    run : str, optional
        Name of the run; default: the latest.

    Returns
    -------
    dict
        ``study, run, format, out`` and the path of each file, or list of folders, by kind.

    Raises
    ------
    StoreError, StudyError
        If there is no such format, folder or run, or ``out`` is not empty.
    """
    if to not in list(Format):
        raise StudyError(f"{to!r} is no format; it can be {', '.join(Format)}.")
    source, target = Path(folder), durable.new_folder(Path(out))
    is_table = (source / "traces.parquet").is_file() and not (source / "study.toml").is_file()
    study = None if is_table else StudyFolder.open(source)
    chosen = Run(source) if study is None else study.run(run)
    durable.make_folder(target.parent)
    with durable.replacing_folder(target) as partial:
        written = _csv(study, chosen, partial) if to == "csv" else _ctc(study, chosen, partial)
    paths = {
        kind: [target / name for name in value] if isinstance(value, list) else target / value
        for kind, value in written.items()
    }
    return {"study": source, "run": chosen.name, "format": to, "out": target, **paths}


def _csv(study: StudyFolder | None, run: Run, out: Path) -> dict[str, Any]:
    if study is None:
        written = write_csv(run.traces(), run.calls(), out)
    else:
        written = export_csv(study, run, out)
    return {kind: path.name for kind, path in written.items()}


def _ctc(study: StudyFolder | None, run: Run, out: Path) -> dict[str, Any]:
    if study is None:
        raise StoreError("a table of traces has no masks; export it as csv.")
    sequences = export_ctc(study, run, out)
    return {"sequences": [path.name for path in sequences], "labels": "labels.csv"}
