"""TIFF stacks, ImageJ hyperstacks and OME-TIFF: a file goes in, its frames come out.

Refuses colour, pages of different sizes, compressions that cannot be undone here, and files
that end before their last page; tifffile only logs the latter and would return fewer images.
Compressed pages (LZW, Deflate, Zstandard, JPEG, ...) are decoded by imagecodecs below tifffile.
"""

import contextlib
import math
import struct
import threading
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from livedeath.errors import FrameError
from livedeath.recordings.reader import Contents, Position

UNNAMED = "IQR"
"""What tifffile calls an axis of pages that the file gives no name."""

IMAGEJ_UNITS_UM = {"micron": 1.0, "um": 1.0, "µm": 1.0, "\\u00B5m": 1.0, "nm": 1e-3, "mm": 1e3}
OME_UNITS_UM = {"µm": 1.0, "μm": 1.0, "um": 1.0, "nm": 1e-3, "mm": 1e3, "m": 1e6}
OME_UNITS_H = {"s": 1 / 3600, "ms": 1 / 3.6e6, "min": 1 / 60, "h": 1.0}


class TiffReader:
    """One TIFF file, open.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    FrameError
        If it is no TIFF, truncated, in colour, or its images do not fit together.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._whole: dict[int, NDArray[Any]] = {}
        try:
            _check_chain(path)
            self._file = tifffile.TiffFile(path)
        except (tifffile.TiffFileError, struct.error, ValueError, KeyError) as error:
            raise _no_tiff(path, error) from error
        try:
            self._read_structure()
        except (ValueError, IndexError, struct.error, tifffile.TiffFileError) as error:
            self._file.close()
            raise _no_tiff(path, error) from error
        except BaseException:
            self._file.close()
            raise

    def _read_structure(self) -> None:
        self._series = _whole_series(self._path, self._file)
        self._axes = _axes(self._path, self._series[0])
        _check_extent(self._path, self._file, self._series)
        _check_codecs(self._path, self._series)
        first = self._series[0]
        sizes = dict(zip(self._axes, first.shape, strict=True))
        shape = tuple(sizes.get(axis, 1) for axis in "TCZYX")
        said = _ome(self._file) or _imagej(self._file) or {}
        times = said.get("times_h") or _even_times(said.get("interval_h"), shape[0])
        self.contents = Contents(
            shape=shape,
            dtype=np.dtype(first.dtype),
            channel_names=tuple(said.get("channels", ())),
            pixel_size_um=said.get("pixel_size_um"),
            z_step_um=said.get("z_step_um"),
            times_h=times,
            positions=tuple(Position(series.name) for series in self._series),
            bits=said.get("bits"),
        )

    def read(self, t: int, c: int, z: int, position: int) -> NDArray[Any]:
        """Return one frame (Y, X)."""
        series = self._series[position]
        index = [{"T": t, "C": c, "Z": z}[axis] for axis in self._axes[:-2]]
        flat = int(np.ravel_multi_index(index, series.shape[:-2])) if index else 0
        with self._lock:
            try:
                return self._frame(series, position, flat)
            except (ValueError, IndexError, struct.error, RuntimeError) as error:
                raise FrameError(
                    f"{self._path}: image {flat} cannot be decoded ({error}); "
                    "the file is damaged, copy it again."
                ) from error

    def _frame(self, series: Any, position: int, flat: int) -> NDArray[Any]:  # noqa: ANN401
        pages = series.pages
        if len(pages) == math.prod(series.shape[:-2]) and pages[flat] is not None:
            return np.asarray(pages[flat].asarray()).reshape(series.shape[-2:])
        if position not in self._whole:  # images stored in one page, as ImageJ does
            self._whole[position] = _mapped(self._path, series)
        return np.asarray(self._whole[position].reshape(-1, *series.shape[-2:])[flat])

    def has(self, t: int, c: int, z: int, position: int) -> bool:
        """Return True: a TIFF with holes is refused when it is opened."""
        return True

    def close(self) -> None:
        """Let go of the file."""
        self._whole.clear()
        self._file.close()


def _no_tiff(path: Path, error: Exception) -> FrameError:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return FrameError(
        f"{path}: this is no readable TIFF ({said}); give a recording that opens in Fiji."
    )


def _check_chain(path: Path) -> None:
    """Follow the chain of pages through the file and refuse one that leads out of it."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        order, big, offset = _header(handle.read(16))
        count_format, entry, next_format = ("Q", 20, "Q") if big else ("H", 12, "I")
        seen = set()
        while offset and offset not in seen:
            seen.add(offset)
            handle.seek(offset)
            count_data = handle.read(struct.calcsize(count_format))
            if offset >= size or len(count_data) < struct.calcsize(count_format):
                raise _truncated(path)
            (count,) = struct.unpack(order + count_format, count_data)
            handle.seek(count * entry, 1)
            next_data = handle.read(struct.calcsize(next_format))
            if len(next_data) < struct.calcsize(next_format):
                raise _truncated(path)
            (offset,) = struct.unpack(order + next_format, next_data)


def _header(data: bytes) -> tuple[str, bool, int]:
    order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
    if not order or len(data) < 8:
        raise tifffile.TiffFileError("it does not begin like one")
    (version,) = struct.unpack(order + "H", data[2:4])
    if version == 42:
        return order, False, int(struct.unpack(order + "I", data[4:8])[0])
    if version == 43 and len(data) >= 16:
        return order, True, int(struct.unpack(order + "Q", data[8:16])[0])
    raise tifffile.TiffFileError("it does not begin like one")


def _truncated(path: Path) -> FrameError:
    return FrameError(
        f"{path}: the file ends before its last image ({path.stat().st_size} bytes); "
        "it was not copied or written to the end, copy it again."
    )


def _whole_series(path: Path, file: tifffile.TiffFile) -> list[Any]:
    """Return the series of the file, which must all have one shape, in grey."""
    series = [s for s in file.series if s is not None]
    if not series or not file.pages:
        raise FrameError(f"{path}: the file holds no image; give one with at least one.")
    for one in series:
        page = one.keyframe
        if page.photometric in (2, 6) or page.samplesperpixel > 1 or "S" in one.axes:
            raise FrameError(
                f"{path}: the image is in colour ({page.samplesperpixel} samples per pixel), "
                "only grey values can be measured; export the channels as the camera took them."
            )
    shapes = sorted({tuple(one.shape[-2:]) for one in series})
    kinds = {(one.shape, one.axes, str(one.dtype)) for one in series}
    if len(kinds) > 1:
        said = " and ".join(f"{y} x {x}" for y, x in shapes[:3])
        raise FrameError(
            f"{path}: the images differ in size, type or number ({said}); "
            "all visits of a field must be alike, export them anew."
        )
    if len(series) > 1 and not file.is_ome:
        return [_joined(path, series)]
    return series


def _joined(path: Path, series: list[Any]) -> Any:  # noqa: ANN401 - tifffile's own type
    """Take many one-page series of one shape for one stack."""
    if any(len(one.pages) != 1 for one in series):
        raise FrameError(f"{path}: the file holds {len(series)} stacks; give one stack per file.")
    pages = [one.pages[0] for one in series]
    shape = (len(pages), *series[0].shape[-2:])
    return tifffile.TiffPageSeries(pages, shape=shape, dtype=series[0].dtype, axes="IYX")


def _axes(path: Path, series: Any) -> str:  # noqa: ANN401
    """Return the series' axes named T, C, Z, Y, X; an unnamed one is time."""
    if 0 in series.shape:
        raise FrameError(
            f"{path}: the stack is empty (its shape is {series.shape}); give one with an image."
        )
    axes = "".join("I" if axis in UNNAMED else axis for axis in series.axes)
    if axes.count("I") == 1 and "T" not in axes:
        axes = axes.replace("I", "T")
    elif axes.count("I") == 1 and "Z" not in axes:
        axes = axes.replace("I", "Z")
    if not axes.endswith("YX") or set(axes) - set("TCZYX") or len(set(axes)) < len(axes):
        raise FrameError(
            f"{path}: the axes are {series.axes!r} of {series.shape}, which may only be time, "
            "channel and plane before y and x; export the file with named axes, as OME-TIFF."
        )
    return axes


def _check_extent(path: Path, file: tifffile.TiffFile, series: list[Any]) -> None:
    """Refuse a file that ends before the pixels its pages promise."""
    size = path.stat().st_size
    for one in series:
        if one.dataoffset is not None and one.dataoffset + one.nbytes > size:
            raise _truncated(path)
        for page in one.pages:
            if page is None:
                raise FrameError(
                    f"{path}: a page of the stack is missing; the parts of an OME-TIFF must "
                    "lie together, copy it again."
                )
            ends = zip(page.dataoffsets, page.databytecounts, strict=False)
            if any(start + count > size for start, count in ends) and page.parent is file:
                raise _truncated(path)


def _check_codecs(path: Path, series: list[Any]) -> None:
    """Refuse a compression that nothing installed can undo: such a file is not damaged."""
    for page in (one.keyframe for one in series):
        known = page.compression in tifffile.TIFF.DECOMPRESSORS
        if not (known and page.predictor in tifffile.TIFF.UNPREDICTORS):
            name = getattr(page.compression, "name", page.compression)
            raise FrameError(
                f"{path}: the images are compressed as {name}, which the installed tifffile and "
                "imagecodecs cannot decode; run 'pip install --upgrade imagecodecs', or save the "
                "stack without compression."
            )


def _mapped(path: Path, series: Any) -> NDArray[Any]:  # noqa: ANN401
    if series.dataoffset is None:
        return np.asarray(series.asarray())
    order = series.parent.byteorder if series.parent is not None else "<"
    dtype = np.dtype(series.dtype).newbyteorder(order)
    return np.memmap(path, dtype=dtype, mode="r", offset=series.dataoffset, shape=series.shape)


def _even_times(interval_h: float | None, count: int) -> tuple[float, ...] | None:
    return tuple(round(t * interval_h, 9) for t in range(count)) if interval_h else None


def _imagej(file: tifffile.TiffFile) -> dict[str, Any] | None:
    """Return what ImageJ wrote of pixel size and interval."""
    said = file.imagej_metadata
    if not said:
        return None
    found: dict[str, Any] = {}
    tag = file.pages.first.tags.get("XResolution")
    unit_um = IMAGEJ_UNITS_UM.get(str(said.get("unit", "")))
    if tag is not None and unit_um and tag.value[0]:
        found["pixel_size_um"] = tag.value[1] / tag.value[0] * unit_um
    if unit_um and said.get("spacing"):
        found["z_step_um"] = float(said["spacing"]) * unit_um
    seconds = float(said.get("finterval", 0) or 0)
    if seconds > 0:
        found["interval_h"] = seconds / 3600
    return found


def _ome(file: tifffile.TiffFile) -> dict[str, Any] | None:
    """Return what the OME-XML says of pixels, channels and times of the first image."""
    text = file.ome_metadata if file.is_ome else None
    if not text:
        return None
    root = ET.fromstring(text)
    pixels = next((e for e in root.iter() if e.tag.endswith("}Pixels")), None)
    if pixels is None:
        return None
    channels = [e for e in pixels if e.tag.endswith("}Channel")]
    found: dict[str, Any] = {"channels": [e.get("Name", "") for e in channels]}
    found["pixel_size_um"] = _measure(pixels, "PhysicalSizeX", OME_UNITS_UM, "µm")
    found["z_step_um"] = _measure(pixels, "PhysicalSizeZ", OME_UNITS_UM, "µm")
    found["interval_h"] = _measure(pixels, "TimeIncrement", OME_UNITS_H, "s")
    found["times_h"] = _plane_times(pixels)
    bits = pixels.get("SignificantBits", "")
    found["bits"] = int(bits) if bits.isdecimal() else None
    return found


def _measure(element: ET.Element, name: str, units: dict[str, float], unit: str) -> float | None:
    with contextlib.suppress(TypeError, ValueError, KeyError):
        value = float(element.get(name, "")) * units[element.get(f"{name}Unit", unit)]
        return value if value > 0 or (value == 0 and name == "DeltaT") else None
    return None


def _plane_times(pixels: ET.Element) -> tuple[float, ...] | None:
    """Return the hour of each visit's first plane, if all are there and increase."""
    hours: dict[int, float] = {}
    for plane in (e for e in pixels if e.tag.endswith("}Plane")):
        delta = _measure(plane, "DeltaT", OME_UNITS_H, "s")
        if delta is not None:
            t = int(plane.get("TheT", "0"))
            hours[t] = min(delta, hours.get(t, delta))
    count = int(pixels.get("SizeT", "1"))
    if set(hours) != set(range(count)):
        return None
    times = tuple(round(hours[t] - hours[0], 9) for t in range(count))
    return times if all(b > a for a, b in pairwise(times)) else None
