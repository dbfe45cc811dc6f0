"""The images of a study: frames go in one by one and are durable; OME-Zarr 0.5 comes out.

Every vessel is an HCS plate below ``images.ome.zarr``; every field an image (t, c, z, y, x)
with one chunk per frame. All groups and arrays are made at the start, at their planned
length; afterwards one document per field is replaced once, to tell viewers what is black and
what is white. A frame that is not there is an error to read: only the journal says what was
missed.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

import zarr
from numpy.typing import NDArray

from livedeath.errors import StoreError
from livedeath.model.frame import FieldKey, FrameKey
from livedeath.model.plan import Plan
from livedeath.model.study import Study
from livedeath.store import durable, windows
from livedeath.store.chunks import FrameArray
from livedeath.store.paths import field_path

AXES = ("t", "c", "z", "y", "x")

DOCUMENT = "zarr.json"


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
        self._shown: set[tuple[FieldKey, str]] = set()

    @property
    def exists(self) -> bool:
        """Whether the store was created; it is created whole or not at all."""
        return (self.path / DOCUMENT).is_file()

    def create(self, plan: Plan) -> None:
        """Make every plate, well, field and array at its planned length, unless it is there."""
        if self.exists:
            return
        from livedeath.store import ngff  # only a new store needs the models

        with durable.replacing_folder(self.path) as folder:
            for path, document in ngff.image_documents(self._study, plan):
                (folder / path).mkdir(parents=True, exist_ok=True)
                durable.write_json(folder / path / DOCUMENT, document)
            for field in plan.fields:
                self._create_array(folder / field_path(field) / "0", field, plan.n_visits(field))

    def _create_array(self, path: Path, field: FieldKey, visits: int) -> None:
        optics = self._study.optics.of(field.acquisition)
        planes = len(self._study.focus.planes_um)
        shape = (visits, len(self._channels), planes, *optics.image_shape_px)
        dtype = "uint8" if optics.bit_depth == 8 else "uint16"
        FrameArray.create(path, shape, dtype=dtype, axes=AXES)

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
        self._show(key, image)

    def _show(self, key: FrameKey, image: NDArray[Any]) -> None:
        """Set the display window of a channel by its first frame in a field; see `windows`.

        The document is replaced whole, so a reader sees the old one or the new one. Where it
        cannot be replaced (a viewer on Windows holds it open), the image stays dark in plain
        viewers until the acquisition is started again, and nothing else: the frame is on the
        disk already.
        """
        place = (key.field_key, key.channel)
        if place in self._shown:
            return
        path = self.path / field_path(key.field_key) / DOCUMENT
        with contextlib.suppress(OSError, ValueError, StoreError):
            document = json.loads(path.read_text(encoding="utf-8"))
            channel = windows.channels_of(document)[self._channels[key.channel]]
            if windows.is_whole(channel["window"]):
                found = windows.window_of(image, channel["window"])
                if found is None:
                    return  # a black frame shows nothing; the next one may
                channel["window"] = found
                durable.write_json(path, document)
        self._shown.add(place)

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
