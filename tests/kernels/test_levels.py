"""Medians of groups and remembered levels: the kernels against their readable twins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import levels
from reference import levels as slow_levels


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 30), st.integers(1, 5))
def test_group_medians_equals_its_twin(seed, n, groups):
    rng = np.random.default_rng(seed)
    group, use = rng.integers(0, groups, n), rng.random(n) < 0.7
    values = np.where(use, rng.choice([-1.0, 0.0, 2.0, rng.normal()], n), np.nan)
    mine = levels.group_medians(values, use, group, groups)
    np.testing.assert_array_equal(mine, slow_levels.group_medians(values, use, group, groups))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from([0.0, 1.0, 1e3]))
def test_remember_equals_its_twin(seed, n, unit):
    rng = np.random.default_rng(seed)
    mine, theirs = np.zeros((2, 5, n, 2))
    for k in range(12):
        rows = rng.permutation(n)[: rng.integers(1, n + 1)]
        jump = 3.0 if k > 6 else 1.0
        value = unit * rng.choice([1.0, jump, -1.0]) * np.exp(rng.normal(0, 0.1, rows.size))
        measured, use = 0.01 * rng.random(rows.size), rng.random(rows.size) < 0.8
        for module, held in ((levels, mine), (slow_levels, theirs)):
            module.remember(rows, value, measured, use, k % 2, *held, 0.12, 3.0, 10.0)
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


def test_a_level_that_is_left_for_good_is_learnt_anew():
    held = np.zeros((5, 1, 1))
    rows, measured, use = np.zeros(1, np.int64), np.zeros(1), np.ones(1, np.bool_)
    seen = []
    for value in (1.0, 1.0, 9.0, 9.0, 9.0):
        levels.remember(rows, np.array([value]), measured, use, 0, *held, 0.12, 3.0, 10.0)
        seen.append(held[0, 0, 0])
    assert max(seen[:4]) < 2.0
    assert seen[4] == 9.0
