"""Between the culture and the sensor: the view, the lamp, the blur.

Where the stage was told to stand goes in; where it stands, how the plate lies and how far
out of focus it is come out. Each depends on (seed, place, session, planned hour) alone.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from livedeath.model.plate import FORMATS
from livedeath.model.study import Study
from livedeath.simulation.parameters import LightParameters, WorldParameters
from livedeath.simulation.streams import generator, when, where

HAZE_UM = 150.0
"""Typical size of the patches of uneven background; chosen."""

HAZE_WAVES = 6
"""Waves that the uneven background is made of."""

FLAT_CENTRE = 0.08
"""Largest distance of the brightest point from the middle of a frame, share of its side."""

Image = NDArray[np.float32]


class View(NamedTuple):
    """What a frame shows: its centre in the vessel's frame, its turn and its defocus."""

    y_um: float
    x_um: float
    turn: float
    defocus_um: float

    def pixels(
        self,
        y_um: NDArray[np.float64],
        x_um: NDArray[np.float64],
        *,
        pixel_size_um: float,
        shape: tuple[int, int],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where places of the vessel's frame appear in the image, (y, x) pixels."""
        dy, dx = y_um - self.y_um, x_um - self.x_um
        c, s = np.cos(self.turn), np.sin(self.turn)
        return (
            (c * dy + s * dx) / pixel_size_um + (shape[0] - 1) / 2,
            (c * dx - s * dy) / pixel_size_um + (shape[1] - 1) / 2,
        )


class Stage:
    """Where the stage really stands and how each plate lies on it.

    Parameters
    ----------
    study : Study
        Its sessions say when a plate was put back; the first is what its places refer to.
    parameters : WorldParameters
        Errors of stage, plate and focus.
    """

    def __init__(self, study: Study, parameters: WorldParameters) -> None:
        self._study = study
        self._seed = parameters.seed
        self._p = parameters.stage

    def view(
        self, vessel: str, session: str, *, x_um: float, y_um: float, z_um: float, planned_h: float
    ) -> View:
        """Return what the camera sees where the stage was sent.

        Parameters
        ----------
        vessel, session : str
            Which plate, and the stay on the stage.
        x_um, y_um, z_um : float
            Where the stage was sent, in the vessel's frame as it lay in its first session.
        planned_h : float
            Hour of the visit.
        """
        rng = generator(self._seed, "stage", vessel, where(x_um, y_um, 0.0), when(planned_h))
        error = self._p.error_um * rng.standard_normal(2)
        turn, shift = self.seat(vessel, session)
        y, x = self._unseat(vessel, y_um + error[0], x_um + error[1], turn=turn, shift=shift)
        jitter = self._p.focus_jitter_um * rng.standard_normal()
        turn += np.deg2rad(self._p.turn_deg) * rng.standard_normal()
        focus = self._focus_um(vessel, y_um, x_um) + self._drift_um(planned_h) + jitter
        return View(y, x, float(turn), z_um - focus)

    def seat(self, vessel: str, session: str) -> tuple[float, tuple[float, float]]:
        """Return how a plate lies in a session: turn (radians) and shift (y, x), micrometres.

        The plate turns about its own centre, then shifts; with a corrected stage every field
        turns about its own middle. Its first session is the reference and has neither.
        """
        own = sorted(
            (s for s in self._study.sessions if s.vessel == vessel), key=lambda s: s.loaded_h
        )
        if not own or session in ("", own[0].id):
            return 0.0, (0.0, 0.0)
        rng = generator(self._seed, "seat", vessel, session)
        turn = np.deg2rad(self._p.reseat_turn_deg) * rng.standard_normal()
        shift = self._p.reseat_um * rng.standard_normal(2)
        return float(turn), (float(shift[0]), float(shift[1]))

    def _unseat(
        self, vessel: str, y: float, x: float, *, turn: float, shift: tuple[float, float]
    ) -> tuple[float, float]:
        """Return which place of the plate lies at a place of the stage."""
        if self._p.reseat_corrected:
            return y - shift[0], x - shift[1]
        geometry = FORMATS[self._study.vessel(vessel).format]
        cy = (geometry.rows - 1) * geometry.pitch_um / 2
        cx = (geometry.columns - 1) * geometry.pitch_um / 2
        dy, dx = y - shift[0] - cy, x - shift[1] - cx
        c, s = np.cos(turn), np.sin(turn)
        return float(cy + c * dy - s * dx), float(cx + s * dy + c * dx)

    def _focus_um(self, vessel: str, y_um: float, x_um: float) -> float:
        """Return the height of the neurons: that of the nearest declared site, else 0."""
        sites = self._study.vessel(vessel).sites
        if not sites:
            return 0.0
        return min(sites, key=lambda s: np.hypot(s.y_um - y_um, s.x_um - x_um)).z_um or 0.0

    def _drift_um(self, planned_h: float) -> float:
        """Return how far the focus is off: a daily, thermal wave unless held, and its hunting."""
        hunting = self._p.focus_swing_um * np.sin(2 * np.pi * planned_h / self._p.focus_swing_h)
        if self._study.focus.method == "hardware":
            return float(hunting)
        amplitude = self._p.focus_drift_um_per_h * 24.0 / (2 * np.pi)
        return float(amplitude * np.sin(2 * np.pi * planned_h / 24.0) + hunting)


def blur(image: Image, defocus_um: float, p: LightParameters, *, pixel_size_um: float) -> Image:
    """Blur an image as the objective does, wider out of focus."""
    sigma_um = np.hypot(p.psf_sigma_um, p.defocus_sigma_per_um * defocus_um)
    return np.asarray(
        gaussian_filter(image, sigma_um / pixel_size_um, mode="constant", truncate=3.0)
    )


def flat_field(p: LightParameters, *, shape: tuple[int, int], seed: int, channel: str) -> Image:
    """Return the illumination of a channel: 1 at its brightest point, less in the corners."""
    off = FLAT_CENTRE * generator(seed, "flat", channel).uniform(-1, 1, 2)
    y, x = (np.linspace(-1, 1, n) - 2 * o for n, o in zip(shape, off, strict=True))
    return np.asarray(1.0 - p.vignetting * (y[:, None] ** 2 + x**2) / 2.0, dtype=np.float32)


def lamp(p: LightParameters, *, seed: int, key: tuple[int | str, ...], planned_h: float) -> float:
    """Return the lamp's brightness at one exposure, 1 on average."""
    rng = generator(seed, "lamp", *key)
    phase = generator(seed, "lamp wave").uniform(0, 2 * np.pi)
    slow = p.lamp_drift * np.sin(2 * np.pi * planned_h / 24.0 + phase)
    return float(np.exp(p.lamp_flicker * rng.standard_normal() + slow))


def haze(
    view: View,
    p: LightParameters,
    *,
    shape: tuple[int, int],
    pixel_size_um: float,
    key: str,
    seed: int,
) -> Image:
    """Return the uneven background around a view, 1 on average: light from out of focus."""
    rng = generator(seed, "haze", key)
    k = rng.normal(0, np.pi / HAZE_UM, (2, HAZE_WAVES))
    phase = rng.uniform(0, 2 * np.pi, HAZE_WAVES)
    y, x = (
        centre + (np.arange(n) - (n - 1) / 2) * pixel_size_um
        for centre, n in zip((view.y_um, view.x_um), shape, strict=True)
    )
    ay = np.outer(y, k[0])
    ax = np.outer(x, k[1]) + phase
    # cos(a + b) = cos a cos b - sin a sin b, so the sum over waves is one small product.
    left = np.hstack([np.cos(ay), -np.sin(ay)]).astype(np.float32)
    right = np.hstack([np.cos(ax), np.sin(ax)]).astype(np.float32)
    return np.asarray(
        np.exp(np.float32(p.haze * np.sqrt(2.0 / HAZE_WAVES)) * (left @ right.T)), dtype=np.float32
    )
