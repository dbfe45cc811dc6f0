"""Exponential and logarithm of the kernels against those of the C library."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels.elementary import EXP_FLOOR, exp_below_zero, log_near_one
from reference import elementary as slow


@settings(deadline=None)
@given(st.floats(-80.0, 0.0, width=32))
def test_the_exponential_is_exact_to_a_part_in_fifty_thousand(x):
    assert exp_below_zero(np.float32(x)) == pytest.approx(slow.exp_below_zero(x), rel=2e-5)
    assert exp_below_zero(np.float64(x)) == pytest.approx(slow.exp_below_zero(x), rel=1e-6)


def test_the_exponential_of_less_than_its_floor_is_that_of_its_floor():
    assert exp_below_zero(np.float32(-1e30)) == exp_below_zero(np.float32(EXP_FLOOR)) > 0.0


@settings(deadline=None)
@given(st.floats(0.5, 2.0))
def test_the_logarithm_near_one_is_exact_to_1e_8(q):
    assert log_near_one(q) == pytest.approx(slow.log_near_one(q), abs=1e-8)


def test_far_from_one_the_logarithm_is_the_callers_to_see_to():
    assert abs(log_near_one(20.0) - slow.log_near_one(20.0)) > 1e-3
