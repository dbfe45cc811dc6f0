"""A Zarr array whose chunks are single frames, each written durably by itself.

Frames go in one by one and are on the device when `FrameArray.write` returns; the array is
ordinary Zarr 3 for every reader. It does not know what the axes mean.

A chunk is written like any other file of a study (`durable`), because zarr-python flushes
nothing to the device. Each carries a CRC-32C: a truncated chunk is an error, not a dark image.
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numcodecs.blosc import Blosc
from numpy.typing import NDArray

from livedeath.errors import FrameError, StoreError
from livedeath.store import durable

CHECKSUM_BYTES = 4

# Measured on Poisson noise of 16 bit, written and flushed one by one: LZ4 over a bit shuffle
# is as fast as no compression (1.1 ms at 512 x 512, 10 ms at 2048 x 2048) at 0.57 of the
# size; Zstd at its fastest takes twice as long for 0.66, with bit shuffle 1.5 times for 0.52.
COMPRESSOR = "lz4"
COMPRESSION_LEVEL = 1

BLOCK_VISITS = 16
"""An array that is too short for a visit grows by so many at once."""


class FrameArray:
    """One array of shape (..., Y, X) with one chunk per frame.

    Parameters
    ----------
    path : Path
        Folder of the array.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(
        cls, path: Path, shape: tuple[int, ...], *, dtype: str, axes: tuple[str, ...]
    ) -> "FrameArray":
        """Make the array's folder and metadata; no chunk is written.

        Parameters
        ----------
        path : Path
            Folder to make; its parent must exist.
        shape : tuple of int
            Planned shape; the last two axes are one frame.
        dtype : str
            NumPy name of an integer or float type.
        axes : tuple of str
            Name of each axis.
        """
        path.mkdir()
        durable.write_json(path / "zarr.json", array_metadata(shape, dtype=dtype, axes=axes))
        return cls(path)

    @cached_property
    def _metadata(self) -> dict[str, Any]:
        try:
            text = (self.path / "zarr.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise StoreError(
                f"{self.path}: there is no array here; the images of this study are incomplete"
            ) from None
        return dict(json.loads(text))

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape as this object last saw it."""
        return tuple(self._metadata["shape"])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the pixels, little-endian."""
        dtype: np.dtype[Any] = np.dtype(self._metadata["data_type"])
        return dtype.newbyteorder("<")

    @cached_property
    def _codec(self) -> Blosc:
        return Blosc(cname=COMPRESSOR, clevel=COMPRESSION_LEVEL, shuffle=Blosc.BITSHUFFLE)

    def chunk_path(self, index: tuple[int, ...]) -> Path:
        """Return the file that holds the frame at an index of the leading axes."""
        return self.path / ".".join(["c", *(str(i) for i in index), "0", "0"])

    def write(self, index: tuple[int, ...], frame: NDArray[Any], *, flushed: bool = True) -> Path:
        """Write one frame; it is durable when this returns, also if it is all zero.

        Parameters
        ----------
        index : tuple of int
            Place on the leading axes; the first may lie behind the end, the array then grows.
        frame : (Y, X) array
            Of the array's own type.
        flushed : bool
            See `livedeath.store.durable.write_bytes`.

        Returns
        -------
        Path
            The file that holds it.

        Raises
        ------
        FrameError
            If the frame has another shape or type than the array.
        """
        self._check(frame)
        if index[0] >= self.shape[0]:
            self.extend(index[0] + 1)
        data = np.ascontiguousarray(frame, dtype=self.dtype)
        encoded = self._codec.encode(data)
        checksum = google_crc32c.value(encoded).to_bytes(CHECKSUM_BYTES, "little")
        path = self.chunk_path(index)
        durable.write_bytes(path, encoded + checksum, flushed=flushed)
        return path

    def _check(self, frame: NDArray[Any]) -> None:
        expected = self.shape[-2:]
        if frame.shape != expected or frame.dtype != self.dtype:
            raise FrameError(
                f"{self.path}: the frame is {_describe(frame.shape, frame.dtype)}, the study "
                f"declares {_describe(expected, self.dtype)}; correct image_shape_px or "
                "bit_depth in study.toml, or start a new study"
            )

    def read(self, index: tuple[int, ...]) -> NDArray[Any]:
        """Return one frame.

        Raises
        ------
        StoreError
            If the frame was never written or is damaged; it is never read as black.
        """
        path = self.chunk_path(index)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise StoreError(
                f"{path}: this frame was never saved, or its file is gone; "
                "the journal says which, and what was saved must be restored from a copy"
            ) from None
        encoded, checksum = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
        if google_crc32c.value(encoded) != int.from_bytes(checksum, "little"):
            raise StoreError(f"{path}: this frame is damaged; restore the file from a copy")
        pixels = np.frombuffer(self._codec.decode(encoded), dtype=self.dtype)
        return pixels.reshape(self.shape[-2:])

    def extend(self, visits: int) -> None:
        """Make room for at least ``visits`` along the first axis, in whole blocks.

        The metadata file is replaced, so a reader sees the old length or the new one.
        """
        if visits <= self.shape[0]:
            return
        length = -(-visits // BLOCK_VISITS) * BLOCK_VISITS
        metadata = self._metadata | {"shape": [length, *self.shape[1:]]}
        durable.write_json(self.path / "zarr.json", metadata)
        self._metadata["shape"] = metadata["shape"]


def array_metadata(shape: tuple[int, ...], *, dtype: str, axes: tuple[str, ...]) -> dict[str, Any]:
    """Return the ``zarr.json`` of an array with one chunk per frame (Zarr core specification 3).

    Chunks lie flat in the array's folder: nested folders would cost five more flushes and
    five more directory entries for every frame.
    """
    leading = len(shape) - 2
    compressor = {
        "typesize": np.dtype(dtype).itemsize,
        "cname": COMPRESSOR,
        "clevel": COMPRESSION_LEVEL,
        "shuffle": "bitshuffle",
        "blocksize": 0,
    }
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": dtype,
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": [1] * leading + list(shape[-2:])},
        },
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": 0,
        "codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "blosc", "configuration": compressor},
            {"name": "crc32c"},
        ],
        "attributes": {},
        "dimension_names": list(axes),
        "storage_transformers": [],
    }


def _describe(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    return f"{' x '.join(str(n) for n in shape)} {dtype.newbyteorder('=')}"
