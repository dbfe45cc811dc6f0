"""A table of traces made elsewhere: a table goes in, checked columns come out.

One row per neuron and visit. Whatever would make the score wrong without being noticed is
refused: text or infinity where a number must be, a neuron twice at one time, a neuron in two
wells. An empty cell of a measurement is a missing one.
"""

from pathlib import Path

import polars as pl

from livedeath.errors import TableError
from livedeath.model.tables import ENDPOINTS, FIRST_DATA_ROW, FURTHER, LONGEST_H

NEEDED = ("neuron_id", "time_h", "signal")
MEASURED = (
    "signal", "signal_sd", "signal_background",
    "reference", "reference_sd", "reference_background",
    *(f"{name}{ending}" for name in FURTHER for ending in ("", "_sd")),
)  # fmt: skip
DEVIATIONS = tuple(name for name in MEASURED if name.endswith("_sd"))
PER_NEURON = ("vessel", "well", "field", "acquisition", "population", "unit", "arm")
"""Columns that say what a neuron is; they may not change along its trace."""

CARRIED = ("unit", "arm")
"""Columns of the input that the calls get too, for comparing groups."""

SWITCHES = ("intervened", "seen")

LARGEST = 1e30
"""A measurement beyond it is none: programs mark what is missing so (9.97e36, 1.8e308)."""
MOST_FLAGS = 2**32 - 1
"""Flags are bits of 32."""


def checked_traces(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Check a table of traces.

    Parameters
    ----------
    table : polars.DataFrame
        Has ``neuron_id, time_h, signal`` and optionally ``signal_sd, reference,
        reference_sd, signal_background, reference_background, vessel, well, field,
        acquisition, population, unit, arm, session, intervened, seen, flags`` (bits of
        `livedeath.model.flags.Flag`), ``endpoint`` (one for the whole table), further channels
        of `livedeath.model.tables.FURTHER` and their ``_sd``. Other columns are left out.
    path : Path
        Where it was read; named in messages.

    Returns
    -------
    polars.DataFrame
        The columns known, rows in the order of the file; ids int64, measurements float64,
        null where the cell is empty.

    Raises
    ------
    TableError
        If a column is absent, or a value is not allowed; the message names column and row.
    """
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise TableError(
            f"{path}: the column {missing[0]!r} is missing, it has {', '.join(table.columns)}; "
            f"{', '.join(NEEDED)} are needed."
        )
    known = (*NEEDED, *MEASURED[1:], *PER_NEURON, "session", *SWITCHES, "flags", "endpoint")
    table = table.select([_column(path, table[name]) for name in known if name in table.columns])
    if table["signal"].is_null().all():
        raise TableError(f"{path}: the column 'signal' holds no number; give at least one.")
    _check_unique(path, table)
    _check_constant(path, table)
    return _groups_named(path, table)


def _column(path: Path, values: pl.Series) -> pl.Series:
    """Return one column in its type, or say which row does not allow it."""
    if values.name == "neuron_id":
        return _ids(path, values)
    if values.name in ("field", "acquisition"):
        return _whole(values)
    if values.name in SWITCHES:
        return _switch(path, values)
    if values.name == "flags":
        return _flags(path, values)
    if values.name == "endpoint":
        return _endpoint(path, values)
    if values.name in ("time_h", *MEASURED):
        return _numbers(path, values)
    return values.cast(pl.String).fill_null("")


def _ids(path: Path, values: pl.Series) -> pl.Series:
    numbers = values.cast(pl.Int64, strict=False) if values.dtype != pl.String else None
    if numbers is None or numbers.null_count() or not (numbers == values).all():
        bad = (
            0
            if numbers is None
            else _first(numbers.is_null() | (numbers != values).fill_null(True))
        )
        raise TableError(
            f"{path}: neuron_id in {_at(values, bad)}; ids are whole numbers, one per neuron."
        )
    return numbers


def _whole(values: pl.Series) -> pl.Series:
    """Return fields as whole numbers; names of fields are numbered as they come."""
    numbers = values.cast(pl.Int64, strict=False)
    if numbers.null_count() == 0:
        return numbers
    names = values.cast(pl.String).fill_null("")
    codes = {name: code for code, name in enumerate(names.unique(maintain_order=True))}
    return pl.Series(values.name, [codes[name] for name in names], dtype=pl.Int64)


def _switch(path: Path, values: pl.Series) -> pl.Series:
    if values.dtype == pl.String or not values.cast(pl.Float64).is_in([0.0, 1.0]).all():
        raise TableError(f"{path}: {values.name} may only hold true and false (or 1 and 0).")
    return values.cast(pl.Boolean)


def _flags(path: Path, values: pl.Series) -> pl.Series:
    """Return flags as bits; an empty cell has none."""
    numbers = _numbers(path, values).fill_nan(None).fill_null(0.0)
    wrong = (numbers < 0) | (numbers > MOST_FLAGS) | (numbers != numbers.floor())
    if wrong.any():
        bad = _first(wrong)
        raise TableError(
            f"{path}: flags in {_at(values, bad)}; flags are a sum of bits, a "
            "whole number of 0 or more."
        )
    return numbers.cast(pl.UInt32)


def _endpoint(path: Path, values: pl.Series) -> pl.Series:
    """Return what was sensed, the same in every row."""
    said = values.cast(pl.String).fill_null("").unique(maintain_order=True).to_list()
    wrong = [name for name in said if name not in ENDPOINTS]
    if wrong or len(said) > 1:
        given = repr(wrong[0]) if wrong else " and ".join(said)
        raise TableError(
            f"{path}: endpoint is {given}; it is {' or '.join(ENDPOINTS)}, the same in every row: "
            "score each endpoint by itself."
        )
    return values.cast(pl.String)


def _numbers(path: Path, values: pl.Series) -> pl.Series:
    name = values.name
    numbers = values.cast(pl.Float64, strict=False)
    text = numbers.is_null() & values.is_not_null()
    if text.any() or values.dtype == pl.Boolean:
        bad = _first(text)
        raise TableError(
            f"{path}: {name} in {_at(values, bad)}; only numbers are allowed, "
            "an empty cell means not measured."
        )
    numbers = numbers.fill_nan(None)
    wrong = numbers.is_infinite().fill_null(False)
    if name == "time_h":
        wrong = wrong | numbers.is_null()
    elif name in MEASURED:
        wrong = wrong | (numbers.abs() > LARGEST).fill_null(False)
        if name in DEVIATIONS:
            wrong = wrong | (numbers < 0).fill_null(False)
    if wrong.any():
        bad = _first(wrong)
        allowed = {"time_h": "finite hours"}.get(name, f"finite numbers up to {LARGEST:g}")
        allowed = f"finite numbers from 0 to {LARGEST:g}" if name in DEVIATIONS else allowed
        raise TableError(f"{path}: {name} in {_at(values, bad)}; {allowed} are allowed.")
    if name == "time_h":
        _refuse_other_units(path, numbers)
    return numbers


def _refuse_other_units(path: Path, hours: pl.Series) -> None:
    """Refuse seconds that stand for hours: every neuron would seem to die between two visits."""
    known = hours.filter(hours.is_finite().fill_null(False)).to_list()
    span = max(known, default=0.0) - min(known, default=0.0)
    if span > LONGEST_H:
        raise TableError(
            f"{path}: time_h spans {span:g}, which is {span / 8760:.0f} years if it is hours; give "
            "hours, not seconds or minutes."
        )


def _first(wrong: pl.Series) -> int:
    return wrong.to_list().index(True) if wrong.any() else 0


def _at(values: pl.Series, index: int) -> str:
    return f"row {index + FIRST_DATA_ROW} is {_shown(values[index])}"


def _shown(value: object) -> str:
    return "empty" if value is None else repr(value)


def _check_unique(path: Path, table: pl.DataFrame) -> None:
    twice = table.filter(table.select("neuron_id", "time_h").is_duplicated())
    if twice.height:
        raise TableError(
            f"{path}: neuron {twice['neuron_id'][0]} has more than one row at "
            f"{twice['time_h'][0]:g} h; one row per neuron and visit is allowed."
        )


def _check_constant(path: Path, table: pl.DataFrame) -> None:
    for name in (column for column in PER_NEURON if column in table.columns):
        counts = table.group_by("neuron_id").agg(pl.col(name).n_unique().alias("n"))
        several = counts.filter(pl.col("n") > 1)["neuron_id"].sort()
        if len(several):
            raise TableError(
                f"{path}: neuron {several[0]} has more than one {name}; an id may stand for one "
                "neuron only, number the neurons through the whole table."
            )


def _groups_named(path: Path, table: pl.DataFrame) -> pl.DataFrame:
    """Refuse an arm or unit that only some neurons have; a column without any is left out."""
    for name in (column for column in CARRIED if column in table.columns):
        empty = table[name].str.strip_chars() == ""
        if empty.all():
            table = table.drop(name)
        elif empty.any():
            raise TableError(
                f"{path}: neuron {table['neuron_id'].filter(empty)[0]} has no {name}, others have "
                "one; fill it in or leave the neuron out."
            )
    return table


def carry(calls: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """Add unit and arm of each neuron to its call, where the input has them."""
    names = [name for name in CARRIED if name in traces.columns]
    if not names:
        return calls
    said = traces.select("neuron_id", *names).unique("neuron_id")
    return calls.join(said, on="neuron_id", how="left", maintain_order="left")
