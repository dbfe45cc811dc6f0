"""Cultures of another family than the detector's, with known onsets.

Light and living ratios vary as gamma laws, the ratio's logarithm walks at random, a death
rises as a logistic curve of gamma height, and counts are negative binomial: noisier than the
deviation that is stated with them. Nothing of it is taken from the detector.
"""

from dataclasses import dataclass

import numpy as np

READ_E = 26.0
OVERDISPERSION = 0.004
"""Relative variance of a count beyond its photons."""
WALK_PER_SQRT_H = 0.015


@dataclass(frozen=True)
class Plate:
    """(neuron, visit) arrays and the truth; NaN onsets live on."""

    time_h: np.ndarray
    onset_h: np.ndarray
    signal: np.ndarray
    signal_sd: np.ndarray
    reference: np.ndarray
    reference_sd: np.ndarray

    def columns(self):
        """Return the table that a user would score."""
        n, m = self.signal.shape
        table = {"neuron_id": np.repeat(np.arange(n), m), "time_h": np.tile(self.time_h, n)}
        names = ("signal", "signal_sd", "reference", "reference_sd")
        return table | {name: getattr(self, name).ravel() for name in names}


def plate(seed, *, neurons=150, days=4.0, interval_h=0.5, dying=0.5, electrons=300.0, height=2.0):
    """Return a plate; ``height`` is the mean rise of the ratio, in living ratios."""
    rng = np.random.default_rng(seed)
    time_h = np.arange(0.0, 24.0 * days + 1e-9, interval_h)
    shape = (neurons, time_h.size)
    onset = np.where(
        np.arange(neurons) < dying * neurons,
        rng.uniform(24.0, 24.0 * (days - 1.0), neurons),
        np.nan,
    )
    light = electrons * (0.4 + 0.6 * rng.gamma(3.0, 1.0 / 3.0, neurons))[:, None]
    ratio = rng.gamma(10.0, 0.1, neurons)[:, None]
    walk = np.cumsum(rng.normal(0.0, WALK_PER_SQRT_H * interval_h**0.5, shape), axis=1)
    width_h = rng.gamma(6.0, 0.15 / 6.0, neurons)[:, None]
    age = (time_h - np.nan_to_num(onset, nan=1e9)[:, None]) / width_h
    # Three widths after its onset a death stands half way up.
    rise = np.where(age > 0.0, 1.0 / (1.0 + np.exp(3.0 - np.clip(age, 0.0, 60.0))), 0.0)
    rise *= height * rng.gamma(8.0, 1.0 / 8.0, neurons)[:, None]
    focus = rng.gamma(100.0, 0.01, shape)
    signal, signal_sd = _counted(
        rng, light * focus * ratio * np.exp(walk) * (1.0 + rise), electrons
    )
    reference, reference_sd = _counted(rng, 4.0 * light * focus, electrons)
    return Plate(time_h, onset, signal, signal_sd, reference, reference_sd)


def _counted(rng, mean, electrons):
    """Return counts without their background, and the deviation a camera would state."""
    background = 0.5 * electrons
    size = 1.0 / OVERDISPERSION
    counts = rng.negative_binomial(size, size / (size + mean)) + rng.poisson(background, mean.shape)
    counts = counts + rng.normal(0.0, READ_E, mean.shape)
    return counts - background, np.sqrt(np.maximum(counts, 1.0) + READ_E**2)
