"""The product of several channels' evidence against its twin, and its expectation in the living."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.detection.further import Together
from livedeath.detection.learning import ENDPOINTS
from livedeath.detection.record import empty_bank
from livedeath.kernels import fuse
from livedeath.kernels.fuse import Steps
from reference import fuse as twin


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_by_onset_equals_its_twin(seed):
    rng = np.random.default_rng(seed)
    bank = empty_bank(3, 5, ENDPOINTS["indicator_rise"].deaths)
    bank.used[:] = 0, 2, 5
    bank.order[:] = rng.permuted(bank.order, axis=1)
    bank.weight[:] = rng.exponential(size=bank.weight.shape) * 10.0 ** rng.uniform(-30, 25)
    bank.weight[2, bank.order[2, 1]] = 0.0
    edges = np.sort(rng.uniform(0.0, 50.0, (3, 6)), axis=1)
    for r in range(3):
        bank.from_h[r, bank.order[r]], bank.until_h[r, bank.order[r]] = edges[r, :-1], edges[r, 1:]
    rows, living = np.array([2, -1, 1, 0]), rng.exponential(size=4)
    law = rng.random(bank.weight.shape[2])
    a, b = fuse.by_onset(bank, rows, living, law), twin.by_onset(bank, rows, living, law)
    np.testing.assert_allclose(a, b, rtol=1e-6)


def _cells(rng, n, most):
    """Return steps that ascend, some beside one another, some apart, some not in use."""
    cells = np.full((n, most, 3), np.inf)
    for i in range(n):
        used = rng.integers(0, most + 1)
        edges = np.sort(rng.uniform(0.0, 20.0, 2 * used))
        begins, ends = edges[::2], edges[1::2].copy()
        near = rng.random(max(used - 1, 0)) < 0.5
        ends[:-1][near] = begins[1:][near]
        cells[i, :used] = np.column_stack([begins, ends, rng.normal(0.0, 4.0, used)])
        cells[i, :used, 2][rng.random(used) < 0.1] = -np.inf
    return cells


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([-np.inf, 0.0]))
def test_fuse_equals_its_twin(seed, channels, between):
    rng = np.random.default_rng(seed)
    n = 4
    cells = np.array([_cells(rng, n, 5) for _ in range(channels)])
    watched = np.sort(rng.uniform(0.0, 20.0, (channels, n, 2)), axis=2)
    watched[rng.random((channels, n)) < 0.2] = np.nan
    start_h, end_h = np.sort(rng.uniform(0.0, 22.0, (2, n)), axis=0)
    start_h[0] = np.nan
    groups, powers = np.arange(2**channels), rng.uniform(0.3, 1.0, 2**channels)
    steps = Steps(cells, watched, between)
    a = fuse.fuse(steps, start_h, end_h, groups, powers)
    b = twin.fuse(steps, start_h, end_h, groups, powers)
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    assert np.isneginf(a[0]).all()


def test_no_ratio_makes_a_statistic_that_is_not_finite():
    cells = np.array([[[[0.0, 24.0, fuse.LOG_MOST]]]] * 5)
    watched = np.array([[[0.0, 24.0]]] * 5)
    steps = Steps(cells, watched, -np.inf)
    said = fuse.fuse(steps, np.zeros(1), np.full(1, 24.0), np.array([31]), np.ones(32))
    assert 400.0 < said[0, 0] <= 600.0


VISITS, NEURONS = 30, 20_000
SHIFT = 0.7
"""By how many standard deviations a death shifts a value, in each of two channels."""


def _living(correlation, seed):
    """Return the deviations of two channels of living neurons, (2, neuron, visit)."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, NEURONS, VISITS))
    return np.array([first, correlation * first + np.sqrt(1.0 - correlation**2) * second])


def _steps(deviations, upto):
    """Return what each channel says, exactly: onsets between hourly visits, known shift."""
    gain = SHIFT * deviations[:, :, :upto] - 0.5 * SHIFT**2
    after = np.cumsum(gain[:, :, ::-1], axis=2)[:, :, ::-1]
    hours = np.broadcast_to(np.arange(upto, dtype=float), after.shape)
    cells = np.stack([hours, hours + 1.0, after], axis=3)
    watched = np.zeros((2, deviations.shape[1], 2))
    watched[:, :, 1] = upto
    return Steps(cells, watched, -np.inf)


def _mean(correlation, powers, upto=10, seed=0):
    """Return the mean statistic of both channels in the living, hours, and its error."""
    steps = _steps(_living(correlation, seed), upto)
    n = steps.watched.shape[1]
    ln = fuse.fuse(steps, np.zeros(n), np.full(n, float(upto)), np.array([3]), powers)
    hours = 24.0 * np.exp(ln[:, 0])
    return hours.mean(), hours.std() / np.sqrt(n)


def test_independent_channels_expect_the_time_watched():
    mean, error = _mean(0.0, np.ones(4), upto=4)
    assert abs(mean - 4.0) < 4.0 * error
    assert error < 0.2


@pytest.mark.parametrize("correlation", [0.3, 0.7, 1.0])
def test_the_power_keeps_channels_that_vary_together_below_the_time_watched(correlation):
    together = Together(2, 1e-3)
    together.counts[:] = together.counts + 1e9
    together.sums[:] = 1e9 * np.array([[1.0, correlation], [correlation, 1.0]])
    np.testing.assert_allclose(together.correlation[0, 1], correlation, atol=1e-5)
    powers = together.powers()
    assert powers[3] == pytest.approx(1.0 / (1.0 + correlation), rel=1e-5)
    assert powers[1] == powers[2] == 1.0
    mean, error = _mean(correlation, powers, upto=6)
    assert mean < 6.0 + 3.0 * error
    # Untempered it is wrong: the check can fail.
    wrong, _ = _mean(correlation, np.ones(4), upto=6)
    assert wrong > 8.0


def test_of_one_channel_it_is_the_sum_of_its_weights():
    steps = _steps(_living(0.0, 3), 8)
    n = steps.watched.shape[1]
    alone = fuse.fuse(steps, np.zeros(n), np.full(n, 8.0), np.array([1]), np.ones(4))
    expected = np.exp(steps.cells[0, :, :, 2]).sum(axis=1) / 24.0
    np.testing.assert_allclose(np.exp(alone[:, 0]), expected, rtol=1e-9)
