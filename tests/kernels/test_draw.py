import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import draw
from reference import draw as twin


def cloud(seed, n=30, owners=4, shape=(7, 9)):
    rng = np.random.default_rng(seed)
    y, x = rng.normal(0, 2, (2, n)).astype(np.float32)
    weight = rng.random(n).astype(np.float32)
    owner = rng.integers(0, owners, n).astype(np.int32)
    places = np.column_stack(
        [
            rng.uniform(-3, shape[0] + 2, owners),
            rng.uniform(-3, shape[1] + 2, owners),
            rng.uniform(0.2, 2, owners),
            rng.choice([0.0, 1.0, 50.0], owners),
        ]
    )
    return y, x, weight, owner, places


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), turn=st.floats(-3.2, 3.2))
def test_add_points_equals_its_twin(seed, turn):
    fast, slow = np.zeros((7, 9), np.float32), np.zeros((7, 9))
    draw.add_points(fast, *cloud(seed), turn)
    twin.add_points(slow, *cloud(seed), turn)
    np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=1e-4)


def test_light_inside_the_frame_is_kept():
    y, x, weight, owner, places = cloud(1)
    places[:, 0], places[:, 1], places[:, 2] = 3.2, 4.1, 0.1
    image = np.zeros((7, 9), np.float32)
    draw.add_points(image, y, x, weight, owner, places, 0.3)
    assert image.sum() == pytest.approx((weight * places[owner, 3]).sum(), rel=1e-5)


def test_a_turn_of_a_quarter_swaps_the_axes():
    image = np.zeros((9, 9), np.float32)
    one = np.array([3.0], np.float32), np.array([0.0], np.float32), np.ones(1, np.float32)
    draw.add_points(image, *one, np.zeros(1, np.int32), np.array([[4.0, 4.0, 1.0, 1.0]]), np.pi / 2)
    assert image[4, 1] == pytest.approx(1.0, abs=1e-5)
