import dataclasses

import numpy as np
import pytest
import tifffile

import scenes
from livedeath.analysis.pipeline import Pipeline, join_traces
from livedeath.detection import Scorer
from livedeath.errors import FrameError
from livedeath.model.flags import Flag
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.tables import trace_columns


class Watched(Scorer):
    """The scorer, and a note of what it was given."""

    def __init__(self, *more):
        super().__init__(*more)
        self.given = []

    def push(self, time_h, neuron_id, signal, **more):
        self.given.append((time_h, neuron_id.copy(), signal.copy(), more))
        return super().push(time_h, neuron_id, signal, **more)


def pipeline(**more):
    return Pipeline(scenes.study(**more))


def watched(**more):
    """Return a pipeline and its scorer."""
    study = scenes.study(**more)
    scorer = Watched(study.analysis, study.endpoint)
    return Pipeline(study, make_scorer=lambda: scorer), scorer


@pytest.fixture(scope="module")
def scene():
    return scenes.Scene.random(12, side=256, margin=36)


@pytest.fixture(scope="module")
def movie(scene):
    rng = np.random.default_rng(3)
    shifts = [(0.0, 0.0), *(tuple(rng.normal(0, 1.5, 2)) for _ in range(3)), (21.3, -17.6)]
    return [scene.visit(t, shift=shift) for t, shift in enumerate(shifts)]


@pytest.fixture(scope="module")
def results(movie):
    line = pipeline()
    return [line.push(visit) for visit in movie]


def same(one, other):
    np.testing.assert_array_equal(one.labels, other.labels)
    assert one.called == other.called
    for name, column in one.traces.items():
        np.testing.assert_array_equal(column, other.traces[name], err_msg=name)


def test_every_neuron_is_followed_under_one_id_from_its_first_visit(scene, results):
    found = scenes.match(results[0].labels, scene.truth())
    assert (found > 0).all()
    for result in results:
        assert set(found.tolist()) <= set(result.traces["neuron_id"].tolist())
        lost = (result.traces["flags"] & Flag.MASK_LOST) > 0
        assert not lost[np.isin(result.traces["neuron_id"], found)].any()


def test_ids_stay_on_their_neurons_through_a_jump_of_the_stage(scene, results):
    first, last = results[0].traces, results[-1].traces
    np.testing.assert_allclose(last["y_px"][:12] - first["y_px"][:12], 21.3, atol=1.0)
    np.testing.assert_allclose(last["x_px"][:12] - first["x_px"][:12], -17.6, atol=1.0)
    np.testing.assert_allclose(last["x_um"][:12], first["x_um"][:12], atol=1.0)


def test_traces_have_the_promised_columns(results):
    traces = results[-1].traces
    assert tuple(traces) == trace_columns(("fill", "indicator"))
    assert len({column.size for column in traces.values()}) == 1
    assert traces["flags"].dtype == np.uint32
    assert traces["neuron_id"].dtype == np.int64


def test_labels_carry_neuron_ids_at_the_cameras_resolution(results):
    labels = results[-1].labels
    assert labels.shape == (256, 256)
    assert labels.dtype == np.int32
    assert set(np.unique(labels)) - {0} <= set(results[-1].traces["neuron_id"].tolist())


def test_a_restart_from_any_state_changes_nothing(movie, results):
    for cut in (1, 3):
        line, rest = pipeline(), pipeline()
        for visit in movie[:cut]:
            line.push(visit)
        rest.restore(line.state())
        for visit, expected in zip(movie[cut:], results[cut:], strict=True):
            same(rest.push(visit), expected)


def test_another_past_does_change_something(movie, results):
    line = pipeline()
    line.push(movie[3])
    with pytest.raises(AssertionError):
        same(line.push(movie[4]), results[4])


def test_fields_do_not_disturb_each_other(movie, results):
    line = pipeline()
    other = FieldKey("plate1", 0, "A1", 1)
    for visit, expected in zip(movie, results, strict=True):
        got = line.push(visit)
        again = line.push(dataclasses.replace(visit, field=other))
        assert not set(got.traces["neuron_id"]) & set(again.traces["neuron_id"])
        np.testing.assert_array_equal(got.traces["fill"], expected.traces["fill"])
        np.testing.assert_array_equal(again.traces["fill"], expected.traces["fill"])


def in_acquisition(visit, number, *, from_h):
    """Return a visit as if it were of another acquisition, some hours later."""
    field = visit.field._replace(acquisition=number)
    return dataclasses.replace(visit, field=field, time_h=visit.time_h + from_h)


def test_a_change_of_optics_starts_new_neurons(movie, results):
    line = pipeline()
    for visit in movie:
        line.push(visit)
    for visit, before in zip(movie, results, strict=True):
        again = line.push(in_acquisition(visit, 1, from_h=100.0)).traces
        np.testing.assert_array_equal(again["fill"], before.traces["fill"])
        assert set(again["acquisition"]) == {1}
        assert set(before.traces["acquisition"]) == {0}
        assert not set(again["neuron_id"]) & set(results[-1].traces["neuron_id"])


def test_a_restart_after_a_change_of_optics_changes_nothing(movie):
    visits = movie[:2] + [in_acquisition(visit, 1, from_h=100.0) for visit in movie[:3]]
    whole, first, second = pipeline(), pipeline(), pipeline()
    expected = [whole.push(visit) for visit in visits]
    for visit in visits[:3]:
        first.push(visit)
    second.restore(first.state())
    for visit, result in zip(visits[3:], expected[3:], strict=True):
        same(second.push(visit), result)
    traces = join_traces([result.traces for result in expected], whole.channels)
    one, other = whole.calls(traces), second.calls(traces)
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)
    assert set(one["acquisition"]) == {0, 1}


def test_a_constant_background_changes_nothing_in_camera_units(movie):
    one, other = pipeline(calibrated=False), pipeline(calibrated=False)
    for visit in movie[:2]:
        lifted = {name: image + np.uint16(700) for name, image in visit.images.items()}
        same(one.push(visit), other.push(dataclasses.replace(visit, images=lifted)))


@pytest.mark.parametrize(
    "part",
    [
        0.25,
        pytest.param(
            0.1, marks=pytest.mark.xfail(strict=True, reason="an outline steps by a level")
        ),
    ],
)
def test_a_constant_background_changes_next_to_nothing_in_electrons(movie, part):
    visit = movie[0]
    lifted = {name: image + np.uint16(700) for name, image in visit.images.items()}
    one = pipeline().push(visit).traces
    other = pipeline().push(dataclasses.replace(visit, images=lifted)).traces
    # An outline may lie one level of brightness further in or out, far within the stated sd.
    assert (np.abs(one["fill"] - other["fill"]) < part * one["fill_sd"]).all()
    assert not np.array_equal(one["fill"], other["fill"])


def test_uncalibrated_data_are_scored_and_say_so(movie):
    traces = pipeline(calibrated=False).push(movie[0]).traces
    assert (traces["flags"] & Flag.UNCALIBRATED).all()
    assert not (pipeline().push(movie[0]).traces["flags"] & Flag.UNCALIBRATED).any()


def test_the_names_of_labels_do_not_matter(scene, movie):
    truth = scene.truth()
    names = np.random.default_rng(1).permutation(500)[: len(scene) + 1] + 1
    names[0] = 0
    one, other = pipeline().push(movie[0], truth), pipeline().push(movie[0], names[truth])
    same(one, other)
    assert (scenes.match(one.labels, truth) > 0).all()


def test_labels_made_elsewhere_are_kept_as_they_are(scene, movie):
    labels = scene.truth()
    labels[200:206, 3:9] = 77
    result = pipeline().push(movie[0], labels)
    np.testing.assert_array_equal(result.labels > 0, labels > 0)


def test_the_scorer_gets_indicator_and_fill(movie):
    line, scorer = watched()
    result = line.push(movie[0])
    time_h, neurons, signal, more = scorer.given[0]
    assert line.study.endpoint == scorer.endpoint == "indicator_rise"
    np.testing.assert_array_equal(signal, result.traces["indicator"])
    np.testing.assert_array_equal(more["reference"], result.traces["fill"])
    np.testing.assert_array_equal(neurons, result.traces["neuron_id"])
    assert time_h == 0.0
    assert more["seen"].all()
    assert set(more["well"]) == {"plate1/A1"}


def test_the_scorer_is_told_fields_apart(movie):
    line, scorer = watched()
    other = dataclasses.replace(movie[0], field=FieldKey("plate1", 0, "A1", 1))
    line.push(movie[0])
    line.push(other)
    told = [set(more["field"]) for *_, more in scorer.given]
    assert [len(names) for names in told] == [1, 1]
    assert told[0] != told[1]


def test_without_an_indicator_the_fill_is_what_is_lost(scene):
    line, scorer = watched(indicator=False)
    line.push(scene.visit(0, indicator=False))
    assert line.study.endpoint == scorer.endpoint == "loss_of_fill"
    assert "reference" not in scorer.given[0][3]


def test_an_indicator_alone_shows_where_somata_are(scene):
    study = scenes.study()
    only = study.replace(channels=[study.channel("indicator").model_dump()])
    line = Pipeline(only)
    visit = scene.visit(0)
    bright = {"indicator": visit.images["fill"]}
    result = line.push(dataclasses.replace(visit, images=bright))
    assert (line.study.endpoint, line.study.reference) == ("indicator_rise", None)
    assert (scenes.match(result.labels, scene.truth()) > 0).all()


def test_a_visit_without_fill_is_measured_at_the_last_places(movie):
    line = pipeline()
    before = line.push(movie[0])
    images = {"indicator": movie[1].images["indicator"]}
    blind = dataclasses.replace(movie[1], images=images, missing={"fill": "shutter"})
    result = line.push(blind)
    assert not result.labels.any()
    assert (result.traces["flags"] & Flag.MISSING_CHANNEL).all()
    assert not (result.traces["flags"] & Flag.MASK_LOST).any()
    assert np.isnan(result.traces["fill"]).all()
    assert np.isfinite(result.traces["indicator"]).all()
    np.testing.assert_array_equal(result.traces["neuron_id"], before.traces["neuron_id"])


def test_a_black_visit_loses_sight_of_everybody_and_nobody_is_mixed_up(movie):
    line = pipeline()
    first = line.push(movie[0])
    black = {name: np.zeros_like(image) for name, image in movie[1].images.items()}
    dark = line.push(dataclasses.replace(movie[1], images=black))
    assert (dark.traces["flags"] & Flag.BAD_FRAME).all()
    assert dark.bad_frames == dict.fromkeys(("fill", "indicator"), "dark")
    again = line.push(movie[2])
    np.testing.assert_array_equal(again.traces["neuron_id"], first.traces["neuron_id"])
    assert not (again.traces["flags"] & (Flag.BAD_FRAME | Flag.MASK_LOST)).any()


def test_a_field_without_neurons_gives_empty_tables():
    images = {name: np.full((256, 256), 120, np.uint16) for name in ("fill", "indicator")}
    result = pipeline().push(Visit(scenes.KEY, 0, 0.0, "s1", images))
    assert result.traces["neuron_id"].size == 0
    assert join_traces([result.traces], ("fill", "indicator"))["fill"].dtype == np.float64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": {"fill": np.zeros((64, 64), np.uint16)}}, "64 x 64"),
        ({"time_h": 0.0}, "times must increase"),
    ],
    ids=["size", "time"],
)
def test_a_visit_that_does_not_fit_is_refused_and_changes_nothing(movie, results, change, said):
    line = pipeline()
    line.push(movie[0])
    with pytest.raises(FrameError, match=said):
        line.push(dataclasses.replace(movie[1], **change))
    same(line.push(movie[1]), results[1])


@pytest.mark.parametrize(
    "within",
    [
        0.05,
        pytest.param(
            0.02, marks=pytest.mark.xfail(strict=True, reason="an outline steps by a level")
        ),
    ],
)
def test_planes_are_projected(movie, within):
    flat, deep = pipeline(), pipeline()
    stacks = {name: np.stack([i, i]) for name, i in movie[0].images.items()}
    one = flat.push(movie[0]).traces
    two = deep.push(dataclasses.replace(movie[0], images=stacks)).traces
    np.testing.assert_allclose(two["fill"], 2 * one["fill"], rtol=within)


def test_a_marker_tells_populations_apart(scene):
    study = scenes.study()
    marker = study.channel("indicator").model_dump() | {"name": "tag", "role": "marker"}
    study = study.replace(
        channels=[*(c.model_dump() for c in study.channels), marker],
        populations=[{"name": "tagged", "marker": "tag"}],
    )
    line = Pipeline(study)
    visit = scene.visit(0)
    shown = np.arange(len(scene)) % 2 == 0
    tag = scene.camera(scene.photons(scene.light, shown=shown), seed=99)
    result = line.push(dataclasses.replace(visit, images=visit.images | {"tag": tag}))
    names = dict(zip(result.traces["neuron_id"], result.traces["population"], strict=True))
    found = scenes.match(result.labels, scene.truth())
    assert [names[n] == "tagged" for n in found] == shown.tolist()
    again = line.push(dataclasses.replace(scene.visit(1), images=scene.visit(1).images))
    assert dict(zip(again.traces["neuron_id"], again.traces["population"], strict=True)) == names


def test_a_population_that_is_decided_late_is_that_of_the_call(scene):
    study = scenes.study()
    marker = study.channel("indicator").model_dump() | {"name": "tag", "role": "marker"}
    study = study.replace(
        channels=[*(c.model_dump() for c in study.channels), marker],
        populations=[{"name": "tagged", "marker": "tag"}],
    )
    line = Pipeline(study)
    tag = scene.camera(scene.photons(scene.light), seed=99)
    first, second = scene.visit(0), scene.visit(1)
    without = dataclasses.replace(first, missing={"tag": "shutter"})
    results = [
        line.push(without, scene.truth()),
        line.push(dataclasses.replace(second, images=second.images | {"tag": tag}), scene.truth()),
    ]
    assert set(results[0].traces["population"]) == {"all"}
    traces = join_traces([r.traces for r in results], ("fill", "indicator", "tag"))
    assert set(line.calls(traces)["population"]) == {"tagged"}


def test_real_nuclei_are_followed(shared_data):
    study = scenes.study(side=256, pixel=0.645, calibrated=False, indicator=False)
    line = Pipeline(study)
    frames = tifffile.imread(shared_data / "mitocheck_movie.tif")
    seen = {}
    for t, image in enumerate(frames):
        result = line.push(Visit(scenes.KEY, t, 0.5 * t, "s1", {"fill": image}))
        for neuron in np.unique(result.labels[result.labels > 0]):
            seen[int(neuron)] = seen.get(int(neuron), 0) + 1
    whole = sum(n >= 25 for n in seen.values())
    assert whole >= 12
    assert len(seen) <= 45
