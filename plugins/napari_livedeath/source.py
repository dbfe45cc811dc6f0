"""A study and one of its runs, as the viewer needs them: lazily, and read-only.

In: a study's folder. Out: images one at a time, labels, traces and
calls. Nothing is written here, and nothing is read before it is asked for.
"""

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from livedeath.errors import StoreError
from livedeath.model.frame import FieldKey, FrameKey
from livedeath.review.strip import ReadImage
from livedeath.statistics.study import read_calls
from livedeath.store.folder import Run, StudyFolder

SHOWN_ROLES = ("fill", "indicator", "dye", "marker", "payload", "nucleus")
"""Channels shown in a strip, in this order; transmitted light says little about one soma."""

STRIP_CHANNELS = 3
"""At most so many channels in a strip: more do not fit a glance."""

LIMIT_PERCENTILES = (50.0, 99.9)
"""Of the pixels of a few frames: the study's black and white. More than half of a field is
background; black in its middle keeps photon noise from filling the screen."""

LIMIT_FRAMES = 6
"""Frames read per channel to find black and white."""


CACHE_BYTES = 160_000_000
"""Images kept in memory, so that a strip and the canvas read each only once."""


class LazyImages:
    """A (T, Y, X) series of images that is read one by one, when it is looked at.

    It cannot be written to: painting on it is refused instead of being lost on exit.

    Parameters
    ----------
    read : callable
        ``read(t)`` returns image t (Y, X).
    shape : (int, int, int)
        Visits, height, width.
    dtype : dtype
        Type of the pixels.
    """

    def __init__(
        self,
        read: Callable[[int], NDArray[Any]],
        shape: tuple[int, int, int],
        dtype: Any,  # noqa: ANN401
    ) -> None:
        self._read = read
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.ndim = len(shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> NDArray[Any]:  # noqa: ANN401 - NumPy's indexing
        first, *rest = index if isinstance(index, tuple) else (index,)
        if first is Ellipsis:
            first, rest = slice(None), [Ellipsis, *rest]
        if isinstance(first, (int, np.integer)):
            return np.asarray(self._read(range(len(self))[int(first)])[tuple(rest)])
        wanted = np.arange(len(self))[first]
        frames = [self._read(int(t)) for t in wanted]
        stack = np.stack(frames) if frames else np.empty((0, *self.shape[1:]), self.dtype)
        return np.asarray(stack[(slice(None), *rest)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: ANN401
        return np.asarray(self[:], dtype=dtype)


class StudySource:
    """Reads a study for the viewer.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    run : Run, optional
        The analysis to show beside the images; None shows the images alone.
    """

    def __init__(self, folder: StudyFolder, run: Run | None) -> None:
        self.folder = folder
        self.run = run
        self._limits: dict[tuple[str, int], tuple[float, float]] = {}

    @classmethod
    def open(cls, path: Path, *, run: str | None = None) -> "StudySource":
        """Open a study's folder with the run of that name, or the newest.

        Raises
        ------
        StoreError
            The folder is no study, or it has no run of that name.
        """
        path = Path(path)
        folder = StudyFolder.open(path.parent if path.name == "study.toml" else path)
        if run is None and not folder.runs():
            return cls(folder, None)
        return cls(folder, folder.run(run))

    @property
    def title(self) -> str:
        """The study's title, or its folder's name."""
        return self.folder.study.title or self.folder.path.name

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of all channels, in the order of the images."""
        return tuple(channel.name for channel in self.folder.study.channels)

    @cached_property
    def strip_channels(self) -> tuple[str, ...]:
        """Names of the channels that a strip shows."""
        declared = self.folder.study.channels
        wanted = [c.name for role in SHOWN_ROLES for c in declared if c.role == role]
        return tuple(wanted or self.channels)[:STRIP_CHANNELS]

    def role(self, channel: str) -> str:
        """Return a channel's role in the study."""
        return str(self.folder.study.channel(channel).role)

    @property
    def fields(self) -> tuple[FieldKey, ...]:
        """Every field of the plan."""
        return tuple(self.folder.plan.fields)

    def planned(self, field: FieldKey) -> FieldKey:
        """Return a field that a run names, once it is known that the study plans it.

        Raises
        ------
        StoreError
            If it does not.
        """
        if field not in self.fields:
            raise StoreError(
                f"{self.folder.path}: the run names field {field.name}, which the study "
                "does not plan; score the study again."
            )
        return field

    def pixel_size_um(self, field: FieldKey) -> float:
        """Return the side of a pixel in the object, micrometres."""
        return float(self.folder.study.optics.of(field.acquisition).pixel_size_um)

    @property
    def intensity_unit(self) -> str:
        """Unit of the traces: electrons where the camera is calibrated."""
        camera = self.folder.study.optics.camera
        known = camera.gain_e_per_adu is not None and camera.offset_adu is not None
        return "e⁻" if known else "counts"

    @cached_property
    def frames(self) -> dict[FrameKey, dict[str, Any]]:
        """What the journal says of each planned frame, as it was when first asked."""
        return dict(self.folder.journal.frames())

    def images(self, field: FieldKey, channel: str) -> LazyImages:
        """Return one channel of a field, read when looked at; a missed image is black."""
        stored = self.folder.images.array(field)
        height, width = stored.shape[-2:]
        black = np.zeros((height, width), stored.dtype)

        def read(t: int) -> NDArray[Any]:
            image = self.image(field, t, channel)
            return black if image is None else image

        return LazyImages(read, (stored.shape[0], height, width), stored.dtype)

    def labels(self, field: FieldKey) -> LazyImages | None:
        """Return the run's labels of a field, read when looked at; None without any."""
        if self.run is None:
            return None
        try:
            stored = self.run.labels(field)
        except StoreError:
            return None
        visits, height, width = stored.shape
        return LazyImages(lambda t: np.asarray(stored[t]), (visits, height, width), stored.dtype)

    def reader(self, field: FieldKey) -> ReadImage:
        """Return a function that reads one image of a field, None where none was saved."""
        return partial(self.image, field)

    def image(self, field: FieldKey, t: int, channel: str) -> NDArray[Any] | None:
        """Return one image (Y, X), planes projected; None where none was saved."""
        return self._image(field, t, channel)

    @cached_property
    def _image(self) -> Callable[[FieldKey, int, str], NDArray[Any] | None]:
        optics = self.folder.study.optics
        shapes = [optics.of(number).image_shape_px for number in range(len(optics.changes) + 1)]
        kept = CACHE_BYTES // (2 * max(height * width for height, width in shapes))
        return lru_cache(maxsize=max(kept, 4))(self._read_image)

    def _read_image(self, field: FieldKey, t: int, channel: str) -> NDArray[Any] | None:
        planes = [
            self.folder.images.read(key)
            for z in range(len(self.folder.study.focus.planes_um))
            if self._is_saved(key := FrameKey(*field, t, channel, z))
        ]
        return np.max(planes, axis=0) if planes else None

    def _is_saved(self, key: FrameKey) -> bool:
        return self.frames.get(key, {}).get("status") == "saved"

    def limits(self, channel: str, acquisition: int = 0) -> tuple[float, float]:
        """Return black and white of a channel, the same wherever the optics are the same."""
        place = (channel, acquisition)
        if place not in self._limits:
            self._limits[place] = _limits(self._some_images(*place))
        return self._limits[place]

    def _some_images(self, channel: str, acquisition: int) -> Iterable[NDArray[Any]]:
        saved = [
            key
            for key, entry in self.frames.items()
            if (key.channel, key.acquisition) == (channel, acquisition)
            and entry["status"] == "saved"
        ]
        chosen = np.linspace(0, len(saved) - 1, min(LIMIT_FRAMES, len(saved)))
        return (self.folder.images.read(saved[round(row)]) for row in chosen)

    @cached_property
    def traces(self) -> pl.DataFrame | None:
        """The run's traces, one row per neuron and visit."""
        return self.run.traces() if self.run else None

    @cached_property
    def calls(self) -> pl.DataFrame | None:
        """The run's calls, one row per neuron."""
        return self.run.calls() if self.run else None

    @cached_property
    def watched(self) -> pl.DataFrame | None:
        """The calls as they stood when watching ended: at the kill, or an exclusion."""
        return read_calls(self.folder, self.run).joined if self.run else None


def _limits(images: Iterable[NDArray[Any]]) -> tuple[float, float]:
    pixels = [image[..., ::4, ::4].ravel() for image in images]
    if not pixels:
        return 0.0, 1.0
    low, high = np.percentile(np.concatenate(pixels), LIMIT_PERCENTILES)
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)
