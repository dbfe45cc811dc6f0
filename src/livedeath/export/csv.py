"""Tables for other programs: a study's run goes in, CSV files come out."""

import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl

from livedeath.errors import StoreError
from livedeath.store import tables
from livedeath.store.folder import Run, StudyFolder


def export_csv(folder: StudyFolder, run: Run, out: Path) -> dict[str, Path]:
    """Write traces, calls and, if there are any, reviews.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    run : Run
        Which of its runs.
    out : Path
        An existing, empty folder.

    Returns
    -------
    dict of str to Path
        What was written, by kind.
    """
    return write_csv(run.traces(), run.calls(), out) | _reviews(folder, out)


def write_csv(traces: pl.DataFrame, calls: pl.DataFrame, out: Path) -> dict[str, Path]:
    """Write traces and calls as ``traces.csv`` and ``calls.csv``."""
    written = {}
    for name, table in (("traces", traces), ("calls", calls)):
        written[name] = out / f"{name}.csv"
        tables.write_table(table, written[name])
    return written


def _reviews(folder: StudyFolder, out: Path) -> dict[str, Path]:
    """Copy the reviewers' decisions, one table for all reviewers."""
    parts = [
        part.with_columns(pl.lit(path.stem).alias("file"))
        for path in sorted(folder.reviews_dir.glob("*.sqlite"))
        if (part := _decisions(path)).height
    ]
    if not parts:
        return {}
    target = out / "reviews.csv"
    tables.write_table(pl.concat(parts, how="diagonal"), target)
    return {"reviews": target}


def _decisions(path: Path) -> pl.DataFrame:
    """Return a reviewer's rows as they were appended, taken-back ones included."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            cursor = db.execute("SELECT * FROM rows ORDER BY seq")
            names = [column[0] for column in cursor.description]
            return pl.DataFrame(cursor.fetchall(), schema=names, orient="row")
    except sqlite3.Error as error:
        raise StoreError(f"{path}: the reviews cannot be read ({error}).") from error
