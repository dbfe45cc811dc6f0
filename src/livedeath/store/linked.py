"""A study made from a recording: its pixels stay in the recorded file.

A recording goes in; a declaration, a journal that lists every frame as saved, and a reader of
the linked file come out. Nothing is copied: the file is named by path, size and SHA-256, and
is refused when it has changed.
"""

import re
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.errors import StoreError, StudyError
from livedeath.model.frame import FieldKey, FrameKey
from livedeath.model.optics import Channel, Optics, Role
from livedeath.model.plan import Plan
from livedeath.model.study import Study
from livedeath.model.timing import Focus, Schedule
from livedeath.model.vessels import Site, Vessel
from livedeath.store.images import AXES, ImageStore
from livedeath.store.journal import Entry, frame_entry
from livedeath.store.provenance import file_digest
from livedeath.store.recording import Recording, open_recording

VESSEL = "recording"
"""Id of the vessel of a study made from a recording."""

UNKNOWN_EXPOSURE_MS = 1.0
"""A recording does not say its exposure, and a study must; nothing is computed from it."""


def study_from_recording(
    recording: Recording,
    *,
    pixel_size_um: float | None = None,
    interval_h: float | None = None,
    times_h: tuple[float, ...] | None = None,
    fill: str | None = None,
    indicator: str | None = None,
    title: str | None = None,
) -> Study:
    """Declare the study that a recording is.

    Parameters
    ----------
    recording : Recording
        The open file.
    pixel_size_um : float, optional
        Side of a pixel; default: what the file says.
    interval_h, times_h : float, tuple of float, optional
        Distance of the visits, or the hour of each; at most one. Default: what the file says.
    fill, indicator : str, optional
        Name of a channel, or its number from 0. A lone channel is the fill.
    title : str, optional
        Default: the file's name.

    Raises
    ------
    StudyError
        If something is not known, not allowed, or names a channel that is not there.
    """
    t, _, z, height, width = recording.shape
    pixel = pixel_size_um if pixel_size_um is not None else recording.pixel_size_um
    if pixel is None:
        raise StudyError(
            f"{recording.path}: the file does not say its pixel size; give it with --pixel-size-um."
        )
    if not np.isfinite(pixel) or pixel <= 0:
        raise StudyError(f"--pixel-size-um is {pixel:g}; it must be more than 0 micrometres.")
    step = recording.contents.z_step_um or 1.0
    shape = (height, width)
    return Study(
        title=title or recording.path.stem,
        description=f"Made from the recording {recording.path.name}.",
        vessels=(_vessel(recording, frame_um=(height * pixel, width * pixel)),),
        optics=_optics(recording, pixel_size_um=pixel, shape=shape),
        channels=_channels(recording, fill=fill, indicator=indicator),
        schedule=_schedule(recording, count=t, interval_h=interval_h, times_h=times_h),
        focus=Focus(planes_um=tuple(round(k * step, 6) for k in range(z))),
    )


def _optics(recording: Recording, *, pixel_size_um: float, shape: tuple[int, int]) -> Optics:
    if min(shape) < 16:
        raise StudyError(
            f"{recording.path}: the images are {shape[0]} x {shape[1]} pixels; "
            "at least 16 x 16 are needed."
        )
    if pixel_size_um > 100:
        raise StudyError(f"--pixel-size-um is {pixel_size_um:g}; allowed are up to 100 um.")
    return Optics(
        pixel_size_um=pixel_size_um,
        image_shape_px=shape,
        bit_depth=8 if recording.dtype.itemsize == 1 else 16,
    )


def _vessel(recording: Recording, *, frame_um: tuple[float, float]) -> Vessel:
    """Return one vessel whose sites are the recording's positions.

    A file does not say how its positions lie to one another; they are set apart so that no
    two of them overlap.
    """
    wells = [position.well or "A1" for position in recording.positions]
    largest = max(int(well[1:]) for well in wells), max(well[0] for well in wells)
    vessel_format = "dish" if largest == (1, "A") else "96-well"
    if largest[0] > 12 or largest[1] > "H":
        vessel_format = "384-well"
    sites = tuple(
        Site(x_um=round(2 * k * frame_um[1], 3), y_um=0.0, well=well)
        for k, well in enumerate(wells)
    )
    return Vessel.model_validate({"id": VESSEL, "format": vessel_format, "sites": sites})


def _schedule(
    recording: Recording,
    *,
    count: int,
    interval_h: float | None,
    times_h: tuple[float, ...] | None,
) -> Schedule:
    if interval_h is not None and times_h is not None:
        raise StudyError("--interval-h and --times-h were both given; give one of them.")
    if interval_h is not None:
        if not np.isfinite(interval_h) or interval_h <= 0:
            raise StudyError(f"--interval-h is {interval_h:g}; it must be more than 0 hours.")
        if count > 1:
            return Schedule(interval_h=interval_h, duration_h=round((count - 1) * interval_h, 9))
        times_h = (0.0,)
    times = times_h or recording.times_h or ((0.0,) if count == 1 else None)
    if times is None:
        raise StudyError(
            f"{recording.path}: the file does not say when its {count} visits were; "
            "give --interval-h or --times-h."
        )
    _check_times(recording, times, count)
    return Schedule(mode="times", times_h=times)


def _check_times(recording: Recording, times: tuple[float, ...], count: int) -> None:
    if len(times) != count:
        raise StudyError(
            f"{recording.path}: there are {count} visits, but --times-h gives {len(times)} hours; "
            "give one hour per visit."
        )
    if not np.isfinite(times).all() or times[0] < 0:
        raise StudyError(f"--times-h holds {min(times):g}; hours are numbers of 0 or more.")
    for before, after in pairwise(times):
        if after <= before:
            raise StudyError(f"--times-h goes from {before:g} to {after:g}; hours must increase.")


def _channels(
    recording: Recording, *, fill: str | None, indicator: str | None
) -> tuple[Channel, ...]:
    names = _clean_names(recording.channel_names)
    roles: list[Role] = ["marker"] * len(names)
    if fill is None and indicator is None:
        if len(names) > 1:
            raise StudyError(
                f"{recording.path}: there are {len(names)} channels ({', '.join(names)}); say with "
                "--fill and --indicator which is which, by name or number from 0."
            )
        fill = "0"
    chosen: dict[Role, str | None] = {"fill": fill, "indicator": indicator}
    for role, said in chosen.items():
        if said is None:
            continue
        number = _channel_number(recording, names, said, role=role)
        if roles[number] != "marker":
            raise StudyError(f"--fill and --indicator are both {said!r}; they must differ.")
        roles[number] = role
    if len(names) == 1 and recording.contents.channel_names in ((), ("",)):
        names = (roles[0],)
    return tuple(
        Channel(name=name, role=role, exposure_ms=UNKNOWN_EXPOSURE_MS)
        for name, role in zip(names, roles, strict=True)
    )


def _clean_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names that can be columns of a table and names in a study."""
    clean = tuple(re.sub(r"[,/\\\s]+", "_", name.strip()) for name in names)
    usable = all(clean) and len(set(clean)) == len(clean)
    return clean if usable else tuple(f"channel{k}" for k in range(len(names)))


def _channel_number(recording: Recording, names: tuple[str, ...], said: str, *, role: str) -> int:
    for known in (recording.channel_names, names):
        if said in known:
            return known.index(said)
    if said.isdecimal() and int(said) < len(names):
        return int(said)
    raise StudyError(
        f"--{role} is {said!r}, which is no channel of {recording.path.name}; "
        f"it has {', '.join(recording.channel_names)} (numbers 0 to {len(names) - 1})."
    )


def source_of(recording: Recording) -> dict[str, Any]:
    """Return what names a recording for good: path, size and content.

    For a folder (OME-Zarr, NDTiff) size and content are those of its files' names and sizes.
    """
    path = recording.path
    size, digest = _identity(path)
    return {"path": str(path), "size": size, "sha256": digest}


def _identity(path: Path) -> tuple[int, str]:
    import hashlib

    if path.is_file():
        return path.stat().st_size, file_digest(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    sizes = [file.stat().st_size for file in files]
    listed = "\n".join(
        f"{file.relative_to(path).as_posix()} {size}"
        for file, size in zip(files, sizes, strict=True)
    )
    return sum(sizes), hashlib.sha256(listed.encode("utf-8")).hexdigest()


def journal_of(recording: Recording, plan: Plan, study: Study) -> list[Entry]:
    """Return the journal of a study made from a recording: every frame, saved or missed."""
    channels = [channel.name for channel in study.channels]
    entries: list[Entry] = [{"kind": "acquisition", "what": "start", "by": "recording"}]
    for visit in plan.visits:
        position = plan.fields.index(visit.field)
        for key in visit.frames():
            place = (key.t, channels.index(key.channel), key.z, position)
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
    entries.append({"kind": "acquisition", "what": "finish", "by": "recording"})
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
        if _identity(path) != (self._source["size"], self._source["sha256"]):
            raise StoreError(
                f"{path}: the recording of this study was changed; restore it, or score it anew "
                "into another folder."
            )
        return open_recording(path)

    def _place(self, key: FrameKey) -> tuple[int, int, int, int]:
        t, c, z = self._index(key)
        return t, c, z, self._position(key.field_key)

    def _position(self, field: FieldKey) -> int:
        """Return the position of a field; sites of the vessel are in the file's order."""
        sites = self._study.vessel(field.vessel).sites
        own = [k for k, site in enumerate(sites) if site.well == field.well]
        return own[field.field]


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
        return np.stack(frames).reshape(*outer, *frames[0].shape)

    def _frame(self, t: int, c: int, z: int) -> NDArray[Any]:
        place = (int(t), int(c), int(z), self._position)
        if not self._recording.has(*place):
            return np.zeros(self.shape[-2:], self.dtype)
        return self._recording.read(*place)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: ANN401
        return np.asarray(self[:], dtype=dtype)
