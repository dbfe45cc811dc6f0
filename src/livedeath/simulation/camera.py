"""A camera: expected electrons go in, numbers as a sensor gives them come out.

The sensor's faults (offset, response, read noise and dark current of every pixel) are
drawn once from the seed; the noise of a frame from the key of the frame.
"""

import numpy as np
from numpy.typing import NDArray

from livedeath.model.optics import Camera
from livedeath.simulation.parameters import CameraParameters
from livedeath.simulation.streams import generator

REFERENCE_QE = 0.82
"""Quantum efficiency at which the electrons of the other parameters hold."""

DEFAULTS = {8: (8.0, 5.0), 12: (1.0, 50.0), 14: (0.7, 100.0), 16: (0.46, 100.0)}
"""Gain (electrons per ADU) and offset (ADU) by bit depth where neither study nor
parameters say; 16 bit is usual for sCMOS, the others chosen to use their range."""

EXACT_BELOW = 3.0
"""Expected electrons below which Poisson numbers are drawn exactly."""

Image = NDArray[np.float32]
Frame = NDArray[np.uint8 | np.uint16]


class Sensor:
    """One camera with its own pixels.

    Parameters
    ----------
    parameters : CameraParameters
        Noise and faults.
    declared : Camera
        What the study says of gain, offset and saturation.
    shape : (int, int)
        Rows and columns.
    bit_depth : int
        8, 12, 14 or 16; up to 8 gives uint8 frames, else uint16.
    seed : int
        Names the sensor.
    """

    def __init__(
        self,
        parameters: CameraParameters,
        declared: Camera,
        *,
        shape: tuple[int, int],
        bit_depth: int,
        seed: int,
    ) -> None:
        gain, offset = DEFAULTS[bit_depth]
        p = parameters
        self.gain_e_per_adu = p.gain_e_per_adu or declared.gain_e_per_adu or gain
        self.offset_adu = _first(p.offset_adu, declared.offset_adu, offset)
        self.saturation_adu = min(declared.saturation_adu or np.inf, 2.0**bit_depth - 1)
        self._one_byte = bit_depth <= 8
        self._subtracted, self._divided_by = p.subtracted_adu, p.divided_by
        rng = generator(seed, "sensor", *shape)
        normal = rng.standard_normal((3, *shape), dtype=np.float32)
        self._offset_e = p.dsnu_e * normal[0]
        self._response = (p.quantum_efficiency / REFERENCE_QE) * (1 + p.prnu * normal[1])
        self.read_noise_e = p.read_noise_e * np.exp(p.read_noise_log_sd * normal[2])
        hot = rng.random(shape) < p.hot_fraction
        current = p.hot_e_per_s * rng.lognormal(0, 0.7, shape)
        self._dark_e_per_s = (p.dark_e_per_s + hot * current).astype(np.float32)

    def expose(self, light: Image | None, *, exposure_ms: float, rng: np.random.Generator) -> Frame:
        """Take one frame.

        Parameters
        ----------
        light : (Y, X) float32 or None
            Expected photo-electrons per pixel at `REFERENCE_QE`; None with the shutter
            closed.
        exposure_ms : float
            Exposure time; the dark current grows with it.
        rng : Generator
            Noise of this frame.

        Returns
        -------
        (Y, X) uint8 or uint16
            Clipped at 0 and at saturation, after what the acquisition's program does to it.
        """
        expected = self._dark_e_per_s * np.float32(exposure_ms / 1000.0)
        if light is not None:
            expected += light * self._response
        electrons = poisson(expected, rng=rng)
        read = rng.standard_normal(expected.shape, dtype=np.float32)
        read *= self.read_noise_e
        electrons += read
        electrons += self._offset_e
        electrons /= np.float32(self.gain_e_per_adu)
        electrons += np.float32(self.offset_adu + 0.5)
        if self._subtracted or self._divided_by != 1.0:
            electrons = (np.floor(electrons) - np.float32(self._subtracted)) / self._divided_by
        np.clip(electrons, 0.0, self.saturation_adu, out=electrons)
        return np.asarray(electrons, dtype=np.uint8 if self._one_byte else np.uint16)


def poisson(expected: Image, *, rng: np.random.Generator) -> Image:
    """Draw Poisson numbers, exactly where few are expected.

    Where many are, the Cornish-Fisher expansion to third order turns normal into Poisson
    numbers (not rounded: the camera rounds later), five times faster. Mean and variance
    are right to 0.1 e-, skewness and kurtosis to order 1/expected.

    Parameters
    ----------
    expected : (Y, X) float32
        Expected electrons, not negative.
    rng : Generator
        Where the numbers come from.
    """
    z = rng.standard_normal(expected.shape, dtype=np.float32)
    root = np.sqrt(expected)
    # expected + root z + (z^2 - 1) / 6 + (z - z^3) / (72 root), in place.
    square = z * z
    square -= 1.0
    drawn = root * z
    drawn += expected
    np.maximum(root, 1.0, out=root)
    z *= square
    z /= root
    z /= 72.0
    drawn -= z
    square /= 6.0
    drawn += square
    few = expected < EXACT_BELOW
    if few.any():
        drawn[few] = rng.poisson(expected[few])
    return np.asarray(drawn, dtype=np.float32)


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)
