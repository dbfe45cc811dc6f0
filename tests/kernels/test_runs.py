import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import runs
from reference import runs as twin

SEEDS = st.integers(0, 10_000)


def labels_of(seed, height, width, share):
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, 4, (height, width)).astype(np.int32)
    return np.where(rng.random((height, width)) < share, labels, 0).astype(np.int32)


@settings(max_examples=40, deadline=None)
@given(
    seed=SEEDS,
    height=st.integers(1, 9),
    width=st.integers(1, 150),
    share=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
)
def test_runs_of_equals_its_twin(seed, height, width, share):
    labels = labels_of(seed, height, width, share)
    np.testing.assert_array_equal(runs.runs_of(labels), twin.runs_of(labels))


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, width=st.integers(1, 90))
def test_paint_runs_equals_its_twin(seed, width):
    found = twin.runs_of(labels_of(seed, 6, width, 0.4))
    names = np.array([0, 7, 0, 9], np.int32)
    fast, slow = np.full((2, 6, width), 5, np.int32)
    runs.paint_runs(found, names, fast)
    twin.paint_runs(found, names, slow)
    np.testing.assert_array_equal(fast, slow)


@pytest.mark.parametrize("shape", [(1, 1), (40, 130)])
def test_what_was_painted_from_runs_is_the_image_again(shape):
    labels = labels_of(3, *shape, 0.6)
    again = np.zeros_like(labels)
    runs.paint_runs(runs.runs_of(labels), np.arange(4, dtype=np.int32), again)
    np.testing.assert_array_equal(again, labels)
    assert not np.array_equal(again, np.zeros_like(again)) or not labels.any()


def test_more_runs_than_fit_at_first_are_all_there():
    labels = np.indices((64, 64)).sum(axis=0).astype(np.int32) % 2
    assert len(runs.runs_of(labels)) == 2048
