"""A levelled frame goes in; its shift against the field's reference comes out.

Large jumps (a plate put back) are found by correlating binned pictures of where somata
are; the neurons that are followed then vote for or against the shift and refine it. A
shift that is not certain is not applied.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from livedeath.kernels import background
from livedeath.kernels.register import peak_offset
from livedeath.model.measures import Shift

BRIGHTEST = 25.0
"""Noises above which all light counts the same, so that one bright neuron does not rule."""

FAINTEST = 3.0
"""Noises below which light does not count."""

STEP = 10.0
"""Grey values of a stored picture per noise."""

SIDE = 512
"""Largest side of a picture, px."""

SOMA_IN_PICTURE = 5.0
"""Smallest diameter of a soma in a picture, px, while it is below `SIDE`."""

LEAST_HEIGHT = 0.25
"""Smallest correlation that is believed."""

LEAST_LEAD = 1.15
"""And it must exceed its best rival by this factor."""

REACH = 0.25
"""Largest shift looked for, in sides of the frame."""


@dataclasses.dataclass
class Picture:
    """A small picture of where somata are, in grey values of 0 to 250."""

    grey: NDArray[np.uint8]
    factor: int
    _known: dict[tuple[int, ...], NDArray[Any]] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def spectrum(self, size: tuple[int, int]) -> NDArray[Any]:
        """Return the Fourier transform of the picture at a padded size; kept for the next time."""
        if size not in self._known:
            self._known[size] = fft.rfft2(_centred(self.grey), s=size)
        return self._known[size]


def picture_of(
    image: NDArray[np.float32], noises: NDArray[np.float32], *, soma_px: float
) -> Picture:
    """Bin a levelled frame to a small picture in units of its noise.

    Parameters
    ----------
    image : (Y, X) float32
        Light above background.
    noises : (R, C) float32
        Background noise of a pixel in each tile.
    soma_px : float
        Diameter of a typical soma, px.

    Returns
    -------
    Picture
        At most 512 px wide; 0 below 3 noises, 250 from 28 noises on.
    """
    factor = max(int(soma_px // SOMA_IN_PICTURE), -(-max(image.shape) // SIDE), 1)
    small = background.bin_sum(image, factor)
    noise = float(np.median(noises)) * factor
    grey = np.clip(small / noise - FAINTEST, 0.0, BRIGHTEST) * STEP
    return Picture(np.rint(grey).astype(np.uint8), factor)


def measure_shift(reference: Picture, picture: Picture) -> Shift:
    """Measure how far a picture is shifted against the reference.

    Parameters
    ----------
    reference, picture : Picture
        Of the same field, same factor and shape.

    Returns
    -------
    Shift
        In working pixels; zero and uncertain where the correlation is below 0.25 or does
        not exceed its best rival by 15 %.

    Notes
    -----
    Normalised cross-correlation by FFT, zero-padded so that nothing wraps around. It is
    not whitened as in phase correlation: the pictures are mostly zero, and whitening
    would raise their noise.
    """
    rows, cols = reference.grey.shape
    if picture.grey.shape != reference.grey.shape or not picture.grey.any():
        return Shift(0.0, 0.0, certain=False)
    reach = max(min(int(REACH * max(rows, cols)), rows - 2, cols - 2), 1)
    height, width = (fft.next_fast_len(n + reach + 1, real=True) for n in (rows, cols))
    product = np.conj(reference.spectrum((height, width))) * picture.spectrum((height, width))
    correlation = fft.irfft2(product, s=(height, width)).astype(np.float32, copy=False)
    power = float(np.linalg.norm(_centred(reference.grey)) * np.linalg.norm(_centred(picture.grey)))
    apart = max(int(2 * SOMA_IN_PICTURE), 2)
    dy, dx, height, rival = peak_offset(correlation, reach, apart)
    if power == 0.0 or height < LEAST_HEIGHT * power or height < LEAST_LEAD * rival:
        return Shift(0.0, 0.0, certain=False)
    return Shift(dy * reference.factor, dx * reference.factor, certain=True)


def _centred(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    return grey.astype(np.float32) - np.float32(grey.mean())
