"""Tables for other programs: a study's run goes in, CSV files come out."""

import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl

from livedeath.errors import StoreError
from livedeath.model.flags import Flag
from livedeath.model.frame import FieldKey
from livedeath.model.tables import MEASURED
from livedeath.run.visits import Sequence
from livedeath.statistics.study import read_calls
from livedeath.store import tables
from livedeath.store.folder import Run, StudyFolder


def export_csv(folder: StudyFolder, run: Run, out: Path) -> dict[str, Path]:
    """Write traces, joined calls and, if there are any, reviews.

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

    Notes
    -----
    Both tables are also inputs: ``livedeath survival calls.csv`` (with ``--block block`` where
    the comparison has a block) gives the numbers of the
    report, ``livedeath score traces.csv`` the calls of the run.
    """
    # Without arms: the deaths of an end-kill are in the traces, and would be compared.
    traces = scorable(folder, run.traces())
    return write_csv(traces, read_calls(folder, run).joined, out) | _reviews(folder, out)


def scorable(folder: StudyFolder, traces: pl.DataFrame) -> pl.DataFrame:
    """Add to a study's traces what ``livedeath score`` asks of a table.

    Parameters
    ----------
    folder : StudyFolder
        The study, whose journal says what had been done to a well by each visit.
    traces : polars.DataFrame
        Of one of its runs.

    Returns
    -------
    polars.DataFrame
        With ``signal, signal_sd, signal_background``, where there is a reference the same of
        it, dyes that were scored, and ``seen, intervened, endpoint``. A neuron's population is
        the one that was decided at last, when its marker had been seen, along its whole trace.
    """
    study = folder.study
    roles = {"signal": study.sensed} | ({"reference": study.reference} if study.reference else {})
    measured = [
        *((role, channel, ending) for role, channel in roles.items() for ending in MEASURED),
        *((role, channel, end) for role, channel in study.further.items() for end in ("", "_sd")),
    ]
    copies = [
        pl.col(f"{channel.name}{ending}").alias(f"{role}{ending}")
        for role, channel, ending in measured
        if f"{channel.name}{ending}" in traces.columns
    ]
    seen = (pl.col("flags").cast(pl.Int64) & int(Flag.MASK_LOST)) == 0
    visits = Sequence(study, folder.plan).feed(folder.journal.read())
    done = pl.DataFrame(
        [(*visit.field, visit.t, visit.intervened) for visit in visits],
        schema=[*FieldKey._fields, "t", "intervened"],
        orient="row",
    )
    told = traces.with_columns(
        *copies,
        seen.alias("seen"),
        pl.lit(study.endpoint).alias("endpoint"),
        pl.col("population").last().over("neuron_id"),
    )
    on = [*FieldKey._fields, "t"]
    return told.join(done.unique(on, keep="first"), on=on, how="left", maintain_order="left")


def write_csv(traces: pl.DataFrame, calls: pl.DataFrame, out: Path) -> dict[str, Path]:
    """Write traces and calls, flags also as words, as ``traces.csv`` and ``calls.csv``."""
    written = {}
    for name, table in (("traces", traces), ("calls", calls)):
        written[name] = out / f"{name}.csv"
        tables.write_table(tables.with_flag_words(table), written[name])
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
            columns = [column[0] for column in cursor.description]
            # All rows say the types: a column may hold nothing for hundreds of verdicts.
            return pl.DataFrame(
                cursor.fetchall(), schema=columns, orient="row", infer_schema_length=None
            )
    except sqlite3.Error as error:
        raise StoreError(f"{path}: the reviews cannot be read ({error}).") from error
