import dataclasses

import numpy as np
import pytest

import scenes
from livedeath.analysis import correct, trace
from livedeath.model.flags import Flag
from livedeath.model.measures import Seen

CAMERA = scenes.study().optics.camera


def levelled(image):
    return correct.level(correct.correct(image, CAMERA), 16.0)


def seen_at(scene, *, label=None, shift=(0.0, 0.0), gap=False, border=False):
    n = len(scene)
    label = np.arange(1, n + 1, dtype=np.int32) if label is None else np.asarray(label, np.int32)
    return Seen(
        scene.y + shift[0],
        scene.x + shift[1],
        scene.radius,
        label,
        np.full(n, gap),
        np.full(n, border),
    )


def field(n=5, **more):
    return scenes.Scene.random(n, side=160, neurites=False, debris=0, low=8e3, high=2e4, **more)


def push(tracer, scene, *, seed=0, fold=1.0, seen=None, learn=True):
    frame = levelled(scene.camera(scene.photons(scene.light * fold), seed=seed))
    seen = seen or seen_at(scene)
    return tracer.push(
        {"fill": frame}, seen, scenes.runs(scene.truth()), shown=frame if learn else None
    )


def test_the_light_is_the_soma_without_its_background():
    scene = field()
    light = push(trace.Tracer(16.0), scene).light["fill"]
    assert light / scene.light == pytest.approx(1.0, abs=0.15)


def test_a_fold_of_three_is_measured_with_a_frozen_profile():
    scene, tracer = field(), trace.Tracer(16.0)
    lights = [push(tracer, scene, seed=k).light["fill"] for k in range(4)]
    risen = push(tracer, scene, seed=9, fold=3.0).light["fill"]
    assert risen / lights[-1] == pytest.approx(3.0, rel=0.1)


def test_the_stated_sd_is_the_scatter():
    scene, tracer = field(), trace.Tracer(16.0)
    blocks = [push(tracer, scene, seed=k) for k in range(25)]
    lights = np.array([b.light["fill"] for b in blocks[3:]])
    stated = np.array([b.light_sd["fill"] for b in blocks[3:]]).mean(axis=0)
    assert np.mean(lights.std(axis=0) / stated) == pytest.approx(1.0, abs=0.25)


def test_a_lost_neuron_is_measured_on_at_its_last_place():
    scene, tracer = field(), trace.Tracer(16.0)
    before = push(tracer, scene).light["fill"]
    gone = seen_at(scene, label=np.zeros(len(scene)))
    block = push(tracer, scene, seed=1, seen=gone)
    assert block.light["fill"] == pytest.approx(before, rel=0.1)
    assert (block.flags & Flag.MASK_LOST).all()


def test_a_profile_is_frozen_after_three_good_visits():
    scene, tracer = field(), trace.Tracer(16.0)
    for k in range(3):
        push(tracer, scene, seed=k)
    frozen = tracer.state()["profiles"]
    push(tracer, scene, seed=3)
    np.testing.assert_array_equal(tracer.state()["profiles"], frozen)
    fresh = trace.Tracer(16.0)
    push(fresh, scene, seed=0)
    one = fresh.state()["profiles"]
    push(fresh, scene, seed=1)
    assert not np.array_equal(fresh.state()["profiles"], one)


def test_a_bright_neighbour_does_not_bleed_in():
    scene = scenes.Scene(
        *np.array([[80.0, 80], [70.0, 87], [8.0, 8], [9000.0, 9000]]), 160, neurites=False, debris=0
    )
    tracer, fold = trace.Tracer(16.0), np.array([1.0, 6.0])
    before = push(tracer, scene).light["fill"]
    after = push(tracer, scene, seed=1, fold=fold).light["fill"]
    assert after[0] == pytest.approx(before[0], rel=0.2)
    assert after[1] == pytest.approx(6 * before[1], rel=0.2)


def test_doubts_are_flagged():
    scene = field()
    frame = levelled(scene.camera(scene.photons(scene.light)))
    frame = dataclasses.replace(frame, clipped=scene.truth() == 2)
    shift = np.where(np.arange(len(scene)) == 3, -500.0, 0.0)
    seen = seen_at(scene, gap=True, border=True, shift=(shift, 0.0))
    flags = (
        trace.Tracer(16.0)
        .push({"fill": frame}, seen, scenes.runs(scene.truth()), shown=frame)
        .flags
    )
    assert (flags & Flag.TRACK_GAP).all()
    assert (flags & Flag.TOUCHES_BORDER).all()
    assert np.flatnonzero(flags & Flag.CLIPPED).tolist() == [1]
    assert np.flatnonzero(flags & Flag.OUTSIDE_COMMON_AREA).tolist() == [3]
    assert not (flags & Flag.UNCALIBRATED).any()


def test_a_neuron_swallowed_by_its_neighbours_outline_is_flagged_and_measured():
    scene = scenes.Scene(
        *np.array([[80.0, 80], [70.0, 86], [8.0, 8], [9000.0, 9000]]), 160, neurites=False, debris=0
    )
    tracer = trace.Tracer(16.0)
    push(tracer, scene)
    frame = levelled(scene.camera(scene.photons(scene.light), seed=1))
    merged = (scene.truth() > 0).astype(np.int32)
    block = tracer.push(
        {"fill": frame}, seen_at(scene, label=[1, 0]), scenes.runs(merged), shown=None
    )
    assert (block.flags & Flag.MERGED).all()
    assert block.light["fill"] / scene.light == pytest.approx(1.0, abs=0.3)


def test_what_is_outside_the_frame_has_no_light():
    scene, tracer = field(), trace.Tracer(16.0)
    push(tracer, scene)
    block = push(tracer, scene, seen=seen_at(scene, label=[0] * 5, shift=(900.0, 0.0)))
    assert np.isnan(block.light["fill"]).all()


def test_a_restart_changes_nothing():
    scene, whole, rest = field(), trace.Tracer(16.0), trace.Tracer(16.0)
    push(whole, scene)
    rest.restore(whole.state())
    one, other = (push(t, scene, seed=1) for t in (whole, rest))
    np.testing.assert_array_equal(one.light["fill"], other.light["fill"])


def test_too_faint_is_below_three_standard_deviations():
    light, sd = np.array([10.0, 10.0, np.nan]), np.array([2.0, 5.0, 1.0])
    assert trace.too_faint(light, sd).tolist() == [False, True, True]


@pytest.mark.parametrize(("depth", "outside"), [(3.0, True), (14.0, False)])
def test_a_neuron_lost_at_the_border_is_outside_and_not_dark(depth, outside):
    scene = scenes.Scene(
        *np.array([[depth, 80.0], [70.0, 86], [8.0, 8], [9000.0, 9000]]),
        160,
        neurites=False,
        debris=0,
    )
    frame = levelled(scene.camera(scene.photons(scene.light)))
    lost = seen_at(scene, label=[0, 2])
    flags = (
        trace.Tracer(16.0).push({"fill": frame}, lost, scenes.runs(scene.truth()), shown=None).flags
    )
    assert bool(flags[0] & Flag.OUTSIDE_COMMON_AREA) == outside
    found = seen_at(scene, label=[1, 2])
    flags = (
        trace.Tracer(16.0)
        .push({"fill": frame}, found, scenes.runs(scene.truth()), shown=None)
        .flags
    )
    assert not flags[0] & Flag.OUTSIDE_COMMON_AREA


def long_soma(turn):
    """Return a frame with one soma, twice as long as wide, and its outline."""
    y, x = np.mgrid[-40:41, -40:41]
    along, across = np.cos(turn) * y + np.sin(turn) * x, np.cos(turn) * x - np.sin(turn) * y
    image = (100.0 * np.exp(-0.5 * ((along / 8) ** 2 + (across / 3) ** 2))).astype(np.float32)
    return levelled((100 + 20 * image).astype(np.uint16)), scenes.runs(image > 20)


@pytest.mark.parametrize(("told", "kept"), [(True, 0.99), (False, 0.9)])
def test_a_profile_turns_with_its_frame(told, kept):
    def seen(turn):
        one = np.full(1, 40.0)
        return Seen(one, one, np.full(1, 8.0), np.ones(1, np.int32), *np.zeros((2, 1), bool), turn)

    tracer, turn = trace.Tracer(20.0), np.radians(25.0)
    frame, labels = long_soma(0.0)
    for _ in range(3):
        before = tracer.push({"fill": frame}, seen(0.0), labels, shown=frame).light["fill"]
    frame, labels = long_soma(turn)
    block = tracer.push({"fill": frame}, seen(turn if told else 0.0), labels, shown=frame)
    part = block.light["fill"][0] / before[0]
    assert part == pytest.approx(1.0, abs=0.01) if told else part < kept
