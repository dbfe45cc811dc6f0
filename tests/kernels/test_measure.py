import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import measure
from reference import measure as twin

SEEDS = st.integers(0, 10_000)
SIDES = st.integers(1, 12)


def scene(seed, height, width, n=3, half=2):
    rng = np.random.default_rng(seed)
    image = rng.normal(5, 3, (height, width)).astype(np.float32)
    labels = rng.integers(0, n + 1, (height, width)).astype(np.int32)
    clipped = rng.random((height, width)) < 0.2
    places = np.column_stack([rng.uniform(-2, height + 1, n), rng.uniform(-2, width + 1, n)])
    profiles = rng.random((n, 2 * half + 1, 2 * half + 1)).astype(np.float32)
    profiles /= profiles.sum(axis=(1, 2), keepdims=True)
    return image, labels, clipped, places, profiles


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES)
def test_region_table_equals_its_twin(seed, height, width):
    image, labels, *_ = scene(seed, height, width)
    given_ = (labels, np.flatnonzero(labels).astype(np.int32), 4, image)
    np.testing.assert_allclose(measure.region_table(*given_), twin.region_table(*given_), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, row=st.integers(0, 5))
def test_shift_row_equals_its_twin(seed, row):
    rng = np.random.default_rng(seed)
    patch, weights = rng.random((5, 6)).astype(np.float32), rng.random(4).astype(np.float32)
    fast, slow = np.full((2, 9), -7.0, np.float32)
    measure.shift_row(patch, row, weights, fast)
    twin.shift_row(patch, row, weights, slow)
    np.testing.assert_allclose(fast, slow, rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_profile_boxes_equals_its_twin(seed):
    rng = np.random.default_rng(seed)
    profiles = (rng.random((3, 5, 5)) * (rng.random((3, 5, 5)) < 0.15)).astype(np.float32)
    np.testing.assert_array_equal(measure.profile_boxes(profiles), twin.profile_boxes(profiles))


def laid(seed, height, width):
    """Return a scene and its neurons' profiles, laid on their places."""
    image, labels, clipped, places, profiles = scene(seed, height, width)
    profiles[0, :, 3:] = 0
    boxes = twin.profile_boxes(profiles)
    return image, clipped, (profiles, boxes, places, labels)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES)
def test_lay_profiles_equals_its_twin(seed, height, width):
    _, _, given_ = laid(seed, height, width)
    for fast, slow in zip(measure.lay_profiles(*given_), twin.lay_profiles(*given_), strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    seed=SEEDS,
    height=SIDES,
    width=SIDES,
    quantum=st.sampled_from([0.0, 1.0]),
    some=st.booleans(),
    dtype=st.sampled_from([np.uint16, np.float32]),
)
def test_weighted_sums_equals_its_twin(seed, height, width, quantum, some, dtype):
    image, clipped, given_ = laid(seed, height, width)
    noises = np.array([[1.0, 2.0]], np.float32)[:, : min(2, width)].copy()
    levels = np.random.default_rng(seed).uniform(3, 7, (1, width)).astype(np.float32)
    frame = ((10 * image).clip(0).astype(dtype), 3.0, 0.5, levels, noises, 500.0)
    more = (clipped if some else clipped[:0, :0], *measure.lay_profiles(*given_), quantum)
    fast, slow = measure.weighted_sums(*frame, *more), twin.weighted_sums(*frame, *more)
    np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES, dtype=st.sampled_from([np.uint16, np.float32]))
def test_soma_patches_equals_its_twin(seed, height, width, dtype):
    image, labels, _, places, _ = scene(seed, height, width)
    levels = np.full((1, width), 2.0, np.float32)
    taps = np.array([0.25, 0.5, 0.25], np.float32)
    frame = ((10 * image).clip(0).astype(dtype), 3.0, 0.5, levels, 500.0, taps)
    given_ = (*frame, labels, np.arange(1, 4, dtype=np.int32), places, 2)
    np.testing.assert_allclose(measure.soma_patches(*given_), twin.soma_patches(*given_), atol=1e-5)


def dome(light, side=31):
    y, x = np.mgrid[:side, :side] - side // 2
    shape = np.exp(-(y**2 + x**2) / 30.0)
    return (light * shape / shape.sum()).astype(np.float32)


def measured(image, *, owners=None, noise=2.0, quantum=0.0, place=(15.0, 15.0)):
    owners = np.zeros(image.shape, np.int32) if owners is None else owners
    profiles = dome(1.0)[np.newaxis]
    boxes = measure.profile_boxes(profiles)
    noises, levels = np.full((1, 1), noise, np.float32), np.zeros((1, 31), np.float32)
    frame = (image, 0.0, 1.0, levels, noises, 1e9, np.zeros((0, 0), bool))
    laid_ = measure.lay_profiles(profiles, boxes, np.array([place]), owners)
    return measure.weighted_sums(*frame, *laid_, quantum)[0]


def test_the_light_of_a_known_shape_comes_back():
    assert measured(dome(700.0))[measure.SUM] == pytest.approx(700, rel=1e-4)
    assert measured(dome(700.0), place=(19.0, 15.0))[measure.SUM] < 600


def test_a_neighbours_pixels_are_left_out():
    image, owners = dome(700.0), np.zeros((31, 31), np.int32)
    image[:, 18:] += 50
    spoilt = measured(image, owners=owners)[measure.SUM]
    owners[:, 18:] = 2
    assert measured(image, owners=owners)[measure.SUM] == pytest.approx(700, rel=1e-4)
    assert spoilt > 1000


def test_the_stated_sd_is_the_scatter():
    rng = np.random.default_rng(3)
    rows = []
    for _ in range(300):
        image = rng.poisson(dome(900.0)) + rng.normal(0, 2.0, (31, 31))
        rows.append(measured(image.astype(np.float32), quantum=1.0))
    lights, variances = np.array(rows).T[:2]
    assert np.sqrt(variances.mean()) == pytest.approx(lights.std(), rel=0.15)
    assert lights.mean() == pytest.approx(900, rel=0.02)


def test_nothing_in_view_is_nan():
    assert np.isnan(measured(dome(1.0), place=(99.0, 99.0))[measure.SUM])
