import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import background
from reference import background as twin

SEEDS = st.integers(0, 10_000)


def image(seed, shape, spots=3):
    rng = np.random.default_rng(seed)
    picture = rng.normal(20, 3, shape)
    for y, x in rng.integers(0, shape, (spots, 2)):
        picture[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] += 200
    return picture.astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 200), floor=st.sampled_from([0.0, 0.6, 5.0]))
def test_sample_level_equals_its_twin(seed, n, floor):
    sample = np.sort(np.random.default_rng(seed).exponential(10, n).astype(np.float32))
    fast = background.sample_level(sample, floor)
    assert fast == pytest.approx(twin.sample_level(sample, floor), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    height=st.integers(1, 40),
    width=st.integers(4, 90),
    cols=st.integers(1, 4),
    every=st.integers(1, 4),
    dtype=st.sampled_from([np.uint16, np.float32]),
)
def test_band_samples_equals_its_twin(seed, height, width, cols, every, dtype):
    band = np.random.default_rng(seed).integers(0, 30, (height, width)).astype(dtype)
    fast, slow = np.empty((2, background.SAMPLE_ROWS * background.SAMPLE_COLS, cols), np.float32)
    counts = background.band_samples(band, 7.0, cols, every, fast)
    np.testing.assert_array_equal(counts, twin.band_samples(band, 7.0, cols, every, slow))
    np.testing.assert_array_equal(fast, slow)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 5))
def test_sort_columns_equals_its_twin(seed, n):
    side = background.SAMPLE_ROWS * background.SAMPLE_COLS
    fast = np.random.default_rng(seed).integers(0, 30, (side, n)).astype(np.float32)
    slow = fast.copy()
    background.sort_columns(fast, background.EXCHANGES)
    twin.sort_columns(slow, None)
    np.testing.assert_array_equal(fast, slow)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, width=st.integers(1, 60), n=st.integers(1, 6))
def test_spread_nodes_equals_its_twin(seed, width, n):
    nodes = np.random.default_rng(seed).random(min(n, width)).astype(np.float32)
    fast, slow = np.empty((2, width), np.float32)
    background.spread_nodes(nodes, fast)
    twin.spread_nodes(nodes, slow)
    np.testing.assert_allclose(fast, slow, atol=2e-5)


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    height=st.integers(4, 70),
    width=st.integers(4, 70),
    rows=st.integers(1, 4),
    every=st.sampled_from([1, 4]),
    dtype=st.sampled_from([np.uint16, np.float32]),
)
def test_tile_levels_equals_its_twin(seed, height, width, rows, every, dtype):
    picture = image(seed, (height, width)).clip(0).astype(dtype)
    given_ = (rows, 3, 0.6, every, 5.0)
    for fast, slow in zip(
        background.tile_levels(picture, *given_),
        twin.tile_levels(picture, *given_),
        strict=True,
    ):
        np.testing.assert_allclose(fast, slow, rtol=0.01)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, rows=st.integers(1, 6), cols=st.integers(1, 6))
def test_median_mesh_equals_its_twin(seed, rows, cols):
    mesh = np.random.default_rng(seed).random((rows, cols)).astype(np.float32)
    np.testing.assert_array_equal(background.median_mesh(mesh), twin.median_mesh(mesh))


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, rows=st.integers(1, 6), cols=st.integers(1, 6))
def test_calm_mesh_equals_its_twin(seed, rows, cols):
    mesh, reaches = np.random.default_rng(seed).random((2, rows, cols)).astype(np.float32)
    fast = background.calm_mesh(mesh, reaches)
    np.testing.assert_array_equal(fast, twin.calm_mesh(mesh, reaches))


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    mesh=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_subtract_levels_equals_its_twin(seed, shape, mesh):
    picture = image(seed, shape, spots=0)
    mesh = (min(mesh[0], shape[0]), min(mesh[1], shape[1]))
    levels = np.random.default_rng(seed).uniform(0, 9, mesh).astype(np.float32)
    fast, slow = np.empty((2, *shape), np.float32)
    background.subtract_levels(picture, levels, fast)
    twin.subtract_levels(picture, levels, slow)
    np.testing.assert_allclose(fast, slow, atol=2e-4)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, height=st.integers(1, 20), width=st.integers(1, 20))
def test_despeckle_equals_its_twin(seed, height, width):
    fast = np.random.default_rng(seed).exponential(8, (height, width)).astype(np.float32)
    slow = fast.copy()
    assert background.despeckle(fast, 4.0) == twin.despeckle(slow, 4.0)
    np.testing.assert_array_equal(fast, slow)


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS, shape=st.tuples(st.integers(1, 23), st.integers(1, 23)), factor=st.integers(1, 5)
)
def test_bin_sum_equals_its_twin(seed, shape, factor):
    picture = image(seed, shape)
    fast = background.bin_sum(picture, factor)
    np.testing.assert_allclose(fast, twin.bin_sum(picture, factor), rtol=1e-5)


@pytest.mark.parametrize("scene", ["smooth", "textured"])
def test_a_quarter_of_the_rows_shows_the_level_within_a_tenth_of_a_noise(scene):
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:192, :192]
    picture = rng.normal(300 + 0.2 * y, 12.0)
    for at in rng.uniform(10, 180, (12, 2)):
        soma = np.hypot(y - at[0], x - at[1]) < 8
        picture += 900 * soma * (rng.random(picture.shape) if scene == "textured" else 1.0)
    picture = np.rint(picture).astype(np.uint16)
    whole = background.tile_levels(picture.astype(np.float32), 4, 4, 0.6)
    part = background.tile_levels(picture, 4, 4, 0.6, 4, 300.0)
    assert np.abs(part[0] + 300.0 - whole[0]).max() < 0.2 * 12.0
    assert (part[0] + 300.0 - whole[0]).std() < 0.1 * 12.0
    np.testing.assert_allclose(part[1], whole[1], rtol=0.15)


def test_bright_things_do_not_lift_the_level():
    picture = np.random.default_rng(1).normal(50, 4, (64, 64)).astype(np.float32)
    picture[10:34, 10:34] += 500
    levels, noises = background.tile_levels(picture, 1, 1, 0.0)
    assert levels[0, 0] == pytest.approx(50, abs=0.5)
    assert noises[0, 0] == pytest.approx(4, rel=0.1)
    assert picture.mean() > 100


def test_a_sloping_background_is_taken_out_to_the_border():
    y, x = np.mgrid[:96, :96]
    picture = (100 + 0.2 * y + 0.1 * x).astype(np.float32)
    levels, _ = background.tile_levels(picture, 3, 3, 0.6)
    flat = np.empty_like(picture)
    background.subtract_levels(picture, levels, flat)
    assert np.abs(flat).max() < 0.2
    assert np.ptp(picture) > 25


def test_a_hot_pixel_goes_and_a_soma_stays():
    y, x = np.mgrid[:40, :40]
    picture = (300 * np.exp(-((y - 20.0) ** 2 + (x - 20.0) ** 2) / 40)).astype(np.float32)
    before = picture.copy()
    picture[5, 5] = 900
    assert background.despeckle(picture, 20.0) == 1
    assert np.abs(picture - before).max() < 2
