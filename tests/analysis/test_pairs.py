import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.analysis import pairs
from reference import pairs as twin


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(0, 12),
    m=st.integers(0, 12),
    spread=st.sampled_from([1.0, 10.0, 1e4]),
)
def test_pairs_within_equals_its_twin(seed, n, m, spread):
    rng = np.random.default_rng(seed)
    points, others = rng.uniform(-spread, spread, (n, 2)), rng.uniform(-spread, spread, (m, 2))
    reaches = rng.uniform(0, 5, n)
    fast, slow = (kind.pairs_within(points, others, reaches) for kind in (pairs, twin))
    for got, expected in zip(fast, slow, strict=True):
        np.testing.assert_allclose(got, expected)


def test_every_pair_of_a_crowd_is_listed():
    points = np.zeros((20, 2))
    assert pairs.pairs_within(points, points, np.ones(20))[0].size == 400


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 8), k=st.integers(0, 10))
def test_groups_equals_its_twin(seed, n, k):
    rng = np.random.default_rng(seed)
    first, second = np.sort(rng.integers(0, n, k)), rng.integers(0, n, k)
    fast = pairs.groups(first, second, n, n)
    np.testing.assert_array_equal(fast, twin.groups(first, second, n, n))
