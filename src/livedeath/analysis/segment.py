"""A levelled frame goes in; the outlines of somata come out, and one row for each.

Somata are regions of soma scale around their own peak, each down to half of that peak,
so that a faint one beside a bright one is found and touching ones are told apart.
Neurites and debris are narrower than a soma and are left out. Labels made elsewhere are
taken as they are. Nothing here knows what was seen in an earlier visit.
"""

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from livedeath.errors import FrameError
from livedeath.kernels import background, label, measure, runs
from livedeath.model.measures import Detections, LevelledFrame, Runs, Segmentation

FINE = 1 / 10
"""Smoothing that tells touching somata apart: sd in soma diameters."""

COARSE = 1 / 4
"""Smoothing that finds the faintest somata (86 % of the matched filter of a disc)."""

COARSE_SD_PX = 3.0
"""The coarse scale is looked at with the fewest pixels that leave its smoothing this wide."""

EDGE = 0.5
"""A soma's outline lies at this part of its own peak."""

VALLEY = 0.1
"""Two peaks with a shallower valley than this part of the lower one are one soma."""

NEAR = 0.75
"""Peaks nearer than this, in soma diameters, are usually the texture of one soma."""

NEAR_VALLEY = 0.35
"""Between such peaks a valley of this part of the lower one is needed."""

VALLEY_NOISES = 4.0
"""And the valley must be deeper than this many standard deviations of the noise."""

CERTAIN_WIDTH = 0.3
"""From this width on, in soma diameters, no neurite is as wide; narrower ones must stand alone."""

ALONE = 0.6
"""A region stands alone if it meets others only below this part of its own peak."""

CLEAR_NARROW = 2.4
"""And its peak must be this many times the weakest one's: its width must be more than noise."""

MOST_ELONGATED_NARROW = 2.5
"""Largest ratio of length to width of a narrow soma."""

MOST_ELONGATED = 4.0
"""Largest ratio of a soma's length to its width."""

LEAST_COMPACT = 0.75
"""Smallest part that a soma fills of the ellipse of its own moments."""

SHOWN_AT_BORDER = 0.5
"""At the border of the frame this part of a soma must be in view."""

WEAK = 0.7
"""Peaks above this part of the detection limit may go on with a neuron, not begin one."""

OUTLINED = 1.2
"""Peaks above this many detection limits have a fine outline; fainter ones a coarse one."""

CLEAR = 1.6
"""Peaks above this many detection limits show their size: what is no soma there is none."""

FAINTEST_PART = 0.08
"""Light of a new neuron, at least, in that of the frame's median soma: the light of somata
has a log-sd of 0.73 (eLife 35977), so that 0.03 % of them are fainter; neurites are."""

MOST_REFUSED = 0.1
"""Largest part of a coarse region that may lie on what the fine scale refused clearly."""

HALF_MAXIMUM = 2.3548
"""Full width at half maximum of a Gaussian, in its sd."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Scale:
    """A smoothing and the smallest soma that it shows; in soma diameters.

    ``width`` and ``diameter`` (of the area) hold with the smoothing taken out. The coarse
    scale sees no more than that a neurite is narrow, so it asks for more.
    """

    sigma: float
    width: float
    diameter: float


_FINE = _Scale(FINE, width=0.2, diameter=0.28)
_COARSE = _Scale(COARSE, width=0.4, diameter=0.5)


def gaussian_taps(sigma: float) -> NDArray[np.float32]:
    """Return the taps of a Gaussian of sum 1, out to three standard deviations."""
    reach = max(math.ceil(3 * sigma), 1)
    steps = np.arange(-reach, reach + 1)
    taps = np.exp(-0.5 * (steps / sigma) ** 2)
    return np.asarray(taps / taps.sum(), np.float32)


def segment(frame: LevelledFrame, *, soma_px: float, snr: float) -> Segmentation:
    """Find the somata of a levelled frame.

    Parameters
    ----------
    frame : LevelledFrame
        Light above background, and its noise.
    soma_px : float
        Diameter of a typical soma, working px.
    snr : float
        Smallest peak of a new neuron at soma scale, in standard deviations.

    Returns
    -------
    Segmentation
        Labels in the order of brightness of the peaks, fine scale first.

    Notes
    -----
    Two scales: the fine one tells touching somata apart, the coarse one finds somata
    too faint for it. Cost linear in Y*X.
    """
    image, noises = frame.image, frame.noises
    labels = np.zeros(image.shape, np.int32)
    smooth = label.smooth(image, gaussian_taps(FINE * soma_px))
    fine = _regions(smooth, noises, _FINE, soma_px, snr * OUTLINED, labels)
    named = _by_brightness(fine, fine.soma)
    factor = max(int(COARSE * soma_px / COARSE_SD_PX), 1)
    coarse = _coarse(smooth, noises, soma_px, snr * WEAK, factor)
    kinds = np.where(fine.soma, 1, 0) + np.where(~fine.soma & (fine.snr >= CLEAR * snr), 2, 0)
    counts = label.covered(
        coarse.labels, coarse.places, labels, kinds.astype(np.uint8), factor, coarse.soma.size - 1
    )
    free = coarse.soma & (counts[:, 1] == 0)
    free &= counts[:, 2] <= MOST_REFUSED * factor**2 * coarse.area
    faint = _by_brightness(coarse, free, after=int(fine.soma.sum()))
    anything = np.full(int(named.max()) + 1, -np.inf, np.float32)
    places = label.trim(smooth, labels, fine.places, named, anything)
    painted = label.paint(coarse.labels, coarse.places, faint, labels, factor)
    ratio = np.concatenate([_snr_of(fine, named), _snr_of(coarse, faint)])
    return _segmentation(labels, np.concatenate([places, painted]), image, ratio, snr)


@dataclasses.dataclass(frozen=True, slots=True)
class _Regions:
    """Regions of one scale: labels 0..n, their pixels, and for each whether it is a soma.

    ``peak`` and ``snr`` are of its brightest pixel, ``area`` counts its pixels.
    """

    labels: NDArray[np.int32]
    places: NDArray[np.int32]
    soma: NDArray[np.bool_]
    peak: NDArray[np.float64]
    snr: NDArray[np.float64]
    area: NDArray[np.float64]


def _coarse(
    fine: NDArray[np.float32],
    noises: NDArray[np.float32],
    soma_px: float,
    snr: float,
    factor: int,
) -> _Regions:
    """Grow the regions of the coarse scale, in pixels ``factor`` times as large."""
    small = background.bin_sum(fine, factor) if factor > 1 else fine
    # A pixel is smooth by itself: the variance of a block of so many pixels.
    done = (FINE * soma_px) ** 2 + (factor**2 - 1) / 12
    taps = gaussian_taps(math.sqrt((COARSE * soma_px) ** 2 - done) / factor)
    smooth = label.smooth(small, taps)
    labels = np.zeros(smooth.shape, np.int32)
    return _regions(smooth, noises * np.float32(factor), _COARSE, soma_px / factor, snr, labels)


def _regions(
    smooth: NDArray[np.float32],
    noises: NDArray[np.float32],
    scale: _Scale,
    soma_px: float,
    snr: float,
    labels: NDArray[np.int32],
) -> _Regions:
    """Grow the regions of one scale into ``labels``; judge each by its peak and outline."""
    noise = _smooth_noise(smooth, noises, scale.sigma * soma_px)
    places, tops = label.climb(smooth, (snr * EDGE * noise).astype(np.float32), labels)
    peaks = np.column_stack([smooth.ravel()[tops], *np.divmod(tops, smooth.shape[1])])
    pairs, heights = label.saddles(smooth, labels, places, tops.size - 1)
    order = np.argsort(-heights, kind="stable")
    valley = VALLEY_NOISES * float(np.median(noise))
    names, kept, saddles = label.join(
        peaks, pairs[order], heights[order], VALLEY, valley, NEAR * soma_px, NEAR_VALLEY
    )
    tops, peak = tops[kept], np.where(kept > 0, peaks[kept, 0], 0.0)
    ratio = peak / _at(noise, tops, smooth.shape)
    floors = np.where(ratio >= snr, EDGE * peak, np.inf).astype(np.float32)
    places = label.trim(smooth, labels, places, names, floors)
    table = measure.region_table(labels, places, tops.size - 1, smooth)
    alone = (saddles < ALONE * peak) & (ratio >= CLEAR_NARROW * snr)
    soma = _soma_like(table, alone, soma_px, scale) & (ratio >= snr)
    return _Regions(labels, places, soma, peak, ratio, table[:, measure.AREA])


def _by_brightness(
    regions: _Regions, chosen: NDArray[np.bool_], *, after: int = 0
) -> NDArray[np.int32]:
    """Return new names of the chosen regions, the brightest first, and 0 of all others."""
    names = np.zeros(chosen.size, np.int32)
    ranked = np.argsort(-regions.peak, kind="stable")
    ranked = ranked[chosen[ranked]]
    names[ranked] = after + 1 + np.arange(ranked.size)
    return names


def _snr_of(regions: _Regions, names: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the SNR of the regions that have a name, in the names' order."""
    chosen = np.flatnonzero(names)
    return regions.snr[chosen[np.argsort(names[chosen])]]


def _smooth_noise(
    smooth: NDArray[np.float32], noises: NDArray[np.float32], sigma: float
) -> NDArray[np.float32]:
    """Return the noise of the smoothed image in each tile.

    That of independent pixels, or what the tile's darker half shows if that is more:
    haze, neurites and the correlated noise of processed images.
    """
    white = noises * np.float32((gaussian_taps(sigma).astype(np.float64) ** 2).sum())
    step = max(int(sigma), 1)
    thinned = np.ascontiguousarray(smooth[::step, ::step])
    if min(side // n for side, n in zip(thinned.shape, noises.shape, strict=True)) < 1:
        return white
    n_rows, n_cols = noises.shape
    _, seen = background.tile_levels(thinned, n_rows, n_cols, 0.0)
    return np.asarray(np.maximum(white, background.median_mesh(seen)), np.float32)


def _at(
    mesh: NDArray[np.float32], places: NDArray[np.int32], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Read a mesh of tiles at flat pixel indices."""
    y, x = np.divmod(np.maximum(places, 0), shape[1])
    row, col = y * mesh.shape[0] // shape[0], x * mesh.shape[1] // shape[1]
    return np.asarray(mesh[row, col], np.float64)


def _soma_like(
    table: NDArray[np.float64], alone: NDArray[np.bool_], soma_px: float, scale: _Scale
) -> NDArray[np.bool_]:
    """Tell somata from neurites, debris and crossings by the outline.

    ``table`` is from `livedeath.kernels.measure.region_table`; ``alone`` says whether a
    region stands out from its surroundings on all sides.
    """
    area = table[:, measure.AREA]
    mean = 0.5 * (table[:, measure.YY] + table[:, measure.XX])
    half = 0.5 * (table[:, measure.YY] - table[:, measure.XX])
    spread = np.hypot(half, table[:, measure.YX])
    width = 4.0 * np.sqrt(np.maximum(mean - spread, 1e-12))
    length = 4.0 * np.sqrt(np.maximum(mean + spread, 1e-12))
    blur = (HALF_MAXIMUM * scale.sigma * soma_px) ** 2
    shown = np.where(table[:, measure.BORDER] > 0, SHOWN_AT_BORDER, 1.0)
    wide = width**2 - shown**2 * blur >= (shown * scale.width * soma_px) ** 2
    large = 4.0 * area / math.pi - shown * blur >= shown * (scale.diameter * soma_px) ** 2
    compact = area >= LEAST_COMPACT * math.pi / 4.0 * width * length
    certain = width**2 - blur >= (CERTAIN_WIDTH * soma_px) ** 2
    narrow = alone & (length <= MOST_ELONGATED_NARROW * width)
    return wide & large & compact & (certain | narrow) & (length <= MOST_ELONGATED * width)


def _segmentation(
    labels: NDArray[np.int32],
    places: NDArray[np.int32],
    image: NDArray[np.float32],
    ratio: NDArray[np.float64],
    snr: float,
) -> Segmentation:
    table = measure.region_table(labels, places, ratio.size, image)[1:]
    light = table[:, measure.LIGHT].copy()
    faintest = FAINTEST_PART * float(np.median(light)) if light.size else 0.0
    detections = Detections(
        label=np.arange(1, ratio.size + 1, dtype=np.int32),
        y=table[:, measure.Y].copy(),
        x=table[:, measure.X].copy(),
        area=table[:, measure.AREA].copy(),
        light=light,
        snr=ratio,
        strong=(ratio >= snr) & (light >= faintest),
        border=table[:, measure.BORDER] > 0,
    )
    return Segmentation(_runs(labels), detections)


def _runs(labels: NDArray[np.int32]) -> Runs:
    return Runs(runs.runs_of(labels), (labels.shape[0], labels.shape[1]))


def from_labels(labels: NDArray[Any], *, binning: int = 1, where: str = "labels") -> Segmentation:
    """Take outlines made elsewhere: they say where somata are, never who is who.

    Parameters
    ----------
    labels : (Y, X) integer or bool
        Each distinct value other than 0 is one outline; with a single such value the
        image is a mask and each connected part of it is one.
    binning : int
        Camera pixels per working pixel; the result is at the working scale.
    where : str
        Named in the message of an error.

    Returns
    -------
    Segmentation
        Numbered in raster order of the outlines' first pixels, whatever their values.

    Raises
    ------
    FrameError
        If the labels are no image of integers.
    """
    if labels.ndim != 2 or labels.dtype.kind not in "uib" or labels.size == 0:
        raise FrameError(
            f"{where}: labels are {labels.dtype} of shape {labels.shape}, an image (Y, X) of "
            f"integers is allowed; write one label image per visit."
        )
    named = _in_raster_order(labels)
    small = np.ascontiguousarray(named[binning // 2 :: binning, binning // 2 :: binning])
    n = int(named.max())
    places = np.flatnonzero(named).astype(np.int32)
    table = measure.region_table(named, places, n, np.zeros(named.shape, np.float32))[1:]
    certain = np.full(n, np.inf)
    detections = Detections(
        label=np.arange(1, n + 1, dtype=np.int32),
        y=(table[:, measure.Y] + 0.5) / binning - 0.5,
        x=(table[:, measure.X] + 0.5) / binning - 0.5,
        area=table[:, measure.AREA] / binning**2,
        light=np.zeros(n),
        snr=certain,
        strong=np.ones(n, np.bool_),
        border=table[:, measure.BORDER] > 0,
    )
    return Segmentation(_runs(small), detections)


def _in_raster_order(labels: NDArray[Any]) -> NDArray[np.int32]:
    """Give outlines the numbers 1..n by their first pixel, so that their values cannot matter."""
    values, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    if (values != 0).sum() == 1:
        parts, _ = ndimage.label(labels != 0, structure=np.ones((3, 3), np.int8))
        values, first, inverse = np.unique(parts, return_index=True, return_inverse=True)
    ranked = np.where(values == 0, -1, first)
    names = np.empty(values.size, np.int32)
    names[np.argsort(ranked, kind="stable")] = np.arange(values.size) + (0 not in values)
    return names[inverse].reshape(labels.shape)
