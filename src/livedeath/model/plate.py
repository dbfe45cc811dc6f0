"""Plates: which wells a vessel has and where they lie.

Well names are a row letter and a column number without leading zeros (``B3``); ``B03``
is read too. The plate's own frame has its origin in the centre of A1, x along the
columns, y along the rows, in micrometres.
"""

import functools
import re
import string
import unicodedata
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

_WELL = re.compile(r"([A-Za-z])0*([1-9][0-9]?)", re.ASCII)
_RANGE_SIGNS = re.compile(r"\s*(?:[-:‐‑‒–—−~]|\.\.+|…|\bto\b)\s*")
_ROWS = string.ascii_uppercase[:16]

Place = tuple[int, int]
"""0-based row and column."""


def row_column(well: str) -> Place:
    """Return the 0-based row and column of a well name.

    Raises
    ------
    StudyError
        If the name is not a letter A-P followed by a number.
    """
    row, column = _place(well)
    if row >= len(_ROWS):
        raise StudyError(f"{well!r} is no well name; rows are A to {_ROWS[-1]}")
    return row, column


def _place(well: str) -> Place:
    """Return row and column, also of a row that no vessel has."""
    match = _WELL.fullmatch(well.strip())
    if match is None:
        raise StudyError(f"{well!r} is no well name; {_meant(well)}")
    return string.ascii_uppercase.index(match[1].upper()), int(match[2]) - 1


def _meant(pattern: str) -> str:
    """Say how a pattern that names no wells is written."""
    plain = unicodedata.normalize("NFKC", pattern).strip()
    parts = [part for part in re.split(r"[\s,;+&]+", plain) if part]
    turned = re.fullmatch(r"([0-9]{1,2})([A-Za-z])", plain)
    block = _RANGE_SIGNS.sub(":", plain)
    if turned:
        return f"perhaps '{turned[2].upper()}{turned[1]}' is meant"
    if block != pattern and _is_pattern(block):
        kind = "a block of wells" if ":" in block else "a well"
        return f"{kind} is written {block.upper()!r}"
    if parts and all(_is_pattern(part) for part in parts):
        listed = ", ".join(f'"{part.upper()}"' for part in parts)
        return f"write [{listed}]"
    return "write a row letter and a column, like B3, or a block of wells, like B2:D5"


def _is_pattern(text: str) -> bool:
    first, colon, last = text.partition(":")
    return all(_WELL.fullmatch(part) for part in ([first, last] if colon else [first]))


def well_name(row: int, column: int) -> str:
    """Return the name of the well at a 0-based row and column."""
    return f"{string.ascii_uppercase[row]}{column + 1}"


def row_name(row: int) -> str:
    """Return the letter of a 0-based row."""
    return _ROWS[row]


def corners(pattern: str) -> tuple[Place, Place] | None:
    """Return two opposite corners of the block that a pattern names; None for ``all``.

    Raises
    ------
    StudyError
        If it names no wells.
    """
    if pattern.strip().lower() == "all":
        return None
    first, colon, last = pattern.partition(":")
    if colon and not _is_pattern(re.sub(r"\s", "", pattern)):
        raise StudyError(f"{pattern!r} names no wells; {_meant(pattern)}")
    return _place(first), _place(last or first)


@functools.lru_cache(maxsize=4096)
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
    last = geometry.rows - 1, geometry.columns - 1
    found: set[Place] = set()
    for pattern in patterns:
        block = corners(pattern) or ((0, 0), last)
        outside = [place for place in block if place[0] > last[0] or place[1] > last[1]]
        if outside:
            raise StudyError(
                f"well {well_name(*outside[0])} is outside the {vessel_format} vessel, "
                f"whose wells are A1 to {well_name(*last)}"
            )
        found |= _block(*block)
    return tuple(well_name(*place) for place in sorted(found))


@functools.lru_cache(maxsize=4096)
def expand_inside(patterns: tuple[str, ...], vessel_format: str) -> tuple[str, ...]:
    """Expand well patterns as `expand` does, leaving out wells that the vessel does not have.

    Parameters
    ----------
    patterns : tuple of str
        Well names, blocks (``A1:B6``), or ``all``.
    vessel_format : str
        A key of ``FORMATS``.
    """
    geometry = FORMATS[vessel_format]
    every = _block((0, 0), (geometry.rows - 1, geometry.columns - 1))
    blocks = [corners(pattern) for pattern in patterns]
    found = {place for block in blocks for place in (_block(*block) if block else every)}
    return tuple(well_name(*place) for place in sorted(found & every))


def _block(first: Place, last: Place) -> set[Place]:
    rows = range(min(first[0], last[0]), max(first[0], last[0]) + 1)
    columns = range(min(first[1], last[1]), max(first[1], last[1]) + 1)
    return {(row, column) for row in rows for column in columns}


def well_centre_um(well: str, vessel_format: str) -> tuple[float, float]:
    """Return (y, x) of a well's centre in the plate's frame, micrometres."""
    row, column = row_column(well)
    pitch = FORMATS[vessel_format].pitch_um
    return row * pitch, column * pitch
