"""A study made from a recording: its pixels stay in the recorded file.

A recording goes in; a journal that lists every frame as saved, and a reader of the linked file
come out. Nothing is copied: the file is named by path, size and SHA-256, and
is refused when it has changed.
"""

import hashlib
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.errors import StoreError
from livedeath.model.frame import FieldKey, FrameKey
from livedeath.model.plan import Plan
from livedeath.model.study import Study
from livedeath.recordings.declare import positions_of
from livedeath.recordings.open import Recording, open_recording
from livedeath.store.declared import RECORDING, declaration_entry
from livedeath.store.images import AXES, ImageStore
from livedeath.store.journal import Entry, frame_entry


def source_of(recording: Recording) -> dict[str, Any]:
    """Return what names a recording for good: path, size and content."""
    path = recording.path
    size, digest = identity_of(path)
    return {"path": str(path), "size": size, "sha256": digest, "mtime_ns": _mtime(path)}


def _files(path: Path) -> list[Path]:
    """Return the files of a recording, in the order of their names."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file())


def _mtime(path: Path) -> int:
    """Return when the newest file of a recording was written."""
    return max((file.stat().st_mtime_ns for file in _files(path)), default=0)


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))


def identity_of(path: Path) -> tuple[int, str]:
    """Return what tells a file or folder from another: its size and the SHA-256 of its content.

    Of a folder (OME-Zarr, NDTiff) it is that of its files' names and contents.
    """
    if path.is_file():
        return path.stat().st_size, _sha256(path)
    listed = "\n".join(
        f"{file.relative_to(path).as_posix()} {_sha256(file)}" for file in _files(path)
    )
    return _size(path), hashlib.sha256(listed.encode("utf-8")).hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def journal_of(recording: Recording, plan: Plan, study: Study) -> list[Entry]:
    """Return the journal of a study made from a recording: every frame, saved or missed."""
    channels = [channel.name for channel in study.channels]
    start: Entry = {"kind": "acquisition", "what": "start", "by": RECORDING}
    entries = [start | declaration_entry(study, study.to_toml())]
    positions = positions_of(study)
    for visit in plan.visits:
        for key in visit.frames():
            place = (key.t, channels.index(key.channel), key.z, positions[visit.field])
            details: Entry = {
                "session": visit.session,
                "planned_h": visit.planned_h,
                "time_h": visit.planned_h,
                "x_um": visit.x_um,
                "y_um": visit.y_um,
                "z_um": visit.z_um[key.z],
            }
            if recording.has(*place):
                entries.append(frame_entry(key, "saved", **details))
            else:
                reason = "the recording does not hold this frame"
                entries.append(frame_entry(key, "missed", **details, reason=reason))
    entries.append({"kind": "acquisition", "what": "finish", "by": RECORDING})
    return entries


class LinkedImages(ImageStore):
    """The images of a study whose pixels stay in a recorded file.

    Parameters
    ----------
    path : Path
        Where the study's own images would lie; nothing is written there.
    study : Study
        The declaration.
    source : dict
        What `source_of` returned.
    """

    def __init__(self, path: Path, study: Study, source: dict[str, Any]) -> None:
        super().__init__(path, study)
        self._source = source
        self._opened: Recording | None = None
        self._lock = threading.Lock()

    @property
    def exists(self) -> bool:
        """Whether the linked file is there."""
        return Path(self._source["path"]).exists()

    def create(self, plan: Plan) -> None:
        """Refuse: this study has been recorded already."""
        raise StoreError(
            f"{self.path.parent}: this study is a recording that was scored, nothing can be "
            "acquired into it; start one with 'livedeath new --from'."
        )

    def write(self, key: FrameKey, image: NDArray[Any]) -> None:
        """Refuse; see `create`."""
        self.create(Plan(()))

    def has(self, key: FrameKey) -> bool:
        """Return whether the linked file holds the frame."""
        return self._recording().has(*self._place(key))

    def read(self, key: FrameKey) -> NDArray[Any]:
        """Return one frame (Y, X) of the linked file.

        Raises
        ------
        StoreError
            If the file is gone or was changed.
        """
        return self._recording().read(*self._place(key))

    def array(self, field: FieldKey) -> Any:  # noqa: ANN401 - looks like a zarr array
        """Return a field's images (t, c, z, y, x) for lazy reading."""
        return LinkedArray(self._recording(), self._position(field))

    def _recording(self) -> Recording:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> Recording:
        path = Path(self._source["path"])
        if not path.exists():
            raise StoreError(
                f"{path}: the recording of this study is no longer there; put it back."
            )
        if not self._unchanged(path):
            raise StoreError(
                f"{path}: the recording of this study was changed; restore it, or score it anew "
                "into another folder."
            )
        return open_recording(path)

    def _unchanged(self, path: Path) -> bool:
        """Compare the content, unless size and time of its files say that nobody touched it."""
        if _mtime(path) == self._source.get("mtime_ns") and _size(path) == self._source["size"]:
            return True
        return identity_of(path) == (self._source["size"], self._source["sha256"])

    def _place(self, key: FrameKey) -> tuple[int, int, int, int]:
        t, c, z = self._index(key)
        return t, c, z, self._position(key.field_key)

    def _position(self, field: FieldKey) -> int:
        """Return which position of the file a field is."""
        return self._positions[field]

    @cached_property
    def _positions(self) -> dict[FieldKey, int]:
        return positions_of(self._study)


class LinkedArray:
    """The images of one position of a recording, read frame by frame when indexed."""

    def __init__(self, recording: Recording, position: int) -> None:
        self._recording = recording
        self._position = position
        self.shape = recording.shape
        self.dtype = recording.dtype
        self.ndim = len(AXES)
        self.chunks = (1, 1, 1, *recording.shape[-2:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> NDArray[Any]:  # noqa: ANN401 - NumPy's indexing
        index = index if isinstance(index, tuple) else (index,)
        if Ellipsis in index:
            at = index.index(Ellipsis)
            fill = (slice(None),) * (self.ndim - len(index) + 1)
            index = index[:at] + fill + index[at + 1 :]
        index = index + (slice(None),) * (self.ndim - len(index))
        wanted = [np.arange(n)[i] for n, i in zip(self.shape[:3], index[:3], strict=True)]
        leading = tuple(np.shape(w) for w in wanted)
        frames = [
            self._frame(t, c, z)[index[3:]]
            for t in np.atleast_1d(wanted[0])
            for c in np.atleast_1d(wanted[1])
            for z in np.atleast_1d(wanted[2])
        ]
        outer = tuple(n for shape in leading for n in shape)
        return np.stack(frames).reshape((*outer, *frames[0].shape))

    def _frame(self, t: int, c: int, z: int) -> NDArray[Any]:
        place = (int(t), int(c), int(z), self._position)
        if not self._recording.has(*place):
            return np.zeros(self.shape[-2:], self.dtype)
        return self._recording.read(*place)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: ANN401
        return np.asarray(self[:], dtype=dtype)
