import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import placing
from reference import placing as twin

FREE = (1e3, 1e3)


def fitted(before, after, *, sds=FREE):
    turn, scale, cy, cx, dy, dx, _ = placing.fit_placing(before, after, *sds)
    centre, shift = np.array([cy, cx]), np.array([dy, dx])
    return lambda points: twin.placed(points, turn, scale, centre, shift)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(4, 30),
    turn=st.floats(-0.3, 0.3),
    scale=st.floats(0.97, 1.03),
)
def test_fit_placing_equals_its_twin_where_no_pair_is_wild(seed, n, turn, scale):
    rng = np.random.default_rng(seed)
    before = rng.uniform(0, 500, (n, 2))
    after = twin.placed(before, turn, scale, np.zeros(2), np.array([7.0, -20.0]))
    after += rng.uniform(-0.04, 0.04, after.shape)  # within what a pair is believed to
    fast, slow = fitted(before, after), twin.fit_placing(before, after)
    np.testing.assert_allclose(fast(before), slow(before), atol=0.03)
    np.testing.assert_allclose(fast(before), after, atol=0.2)


def test_a_minority_that_moved_by_itself_has_no_say():
    rng = np.random.default_rng(1)
    before = rng.uniform(0, 500, (40, 2))
    after = twin.placed(before, 0.02, 1.0, np.zeros(2), np.array([3.0, 4.0]))
    wild = after.copy()
    wild[:12] += rng.uniform(10, 30, (12, 2))
    np.testing.assert_allclose(fitted(before, wild)(before), after, atol=0.05)


@pytest.mark.parametrize(("n", "share"), [(4, 0.4), (400, 1.0)])
def test_few_restless_points_hardly_turn_the_field(n, share):
    """Four neurons that move two px say little of a turn, 400 say all."""
    rng, turns = np.random.default_rng(2), []
    for _ in range(200):
        before = rng.uniform(0, 200, (n, 2))
        after = before + rng.normal(0, 2.0, before.shape)
        turns.append(placing.fit_placing(before, after, 0.0035, 0.001)[0])
    free = np.std(
        [
            placing.fit_placing(p, p + rng.normal(0, 2.0, p.shape), *FREE)[0]
            for p in rng.uniform(0, 200, (200, n, 2))
        ]
    )
    assert np.std(turns) <= share * free * 1.15


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_points_give_a_shift_alone(n):
    before = np.array([(10.0, 20.0), (60.0, 80.0)])[:n]
    turn, scale, *_, dy, dx, _ = placing.fit_placing(before, before + np.array([3.0, -1.0]), *FREE)
    assert (turn, scale) == (0.0, 1.0)
    assert (dy, dx) == pytest.approx((3.0, -1.0))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 8), m=st.integers(0, 8))
def test_vote_equals_its_twin(seed, n, m):
    rng = np.random.default_rng(seed)
    before, after = rng.uniform(0, 40, (n, 2)), rng.uniform(0, 40, (m, 2))
    turns = np.array([-0.1, 0.0, 0.1])
    got = placing.vote(before, after, turns, 12.0, 4.0)
    np.testing.assert_allclose(got, twin.vote(before, after, turns, 12.0, 4.0))


def test_the_turn_with_most_votes_is_the_true_one():
    rng = np.random.default_rng(3)
    before = rng.uniform(0, 500, (60, 2))
    after = twin.placed(before[::4], 0.1, 1.0, np.zeros(2), np.array([60.0, -90.0]))
    after = np.vstack([after, rng.uniform(0, 500, (15, 2))])
    turns = np.linspace(-0.2, 0.2, 41)
    votes = placing.vote(before, after, turns, 200.0, 6.0)
    best = votes[:, 0].argmax()
    assert turns[best] == pytest.approx(0.1, abs=0.011)
    assert votes[best, 1:] == pytest.approx((60.0, -90.0), abs=9.0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 3), half=st.integers(1, 6))
def test_turned_equals_its_twin(seed, n, half):
    rng, side = np.random.default_rng(seed), 2 * half + 1
    patches = rng.random((n, side, side)).astype(np.float32)
    patches[:, [0, -1]] = patches[:, :, [0, -1]] = 0  # SciPy fades beyond the edge, not we
    turn = rng.uniform(-0.5, 0.5)
    np.testing.assert_allclose(placing.turned(patches, turn), twin.turned(patches, turn), atol=1e-4)


def test_a_patch_turned_by_a_right_angle_is_the_patch_turned():
    patch = np.arange(25, dtype=np.float32).reshape(1, 5, 5)
    there = placing.turned(patch, np.pi / 2)[0]
    np.testing.assert_allclose(there, np.rot90(patch[0]), atol=1e-4)  # y goes to x


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 20))
def test_moved_and_n_inside_equal_their_twins(seed, n):
    rng = np.random.default_rng(seed)
    points = rng.choice([0.0, 10.0, 99.5, 100.0, -1e-9], (n, 2))
    told = (points, rng.uniform(-3, 3), rng.uniform(0.9, 1.1), *rng.uniform(-50, 50, 2))
    np.testing.assert_allclose(placing.moved(*told), twin.moved(*told), atol=1e-9)
    assert placing.n_inside(points, 100.0, 99.5) == twin.n_inside(points, 100.0, 99.5)
