"""What a death looks like, and what the population teaches about living neurons.

Likelihoods of a visit in, noise of the next visit out. Plain NumPy: a handful of sums
per visit. Nothing here calls a death.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.kernels.baseline import Noise
from livedeath.kernels.detect import Shapes

Floats = NDArray[np.float64]

DRIFT_TAU_H = 12.0
"""Memory of the slow drift of a living neuron's ratio."""
WALK_PER_SQRT_H = 0.02 / 24.0**0.5
"""Change of the level itself, 2 % in a day."""
TREND_PER_H = 0.03 / 24.0
"""Differential bleaching and maturation, 2 % a day between neurons, taken wide."""
DEATHS_PER_DAY = 0.05
"""Prior hazard; scales the reported probabilities, never a call."""
MEMORY_H = 168.0
"""Memory of what is learnt about the noise of living neurons."""

TAIL_SHARES = np.array([1e-4, 1e-3, 1e-2, 5e-2, 0.15])
OUTLIER_SHARES = np.array([1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 5e-2])
OUTLIERS = np.array([(t, o) for t in TAIL_SHARES for o in OUTLIER_SHARES])
"""Candidate shares of wide tails and of outliers; prior even in the logarithm."""
STEPS = 1.75 ** np.arange(-2.0, 3.0)
"""White noise and drift of the noise models, in units of what is expected."""
TRANSIENT_RATES = np.array([2e-4, 6e-4, 2e-3, 6e-3, 2e-2, 6e-2, 0.2, 0.6, 2.0])
"""Candidate rates of transients per neuron-day; prior even in the logarithm."""

ARRIVAL_VISITS = 3
"""Visits after which it is decided whether a neuron was dead on arrival."""
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
    *,
    recovers: bool,
) -> Shapes:
    """Return templates for all pairs of time constant and amplitude."""
    weights = np.outer(tau_prior, prior)
    var = np.square(np.array(sd))
    return Shapes(np.array(tau_h), np.array(mean), var, weights / weights.sum(), recovers)


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
            [0.5, 1.5, 4.0, 12.0, 50.0, 250.0], [0.2, 0.5, 1.5, 5.0, 22.0, 110.0],
            [0.2, 0.5, 0.22, 0.05, 0.02, 0.01], recovers=False,
        ),
        _shapes(
            [0.35, 0.75], [0.6, 0.4],
            [0.2, 0.6, 1.6], [0.08, 0.2, 0.6], [0.6, 0.3, 0.1], recovers=True,
        ),
        0.06, 0.12, 0.08, 0.31, 2.1, 1.2, *_tau_grid(0.5, 0.8, 0.08, 8.0),
    ),
    # A soma's fill falls to 0-30 % at once or over hours; dips are focus and handling.
    "loss_of_fill": Endpoint(
        _shapes(
            [0.03, 1.0, 6.0], [0.5, 0.25, 0.25],
            [-0.95, -0.75], [0.05, 0.12], [0.6, 0.4], recovers=False,
        ),
        _shapes(
            [0.35, 0.75], [0.6, 0.4],
            [-0.2, -0.5, -0.85], [0.08, 0.15, 0.1], [0.5, 0.35, 0.15], recovers=True,
        ),
        0.10, 0.15, 0.12, 0.73, -0.9, 0.1, *_tau_grid(1.0, 1.5, 0.05, 12.0),
    ),
}  # fmt: skip


class Learning:
    """What is known of the noise of living neurons; learnt from all of them, causally."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        white, drift = np.meshgrid(STEPS, STEPS, indexing="ij")
        self.steps = white.ravel()
        self.drift = endpoint.drift * drift.ravel()
        prior = (np.log(white) / 0.6) ** 2 + (np.log(drift) / 0.6) ** 2
        self.model_prior = -0.5 * prior.ravel()
        self.models = np.zeros(self.steps.size)
        self.outliers = np.zeros(len(OUTLIERS))
        self.transients = np.zeros(TRANSIENT_RATES.size)
        self.squares = np.zeros(2)
        self.deaths = np.zeros(2)
        self.photons = np.zeros(5)
        self.variance_sums = np.zeros(2)
        self.population = np.array([1.0, endpoint.spread])
        self.time_h = np.array([np.nan])
        self.measured_sd = np.array([-1.0])

    _kept = (
        "models", "outliers", "transients", "squares", "deaths", "photons", "variance_sums",
        "population", "time_h", "measured_sd",
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
            float(_posterior(self.transients) @ TRANSIENT_RATES),
            self.hazard,
            float(max(scale, 0.9 if known else 1.0)),
            300.0 if known else 30.0,
        )

    @property
    def noise_variance(self) -> float:
        """Relative variance of a neuron whose measured deviation is not given."""
        start = 5.0 * self.endpoint.white_unmeasured**2
        return float((start + self.variance_sums[0]) / (5.0 + self.variance_sums[1]))

    @property
    def hazard(self) -> float:
        """Deaths per neuron-day, learnt from calls."""
        return float((1.0 + self.deaths[0]) / (1.0 / DEATHS_PER_DAY + self.deaths[1]))

    def _best_model(self) -> tuple[float, float]:
        """Return white noise and drift, root mean square over their posterior.

        Along each axis the log posterior is a parabola through its top and both
        neighbours; its curvature is the estimate's own uncertainty.
        """
        grid = (self.model_prior + self.models).reshape(STEPS.size, STEPS.size)
        top = np.unravel_index(int(grid.argmax()), grid.shape)
        white = _parabola(grid[:, top[1]], int(top[0]))
        drift = _parabola(grid[top[0]], int(top[1]))
        unit = self.white[0] / STEPS[0]
        return float(unit * white), float(self.endpoint.drift * drift)

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

    def count_deaths(self, called: int, days: float) -> None:
        """Take in the deaths called at a visit and the neuron-days since the last."""
        self.deaths += [float(called), days]

    def learn(self, time_h: float, statistics: Floats) -> None:
        """Take in the sum over living neurons of what `sufficient_statistics` returned."""
        if np.isfinite(self.time_h[0]):
            keep = np.exp(-(time_h - self.time_h[0]) / MEMORY_H)
            for name in ("models", "outliers", "transients", "squares"):
                getattr(self, name)[:] *= keep
        self.time_h[0] = time_h
        at = np.cumsum([self.models.size, self.outliers.size, self.transients.size])
        self.models += statistics[: at[0]]
        self.outliers += statistics[at[0] : at[1]]
        self.transients += statistics[at[1] : at[2]]
        self.squares += statistics[at[2] :]

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
        return {name: getattr(self, name).copy() for name in self._kept}

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Take over what `state` returned."""
        for name in self._kept:
            setattr(self, name, np.array(state[name], dtype=np.float64))


N_STATISTICS = STEPS.size**2 + len(OUTLIERS) + TRANSIENT_RATES.size + 2
"""Numbers that one value of one neuron teaches."""


def sufficient_statistics(out: Floats, models: Floats) -> Floats:
    """Return what each value of a visit says about living neurons, (n, N_STATISTICS).

    Log likelihoods of noise models, of outliers and of transients, then the normalised
    squared innovation and its weight.
    """
    share = out[:, 4:5]
    later = (out[:, 3] > 0) * out[:, 4] * out[:, 2]
    squares = np.column_stack([later * out[:, 3], later])
    return np.hstack([share * models, out[:, 5:], squares])


def _parabola(log_posterior: Floats, top: int) -> float:
    """Return the root mean square of a step whose log posterior is given on `STEPS`."""
    width = float(np.log(STEPS[1] / STEPS[0]))
    middle = min(max(top, 1), STEPS.size - 2)
    low, at, high = log_posterior[middle - 1 : middle + 2].tolist()
    curvature = max(2.0 * at - low - high, 1e-3) / width**2
    shift = 0.5 * (high - low) / width / curvature
    shift = min(max(shift, -1.5 * width), 1.5 * width)
    return float(STEPS[middle] * np.exp(shift + min(1.0 / curvature, 0.5)))


def _posterior(log_weights: Floats) -> Floats:
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def dead_on_arrival(above: Floats, spread: float) -> NDArray[np.bool_]:
    """Return which neurons stand, by their first visits, at the level of the dead.

    ``above`` is the ln of the ratio over the living's median, ``spread`` the living's log
    sd. A merely bright neuron is alive: only what the living's own spread does not explain
    is named.
    """
    wide = np.hypot(spread, ARRIVAL_SD)
    odds = -0.5 * ((above - ARRIVAL_FOLD) / wide) ** 2 + 0.5 * (above / spread) ** 2
    odds += np.log(spread / wide * ARRIVAL_PRIOR / (1.0 - ARRIVAL_PRIOR))
    sure = odds > np.log(ARRIVAL_CERTAINTY / (1.0 - ARRIVAL_CERTAINTY))
    return np.asarray(sure & (above > 0.0))
