import numpy as np
import polars as pl
import pytest

from livedeath.reporting import examples, fields
from livedeath.reporting.material import gather


@pytest.fixture(scope="module")
def material(illustrated):
    return gather(illustrated.path)


def test_one_field_per_arm_is_shown_first_and_last_before_the_kill(material):
    shown = fields.shown_fields(material)
    assert [field.arm for field in shown] == ["vehicle", "glutamate 50 uM", "glutamate + rescue"]
    assert [picture.time_h for picture in shown[0].pictures] == [0.0, 12.0]
    assert shown[0].n_followed == 5
    assert shown[0].n_both <= 5


def test_an_outline_lies_around_its_soma(material):
    shown = fields.shown_fields(material)[0]
    first = material.traces.filter(pl.col("t") == 0)
    for outline in shown.pictures[0].outlines:
        row = first.row(by_predicate=pl.col("neuron_id") == outline.neuron_id, named=True)
        points = np.array([[float(v) for v in p.split(",")] for p in outline.points.split()])
        assert np.abs(points.mean(axis=0) - (row["x_px"] + 0.5, row["y_px"] + 0.5)).max() < 1.5


def test_a_neuron_is_outlined_dead_only_after_its_death(material):
    calls = dict(zip(material.calls["neuron_id"], material.calls["death_h"], strict=True))
    first, last = zip(*(field.pictures for field in fields.shown_fields(material)), strict=True)
    assert {o.state for picture in first for o in picture.outlines} == {"alive"}
    dead = [o.neuron_id for picture in last for o in picture.outlines if o.state == "dead"]
    assert dead
    assert all(calls[neuron] <= 12.0 for neuron in dead)


def test_block_mean_keeps_the_mean():
    image = np.arange(48, dtype=np.float32).reshape(6, 8)
    assert fields.block_mean(image, 2).mean() == image.mean()
    assert fields.block_mean(image, 5).shape == (1, 1)


def test_examples_come_from_every_arm_with_deaths_and_say_why(material):
    deaths = examples.natural_deaths(material)
    chosen = examples.choose(deaths, n_random=3, n_weakest=1)
    ids = [neuron for neuron, _ in chosen]
    assert len(set(ids)) == len(ids) == min(4, deaths.height)
    arms = dict(zip(deaths["neuron_id"], deaths["arm"], strict=True))
    assert {arms[i] for i in ids[:3]} == set(arms.values())


def test_a_strip_shows_the_indicator_brighten_after_the_onset(material):
    one = examples.examples(material)[0]
    assert [row["channel"] for row in one.rows] == ["RFP", "GEDI"]
    assert one.rows[0]["picture"].startswith("data:image/png;base64,")
    flags = [hour["dead"] for hour in one.hours]
    assert flags == sorted(flags)
    assert "<svg" in one.trace_svg


def test_folds_start_at_one_and_the_indicator_is_a_ratio(material):
    from livedeath.review.strip import TraceIndex

    call = examples.natural_deaths(material).sort("death_h").row(-1, named=True)
    trace = TraceIndex(material.traces, material.channels).trace(call["neuron_id"])
    folds = examples.folds(trace, material, onset_h=call["death_h"])
    assert list(folds) == ["RFP", "GEDI / RFP"]
    assert np.nanmedian(folds["GEDI / RFP"][:5]) == pytest.approx(1.0, abs=0.1)
    assert np.nanmax(folds["GEDI / RFP"]) > 2.0
