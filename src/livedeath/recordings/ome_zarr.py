"""OME-Zarr images and plates (0.4 and 0.5): a folder goes in, its frames come out.

Only the full resolution is read. A frame without a stored chunk is a missed one: Zarr would
read it as black, and a black visit looks as if everything had died.
"""

import re
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from livedeath.errors import FrameError
from livedeath.recordings.reader import Contents, Position

UNITS_UM = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "meter": 1e6}
UNITS_H = {"second": 1 / 3600, "millisecond": 1 / 3.6e6, "minute": 1 / 60, "hour": 1.0}


def is_zarr(path: Path) -> bool:
    """Return whether a folder is a Zarr array or group, of version 2 or 3."""
    return any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs", ".zarray"))


class ZarrReader:
    """One OME-Zarr image, plate or collection of images.

    Parameters
    ----------
    path : Path
        The folder.

    Raises
    ------
    FrameError
        If it is no OME-Zarr, or its images differ in size, type or axes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            group = zarr.open(path, mode="r")
            if not isinstance(group, zarr.Group):
                raise ValueError("it is a bare array without axes and pixel size")
            paths = _image_paths(group)
            self._images = [_Image(group[place]) if place else _Image(group) for place in paths]
        except (KeyError, ValueError, TypeError, IndexError, OSError) as error:
            raise FrameError(
                f"{path}: this is no readable OME-Zarr image or plate ({error}); "
                "give the folder that holds its metadata."
            ) from error
        kinds = {(image.shape, str(image.array.dtype)) for image in self._images}
        if len(kinds) > 1:
            said = " and ".join(sorted(str(kind[0]) for kind in kinds)[:2])
            raise FrameError(
                f"{path}: the images differ in size or type ({said}); "
                "all fields of a recording must be alike."
            )
        first = self._images[0]
        self.contents = Contents(
            shape=first.shape,
            dtype=np.dtype(first.array.dtype),
            channel_names=first.channels,
            pixel_size_um=first.step("x", UNITS_UM),
            z_step_um=first.step("z", UNITS_UM),
            times_h=first.times_h,
            positions=tuple(_position(place) for place in paths),
        )

    def read(self, t: int, c: int, z: int, position: int) -> NDArray[Any]:
        """Return one frame (Y, X)."""
        image = self._images[position]
        try:
            return np.asarray(image.array[image.index(t, c, z)])
        except (ValueError, RuntimeError, OSError) as error:
            raise FrameError(
                f"{self._path}: the frame of visit {t}, channel {c}, plane {z} cannot be decoded "
                f"({error}); the data are damaged, copy them again."
            ) from error

    def has(self, t: int, c: int, z: int, position: int) -> bool:
        """Return whether any chunk of this frame is stored."""
        return self._images[position].has(t, c, z)

    def close(self) -> None:
        """Nothing to do: no file is held open."""


class _Image:
    """One multiscale image at full resolution, its axes sorted out."""

    def __init__(self, group: Any) -> None:  # noqa: ANN401 - zarr group
        attributes = dict(group.attrs)
        self._ome = dict(attributes.get("ome", attributes))
        multiscale = self._ome["multiscales"][0]
        self._axes = [axis["name"].lower() for axis in multiscale["axes"]]
        self._units = {axis["name"].lower(): axis.get("unit") for axis in multiscale["axes"]}
        dataset = multiscale["datasets"][0]
        self._scale = next(
            (c["scale"] for c in dataset.get("coordinateTransformations", []) if "scale" in c),
            [1.0] * len(self._axes),
        )
        self.array: Any = group[dataset["path"]]
        if self._axes[-2:] != ["y", "x"] or set(self._axes) - set("tczyx"):
            raise ValueError(f"axes {self._axes} are not t, c, z, y, x")

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        sizes = dict(zip(self._axes, self.array.shape, strict=True))
        t, c, z, y, x = (int(sizes.get(axis, 1)) for axis in "tczyx")
        return t, c, z, y, x

    @property
    def channels(self) -> tuple[str, ...]:
        said = self._ome.get("omero", {}).get("channels", [])
        return tuple(str(channel.get("label", "")) for channel in said)

    def step(self, axis: str, units: dict[str, float]) -> float | None:
        """Return the distance along an axis; None if its unit is not told."""
        unit = units.get(str(self._units.get(axis)))
        if unit is None or axis not in self._axes:
            return None
        step = float(self._scale[self._axes.index(axis)]) * unit
        return step if step > 0 else None

    @property
    def times_h(self) -> tuple[float, ...] | None:
        step = self.step("t", UNITS_H)
        return tuple(round(t * step, 9) for t in range(self.shape[0])) if step else None

    def index(self, t: int, c: int, z: int) -> tuple[int | slice, ...]:
        places = {"t": t, "c": c, "z": z}
        return tuple(places.get(axis, slice(None)) for axis in self._axes)

    @cached_property
    def _stored(self) -> set[tuple[int, ...]] | None:
        """Chunk indices that are stored; None where shards hide them."""
        if getattr(self.array, "shards", None) is not None:
            return None
        keys = (key for key in _stored_keys(self.array) if key)
        return {tuple(int(n) for n in re.findall(r"\d+", key)) for key in keys}

    def has(self, t: int, c: int, z: int) -> bool:
        stored = self._stored
        if stored is None:
            return True
        sizes = self.array.chunks
        ranges: list[range] = []
        for axis, size, length in zip(self._axes, sizes, self.array.shape, strict=True):
            place = {"t": t, "c": c, "z": z}.get(axis)
            whole = range(-(-length // size))
            ranges.append(whole if place is None else range(place // size, place // size + 1))
        return any(index in stored for index in product(*ranges))


def _stored_keys(array: Any) -> list[str]:  # noqa: ANN401 - zarr array
    """List the chunk files of an array, below its own folder."""
    folder = Path(str(array.store_path.store.root)) / array.path
    own = {"zarr.json", ".zarray", ".zattrs"}
    files = (file for file in folder.rglob("*") if file.is_file() and file.name not in own)
    return [file.relative_to(folder).as_posix() for file in files]


def _image_paths(group: Any) -> list[str]:  # noqa: ANN401 - zarr group
    """Return the paths of the images of a group: its own, a plate's, or a collection's."""
    attributes = dict(group.attrs)
    ome = dict(attributes.get("ome", attributes))
    if "multiscales" in ome:
        return [""]
    if "plate" in ome:
        return _plate_paths(group, ome["plate"])
    if "bioformats2raw.layout" in ome:
        listed = dict(group["OME"].attrs)
        return list(dict(listed.get("ome", listed))["series"])
    raise ValueError("it has no multiscales and no plate")


def _plate_paths(group: Any, plate: dict[str, Any]) -> list[str]:  # noqa: ANN401
    paths = []
    for well in plate["wells"]:
        attributes = dict(group[well["path"]].attrs)
        images = dict(attributes.get("ome", attributes))["well"]["images"]
        paths += [f"{well['path']}/{image['path']}" for image in images]
    return paths


def _position(path: str) -> Position:
    """Name a position after its path; ``B/3/0`` lies in well B3."""
    match = re.search(r"(?:^|/)([A-Pa-p])/0*([1-9]\d?)/[^/]+$", path)
    return Position(path, f"{match[1].upper()}{match[2]}" if match else "")
