"""What divides, where divisions are declared: two tracks begin, and nobody died."""

import dataclasses

import numpy as np
import pytest

import scenes
from livedeath.analysis import track
from livedeath.analysis.pipeline import Pipeline, join_traces
from livedeath.model.measures import Detections
from livedeath.model.settings import AnalysisSettings
from livedeath.model.tables import DIVIDED

OTHERS = [(60.0, 60.0), (60.0, 200.0), (200.0, 60.0)]
NOW = [(120.0, 114.0), (120.0, 127.0)]


def outlines(points, areas, lights):
    n = len(points)
    y, x = np.array(points, float).T
    return Detections(
        np.arange(1, n + 1, dtype=np.int32), y.copy(), x.copy(), np.array(areas, float),
        np.array(lights, float), np.full(n, 50.0), np.full(n, True), np.full(n, False),
    )  # fmt: skip


def divide(*, declared=True, daughters=NOW, areas=(90.0, 90.0), lights=(5e3, 5e3)):
    follower = track.Tracker(AnalysisSettings(divisions=declared), soma_px=16, pixel_um=1.0)
    whole = outlines([(120.0, 120.0), *OTHERS], [200.0] * 4, [1e4] * 4)
    for visit in range(4):
        follower.push(whole, time_h=float(visit), shape=(256, 256))
    apart = outlines([*daughters, *OTHERS], [*areas, *[200.0] * 3], [*lights, *[1e4] * 3])
    return follower, follower.push(apart, time_h=4.0, shape=(256, 256))


def test_a_division_ends_a_track_and_begins_two():
    follower, seen = divide()
    assert seen.neuron.tolist() == [4, 5, 1, 2, 3]
    assert seen.divided.tolist() == [True, False, False, False, False, False]
    assert follower.tracks.rows["parent"].tolist() == [-1, -1, -1, -1, 0, 0]
    again = outlines([*NOW, *OTHERS, (120.0, 120.5)], [90.0] * 2 + [200.0] * 4, [5e3] * 6)
    seen = follower.push(again, time_h=5.0, shape=(256, 256))
    assert seen.neuron[:5].tolist() == [4, 5, 1, 2, 3]
    assert not seen.divided.any()


def test_where_divisions_are_not_declared_nobody_divides():
    follower, seen = divide(declared=False)
    assert not seen.divided.any()
    assert (follower.tracks.rows["parent"] == -1).all()


@pytest.mark.parametrize(
    "more",
    [
        {"daughters": [(120.0, 120.0), (120.0, 145.0)]},
        {"areas": (190.0, 90.0)},
        {"lights": (9e3, 1e3)},
        {"lights": (1e4, 1e4)},
    ],
    ids=["one stayed", "one as large as before", "unequal", "more light than before"],
)
def test_a_neighbour_that_turns_up_is_no_daughter(more):
    _, seen = divide(**more)
    assert not seen.divided.any()


def movie():
    """Return visits of nuclei, of which the first divides between visits 5 and 6."""
    rng = np.random.default_rng(2)
    scene = scenes.Scene.random(
        10, side=256, margin=40, apart=50.0, low=2e4, high=4e4, neurites=False, debris=0
    )
    y, x, r = scene.y[0], scene.x[0], scene.radius[0]
    both = dataclasses.replace(
        scene,
        y=np.append(scene.y, y - 9.0),
        x=np.append(scene.x, x),
        radius=np.append(scene.radius, 0.7 * r),
        light=np.append(scene.light, 0.5 * scene.light[0]),
    )
    both.y[0], both.radius[0] = y + 9.0, 0.7 * r
    both.light[0] *= 0.5
    shifts = rng.normal(0, 0.7, (30, 2))
    shown = [scene if t < 6 else both for t in range(30)]
    return [s.visit(t, shift=tuple(shifts[t]), hours=0.5) for t, s in enumerate(shown)]


def scored(visits, *, divisions):
    study = scenes.study()
    line = Pipeline(study.replace(analysis=study.analysis.replace(divisions=divisions)))
    results = [line.push(visit) for visit in visits]
    traces = join_traces([r.traces for r in results], ("fill", "indicator"))
    return results, traces, line.calls(traces)


def test_a_division_is_neither_death_nor_loss():
    results, traces, calls = scored(movie(), divisions=True)
    divided = np.flatnonzero(calls["loss_reason"] == DIVIDED)
    assert divided.size == 1
    parent = int(calls["neuron_id"][divided[0]])
    assert calls["outcome"][divided[0]] == "alive"
    assert calls["last_alive_h"][divided[0]] == pytest.approx(2.5)
    assert np.isnan(calls["first_dead_h"][divided[0]])
    daughters = calls["neuron_id"][calls["parent_id"] == parent]
    assert daughters.size == 2
    assert (calls["entry_h"][calls["parent_id"] == parent] >= 3.0).all()
    assert set(calls["outcome"]) == {"alive"}
    assert traces["t"][traces["neuron_id"] == parent].max() == 6
    assert parent not in results[-1].labels
    assert set(daughters.tolist()) <= set(np.unique(results[-1].labels).tolist())


def test_without_the_declaration_the_same_movie_has_no_parents():
    _, _, calls = scored(movie(), divisions=False)
    assert (calls["parent_id"] == 0).all()
    assert DIVIDED not in set(calls["loss_reason"])


def test_a_restart_after_a_division_changes_nothing():
    visits = movie()[:10]
    study = scenes.study()
    study = study.replace(analysis=study.analysis.replace(divisions=True))
    whole = Pipeline(study)
    expected = [whole.push(visit) for visit in visits]
    for cut in (6, 7):
        line, rest = Pipeline(study), Pipeline(study)
        for visit in visits[:cut]:
            line.push(visit)
        rest.restore(line.state())
        for visit, want in zip(visits[cut:], expected[cut:], strict=True):
            got = rest.push(visit)
            np.testing.assert_array_equal(got.labels, want.labels)
            for name, column in want.traces.items():
                np.testing.assert_array_equal(got.traces[name], column, err_msg=name)
