import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import label
from reference import label as twin

SEEDS = st.integers(0, 10_000)
SIDES = st.integers(1, 14)


def blurred(seed, shape, grain=2):
    rng = np.random.default_rng(seed)
    coarse = rng.random((shape[0] // grain + 1, shape[1] // grain + 1))
    rough = np.kron(coarse, np.ones((grain, grain)))[: shape[0], : shape[1]]
    return (rough + 0.2 * rng.random(shape)).astype(np.float32) + np.float32(0.01)


def climbed(image, floor=0.3):
    """Return the basins of an image and its places and tops, above one floor."""
    basins = np.zeros(image.shape, np.int32)
    places, tops = label.climb(image, np.full((1, 1), floor, np.float32), basins)
    return basins, places, tops


def joined(image, floor, rule):
    """Return what `join` makes of an image, as the caller does it."""
    basins, places, tops = climbed(image, floor)
    peaks = np.column_stack([image.ravel()[tops], *np.divmod(tops, image.shape[1])])
    pairs, heights = label.saddles(image, basins, places, tops.size - 1)
    order = np.argsort(-heights, kind="stable")
    return (peaks.astype(float), pairs[order], heights[order], *rule), basins, places


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES, reach=st.integers(1, 5))
def test_smooth_equals_its_twin(seed, height, width, reach):
    image = blurred(seed, (height, width))
    half = np.random.default_rng(seed).random(reach + 1)
    taps = np.concatenate([half[:0:-1], half]).astype(np.float32)
    np.testing.assert_allclose(label.smooth(image, taps), twin.smooth(image, taps), rtol=2e-5)


@settings(max_examples=40, deadline=None)
@given(
    seed=SEEDS,
    height=SIDES,
    width=st.integers(1, 40),
    rows=st.integers(1, 3),
    cols=st.integers(1, 3),
    steps=st.sampled_from([3, 1000]),
)
def test_climb_equals_its_twin(seed, height, width, rows, cols, steps):
    # Few steps make plateaus and equal neighbours.
    image = np.ceil(blurred(seed, (height, width)) * steps) / np.float32(steps)
    mesh = (min(rows, height), min(cols, width))
    floors = np.random.default_rng(seed).uniform(0.2, 0.9, mesh).astype(np.float32)
    fast, slow = np.zeros((2, height, width), np.int32)
    given_ = (image.astype(np.float32), floors)
    for ours, theirs in zip(label.climb(*given_, fast), twin.climb(*given_, slow), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(fast, slow)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES)
def test_saddles_equals_its_twin(seed, height, width):
    image = blurred(seed, (height, width))
    basins, places, tops = climbed(image)
    fast, slow = (
        dict(zip(map(tuple, pairs.tolist()), heights.tolist(), strict=True))
        for pairs, heights in (
            module.saddles(image, basins, places, tops.size - 1) for module in (label, twin)
        )
    )
    assert fast == slow


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 30))
def test_find_root_equals_its_twin(seed, n):
    rng = np.random.default_rng(seed)
    parents = np.array([rng.integers(0, k + 1) for k in range(n)], np.int32)
    for region in range(n):
        shortened = parents.copy()
        assert label.find_root(shortened, region) == twin.find_root(parents, region)
        roots = [twin.find_root(parents, other) for other in range(n)]
        assert [twin.find_root(shortened, other) for other in range(n)] == roots


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES, depth=st.sampled_from([0.0, 0.1, 0.5]))
def test_join_equals_its_twin(seed, height, width, depth):
    given_, *_ = joined(blurred(seed, (height, width)), 0.3, (depth, 0.02, 4.0, 0.6))
    for fast, slow in zip(label.join(*given_), twin.join(*given_), strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES)
def test_trim_equals_its_twin(seed, height, width):
    image = blurred(seed, (height, width))
    given_, fast, places = joined(image, 0.3, (0.1, 0.02, 4.0, 0.6))
    names, kept, _ = label.join(*given_)
    slow = fast.copy()
    floors = np.random.default_rng(seed).uniform(0.3, 1.2, kept.size).astype(np.float32)
    ours = label.trim(image, fast, places, names, floors)
    np.testing.assert_array_equal(ours, twin.trim(image, slow, places, names, floors))
    np.testing.assert_array_equal(fast, slow)


def two_scales(seed, height, width, factor):
    """Return coarse labels 0..4, their pixels, and fine labels 0..5."""
    rng = np.random.default_rng(seed)
    size = (-(-height // factor), -(-width // factor))
    coarse = rng.integers(0, 5, size).astype(np.int32)
    fine = rng.integers(0, 6, (height, width)).astype(np.int32)
    return coarse, np.flatnonzero(coarse).astype(np.int32), fine


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES, factor=st.integers(1, 3))
def test_covered_equals_its_twin(seed, height, width, factor):
    coarse, places, fine = two_scales(seed, height, width, factor)
    kinds = np.random.default_rng(seed).integers(0, 3, 6).astype(np.uint8)
    given_ = (coarse, places, fine, kinds, factor, 4)
    np.testing.assert_array_equal(label.covered(*given_), twin.covered(*given_))


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES, factor=st.integers(1, 3))
def test_paint_equals_its_twin(seed, height, width, factor):
    coarse, places, fast = two_scales(seed, height, width, factor)
    slow, names = fast.copy(), np.array([0, 7, 0, 9, 8], np.int32)
    ours = label.paint(coarse, places, names, fast, factor)
    np.testing.assert_array_equal(np.sort(ours), twin.paint(coarse, places, names, slow, factor))
    np.testing.assert_array_equal(fast, slow)


def two_domes(apart, second=1.0):
    y, x = np.mgrid[:40, :60]
    first = np.exp(-((y - 20.0) ** 2 + (x - 20.0) ** 2) / 50)
    return (
        100 * (first + second * np.exp(-((y - 20.0) ** 2 + (x - 20.0 - apart) ** 2) / 50))
    ).astype(np.float32)


@pytest.mark.parametrize(("apart", "regions"), [(16, 2), (6, 1)], ids=["two", "one"])
def test_domes_are_told_apart_by_the_valley_between_them(apart, regions):
    image = two_domes(apart)
    given_, *_ = joined(image, 5.0, (0.1, 1.0, 0.0, 0.0))
    assert label.join(*given_)[1].size - 1 == regions


def test_near_peaks_of_like_height_need_a_deep_valley_and_a_faint_neighbour_does_not():
    counts = []
    for apart, second, near in ((14, 1.0, 20.0), (14, 1.0, 0.0), (17, 0.2, 20.0)):
        given_, *_ = joined(two_domes(apart, second), 2.0, (0.1, 1.0, near, 0.9))
        counts.append(label.join(*given_)[1].size - 1)
    assert counts == [1, 2, 2]


def test_smoothing_keeps_the_sum_inside_and_loses_it_at_the_border():
    taps = np.array([0.25, 0.5, 0.25], np.float32)
    image = np.zeros((9, 9), np.float32)
    image[4, 4] = 8
    assert label.smooth(image, taps).sum() == pytest.approx(8)
    image[:] = 0
    image[0, 0] = 8
    assert label.smooth(image, taps).sum() == pytest.approx(4.5)
