"""What a notebook shows: pictures that display themselves, and one line per object."""

import io

import numpy as np
import polars as pl
import pytest
from skimage.io import imread

import livedeath as ld
import small_studies
import tables
from made_study import make_study

PNG = b"\x89PNG"


def pixels(figure):
    return imread(io.BytesIO(figure._repr_png_()))[..., :3].astype(int)


def share_of(picture, colour):
    """Return which share of a picture has a colour, give or take smoothed edges."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return float(np.mean(np.abs(picture - wanted).max(axis=-1) < 12))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return ld.open_study(
        make_study(tmp_path_factory.mktemp("plots") / "s", per_well=5, kill=False).path
    )


@pytest.fixture(scope="module")
def found():
    return ld.survival(tables.neurons({"vehicle": 0.01, "drug": 0.06}))


def test_curves_show_themselves_with_the_control_in_ink(found):
    picture = pixels(ld.plot_survival(found))
    assert share_of(picture, "#4a4f57") > 1e-3
    assert share_of(picture, "#D55E00") > 1e-3
    assert share_of(picture, "#009E73") == 0


def test_a_figure_is_written_like_any_other(found, tmp_path):
    ld.plot_survival(found).savefig(tmp_path / "curve.svg")
    assert "drug" in (tmp_path / "curve.svg").read_text(encoding="utf-8")


def test_a_dead_neuron_shows_its_onset_and_a_living_one_none(study):
    calls = study.calls(joined=False)
    onset = {}
    for outcome in ("dead", "alive"):
        neuron = calls.filter(pl.col("outcome") == outcome)["neuron_id"][0]
        onset[outcome] = share_of(pixels(study.plot_neuron(neuron)), "#D55E00")
    assert onset["dead"] > 1e-4
    assert onset["alive"] == 0


def test_a_neuron_says_what_was_called_in_words(study):
    dead = study.calls().filter(pl.col("outcome") == "dead").row(0, named=True)
    figure = study.plot_neuron(dead["neuron_id"])
    said = figure.get_suptitle()
    assert said.startswith(f"Neuron {dead['neuron_id']}: dead, onset {dead['death_h']:.1f} h")
    hours = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert hours == [f"{hour:g} h" for hour in study.strip(dead["neuron_id"]).time_h]


def test_a_call_that_was_taken_back_is_said_and_colours_nothing(study, monkeypatch):
    living = study.calls(joined=False).filter(pl.col("outcome") == "alive")
    neuron = living["neuron_id"][0]
    called = living.with_columns(
        called_at_h=pl.lit(2.0), revoked_at_h=pl.Series([6.5] * living.height)
    )
    monkeypatch.setattr(type(study), "calls", lambda *_, **__: called)
    figure = study.plot_neuron(neuron)
    says = f"Neuron {neuron}: alive, called dead at 2.0 h and taken back at 6.5 h"
    assert figure.get_suptitle() == says
    assert share_of(pixels(figure), "#D55E00") == 0


def test_a_strip_is_one_picture_and_says_what_it_is(study):
    strip = study.strip(study.calls()["neuron_id"][0])
    picture = strip.picture()
    channels, visits, side, _ = strip.crops.shape
    assert picture.shape == (channels * (side + 2) - 2, visits * (side + 2) - 2)
    assert picture.dtype == np.uint8
    assert f"{visits} visits" in repr(strip)
    assert len(repr(strip)) < 120


def test_survival_says_its_groups_in_one_line(found):
    dead, all_of = (found.arms[name].to_list() for name in ("dead", "neurons"))
    assert f"vehicle ({dead[0]} of {all_of[0]})" in repr(found)
    assert "1 comparison>" in repr(found)
    assert len(repr(found)) < 200


def test_effects_are_a_table_with_one_row_per_pair(found):
    effects = found.effects
    assert effects.select("a", "b", "n_units_a", "n_units_b").rows() == [("vehicle", "drug", 4, 4)]
    (said,) = found.to_dict()["comparisons"]
    for name in ("rate_ratio", "p", "p_method", "hazard_ratio", "low", "high", "refused"):
        assert effects[name][0] == said[name]


def test_an_unknown_number_stays_a_number_and_an_unknown_word_a_word(found):
    assert found.arms.schema["median_h_high"] == pl.Float64
    for name in ("refused", "adjusted_note", "hazard_note"):
        assert found.effects.schema[name] == pl.String


def test_a_refused_comparison_is_a_row_that_says_why():
    one_unit_each = tables.neurons({"vehicle": 0.01, "drug": 0.06}, units=1)
    effects = ld.survival(one_unit_each).effects
    assert effects["p"].to_list() == [None]
    assert "unit" in effects["refused"][0]


def test_a_single_group_has_no_effects():
    assert ld.survival(tables.neurons({"only": 0.02})).effects.height == 0


def test_what_was_scored_opens_by_its_path_and_reads_like_an_open_study(tmp_path):
    import tifffile

    movie = tmp_path / "m.tif"
    tifffile.imwrite(movie, small_studies.blobs(), photometric="minisblack")
    found = ld.score(movie, pixel_size_um=0.65, interval_h=1.0, out=tmp_path / "out")
    assert repr(found).startswith(f"<{found.calls.height} neurons scored: ")
    opened = ld.open_study(found.path)
    assert opened.calls(joined=False).equals(found.calls)
    assert opened.traces().equals(found.traces)
    assert found.calls["death_h"].null_count() > 0
    assert not found.calls["death_h"].is_nan().any()


def test_tables_can_be_written_for_excel(study, tmp_path):
    study.calls().write_csv(tmp_path / "calls.csv")
    study.traces().write_csv(tmp_path / "traces.csv")
    again = pl.read_csv(tmp_path / "traces.csv")
    marked = again.filter(pl.col("flags") > 0)
    assert marked.height > 0
    assert marked["flag_words"].null_count() == 0


def test_every_refusal_can_be_caught_by_one_name(tmp_path):
    with pytest.raises(ld.LivedeathError, match="no-such"):
        ld.open_study(tmp_path / "no-such")
