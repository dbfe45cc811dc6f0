"""Plates: which wells a vessel has and where they lie.

Well names are a row letter and a column number without leading zeros (``B3``); ``B03``
is read too. The plate's own frame has its origin in the centre of A1, x along the
columns, y along the rows, in micrometres.
"""

import re
from typing import NamedTuple

from livedeath.errors import StudyError


class Geometry(NamedTuple):
    """Rows, columns and distances of a kind of vessel."""

    rows: int
    columns: int
    pitch_um: float
    well_diameter_um: float


# 96 and 384 wells: ANSI/SLAS 4-2004; 6 to 48 wells: Corning Costar drawings. A dish, a
# slice or a cranial window is a vessel of one well whose sites are its fields.
FORMATS: dict[str, Geometry] = {
    "6-well": Geometry(2, 3, 39_120.0, 34_800.0),
    "12-well": Geometry(3, 4, 26_010.0, 22_100.0),
    "24-well": Geometry(4, 6, 19_300.0, 15_600.0),
    "48-well": Geometry(6, 8, 13_080.0, 11_050.0),
    "96-well": Geometry(8, 12, 9_000.0, 6_400.0),
    "384-well": Geometry(16, 24, 4_500.0, 3_300.0),
    "dish": Geometry(1, 1, 35_000.0, 35_000.0),
    "slice": Geometry(1, 1, 10_000.0, 10_000.0),
    "window": Geometry(1, 1, 5_000.0, 5_000.0),
}

_WELL = re.compile(r"([A-Za-z])0*([1-9][0-9]?)")
_ROWS = "ABCDEFGHIJKLMNOP"


def row_column(well: str) -> tuple[int, int]:
    """Return the 0-based row and column of a well name.

    Raises
    ------
    StudyError
        If the name is not a letter A-P followed by a number.
    """
    match = _WELL.fullmatch(well.strip())
    if match is None or match[1].upper() not in _ROWS:
        raise StudyError(f"{well!r} is no well name; write a row letter and a column, like B3")
    return _ROWS.index(match[1].upper()), int(match[2]) - 1


def well_name(row: int, column: int) -> str:
    """Return the name of the well at a 0-based row and column."""
    return f"{_ROWS[row]}{column + 1}"


def row_name(row: int) -> str:
    """Return the letter of a 0-based row."""
    return _ROWS[row]


def expand(patterns: tuple[str, ...], vessel_format: str) -> tuple[str, ...]:
    """Expand well patterns such as ``A1:B6`` into names, in plate order, each once.

    Parameters
    ----------
    patterns : tuple of str
        Well names, blocks (``A1:B6``), or ``all``.
    vessel_format : str
        A key of ``FORMATS``.

    Raises
    ------
    StudyError
        If a well lies outside the vessel.
    """
    geometry = FORMATS[vessel_format]
    found: set[tuple[int, int]] = set()
    for pattern in patterns:
        text = f"A1:{well_name(geometry.rows - 1, geometry.columns - 1)}"
        first, _, last = (text if pattern.lower() == "all" else pattern).partition(":")
        found |= _block(row_column(first), row_column(last or first))
    for row, column in sorted(found):
        if row >= geometry.rows or column >= geometry.columns:
            last_well = well_name(geometry.rows - 1, geometry.columns - 1)
            raise StudyError(
                f"well {well_name(row, column)} is outside the {vessel_format} vessel, "
                f"whose wells are A1 to {last_well}"
            )
    return tuple(well_name(*place) for place in sorted(found))


def _block(first: tuple[int, int], last: tuple[int, int]) -> set[tuple[int, int]]:
    rows = range(min(first[0], last[0]), max(first[0], last[0]) + 1)
    columns = range(min(first[1], last[1]), max(first[1], last[1]) + 1)
    return {(row, column) for row in rows for column in columns}


def well_centre_um(well: str, vessel_format: str) -> tuple[float, float]:
    """Return (y, x) of a well's centre in the plate's frame, micrometres."""
    row, column = row_column(well)
    pitch = FORMATS[vessel_format].pitch_um
    return row * pitch, column * pitch
