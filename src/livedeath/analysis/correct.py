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
from livedeath.kernels import background, cut_off, light
from livedeath.model.measures import CorrectedFrame, CutOff, LevelledFrame, Pixels, Runs
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

ROWS_APART = 4
"""Rows that the background is read from are at most so far apart:"""

ENOUGH_OF_TILE = 512
"""a tile keeps so many pixels, whose mean is known to 1/20 of a pixel's noise."""

CUT_OFF = 0.02
"""A larger share of the pixels at the lowest value is a background that was cut off there,"""

PILED = 1 / 3
"""if they are at least this part of those one value above."""

EVERY_ROW_OF = 16
"""The lowest value is read from every so manyeth row."""

OUTLINE_NOISE = 0.03
"""Noise given to a picture of outlines, which has none: a pixel inside is as bright as can be."""

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
    calibrated = camera.gain_e_per_adu is not None and camera.offset_adu is not None
    lowest, share = _lowest(stack)
    floor = float(camera.offset_adu or 0.0) if calibrated else lowest
    gain = float(camera.gain_e_per_adu or 1.0) if calibrated else 1.0
    noise = _least_noise(stack, camera, calibrated)
    cut = None
    if share:
        cut = CutOff(share, _summed(stack[:1]), lowest, 0.5 if stack.dtype.kind != "f" else 0.0)
    raw = _summed(stack)
    if flat is not None:
        even = _checked_flat(flat, raw.shape, where)
        raw = _evened(raw, floor * len(stack), even)
        if cut:
            cut = cut._replace(plane=_evened(cut.plane, lowest, even), lowest=0.0)
        floor = 0.0
    clipped, reached = _clipped(stack, camera, bit_depth)
    return CorrectedFrame(
        raw, floor * len(stack), gain, clipped, reached, calibrated, noise * len(stack) ** 0.5,
        len(stack), cut,
    )  # fmt: skip


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


def _evened(raw: Pixels, floor: float, flat: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.subtract(raw, floor, dtype=np.float32, casting="unsafe") / flat)


def _summed(stack: NDArray[Any]) -> Pixels:
    """Return the sum of all planes as kernels read it: 16 bits as they are, else floats."""
    if len(stack) > 1:
        return np.asarray(stack.sum(axis=0, dtype=np.float64), np.float32)
    if stack.dtype.kind == "u" and stack.dtype.itemsize <= 2:
        return np.ascontiguousarray(stack[0], np.uint16)
    return np.ascontiguousarray(stack[0], np.float32)


def _lowest(stack: NDArray[Any]) -> tuple[float, float]:
    """Return the lowest value, and what share of the pixels it is where the rest is cut off there.

    Read from every sixteenth row. A background that is whole has far fewer pixels at its lowest
    value than at the next.
    """
    part = stack[:, ::EVERY_ROW_OF]
    lowest = part.min()
    share = float(np.count_nonzero(part == lowest)) / part.size
    if not CUT_OFF < share < 1.0:
        return float(lowest), 0.0
    if stack.dtype.kind == "f":
        return float(lowest), share
    next_share = float(np.count_nonzero(part == int(lowest) + 1)) / part.size
    return float(lowest), share if share > PILED * next_share else 0.0


def _clipped(
    stack: NDArray[Any], camera: Camera, bit_depth: int | None
) -> tuple[NDArray[np.bool_], bool]:
    """Return which pixels stand at the ceiling in any plane, and whether any do."""
    clipped = np.zeros(stack.shape[1:], np.bool_)
    ceiling = _ceiling(stack, camera, bit_depth)
    if ceiling is None:
        return clipped, False
    rows = np.flatnonzero((stack.max(axis=2) >= ceiling).any(axis=0))
    clipped[rows] = (stack[:, rows] >= ceiling).any(axis=0)
    return clipped, True


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
    rows, cols = (max(side // tile, 1) for side in frame.raw.shape)
    binning = binning_for(soma_px)
    raw, floor = frame.raw, frame.floor * binning**2
    clipped = frame.clipped if frame.reached else np.zeros((0, 0), np.bool_)
    if binning > 1:
        raw = background.bin_sum(raw, binning)
        clipped = _bin_any(clipped, binning) if frame.reached else clipped
    levels, noises = _meshes(raw, (rows, cols), floor, frame, binning)
    lines = light.spread_rows(levels, raw.shape[1])
    speckle = SPECKLE_NOISES * float(noises.max())
    share = frame.cut_off.share if frame.cut_off else 0.0
    return LevelledFrame(
        raw, floor, frame.gain, lines, noises, speckle, clipped, frame.calibrated, binning,
        (frame.raw.shape[0], frame.raw.shape[1]), share, _render,
    )  # fmt: skip


def _meshes(
    raw: Pixels, tiles: tuple[int, int], floor: float, frame: CorrectedFrame, binning: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return level and noise of the background of each tile, in the light's unit."""
    least = frame.least_noise * binning / frame.gain
    if frame.cut_off is None:
        every = _rows_apart(raw, tiles)
        levels, noises = background.tile_levels(raw, *tiles, least, every, floor)
    else:
        levels, noises = _cut_off_meshes(frame, tiles, binning)
        noises = np.maximum(noises, np.float32(least))
    levels *= np.float32(frame.gain)
    noises *= np.float32(frame.gain)
    noises = background.median_mesh(noises)
    levels = background.calm_mesh(levels, noises)
    if frame.calibrated:
        levels += SKEW * np.clip(levels / noises**2, 0.0, 1.0)
    return levels, noises


def _cut_off_meshes(
    frame: CorrectedFrame, tiles: tuple[int, int], binning: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the same where the background is cut off, from one plane as the camera gave it."""
    _, plane, lowest, half = frame.cut_off or (0.0, frame.raw, 0.0, 0.0)
    origin = frame.floor / frame.planes
    every = _rows_apart(plane, tiles)
    levels, noises = cut_off.cut_off_levels(plane, *tiles, 0.0, every, origin, lowest, half)
    pixels = frame.planes * binning**2
    return levels * np.float32(pixels), noises * np.float32(pixels**0.5)


def _rows_apart(raw: Pixels, tiles: tuple[int, int]) -> int:
    pixels = raw.size / (tiles[0] * tiles[1])
    return int(np.clip(pixels // ENOUGH_OF_TILE, 1, ROWS_APART))


def _render(frame: LevelledFrame, factor: int) -> NDArray[np.float32]:
    """Return the light of a levelled frame, summed over blocks of so many pixels a side."""
    camera = (frame.raw, frame.floor, frame.gain, frame.levels)
    if factor == 1:
        image = np.empty(frame.raw.shape, np.float32)
        light.cut_light(*camera, 0, 0, frame.speckle, image)
        return image
    rows, cols = (-(-side // factor) for side in frame.raw.shape)
    small = np.empty((rows, cols), np.float32)
    light.bin_light(*camera, frame.speckle, factor, small, 0, rows)
    return small


def _bin_any(mask: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    rows = np.add.reduceat(mask, np.arange(0, mask.shape[0], factor), axis=0, dtype=np.int32)
    both = np.add.reduceat(rows, np.arange(0, mask.shape[1], factor), axis=1)
    return both > 0


def of_outlines(outlines: Runs) -> LevelledFrame:
    """Return a frame that shows outlines and nothing else: 1 inside, 0 outside."""
    shape = outlines.shape
    raw = (outlines.image() > 0).astype(np.uint16)
    return LevelledFrame(
        raw, 0.0, 1.0, np.zeros((1, shape[1]), np.float32),
        np.full((1, 1), OUTLINE_NOISE, np.float32), np.inf, np.zeros((0, 0), np.bool_), False,
        1, shape, 0.0, _render,
    )  # fmt: skip
