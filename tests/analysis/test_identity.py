"""Identities that hold: register and track together, over outlines of simulated neurons."""

import numpy as np
import pytest

from livedeath.analysis import plane, register, track
from livedeath.model.measures import Detections, Placing
from livedeath.model.settings import AnalysisSettings
from reference.placing import placed

SOMA, SIDE = 16.0, 512


class Culture:
    """Neurons that hardly move, seen by a stage that may bring the plate back anyhow."""

    def __init__(self, n, seed, *, apart=1.2 * SOMA):
        self.rng = np.random.default_rng(seed)
        places = []
        while len(places) < n:
            place = self.rng.uniform(0, SIDE, 2)
            if all(np.hypot(*(place - other)) > apart for other in places):
                places.append(place)
        self.places = np.array(places)
        self.area = np.exp(self.rng.normal(np.log(200), 0.3, n))
        self.light = np.exp(self.rng.normal(np.log(1e4), 0.7, n))

    def visit(self, *, turn=0.0, shift=(0.0, 0.0), shown=1.0, debris=0):
        """Return outlines and the true neuron of each, -1 for debris."""
        rng, n = self.rng, len(self.places)
        self.places += rng.normal(0, 0.5, self.places.shape)
        here = placed(self.places, np.radians(turn), 1.0, np.full(2, SIDE / 2), np.array(shift))
        inside = ((here > 0) & (here < SIDE - 1)).all(axis=1)
        who = rng.permutation(np.flatnonzero(inside & (rng.random(n) < shown)))
        points = np.vstack([here[who], rng.uniform(0, SIDE, (debris, 2))])
        noise = np.exp(rng.normal(0, 0.15, (2, len(points))))
        area = np.append(self.area[who], np.full(debris, 60.0)) * noise[0]
        light = np.append(self.light[who], np.full(debris, 3e3)) * noise[1]
        m = len(points)
        found = Detections(
            np.arange(1, m + 1, dtype=np.int32), points[:, 0], points[:, 1], area, light,
            np.full(m, 50.0), np.arange(m) < who.size, np.zeros(m, bool),
        )  # fmt: skip
        return found, np.append(who, np.full(debris, -1))


class Follower:
    """Register and tracker, and which id stood on which true neuron."""

    def __init__(self):
        self.tracker = track.Tracker(AnalysisSettings(), soma_px=SOMA, pixel_um=1.0)
        self.placing, self.time_h, self.id_of, self.kept, self.changed = Placing(), 0.0, {}, 0, 0

    def push(self, found, who):
        somata = np.column_stack([found.y, found.x])
        told = register.place(
            self.placing, self.tracker.landmarks(), somata, found.light,
            soma_px=SOMA, shape=(SIDE, SIDE),
        )  # fmt: skip
        seen = self.tracker.push(
            found, time_h=self.time_h, placing=told.placing, certain=told.certain,
            shape=(SIDE, SIDE),
        )  # fmt: skip
        self.placing, self.time_h = told.placing, self.time_h + 1.0
        for true, name in zip(who.tolist(), seen.neuron.tolist(), strict=True):
            if true >= 0 and name >= 0:
                before = self.id_of.setdefault(true, name)
                self.kept += before == name
                self.changed += before != name
                self.id_of[true] = name
        return told


@pytest.mark.parametrize("shown", [1.0, 0.3], ids=["all seen", "most dark"])
@pytest.mark.parametrize(
    ("turn", "shift"),
    [(2.0, (0, 0)), (-5.0, (9, 20)), (10.0, (0, 0)), (0.0, (200, 0)), (10.0, (-120, 160))],
)
def test_a_plate_put_back_anyhow_keeps_its_ids(turn, shift, shown):
    kept = changed = 0
    for seed in range(6):
        culture, follower = Culture(80, seed), Follower()
        for _ in range(4):
            follower.push(*culture.visit(debris=8))
        told = follower.push(*culture.visit(turn=turn, shift=shift, shown=shown, debris=8))
        assert told.certain
        for _ in range(4):
            follower.push(*culture.visit(turn=turn, shift=shift, debris=8))
        follower.push(*culture.visit(debris=8))
        kept, changed = kept + follower.kept, changed + follower.changed
    assert kept > 1500
    assert changed <= 0.005 * kept


def test_the_same_without_registration_loses_ids():
    culture, follower = Culture(80, 1), track.Tracker(AnalysisSettings(), soma_px=16, pixel_um=1)
    for visit, turn in enumerate([0.0, 0.0, 10.0, 10.0]):
        found, _ = culture.visit(turn=turn)
        follower.push(found, time_h=float(visit))
    assert len(follower.tracks) > 100


def test_the_frame_is_placed_below_a_pixel():
    culture, follower = Culture(80, 3), Follower()
    follower.push(*culture.visit())
    follower.push(*culture.visit(turn=7.0, shift=(30.0, -60.0)))
    corners = np.array([(0.0, 0.0), (0.0, SIDE), (SIDE, 0.0), (SIDE, SIDE)])
    true = placed(corners, np.radians(7.0), 1.0, np.full(2, SIDE / 2), np.array([30.0, -60.0]))
    assert np.abs(plane.to_frame(corners, follower.placing) - true).max() < 1.0


def test_three_neurons_and_more_refine_the_shift():
    culture = Culture(12, 3)
    shift = np.array([3.3, -2.2])
    for n, told in ((12, shift), (2, np.zeros(2))):
        got = register.place(
            Placing(), culture.places[:n], culture.places[:n] + shift, np.ones(n),
            soma_px=SOMA, shape=(SIDE, SIDE),
        )  # fmt: skip
        assert got.certain
        assert (got.placing.y, got.placing.x) == pytest.approx(told, abs=1e-6)


def test_a_pattern_that_is_not_there_is_not_found():
    """The twin: another culture under the same stage is no turned view of this one."""
    follower = Follower()
    follower.push(*Culture(80, 1).visit())
    certain = [
        register.place(
            Placing(), follower.tracker.landmarks(), Culture(80, seed).places, np.ones(80),
            soma_px=SOMA, shape=(SIDE, SIDE),
        ).certain
        for seed in range(10, 40)
    ]  # fmt: skip
    assert not any(certain)


def test_a_visit_that_lies_nobody_knows_how_moves_nobody():
    culture, follower = Culture(80, 5), Follower()
    for _ in range(3):
        follower.push(*culture.visit())
    before = follower.tracker.tracks.points
    told = follower.push(*Culture(80, 6).visit())
    assert not told.certain
    np.testing.assert_array_equal(follower.tracker.tracks.points, before)
    assert follower.tracker.doubted().all()
    follower.push(*culture.visit())
    assert len(follower.tracker.tracks) == len(before)
    assert not follower.tracker.doubted().any()


def test_places_go_to_the_frame_and_back():
    rng = np.random.default_rng(0)
    points, placing = rng.uniform(0, 500, (20, 2)), Placing(12.0, -7.0, 0.15, 1.01)
    there = plane.to_frame(points, placing)
    expected = placed(points, 0.15, 1.01, np.zeros(2), np.array([12.0, -7.0]))
    np.testing.assert_allclose(there, expected)
    np.testing.assert_allclose(plane.to_reference(there, placing), points)


def outlines(points, *, area=200.0, light=1e4):
    n = len(points)
    points = np.asarray(points, float)
    return Detections(
        np.arange(1, n + 1, dtype=np.int32), points[:, 0], points[:, 1],
        np.full(n, area) if np.isscalar(area) else np.asarray(area, float),
        np.full(n, light) if np.isscalar(light) else np.asarray(light, float),
        np.full(n, 50.0), np.full(n, True), np.full(n, False),
    )  # fmt: skip


OTHERS = [(60.0, 60.0), (60.0, 400.0), (400.0, 60.0), (400.0, 400.0)]


def passing(lights, *, apart):
    """Let two neurons pass each other at a distance; return ids before and after, and doubts."""
    follower = track.Tracker(AnalysisSettings(), soma_px=SOMA, pixel_um=1.0)
    said = []
    light = [*lights, *np.full(4, 1e4)]
    for visit, x in enumerate(np.linspace(-30, 30, 21)):
        points = [(200.0, 200.0 + x), (200.0 + apart, 200.0 - x), *OTHERS]
        seen = follower.push(outlines(points, light=light), time_h=float(visit))
        said.append((seen.neuron[:2].tolist(), follower.doubted()[:2].tolist()))
        assert not follower.doubted()[2:].any()
    return said


def test_neurons_of_other_looks_that_pass_keep_their_ids():
    assert {tuple(ids) for ids, _ in passing((1e4, 4e4), apart=8.0)} == {(0, 1)}


def test_neurons_that_look_alike_and_pass_near_are_doubted_while_they_pass():
    said = passing((1e4, 1e4), apart=2.0)
    assert said[0][1] == said[-1][1] == [False, False]
    assert any(all(doubts) for _, doubts in said)


def test_neurons_that_pass_in_the_distance_are_not_doubted():
    said = passing((1e4, 1e4), apart=30.0)
    assert {tuple(ids) for ids, _ in said} == {(0, 1)}
    assert not any(any(doubts) for _, doubts in said)


def test_neurons_that_slide_onto_each_other_are_doubted_and_come_apart_under_their_ids():
    follower = track.Tracker(AnalysisSettings(), soma_px=SOMA, pixel_um=1.0)
    for visit, x in enumerate([30, 27, 24, 21, 18]):
        follower.push(outlines([(200.0, 200.0), (200.0, 200.0 + x), *OTHERS]), time_h=float(visit))
    one = outlines([(200.0, 208.0), *OTHERS], area=[380.0] + [200.0] * 4, light=[2e4] + [1e4] * 4)
    for visit in range(5, 9):
        follower.push(one, time_h=float(visit))
        assert (follower.doubted() | follower.hidden())[:2].all()
    apart = outlines([(200.0, 200.0), (200.0, 218.0), *OTHERS])
    seen = follower.push(apart, time_h=9.0)
    assert seen.neuron.tolist() == list(range(6))
    assert not (follower.doubted() | follower.hidden()).any()


def split(follower, visit, *, halves=(-4.0, 4.0)):
    pieces = [(200.0, 200.0 + x) for x in halves]
    found = outlines(
        [*pieces, *OTHERS], area=[100.0] * 2 + [200.0] * 4, light=[5e3] * 2 + [1e4] * 4
    )
    return follower.push(found, time_h=float(visit))


def test_a_soma_whose_outline_splits_for_good_is_not_doubted_for_good():
    follower = track.Tracker(AnalysisSettings(), soma_px=SOMA, pixel_um=1.0)
    neighbour = (200.0, 224.0)
    follower.push(outlines([(200.0, 200.0), *OTHERS, neighbour]), time_h=0.0)
    follower.push(outlines([(200.0, 206.0), *OTHERS]), time_h=1.0)
    assert follower.doubted()[0]  # took a step towards a lost neighbour
    for visit in range(2, 6):
        split(follower, visit)
    assert not follower.doubted()[0]
    assert follower.tracks.points[0] == pytest.approx((200.0, 200.0), abs=1.0)
    assert len(follower.tracks) == 6


def test_a_neuron_that_stands_elsewhere_for_long_with_nobody_near_stands_there():
    follower = track.Tracker(AnalysisSettings(), soma_px=SOMA, pixel_um=1.0)
    follower.push(outlines([(200.0, 200.0), *OTHERS]), time_h=0.0)
    bitten = outlines([(200.0, 206.0), *OTHERS], area=[350.0] + [200.0] * 4)
    follower.push(bitten, time_h=1.0)
    doubts = []
    for visit in range(2, 10):
        follower.push(outlines([(200.0, 206.0), *OTHERS]), time_h=float(visit))
        doubts.append(bool(follower.doubted()[0]))
    assert doubts[0]
    assert not doubts[-1]
    assert follower.tracks.points[0] == pytest.approx((200.0, 206.0), abs=1.0)


def shown_by_focus(k, period):
    """Return the part of neurons that a focus which comes and goes shows."""
    return float(np.clip(0.5 + 0.7 * np.cos(2 * np.pi * k / period), 0.0, 1.0))


@pytest.mark.parametrize("period", [8, 24, 40], ids=["fast", "slow", "slower"])
def test_a_focus_that_comes_and_goes_makes_no_new_neurons(period):
    culture = Culture(80, 9)
    follower = Follower()
    for k in range(3 * period + 1):
        culture.places += culture.rng.normal(0, 1.0, culture.places.shape)  # 5 um a day, and more
        follower.push(*culture.visit(shown=shown_by_focus(k, period), debris=4))
    n = len(follower.tracker.tracks)
    assert n <= 82
    assert follower.changed <= 0.001 * follower.kept


@pytest.mark.parametrize("gone", [2, 8], ids=["cut for a while", "out of the frame for long"])
def test_who_leaves_at_the_border_comes_back_under_its_id(gone):
    follower = track.Tracker(AnalysisSettings(), soma_px=SOMA, pixel_um=1.0)
    frame = (SIDE, SIDE)
    follower.push(outlines([(200.0, 9.0), *OTHERS]), time_h=0.0, trusted=True, shape=frame)
    cut = outlines([(200.0, 3.0), *OTHERS], area=[90.0] + [200.0] * 4, light=[4e3] + [1e4] * 4)
    cut.border[0] = True
    visits = [cut, *[outlines(OTHERS)] * gone, cut, outlines([(200.0, 9.0), *OTHERS])]
    placings = [Placing(x=-7.0), *[Placing(x=-22.0)] * gone, Placing(x=-7.0), Placing()]
    for visit, (found, placing) in enumerate(zip(visits, placings, strict=True), start=1):
        found.x[-4:] += placing.x
        seen = follower.push(
            found, time_h=float(visit), placing=placing, trusted=True, shape=frame
        )  # fmt: skip
        found.x[-4:] -= placing.x
    assert seen.neuron.tolist() == [0, 1, 2, 3, 4]
    assert len(follower.tracks) == 5
