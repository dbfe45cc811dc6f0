"""A smooth image goes in; the likely outlines of somata come out, each with a score.

What is narrower than a soma is opened away first. The peaks of what stands out from its
surroundings are joined pair by pair into a tree, each node of it cut at each level of
brightness is one outline that a soma may have, and a score learnt from images with true
outlines says how well each is expected to fit one (after Arteta et al., MICCAI 2012). The
best outlines that exclude each other are found in one pass. `tools/train_outlines.py` learns
the score and writes `outline_score.csv`.
"""

import dataclasses
import functools
import math
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.kernels import chosen, label, outlines, standout

OPENED = 0.12
"""Radius of the disc under which an outline must be visible, in soma diameters: neurites and
debris are narrower."""

FLOOR_NOISES = 3.0
"""An outline lies above this many standard deviations of the noise."""

LEVELS = 64
"""Levels of brightness at which an outline may lie."""

FINEST_STEP = 0.06
"""Levels are at least this part of brightness apart; wider where a frame spans more folds."""

PEAK = 0.12
"""Smoothing of the logarithm of brightness whose peaks may be somata, in soma diameters."""

LEAST_PEAK_SD_PX = 0.7
"""But at least this, px."""

LEAST_SHOWN = 1e-6
"""All foreground is above this in the image of what stands out."""

AROUND = 1.6
"""A peak stands out from the same smoothed this many times as much."""

CORE = 0.01
"""What stands out by more, in folds of light, is the core of a soma."""

SHALLOW = 0.02
"""Two peaks with a valley of less than this between them are one from the start, in folds."""

LARGEST = 2.6
"""No soma is larger, in diameters of the typical one: ln 2.6 is 3.9 log-sds (eLife 35977)."""

SMALLEST = 0.25
"""No soma is smaller, in diameters of the typical one."""

LIKELY = 0.5
"""An outline counts by how far the overlap that it is expected to have is above this."""

WEAKEST = 0.3
"""Where nothing else is, an outline that counts above this may go on with a neuron."""

STEEP = 0.5
"""At an outline light falls by this part of the steepest fall around the same peaks."""

STRIDE = 4
"""Every so many levels one is scored, then those around the best of them."""

TABLE = "outline_score.csv"
"""Trees of the score, one a row, beside this module."""


@dataclasses.dataclass(frozen=True, slots=True)
class Candidates:
    """Outlines that somata may have, as nodes of a tree cut at levels of brightness.

    Parameters
    ----------
    opened : (Y, X) float32
        The image without what is narrower than a soma.
    places : (N,) int32
        Flat indices of the foreground.
    basins : (Y, X) int32
        1..n at the places: leaf ``k - 1`` of the tree.
    levels : (Y, X) uint8
        Brightness in steps.
    parents : (m,) int32
        The tree.
    measured : tuple
        What `livedeath.kernels.outlines.features` takes.
    """

    opened: NDArray[np.float32]
    places: NDArray[np.int32]
    basins: NDArray[np.int32]
    levels: NDArray[np.uint8]
    parents: NDArray[np.int32]
    measured: tuple[Any, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Outlined:
    """Outlines that were chosen: what each label 1..n is expected to overlap a soma by.

    ``labels`` is (Y, X) int32, ``peaks`` (n,) float64 the brightest value of the opened image
    in it, ``tops`` (n,) int32 the flat index of that, ``scores`` (n,) float64; the sure ones
    come first, of these the brightest.
    """

    labels: NDArray[np.int32]
    places: NDArray[np.int32]
    peaks: NDArray[np.float64]
    tops: NDArray[np.int32]
    scores: NDArray[np.float64]


def gaussian_taps(sigma: float) -> NDArray[np.float32]:
    """Return the taps of a Gaussian of sum 1, out to three standard deviations."""
    reach = max(math.ceil(3 * sigma), 1)
    steps = np.arange(-reach, reach + 1)
    taps = np.exp(-0.5 * (steps / sigma) ** 2)
    return np.asarray(taps / taps.sum(), np.float32)


def disc(radius: float) -> NDArray[np.int64]:
    """Return the half width of a disc in its middle row and the rows away from it."""
    rows = np.arange(int(radius) + 1)
    return np.asarray(np.sqrt(radius**2 - rows**2) + 1e-9, np.int64)


def candidates(
    smooth: NDArray[np.float32], noise: NDArray[np.float32], soma_px: float
) -> Candidates:
    """List and describe the outlines that somata may have.

    Parameters
    ----------
    smooth : (Y, X) float32
        Light above background, a little smoothed.
    noise : (R, C) float32
        Its noise in each tile.
    soma_px : float
        Diameter of a typical soma, px.
    """
    opened = standout.open_disc(smooth, disc(max(OPENED * soma_px, 1.0)))
    floors = (FLOOR_NOISES * noise).astype(np.float32)
    lowest = float(np.median(floors))
    folds = math.log(max(float(opened.max()) / lowest, 1.0))
    per_fold = 1.0 / max(FINEST_STEP, folds / (LEVELS - 1))
    levels = np.zeros(opened.shape, np.uint8)
    logs = np.zeros(opened.shape, np.float32)
    places = standout.foreground(opened, floors, lowest, per_fold, levels, logs)
    basins, parents, children, saddles, peaks = _tree(logs, places, soma_px)
    starts = outlines.shelves(levels, basins, places, parents)
    table = outlines.profiles(opened, levels, basins, places, parents, starts)
    values = lowest * np.exp((np.arange(LEVELS + 1) - 1.0) / per_fold)
    typical = math.pi / 4.0 * soma_px**2
    measured = (
        table,
        starts,
        parents,
        children,
        saddles,
        peaks,
        _noise_of(noise, table[starts[:-1] + 1], opened.shape),
        values,
        soma_px,
        SMALLEST**2 * typical,
        LARGEST**2 * typical,
        STEEP,
    )
    return Candidates(opened, places, basins, levels, parents, measured)


def _tree(
    logs: NDArray[np.float32], places: NDArray[np.int32], soma_px: float
) -> tuple[
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.float32],
    NDArray[np.float32],
]:
    """Share the foreground out among its peaks and join them: basins, then the tree."""
    sigma = max(PEAK * soma_px, LEAST_PEAK_SD_PX)
    near = label.smooth(logs, gaussian_taps(sigma))
    far = label.smooth(near, gaussian_taps(sigma * math.sqrt(AROUND**2 - 1.0)))
    shown = np.zeros_like(logs)
    standout.stand_out(logs, near, far, places, shown)
    basins = np.zeros(logs.shape, np.int32)
    _, tops = label.climb(shown, np.full((1, 1), LEAST_SHOWN, np.float32), basins)
    tops = _joined(shown, basins, places, tops)
    n = tops.size - 1
    pairs, heights = label.saddles(shown, basins, places, n)
    order = np.argsort(-heights, kind="stable")
    sizes = outlines.cores(shown, basins, places, CORE, n)
    largest = math.pi / 4.0 * (LARGEST * soma_px) ** 2
    tree = outlines.merge_tree(
        shown.ravel()[tops[1:]], sizes, pairs[order] - 1, heights[order], largest
    )
    return basins, *tree


def _joined(
    shown: NDArray[np.float32],
    basins: NDArray[np.int32],
    places: NDArray[np.int32],
    tops: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Join basins, in place, whose peaks hardly stand out from each other; return the tops."""
    peaks = np.column_stack([shown.ravel()[tops], *np.divmod(tops, shown.shape[1])])
    pairs, heights = label.saddles(shown, basins, places, tops.size - 1)
    order = np.argsort(-heights, kind="stable")
    names, kept, _ = label.join(peaks, pairs[order], heights[order], 0.0, SHALLOW, 0.0, 0.0)
    anything = np.full(kept.size, -np.inf, np.float32)
    label.trim(shown, basins, places, names, anything)
    return np.concatenate([tops[:1], tops[kept[1:]]])


def _noise_of(
    noise: NDArray[np.float32], row: NDArray[np.float64], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Read the mesh of the noise at the centre of each node."""
    area = np.maximum(row[:, outlines.AREA], 1.0)
    r = (row[:, outlines.Y] / area).astype(np.int64) * noise.shape[0] // shape[0]
    c = (row[:, outlines.X] / area).astype(np.int64) * noise.shape[1] // shape[1]
    return np.asarray(noise[r, c], np.float64)


@functools.cache
def learnt() -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    """Read the score's trees: features, thresholds and leaves, one tree a row."""
    text = resources.files("livedeath.analysis").joinpath(TABLE).read_text(encoding="utf-8")
    rows = np.loadtxt(text.splitlines(), delimiter=",", skiprows=1, ndmin=2)
    asked = 2**outlines.DEPTH - 1
    parts = np.split(rows, [asked, 2 * asked], axis=1)
    feature, threshold, leaves = (np.ascontiguousarray(part) for part in parts)
    return feature.astype(np.int32), threshold.astype(np.float32), leaves.astype(np.float32)


def best(found: Candidates, certain: float, labels: NDArray[np.int32]) -> Outlined:
    """Choose the candidates that exclude each other and fit best, and paint them.

    Parameters
    ----------
    found : Candidates
        From `candidates`.
    certain : float
        Outlines of at least this score are numbered first.
    labels : (Y, X) int32
        Zero everywhere; filled.
    """
    told = (*found.measured, STRIDE, *learnt())
    level, fit = outlines.best_levels(*told)
    owners = chosen.choose(found.parents, fit, LIKELY, WEAKEST)
    tops = chosen.brightest(found.opened, found.basins, found.places, owners)
    taken = np.flatnonzero(owners == np.arange(owners.size))
    values = found.opened.ravel()[tops[taken]]
    taken = taken[np.lexsort((-values, fit[taken] < certain))]
    names = np.zeros(owners.size, np.int32)
    names[taken] = 1 + np.arange(taken.size)
    places = chosen.paint_chosen(
        found.basins, found.places, found.levels, owners, level, names, labels
    )
    tops = tops[taken]
    peaks = found.opened.ravel()[tops].astype(np.float64)
    return Outlined(labels, places, peaks, tops, fit[taken])
