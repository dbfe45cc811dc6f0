"""The peer is no straw man: on what it is made for it finds everything and loses nobody."""

import numpy as np
import pytest

from frames import peer

PLACES = [(30, 30), (30, 80), (80, 40), (100, 100)]


def frame(off=(0, 0), touching=False, seed=0):
    y, x = np.mgrid[:130, :130]
    light = np.zeros((130, 130))
    places = [(30, 30), (30, 47), *PLACES[2:]] if touching else PLACES
    for cy, cx in places:
        light += 400.0 * (np.hypot(y - cy - off[0], x - cx - off[1]) <= 9)
    return np.random.default_rng(seed).poisson(100 + light).astype(np.uint16)


@pytest.mark.parametrize("threshold", peer.THRESHOLDS)
@pytest.mark.parametrize("touching", [False, True])
def test_bright_somata_are_outlined_one_by_one(threshold, touching):
    labels = peer.outlined(frame(touching=touching), 18.0, threshold)
    assert labels.max() == 4
    area = np.bincount(labels.ravel())[1:]
    assert area.min() > 0.7 * np.pi * 81


def test_ids_last_over_shifts_of_the_stage_and_gaps():
    rng = np.random.default_rng(2)
    moves = np.vstack([[0, 0], rng.integers(-20, 20, (9, 2))])
    frames = [frame(off, seed=k) for k, off in enumerate(moves)]
    outlines = [peer.outlined(one, 18.0, "otsu") for one in frames]
    outlines[4] = np.where(outlines[4] == 2, 0, outlines[4])
    shifts = peer.shifts_of(frames, 18.0)
    np.testing.assert_allclose(shifts, moves, atol=1.0)
    movie, parent = peer.linked(outlines, shifts, 18.0, divide=False)
    assert {len(set(one[one > 0].tolist())) for one in movie} == {3, 4}
    assert len(set(np.concatenate([one[one > 0] for one in movie]).tolist())) == 4
    assert parent == {}


def test_a_division_gives_two_daughters_with_their_mother():
    def labels(places):
        out = np.zeros((60, 60), np.int32)
        y, x = np.mgrid[:60, :60]
        for k, (cy, cx) in enumerate(places, 1):
            out[np.hypot(y - cy, x - cx) <= 4] = k
        return out

    movie = [labels([(30, 30)])] * 3 + [labels([(30, 25), (30, 35)])] * 3
    _, parent = peer.linked(movie, [np.zeros(2)] * 6, 10.0, divide=True)
    assert len(parent) == 2
    assert len(set(parent.values())) == 1
