"""Values of a visit in, what can be scored of it out: in population medians, with its noise.

The detector's unit is the median of a study's first visit. A signal with a reference is
scored as their ratio, whose denominator is the reference smoothed over the neuron's visits;
a deviation that nobody stated is learnt. Nothing here knows what a death looks like.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.detection import unstated
from livedeath.detection.learning import Learning
from livedeath.detection.record import NeuronRecords
from livedeath.kernels.ratio import in_unit
from livedeath.model.flags import Flag

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Values(NamedTuple):
    """What one visit brought, (n,) each; NaN where nothing was measured or stated.

    ``wide`` is by how much an unstated variance has grown; see `unstated.widened`.
    """

    signal: Floats
    signal_sd: Floats
    reference: Floats | None
    reference_sd: Floats
    bits: NDArray[np.uint32]
    wide: Floats


class Measured(NamedTuple):
    """The rows of a visit that can be scored, in detector units."""

    at: Ints
    rows: Ints
    value: Floats
    fill: Floats
    fixed: Floats
    slope: Floats
    relative: Floats


class Measuring:
    """The detector's unit, and what the values of each visit are in it.

    Parameters
    ----------
    learning : Learning
        Learns on: the photon noise, and noise that nobody stated.

    Attributes
    ----------
    scale, offset : float
        A value over ``scale`` and above ``-offset`` is about 1; NaN before the first visit.
    """

    def __init__(self, learning: Learning) -> None:
        self._learning = learning
        self.scale, self.offset = np.nan, 0.0

    def measure(
        self, records: NeuronRecords, rows: Ints, values: Values, usable: NDArray[np.bool_]
    ) -> Measured:
        """Return what can be scored, in population medians; learn the photon noise.

        Parameters
        ----------
        records : NeuronRecords
            What is known of each neuron; its smoothed reference moves on.
        rows : (n,) int64
            Neurons of the visit.
        values : Values
            What the visit brought.
        usable : (n,) bool
            Whose values count, where they are there.

        Returns
        -------
        Measured
            ``at`` are the places in the visit that it speaks of.
        """
        learning = self._learning
        signal, signal_sd, reference, reference_sd, bits, wide = values
        good = usable & np.isfinite(signal)
        if reference is not None:
            good &= np.isfinite(reference)
        at = np.flatnonzero(good)
        if at.size and learning.measured_sd[0] < 0:
            learning.measured_sd[0] = float(np.any(signal_sd[at] > 0))
        by = 1.0 if reference is None else np.where(reference[at] > 0, reference[at], np.nan)
        ratio = signal[at] / by
        if np.isfinite(ratio).any() and not np.isfinite(self.scale):
            strict = learning.measured_sd[0] > 0 and reference is not None
            self.scale, self.offset = first_scale(ratio, strict=bool(strict))
        ratio = ratio / self.scale + self.offset
        bright = None if reference is None else reference[at]
        variance = unstated.learn(
            learning.unstated, records, rows[at], ratio, bright, np.isnan(signal_sd[at]), wide[at]
        )
        merged = (bits & np.uint32(Flag.MERGED)) > 0
        beneath = signal if reference is None else reference
        at, value, per, fixed, relative, unit, var = in_unit(
            at, rows, signal, signal_sd, beneath, reference_sd, merged,
            reference is not None, variance, records.reference, records.reference_var,
            self.scale, self.offset,
        )  # fmt: skip
        slope = learning.photon_slope(signal[at], var) / unit
        return Measured(at, rows[at], value, per, fixed, slope, relative)


def without(light: Floats, values: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Take a change of light, ln, out of values and their deviations."""
    if not light.any():
        return values, sd
    by = np.exp(light)
    return values / by, sd / by


def divided(measured: Measured, step: Floats) -> Measured:
    """Take a step, ln, out of the values."""
    if not step.any():
        return measured
    by = np.exp(step)
    return measured._replace(
        value=measured.value / by, fixed=measured.fixed / by**2, slope=measured.slope / by
    )


def first_scale(values: Floats, *, strict: bool) -> tuple[float, float]:
    """Return scale and offset that bring a study's first visit to about 1.

    The scale is the median of what is positive. A signal that is dark in the living (a
    dye, background removed) scatters about zero and has no fold: it is lifted so that the
    living stand ten of their standard deviations above zero. Dark is a median within one
    standard deviation of zero; with ``strict``, for a ratio of measured noise, within 0.3,
    so that a faint ratio keeps its fold.
    """
    values = values[np.isfinite(values)]
    positive = values[values > 0]
    middle = float(np.median(values)) if values.size else 0.0
    spread = 1.4826 * float(np.median(np.abs(values - middle))) if values.size else 0.0
    if spread == 0.0:
        spread = abs(middle)
    dark = (0.3 if strict else 1.0) * spread
    if spread > 0 and positive.size < 0.95 * values.size and middle < dark:
        return 10.0 * spread, 1.0 - 0.1 * middle / spread
    return (float(np.median(positive)), 0.0) if positive.size else (1.0, 0.0)
