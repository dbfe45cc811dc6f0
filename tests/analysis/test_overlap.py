"""Neurons that two overlapping fields of a well show."""

import numpy as np
import pytest

import scenes
from livedeath.analysis.pipeline import Pipeline, join_traces
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.study import Study

SIDE, STEP = 256, 164
SITES = f"""
sites = [
  {{ well = "A1", x_um = 0.0, y_um = 0.0 }},
  {{ well = "A1", x_um = {STEP}.0, y_um = 0.0 }},
]
"""


def study():
    text = scenes.STUDY.format(
        pixel=1.0, side=SIDE, camera=scenes.CAMERA, indicator=scenes.INDICATOR
    )
    return Study.from_toml(text.replace('id = "plate1"', f'id = "plate1"{SITES}'))


@pytest.fixture(scope="module")
def scene():
    return scenes.Scene.random(60, side=SIDE + STEP, margin=30, debris=0, low=1e4, seed=7)


def visit(scene, field, t, *, stage_error=(0.0, 0.0), stage=None):
    """Return what a field shows of the scene; the second lies to the right of the first."""
    shift = (-float(STEP) / 2 + stage_error[0], -float(STEP) * field + stage_error[1])
    images = {}
    for k, (name, part) in enumerate((("fill", 1.0), ("indicator", 0.1))):
        photons = scene.photons(part * scene.light, shift=shift)[:SIDE, :SIDE]
        images[name] = scene.camera(photons, seed=100 * field + 2 * t + k)
    x_um = float(STEP) * field if stage is None else stage
    key = FieldKey("plate1", 0, "A1", field)
    return Visit(key, t, 4.0 * t + 0.1 * field, "s1", images, x_um=x_um)


@pytest.fixture(scope="module")
def visits(scene):
    return [
        visit(scene, field, t, stage_error=(1.5 * field, -1.0))
        for t in range(3)
        for field in (0, 1)
    ]


@pytest.fixture(scope="module")
def results(visits):
    line = Pipeline(study())
    return [line.push(one) for one in visits]


def in_view(scene, field):
    """Return who is wholly inside a field."""
    y, x = scene.y - STEP / 2, scene.x - STEP * field
    deep = np.minimum.reduce([y, x, SIDE - 1 - y, SIDE - 1 - x])
    return deep > scene.radius + 3, deep


def id_at(result, scene, field, k):
    y, x = round(scene.y[k] - STEP / 2), round(scene.x[k] - STEP * field)
    return int(result.labels[y, x])


def test_a_neuron_in_two_fields_has_one_id(scene, results):
    (left, _), (right, _) = in_view(scene, 0), in_view(scene, 1)
    both = np.flatnonzero(left & right)
    assert both.size >= 4
    for k in both:
        assert id_at(results[-2], scene, 0, k) == id_at(results[-1], scene, 1, k) > 0


def test_neurons_of_one_field_have_ids_of_their_own(scene, results):
    (left, _), (right, _) = in_view(scene, 0), in_view(scene, 1)
    ids = [id_at(results[-2], scene, 0, k) for k in np.flatnonzero(left)]
    ids += [id_at(results[-1], scene, 1, k) for k in np.flatnonzero(right & ~left)]
    assert len(set(ids)) == len(ids)


def test_only_the_better_view_has_rows(scene, results):
    traces = join_traces([result.traces for result in results], ("fill", "indicator"))
    fields = {i: set(traces["field"][traces["neuron_id"] == i]) for i in set(traces["neuron_id"])}
    assert all(len(seen) == 1 for seen in fields.values())
    (left, deep), (right, deeper) = in_view(scene, 0), in_view(scene, 1)
    for k in np.flatnonzero(left & right & (np.abs(deep - deeper) > 5)):
        assert fields[id_at(results[-2], scene, 0, k)] == {int(deeper[k] > deep[k])}


def test_a_neuron_waits_for_the_better_view_one_round_at_most(scene):
    line = Pipeline(study())
    first, second = (line.push(visit(scene, 0, t)) for t in (0, 1))
    (left, deep), (_, deeper) = in_view(scene, 0), in_view(scene, 1)
    waiting = {id_at(first, scene, 0, k) for k in np.flatnonzero(left & (deeper > deep + 3))}
    others = {id_at(first, scene, 0, k) for k in np.flatnonzero(left & (deeper < deep - 3))}
    assert waiting
    assert not waiting & set(first.traces["neuron_id"])
    assert others <= set(first.traces["neuron_id"])
    assert waiting | others <= set(second.traces["neuron_id"])


def test_fields_whose_place_is_unknown_are_not_joined(scene):
    """The twin: the same pictures, and a stage that says of both that it stands at one place."""
    line = Pipeline(study())
    one, other = (line.push(visit(scene, field, 0, stage=7.0)) for field in (0, 1))
    assert not set(np.unique(one.labels)) & set(np.unique(other.labels)) - {0}


def test_a_restart_between_two_fields_changes_nothing(visits, results):
    for cut in (1, 2, 3):
        line, rest = Pipeline(study()), Pipeline(study())
        for one in visits[:cut]:
            line.push(one)
        rest.restore(line.state())
        for one, expected in zip(visits[cut:], results[cut:], strict=True):
            got = rest.push(one)
            np.testing.assert_array_equal(got.labels, expected.labels)
            for name, column in expected.traces.items():
                np.testing.assert_array_equal(got.traces[name], column, err_msg=name)
