"""Further channels of dying neurons: an onset in, values and their standard deviations out.

A dye is dark in the living but for autofluorescence, and enters the dead; a soma's area falls.
Each has kinetics of its own, drawn neuron by neuron beside those of the indicator; all have one
onset. Their noise and what befalls them are handed in, so that channels may share them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from detect.traces import Law

Floats = NDArray[np.float64]

DYE_E = 1.5
"""Dye in a dead soma at the end, in typical living indicators."""
DYE_SD, DYE_H, DYE_RISE_SD = 0.35, 0.5, 0.7
"""Its log sd over neurons; its time constant, h, and that one's log sd."""
AUTO_E = 0.15
"""Autofluorescence of a living soma in the dye's channel, in typical living indicators."""
DYE_READ_E = 26.0
"""Read noise summed over a soma, electrons."""
SHRINKS = (0.15, 0.45)
"""Share of a soma's area that is left, uniform."""
SHRINK_H, SHRINK_SD = 0.5, 0.7
"""Time constant, h, and its log sd."""
AREA_UM2, AREA_LOG_SD, AREA_SD = 150.0, 0.3, 0.10
"""Area of a living soma, its log sd over neurons, and the error of one outline, fraction."""


def dye(
    rng: np.random.Generator, law: "Law", onset_h: Floats, time_h: Floats, brightness: Floats,
    ln: Floats, accidents: Floats,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return electrons of a dye, background removed, and their standard deviation.

    Parameters
    ----------
    rng, law
        Where the draws come from, and what the light is.
    onset_h : (neuron,) float64
        NaN of who lives on.
    time_h : (visit,) float64
        Hours of the visits.
    brightness : (neuron,) float64
        Light of each neuron over the typical.
    ln : (neuron, visit) float64
        What the living do, in the logarithm.
    accidents : (neuron, visit) float64
        What befalls all channels at once: a doubled indicator is half the dye of the dead.
    """
    n = onset_h.size
    most = DYE_E * np.exp(rng.normal(0.0, DYE_SD, n))[:, None]
    rise_h = DYE_H * np.exp(rng.normal(0.0, DYE_RISE_SD, n))[:, None]
    entered = most * -np.expm1(-_age(onset_h, time_h) / rise_h)
    entered = entered + 0.5 * DYE_E * np.expm1(accidents)
    mean = law.electrons * np.maximum(AUTO_E * brightness[:, None] * np.exp(ln) + entered, 0.0)
    background = 0.5 * law.electrons
    counts = rng.poisson(mean + background) + rng.normal(0.0, DYE_READ_E, mean.shape)
    return counts - background, np.sqrt(np.maximum(counts, 1.0) + DYE_READ_E**2)


def shape(
    rng: np.random.Generator, law: "Law", onset_h: Floats, time_h: Floats, brightness: Floats,
    ln: Floats, accidents: Floats,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return areas of somata, um2, and their standard deviation; parameters as in `dye`.

    What raises the indicator makes a soma smaller, accidents by the square root.
    """
    n = onset_h.size
    left = rng.uniform(*SHRINKS, n)[:, None]
    tau_h = SHRINK_H * np.exp(rng.normal(0.0, SHRINK_SD, n))[:, None]
    whole = AREA_UM2 * np.exp(rng.normal(0.0, AREA_LOG_SD, n))[:, None]
    area = whole * (left + (1.0 - left) * np.exp(-_age(onset_h, time_h) / tau_h))
    area = area * np.exp(-ln - 0.5 * accidents)
    sd = AREA_SD * area
    return area + sd * rng.normal(size=area.shape), sd


def _age(onset_h: Floats, time_h: Floats) -> Floats:
    return np.clip(time_h - np.nan_to_num(onset_h, nan=1e9)[:, None], 0.0, None)


WITNESSES: dict[str, Callable[..., tuple[Floats, Floats]]] = {"dye": dye, "shape": shape}
ENDPOINTS = {"dye": "indicator_rise", "shape": "loss_of_fill"}
"""What becomes of each channel in the dead."""
