"""The scale that a study begins with: from first visits alone, and exact over restarts."""

import dataclasses

import numpy as np
import pytest

import scenes
from livedeath.analysis import first_look
from livedeath.analysis.pipeline import Pipeline
from livedeath.errors import FrameError
from livedeath.model.frame import FieldKey
from livedeath.model.measures import SomaSize


def thirty_two_px(level):
    """Stand in for an estimate of ten somata, 32 px wide; an empty frame shows none."""
    frame = level(16.0)
    n = 10 if frame.image.max() > 5 * frame.noises.max() else 0
    return SomaSize(32.0, 0.1, n)


def in_field(visit, number):
    return dataclasses.replace(visit, field=FieldKey("plate1", 0, "A1", number))


@pytest.fixture(scope="module")
def movie():
    scene = scenes.Scene.random(6, apart=40, low=3e4, seed=5)
    return [scene.visit(t) for t in range(3)]


def pipeline(estimate=thirty_two_px, **told):
    study = scenes.study()
    return Pipeline(
        study.replace(analysis=study.analysis.replace(**told)) if told else study,
        estimate=estimate,
    )


def test_the_first_visit_sets_the_scale_and_says_it(movie):
    line = pipeline()
    line.push(movie[0])
    (scale,) = line.noted["scales"]
    assert scale["soma_diameter_um"] == pytest.approx(30.0, rel=0.05)
    assert (scale["told_um"], scale["somata"], scale["seen_um"]) == (None, 10, pytest.approx(32.0))
    assert len(line.noted["warnings"]) == 1


def test_later_visits_of_a_field_say_nothing_more(movie):
    line = pipeline()
    line.push(movie[0])
    before = line.noted
    line.push(movie[1])
    assert line.noted == before
    line.push(in_field(movie[2], 1))
    assert line.noted["scales"][0]["somata"] == 20


def test_what_was_told_is_used(movie):
    line = pipeline(soma_diameter_um=17.0)
    line.push(movie[0])
    (scale,) = line.noted["scales"]
    assert (scale["soma_diameter_um"], scale["told_um"]) == (17.0, 17.0)
    assert "told to be 17 um" in line.noted["warnings"][0]


def test_an_empty_field_waits_for_somata_and_then_takes_the_scale(movie):
    dark = dataclasses.replace(
        movie[0], images={k: np.full_like(v, 130) for k, v in movie[0].images.items()}
    )
    line = pipeline()
    line.push(dark)
    assert line.noted["scales"][0]["somata"] == 0
    line.push(movie[1])
    assert line.noted["scales"][0]["somata"] == 10


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_restart_changes_no_scale_and_no_trace(movie, cut):
    visits = [movie[0], in_field(movie[0], 1), movie[1], in_field(movie[1], 1), movie[2]]
    whole, first, again = pipeline(), pipeline(), pipeline()
    expected = [whole.push(visit) for visit in visits]
    for visit in visits[:cut]:
        first.push(visit)
    again.restore(first.state())
    for visit, result in zip(visits[cut:], expected[cut:], strict=True):
        got = again.push(visit)
        np.testing.assert_array_equal(got.labels, result.labels)
        for name, column in got.traces.items():
            np.testing.assert_array_equal(column, result.traces[name], err_msg=name)
    assert again.noted == whole.noted


def test_the_scale_does_change_what_is_measured(movie):
    one, other = pipeline().push(movie[0]), pipeline(estimate=None).push(movie[0])
    assert not np.array_equal(one.labels, other.labels)


def test_a_refused_visit_leaves_nothing_behind(movie):
    line = pipeline()
    line.push(movie[0])
    before = line.noted
    wrong = in_field(movie[1], 1)
    wrong.images["indicator"] = wrong.images["indicator"][:100]
    with pytest.raises(FrameError):
        line.push(wrong)
    assert line.noted == before


def test_outlines_made_elsewhere_say_how_wide_somata_are():
    labels = np.zeros((200, 200), np.uint16)
    y, x = np.mgrid[:200, :200]
    for k, (cy, cx) in enumerate([(30, 30), (30, 100), (100, 40), (150, 150)]):
        labels[np.hypot(y - cy, x - cx) <= 12.0] = 7 * k + 3
    size = first_look.size_of_outlines(labels)
    assert (size.n, size.diameter_px) == (4, pytest.approx(24.0, rel=0.03))
    assert first_look.size_of_outlines(labels * 0).n == 0


def test_somata_at_the_border_are_counted_once(movie):
    scene = scenes.Scene(
        np.array([60.0, 128.0, 2.0, 190.0]),
        np.array([60.0, 130.0, 100.0, 253.0]),
        np.full(4, 8.0),
        np.full(4, 3e4),
        debris=0,
        neurites=False,
    )
    line = pipeline(estimate=None)
    for t in range(2):
        line.push(scene.visit(t))
    assert line.noted["at_border"] == 2
    inside = pipeline(estimate=None)
    inside.push(movie[0])
    assert inside.noted["at_border"] == 0


def test_only_the_first_fields_are_measured(movie, monkeypatch):
    monkeypatch.setattr(first_look, "FIELDS", 2)
    line = pipeline()
    for number in range(4):
        line.push(in_field(movie[0], number))
    assert line.noted["scales"][0]["somata"] == 20
    again = pipeline()
    again.restore(line.state())
    again.push(in_field(movie[0], 5))
    assert again.noted == line.noted


@pytest.mark.parametrize(("n", "shapes"), [(50, [(200, 200)]), (3, [(200, 200), (512, 512)])])
def test_somata_are_measured_in_the_middle_and_where_that_shows_few_in_all_of_it(n, shapes):
    seen = []

    def estimate(level):
        seen.append(level(16.0).image.shape)
        return SomaSize(16.0, 0.1, n)

    visit = scenes.Scene.random(20, side=512, seed=3).visit(0)
    Pipeline(scenes.study(side=512, pixel=2.4), estimate=estimate).push(visit)
    assert seen == shapes
