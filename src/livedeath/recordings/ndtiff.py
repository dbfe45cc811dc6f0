"""NDTiff folders, as Micro-Manager and pycromanager write them: frames come out.

Read directly from index and pixels: the format is small, and the index is what says which
frames exist. An index that ends in a torn row is read up to that row, as a crash leaves it.
"""

import contextlib
import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.errors import FrameError
from livedeath.recordings.reader import Contents, Position

INDEX_FILE = "NDTiff.index"

PIXEL_TYPES = {0: "uint8", 1: "uint16", 3: "uint16", 4: "uint16", 5: "uint16", 6: "uint16"}
"""NDTiff pixel type to NumPy's; 2 is colour."""

BITS = {3: 10, 4: 12, 5: 14, 6: 11}
"""Bits that the camera fills, where they are fewer than the pixel type's."""

COLOUR = 2

AXIS_NAMES = {"time": "t", "channel": "c", "z": "z", "position": "p"}


class Row(NamedTuple):
    """One frame of the index: where its pixels and metadata lie."""

    axes: dict[str, Any]
    file: str
    offset: int
    width: int
    height: int
    pixel_type: int
    compression: int
    metadata_offset: int
    metadata_length: int


class NDTiffReader:
    """One NDTiff folder.

    Parameters
    ----------
    path : Path
        The folder that holds ``NDTiff.index``.

    Raises
    ------
    FrameError
        If the index is damaged, or frames are missing pixels, in colour or of several sizes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        rows = list(_rows(path))
        self._check(rows)
        orders = {axis: _order(rows, name) for name, axis in AXIS_NAMES.items()}
        self._rows: dict[tuple[int, int, int, int], Row] = {}
        for row in rows:  # a frame written twice: the later one counts
            place = (_place(row, orders, axis) for axis in "tczp")
            self._rows[tuple(place)] = row  # type: ignore[index]  # four by construction
        self.contents = self._contents(rows[0], orders)

    def _check(self, rows: list[Row]) -> None:
        if not rows:
            raise FrameError(f"{self._path}: the NDTiff holds no image; give one that does.")
        extra = sorted({name for row in rows for name in row.axes} - set(AXIS_NAMES))
        if extra:
            raise FrameError(
                f"{self._path}: the NDTiff has the axis {extra[0]!r}; only time, channel, z and "
                "position can be read."
            )
        if any(row.pixel_type == COLOUR for row in rows):
            raise FrameError(f"{self._path}: the images are in colour; give grey values.")
        sizes = sorted({(row.height, row.width, row.pixel_type) for row in rows})
        if len(sizes) > 1:
            raise FrameError(
                f"{self._path}: the images differ in size or type "
                f"({sizes[0][0]} x {sizes[0][1]} and {sizes[1][0]} x {sizes[1][1]}); "
                "all visits of a field must be alike."
            )
        for row in rows:
            self._check_row(row)

    def _check_row(self, row: Row) -> None:
        if row.pixel_type not in PIXEL_TYPES or row.compression:
            raise FrameError(
                f"{self._path}: pixel type {row.pixel_type} with compression {row.compression} "
                "is not known; write the data anew with Micro-Manager 2."
            )
        file = self._path / row.file
        size = file.stat().st_size if file.is_file() else 0
        if row.offset + _bytes(row) > size:
            raise FrameError(
                f"{file}: the file ends before its last image ({size} bytes); copy it again."
            )

    def _contents(self, first: Row, orders: dict[str, list[Any]]) -> Contents:
        said = self._metadata(first)
        pixel = said.get("PixelSizeUm") or said.get("PixelSize_um")
        t, c, z = (max(1, len(orders[axis])) for axis in "tcz")
        names = tuple(str(name) for name in orders["c"]) if len(orders["c"]) == c else ()
        places = orders["p"] or [""]
        return Contents(
            shape=(t, c, z, first.height, first.width),
            dtype=np.dtype(PIXEL_TYPES[first.pixel_type]),
            channel_names=names if not all(name.isdigit() for name in names) else (),
            pixel_size_um=float(pixel) if pixel else None,
            times_h=self._times(t),
            positions=tuple(Position(str(place)) for place in places),
            bits=BITS.get(first.pixel_type),
        )

    def _times(self, count: int) -> tuple[float, ...] | None:
        """Return the hours since the first visit that Micro-Manager noted, if they increase."""
        first = {}
        for (t, *_), row in sorted(self._rows.items()):
            if t not in first:
                with contextlib.suppress(KeyError, TypeError, ValueError):
                    first[t] = float(self._metadata(row)["ElapsedTime-ms"]) / 3.6e6
        if set(first) != set(range(count)):
            return None
        times = tuple(round(first[t] - first[0], 9) for t in range(count))
        return times if all(b > a for a, b in pairwise(times)) else None

    def _metadata(self, row: Row) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError), (self._path / row.file).open("rb") as file:
            file.seek(row.metadata_offset)
            return dict(json.loads(file.read(row.metadata_length).decode("utf-8")))
        return {}

    def read(self, t: int, c: int, z: int, position: int) -> NDArray[Any]:
        """Return one frame (Y, X)."""
        row = self._rows.get((t, c, z, position))
        if row is None:
            raise FrameError(
                f"{self._path}: there is no frame of visit {t}, channel {c}, plane {z}."
            )
        with (self._path / row.file).open("rb") as file:
            file.seek(row.offset)
            data = file.read(_bytes(row))
        dtype = np.dtype(PIXEL_TYPES[row.pixel_type]).newbyteorder("<")
        return np.frombuffer(data, dtype=dtype).reshape(row.height, row.width)

    def has(self, t: int, c: int, z: int, position: int) -> bool:
        """Return whether the index lists this frame."""
        return (t, c, z, position) in self._rows

    def close(self) -> None:
        """Nothing to do: no file is held open."""


def _bytes(row: Row) -> int:
    return row.width * row.height * np.dtype(PIXEL_TYPES.get(row.pixel_type, "uint16")).itemsize


def _rows(path: Path) -> list[Row]:
    """Read the index; a torn last row is left out.

    Each row: length and JSON of the axes, length and name of the file, then eight unsigned
    32-bit integers (NDTiff specification, version 3).
    """
    data = (path / INDEX_FILE).read_bytes()
    rows, at = [], 0
    try:
        while at < len(data):
            axes, at = _text(data, at)
            file, at = _text(data, at)
            numbers = struct.unpack_from("<8I", data, at)
            at += 32
            offset, width, height, kind, compression, meta, meta_length, _ = numbers
            row = Row(
                json.loads(axes), file, offset, width, height, kind, compression, meta, meta_length
            )
            rows.append(row)
    except (struct.error, ValueError) as error:
        if not rows:
            raise FrameError(
                f"{path / INDEX_FILE}: this is no readable NDTiff index ({error}); copy it again."
            ) from error
    return rows


def _text(data: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", data, at)
    if at + 4 + length > len(data):
        raise ValueError("the last row is torn")
    return data[at + 4 : at + 4 + length].decode("utf-8"), at + 4 + length


def _order(rows: list[Row], name: str) -> list[Any]:
    """Return the values of an axis: numbers in order, names as they first come."""
    values = list(dict.fromkeys(row.axes[name] for row in rows if name in row.axes))
    return sorted(values) if all(isinstance(value, int) for value in values) else values


def _place(row: Row, orders: dict[str, list[Any]], axis: str) -> int:
    name = next(name for name, short in AXIS_NAMES.items() if short == axis)
    return orders[axis].index(row.axes[name]) if name in row.axes else 0
