"""Frames are described as their readable twin describes them, whatever their type."""

import numpy as np
import pytest

from livedeath.kernels import frames
from reference import frames as twin

SHAPES = {"square": (1, 64, 64), "odd": (1, 37, 53), "planes": (3, 40, 48), "flat": (1, 8, 90)}


def stack_of(shape, dtype, seed):
    rng = np.random.default_rng(seed)
    light = 100 + rng.poisson(60, shape) + 40 * rng.random(shape)
    light[:, shape[1] // 2, : shape[2] // 2] = 250
    return light.astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_frame_is_described_as_by_the_twin(shape, dtype):
    stack = stack_of(shape, dtype, 3)
    asked = (2, 3, (2, 3), (2, 5), 250.0)
    levels, structure = frames.digest(stack, *asked)
    slow_levels, slow_structure = twin.digest(stack, *asked)
    np.testing.assert_allclose(levels, slow_levels, rtol=1e-3, atol=0.05)
    np.testing.assert_allclose(structure, slow_structure, rtol=1e-4)


def test_few_bright_pixels_do_not_move_a_level():
    rng = np.random.default_rng(1)
    quiet = rng.normal(100, 5, (200, 2)).astype(np.float32)
    bright = quiet.copy()
    bright[:20] = 5000
    found = frames.clipped_levels(bright, 200)
    np.testing.assert_allclose(found[:, 0], quiet[20:].mean(axis=0), atol=0.5)
    assert (found[:, 1] < 6).all()
    np.testing.assert_allclose(found, twin.clipped_levels(bright, 200), rtol=1e-3)


def test_independent_noise_differs_as_much_over_any_distance():
    rng = np.random.default_rng(2)
    noise = rng.normal(500, 10, (1, 400, 400))
    _, structure = frames.digest(noise, 4, 5, (4, 4), (4, 16), np.inf)
    np.testing.assert_allclose(structure[:3], 200.0, rtol=0.04)
    blobs = noise + 50 * (np.indices((400, 400))[1] // 10 % 2)
    _, structure = frames.digest(blobs, 4, 5, (4, 4), (4, 10), np.inf)
    assert structure[frames.COARSE] > 2 * structure[frames.FINE] > 2 * structure[frames.NEAR]


def test_squares_and_pixels_at_the_ceiling_are_added():
    line = np.array([1.0, 4.0, 2.0, 7.0], np.float32)
    sums, counts = np.ones(3, np.float32), np.zeros(4, np.float32)
    frames.add_squares(line[:3], line[1:], sums)
    frames.add_reached(line, 4.0, counts)
    assert sums.tolist() == [10.0, 5.0, 26.0]
    assert counts.tolist() == [0.0, 1.0, 0.0, 1.0]
