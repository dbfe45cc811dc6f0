"""A raw frame goes in; whether it shows the field comes out, before any neuron is looked at.

A frame is held against the field's own earlier frames of that channel: its background, its
structure (how much pixels a soma apart differ beyond noise) and its sharpness (how much of
that is there over a short distance). Dark, saturated, out of focus and obstructed frames
are no evidence of anything. A change of light alone is no fault: neurons show it as a gain
(`livedeath.detection.accidents`). Everything is read from camera values, so that nothing
depends on frames that were corrected on the strength of this one.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from livedeath.kernels import frames
from livedeath.model.optics import Camera

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PIXELS_READ, ROWS_READ, LEAST_APART = 65536, 48, 4
"""Pixels and rows that are read of a frame at least, and how far apart its rows are at least: a
quarter of them or fewer."""
TILES, TILE_PX = 8, 32
"""Tiles along a side at most, and the least side of one, px."""
PER_ROW = 8
"""Pixels of a tile's row that its level is read from."""
FINE_SOMAS, COARSE_SOMAS = 0.25, 1.0
"""Distances at which pixels are compared, soma diameters: inside a soma, and across it."""

MEMORY_FRAMES = 8.0
"""Frames over which it is remembered how a field looks."""
SURE = 5.0
"""Standard deviations from which structure is seen, and a level differs."""
CLEAR = 600.0
"""Structure of so many standard deviations would be seen even if all neurons died: dead somata
keep up to 30 % of their light, 3 % of the structure."""
DARK = 0.2
"""Below this part of its background a frame that shows nothing is dark."""
LEAST_LIGHT = 2.0
"""Background, camera units or electrons per pixel, that can be told from none."""
SATURATED, SATURATED_MORE, WHOLLY_SATURATED = 0.003, 4.0, 0.3
"""Share of pixels at the ceiling: beyond four times the usual one and 0.3 % more, where the
background rose too; of a field not seen before."""
BRIGHTER = 1.5
"""How much the background rises at least when a whole frame is overexposed."""
BLURRED, STILL_BLURRED = 0.75, 0.9
"""Below this part of both the usual sharpness and the usual structure a frame is out of focus: a
soma 4.5 px wide (sd) blurred by 3 px. Neurons that die take structure away and leave what is
small and sharp. A field that was out of focus is so until it is nearly as sharp as before."""
LESS_STRUCTURE, LESS_SHARP = 3.0, 0.5
"""Standard deviations by which a frame must be below both: a dim channel shows little structure,
which wavers, and hardly how sharp it is."""
STRUCTURE_SD = 1.0
"""Scatter of the structure of pure noise, in its mean squared difference over the root of half
the number of pairs; neighbouring pairs share pixels."""
SHADED = 0.5
"""A tile whose background falls below this part of what the rest of the frame keeps is
obstructed. Beneath large somata a tile's level is theirs: it is held against the field's."""
MOST_SHOW = 0.5
"""Where fewer than this share of the tiles have a background that could be missed, none is."""
MOSTLY = 0.6
"""When more than this share of the tiles is obstructed, the frame is."""

DARK_FRAME, SATURATED_FRAME = "dark", "saturated"
BLURRED_FRAME, OBSTRUCTED_FRAME = "out of focus", "obstructed"
REASONS = (DARK_FRAME, SATURATED_FRAME, BLURRED_FRAME, OBSTRUCTED_FRAME)
"""Why a frame is judged bad."""


class Verdict(NamedTuple):
    """What was found out about a frame.

    Attributes
    ----------
    reason : str
        One of `REASONS`; empty where the frame is good.
    bad : (R, C) bool
        Tiles that show nothing; all of them, or those behind an obstruction.
    background : (R, C) float64
        Light of each tile's background, electrons per pixel; NaN where the camera's offset
        and gain are unknown.
    """

    reason: str
    bad: Bools
    background: Floats

    @property
    def whole(self) -> bool:
        """Whether nothing of the frame can be used."""
        return bool(self.bad.all())

    def at(self, values: NDArray[Any], y: Floats, x: Floats, shape: tuple[int, ...]) -> Any:  # noqa: ANN401
        """Return the values of tiles at places (px) of a frame of some shape."""
        rows, cols = values.shape
        row = np.clip(y / shape[0] * rows, 0, rows - 1).astype(np.int64)
        col = np.clip(x / shape[1] * cols, 0, cols - 1).astype(np.int64)
        return values[row, col]


class _Looks(NamedTuple):
    """How one frame looks, in camera values."""

    level: Floats
    error: Floats
    structure: float
    unsure: float
    sharpness: float
    clipped: float


class Judge:
    """Judges the frames of one channel of one field.

    Parameters
    ----------
    camera : Camera
        Offset, gain and saturation where they are known.
    bit_depth : int
        Bits that the camera fills at most.
    soma_px : float
        Diameter of a typical soma in camera pixels.
    """

    def __init__(self, camera: Camera, bit_depth: int | None, soma_px: float) -> None:
        self._camera, self._bit_depth = camera, bit_depth
        self._distances = (
            max(round(FINE_SOMAS * soma_px), 2),
            max(round(COARSE_SOMAS * soma_px), 4),
        )
        self._n = 0.0
        self._was_blurred = False
        self._floor = np.inf if camera.offset_adu is None else camera.offset_adu
        self._usual = np.zeros(3)
        self._levels: Floats = np.zeros((0, 0))

    def push(self, image: NDArray[Any]) -> Verdict:
        """Judge the next frame, and learn from it if it is good.

        Parameters
        ----------
        image : (Y, X) or (Z, Y, X) integer or float
            As the camera gave it.

        Returns
        -------
        Verdict
            Frames that show neither structure nor, by the camera's offset, light are not learnt
            from; until one does, only what is dark or saturated in itself is found.
        """
        looks = self._look(image)
        reason, bad = self._judge(looks)
        self._was_blurred = reason == BLURRED_FRAME or (self._was_blurred and reason != "")
        gain = self._camera.gain_e_per_adu
        known = gain is not None and self._camera.offset_adu is not None
        light = self._light(looks.level)
        background = light * (gain or 1.0) if known else np.full(bad.shape, np.nan)
        if not reason and (looks.structure > SURE * looks.unsure or self._is_lit(looks)):
            self._learn(looks)
        return Verdict(reason, bad, background)

    def state(self) -> dict[str, Any]:
        """Return everything that the next frame depends on."""
        return {
            "n": self._n,
            "was_blurred": self._was_blurred,
            "floor": float(self._floor),
            "usual": self._usual.copy(),
            "levels": self._levels.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._n, self._floor = float(state["n"]), float(state["floor"])
        self._was_blurred = bool(state["was_blurred"])
        self._usual = np.array(state["usual"], np.float64)
        self._levels = np.array(state["levels"], np.float64)

    def _look(self, image: NDArray[Any]) -> _Looks:
        stack = np.ascontiguousarray(image if image.ndim == 3 else image[np.newaxis])
        if stack.dtype.kind not in "uif" or stack.dtype == np.float16 or not stack.dtype.isnative:
            stack = stack.astype(np.float32)
        height, width = stack.shape[1:]
        tiles = min(max(height // TILE_PX, 1), TILES), min(max(width // TILE_PX, 1), TILES)
        coarse = min(self._distances[1], width - 1)
        rows = max(ROWS_READ, PIXELS_READ // width)
        rows_apart = max(height // rows, LEAST_APART)
        cols_apart = max(width // tiles[1] // PER_ROW, 1)
        found, structure = frames.digest(
            stack, rows_apart, cols_apart, tiles, (min(self._distances[0], coarse), coarse),
            self._ceiling(stack.dtype),
        )  # fmt: skip
        level = found[..., 0] / len(stack)
        n_level = PER_ROW * max(height // tiles[0] // rows_apart, 1)
        noise = found[..., 1] / len(stack)
        if self._camera.offset_adu is None:
            self._floor = min(self._floor, float((level - SURE * noise).min()))
        n = height // rows_apart * (width - coarse)
        near, fine, far, clipped = structure.tolist()
        unsure = STRUCTURE_SD * near * (2.0 / n) ** 0.5 + 1e-12
        seen = far - near
        sharpness = (fine - near) / seen if seen > 0 else 0.0
        error = noise / n_level**0.5 + 1e-9
        return _Looks(level, error, seen, unsure, sharpness, clipped)

    def _ceiling(self, dtype: np.dtype[Any]) -> float:
        if self._camera.saturation_adu is not None:
            return self._camera.saturation_adu
        if dtype.kind == "f":
            return np.inf
        top = 2 ** (8 * dtype.itemsize - (dtype.kind == "i")) - 1
        return float(min(top, 2**self._bit_depth - 1) if self._bit_depth else top)

    def _judge(self, looks: _Looks) -> tuple[str, Bools]:
        everything = np.ones(looks.level.shape, np.bool_)
        seen = looks.structure > SURE * looks.unsure
        if self._n == 0:
            reason = self._at_first(looks, seen=seen)
            return reason, everything & bool(reason)
        usual_structure, usual_fine, usual_clipped = self._usual
        usual_sharpness = usual_fine / max(usual_structure, looks.unsure)
        share = self._share(looks)
        if not seen and usual_structure > CLEAR * looks.unsure:
            return (DARK_FRAME if share < 0.5 else BLURRED_FRAME), everything
        if not seen and share < DARK:
            return DARK_FRAME, everything
        more = looks.clipped > SATURATED + SATURATED_MORE * usual_clipped
        if more and not share < BRIGHTER:
            return SATURATED_FRAME, everything
        doubt = LESS_SHARP * looks.unsure / max(looks.structure, looks.unsure)
        least = STILL_BLURRED if self._was_blurred else BLURRED
        light = min(share, 1.0) ** 2 if np.isfinite(share) else 1.0
        most = looks.structure + LESS_STRUCTURE * looks.unsure
        dimmer = most < least * light * usual_structure
        if seen and dimmer and looks.sharpness + doubt < least * usual_sharpness:
            return BLURRED_FRAME, everything
        bad = self._shaded(looks)
        if not bad.any():
            return "", bad
        if bad.mean() > MOSTLY:
            return OBSTRUCTED_FRAME, everything
        # An obstruction ends somewhere in the tiles beside it.
        return OBSTRUCTED_FRAME, ndimage.binary_dilation(bad, np.ones((3, 3), np.bool_))

    def _at_first(self, looks: _Looks, *, seen: bool) -> str:
        """Judge a frame of a field of which nothing is known yet."""
        if looks.clipped > WHOLLY_SATURATED:
            return SATURATED_FRAME
        known = self._camera.offset_adu is not None
        dark = known and not self._is_lit(looks)
        return DARK_FRAME if dark and not seen else ""

    def _is_lit(self, looks: _Looks) -> bool:
        """Tell whether most of a frame is certainly brighter than the camera's offset."""
        known = self._camera.offset_adu is not None
        return known and _quantile(self._light(looks.level), 0.5) >= LEAST_LIGHT

    def _share(self, looks: _Looks) -> float:
        """Return the background as part of the usual one; NaN where there is too little."""
        usual = _quantile(self._light(self._levels), 0.5)
        if usual < max(LEAST_LIGHT, SURE * _quantile(looks.error, 0.5)):
            return np.nan
        return _quantile(self._light(looks.level), 0.5) / usual

    def _light(self, level: Floats) -> Floats:
        """Return levels above the camera's offset, or above the lowest value met."""
        return np.asarray(level - self._floor)

    def _shaded(self, looks: _Looks) -> Bools:
        """Return the tiles whose background has gone while others keep theirs."""
        least = np.maximum(LEAST_LIGHT, SURE * looks.error)
        light, usual = self._light(looks.level), self._light(self._levels)
        usual = np.minimum(usual, _quantile(usual, 0.5))
        shows = usual > least
        if shows.mean() < MOST_SHOW:  # what the few keep, often beneath somata, says nothing
            return np.zeros(shows.shape, np.bool_)
        share = light / np.maximum(usual, least)
        kept = _quantile(share[shows], 0.75)
        clear = kept * usual - light > np.maximum(SURE * looks.error, LEAST_LIGHT)
        return np.asarray((share < SHADED * kept) & clear & shows)

    def _learn(self, looks: _Looks) -> None:
        fine = looks.sharpness * looks.structure
        now = np.array([looks.structure, fine, looks.clipped])
        if self._n == 0:
            self._usual, self._levels, self._n = now, looks.level.copy(), 1.0
            return
        share = 1.0 / min(self._n + 1.0, MEMORY_FRAMES)
        self._usual = self._usual + share * (now - self._usual)
        self._levels = self._levels + share * (looks.level - self._levels)
        self._n += 1.0


def _quantile(values: Floats, share: float) -> float:
    """Return the value below which a share lies; quicker for a few than NumPy's."""
    flat = values.flatten()
    flat.sort()
    return float(flat[int(share * flat.size)])
