"""What a reviewer looks at: a strip of crops around one neuron, and its trace.

In: the traces of a run and a function that reads one image. Out: plain NumPy arrays, for
the review window and for the report alike. Only the images of the strip are read, one at
a time. It draws nothing, and it does not say what the machine called.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

STRIP_FRAMES = 9
"""Visits in a strip, the first one of the neuron included: read at a glance."""

CROP_UM = 48.0
"""Side of a crop, micrometres: three somata wide (median soma 16.2 um, eLife 35977 data)."""

MINIMUM_CROP_PX = 16
"""Smallest side of a crop, pixels, for coarse pixels."""

CONTRAST_PERCENTILES = (30.0, 99.7)
"""Of all pixels of a neuron's strip: black, inside the noise of the background, and white."""

CONTRAST_FLOOR = 0.35
"""White lies at least this share of the study's own range above black, so that a strip of
nothing but noise looks dark and not like a bright neuron."""

SMOOTHING_UM = 0.8
"""Standard deviation of the blur on screen, micrometres: a twentieth of a soma. It makes somata
of a hundred electrons visible and leaves their shape; nothing is measured on it."""

ReadImage = Callable[[int, str], "NDArray[Any] | None"]
"""``read(t, channel)`` returns (Y, X) or (Z, Y, X), None where no image was saved."""


class TracesTable(Protocol):
    """What a table of traces must offer: columns by name, as polars frames and dicts do."""

    def __getitem__(self, column: str, /) -> Any:  # noqa: ANN401
        """Return a column as something NumPy makes an array of."""
        ...


@dataclass(frozen=True)
class NeuronTrace:
    """The visits of one neuron, in time order.

    Attributes
    ----------
    neuron_id : int
        The neuron.
    t : (N,) int64
        Number of the visit in its field.
    time_h : (N,) float64
        Hours since the study's start.
    y_px, x_px : (N,) float64
        Soma centre in the frame, pixels.
    flags : (N,) uint32
        Bits of `livedeath.model.flags.Flag`.
    signals, signals_sd : dict of str to (N,) float64
        Per channel: the background-free sum over the soma and its standard deviation.
    """

    neuron_id: int
    t: NDArray[np.int64]
    time_h: NDArray[np.float64]
    y_px: NDArray[np.float64]
    x_px: NDArray[np.float64]
    flags: NDArray[np.uint32]
    signals: dict[str, NDArray[np.float64]]
    signals_sd: dict[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.t)

    def row_at(self, time_h: float | None) -> int | None:
        """Return the row of the first visit not before ``time_h``; None for no time."""
        if time_h is None or not np.isfinite(time_h) or not len(self):
            return None
        tolerance_h = 1e-6  # a hundredth of a frame's exposure; times come through CSV files
        row = int(np.searchsorted(self.time_h, time_h - tolerance_h))
        return min(row, len(self) - 1)


class TraceIndex:
    """Finds the trace of a neuron without searching the table each time.

    Parameters
    ----------
    traces : table
        Columns as in `livedeath.model.tables.TRACES`.
    channels : sequence of str
        Channels whose columns are kept; those the table does not hold are left out.
    """

    def __init__(self, traces: TracesTable, channels: Sequence[str]) -> None:
        neuron = np.asarray(traces["neuron_id"], np.int64)
        order = np.lexsort((np.asarray(traces["t"], np.int64), neuron))
        self._neuron = neuron[order]
        self._columns = {name: np.asarray(traces[name])[order] for name in _PLAIN}
        self.channels = tuple(name for name in channels if _has(traces, name))
        for name in self.channels:
            for column in (name, f"{name}_sd"):
                if _has(traces, column):
                    self._columns[column] = np.asarray(traces[column], np.float64)[order]

    def __len__(self) -> int:
        return len(self._neuron)

    def trace(self, neuron_id: int) -> NeuronTrace:
        """Return the visits of a neuron; none for an id that the table does not hold."""
        first, last = np.searchsorted(self._neuron, (neuron_id, neuron_id + 1))
        rows = {name: values[first:last] for name, values in self._columns.items()}
        unknown = np.full(last - first, np.nan)
        return NeuronTrace(
            neuron_id=int(neuron_id),
            t=rows["t"].astype(np.int64),
            time_h=rows["time_h"].astype(np.float64),
            y_px=rows["y_px"].astype(np.float64),
            x_px=rows["x_px"].astype(np.float64),
            flags=rows["flags"].astype(np.uint32),
            signals={name: rows[name] for name in self.channels},
            signals_sd={name: rows.get(f"{name}_sd", unknown) for name in self.channels},
        )


@dataclass(frozen=True)
class Strip:
    """Crops of one neuron at some of its visits.

    Attributes
    ----------
    neuron_id : int
        The neuron.
    channels : tuple of str
        One row of crops each.
    rows : (K,) int64
        Rows of the neuron's trace that the columns of the strip show.
    t : (K,) int64
        Visits shown.
    time_h : (K,) float64
        Their times, hours.
    crops : (C, K, S, S) float32
        Pixel values; NaN where no image was saved or the crop leaves the frame.
    present : (C, K) bool
        Whether the image was saved.
    """

    neuron_id: int
    channels: tuple[str, ...]
    rows: NDArray[np.int64]
    t: NDArray[np.int64]
    time_h: NDArray[np.float64]
    crops: NDArray[np.float32]
    present: NDArray[np.bool_]

    def __repr__(self) -> str:
        hours = f"{self.time_h[0]:g} to {self.time_h[-1]:g} h" if len(self.time_h) else "no visit"
        return (
            f"<strip of neuron {self.neuron_id}: {' and '.join(self.channels)}, "
            f"{len(self.t)} visits, {hours}>"
        )

    def picture(self) -> NDArray[np.uint8]:
        """Return one grey picture, (H, W): a line per channel, a column per visit."""
        return montage(self)


def crop_side_px(pixel_size_um: float | None, *, side_um: float = CROP_UM) -> int:
    """Return the side of a crop in pixels; without a pixel size, 64."""
    if not pixel_size_um or not np.isfinite(pixel_size_um):
        return 64
    return max(MINIMUM_CROP_PX, round(side_um / pixel_size_um))


def strip_rows(n_visits: int, centre: int | None, *, n_frames: int = STRIP_FRAMES) -> list[int]:
    """Choose the visits of a strip.

    Parameters
    ----------
    n_visits : int
        Visits of the neuron.
    centre : int or None
        Row of the trace in the middle; None spreads the strip over the whole trace.
    n_frames : int
        Visits wanted, at least 2; fewer where the neuron has fewer.

    Returns
    -------
    list of int
        Rows in order. The first is always the neuron's first visit, to compare with.
    """
    if n_visits <= n_frames:
        return list(range(n_visits))
    if centre is None:
        return [round(row) for row in np.linspace(0, n_visits - 1, n_frames)]
    width = n_frames - 1
    start = min(max(centre - width // 2, 1), n_visits - width)
    return [0, *range(start, start + width)]


def crop(image: NDArray[Any], y_px: float, x_px: float, *, side_px: int) -> NDArray[np.float32]:
    """Cut a square around a point; what lies outside of the image is NaN.

    Parameters
    ----------
    image : (Y, X) or (Z, Y, X) array
        A stack is projected to its brightest plane per pixel.
    y_px, x_px : float
        Centre, pixels.
    side_px : int
        Side of the square, pixels.

    Returns
    -------
    (side_px, side_px) float32
    """
    flat = image.max(axis=0) if image.ndim == 3 else image
    cut = np.full((side_px, side_px), np.nan, np.float32)
    if not (np.isfinite(y_px) and np.isfinite(x_px)):
        return cut
    y0, x0 = round(y_px) - side_px // 2, round(x_px) - side_px // 2
    y_from, y_to = _overlap(y0, side_px, flat.shape[0])
    x_from, x_to = _overlap(x0, side_px, flat.shape[1])
    if y_from < y_to and x_from < x_to:
        cut[y_from - y0 : y_to - y0, x_from - x0 : x_to - x0] = flat[y_from:y_to, x_from:x_to]
    return cut


def build_strip(
    trace: NeuronTrace,
    read: ReadImage,
    *,
    channels: Sequence[str],
    side_px: int,
    centre: int | None = None,
    n_frames: int = STRIP_FRAMES,
) -> Strip:
    """Read a neuron's strip: each visit centred on where the neuron was in that visit.

    Parameters
    ----------
    trace : NeuronTrace
        The neuron.
    read : callable
        See :data:`ReadImage`; called once per visit of the strip and channel.
    channels : sequence of str
        Rows of the strip, top to bottom.
    side_px : int
        Side of a crop, pixels.
    centre : int, optional
        Row of the trace in the middle; None spreads the strip over the whole trace.
    n_frames : int
        Visits wanted.

    Returns
    -------
    Strip
    """
    rows = strip_rows(len(trace), centre, n_frames=n_frames)
    y_px, x_px = _filled(trace.y_px), _filled(trace.x_px)
    shape = (len(channels), len(rows))
    crops = np.full((*shape, side_px, side_px), np.nan, np.float32)
    present = np.zeros(shape, np.bool_)
    for column, row in enumerate(rows):
        for line, channel in enumerate(channels):
            image = read(int(trace.t[row]), channel)
            if image is not None:
                present[line, column] = True
                crops[line, column] = crop(image, y_px[row], x_px[row], side_px=side_px)
    return Strip(
        neuron_id=trace.neuron_id,
        channels=tuple(channels),
        rows=np.asarray(rows, np.int64),
        t=trace.t[rows],
        time_h=trace.time_h[rows],
        crops=crops,
        present=present,
    )


def contrast(
    crops: NDArray[np.float32], *, study_range: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Choose black and white for one channel of a strip, the same for all its visits.

    Parameters
    ----------
    crops : (K, S, S) float32
        One channel of a strip; NaN is left out.
    study_range : (float, float), optional
        Black and white of the whole study, see :data:`CONTRAST_FLOOR`.

    Returns
    -------
    (float, float)
        Black below white, also for an empty or even strip.
    """
    seen = crops[np.isfinite(crops)]
    if not seen.size:
        return study_range or (0.0, 1.0)
    low, high = (float(level) for level in np.percentile(seen, CONTRAST_PERCENTILES))
    if study_range is not None:
        high = max(high, low + CONTRAST_FLOOR * (study_range[1] - study_range[0]))
    return (low, high) if high > low else (low, low + 1.0)


def smoothed(crops: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Blur crops for the eye.

    Parameters
    ----------
    crops : (..., S, S) float32
        NaN stays NaN and lends nothing to its neighbours.
    sigma_px : float
        Standard deviation of the Gaussian, pixels; 0 changes nothing.

    Returns
    -------
    (..., S, S) float32
    """
    known = np.isfinite(crops)
    sigma = (0.0,) * (crops.ndim - 2) + (sigma_px, sigma_px)
    weight = gaussian_filter(known.astype(np.float32), sigma, mode="constant")
    total = gaussian_filter(np.where(known, crops, 0).astype(np.float32), sigma, mode="constant")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(known, total / weight, np.nan), np.float32)


def to_grey(crops: NDArray[np.float32], limits: tuple[float, float]) -> NDArray[np.uint8]:
    """Turn pixel values into grey levels 0..255; NaN becomes 0."""
    low, high = limits
    scaled = np.clip((crops - low) / (high - low), 0.0, 1.0)
    return np.asarray(np.rint(np.nan_to_num(scaled, nan=0.0) * 255), np.uint8)


def montage(
    strip: Strip,
    study_ranges: dict[str, tuple[float, float]] | None = None,
    *,
    gap_px: int = 2,
) -> NDArray[np.uint8]:
    """Lay a strip out as one grey picture: a line per channel, a column per visit.

    Parameters
    ----------
    strip : Strip
        The crops.
    study_ranges : dict, optional
        Black and white of the whole study per channel, see :func:`contrast`.
    gap_px : int
        Width of the white seam between crops.

    Returns
    -------
    (H, W) uint8
    """
    n_lines, n_columns, side, _ = strip.crops.shape
    pitch = side + gap_px
    shape = (max(n_lines * pitch - gap_px, 0), max(n_columns * pitch - gap_px, 0))
    picture = np.full(shape, 255, np.uint8)
    for line, channel in enumerate(strip.channels):
        limits = contrast(strip.crops[line], study_range=(study_ranges or {}).get(channel))
        for column in range(n_columns):
            top, left = line * pitch, column * pitch
            grey = to_grey(strip.crops[line, column], limits)
            picture[top : top + side, left : left + side] = grey
    return picture


_PLAIN = ("t", "time_h", "y_px", "x_px", "flags")


def _has(table: Any, column: str) -> bool:  # noqa: ANN401
    return column in getattr(table, "columns", table)


def _overlap(start: int, length: int, size: int) -> tuple[int, int]:
    return max(start, 0), min(start + length, size)


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace NaN by the nearest visit's value: the neuron is where it was seen last."""
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return values
    rows = np.arange(len(values))
    nearest = known[np.abs(rows[:, None] - known[None, :]).argmin(axis=1)]
    return np.asarray(values[nearest], np.float64)
