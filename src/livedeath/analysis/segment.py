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

from livedeath.analysis.outline import Candidates, Outlined, best, candidates, gaussian_taps
from livedeath.errors import FrameError
from livedeath.kernels import background, chosen, label, measure, runs
from livedeath.model.measures import Detections, LevelledFrame, Runs, Segmentation

FINE = 1 / 14
"""Smoothing of what outlines are drawn on: sd in soma diameters."""

LEAST_FINE_SD_PX = 0.7
"""But at least this, px: the noise of single pixels makes no outline."""

CERTAIN = 0.5
"""An outline expected to overlap a true one by this begins a neuron; less goes on with one."""

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
"""Peaks above this part of the detection limit may go on with a neuron, not begin one; with a
sure outline they may (over all of a soma three times fewer noises would show)."""

CLEAR = 1.6
"""Peaks above this many detection limits show their size: what is no soma there is none."""

FAINTEST_PART = 0.08
"""Light of a new neuron, at least, in that of the frame's median soma: the light of somata
has a log-sd of 0.73 (eLife 35977), so that 0.03 % of them are fainter; neurites are."""

REFUSED = 1.5
"""What is brighter than so many clear peaks and has no fine outline was refused."""

KINDS = np.arange(3, dtype=np.uint8)
"""Kinds of pixels under a coarse region: dark, in a fine outline, refused."""

MOST_REFUSED = 0.1
"""Largest part of a coarse region that may lie on what the fine scale refused clearly."""

CLIPPED = 0.25
"""A background whose mean lies by this part of the fine noise above its mode is clipped."""

CLIPPED_MARGIN = 1.5
"""The faintest soma must be so many times as strong there: smoothed over a soma of 8 px, noise
cut at its mode exceeds 5 sd in 10 places per Mpx and 7 in none of 100."""

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


_COARSE = _Scale(COARSE, width=0.4, diameter=0.5)


def segment(frame: LevelledFrame, *, soma_px: float, snr: float) -> Segmentation:
    """Find the somata of a levelled frame, all of which is looked at closely.

    Parameters
    ----------
    frame, soma_px, snr
        As of `segment`.

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
    smooth, noise, clipped = _smoothed(image, noises, soma_px)
    found = candidates(smooth, noise, soma_px)
    fine = best(found, CERTAIN, np.zeros(image.shape, np.int32))
    fine_snr = fine.peaks / _at(noise, fine.tops, smooth.shape)
    # What is left of clipped noise has a long bright tail.
    faintest = snr * CLIPPED_MARGIN if clipped else snr
    factor = max(int(COARSE * soma_px / COARSE_SD_PX), 1)
    coarse = _coarse(smooth, noises, soma_px, faintest * WEAK, factor)
    floors = (REFUSED * CLEAR * snr * noise).astype(np.float32)
    n_sure = int((fine.scores >= CERTAIN).sum())
    kinds = chosen.mark_refused(smooth, floors, fine.labels, n_sure)
    counts = label.covered(coarse.labels, coarse.places, kinds, KINDS, factor, coarse.soma.size - 1)
    free = coarse.soma & (counts[:, 1] == 0)
    free &= counts[:, 2] <= MOST_REFUSED * factor**2 * coarse.area
    names = _settle(fine, n_sure, coarse, free, factor, faintest)
    anything = np.full(int(names.max()) + 1, -np.inf, np.float32)
    places = label.trim(smooth, fine.labels, fine.places, names, anything)
    kept = names[1:] > 0
    n = int(kept.sum())
    faint = _by_brightness(coarse, free, after=n)
    painted = label.paint(coarse.labels, coarse.places, faint, fine.labels, factor)
    ratio = np.concatenate([fine_snr[kept], _snr_of(coarse, faint)])
    sure = ratio >= faintest
    sure[:n] = (fine.scores[kept] >= CERTAIN) & (fine_snr[kept] >= WEAK * snr)
    return _segmentation(fine.labels, np.concatenate([places, painted]), image, ratio, sure)


def _settle(
    fine: Outlined,
    n_sure: int,
    coarse: "_Regions",
    free: NDArray[np.bool_],
    factor: int,
    faintest: float,
) -> NDArray[np.int32]:
    """Decide between unsure outlines of the fine scale and regions of the coarse one.

    A clear coarse region takes the place of an unsure outline, an unsure one leaves it;
    ``free`` is changed in place. Returns the new name of each fine label, 0 for none.
    """
    labels = fine.labels.ravel()[fine.places]
    y, x = np.divmod(fine.places[labels > n_sure], fine.labels.shape[1])
    under = coarse.labels[y // factor, x // factor]
    above = labels[labels > n_sure]
    clear = free & (coarse.snr >= faintest)
    kept = np.ones(fine.scores.size + 1, np.bool_)
    kept[0] = kept[above[clear[under]]] = False
    free[under[kept[above]]] &= clear[under[kept[above]]]
    return (np.cumsum(kept) * kept).astype(np.int32)


def fine_candidates(frame: LevelledFrame, soma_px: float) -> Candidates:
    """List the outlines of the fine scale that somata of a levelled frame may have."""
    smooth, noise, _ = _smoothed(frame.image, frame.noises, soma_px)
    return candidates(smooth, noise, soma_px)


def _smoothed(
    image: NDArray[np.float32], noises: NDArray[np.float32], soma_px: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], bool]:
    """Return the image at the fine scale, its noise in each tile, and whether that is clipped.

    Where the darker half of the noise was clipped away (an offset subtracted, 8-bit
    conversions), the mean of the background is not its most frequent value: what is left of
    it in the typical tile is taken away.
    """
    sigma = max(FINE * soma_px, LEAST_FINE_SD_PX)
    smooth = label.smooth(image, gaussian_taps(sigma))
    noise, left = _smooth_noise(smooth, noises, sigma)
    if left > 0:
        smooth -= np.float32(left)
    return smooth, noise, left > CLIPPED * float(np.median(noise))


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
    done = max(FINE * soma_px, LEAST_FINE_SD_PX) ** 2 + (factor**2 - 1) / 12
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
    noise, _ = _smooth_noise(smooth, noises, scale.sigma * soma_px)
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
    picked = np.flatnonzero(names)
    return regions.snr[picked[np.argsort(names[picked])]]


def _smooth_noise(
    smooth: NDArray[np.float32], noises: NDArray[np.float32], sigma: float
) -> tuple[NDArray[np.float32], float]:
    """Return the noise of the smoothed image in each tile, and the typical tile's level.

    The noise of independent pixels, or what the tile's darker half shows if that is more:
    haze, neurites and the correlated noise of processed images.
    """
    white = noises * np.float32((gaussian_taps(sigma).astype(np.float64) ** 2).sum())
    step = max(int(sigma), 1)
    thinned = np.ascontiguousarray(smooth[::step, ::step])
    if min(side // n for side, n in zip(thinned.shape, noises.shape, strict=True)) < 1:
        return white, 0.0
    n_rows, n_cols = noises.shape
    levels, seen = background.tile_levels(thinned, n_rows, n_cols, 0.0)
    noise = np.asarray(np.maximum(white, background.median_mesh(seen)), np.float32)
    return noise, float(np.median(levels))


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
    sure: NDArray[np.bool_],
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
        strong=sure & (light >= faintest),
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
