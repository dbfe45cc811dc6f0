"""A raw frame goes in; why it is unfit for finding somata by their light comes out.

Somata must be brighter than what is around them: in phase contrast, bright field and inverted
images they are not, and what is found there is nonsense that looks like a result. And light
must have been written down as it was: pixels that stand at the floor or the ceiling of their
range have lost it. Nothing is repaired or refused here.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]

INVERTED, TWO_SIDED = "inverted", "two-sided"
FLOOR, CEILING, HIDDEN_CEILING = "floor", "ceiling", "hidden ceiling"
KINDS = (INVERTED, TWO_SIDED, FLOOR, CEILING, HIDDEN_CEILING)
"""Why a frame is unfit, the worst first."""

ABOUT_LIGHT = frozenset({INVERTED, TWO_SIDED})
"""Of these a single field may be an odd one; the others are facts of each field."""

FINE_SOMAS, COARSE_SOMAS, SIDE_SOMAS = 1 / 8, 4.0, 48.0
"""Smoothing (sd) and window of the local background, and the most that is looked at along a
side, from the middle of the frame; soma diameters."""

TAIL = 0.01
"""Share of the pixels that is looked at on either side of the background."""

BRIGHTER = 0.7
"""A ln ratio of the brightest to the darkest excursions above this is fluorescence: 1.10 and more
in 60 images of nuclei of many laboratories, up to 37 % of them nuclei, and 0.77 and more in
shaded fields of a plate; below minus this, the image is inverted."""

NOT_DARK = 0.3
"""Place of the commonest grey in the range of a frame: up to 0.06 in those nuclei, 0.27 in those
fields, from 0.5 on in transmitted light."""

NEARLY_WHITE = 0.85
"""Where the commonest grey lies so high, the background is the bright part: from 0.95 on in those
images of nuclei when inverted."""

SEEN = 8.0
"""Noises by which an excursion must stand out; noise alone reaches 2.3."""

PILED_SHARE, PILED = 0.02, 2.0
"""Pixels stand at the floor if they are more than this share, and this many times as many as at
the next value; of noise that is written down whole the lowest value is the rarest."""

SATURATED = 0.05
"""Share of the pixels at the ceiling from which on it is said."""


class Fault(NamedTuple):
    """Why a frame is unfit.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    share : float
        Of the pixels; 0 where the whole frame is meant.
    value : float
        Floor or ceiling, camera units.
    """

    kind: str
    share: float = 0.0
    value: float = 0.0


def faults(image: NDArray[Any], *, soma_px: float, ceiling: float | None) -> tuple[Fault, ...]:
    """Return what makes a frame unfit.

    Parameters
    ----------
    image : (Y, X) or (Z, Y, X) integer or float
        As the camera gave it.
    soma_px : float
        Diameter of a soma as it is expected, camera pixels; twice or half will do.
    ceiling : float or None
        Value at which the frame is clipped, as `livedeath.analysis.correct.ceiling` finds it.

    Returns
    -------
    tuple of Fault
        Empty for a good frame, and for one that shows nothing.

    Notes
    -----
    A frame is held against its own background, the median over `COARSE_SOMAS`: fluorescence
    reaches far above it and hardly below. A frame of noise alone, and one of bright debris on
    nothing, are fit.
    """
    found = [*_at_the_floor(image), *_at_the_ceiling(image, ceiling)]
    plane = image if image.ndim == 2 else image.mean(axis=0)
    light = _light(_middle(plane, soma_px), soma_px)
    return (Fault(light), *found) if light else tuple(found)


def _middle(plane: NDArray[Any], soma_px: float) -> NDArray[np.float32]:
    half = math.ceil(0.5 * SIDE_SOMAS * soma_px)
    y, x = (side // 2 for side in plane.shape)
    part = plane[max(y - half, 0) : y + half, max(x - half, 0) : x + half]
    return np.asarray(part, np.float32)


def _light(part: NDArray[np.float32], soma_px: float) -> str:
    """Say whether what stands out of a frame is dark, or as much dark as bright; else nothing."""
    factor = max(int(soma_px * FINE_SOMAS), 1)
    height, width = (side // factor * factor for side in part.shape)
    if min(height, width) < 8 * factor:
        return ""
    blocks = part[:height, :width].reshape(height // factor, factor, width // factor, factor)
    small = blocks.mean(axis=(1, 3))
    sigma = max(soma_px * FINE_SOMAS / factor, 1.0)
    # White noise in neighbours differs by sqrt(2) sd; a Gaussian leaves 1 / (2 sigma sqrt(pi)).
    steps = np.median(np.abs(np.diff(small, axis=1))) * 1.4826 / 2**0.5
    noise = float(steps) / (2.0 * sigma * math.pi**0.5) + 1e-6 * float(np.ptp(small))
    smooth = ndimage.gaussian_filter(small, sigma)[::2, ::2]
    above = smooth - _background(smooth, COARSE_SOMAS * soma_px / factor / 2)
    dark, bright = -float(np.quantile(above, TAIL)), float(np.quantile(above, 1.0 - TAIL))
    commonest = _commonest(smooth)
    if dark < SEEN * noise or commonest < NOT_DARK:
        return ""
    ratio = math.log(max(bright, 1e-3 * dark) / dark)
    if ratio < -BRIGHTER or (ratio < BRIGHTER and commonest > NEARLY_WHITE):
        return INVERTED
    return TWO_SIDED if ratio < BRIGHTER and bright > SEEN * noise else ""


def _background(smooth: NDArray[np.float32], window: float) -> NDArray[np.float32]:
    """Return the median over a window, read at a fifth of its pixels along each side."""
    step = max(int(window / 5), 1)
    thin = smooth[::step, ::step]
    level = ndimage.median_filter(thin, size=min(max(round(window / step), 3), *thin.shape))
    whole = level.repeat(step, axis=0).repeat(step, axis=1)
    return np.asarray(whole[: smooth.shape[0], : smooth.shape[1]], np.float32)


def _commonest(smooth: NDArray[np.float32]) -> float:
    """Return where the commonest grey lies in the range: 0 at the darkest, 1 at the brightest.

    The half-sample mode: the narrowest half of the values, and of those the narrowest half.
    """
    values = np.sort(smooth, axis=None).astype(np.float64)
    low, high = np.quantile(values, [0.002, 0.998])
    while values.size > 3:
        half = (values.size + 1) // 2
        first = int(np.argmin(values[half - 1 :] - values[: values.size - half + 1]))
        values = values[first : first + half]
    return float((values.mean() - low) / max(high - low, 1e-9))


def _at_the_floor(image: NDArray[Any]) -> list[Fault]:
    lowest = image.min()
    above = image[image > lowest]
    share = 1.0 - above.size / image.size
    if above.size == 0 or share < PILED_SHARE:
        return []
    beside = np.count_nonzero(above == above.min()) / image.size
    return [Fault(FLOOR, share, float(lowest))] if share > PILED * beside else []


def _at_the_ceiling(image: NDArray[Any], ceiling: float | None) -> list[Fault]:
    if ceiling is None:
        return []
    share = np.count_nonzero(image >= ceiling) / image.size
    found = [Fault(CEILING, share, ceiling)] if share > SATURATED else []
    hidden = image.dtype.kind != "f" and ceiling < np.iinfo(image.dtype).max
    return [*found, Fault(HIDDEN_CEILING, share, ceiling)] if hidden else found


def sentence(kind: str, channel: str, *, where: str, share: float, value: float) -> str:
    """Say in one sentence what is wrong with the images of a channel, and what to do.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    channel : str
        Its name.
    where : str
        Which fields, like ``in 3 of 4 fields``.
    share, value : float
        Largest share of the pixels, and their value; see `Fault`.
    """
    pixels = f"{channel}: {100.0 * share:.2g} % of the pixels stand at"
    return {
        INVERTED: f"{channel}: what stands out is darker than its background {where}, as in an "
        f"inverted image or with light that is absorbed, and somata are looked for as bright: "
        f"give the fluorescence as the camera took it",
        TWO_SIDED: f"{channel}: as much is darker than the background as is brighter {where}, as "
        f"in phase contrast or bright field, and somata are looked for as bright: give a "
        f"fluorescence channel, or outlines made elsewhere with it",
        FLOOR: f"{pixels} the floor of {value:g} {where}, their light is lost and the noise is "
        f"not what it seems: export the images without taking an offset away or scaling them",
        CEILING: f"{pixels} the ceiling of {value:g} {where}, a rise cannot be seen there: expose "
        f"less",
        HIDDEN_CEILING: f"{channel}: pixels pile up at {value:g} {where}, below the top of the "
        f"file's own values, which is taken for the camera's ceiling: declare saturation_adu of "
        f"the camera if it is another",
    }[kind]
