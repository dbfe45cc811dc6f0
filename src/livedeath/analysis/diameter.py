"""A frame goes in; the diameter of its typical soma comes out, without being told.

The frame is segmented as if somata were small, larger, and so on. At the right size the
outlines fit best: the overlaps that they are expected to have, above one half each, add up
to the most, which weighs their number as well as how sure they are. The diameter is the
median of the outlines at that size. Where there are few, or another size fits about as well,
the estimate says that it is unsure.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from livedeath.analysis.outline import LIKELY, best
from livedeath.analysis.segment import CERTAIN, fine_candidates
from livedeath.model.measures import LevelledFrame, SomaSize

SMALLEST_PX = 6.0
"""Smallest diameter that is told apart from noise."""

LARGEST_PX = 60.0
"""Largest diameter that is looked for."""

DEBRIS = 0.9
"""Outlines whose median is below this part of the smallest diameter are debris."""

STEP = 1.35
"""Ratio of one size tried to the one before; outlines stay right within a fifth of the size."""

REACH = 2.5
"""With a prior, sizes up to so many times smaller and larger are tried."""

FEWEST = 5
"""Somata that a sure estimate rests on, at least."""

RIVAL = 0.85
"""A size whose outlines show the best one wrong must add up to less than this part of it."""

APART = 1.4
"""Outlines so many times wider or narrower show something else: half or twice is asked for."""

FEW_LOG_SD, RIVAL_LOG_SD = 0.3, 0.2
"""Log-sd of a diameter that rests on fewer somata than a sure one does, and of one that has a
rival: over whole images and corners of 96 px of 60 images of nuclei, 28 and 3 of them so, the
errors were 0.33 (0.12 by their median) and 0.13."""

SYSTEMATIC = 0.05
"""Relative error of the median over images of nuclei with outlines drawn by hand."""


@dataclasses.dataclass(frozen=True, slots=True)
class SomaDiameter:
    """Diameter of the typical soma of a frame, and how far to trust it.

    Parameters
    ----------
    px : float
        Median diameter of a disc of each outline's area, camera px; NaN without somata.
    low_px, high_px : float
        About 95 % limits of that median.
    n : int
        Somata it rests on.
    certain : bool
        Whether they are enough and no other size fits about as well.
    """

    px: float
    low_px: float
    high_px: float
    n: int
    certain: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _Trial:
    """What one size gave: the sum of expected overlaps above one half by width, and diameters."""

    size: float
    fit: float
    diameters: tuple[float, ...]

    def shows_other_than(self, diameter: float) -> bool:
        """Tell whether these outlines are of another size."""
        return abs(math.log(float(np.median(self.diameters)) / diameter)) > math.log(APART)


def estimate(
    level: Callable[[float], LevelledFrame], *, prior_px: float | None = None
) -> SomaDiameter:
    """Estimate the diameter of the typical soma.

    Parameters
    ----------
    level : callable
        Takes a soma diameter in camera px and returns the frame levelled for it:
        ``functools.partial(correct.level, corrected)``.
    prior_px : float, optional
        What somebody believes, camera px; it may be wrong by a factor of two. Default: all
        of 6 to 60 px is looked through.

    Returns
    -------
    SomaDiameter
        Without somata its ``px`` is NaN and it is not certain.

    Notes
    -----
    Each size costs one segmentation of the fine scale: ten without a prior, up to seven with
    one. On 60 images of nuclei of many laboratories the median of the relative error was 6 %,
    and over 20 % in nine; on 32 frames of 16 simulated plates 10 %, the largest 30 % (10x).
    """
    low, high = SMALLEST_PX, LARGEST_PX
    if prior_px is not None:
        low, high = max(low, prior_px / REACH), min(high, prior_px * REACH)
    steps = math.ceil(math.log(max(high, low) / low) / math.log(STEP))
    trials = [_tried(level, low * STEP**k) for k in range(steps + 1)]
    top = max(trials, key=lambda trial: trial.fit)
    n = len(top.diameters)
    if n == 0:
        return SomaDiameter(math.nan, math.nan, math.nan, 0, False)
    middle = float(np.median(top.diameters))
    logs = np.abs(np.log(np.array(top.diameters) / middle))
    # The median of n values of one normal law has 1.25 times the error of their mean.
    spread = 1.4826 * 1.25 * float(np.median(logs)) / math.sqrt(n)
    reach = math.exp(2.0 * math.hypot(spread, SYSTEMATIC))
    # Outlines do not hang on the size tried as long as they come out alike.
    rivals = [t.fit for t in trials if t.diameters and t.shows_other_than(middle)]
    certain = n >= FEWEST and max(rivals, default=0.0) < RIVAL * top.fit
    return SomaDiameter(middle, middle / reach, middle * reach, n, certain)


def size(level: Callable[[float], LevelledFrame]) -> SomaSize:
    """Say how wide somata look in a frame; what is not certain counts little.

    Parameters
    ----------
    level : callable
        As in `estimate`.
    """
    seen = estimate(level)
    if seen.n == 0:
        return SomaSize(math.nan, math.inf, 0)
    # Limits are two standard deviations to each side.
    log_sd = math.log(seen.high_px / seen.low_px) / 4.0
    if not seen.certain:
        log_sd = max(log_sd, FEW_LOG_SD if seen.n < FEWEST else RIVAL_LOG_SD)
    return SomaSize(seen.px, log_sd, seen.n)


def _tried(level: Callable[[float], LevelledFrame], size: float) -> _Trial:
    frame = level(size)
    found = fine_candidates(frame, size / frame.binning)
    labels = np.zeros(frame.image.shape, np.int32)
    outlined = best(found, CERTAIN, labels)
    areas = np.bincount(labels.ravel(), minlength=outlined.scores.size + 1)[1:]
    sure = outlined.scores >= CERTAIN
    every = 2.0 * frame.binning * np.sqrt(areas / math.pi)
    diameters = every[sure]
    # By width: the granules of a soma are more than it, and fit as well.
    fit = float((np.maximum(outlined.scores - LIKELY, 0.0) * every).sum())
    if diameters.size and float(np.median(diameters)) < DEBRIS * SMALLEST_PX:
        fit, diameters = 0.0, diameters[:0]
    return _Trial(size, fit, tuple(diameters.tolist()))
