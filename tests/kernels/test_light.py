import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import background, light
from reference import light as twin

SEEDS = st.integers(0, 10_000)
SIDES = st.integers(1, 30)
KINDS = {"uint16": np.uint16, "float32": np.float32}


def frame(seed, shape, dtype):
    rng = np.random.default_rng(seed)
    raw = rng.poisson(100, shape).astype(dtype)
    raw[rng.random(shape) < 0.02] = 60_000
    mesh = tuple(min(n, side) for n, side in zip((3, 2), shape, strict=True))
    return raw, rng.uniform(0, 40, mesh).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, width=st.integers(2, 60))
def test_spread_rows_equals_its_twin(seed, width):
    levels = np.random.default_rng(seed).random((3, 2)).astype(np.float32)
    fast = light.spread_rows(levels, width)
    np.testing.assert_allclose(fast, twin.spread_rows(levels, width), atol=2e-5)


@settings(max_examples=40, deadline=None)
@given(
    seed=SEEDS,
    shape=st.tuples(SIDES, SIDES),
    place=st.tuples(st.integers(-9, 30), st.integers(-9, 30)),
    size=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    dtype=st.sampled_from(sorted(KINDS)),
)
def test_cut_light_equals_its_twin(seed, shape, place, size, dtype):
    raw, mesh = frame(seed, shape, KINDS[dtype])
    lines = light.spread_rows(mesh, shape[1])
    given_ = (raw, 90.0, 0.46, lines, *place, 300.0)
    fast, slow = np.full((2, *size), np.nan, np.float32)
    light.cut_light(*given_, fast)
    twin.cut_light(*given_, slow)
    np.testing.assert_allclose(fast, slow, rtol=1e-5, atol=1e-3)


def test_a_window_is_a_part_of_the_frame_also_where_the_pixels_are_not_together():
    raw, mesh = frame(3, (40, 60), np.uint16)
    lines = light.spread_rows(mesh, 30)
    apart = raw[:, ::2]
    whole, part = np.empty(apart.shape, np.float32), np.empty((12, 9), np.float32)
    light.cut_light(apart, 90.0, 0.5, lines, 0, 0, 300.0, whole)
    light.cut_light(apart, 90.0, 0.5, lines, 7, 4, 300.0, part)
    np.testing.assert_array_equal(part[1:-1, 1:-1], whole[8:18, 5:12])


@pytest.mark.parametrize("dtype", KINDS.values(), ids=KINDS)
def test_the_light_is_that_of_the_frame_without_its_background(dtype):
    raw, mesh = frame(4, (33, 47), dtype)
    flat, out = np.empty((2, *raw.shape), np.float32)
    background.subtract_levels((0.5 * (raw - np.float32(90.0))).astype(np.float32), mesh, flat)
    background.despeckle(flat, 300.0)
    light.cut_light(raw, 90.0, 0.5, light.spread_rows(mesh, 47), 0, 0, 300.0, out)
    np.testing.assert_allclose(out, flat, rtol=1e-5, atol=1e-3)
    assert (out > 20_000).sum() < (raw > 50_000).sum()


@settings(max_examples=40, deadline=None)
@given(
    seed=SEEDS,
    shape=st.tuples(st.integers(2, 30), st.integers(2, 30)),
    factor=st.integers(1, 5),
    dtype=st.sampled_from(sorted(KINDS)),
)
def test_bin_light_equals_its_twin(seed, shape, factor, dtype):
    raw, _ = frame(seed, shape, KINDS[dtype])
    raw[raw > 50_000] = 180
    lines = np.linspace(3, 9, shape[1], dtype=np.float32) + np.float32([[0.0], [4.0]])
    size = [-(-side // factor) for side in shape]
    fast, slow = np.full((2, *size), np.nan, np.float32)
    given_ = (raw, 90.0, 0.46, lines[: min(2, shape[0])].copy(), 1e6, factor)
    light.bin_light(*given_, fast, 0, size[0])
    twin.bin_light(*given_, slow, 0, size[0])
    np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=2.0 * factor**2 / 4)


def test_strips_of_blocks_are_those_of_the_whole():
    raw, mesh = frame(8, (61, 45), np.uint16)
    given_ = (raw, 90.0, 0.5, light.spread_rows(mesh, 45), 40.0, 4)
    whole, parts = np.empty((2, 16, 12), np.float32)
    light.bin_light(*given_, whole, 0, 16)
    light.bin_light(*given_, parts, 0, 7)
    light.bin_light(*given_, parts, 7, 16)
    np.testing.assert_array_equal(whole, parts)


def test_a_hot_pixel_does_not_light_up_its_block():
    raw = np.full((20, 20), 100, np.uint16)
    raw[9, 6] = 5000
    raw[12:20, 12:20] = 900
    out = np.empty((5, 5), np.float32)
    light.bin_light(raw, 100.0, 1.0, np.zeros((1, 20), np.float32), 50.0, 4, out, 0, 5)
    assert out[2, 1] == 0
    assert (out[3:, 3:] == 16 * 800).all()
