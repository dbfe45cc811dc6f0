import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import doubts, link
from livedeath.kernels.tracks import TRACK, Laws
from reference import doubts as twin_doubts
from reference import link as twin

LAWS = Laws(16.0, 28.0, 5.0, 3)


def crowd(seed, n, m, side):
    """Return neurons, outlines and links that could be, crowded on a small field."""
    rng = np.random.default_rng(seed)
    tracks = np.zeros(n, TRACK)
    tracks["y"], tracks["x"] = rng.uniform(0, side, (2, n))
    tracks["variance"] = rng.uniform(0.2, 4, n)
    tracks["radius"] = rng.uniform(5, 11, n)
    tracks["light"] = rng.choice([0.0, 1e3, 2e3, 1e4], n)
    tracks["seen_h"], tracks["began_h"] = rng.uniform(0, 30, (2, n))
    for name in ("unseen", "away", "sightings", "missed", "astray"):
        tracks[name] = rng.integers(0, 6, n)
    for name in ("blended", "mixed", "moved"):
        tracks[name] = rng.random(n) < 0.4
    tracks["ended"], tracks["cut"] = rng.random((2, n)) < 0.1
    points = rng.uniform(0, side, (m, 2))
    near = min(n, m)
    points[:near] = np.column_stack([tracks["y"], tracks["x"]])[:near]
    points[:near] += rng.normal(0, 4, (near, 2))
    area = np.exp(rng.normal(np.log(200), 0.5, m))
    light = rng.choice([0.0, 1e3, 1.5e3, 4e3, 1e4], m)
    links = np.full(n, -1, np.int64)
    order = rng.permutation(near)
    links[order] = np.where(tracks["ended"][order] | (rng.random(near) < 0.3), -1, order)
    return rng, tracks, points, area, light, links


cases = given(
    seed=st.integers(0, 100_000),
    n=st.integers(0, 12),
    m=st.integers(0, 12),
    side=st.sampled_from([30.0, 80.0, 400.0]),
)


@settings(max_examples=120, deadline=None)
@cases
def test_candidates_and_mix_ups_equal_their_twins(seed, n, m, side):
    rng, tracks, points, area, light, links = crowd(seed, n, m, side)
    more = (rng.random(m) < 0.2, 31.0, LAWS, rng.normal(), bool(rng.integers(2)))
    told = link.candidates(tracks, points, area, light, *more)
    expected = twin.candidates(tracks, points, area, light, *more)
    for got, want in zip(told, expected, strict=True):
        np.testing.assert_allclose(got, want)
    possible = set(zip(told[0].tolist(), told[1].tolist(), strict=True))
    links = np.array([j if (i, j) in possible else -1 for i, j in enumerate(links)], np.int64)
    got = doubts.mix_ups(tracks, links, *told)
    np.testing.assert_array_equal(got, twin.mix_ups(tracks, links, *told))


@settings(max_examples=120, deadline=None)
@cases
def test_linked_and_settle_equal_their_twins(seed, n, m, side):
    rng, tracks, points, area, light, _ = crowd(seed, n, m, side)
    light *= rng.choice([1.0, 0.3])
    tracks["away"] += rng.choice([0, 4])
    border, depth, snr = rng.random(m) < 0.2, rng.uniform(-20, 100, n), rng.uniform(3, 60, m)
    other = tracks.copy()
    results = []
    for kind, rows in ((link, tracks), (twin, other)):
        told = kind.linked(rows, points, area, light, border, 31.0, LAWS)
        gap = kind.settle(
            rows, told[0], told[1:], points, area, light, snr, border, depth, 31.0, LAWS
        )
        results.append((*told, gap, *(rows[name] for name in TRACK.names)))
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got, want)


@settings(max_examples=120, deadline=None)
@cases
def test_wholes_and_landmarks_equal_their_twins(seed, n, m, side):
    _, tracks, points, area, light, links = crowd(seed, n, m, side)
    area *= 0.4
    told = (tracks, links, points, area, light)
    np.testing.assert_array_equal(link.landmarks(tracks, 3), twin.landmarks(tracks, 3))
    for got, want in zip(link.wholes(*told), twin.wholes(*told), strict=True):
        np.testing.assert_allclose(got, want)


@settings(max_examples=150, deadline=None)
@cases
def test_divisions_equals_its_twin(seed, n, m, side):
    rng, tracks, points, area, light, links = crowd(seed, n, m, side)
    near = min(n, m // 2)
    for k in range(near):  # two outlines on either side of who was there
        way = rng.normal(0, 5, 2)
        middle = np.array([tracks["y"][k], tracks["x"][k]])
        points[2 * k], points[2 * k + 1] = middle + way, middle - way
        area[2 * k : 2 * k + 2] = np.pi * tracks["radius"][k] ** 2 * rng.uniform(0.2, 0.7, 2)
        light[2 * k : 2 * k + 2] = tracks["light"][k] * rng.uniform(0.3, 0.6, 2)
    told = (tracks, links, points, area, light, rng.random(m) < 0.8, LAWS)
    for got, want in zip(doubts.divisions(*told), twin_doubts.divisions(*told), strict=True):
        np.testing.assert_array_equal(got, want)


@settings(max_examples=200, deadline=None)
@cases
def test_doubt_and_follow_equal_their_twins(seed, n, m, side):
    rng, tracks, points, area, light, links = crowd(seed, n, m, side)
    depth, snr, border = rng.uniform(-20, 100, n), rng.uniform(3, 60, m), rng.random(m) < 0.2
    other = tracks.copy()
    for kind, rows in ((link, tracks), (twin, other)):
        kind.doubt(rows, links, points, area, light, border, depth, LAWS)
    for name in TRACK.names:
        np.testing.assert_array_equal(tracks[name], other[name], err_msg=name)
    shows = bool(rng.integers(2))
    gaps = [
        kind.follow(rows, links, points, area, light, snr, border, depth, 31.0, shows, LAWS)
        for kind, rows in ((link, tracks), (twin, other))
    ]
    np.testing.assert_array_equal(*gaps)
    for name in TRACK.names:
        np.testing.assert_allclose(tracks[name], other[name], err_msg=name)


@pytest.mark.parametrize(("light", "doubted"), [(1e4, True), (4e4, False)])
def test_two_that_could_change_their_outlines_are_mixed_up_unless_they_look_otherwise(
    light, doubted
):
    tracks = np.zeros(2, TRACK)
    tracks["x"], tracks["radius"], tracks["light"] = [0.0, 6.0], 8.0, [1e4, light]
    points = np.array([(0.0, 3.0), (1.0, 3.0)])
    told = (points, np.full(2, 200.0), np.array([1e4, light]))
    pairs = link.candidates(tracks, *told, np.zeros(2, bool), 1.0, LAWS, 0.0, False)
    mixed = doubts.mix_ups(tracks, np.array([0, 1]), *pairs)
    assert mixed.tolist() == [doubted, doubted]
