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


def flooded(image, floor=0.3, rule=(0.1, 0.02, 4.0, 0.4)):
    order = label.descending(image, np.full((1, 1), floor, np.float32))
    return order, rule


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES, reach=st.integers(1, 5))
def test_smooth_equals_its_twin(seed, height, width, reach):
    image = blurred(seed, (height, width))
    half = np.random.default_rng(seed).random(reach + 1)
    taps = np.concatenate([half[:0:-1], half]).astype(np.float32)
    np.testing.assert_allclose(label.smooth(image, taps), twin.smooth(image, taps), rtol=2e-5)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES, rows=st.integers(1, 3), cols=st.integers(1, 3))
def test_descending_equals_its_twin(seed, height, width, rows, cols):
    image = blurred(seed, (height, width))
    mesh = (min(rows, height), min(cols, width))
    floors = np.random.default_rng(seed).uniform(0.2, 0.9, mesh).astype(np.float32)
    np.testing.assert_array_equal(label.descending(image, floors), twin.descending(image, floors))


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 30))
def test_find_root_equals_its_twin(seed, n):
    rng = np.random.default_rng(seed)
    parents = np.array([rng.integers(0, k + 1) for k in range(n)], np.int32)
    for region in range(n):
        assert label.find_root(parents.copy(), region) == twin.find_root(parents, region)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES, depth=st.sampled_from([0.0, 0.1, 0.5]))
def test_flood_equals_its_twin(seed, height, width, depth):
    image = blurred(seed, (height, width))
    order, _ = flooded(image)
    rule = (depth, 0.02, 4.0, 0.6)
    for fast, slow in zip(
        label.flood(image, order, *rule), twin.flood(image, order, *rule), strict=True
    ):
        np.testing.assert_allclose(fast, slow, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES)
def test_trim_equals_its_twin(seed, height, width):
    image = blurred(seed, (height, width))
    order, rule = flooded(image)
    fast, tops, _ = label.flood(image, order, *rule)
    slow = fast.copy()
    floors = np.random.default_rng(seed).uniform(0.3, 1.2, tops.size).astype(np.float32)
    label.trim(image, fast, order, floors)
    twin.trim(image, slow, order, floors)
    np.testing.assert_array_equal(fast, slow)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES)
def test_relabel_equals_its_twin(seed, height, width):
    rng = np.random.default_rng(seed)
    fast = rng.integers(0, 6, (height, width)).astype(np.int32)
    names = np.concatenate([[0], rng.integers(0, 9, 5)]).astype(np.int32)
    slow = fast.copy()
    label.relabel(fast, names)
    twin.relabel(slow, names)
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
    order = label.descending(image, np.full((1, 1), 5, np.float32))
    _, tops, _ = label.flood(image, order, 0.1, 1.0, 0.0, 0.0)
    assert tops.size - 1 == regions


def test_near_peaks_of_like_height_need_a_deep_valley_and_a_faint_neighbour_does_not():
    floor = np.full((1, 1), 2, np.float32)
    counts = []
    for apart, second, near in ((14, 1.0, 20.0), (14, 1.0, 0.0), (17, 0.2, 20.0)):
        image = two_domes(apart, second)
        order = label.descending(image, floor)
        counts.append(label.flood(image, order, 0.1, 1.0, near, 0.9)[1].size - 1)
    assert counts == [1, 2, 2]


def test_smoothing_keeps_the_sum_inside_and_loses_it_at_the_border():
    taps = np.array([0.25, 0.5, 0.25], np.float32)
    image = np.zeros((9, 9), np.float32)
    image[4, 4] = 8
    assert label.smooth(image, taps).sum() == pytest.approx(8)
    image[:] = 0
    image[0, 0] = 8
    assert label.smooth(image, taps).sum() == pytest.approx(4.5)
