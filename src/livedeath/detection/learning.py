"""What a death looks like, and what the population teaches about living neurons.

Likelihoods of a visit in, noise of the next visit out. Plain NumPy: a handful of sums
per visit. Nothing here calls a death.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.detection.unstated import UnstatedNoise
from livedeath.kernels.bank import Shapes
from livedeath.kernels.baseline import Noise

Floats = NDArray[np.float64]

DRIFT_TAU_H = 12.0
"""Memory of the slow drift of a living neuron's ratio."""
WALK_PER_SQRT_H = 0.02 / 24.0**0.5
"""Change of the level itself, 2 % in a day."""
TREND_PER_H = 0.03 / 24.0
"""Differential bleaching and maturation, 2 % a day between neurons, taken wide."""
DRIFT_SKEW = 0.75
"""Living ratios drift in the logarithm, the filter follows them linearly: an upward swing of z
standard deviations s is exp(z s) - 1, about z s (1 + z s / 2), and looks like a wider drift.
Half of what a swing of three would ask for; measured, wander twice the usual is then called
dead at 0.7 of the rate asked for and not at 1.6, and deaths no later."""
DEATHS_PER_DAY = 0.05
"""Prior hazard; scales the reported probabilities, never a call."""
MEMORY_H = 168.0
"""Memory of what is learnt about the noise of living neurons."""

TAIL_SHARES = np.array([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 5e-2, 0.15])
OUTLIER_SHARES = np.array([1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 5e-2])
OUTLIERS = np.array([(t, o) for t in TAIL_SHARES for o in OUTLIER_SHARES])
"""Candidate shares of wide tails and of outliers; prior even in the logarithm."""
STEPS = 1.75 ** np.arange(-2.0, 3.0)
"""White noise and drift of the noise models, in units of what is expected."""
TRANSIENT_RATES = np.geomspace(1e-7, 2.0, 14)
"""Candidate rates of each transient per neuron-day; prior even in the logarithm."""
LEAST_RATE = 1e-6
"""Transients, per neuron-day, are never excluded."""
SPARED = 1.0
"""Share of the false alarms asked for that outliers, and that transients may use up unopposed."""

OVERSHOOT_PRIOR = 5.0
"""Deaths that jump over the threshold by nothing, before any has been called."""
OVERSHOOT_LEAST = 0.4
"""Smallest share of the theory's threshold that overshoot may leave."""

LAW_PRIOR = 20.0
"""Deaths that the expected law of folds and rise times is worth."""
LAW_FLOOR = 0.1
"""Share of the expected law that is never unlearnt."""

ARRIVAL_VISITS = 3
"""Visits after which it is decided whether a neuron was dead on arrival."""
ARRIVAL_ERROR = 0.1
"""A neuron whose own level is known no better than this, ln, waits."""
ARRIVAL_NEURONS = 10
"""Fewest living neurons to compare with."""
ARRIVAL_PRIOR = 0.05
"""Share of neurons dead on arrival, before their values are seen."""
ARRIVAL_FOLD = np.log(3.0)
ARRIVAL_SD = 0.35
"""A dead neuron's ratio is three times a live one's, log sd 0.35 (GEDI-like sensors)."""
ARRIVAL_CERTAINTY = 0.95
"""Least probability; what is less sure counts as alive."""


class Endpoint(NamedTuple):
    """What a death looks like, and the noise expected before anything is learnt."""

    deaths: Shapes
    transients: Shapes
    white: float
    white_unmeasured: float
    drift: float
    spread: float
    amplitude: float
    amplitude_sd: float
    tau_h: Floats
    tau_prior: Floats


def _shapes(
    tau_h: list[float],
    tau_prior: list[float],
    mean: list[float],
    sd: list[float],
    prior: list[float],
) -> Shapes:
    """Return templates of deaths for all pairs of time constant and amplitude."""
    weights = np.outer(tau_prior, prior)
    return _templates(tau_h, mean, sd, weights / weights.sum(), recovers=False)


def _transients(tau_h: list[float], mean: list[float], sd: list[float]) -> Shapes:
    """Return templates of transients; each has its own rate, and so no prior."""
    return _templates(tau_h, mean, sd, np.ones((len(tau_h), len(mean))), recovers=True)


def _templates(
    tau_h: list[float], mean: list[float], sd: list[float], prior: Floats, *, recovers: bool
) -> Shapes:
    """Return one template for each pair of time constant and amplitude.

    What is learnt of a template's amplitude never takes it below 0.3 of what it began with.
    """
    amplitude = np.tile(np.array(mean, np.float32), len(tau_h))
    var = np.tile(np.square(np.array(sd, np.float32)), len(tau_h))
    least = np.float32(0.3) * amplitude
    return Shapes(
        np.array(tau_h), amplitude, var, least, prior.ravel().astype(np.float32), recovers
    )


def _tau_grid(median_h: float, log_sd: float, low_h: float, high_h: float) -> tuple[Floats, Floats]:
    tau_h = np.geomspace(low_h, high_h, 11)
    prior = np.exp(-0.5 * (np.log(tau_h / median_h) / log_sd) ** 2)
    return tau_h, prior / prior.sum()


ENDPOINTS = {
    # Fold 3 (log sd 0.35) and rise 30 min (log sd 0.7), both taken wider than chosen;
    # single steps of 10 to 37 fold are on record, and a dye is dark in the living.
    "indicator_rise": Endpoint(
        _shapes(
            [0.1, 0.4, 1.2, 4.0], [0.15, 0.4, 0.3, 0.15],
            [0.3, 0.6, 1.1, 2.0, 4.0, 10.0, 40.0, 200.0],
            [0.1, 0.2, 0.35, 0.65, 1.4, 4.0, 18.0, 90.0],
            [0.06, 0.16, 0.26, 0.26, 0.14, 0.07, 0.03, 0.02],
        ),
        _transients([0.6, 3.0], [0.2, 0.5, 1.2, 4.0], [0.08, 0.2, 0.5, 2.0]),
        0.06, 0.12, 0.08, 0.31, 2.1, 1.2, *_tau_grid(0.5, 0.8, 0.08, 8.0),
    ),
    # A soma's fill falls to 0-30 % at once or over hours; dips are focus and handling.
    "loss_of_fill": Endpoint(
        _shapes(
            [0.03, 1.0, 6.0], [0.5, 0.25, 0.25],
            [-0.95, -0.75], [0.05, 0.12], [0.6, 0.4],
        ),
        _transients([0.6, 3.0], [-0.15, -0.3, -0.55, -0.85], [0.05, 0.1, 0.15, 0.1]),
        0.10, 0.15, 0.12, 0.73, -0.9, 0.1, *_tau_grid(1.0, 1.5, 0.05, 12.0),
    ),
}  # fmt: skip


class Learning:
    """What is known of the noise of living neurons; learnt from all of them, causally."""

    def __init__(self, endpoint: Endpoint, false_alarms_per_day: float = 1e-3) -> None:
        self.endpoint = endpoint
        self.false_alarms_per_day = false_alarms_per_day
        white, drift = np.meshgrid(STEPS, STEPS, indexing="ij")
        self.steps = white.ravel()
        self.drift = endpoint.drift * drift.ravel()
        prior = (np.log(white) / 0.6) ** 2 + (np.log(drift) / 0.6) ** 2
        self.model_prior = -0.5 * prior.ravel()
        self.models = np.zeros(self.steps.size)
        self.outliers = np.zeros(len(OUTLIERS))
        self.transients = np.zeros((endpoint.transients.prior.size, TRANSIENT_RATES.size))
        self.squares = np.zeros(2)
        self.deaths = np.zeros(2)
        self.photons = np.zeros(5)
        self.unstated = UnstatedNoise(endpoint.white_unmeasured)
        self.population = np.array([1.0, endpoint.spread])
        self.excess = np.zeros(2)
        self.law = np.zeros(endpoint.deaths.prior.size)
        self.time_h = np.array([np.nan])
        self.measured_sd = np.array([-1.0])
        self.given_days = np.zeros(1)

    _kept = (
        "models", "outliers", "transients", "squares", "deaths", "photons",
        "population", "excess", "law", "time_h", "measured_sd",
        "given_days",
    )  # fmt: skip

    @property
    def white(self) -> Floats:
        """White noise of each model, fraction of the level."""
        return self.steps * self.endpoint.white

    def noise(self) -> Noise:
        """Return the noise that the next visit is judged with."""
        known = self.measured_sd[0] > 0
        scale = (50.0 + self.squares[0]) / (50.0 + self.squares[1])
        white, drift = self._best_model()
        tail, outlier = _posterior(self.outliers) @ OUTLIERS
        return Noise(
            white,
            drift,
            DRIFT_TAU_H,
            WALK_PER_SQRT_H,
            TREND_PER_H,
            float(self.population[0]),
            float(self.population[1]),
            float(tail),
            float(outlier),
            self.transients_per_day,
            self.hazard,
            float(max(scale, 0.9 if known else 1.0)),
            300.0 if known else 30.0,
            SPARED * self.false_alarms_per_day / 24.0,
        )

    @property
    def deaths_expected(self) -> Shapes:
        """Templates of deaths; their prior is the law of folds and rise times as learnt."""
        expected = self.endpoint.deaths.prior
        learnt = (LAW_PRIOR * expected + self.law) / (LAW_PRIOR + self.law.sum())
        prior = LAW_FLOOR * expected + (1.0 - LAW_FLOOR) * learnt
        return self.endpoint.deaths._replace(prior=prior.astype(np.float32))

    @property
    def transients_per_day(self) -> Floats:
        """Rate of each transient, less what the false alarms asked for can afford."""
        weights = np.exp(self.transients - self.transients.max(axis=-1, keepdims=True))
        rates = np.exp(weights @ np.log(TRANSIENT_RATES) / weights.sum(axis=-1))
        spared = SPARED * self.false_alarms_per_day / rates.size
        return np.asarray(np.maximum(rates - spared, LEAST_RATE))

    @property
    def hazard(self) -> float:
        """Deaths per neuron-day, learnt from calls."""
        return float((1.0 + self.deaths[0]) / (1.0 / DEATHS_PER_DAY + self.deaths[1]))

    def _best_model(self) -> tuple[float, float]:
        """Return white noise and drift, root mean square over their posterior.

        Around its top the log posterior is taken as a quadratic form of both logarithms,
        tilted, since more of one is explained by less of the other.
        """
        grid = (self.model_prior + self.models).reshape(STEPS.size, STEPS.size)
        white, drift = _quadratic_top(grid)
        unit = self.white[0] / STEPS[0]
        drift *= self.endpoint.drift
        return float(unit * white), float(drift * (1.0 + DRIFT_SKEW * drift))

    def learn_population(self, first: Floats, levels: Floats) -> None:
        """Learn the population's median and spread from baselines and first values.

        The noise of first values is left in the spread: too wide a prior costs little.
        """
        seen = np.log(np.maximum(np.concatenate([first, levels]), 0.05))
        middle = float(np.median(seen))
        n = seen.size
        robust = 1.4826 * float(np.median(np.abs(seen - middle)))
        var = (20.0 * self.endpoint.spread**2 + n * robust**2) / (20.0 + n)
        self.population = np.array([np.exp(middle), np.sqrt(var * (1.0 + 1.57 / n))])

    @property
    def lower(self) -> float:
        """By how much, ln, the threshold is below that of the theory.

        The theory bounds the rate as if the statistic met its threshold; it jumps over it.
        The rate is lower by the mean of exp(-excess) over deaths (renewal theory: Siegmund,
        Sequential Analysis, 1985, chapter 8), and deaths called so far show their excess.
        """
        told, n = self.excess
        share = (OVERSHOOT_PRIOR + told) / (OVERSHOOT_PRIOR + n)
        return -float(np.log(max(share, OVERSHOOT_LEAST)))

    def count_excess(self, excess: Floats) -> None:
        """Take in by how much, ln, called deaths stood above the threshold in use."""
        self.excess += [float(np.exp(-excess).sum()), excess.size]

    def count_deaths(self, called: int, days: float) -> None:
        """Take in the deaths called at a visit and the neuron-days since the last."""
        self.deaths += [float(called), days]

    def learn(self, time_h: float, lessons: Floats, noise_lessons: Floats) -> None:
        """Take in what `livedeath.kernels.detect.release` returned."""
        if np.isfinite(self.time_h[0]):
            keep = np.exp(-(time_h - self.time_h[0]) / MEMORY_H)
            for name in ("models", "outliers", "transients", "squares"):
                getattr(self, name)[:] *= keep
        self.time_h[0] = time_h
        outliers, models = self.outliers.size, self.models.size
        self.outliers += lessons[:outliers]
        self.transients += lessons[outliers:].reshape(self.transients.shape)
        self.models += noise_lessons[:models]
        self.squares += noise_lessons[models:]

    @property
    def n_lessons(self) -> tuple[int, int]:
        """How many numbers a neuron teaches: of outliers and transients, and of the noise."""
        return self.outliers.size + self.transients.size, self.models.size + self.squares.size

    def photon_slope(self, signal: Floats, var: Floats) -> Floats:
        """Return how fast the variance grows with the signal, from visits before; learn on."""
        n, s, v, ss, sv = self.photons
        spread = ss - s * s / n if n > 0 else 0.0
        slope = max((sv - s * v / n) / spread, 0.0) if n >= 10 and spread > 0 else 0.0
        size = np.abs(signal) + 1e-300
        self.photons += [
            signal.size, signal.sum(), var.sum(), signal @ signal, signal @ var,
        ]  # fmt: skip
        return np.minimum(slope, var / size)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Return everything learnt."""
        own = {name: getattr(self, name).copy() for name in self._kept}
        return own | {f"unstated.{name}": v.copy() for name, v in vars(self.unstated).items()}

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Take over what `state` returned."""
        for name in self._kept:
            setattr(self, name, np.array(state[name], dtype=np.float64))
        for name, value in vars(self.unstated).items():
            value[...] = state[f"unstated.{name}"]


def _quadratic_top(grid: Floats) -> tuple[float, float]:
    """Return the root mean square along both axes of a log posterior given on `STEPS`.

    The quadratic form has the central differences of the 3 x 3 nodes around the top.
    """
    width = float(np.log(STEPS[1] / STEPS[0]))
    row, col = (min(max(k, 1), STEPS.size - 2) for k in divmod(int(grid.argmax()), STEPS.size))
    (a, b, c), (d, e, f), (g, h, i) = grid[row - 1 : row + 2, col - 1 : col + 2].tolist()
    across, along = (h - b) / (2.0 * width), (f - d) / (2.0 * width)
    bends = max((2.0 * e - b - h) / width**2, 1e-3), max((2.0 * e - d - f) / width**2, 1e-3)
    most = 0.9 * math.sqrt(bends[0] * bends[1])
    tilt = min(max((c + g - a - i) / (4.0 * width**2), -most), most)
    area = bends[0] * bends[1] - tilt * tilt
    shifts = (bends[1] * across - tilt * along) / area, (bends[0] * along - tilt * across) / area
    spreads = bends[1] / area, bends[0] / area
    top, left = (
        float(STEPS[k]) * math.exp(min(max(shift, -1.5 * width), 1.5 * width) + min(spread, 0.5))
        for k, shift, spread in zip((row, col), shifts, spreads, strict=True)
    )
    return top, left


def _posterior(log_weights: Floats) -> Floats:
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def dead_on_arrival(above: Floats, error: Floats, spread: float) -> NDArray[np.bool_]:
    """Return which neurons stand, by their first visits, at the level of the dead.

    ``above`` is the ln of the ratio over the living's median, ``error`` its standard
    deviation, ``spread`` the living's log sd. A merely bright neuron is alive: only what
    neither the living's own spread nor the error explains is named.
    """
    alive = np.hypot(spread, error)
    dead = np.hypot(alive, ARRIVAL_SD)
    odds = -0.5 * ((above - ARRIVAL_FOLD) / dead) ** 2 + 0.5 * (above / alive) ** 2
    odds += np.log(alive / dead * ARRIVAL_PRIOR / (1.0 - ARRIVAL_PRIOR))
    sure = odds > np.log(ARRIVAL_CERTAINTY / (1.0 - ARRIVAL_CERTAINTY))
    return np.asarray(sure & (above > 0.0))
