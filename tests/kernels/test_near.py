from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import near
from reference import near as twin


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(0, 12),
    m=st.integers(0, 30),
    spread=st.sampled_from([(1.0, 1.0), (10.0, 10.0), (1e4, 1e4), (0.0, 50.0), (0.0, 0.0)]),
)
def test_near_pairs_equals_its_twin(seed, n, m, spread):
    rng = np.random.default_rng(seed)
    points, others = (rng.uniform(-1, 1, (k, 2)) * spread for k in (n, m))
    reaches = rng.uniform(0, 5, n) * rng.integers(0, 2, n)
    fast, slow = (kind.near_pairs(points, others, reaches) for kind in (near, twin))
    for got, expected in zip(fast, slow, strict=True):
        np.testing.assert_allclose(got, expected)


def test_every_pair_of_a_crowd_is_listed():
    points = np.zeros((20, 2))
    assert near.near_pairs(points, points, np.ones(20))[0].size == 400


def test_what_is_just_out_of_reach_is_no_pair():
    points, others = np.zeros((1, 2)), np.array([(0.0, 3.0), (0.0, np.nextafter(3.0, 4.0))])
    assert near.near_pairs(points, others, np.array([3.0]))[1].tolist() == [0]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(1, 40), side=st.sampled_from([0.0, 0.3, 9.0]))
def test_cells_of_equals_its_twin(seed, m, side):
    points = np.random.default_rng(seed).uniform(-3, 3, (m, 2))
    order, starts, shape, frame = near.cells_of(points, side)
    assert frame[2] >= side
    cells = [order[a:b].tolist() for a, b in pairwise(starts)]
    assert cells == twin.cells_of(points, shape, frame)
