"""What one stage of the analysis hands the next: frozen records of arrays.

The stages of `livedeath.analysis` never import each other; they meet in these records. Points
are (y, x). Working pixels are those of a `LevelledFrame`: camera pixels, binned where a soma
is wide.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Columns: TypeAlias = dict[str, NDArray[Any]]
"""A table: name of each column to its values, all of one length."""

State: TypeAlias = dict[str, Any]
"""What a restart needs: text to array, number or text."""


def below(state: Mapping[str, Any], prefix: str) -> State:
    """Return the part of a state whose names begin with a prefix, without it.

    >>> below({"a.x": 1, "b.x": 2}, "a.")
    {'x': 1}
    """
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


Pixels: TypeAlias = NDArray[np.uint16] | NDArray[np.float32]
"""Camera values as kernels read them: as they came, or sums, in single precision."""


class CutOff(NamedTuple):
    """A background of which nothing below a value is kept: an offset was subtracted, then 0.

    Attributes
    ----------
    share : float
        Part of the pixels that stand at the lowest value.
    plane : (Y, X) uint16 or float32
        One plane, before any sum: in sums there is no edge.
    lowest : float
        The lowest value in it.
    half : float
        Half a step between its values, 0 for real numbers.
    """

    share: float
    plane: Pixels
    lowest: float
    half: float


@dataclasses.dataclass(frozen=True, slots=True)
class CorrectedFrame:
    """One frame in electrons, or in camera units where the gain is unknown.

    Parameters
    ----------
    raw : (Y, X) uint16 or float32
        Camera values, summed over planes.
    floor, gain : float
        Light is ``gain * (raw - floor)``.
    clipped : (Y, X) bool
        Pixels at the camera's ceiling in any plane.
    reached : bool
        Whether there are any.
    calibrated : bool
        Whether light is in electrons, else in camera units above the frame's floor.
    least_noise : float
        Noise that a pixel has at least, in the light's unit: reading and rounding.
    planes : int
        Planes that were summed.
    cut_off : CutOff, optional
        Where the background is cut off at the lowest value.
    """

    raw: Pixels
    floor: float
    gain: float
    clipped: NDArray[np.bool_]
    reached: bool
    calibrated: bool
    least_noise: float
    planes: int = 1
    cut_off: CutOff | None = None

    @property
    def image(self) -> NDArray[np.float32]:
        """Light (Y, X) of every pixel, computed anew each time."""
        light = np.subtract(self.raw, self.floor, dtype=np.float32, casting="unsafe")
        light *= np.float32(self.gain)
        return light


@dataclasses.dataclass(frozen=True, slots=True)
class LevelledFrame:
    """One frame without its background, at the working scale.

    What is kept are the camera's pixels and meshes; light is computed where it is looked at
    (`livedeath.kernels.light`).

    Parameters
    ----------
    raw : (Y', X') uint16 or float32
        Camera values; sums over ``binning`` x ``binning`` pixels where that is more than one.
    floor, gain : float
        Light is ``gain * (raw - floor)`` before the background is taken away.
    levels : (R, X') float32
        Light of the background at the middle of each row of tiles; interpolated between.
    noises : (R, C) float32
        Background noise of a working pixel in each tile; tiles share the frame evenly.
    speckle : float
        A single pixel that towers so far over its neighbours is no light.
    clipped : (Y', X') bool
        Whether any of the pixels was clipped; of no size (0, 0) where none was.
    calibrated : bool
        Whether the unit is electrons.
    binning : int
        Camera pixels per working pixel, along one side.
    shape : (int, int)
        The camera frame's own shape.
    cut_off : float
        Share of the pixels at the lowest value, where the background is cut off there, else 0;
        then noises are those of the whole background, and levels what is
        left of it on average.
    render : callable
        Computes the light of the whole frame, summed over blocks of so many pixels a side.
    """

    raw: Pixels
    floor: float
    gain: float
    levels: NDArray[np.float32]
    noises: NDArray[np.float32]
    speckle: float
    clipped: NDArray[np.bool_]
    calibrated: bool
    binning: int
    shape: tuple[int, int]
    cut_off: float
    render: Callable[["LevelledFrame", int], NDArray[np.float32]] = dataclasses.field(repr=False)
    _rendered: dict[int, NDArray[np.float32]] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def image(self) -> NDArray[np.float32]:
        """Light above background (Y', X'); costly, and kept once it was asked for."""
        return self.binned(1)

    def binned(self, factor: int) -> NDArray[np.float32]:
        """Return the light summed over ``factor`` x ``factor`` working pixels, and keep it.

        Blocks cut by the border are scaled up to the full number of pixels.
        """
        if factor not in self._rendered:
            self._rendered[factor] = self.render(self, factor)
        return self._rendered[factor]


@dataclasses.dataclass(frozen=True, slots=True)
class Detections:
    """Somata found in one visit, one entry each, all in working pixels.

    Parameters
    ----------
    label : (N,) int32
        Its number in the label image.
    y, x : (N,) float64
        Centre of the outline.
    area : (N,) float64
        Pixels in the outline.
    light : (N,) float64
        Sum of the image under the outline.
    snr : (N,) float64
        Peak at soma scale, in standard deviations of the background; infinite for
        labels made elsewhere.
    strong : (N,) bool
        Whether it may begin a neuron.
    border : (N,) bool
        Whether it touches the border of the frame.
    """

    label: NDArray[np.int32]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    area: NDArray[np.float64]
    light: NDArray[np.float64]
    snr: NDArray[np.float64]
    strong: NDArray[np.bool_]
    border: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of somata."""
        return self.label.size

    def take(self, chosen: NDArray[Any]) -> "Detections":
        """Return some of the somata."""
        return Detections(*(getattr(self, f.name)[chosen] for f in dataclasses.fields(self)))


@dataclasses.dataclass(frozen=True, slots=True)
class Runs:
    """Outlines of one visit as runs of pixels along rows; no pixel is in two.

    Parameters
    ----------
    table : (K, 4) int32
        Row, first column, column after the last, and label in 1..n of each run.
    shape : (int, int)
        Sides of the frame, working px.
    """

    table: NDArray[np.int32]
    shape: tuple[int, int]

    def image(self, names: NDArray[np.int32] | None = None) -> NDArray[np.int32]:
        """Paint a label image (Y, X), with other names for the labels 0..n where given."""
        y, start, stop, label = self.table.T.astype(np.int64)
        length = stop - start
        first = y * self.shape[1] + start - (np.cumsum(length) - length)
        values = self.table[:, 3] if names is None else names[label]
        image = np.zeros(self.shape, np.int32)
        image.ravel()[np.repeat(first, length) + np.arange(length.sum())] = np.repeat(
            values, length
        )
        return image


@dataclasses.dataclass(frozen=True, slots=True)
class Segmentation:
    """Outlines of one visit, labelled 1..n, and a row for each."""

    runs: Runs
    detections: Detections

    @property
    def labels(self) -> NDArray[np.int32]:
        """Label image (Y, X), painted anew each time."""
        return self.runs.image()


@dataclasses.dataclass(frozen=True, slots=True)
class SomaSize:
    """How wide somata look in one frame.

    Parameters
    ----------
    diameter_px : float
        Of the typical one, camera pixels; NaN where there is none.
    log_sd : float
        Standard deviation of its ln: how uncertain it is.
    n : int
        Somata that it was measured on; 0 where there is none.
    """

    diameter_px: float
    log_sd: float
    n: int


@dataclasses.dataclass(frozen=True, slots=True)
class Placing:
    """How a visit's frame lies against its field's reference.

    A place of the reference is turned by ``turn`` (rad; y to x is positive) about the frame's
    corner, scaled, then shifted by ``y`` and ``x`` (working px): that is where it is in the
    visit's frame.
    """

    y: float = 0.0
    x: float = 0.0
    turn: float = 0.0
    scale: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Shift:
    """How far a frame is shifted: ``y`` and ``x`` in working px, and whether that is known."""

    y: float
    x: float
    certain: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Tracking:
    """Who is who in one visit.

    Parameters
    ----------
    neuron : (N,) int64
        Local number of the neuron behind each detection, -1 where it is none.
    detection : (M,) int64
        For each neuron of the field the index of its detection, -1 where unseen.
    gap : (M,) bool
        Seen now and not in the visit before.
    divided : (M,) bool
        Divided since the visit before; its daughters begin.
    """

    neuron: NDArray[np.int64]
    detection: NDArray[np.int64]
    gap: NDArray[np.bool_]
    divided: NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """Where every neuron of a field is in one visit's frame.

    Parameters
    ----------
    y, x : (N,) float64
        Place of each neuron in this visit's frame, working px; index = local number.
    radius : (N,) float64
        Radius of a disc of the area of the last outline, px.
    label : (N,) int32
        Its outline in the visit's labels, 0 where unseen.
    gap, border : (N,) bool
        Seen again after a gap; touching the border.
    turn : float
        How far the frame is turned against the reference, rad.
    """

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    radius: NDArray[np.float64]
    label: NDArray[np.int32]
    gap: NDArray[np.bool_]
    border: NDArray[np.bool_]
    turn: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class TraceBlock:
    """One row per neuron of the field in one visit, also those whose outline is lost.

    Parameters
    ----------
    light, light_sd : dict of str to (N,) float64
        For each channel of the visit the background-free light and its sd; NaN where
        nothing could be measured.
    flags : (N,) uint32
        Bits of `livedeath.model.flags.Flag`.
    """

    light: dict[str, NDArray[np.float64]]
    light_sd: dict[str, NDArray[np.float64]]
    flags: NDArray[np.uint32]


@dataclasses.dataclass(frozen=True, slots=True)
class Outlined:
    """Outlines of one visit, each with the id of its neuron, until an image of them is asked for.

    Parameters
    ----------
    runs : Runs
        At the working scale.
    ids : (n + 1,) int32
        Id of the neuron of each label; 0 for none, and at index 0.
    binning : int
        Camera pixels per working pixel, along one side.
    shape : (int, int)
        Sides of the camera's frame.
    """

    runs: Runs
    ids: NDArray[np.int32]
    binning: int
    shape: tuple[int, int]

    def image(self) -> NDArray[np.int32]:
        """Paint the ids at the camera's resolution, (Y, X); 0 where there is no soma."""
        small = self.runs.image(self.ids)
        if self.binning == 1:
            return small
        large = small.repeat(self.binning, axis=0).repeat(self.binning, axis=1)
        return np.ascontiguousarray(large[: self.shape[0], : self.shape[1]])


@dataclasses.dataclass(frozen=True, slots=True)
class FieldVisit:
    """What one visit says of its field alone; neurons go by their local number + 1.

    Parameters
    ----------
    outlines : Outlined
        Outlines with the neuron of each.
    traces : dict of str to array
        As in `VisitResult`, ``neuron_id`` and ``parent_id`` by local number + 1.
    depth_um : (N,) float64
        How far inside the field's reference frame the neuron of each row stands.
    at_border : int
        Somata that the border cuts and that are not followed.
    bad_frames : dict of str to str
        Channel to the reason why its frame was judged bad.
    cut_off : dict of str to float
        As in `VisitResult`.
    """

    outlines: Outlined
    traces: Columns
    depth_um: NDArray[np.float64]
    at_border: int = 0
    bad_frames: dict[str, str] = dataclasses.field(default_factory=dict)
    cut_off: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class VisitResult:
    """What one visit gave.

    Parameters
    ----------
    outlines : Outlined
        Where somata were found.
    traces : dict of str to array
        Columns of `livedeath.model.tables.TRACES` with each channel and its sd; one row
        per neuron of the field.
    called : tuple of int
        Neurons called dead at this visit.
    bad_frames : dict of str to str
        Channel to the reason why its frame was judged bad.
    at_border : int
        Somata that touch the border of the frame and are not followed.
    cut_off : dict of str to float
        Channel to the share of its pixels that stand at the frame's lowest value, where the
        background is cut off there.
    """

    outlines: Outlined
    traces: Columns
    called: tuple[int, ...]
    bad_frames: dict[str, str] = dataclasses.field(default_factory=dict)
    at_border: int = 0
    cut_off: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def labels(self) -> NDArray[np.int32]:
        """Neuron id of each pixel of a soma (Y, X), 0 elsewhere; painted anew each time."""
        return self.outlines.image()
