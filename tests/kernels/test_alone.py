import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import alone, light
from reference import alone as twin

SEEDS = st.integers(0, 10_000)
TAPS = np.array([0.05, 0.25, 0.4, 0.25, 0.05], np.float32)


def picture(seed, shape, n=4, noise=2.0):
    """Return domes, some of which touch, as a camera's frame."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    image = rng.normal(100, noise, shape)
    for y, x in rng.uniform(0, shape, (n, 2)):
        r = np.hypot(yy - y, xx - x) / rng.uniform(3, 5)
        image += rng.uniform(20, 300) / (1 + np.exp(np.minimum(6 * (r - 1), 50)))
    return np.rint(image).clip(0)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, height=st.integers(1, 20), width=st.integers(1, 20))
def test_peaks_of_equals_its_twin(seed, height, width):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 9, (height, width)).astype(np.float32)
    floors = np.array([[2.0, 3.0]], np.float32)[:, : min(2, width)].copy()
    np.testing.assert_array_equal(alone.peaks_of(image, floors), twin.peaks_of(image, floors))


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, factor=st.integers(1, 4), height=st.integers(1, 9), width=st.integers(1, 9))
def test_unexplained_equals_its_twin(seed, factor, height, width):
    rng = np.random.default_rng(seed)
    blocks = rng.uniform(0, 9, (height, width)).astype(np.float32)
    labels = (rng.random((height * factor, width * factor)) < 0.1).astype(np.int32)
    given_ = (blocks, np.array([[2.0]], np.float32), labels, factor)
    np.testing.assert_array_equal(alone.unexplained(*given_), twin.unexplained(*given_))


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, reach=st.integers(1, 4), rows=st.integers(1, 9), cols=st.integers(1, 20))
def test_smooth_inside_equals_its_twin(seed, reach, rows, cols):
    rng = np.random.default_rng(seed)
    half = rng.random(reach + 1).astype(np.float32)
    taps = np.concatenate([half[:0:-1], half])
    window = rng.random((rows + 2 * reach + 2, cols + 2 * reach + 2)).astype(np.float32)
    room = np.empty((rows, cols + 2 * reach + 2), np.float32)
    fast, slow = np.empty((2, rows, cols), np.float32)
    alone.smooth_inside(window, taps, room, fast)
    twin.smooth_inside(window, taps, room, slow)
    np.testing.assert_allclose(fast, slow, rtol=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    seed=SEEDS,
    corner=st.tuples(st.integers(-6, 12), st.integers(-6, 12)),
    edges=st.sampled_from([(3, 28), (16, 16)]),
    known=st.booleans(),
)
def test_grow_equals_its_twin(seed, corner, edges, known):
    rng = np.random.default_rng(seed)
    window = (picture(seed, (21, 21)) - 100).astype(np.float32)
    top = int(np.argmax(window[3:-3, 3:-3]))
    top = (3 + top // 15) * 21 + 3 + top % 15
    labels = np.zeros((30, 30), np.int32)
    if known:
        labels[rng.integers(0, 30, 30), rng.integers(0, 30, 30)] = rng.integers(-1, 2, 30)
    place = corner[0] + top // 21, corner[1] + top % 21
    if not (0 <= place[0] < 30 and 0 <= place[1] < 30) or labels[place] > 0:
        return
    results = []
    for one in (alone, twin):
        order, after = np.zeros((2, 441), np.int32)
        out, box = np.zeros(10), np.zeros(4, np.int64)
        one.grow(window, labels, corner, top, *edges, 12.0, 2.0, order, after, box, out)
        results.append((out, (order > 0) & (order <= out[alone.LEVEL] + 1)))
    np.testing.assert_allclose(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def grown(area, *, long=1.0, met=99.0, peaks=1.0, cracks=None):
    """Return what `grow` says of an ellipse."""
    yy, xx = area / (4 * np.pi) * long, area / (4 * np.pi) / long
    around = 8 * np.sqrt(area / np.pi) if cracks is None else cracks
    return np.array([16, met, around, peaks, area, 0, 0, yy * area, xx * area, 0])


@pytest.mark.parametrize(
    ("out", "kind"),
    [
        (grown(200.0), alone.ALONE),
        (grown(200.0, met=16.0), alone.CONTESTED),
        (grown(200.0, peaks=2.0), alone.CONTESTED),
        (grown(200.0, cracks=90.0), alone.CONTESTED),
        (grown(1500.0), alone.CONTESTED),
        (grown(200.0, long=2.0), alone.CONTESTED),
        (grown(200.0, long=6.0), alone.REFUSED),
        (grown(20.0), alone.REFUSED),
        (np.array([-1.0, 99, *[0.0] * 8]), alone.REFUSED),
        (np.array([-1.0, 7, *[0.0] * 8]), alone.CONTESTED),
    ],
)
def test_soma_like_equals_its_twin_and_tells_what_a_region_is(out, kind):
    assert alone.soma_like(out, 16.0, 4.0, 1.0) == twin.soma_like(out, 16.0, 4.0, 1.0) == kind


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    dtype=st.sampled_from([np.uint16, np.float32]),
    edges=st.sampled_from([(3, 28), (16, 16)]),
)
def test_outline_alone_equals_its_twin(seed, dtype, edges):
    raw = picture(seed, (50, 60)).astype(dtype)
    lines = np.full((1, 60), 100.0, np.float32)
    smooth, floors = np.empty((50, 60), np.float32), np.full((1, 1), 15.0, np.float32)
    light.cut_light(raw, 0.0, 1.0, lines, 0, 0, 1e9, smooth)
    places = twin.peaks_of(smooth, floors)[:, :2].copy()[::3]
    results = []
    for one in (alone, twin):
        labels = np.zeros((50, 60), np.int32)
        labels[:4, :9] = 1
        found = one.outline_alone(
            raw, 0.0, 1.0, lines, 1e9, TAPS, places, np.full(len(places), 1.0), 20.0, 9.0, 3.0,
            0.9, 0.4, 2, edges, labels, 1,
        )  # fmt: skip
        results.append((*found, labels))
    for fast, slow in zip(*results, strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, n=st.integers(0, 12))
def test_join_boxes_equals_its_twin(seed, n):
    corners = np.random.default_rng(seed).integers(0, 40, (n, 2))
    boxes = np.column_stack([corners[:, 0], corners[:, 0] + 7, corners[:, 1], corners[:, 1] + 6])
    fast, slow = alone.join_boxes(boxes), twin.join_boxes(boxes)
    np.testing.assert_array_equal(np.sort(fast, axis=0), np.sort(slow, axis=0))
    assert len(fast) == len(slow)


def test_touching_domes_are_contested_and_a_dome_alone_is_outlined_at_its_edge():
    yy, xx = np.mgrid[:60, :90]
    raw = np.full((60, 90), 100.0)
    for y, x in ((30, 20), (30, 60), (30, 72)):
        raw += 200 / (1 + np.exp(np.minimum(3 * (np.hypot(yy - y, xx - x) - 7), 50)))
    places = np.array([[30, 20], [30, 60]], np.int32)
    labels = np.zeros((60, 90), np.int32)
    table, runs = alone.outline_alone(
        raw.astype(np.float32), 0.0, 1.0, np.full((1, 90), 100.0, np.float32), 1e9, TAPS, places,
        np.ones(2), 5.0, 14.0, 3.0, 1.0, 0.3, 2, (9, 28), labels, 0,
    )  # fmt: skip
    assert table[:, alone.KIND].tolist() == [alone.ALONE, alone.CONTESTED]
    assert table[0, alone.AREA] == pytest.approx(np.pi * 49, rel=0.1)
    assert set(runs[:, 3]) == {1}
    assert (labels[:, 40:] == 0).all()
