"""Signals over references in the detector's unit: the kernels against their readable twins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import ratio
from reference import ratio as slow_ratio


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.sampled_from([0.0, 0.02, 0.3]))
def test_follow_reference_equals_its_twin(seed, n, sd):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 3, n)
    reference = 100.0 * rng.choice([1.0, 1.1, 0.2, 3.0], n) * np.exp(rng.normal(0, 0.05, n))
    level, var = np.zeros((2, 3)), np.full((2, 3), -1.0)
    error = np.full(n, 100.0 * sd)
    a = ratio.follow_reference(rows, reference, error, level[0], var[0])
    b = slow_ratio.follow_reference(rows, reference, error, level[1], var[1])
    np.testing.assert_allclose(a, b, rtol=1e-9)
    np.testing.assert_allclose(level[0], level[1], rtol=1e-9)
    np.testing.assert_allclose(var[0], var[1], rtol=1e-9, atol=1e-12)


def visit(rng, n):
    """Return random columns of a visit of some of n neurons; some deviations are not stated."""
    rows = rng.permutation(n)[: rng.integers(0, n + 1)]
    m = rows.size
    signal = rng.normal(50.0, 40.0, m)
    reference = 100.0 * rng.choice([-0.01, 0.02, 1.0, 3.0], m) * np.exp(rng.normal(0, 0.05, m))
    sds = (np.where(rng.random(m) < 0.3, np.nan, rng.choice([0.0, 5.0, 60.0], m)) for _ in "sr")
    at = np.flatnonzero(rng.random(m) < 0.8)
    merged, variance = rng.random(m) < 0.2, rng.choice([0.01, 0.3, 2.0], at.size)
    signal_sd, reference_sd = sds
    return at, rows, signal, signal_sd, reference, reference_sd, merged, variance


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.booleans(), st.sampled_from([0.0, 0.7]))
def test_in_unit_equals_its_twin(seed, n, divides, offset):
    rng = np.random.default_rng(seed)
    level, var = np.zeros((2, n)), np.full((2, n), -1.0)
    for _ in range(4):
        *given_columns, variance = visit(rng, n)
        told = [
            module.in_unit(*given_columns, divides, variance, level[k], var[k], 1.3, offset)
            for k, module in enumerate((ratio, slow_ratio))
        ]
        for mine, theirs in zip(*told, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9)
        np.testing.assert_allclose(level[0], level[1], rtol=1e-9)
        np.testing.assert_allclose(var[0], var[1], rtol=1e-9, atol=1e-12)


def test_a_reference_known_to_nothing_makes_no_ratio():
    one = np.ones(3)
    sd = np.array([0.1, 0.5, 0.1])
    reference = np.array([1.0, 1.0, -1.0])
    at = ratio.in_unit(
        np.arange(3), np.arange(3), one, 0.1 * one, reference, sd, one < 0, True, 0.0 * one,
        np.zeros(3), np.full(3, -1.0), 1.0, 0.0,
    )[0]  # fmt: skip
    assert at.tolist() == [0]
