"""The images of a study: frames go in one by one and are durable; OME-Zarr 0.5 comes out.

Every vessel is an HCS plate below ``images.ome.zarr``; every field an image (t, c, z, y, x)
with one chunk per frame. All groups and arrays are made at the start, at their planned
length. A frame that is not there is an error to read: only the journal says what was missed.
"""

import contextlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import zarr
from numpy.typing import NDArray

from livedeath.errors import StoreError
from livedeath.model.frame import FieldKey, FrameKey
from livedeath.model.plan import Plan
from livedeath.model.study import Study
from livedeath.store import durable, ngff
from livedeath.store.chunks import FrameArray

AXES = ("t", "c", "z", "y", "x")


class ImageStore:
    """The images of a study, in its own folder.

    Parameters
    ----------
    path : Path
        The folder ``images.ome.zarr``.
    study : Study
        The declaration: channels, planes, optics.
    """

    def __init__(self, path: Path, study: Study) -> None:
        self.path = path
        self._study = study
        self._channels = {channel.name: c for c, channel in enumerate(study.channels)}
        self._arrays: dict[FieldKey, FrameArray] = {}

    @property
    def exists(self) -> bool:
        """Whether the store was created; it is created whole or not at all."""
        return (self.path / "zarr.json").is_file()

    def create(self, plan: Plan) -> None:
        """Make every plate, well, field and array at its planned length, unless it is there."""
        if self.exists:
            return
        with durable.replacing_folder(self.path) as folder:
            _write_group(folder, ngff.collection())
            series = [field_path(field) for field in plan.fields]
            _write_group(folder / "OME", ngff.series(series))
            by_vessel: dict[str, list[FieldKey]] = defaultdict(list)
            for field in plan.fields:
                by_vessel[field.vessel].append(field)
            for vessel, fields in by_vessel.items():
                self._create_plate(folder / vessel, vessel, fields=fields)
            for field in plan.fields:
                self._create_field(folder / field_path(field), field, plan.n_visits(field))

    def _create_plate(self, folder: Path, vessel: str, *, fields: list[FieldKey]) -> None:
        by_well: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for field in fields:
            by_well[field.well].append((field.acquisition, field.field))
        counts = {
            str(a): max(sum(image[0] == a for image in images) for images in by_well.values())
            for a in sorted({field.acquisition for field in fields})
        }
        vessel_format = self._study.vessel(vessel).format
        document = ngff.plate(
            vessel, vessel_format=vessel_format, wells=list(by_well), fields=counts
        )
        _write_group(folder, document)
        for well, images in by_well.items():
            path = folder / ngff.well_path(well)
            if not path.parent.is_dir():
                _write_group(path.parent, ngff.group())
            _write_group(path, ngff.well(sorted(images)))

    def _create_field(self, folder: Path, field: FieldKey, visits: int) -> None:
        optics = self._study.optics.of(field.acquisition)
        planes = self._study.focus.planes_um
        document = ngff.image(
            field.name,
            optics=optics,
            channels=self._study.channels,
            z_step_um=planes[1] - planes[0] if len(planes) > 1 else 1.0,
            t_step_h=self._study.schedule.interval_h or 1.0,
        )
        _write_group(folder, document)
        shape = (visits, len(self._channels), len(planes), *optics.image_shape_px)
        dtype = "uint8" if optics.bit_depth == 8 else "uint16"
        FrameArray.create(folder / "0", shape, dtype=dtype, axes=AXES)

    def write(self, key: FrameKey, image: NDArray[Any]) -> None:
        """Write one frame; it is durable when this returns, also if it is all black.

        Parameters
        ----------
        key : FrameKey
            The frame; a visit behind the planned end makes its field longer.
        image : (Y, X) array
            uint8 for a camera of 8 bit, else uint16.

        Raises
        ------
        FrameError
            If shape or type differ from the declared ones.
        StoreError
            If the field or channel is not in the store.
        """
        self._frames(key.field_key).write(self._index(key), image)

    def read(self, key: FrameKey) -> NDArray[Any]:
        """Return one frame (Y, X).

        Raises
        ------
        StoreError
            If it was never written or is damaged.
        """
        return self._frames(key.field_key).read(self._index(key))

    def has(self, key: FrameKey) -> bool:
        """Return whether the frame's file is there."""
        return self._frames(key.field_key).chunk_path(self._index(key)).is_file()

    def array(self, field: FieldKey) -> zarr.Array[Any]:
        """Return a field's images (t, c, z, y, x), read-only.

        A missed frame reads as zeros here: ask the journal first.
        """
        with contextlib.suppress(FileNotFoundError):
            return zarr.open_array(self.path / field_path(field) / "0", mode="r")
        raise StoreError(f"{self.path}: there is no field {field.name}; see 'livedeath check'")

    def sweep(self) -> list[Path]:
        """Remove half-written files of a crashed writer; see `durable.sweep`."""
        return durable.sweep(self.path.parent)

    def _frames(self, field: FieldKey) -> FrameArray:
        if field not in self._arrays:
            self._arrays[field] = FrameArray(self.path / field_path(field) / "0")
        return self._arrays[field]

    def _index(self, key: FrameKey) -> tuple[int, int, int]:
        if key.channel not in self._channels:
            known = ", ".join(self._channels)
            raise StoreError(
                f"{self.path}: there is no channel {key.channel!r}; the study has {known}"
            )
        return key.t, self._channels[key.channel], key.z


def field_path(field: FieldKey) -> str:
    """Return the path of a field below ``images.ome.zarr``, like ``plate1/B/3/a0f0``."""
    image = ngff.image_path(field.acquisition, field.field)
    return f"{field.vessel}/{ngff.well_path(field.well)}/{image}"


def _write_group(folder: Path, document: ngff.Document) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    durable.write_json(folder / "zarr.json", document)
