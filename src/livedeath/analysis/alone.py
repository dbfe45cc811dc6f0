"""A levelled frame goes in; somata that stand alone come out, and where to look more closely.

Most somata touch nothing. They are found on a frame of blocks of pixels, a quarter of a soma
wide, and outlined one by one on the camera's own pixels, at a smoothing that their brightness
allows. Where there is more than one peak, no clear outline, or light that no outline explains,
it is left to those who look closely (`livedeath.analysis.segment`).
"""

import dataclasses
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.analysis.outline import gaussian_taps
from livedeath.kernels import alone, background, label, light
from livedeath.model.measures import LevelledFrame

BLOCKS = 4.0
"""Blocks along a soma's diameter."""

BINOMIAL = np.array([0.25, 0.5, 0.25], np.float32)
"""Smoothing of the frame of blocks; a block's noise is 3/8 of what it was."""


class _Scale(NamedTuple):
    """Smoothing (sd) and the smallest soma that it shows, in soma diameters.

    It is for peaks of the frame of blocks from ``least`` noises on, up to those of the scale
    before; ``wide`` is how many blocks of 25 must be half as bright, ``edges`` at which levels an
    outline may lie, ``strict`` how much is asked of its shape.
    """

    sigma: float
    smallest: float
    least: float
    wide: int
    edges: tuple[int, int]
    strict: float


STEEPEST, HALF = (9, 28), (16, 16)
"""Levels of 32 between which an outline lies: where it is steepest, between 0.72 and an eighth of
the peak, or, where noise decides what is steepest, at half of it."""

SCALES = (
    _Scale(1 / 10, 0.28, 60.0, 6, STEEPEST, 1.0),
    _Scale(1 / 7, 0.5, 25.0, 6, STEEPEST, 1.0),
    _Scale(1 / 4, 0.5, 8.0, 5, HALF, 0.85),
    _Scale(1 / 4, 0.5, 0.0, 7, HALF, 0.85),
)

LEAST_SD_PX = 0.5
"""Smoothing is at least this wide, px."""

STEP_ERROR = 0.05
"""How well the background's level is known where noise is less than one whole camera value: in
such values."""

CLEAR = 12.0
"""Peaks of so many noises that share an outline make it contested; light that no outline
explains is looked at closely from there on."""

DOUBTFUL = 9.0
"""Peaks of the coarsest scale that show no soma are looked at closely from so many noises on."""

AROUND = 1.6
"""What is contested is looked at so many soma diameters around."""

MOST_CONTESTED = 0.3
"""Where more of the frame is to be looked at closely, all of it is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Alone:
    """Somata that stand alone, the brightest scale first.

    Parameters
    ----------
    table : (N, 9) float64
        Columns of `livedeath.kernels.alone`; row k is label k + 1.
    snr : (N,) float64
        Brightness of each peak at its scale, in noises.
    runs : (K, 4) int32
        Outlines as runs (`livedeath.kernels.runs`).
    boxes : (M, 4) int64
        Where to look closely: first row, row after the last, first column, column after.
    """

    table: NDArray[np.float64]
    snr: NDArray[np.float64]
    runs: NDArray[np.int32]
    boxes: NDArray[np.int64]

    def contested(self, shape: tuple[int, ...]) -> float:
        """Return the part of a frame that is to be looked at closely."""
        sides = (self.boxes[:, 1] - self.boxes[:, 0]) * (self.boxes[:, 3] - self.boxes[:, 2])
        return float(sides.sum()) / (shape[0] * shape[1])


class _Peaks(NamedTuple):
    """Peaks: place in the frame (N, 2) px, noise of a pixel there, brightness, its width."""

    places: NDArray[np.int32]
    noise: NDArray[np.float64]
    ratio: NDArray[np.float64]
    wide: NDArray[np.int32]

    def take(self, chosen: NDArray[np.bool_]) -> "_Peaks":
        """Return some of the peaks."""
        return _Peaks(
            self.places[chosen], self.noise[chosen], self.ratio[chosen], self.wide[chosen]
        )


class _Part(NamedTuple):
    """What was found at one scale: rows of somata, their SNR, runs; places to look at closely."""

    table: NDArray[np.float64]
    snr: NDArray[np.float64]
    runs: NDArray[np.int32]
    close: NDArray[np.float64]


def find(frame: LevelledFrame, *, soma_px: float, snr: float, labels: NDArray[np.int32]) -> Alone:
    """Find the somata that stand alone.

    Parameters
    ----------
    frame : LevelledFrame
        Light above background, and its noise.
    soma_px : float
        Diameter of a typical soma, working px.
    snr : float
        Faintest peak, in standard deviations at its scale.
    labels : (Y, X) int32
        All zero; their outlines are painted.
    """
    factor = max(int(soma_px / BLOCKS), 1)
    blocks = frame.binned(factor)
    noise = frame.noises * np.float32(factor)
    peaks = _peaks(frame, label.smooth(blocks, BINOMIAL), noise, factor, snr)
    marks = tuple(peaks.places[peaks.ratio >= CLEAR].T)
    labels[marks] = -1
    parts: list[_Part] = []
    most = np.inf
    for scale in SCALES:
        chosen = (peaks.ratio >= scale.least) & (peaks.ratio < most) & (peaks.wide >= scale.wide)
        named = sum(len(part.table) for part in parts)
        parts.append(_at_scale(frame, peaks.take(chosen), scale, soma_px, snr, labels, named))
        most = scale.least
    left = alone.unexplained(blocks, (CLEAR * noise).astype(np.float32), labels, factor)
    labels[marks] = np.maximum(labels[marks], 0)
    tables, ratios, runs, close = zip(*parts, strict=True)
    places = np.concatenate([*close, left.astype(np.float64)])
    boxes = _boxes(places, AROUND * soma_px, labels.shape)
    return Alone(np.concatenate(tables), np.concatenate(ratios), np.concatenate(runs), boxes)


def _peaks(
    frame: LevelledFrame,
    smooth: NDArray[np.float32],
    noise: NDArray[np.float32],
    factor: int,
    snr: float,
) -> _Peaks:
    """Return the peaks of the frame of blocks, the brightest first."""
    white = noise * np.float32((BINOMIAL.astype(np.float64) ** 2).sum())
    excess = _excess(smooth, white)
    white = white * excess
    found = alone.peaks_of(smooth, (snr * white).astype(np.float32))
    row, col = found[:, 0].astype(np.int64), found[:, 1].astype(np.int64)
    tile = row * noise.shape[0] // smooth.shape[0], col * noise.shape[1] // smooth.shape[1]
    ratio = (smooth[row, col] / white[tile]).astype(np.float64)
    order = np.argsort(-smooth[row, col], kind="stable")
    places = np.minimum(found[:, :2] * factor + factor // 2, np.array(frame.raw.shape) - 1)
    return _Peaks(
        places[order].astype(np.int32),
        (frame.noises * excess)[tile][order].astype(np.float64),
        ratio[order],
        found[order, 2],
    )


def _excess(smooth: NDArray[np.float32], white: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how many times the noise of independent pixels each tile's darker half shows.

    At least 1; more for haze, neurites and the correlated noise of processed images.
    """
    if min(side // n for side, n in zip(smooth.shape, white.shape, strict=True)) < 4:
        return np.ones_like(white)
    _, seen = background.tile_levels(smooth, white.shape[0], white.shape[1], 0.0)
    return np.asarray(np.maximum(background.median_mesh(seen) / white, 1.0), np.float32)


def _at_scale(
    frame: LevelledFrame,
    peaks: _Peaks,
    scale: _Scale,
    soma_px: float,
    snr: float,
    labels: NDArray[np.int32],
    named: int,
) -> _Part:
    """Outline peaks at a scale; ``named`` labels are used."""
    sigma = max(scale.sigma * soma_px, LEAST_SD_PX)
    taps = gaussian_taps(sigma)
    noise = peaks.noise * float((taps.astype(np.float64) ** 2).sum())
    if frame.raw.dtype.kind == "u":
        noise = np.hypot(noise, STEP_ERROR * frame.gain)
    table, runs = alone.outline_alone(
        frame.raw, frame.floor, frame.gain, frame.levels, frame.speckle, taps, peaks.places, noise,
        snr, soma_px, (alone.HALF_MAXIMUM * sigma) ** 2, scale.strict, scale.smallest,
        max(int(soma_px / BLOCKS) - 1, 1), scale.edges, labels, named,
    )  # fmt: skip
    accepted = table[:, alone.KIND] == alone.ALONE
    contested = table[:, alone.KIND] == alone.CONTESTED
    if scale.edges is HALF:
        contested &= table[:, alone.TOP] > DOUBTFUL * noise
    ratio = table[accepted, alone.TOP] / noise[accepted]
    return _Part(table[accepted], ratio, runs, table[contested][:, [alone.TOP_Y, alone.TOP_X]])


def _boxes(places: NDArray[np.float64], around: float, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return boxes around places, joined until none overlap."""
    low, high = np.floor(places - around), np.ceil(places + around) + 1
    boxes = np.column_stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]]).astype(np.int64)
    boxes = np.clip(boxes, 0, np.array([shape[0], shape[0], shape[1], shape[1]]))
    return alone.join_boxes(boxes)


def noise_at(frame: LevelledFrame, boxes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the noise of a pixel at the middle of each box."""
    n_rows, n_cols = frame.noises.shape
    row = (boxes[:, 0] + boxes[:, 1]) // 2 * n_rows // frame.raw.shape[0]
    col = (boxes[:, 2] + boxes[:, 3]) // 2 * n_cols // frame.raw.shape[1]
    return np.asarray(frame.noises[row, col], np.float64)


def paste(
    frame: LevelledFrame, boxes: NDArray[np.int64]
) -> tuple[LevelledFrame, NDArray[np.int64], NDArray[np.int64]]:
    """Paste parts of a frame side by side, each in units of its noise.

    Parameters
    ----------
    frame : LevelledFrame
        The frame.
    boxes : (M, 4) int64
        First row, row after the last, first column, column after the last of each part.

    Returns
    -------
    frame : LevelledFrame
        The parts, with darkness between them.
    corners : (M, 2) int64
        Where the first pixel of each part went.
    box_of : (Y', X') int64
        Which box each pixel is from, -1 between them.
    """
    heights, widths = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    width = int(widths.max())
    if len(boxes) > 1:
        width = max(width, int(math.sqrt(float((heights * widths).sum()))) + 1)
    corners = np.zeros((len(boxes), 2), np.int64)
    top, left, tall = 0, 0, 0
    for k in np.argsort(-heights, kind="stable").tolist():
        if left + widths[k] > width:
            top, left, tall = top + tall, 0, 0
        corners[k] = top, left
        left, tall = left + int(widths[k]) + 1, max(tall, int(heights[k]) + 1)
    height = int((corners[:, 0] + heights).max())
    box_of = np.full((height, width), -1, np.int64)
    image = np.zeros((height, width), np.float32)
    noise = noise_at(frame, boxes)
    for k, ((y0, y1, x0, x1), (v, u), n) in enumerate(
        zip(boxes.tolist(), corners.tolist(), noise.tolist(), strict=True)
    ):
        part = np.empty((y1 - y0, x1 - x0), np.float32)
        light.cut_light(
            frame.raw, frame.floor, frame.gain, frame.levels, y0, x0, frame.speckle, part
        )
        image[v : v + y1 - y0, u : u + x1 - x0] = part / np.float32(n)
        box_of[v : v + y1 - y0, u : u + x1 - x0] = k
    pasted = dataclasses.replace(
        frame,
        raw=image,
        floor=0.0,
        gain=1.0,
        levels=np.zeros((1, width), np.float32),
        noises=np.ones((1, 1), np.float32),
        speckle=np.inf,
        clipped=np.zeros((0, 0), np.bool_),
    )
    return pasted, corners, box_of
