"""The kernels that weigh death against a return, beside their readable twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import recovery
from livedeath.kernels.baseline import Noise
from reference import recovery as slow

NOISE = Noise(
    0.05, 0.08, 12.0, 0.004, 0.00125, 1.0, 0.31, 0.01, 1e-3,
    np.array([0.2]), 0.05, 1.1, 100.0, 4e-5,
)  # fmt: skip
LEAK_H = np.array([np.inf, 1.0, 4.0, 16.0])
DECAY_H = np.array([0.0, 1.0, 4.0])
FIRST, CALL = 6, 7


def _trace(seed, n=18, after=3.0, then=1.0):
    """Return a trace that changes at FIRST and goes to ``then`` two visits after the call."""
    rng = np.random.default_rng(seed)
    time_h = np.cumsum(rng.choice([0.25, 1.0, 4.0], n))
    course = np.ones(n)
    course[FIRST:] = after
    course[CALL + 2 :] = then
    fill = np.exp(rng.normal(0.0, 0.05, n))
    fixed = (0.02 + 0.05 * rng.random(n)) ** 2
    value = course * fill * np.exp(rng.normal(0.0, 0.05, n))
    return time_h, value, fill, fixed, 0.5 * fixed, 0.05 * rng.random(n)


@pytest.mark.parametrize("zero", [0.0, 0.4])
@pytest.mark.parametrize("then", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_weights_equal_those_of_the_twin(seed, then, zero):
    arguments = (*_trace(seed, then=then), NOISE, zero, FIRST, CALL, LEAK_H, DECAY_H)
    fast, plain = recovery.weigh_return(*arguments), slow.weigh_return(*arguments)
    np.testing.assert_allclose(fast, plain, atol=0.01)  # what is alike is followed as one
    assert np.isnan(fast[: CALL + 1]).all()
    assert np.isfinite(fast[CALL + 1 :]).all()


@pytest.mark.parametrize("after", [0.3, 1.0, 4.0])
def test_the_change_is_as_likely_as_by_the_twin(after):
    arguments = (*_trace(3, after=after), NOISE, 0.0, 2)
    fast, plain = recovery.change_likelihood(*arguments), slow.change_likelihood(*arguments)
    np.testing.assert_allclose(fast[2:], plain[2:], atol=1e-9)
    assert np.isneginf(fast[:2]).all()


def test_a_change_is_found_where_it_begins():
    time_h, *rest = _trace(4, n=CALL + 2)
    likely = recovery.change_likelihood(time_h, *rest, NOISE, 0.0, 1)
    assert likely.argmax() == FIRST


@pytest.mark.parametrize(("then", "lives"), [(1.0, True), (0.0, False), (3.0, False)])
def test_what_stays_at_the_baseline_came_back_and_nothing_else(then, lives):
    found = recovery.weigh_return(
        *_trace(5, n=30, then=then), NOISE, 0.0, FIRST, CALL, LEAK_H, DECAY_H
    )
    odds = found[-1, 1] - found[-1, 0]
    assert (odds > 7.0) == lives
    assert (odds < -3.0) == (not lives)
    if lives:
        assert found[-1, 2] == CALL + 2
        assert found[-1, 3] >= 0.9 * (30 - CALL - 2)


def test_values_known_exactly_end_no_analysis():
    time_h, _, fill, _, _, _ = _trace(7)
    nothing = np.zeros(time_h.size)
    exact = NOISE._replace(white=0.0, drift=0.0, tail=0.0, outlier=0.0)
    for then in (0.0, 1.0, 4.0):
        value = np.ones(time_h.size)
        value[FIRST : CALL + 2], value[CALL + 2 :] = 2.0, then
        arguments = (time_h, value * fill, fill, nothing, nothing, nothing, exact, 0.0)
        found = recovery.weigh_return(*arguments, FIRST, CALL, LEAK_H, DECAY_H)
        assert np.isfinite(found[CALL + 1 :, :2]).all()
        assert np.isfinite(recovery.change_likelihood(*arguments, FIRST)[FIRST:]).all()


def _decaying(after, to, tau_h=6.0, n=60):
    """Return a trace that changes at once and goes exponentially to the baseline or to zero."""
    time_h, _, fill, fixed, slope, relative = _trace(8, n=n)
    time_h = np.arange(float(n))
    rest = np.exp(-np.maximum(time_h - FIRST, 0.0) / tau_h)
    course = np.where(time_h < FIRST, 1.0, to + (after - to) * rest)
    noise = np.exp(np.random.default_rng(8).normal(0.0, 0.05, n))
    return time_h, course * noise * fill, fill, fixed, slope, relative


def test_a_decay_to_the_baseline_is_told_from_a_leak_to_nothing():
    arguments = (NOISE, 0.0, FIRST, CALL, LEAK_H, DECAY_H)
    decays = recovery.weigh_return(*_decaying(4.0, 1.0, tau_h=4.0), *arguments)
    leaks = recovery.weigh_return(*_decaying(4.0, 0.0, tau_h=4.0), *arguments)
    assert decays[-1, 1] - decays[-1, 0] > 7.0
    # It is at the baseline when what is left is lost in the noise, not when it begins to fall.
    assert FIRST + 6 <= decays[-1, 2] <= FIRST + 20
    assert np.nanmax(leaks[:, 1] - leaks[:, 0]) < 7.0


VALUES = st.one_of(st.sampled_from([0.0, 1.0, 2.0]), st.floats(-1e100, 1e100))


@given(st.lists(VALUES, min_size=8, max_size=24), st.sampled_from([0.0, 1e-9, 0.05]))
@settings(max_examples=60, deadline=None)
def test_extreme_but_finite_values_give_numbers(values, noise):
    n = len(values)
    value, some = np.array(values), np.full(n, noise)
    kind = NOISE._replace(white=noise, drift=noise)
    arguments = (np.arange(float(n)), value, np.ones(n), some**2, some, some, kind, 0.0)
    found = recovery.weigh_return(*arguments, 3, 4, LEAK_H, DECAY_H)
    assert np.isfinite(found[5:]).all()
    assert np.isfinite(recovery.change_likelihood(*arguments, 3)[3:]).all()
