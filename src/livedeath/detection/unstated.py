"""Noise of values whose standard deviation is not stated: learnt from steps between visits.

Faint neurons are noisier, by an order of magnitude in variance (expression log sd 0.7). So what
is known of the population is kept by brightness, and before any step has been seen a neuron's
noise is taken to be all of the spread among neurons as bright as it.
"""

import numpy as np
from numpy.typing import NDArray

from livedeath.detection.record import NeuronRecords

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VARIANCE_VISITS = 3.0
"""Visits that the population's noise variance is worth for one neuron."""
POPULATION_VISITS = 5.0
"""Steps that what is known beforehand is worth for the neurons of one brightness."""
VARIANCE_MEMORY = 200.0
"""Visits over which a neuron's noise variance is remembered."""
CLASSES, CLASS_WIDTH = 9, 0.4
"""Classes of brightness and the width of each, ln; the middle one holds the median."""
FEWEST = 5
"""Fewest neurons of one brightness whose spread is used."""


class UnstatedNoise:
    """Variance of values without a stated deviation, by brightness, in population medians.

    Parameters
    ----------
    expected : float
        Standard deviation before anything is seen, in population medians.

    Attributes
    ----------
    sums : (CLASSES, 2) float64
        Sum of half the squared steps and their number, by brightness.
    start : (CLASSES,) float64
        Variance before a step has been seen.
    middle : (1,) float64
        ln of the median brightness of the first visit.
    """

    def __init__(self, expected: float) -> None:
        self.sums = np.zeros((CLASSES, 2))
        self.start = np.full(CLASSES, expected**2)
        self.middle = np.array([np.nan])

    def classes(self, brightness: Floats) -> Ints:
        """Return the class of each neuron's brightness; what is not positive is the faintest."""
        ln = np.log(np.maximum(brightness, 1e-300))
        if not np.isfinite(self.middle[0]):
            self.middle[0] = float(np.median(ln))
        steps = np.round((ln - self.middle[0]) / CLASS_WIDTH) + CLASSES // 2
        return np.asarray(np.clip(steps, 0, CLASSES - 1), dtype=np.int64)

    def population(self, classes: Ints) -> Floats:
        """Return what is known of neurons of each class.

        A class whose steps were seen is shrunk towards what all show; one without, no lower
        than it began.
        """
        half, n = self.sums.T
        known = self.start
        if n.any():
            worth = POPULATION_VISITS * self.start.mean()
            overall = (worth + half.sum()) / (POPULATION_VISITS + n.sum())
            known = np.where(n > 0, overall, np.maximum(overall, self.start))
        return np.asarray(((POPULATION_VISITS * known + half) / (POPULATION_VISITS + n))[classes])

    def begin(self, classes: Ints, ratio: Floats) -> None:
        """Take the spread of first values as noise, where it is more than expected."""
        for k in np.unique(classes).tolist():
            values = ratio[(classes == k) & np.isfinite(ratio)]
            if values.size >= FEWEST and self.sums[k, 1] == 0:
                spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
                self.start[k] = max(self.start[k], spread**2)


def variance(records: NeuronRecords, rows: Ints, population: Floats | float) -> Floats:
    """Return each neuron's variance, in population medians, learnt from its steps between visits.

    Inflated by the estimate's own uncertainty: fourfold before the first step, by half
    after ten.
    """
    total = VARIANCE_VISITS * population + records.variance_sum[rows]
    visits = records.variance_visits[rows]
    return np.asarray(total / (VARIANCE_VISITS + visits) * (1.0 + 6.0 / (2.0 + visits)))


def widened(signal_ln: Floats, reference_ln: Floats) -> Floats:
    """Return by how much the variance of a value grows that is brought back to its usual light.

    Parameters
    ----------
    signal_ln, reference_ln : (n,) float64
        ln of the light of signal and reference, 0 for the usual one.

    Notes
    -----
    The camera's noise stays when the light goes, and grows with what the light is made up by; the
    photons' grows less, and then is learnt to be less. More light makes no noise smaller for sure.
    """
    return np.asarray(np.exp(-2.0 * np.minimum(np.minimum(signal_ln, reference_ln), 0.0)))


def learn(
    noise: UnstatedNoise,
    records: NeuronRecords,
    rows: Ints,
    ratio: Floats,
    brightness: Floats | None,
    missing: NDArray[np.bool_],
    wide: Floats,
) -> Floats:
    """Return the variance where the measured deviation is missing; learn on.

    Parameters
    ----------
    noise : UnstatedNoise
        What is known of the population; learns on.
    records : NeuronRecords
        What is known of each neuron; learns on.
    rows : (n,) int64
        Neurons of the visit.
    ratio : (n,) float64
        What is scored, in population medians.
    brightness : (n,) float64 or None
        How bright the neuron is, any unit; None where only ``ratio`` tells, which would sort
        neurons by the noise that is sought, and the dying into another class: then all are one.
    missing : (n,) bool
        Whose deviation is not stated.
    wide : (n,) float64
        By how much the values' variance may have grown, see `widened`.

    Returns
    -------
    (n,) float64
        Variance, in population medians; 0 where the deviation is stated.

    Notes
    -----
    Half the mean squared step between visits, steps over three standard deviations cut,
    shrunk towards neurons as bright. The step is not one of the logarithm: the noise of a faint
    neuron is that of the camera, the same whether its ratio is high or low.
    """
    out = np.zeros(rows.size)
    here = np.flatnonzero(missing)
    if here.size == 0:
        return out
    rows, ratio, wide = rows[here], np.nan_to_num(ratio[here]), wide[here]
    classes = noise.classes(np.ones(rows.size) if brightness is None else brightness[here])
    before = records.ratio[rows]
    had = np.isfinite(before)
    noise.begin(classes[~had], ratio[~had])
    population = noise.population(classes)
    records.variance_population[rows] = population
    var = variance(records, rows, population)
    half = np.where(had, 0.5 * np.minimum((ratio - before) ** 2 / wide, 18.0 * var), 0.0)
    keep = 1.0 - 1.0 / VARIANCE_MEMORY
    records.variance_sum[rows] = np.where(had, keep * records.variance_sum[rows] + half, 0.0)
    records.variance_visits[rows] = np.where(had, keep * records.variance_visits[rows] + 1.0, 0.0)
    records.ratio[rows] = ratio
    np.add.at(noise.sums, classes[had], np.column_stack([half, np.ones(rows.size)])[had])
    # Spread is noise and more: it needs no widening.
    out[here] = wide * np.where(had, var, np.maximum(population, noise.start[classes]))
    return out
