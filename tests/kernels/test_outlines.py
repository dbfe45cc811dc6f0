import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import chosen, label, outlines, standout
from reference import chosen as chosen_twin
from reference import outlines as twin
from reference import standout as standout_twin

SEEDS = st.integers(0, 10_000)
SIDES = st.integers(1, 14)
LEVELS = 6
QUESTIONS = 2**outlines.DEPTH - 1


def blurred(seed, shape, grain=2):
    rng = np.random.default_rng(seed)
    coarse = rng.random((shape[0] // grain + 1, shape[1] // grain + 1))
    rough = np.kron(coarse, np.ones((grain, grain)))[: shape[0], : shape[1]]
    return (rough + 0.2 * rng.random(shape)).astype(np.float32) + np.float32(0.01)


def grown(seed, shape, floor=0.3, largest=40.0):
    """Return an image, its levels, basins and places, and the tree of its basins."""
    image = blurred(seed, shape)
    levels, logs = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    floors = np.full((1, 1), floor, np.float32)
    places = standout.foreground(image, floors, floor, 3.0, levels, logs)
    np.minimum(levels, LEVELS, out=levels)
    basins = np.zeros(shape, np.int32)
    _, tops = label.climb(image, floors, basins)
    pairs, heights = label.saddles(image, basins, places, tops.size - 1)
    order = np.argsort(-heights, kind="stable")
    sizes = outlines.cores(image, basins, places, 0.8, tops.size - 1)
    told = (image.ravel()[tops[1:]], sizes, pairs[order] - 1, heights[order], largest)
    return image, levels, basins, places, told


def same(fast, slow, **tolerance):
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(
            np.asarray(one, float), np.asarray(other, float).reshape(np.shape(one)), **tolerance
        )


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES, radius=st.sampled_from([1.0, 1.5, 2.3, 3.2]))
def test_open_disc_equals_its_twin(seed, height, width, radius):
    image = blurred(seed, (height, width)) - np.float32(0.5)
    rows = np.arange(int(radius) + 1)
    widths = np.sqrt(radius**2 - rows**2).astype(np.int64)
    opened = standout.open_disc(image, widths)
    np.testing.assert_array_equal(opened, standout_twin.open_disc(image, widths))
    assert (opened <= image).all()


def test_what_is_narrower_than_the_disc_is_opened_away():
    image = np.zeros((20, 20), np.float32)
    image[9:11], image[5:15, 12:18] = 1.0, 1.0
    opened = standout.open_disc(image, np.array([2, 1, 0]))
    assert opened[9:11, :9].max() == 0.0
    assert opened[7:13, 13:17].min() == 1.0


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES, cols=st.integers(1, 3))
def test_foreground_equals_its_twin(seed, height, width, cols):
    image = blurred(seed, (height, width))
    floors = np.random.default_rng(seed).uniform(0.2, 0.9, (1, min(cols, width)))
    fast, slow = [[np.zeros(image.shape, t) for t in (np.uint8, np.float32)] for _ in range(2)]
    told = (image, floors.astype(np.float32), 0.25, 4.0)
    same(
        (standout.foreground(*told, *fast), *fast),
        (standout_twin.foreground(*told, *slow), *slow),
        rtol=1e-6,
    )


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES)
def test_stand_out_and_cores_equal_their_twins(seed, height, width):
    logs, near, far = (blurred(seed + k, (height, width)) for k in range(3))
    basins = (blurred(seed, logs.shape) > 0.5).astype(np.int32)
    places = np.flatnonzero(basins).astype(np.int32)
    fast, slow = np.zeros(logs.shape, np.float32), np.zeros(logs.shape)
    standout.stand_out(logs, near, far, places, fast)
    standout_twin.stand_out(logs, near, far, places, slow)
    np.testing.assert_allclose(fast, slow, rtol=1e-5)
    told = (near, basins, places, 0.6, 1)
    np.testing.assert_array_equal(outlines.cores(*told), twin.cores(*told))


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES, largest=st.sampled_from([3.0, 20.0, 1e9]))
def test_merge_tree_and_meeting_equal_their_twins(seed, height, width, largest):
    *_, told = grown(seed, (height, width), largest=largest)
    fast = outlines.merge_tree(*told)
    same(fast, twin.merge_tree(*told))
    parents = fast[0]
    rng = np.random.default_rng(seed)
    for a, b in rng.integers(0, max(parents.size, 1), (5 if parents.size else 0, 2)):
        assert outlines.meeting(parents, a, b) == twin.meeting(parents, a, b)


@settings(max_examples=40, deadline=None)
@given(
    seed=SEEDS,
    height=SIDES,
    width=SIDES,
    floor=st.sampled_from([0.05, 0.3, 0.6, 2.0]),
    largest=st.sampled_from([10.0, 1e9]),
)
def test_profiles_and_features_equal_their_twins(seed, height, width, floor, largest):
    image, levels, basins, places, told = grown(seed, (height, width), floor, largest)
    tree = outlines.merge_tree(*told)
    starts = outlines.shelves(levels, basins, places, tree[0])
    np.testing.assert_array_equal(starts, twin.shelves(levels, basins, places, tree[0]))
    given_ = (image, levels, basins, places, tree[0], starts)
    table = outlines.profiles(*given_)
    np.testing.assert_allclose(table, twin.profiles(*given_), rtol=1e-6, atol=1e-6)
    rng = np.random.default_rng(seed)
    noises = rng.uniform(0.01, 0.1, tree[0].size)
    values = floor * np.exp((np.arange(LEVELS + 1) - 1) / 3.0)
    given_ = (starts, *tree, noises, values, 5.0, 3.0, 60.0, 0.4)
    same(outlines.features(table, *given_), twin.features(table, *given_), rtol=2e-4, atol=1e-5)
    asked = rng.integers(0, outlines.N_FEATURES, (3, QUESTIONS)).astype(np.int32)
    limits = rng.normal(0, 1, (3, QUESTIONS)).astype(np.float32)
    adds = np.round(rng.uniform(0, 0.3, (3, QUESTIONS + 1)), 2).astype(np.float32)
    level, best = outlines.best_levels(table, *given_, 2, asked, limits, adds)
    slow = twin.best_levels(table, *given_, 2, asked, limits, adds)
    # A number at a limit may fall to either side by its last digit.
    if np.allclose(best, slow[1], atol=1e-6):
        np.testing.assert_array_equal(level, slow[0])
    else:
        assert (np.abs(best - slow[1]) > 1e-6).sum() <= 1


def profile_of(image, levels, basins, places, parents):
    """Return the sums of every node at level 1."""
    parents = np.array(parents, np.int32)
    starts = outlines.shelves(levels, basins, places, parents)
    table = outlines.profiles(image, levels, basins, places, parents, starts)
    return table[starts[:-1] + 1]


def test_a_profile_that_counts_a_cut_as_a_crack_is_found_out():
    image = np.ones((2, 4), np.float32)
    basins = np.array([[1, 1, 2, 2]] * 2, np.int32)
    levels, places = np.ones((2, 4), np.uint8), np.arange(8, dtype=np.int32)
    row = profile_of(image, levels, basins, places, [-1, -1])[0]
    assert row[outlines.CUT] == 2
    assert row[outlines.CRACKS] == 0
    assert row[outlines.BORDER] == 6
    one = profile_of(image, levels, basins, places, [2, 2, -1])[2]
    assert one[outlines.CUT] == 0
    assert one[outlines.EULER] == 1


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, n=st.integers(0, 20))
def test_forest_equals_its_twin(seed, n):
    rng = np.random.default_rng(seed)
    asked = rng.integers(0, outlines.N_FEATURES, (n, QUESTIONS)).astype(np.int32)
    told = (asked, rng.random((n, QUESTIONS)).astype(np.float32))
    leaves = rng.random((n, QUESTIONS + 1)).astype(np.float32)
    numbers = rng.random(21).astype(np.float32)
    assert outlines.forest(numbers, *told, leaves) == pytest.approx(
        twin.forest(numbers, *told, leaves), rel=1e-5
    )


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES)
def test_choose_brightest_and_paint_equal_their_twins(seed, height, width):
    image, levels, basins, places, told = grown(seed, (height, width), 0.2, 1e9)
    parents = outlines.merge_tree(*told)[0]
    rng = np.random.default_rng(seed)
    best, level = rng.random(parents.size), rng.integers(1, 4, parents.size).astype(np.int32)
    owners = chosen.choose(parents, best, 0.5, 0.2)
    np.testing.assert_array_equal(owners, chosen_twin.choose(parents, best, 0.5, 0.2))
    told = (image, basins, places, owners)
    np.testing.assert_array_equal(chosen.brightest(*told), chosen_twin.brightest(*told))
    names = np.zeros(parents.size + 1, np.int32)[: parents.size]
    own = np.flatnonzero(owners == np.arange(owners.size))
    if own.size == 0:
        return
    names[own] = rng.permutation(own.size) + 1
    fast, slow = np.zeros((2, height, width), np.int32)
    told = (basins, places, levels, owners, level, names)
    painted = chosen.paint_chosen(*told, fast)
    np.testing.assert_array_equal(np.sort(painted), chosen_twin.paint_chosen(*told, slow))
    np.testing.assert_array_equal(fast, slow)


def test_a_hole_is_filled_and_what_is_apart_is_dropped():
    labels = np.zeros((9, 12), np.int32)
    labels[1:8, 1:8], labels[3:5, 3:5], labels[2, 10] = 1, 0, 1
    labels[6, 6] = 2
    assert chosen.make_whole(labels, np.array([1, 7, 1, 10], np.int32), 1) == 48
    assert labels[3, 3] == 1
    assert labels[2, 10] == 0
    assert labels[6, 6] == 2


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, height=SIDES, width=SIDES)
def test_mark_refused_equals_its_twin(seed, height, width):
    image = blurred(seed, (height, width))
    labels = (3 * blurred(seed + 1, image.shape)).astype(np.int32)
    told = (image, np.full((1, 1), 0.6, np.float32), labels, 1)
    np.testing.assert_array_equal(chosen.mark_refused(*told), chosen_twin.mark_refused(*told))
