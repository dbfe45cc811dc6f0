"""A camera's frame goes in; light above the local background comes out.

`correct` turns camera units into electrons where the camera is calibrated, divides by a
measured flat field and flags clipped pixels; `level` takes the local background away and
brings the frame to the working scale of the stages that follow. No flat field is ever
estimated from the frame itself: that leaks biology into the intensities.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.errors import FrameError
from livedeath.kernels import background
from livedeath.model.measures import CorrectedFrame, LevelledFrame
from livedeath.model.optics import Camera

WORKING_SOMA_PX = 16.0
"""Frames are binned as long as a soma stays at least this wide, px."""

TILE_SOMAS = 3.0
"""Side of a background tile, in soma diameters: mostly background even in a dense field."""

SPECKLE_NOISES = 8.0
"""A single pixel must tower this many noises over its neighbours to be called hot."""

SKEW = np.float32(0.0925)
"""The mean of Poisson light cut at +-2.5 sd is this far below the whole mean, in electrons,
times its share in the variance (first Edgeworth term: a**3 * pdf(a) / 3 / (2 * cdf(a) - 1))."""

QUANTISATION_NOISE = 0.6
"""Smallest noise in camera units: that of a level between two grey values, and rounding."""

FEWEST_BITS = 8
"""No camera has fewer."""

UNUSED_BITS = 6
"""Lowest bits that are left 0 where a camera's 10 to 15 bits fill the upper ones of 16."""

FEWEST_PILED = 4
"""Pixels at the largest value from which on they may be piled up there; a soma with fewer on
the ceiling is not flagged (`livedeath.analysis.trace`)."""

PILE_BAND = 256
"""More pixels are piled up at the ceiling than lie in this part of the range just below it."""


def correct(
    image: NDArray[Any],
    camera: Camera,
    *,
    flat: NDArray[np.float32] | None = None,
    bit_depth: int | None = None,
    where: str = "frame",
) -> CorrectedFrame:
    """Turn a frame of camera units into light.

    Parameters
    ----------
    image : (Y, X) or (Z, Y, X) integer or float
        As it came; planes are summed, which keeps the light additive.
    camera : Camera
        Calibrated when offset and gain are known; else the frame's smallest value is
        taken as its floor and the result stays in camera units.
    flat : (Y, X) float32, optional
        Measured flat field, positive; scaled to mean 1 here.
    bit_depth : int, optional
        Bits the camera fills at most; default: those of the dtype.
    where : str
        Named in the message of an error.

    Returns
    -------
    CorrectedFrame
        In electrons or camera units.

    Raises
    ------
    FrameError
        If the frame is no image, is empty or holds values that are no numbers, or the
        flat field does not fit.

    Notes
    -----
    The camera's ceiling is its saturation level where that is declared. Else it is the top
    of ``bit_depth``, unless the frame shows a lower one, as 12 bits in a 16-bit file do: its
    largest value is 2**n - 1 (or that in the upper bits of 16), and at least four pixels
    stand there, more than in the 1/256 of the range just below. Where light merely ends at
    such a value, the pixels become fewer towards it.
    """
    stack = _planes(image, where)
    ceiling = _ceiling(stack, camera, bit_depth)
    clipped = np.zeros(stack.shape[1:], np.bool_)
    if ceiling is not None:
        (stack >= ceiling).any(axis=0, out=clipped)
    calibrated = camera.gain_e_per_adu is not None and camera.offset_adu is not None
    light = _light(stack, camera, calibrated)
    if flat is not None:
        light /= _checked_flat(flat, light.shape, where)
    noise = _least_noise(stack, camera, calibrated) * stack.shape[0] ** 0.5
    return CorrectedFrame(light, clipped, calibrated, noise)


def _planes(image: NDArray[Any], where: str) -> NDArray[Any]:
    """Return the frame as (Z, Y, X), or say what is wrong with it."""
    if image.dtype == np.bool_:
        image = image.view(np.uint8)
    if image.dtype.kind not in "uif":
        raise FrameError(
            f"{where}: pixels are of type {image.dtype}, integers or real numbers are allowed; "
            f"convert the image."
        )
    if image.ndim not in (2, 3) or image.size == 0:
        raise FrameError(
            f"{where}: the shape is {image.shape}, (Y, X) or (Z, Y, X) with pixels in it is "
            f"allowed; split colours and times into channels and visits first."
        )
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise FrameError(
            f"{where}: {int((~np.isfinite(image)).sum())} pixels are no finite numbers (NaN or "
            f"infinite), all must be; replace them before scoring."
        )
    return image if image.ndim == 3 else image[np.newaxis]


def _ceiling(stack: NDArray[Any], camera: Camera, bit_depth: int | None) -> float | None:
    """Return the value at which this frame is clipped; None if no pixel reaches it."""
    highest = stack.max()
    ceiling = camera.saturation_adu
    if ceiling is None and stack.dtype.kind != "f":
        top = int(np.iinfo(stack.dtype).max)
        ceiling = min(top, 2**bit_depth - 1) if bit_depth else top
        if highest < ceiling and _is_top(int(highest)) and _piles_up(stack, int(highest)):
            ceiling = int(highest)
    return None if ceiling is None or highest < ceiling else float(ceiling)


def ceiling(image: NDArray[Any], camera: Camera, bit_depth: int | None) -> float | None:
    """Return the value at which a frame is clipped, as `correct` finds it; None if at none."""
    return _ceiling(image, camera, bit_depth)


def _is_top(value: int) -> bool:
    """Return whether a camera's values can end here: 2**n - 1, also in the upper bits of 16."""
    below = 2**16 - 1 - value
    lower = value.bit_length() >= FEWEST_BITS and value & (value + 1) == 0
    return lower or (0 < below < 2**UNUSED_BITS and below & (below + 1) == 0)


def _piles_up(stack: NDArray[Any], highest: int) -> bool:
    """Return whether pixels are piled up at the largest value."""
    at = np.count_nonzero(stack == highest)
    near = np.count_nonzero(stack >= highest - max(highest // PILE_BAND, 1)) - at
    return bool(at >= FEWEST_PILED and at > near)


def _light(stack: NDArray[Any], camera: Camera, calibrated: bool) -> NDArray[np.float32]:
    floor = float(camera.offset_adu or 0.0) if calibrated else float(stack.min())
    light: NDArray[np.float32] = np.subtract(stack[0], floor, dtype=np.float32, casting="unsafe")
    for plane in stack[1:]:
        light += np.subtract(plane, floor, dtype=np.float32, casting="unsafe")
    if calibrated:
        light *= np.float32(camera.gain_e_per_adu or 1.0)
    return light


def _least_noise(stack: NDArray[Any], camera: Camera, calibrated: bool) -> float:
    if stack.dtype.kind == "f":
        step = 1e-6 * float(np.ptp(stack)) or 1e-6
    else:
        step = QUANTISATION_NOISE
    if not calibrated:
        return step
    return max(step * float(camera.gain_e_per_adu or 1.0), float(camera.read_noise_e or 0.0))


def _checked_flat(
    flat: NDArray[np.float32], shape: tuple[int, ...], where: str
) -> NDArray[np.float32]:
    if flat.shape != shape:
        raise FrameError(
            f"{where}: the flat field is {flat.shape} px and the frame {shape}; measure the flat "
            f"field with the same camera settings."
        )
    if not (np.isfinite(flat).all() and float(flat.min()) > 0):
        raise FrameError(
            f"{where}: the flat field holds {float(flat.min())}, only positive numbers are "
            f"allowed; measure it anew."
        )
    return np.asarray(flat / flat.mean(), np.float32)


def binning_for(soma_px: float) -> int:
    """Return how many camera pixels make one working pixel, along one side."""
    return max(int(soma_px // WORKING_SOMA_PX), 1)


def level(frame: CorrectedFrame, soma_px: float) -> LevelledFrame:
    """Take the local background away and bring the frame to the working scale.

    Parameters
    ----------
    frame : CorrectedFrame
        From `correct`.
    soma_px : float
        Diameter of a typical soma in camera pixels.

    Returns
    -------
    LevelledFrame
        Light above background, with its noise.

    Notes
    -----
    Cost linear in Y*X. Hot pixels and cosmic rays are brought down to their neighbours.
    """
    tile = max(round(TILE_SOMAS * soma_px), 16)
    rows, cols = (max(side // tile, 1) for side in frame.image.shape)
    levels, noises = background.tile_levels(frame.image, rows, cols, frame.least_noise)
    noises = background.median_mesh(noises)
    levels = background.calm_mesh(levels, noises)
    if frame.calibrated:
        levels += SKEW * np.clip(levels / noises**2, 0.0, 1.0)
    image = np.empty_like(frame.image)
    background.subtract_levels(frame.image, levels, image)
    background.despeckle(image, SPECKLE_NOISES * float(noises.max()))
    binning = binning_for(soma_px)
    clipped = frame.clipped
    if binning > 1:
        image = background.bin_sum(image, binning)
        clipped = _bin_any(clipped, binning)
    noises = noises * np.float32(binning)
    return LevelledFrame(image, noises, clipped, frame.calibrated, binning, frame.image.shape)


def _bin_any(mask: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    rows = np.add.reduceat(mask, np.arange(0, mask.shape[0], factor), axis=0, dtype=np.int32)
    both = np.add.reduceat(rows, np.arange(0, mask.shape[1], factor), axis=1)
    return both > 0
