"""Which rows of a table belong to a field, and which field a row names.

A row names its field by vessel, well, field and acquisition (`livedeath.model.tables.PLACE`);
`t` counts the visits of that field, so none of the four may be left out. Tables written before
acquisitions were told apart are of one acquisition, the first.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from livedeath.errors import StoreError
from livedeath.model.frame import FieldKey
from livedeath.model.study import Study


def field_of(row: Mapping[str, Any]) -> FieldKey:
    """Return the field that a row of a table names."""
    return FieldKey(
        str(row["vessel"]), int(row["acquisition"]), str(row["well"]), int(row["field"])
    )


def in_field(table: pl.DataFrame, field: FieldKey) -> pl.DataFrame:
    """Return the rows of a table that belong to a field."""
    return table.filter(pl.col(name) == value for name, value in field._asdict().items())


def with_acquisition(
    table: pl.DataFrame, study: Study | None = None, *, where: Path | str = "table"
) -> pl.DataFrame:
    """Return a table that names acquisitions, also if it was written before they were told apart.

    Parameters
    ----------
    table : polars.DataFrame
        With or without the column ``acquisition``.
    study : Study, optional
        What the table is of; without it, of one acquisition.
    where : Path or str
        The table, for the message.

    Raises
    ------
    StoreError
        If the study changes its optics and the table does not say which rows lie after that.
    """
    if "acquisition" in table.columns or "field" not in table.columns:
        return table
    if study is not None and study.optics.changes:
        raise StoreError(
            f"{where}: this run does not tell the acquisitions of the study apart, whose optics "
            f"change at {study.optics.changes[0].at_h:g} h; run 'livedeath score' again."
        )
    first = pl.Series("acquisition", [0] * table.height, dtype=pl.Int64)
    return table.clone().insert_column(table.get_column_index("field") + 1, first)
