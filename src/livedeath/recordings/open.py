"""A recorded time-lapse: a file goes in, frames by (visit, channel, plane) come out.

Reads TIFF stacks, (ImageJ and OME-)TIFF, OME-Zarr and NDTiff, always as (t, c, z, y, x) and
one frame at a time. Whatever is wrong with the file is said in one sentence before anything
is made of it. It guesses nothing that the file does not say, with one exception: a stack of
images without named axes is time.
"""

import weakref
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.errors import FrameError
from livedeath.recordings.reader import Contents, Position, Reader

IMAGE_TYPES = ("uint8", "uint16", "float32")
LABEL_TYPES = ("uint8", "uint16", "uint32", "int32")
LARGEST_LABEL = np.iinfo(np.int32).max

TIFF_ENDINGS = (".tif", ".tiff", ".btf", ".tf8")


class Recording:
    """An open recording; see `open_recording`.

    Parameters
    ----------
    path : Path
        File or folder.
    reader : Reader
        The open file.
    """

    def __init__(self, path: Path, reader: Reader) -> None:
        self.path = path
        self._reader = reader
        self._finalizer = weakref.finalize(self, reader.close)
        self.contents = reader.contents

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; happens by itself when the recording is no longer used."""
        self._finalizer()

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """(t, c, z, y, x) of one position."""
        return self.contents.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.contents.dtype

    @property
    def channel_names(self) -> tuple[str, ...]:
        """One name per channel; ``channel0``, ... where the file has none."""
        count = self.shape[1]
        named = self.contents.channel_names
        if len(named) == count and len(set(named)) == count and all(named):
            return named
        return tuple(f"channel{c}" for c in range(count))

    @property
    def pixel_size_um(self) -> float | None:
        """Side of a pixel, micrometres, if the file says it."""
        return self.contents.pixel_size_um

    @property
    def times_h(self) -> tuple[float, ...] | None:
        """Hours of the visits since the first, if the file says them."""
        return self.contents.times_h

    @property
    def positions(self) -> tuple[Position, ...]:
        """The places that the recording looks at."""
        return self.contents.positions

    def read(self, t: int, c: int, z: int = 0, position: int = 0) -> NDArray[Any]:
        """Return one frame (Y, X) in the file's own type.

        Parameters
        ----------
        t, c, z : int
            Visit, channel and plane, from 0.
        position : int
            Index into `positions`.
        """
        return self._reader.read(t, c, z, position)

    def has(self, t: int, c: int, z: int = 0, position: int = 0) -> bool:
        """Return whether the file holds this frame; one that is not there is a missed one."""
        return self._reader.has(t, c, z, position)

    def indices(self) -> Iterator[tuple[int, int, int, int]]:
        """Iterate over (t, c, z, position) of all frames."""
        t, c, z = self.shape[:3]
        return product(range(t), range(c), range(z), range(len(self.positions)))


def open_recording(path: Path, *, labels: bool = False) -> Recording:
    """Open a recorded time-lapse.

    Parameters
    ----------
    path : Path
        TIFF file (stack, ImageJ, OME), OME-Zarr folder (0.4, 0.5) or NDTiff folder.
    labels : bool
        Whether it holds labels (integers; 0 is background) and not intensities.

    Raises
    ------
    FrameError
        If there is no such file, or it is empty, truncated, no image, in colour, of an
        unsupported type, or holds values that are not finite.
    """
    path = Path(path).absolute()
    reader = _open(path)
    try:
        _check_shape(path, reader.contents)
        _check_type(path, reader.contents, LABEL_TYPES if labels else IMAGE_TYPES)
        recording = Recording(path, reader)
        if recording.dtype.kind in "fi" or recording.dtype.name == "uint32":
            _check_values(recording)
    except BaseException:
        reader.close()
        raise
    return recording


def _open(path: Path) -> Reader:
    if not path.exists():
        raise FrameError(f"{path}: there is no such file; check the name.")
    if path.is_dir():
        return _open_folder(path)
    if path.stat().st_size == 0:
        raise FrameError(f"{path}: the file is empty (0 bytes); give a recording with images.")
    if path.suffix.lower() not in TIFF_ENDINGS:
        raise FrameError(
            f"{path}: the ending {path.suffix!r} is none that can be read; "
            "give an (OME-)TIFF, an OME-Zarr folder or an NDTiff folder."
        )
    from livedeath.recordings.tiff import TiffReader

    return TiffReader(path)


def _open_folder(path: Path) -> Reader:
    from livedeath.recordings.ndtiff import INDEX_FILE, NDTiffReader
    from livedeath.recordings.ome_zarr import ZarrReader, is_zarr

    if (path / INDEX_FILE).is_file():
        return NDTiffReader(path)
    if is_zarr(path):
        return ZarrReader(path)
    raise FrameError(
        f"{path}: this folder is neither a study nor an OME-Zarr nor an NDTiff; "
        "give one of these or a TIFF file."
    )


def _check_shape(path: Path, contents: Contents) -> None:
    if 0 in contents.shape:
        t, c, z, y, x = contents.shape
        raise FrameError(
            f"{path}: the recording is empty ({t} visits, {c} channels, {z} planes of {y} x {x}); "
            "give one with at least one image."
        )


def _check_type(path: Path, contents: Contents, allowed: tuple[str, ...]) -> None:
    if contents.dtype.newbyteorder("=").name not in allowed:
        raise FrameError(
            f"{path}: the pixels are {contents.dtype.name}, allowed are {', '.join(allowed)}; "
            "convert the file first."
        )


def _check_values(recording: Recording) -> None:
    """Refuse what is not finite, and labels that are no ids; reads the whole file once."""
    for index in recording.indices():
        if not recording.has(*index):
            continue
        frame = recording.read(*index)
        where = f"{recording.path}: visit {index[0]}, channel {index[1]}, plane {index[2]}"
        if frame.dtype.kind == "f" and not np.isfinite(frame).all():
            raise FrameError(
                f"{where} holds values that are not finite (NaN or infinity); "
                "replace them or export the camera's own numbers."
            )
        if frame.dtype.kind == "i" and frame.min() < 0:
            raise FrameError(f"{where} holds the label {frame.min()}; labels are 0 or more.")
        if frame.dtype.kind == "u" and frame.max() > LARGEST_LABEL:
            raise FrameError(
                f"{where} holds the label {frame.max()}; at most {LARGEST_LABEL} is allowed, "
                "number them anew."
            )
