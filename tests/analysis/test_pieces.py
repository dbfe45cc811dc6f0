import dataclasses

import numpy as np
import pytest

from livedeath.analysis import pieces, segment
from livedeath.model.measures import Detections

SOMA = 24.0


def discs(*circles, side=120):
    """Return one label per circle (y, x, radius); the nearer centre wins."""
    yy, xx = np.mgrid[:side, :side]
    labels, best = np.zeros((side, side), np.int32), np.full((side, side), np.inf)
    for k, (y, x, radius) in enumerate(circles, start=1):
        r = np.hypot(yy - y, xx - x) / radius
        labels[(r <= 1.0) & (r < best)] = k
        best = np.minimum(best, r)
    return labels


def cut(labels, where, gap=0):
    """Cut label 1 in two along a column; ``gap`` columns are lost."""
    parts = labels.copy()
    x = np.arange(labels.shape[1])
    parts[:, x >= where] *= 2
    parts[:, (x >= where) & (x < where + gap)] = 0
    return parts


def joined(labels):
    return pieces.join(segment.from_labels(labels), soma_px=SOMA)


def stays(labels):
    """Tell whether nothing is joined."""
    found = segment.from_labels(labels)
    return pieces.join(found, soma_px=SOMA) is found


@pytest.mark.parametrize("gap", [0, 2], ids=["touching", "apart"])
@pytest.mark.parametrize("where", [60, 68], ids=["halves", "a slice"])
def test_a_soma_that_was_cut_is_one_again(where, gap):
    whole = discs((60, 60, 14))
    result = joined(cut(whole, where, gap))
    assert len(result.detections) == 1
    assert set(np.unique(result.labels)) == {0, 1}
    assert ((result.labels == 1) != (whole == 1)).sum() <= 8


@pytest.mark.parametrize("apart", [20, 22, 24, 26])
def test_two_somata_that_touch_stay_two(apart):
    labels = discs((60, 45, 12), (60, 45 + apart, 11))
    assert stays(labels)


def test_a_small_soma_at_a_large_one_stays_two():
    labels = discs((60, 45, 15), (60, 67, 7))
    assert stays(labels)


def test_what_would_be_too_large_for_a_soma_stays_two():
    labels = cut(discs((60, 60, 30)), 60)
    assert stays(labels)


def test_three_pieces_are_one_and_others_keep_their_order():
    labels = discs((60, 60, 16), (20, 20, 8), (100, 20, 8))
    yy, xx = np.mgrid[:120, :120]
    one = labels == 1
    labels[one & (xx > 64)] = 4
    labels[one & (xx <= 64) & (yy > 60)] = 5
    rows = segment.from_labels(labels).detections
    result = joined(labels)
    assert np.round(result.detections.y).tolist() == [20, 60, 100]
    np.testing.assert_array_equal(result.labels == 2, one)
    assert result.detections.area.sum() == rows.area.sum() == (labels > 0).sum()


def test_rows_of_pieces_are_added():
    rows = Detections(
        label=np.array([1, 2, 3], np.int32),
        y=np.array([10.0, 50.0, 10.0]),
        x=np.array([20.0, 50.0, 32.0]),
        area=np.array([30.0, 9.0, 10.0]),
        light=np.array([5.0, 7.0, 1.0]),
        snr=np.array([8.0, 9.0, 11.0]),
        strong=np.array([True, False, False]),
        border=np.array([False, False, True]),
    )
    whole = pieces.combine(rows, np.array([0, 1, 2, 1]))
    said = {f.name: getattr(whole, f.name).tolist() for f in dataclasses.fields(whole)}
    assert said == {
        "label": [1, 2],
        "y": [10.0, 50.0],
        "x": [23.0, 50.0],
        "area": [40.0, 9.0],
        "light": [6.0, 7.0],
        "snr": [11.0, 9.0],
        "strong": [True, False],
        "border": [True, False],
    }


def test_nothing_is_joined_where_nothing_is():
    empty = np.zeros((40, 40), np.int32)
    assert stays(empty)
