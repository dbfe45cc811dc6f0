"""Tables on disk: columns go in as Parquet or CSV and come out the same.

Parquet lies inside a study, CSV is written on export, and both are read wherever a table is
read. What is unknown is null in a table and NaN in an array: tables read or built here hold no
NaN. It knows no column's meaning but that of flags, only whether a file is a table at all.
"""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from livedeath.errors import TableError
from livedeath.model.flags import names
from livedeath.model.tables import FIRST_DATA_ROW
from livedeath.store import durable

PARQUET_MAGIC = b"PAR1"

UNITS_KEY = "units"
"""Where the Parquet file's own metadata hold the columns' units, as a JSON object."""

PARQUET_ENDINGS = (".parquet", ".pq")
TEXT_ENDINGS = {".csv": ",", ".tsv": "\t", ".txt": ","}
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}


def is_table(path: Path) -> bool:
    """Return whether a path is named like a table."""
    return path.suffix.lower() in (*PARQUET_ENDINGS, *TEXT_ENDINGS)


def read_table(path: Path) -> pl.DataFrame:
    """Read a CSV or Parquet file.

    Parameters
    ----------
    path : Path
        Ends with .csv, .tsv, .txt, .parquet or .pq. CSV needs a line of column names; an
        empty cell is null.

    Raises
    ------
    TableError
        If there is no such file, it is empty, holds no row, names a column twice, or is not
        what its name says.
    """
    _check_file(path)
    parquet = path.suffix.lower() in PARQUET_ENDINGS
    table = read_parquet(path) if parquet else _read_text(path)
    if table.height == 0:
        raise TableError(
            f"{path}: the table has column names but no rows; give one row per measurement."
        )
    return table


def _check_file(path: Path) -> None:
    if not path.exists():
        raise TableError(f"{path}: there is no such file; check the name.")
    if path.is_dir():
        raise TableError(f"{path}: this is a folder; name a CSV or Parquet file.")
    if path.stat().st_size == 0:
        raise TableError(f"{path}: the file is empty; give a table with column names and rows.")
    if not is_table(path):
        raise TableError(
            f"{path}: the ending {path.suffix!r} is no table's; use .csv, .tsv or .parquet."
        )


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a Parquet file, which may have no rows.

    Raises
    ------
    TableError
        If it is not what its name says.
    """
    try:
        # Read into memory: a file mapped by its reader cannot be replaced on Windows.
        return nan_as_null(pl.read_parquet(io.BytesIO(path.read_bytes())))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"{path}: this is no readable Parquet file ({_first(error)}).") from error


def _read_text(path: Path) -> pl.DataFrame:
    data = path.read_bytes()
    if data.startswith(PARQUET_MAGIC) or b"\0" in data[:4096]:
        raise TableError(f"{path}: this is no text, although it is named {path.suffix}.")
    separator = TEXT_ENDINGS[path.suffix.lower()]
    _check_header(path, _decoded(path, data), separator)
    try:
        table = pl.read_csv(
            io.BytesIO(data), separator=separator, infer_schema_length=None, null_values=[""]
        )
        return nan_as_null(table)
    except pl.exceptions.PolarsError as error:
        _check_widths(path, data, separator)
        raise TableError(f"{path}: this is no readable table ({_first(error)}).") from error


def _decoded(path: Path, data: bytes) -> str:
    """Return the text of a file; Excel's plain CSV is in the code page of its computer."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise TableError(
            f"{path}: row {row} is not UTF-8 text; save the table as UTF-8 (in Excel as 'CSV "
            "UTF-8')."
        ) from None


def _check_header(path: Path, text: str, separator: str) -> None:
    header = text.split("\n", 1)[0].strip()
    names = [name.strip().strip('"') for name in header.split(separator)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(f"{path}: the column {twice[0]!r} is there twice; give it one name.")
    other = next((mark for mark in SEPARATORS if mark in header and len(names) == 1), separator)
    if other != separator:
        raise TableError(
            f"{path}: the columns are separated by {SEPARATORS[other]}, "
            f"{path.suffix} needs {SEPARATORS[separator]}; save the table anew."
        )


def _check_widths(path: Path, data: bytes, separator: str) -> None:
    """Name the first row that has more cells than there are columns."""
    rows = csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=separator)
    width = len(next(rows, []))
    for number, row in enumerate(rows, start=FIRST_DATA_ROW):
        if len(row) > width:
            raise TableError(
                f"{path}: row {number} has {len(row)} cells, the table has {width} columns; "
                "correct the row (a decimal comma also makes a cell)."
            )


def _first(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def nan_as_null(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table in which every NaN is null: what is unknown, is unknown in one way."""
    return table.with_columns(cs.float().fill_nan(None))


def write_table(table: pl.DataFrame, path: Path, *, units: Mapping[str, str] | None = None) -> None:
    """Write a table durably.

    Parameters
    ----------
    table : polars.DataFrame
        NaN is written as null; that is an empty cell in CSV.
    path : Path
        Its ending chooses CSV or Parquet.
    units : mapping of str to str, optional
        Unit of each column that has one; Parquet keeps them, see `read_units`.
    """
    buffer = io.BytesIO()
    known = nan_as_null(table)
    if path.suffix.lower() in PARQUET_ENDINGS:
        said = {UNITS_KEY: json.dumps(dict(units))} if units else None
        known.write_parquet(buffer, compression="zstd", metadata=said)
    else:
        known.write_csv(buffer, separator=TEXT_ENDINGS[path.suffix.lower()])
    durable.write_bytes(path, buffer.getvalue())


def read_units(path: Path) -> dict[str, str]:
    """Return the unit of each column of a Parquet file that has one.

    Parameters
    ----------
    path : Path
        A table that `write_table` wrote; of one without units nothing is known.

    Raises
    ------
    TableError
        If it is no readable Parquet file.
    """
    try:
        said = pl.read_parquet_metadata(io.BytesIO(path.read_bytes()))
        return {
            str(name): str(unit) for name, unit in json.loads(said.get(UNITS_KEY, "{}")).items()
        }
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise TableError(f"{path}: this is no readable Parquet file ({_first(error)}).") from error


def from_columns(columns: Mapping[str, NDArray[Any]]) -> pl.DataFrame:
    """Build a table from NumPy columns of one length, in their order; NaN becomes null."""
    return pl.DataFrame({name: _series(name, values) for name, values in columns.items()})


def _series(name: str, values: NDArray[Any]) -> pl.Series:
    values = np.asarray(values)
    if values.dtype.kind in "OUT":
        return pl.Series(name, values.tolist(), dtype=pl.String)
    # nan_to_null counts only where the values are floats.
    return pl.Series(name, np.ascontiguousarray(values), nan_to_null=True)


def with_flag_words(table: pl.DataFrame) -> pl.DataFrame:
    """Add ``flag_words``, names as one text, to a table with ``flags``; see `model.flags.Flag`."""
    distinct = table["flags"].unique()
    words = pl.DataFrame(
        {"flags": distinct, "flag_words": [", ".join(names(int(bits))) for bits in distinct]},
        schema={"flags": distinct.dtype, "flag_words": pl.String},
    )
    return table.join(words, on="flags", how="left", maintain_order="left")


def plain(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table as a person reads it: unknown is null, and flags stand also in words.

    Parameters
    ----------
    table : polars.DataFrame
        NaN where a number is unknown; with or without ``flags``.
    """
    known = nan_as_null(table)
    return with_flag_words(known) if "flags" in known.columns else known


def to_columns(table: pl.DataFrame) -> dict[str, NDArray[Any]]:
    """Return a table's columns as NumPy arrays; null becomes NaN or an empty text."""
    return {name: _array(table[name]) for name in table.columns}


def _array(series: pl.Series) -> NDArray[Any]:
    if series.dtype == pl.String:
        return np.array(series.fill_null("").to_list(), dtype=np.str_)
    if series.null_count() and series.dtype.is_integer():
        series = series.cast(pl.Float64)
    if series.dtype.is_float():
        series = series.fill_null(float("nan"))
    return series.to_numpy(writable=True)
