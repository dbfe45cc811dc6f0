"""What happens to the frames of a field: visit and frames in, frames out.

Light is taken from the electrons of a frame one by one, so that its noise stays that of
photons. Frames are (2, Y, X) uint16, fill and indicator; visits count from 0.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Frames = NDArray[np.uint16]
Floats = NDArray[np.float64]
Fault = Callable[[np.random.Generator, int, Frames], Frames]

OFFSET_ADU, GAIN_E, READ_E = 100.0, 0.46, 1.6
"""The camera of the benchmark's plates."""

WHEN = 15
"""Visit at which most of them begin."""

FILL, INDICATOR = 0, 1
LEFT_SHUT = 0.03
"""Light that is left behind an obstruction."""


def _electrons(frames: Frames) -> Floats:
    return (frames.astype(np.float64) - OFFSET_ADU) * GAIN_E


def _frames(electrons: Floats) -> Frames:
    return np.clip(np.rint(electrons / GAIN_E + OFFSET_ADU), 0, 65535).astype(np.uint16)


def _dimmed(rng: np.random.Generator, frames: Frames, part: float | Floats) -> Frames:
    """Keep a part of every pixel's light."""
    given, share = _electrons(frames), np.broadcast_to(part, frames.shape)
    kept = rng.binomial(np.maximum(np.rint(given), 0).astype(np.int64), share)
    noise = READ_E * np.sqrt(1.0 - share**2) * rng.normal(size=frames.shape)
    return _frames(kept + np.minimum(given, 0.0) * share + noise)


def _lit(rng: np.random.Generator, frames: Frames, light: float | Floats) -> Frames:
    """Add light, electrons per pixel."""
    return _frames(_electrons(frames) + rng.poisson(np.broadcast_to(light, frames.shape)))


def _blurred(rng: np.random.Generator, frames: Frames, sd_px: float) -> Frames:
    """Blur what a frame shows and give it its noise again."""
    if sd_px < 0.2:  # narrower than a pixel: nothing to be seen
        return frames
    shown = ndimage.gaussian_filter(_electrons(frames), (0.0, sd_px, sd_px))
    noise = np.sqrt(np.maximum(shown, 0.0) + READ_E**2)
    return _frames(shown + noise * rng.normal(size=frames.shape))


def _grid(frames: Frames) -> tuple[Floats, Floats]:
    """Return rows and columns as parts of the side, 0 to 1."""
    y, x = np.indices(frames.shape[1:])
    return y / frames.shape[1], x / frames.shape[2]


def half_blocked(rng: np.random.Generator, visit: int, frames: Frames) -> Frames:
    """Shut half of the field off for a visit."""
    if visit != WHEN:
        return frames
    return _dimmed(rng, frames, np.where(_grid(frames)[1] < 0.5, LEFT_SHUT, 1.0))


def half_blocked_long(rng: np.random.Generator, visit: int, frames: Frames) -> Frames:
    """Shut half of the field off for four visits."""
    return half_blocked(rng, WHEN if WHEN <= visit < WHEN + 4 else -1, frames)


def fill_lamp(rng: np.random.Generator, visit: int, frames: Frames) -> Frames:
    """Dim the lamp of the fill to 40 % for good."""
    out = frames.copy()
    if visit >= WHEN:
        out[FILL] = _dimmed(rng, frames[FILL], 0.4)
    return out


def both_lamps(rng: np.random.Generator, visit: int, frames: Frames) -> Frames:
    """Dim all light to 40 % for good."""
    return _dimmed(rng, frames, 0.4) if visit >= WHEN else frames


def condensation(rng: np.random.Generator, visit: int, frames: Frames) -> Frames:
    """Fog the lid over ten visits, for good: half of the light, blur, and haze."""
    fog = min(max((visit - 10) / 10.0, 0.0), 1.0)
    if fog == 0.0:
        return frames
    return _lit(rng, _blurred(rng, _dimmed(rng, frames, 1.0 - 0.5 * fog), 3.0 * fog), 5.0 * fog)


def bubble(rng: np.random.Generator, visit: int, frames: Frames) -> Frames:
    """Let a bubble with a bright rim cross the field in eight visits."""
    if not 12 <= visit < 20:
        return frames
    y, x = _grid(frames)
    away = np.hypot(y - 0.53, x - (0.18 * (visit - 12) - 0.12))
    shut = _dimmed(rng, frames, np.where(away < 0.21, 0.15, 1.0))
    return _lit(rng, shut, np.where(np.abs(away - 0.21) < 0.01, 20.0, 0.0))


def dead_tile(rng: np.random.Generator, visit: int, frames: Frames) -> Frames:
    """Let a sixteenth of the camera show nothing any more."""
    out = frames.copy()
    if visit >= 12:
        y, x = _grid(frames)
        dead = (y >= 0.25) & (y < 0.5) & (x >= 0.5) & (x < 0.75)
        for frame in out:
            frame[dead] = _frames(READ_E * rng.normal(size=int(dead.sum())))
    return out


def focus_wanders(rng: np.random.Generator, visit: int, frames: Frames) -> Frames:
    """Let the focus wander off and back within fourteen visits."""
    off = np.sin(np.pi * min(max((visit - 10) / 14.0, 0.0), 1.0)) ** 2
    return _blurred(rng, frames, 5.0 * off)


def room_light(rng: np.random.Generator, visit: int, frames: Frames) -> Frames:
    """Light the room while the indicator of one visit is taken, more on one side."""
    out = frames.copy()
    if visit == WHEN:
        out[INDICATOR] = _lit(rng, frames[INDICATOR], 20.0 + 60.0 * _grid(frames)[1])
    return out


def stage_off(rng: np.random.Generator, visit: int, frames: Frames) -> Frames:
    """Bring the stage back 30 um off for three visits."""
    del rng
    if not WHEN <= visit < WHEN + 3:
        return frames
    return np.asarray(ndimage.shift(frames, (0, 46, 0), order=0, mode="reflect"))


FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (
        half_blocked, half_blocked_long, fill_lamp, both_lamps, condensation, bubble, dead_tile,
        focus_wanders, room_light, stage_off,
    )
}  # fmt: skip
