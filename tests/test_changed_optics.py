"""A study whose objective is changed half way, through all rooms: whose pictures are shown.

Every room is the real one: a world is rendered, scored, reviewed, reported and exported. From
5.5 h on a pixel is twice as large. `t` counts from 0 again, so whoever forgets the acquisition
shows the picture of 0 h for that of 5.5 h, or calls everybody lost.
"""

import base64
import io

import numpy as np
import polars as pl
import pytest
import tifffile
import zarr
from PIL import Image

import livedeath as ld
from livedeath.errors import StoreError
from livedeath.export.csv import export_csv
from livedeath.export.ctc import export_ctc
from livedeath.model.frame import FieldKey
from livedeath.model.study import Study
from livedeath.reporting.examples import examples
from livedeath.reporting.fields import shown_fields
from livedeath.reporting.html import find, render
from livedeath.reporting.material import gather
from livedeath.review.queue import build_queue
from livedeath.run.follow import follow
from livedeath.run.score import score_table
from livedeath.simulation.render import render_study
from livedeath.simulation.truth import compare
from livedeath.simulation.world import World
from livedeath.statistics.quality import sensitivity
from livedeath.statistics.study import read_calls
from livedeath.store.tables import read_table, write_table
from simulation.small_world import parameters

STUDY = """
title = "another objective"
vessels = [{ id = "p", wells = ["B2", "C2"] }]
channels = [
  { name = "fill", role = "fill", exposure_ms = 100 },
  { name = "indicator", role = "indicator", exposure_ms = 100 },
]
schedule = { interval_h = 0.5, duration_h = 12 }
interventions = [
  { kind = "vehicle", wells = ["B2"] },
  { kind = "compound", compound = "toxin", dose = 1, unit = "uM", wells = ["C2"] },
]
end_kill = { at_h = 9.5 }
[optics]
pixel_size_um = 0.65
image_shape_px = [320, 360]
changes = [{ at_h = 5.5, pixel_size_um = 1.3, image_shape_px = [160, 180], objective = "10x" }]
"""
BEFORE, AFTER = 0, 1
SHAPE = {BEFORE: (320, 360), AFTER: (160, 180)}
PIXEL_UM = {BEFORE: 0.65, AFTER: 1.3}
FIRST_H = {BEFORE: 0.0, AFTER: 5.5}
LAST_H = {BEFORE: 5.0, AFTER: 9.0}
"""Last visits: before the change, and before the kill."""

LOST = (pl.col("outcome") == "lost") & (pl.col("loss_reason") != "not_shown_a_neuron")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the study, rendered and scored; do not change it."""
    world = World(Study.from_toml(STUDY), parameters(seed=5, death={"hazard_per_day": 1.5}))
    made = render_study(world, tmp_path_factory.mktemp("optics") / "a study")
    follow(made)
    return made


@pytest.fixture(scope="module")
def calls(folder):
    return folder.run().calls()


@pytest.fixture(scope="module")
def traces(folder):
    return folder.run().traces()


def of(table, acquisition):
    return table.filter(pl.col("acquisition") == acquisition)


def saved(folder, row, channel="fill"):
    """Return the frame that a trace's row was measured in, read by zarr from the plate."""
    path = (
        f"{row['vessel']}/{row['well'][0]}/{row['well'][1:]}/a{row['acquisition']}f{row['field']}"
    )
    array = zarr.open_array(folder.path / "images.ome.zarr" / path / "0", mode="r")
    return np.asarray(array[row["t"], ("fill", "indicator").index(channel), 0])


def cut(image, row, side):
    """Return the square around a neuron, (side, side)."""
    y, x = round(row["y_px"]) - side // 2, round(row["x_px"]) - side // 2
    return image[y : y + side, x : x + side].astype(np.float32)


def inner_neuron(table):
    """Return a neuron whose crops of 48 um lie inside of all its frames."""
    um = table.group_by("neuron_id").agg(
        pl.col("y_px").min().alias("y0"),
        pl.col("y_px").max().alias("y1"),
        pl.col("x_px").min().alias("x0"),
        pl.col("x_px").max().alias("x1"),
    )
    acquisition = table["acquisition"][0]
    height, width = SHAPE[acquisition]
    edge = 28 / PIXEL_UM[acquisition]
    inside = um.filter(
        (pl.col("y0") > edge)
        & (pl.col("y1") < height - edge)
        & (pl.col("x0") > edge)
        & (pl.col("x1") < width - edge)
    )
    return int(inside["neuron_id"].min())


def test_neurons_of_the_two_acquisitions_are_others(traces):
    before, after = (of(traces, number) for number in (BEFORE, AFTER))
    assert not set(before["neuron_id"]) & set(after["neuron_id"])
    assert (before["time_h"].min(), before["time_h"].max()) == (FIRST_H[BEFORE], LAST_H[BEFORE])
    assert after["time_h"].min() == FIRST_H[AFTER]
    assert before["t"].min() == after["t"].min() == 0


@pytest.mark.xfail(strict=True, reason="an unsure outline at the first visit is followed")
def test_nobody_who_was_watched_to_the_change_is_lost(calls):
    assert not of(calls, BEFORE).filter(pl.col("outcome") == "lost").height


def test_who_was_watched_to_the_last_visit_before_the_change_is_alive_not_lost(calls, traces):
    before = of(calls, BEFORE)
    assert not before.filter(LOST).height
    alive = before.filter(pl.col("outcome") == "alive")
    assert alive.height > 10
    found = of(traces, BEFORE).filter(pl.col("area_um2").is_finite())
    last = dict(found.group_by("neuron_id").agg(pl.col("time_h").max()).iter_rows())
    assert alive["last_alive_h"].to_list() == [last[n] for n in alive["neuron_id"]]
    assert (alive["last_alive_h"] == LAST_H[BEFORE]).mean() > 0.9


def test_survival_censors_at_the_change_and_lets_the_later_ones_enter_late(folder):
    found = read_calls(folder, folder.run())
    entry, leave, died = (getattr(found.table, n) for n in ("entry_h", "exit_h", "event"))
    before = found.joined["acquisition"].to_numpy() == BEFORE
    assert leave[before].max() <= LAST_H[BEFORE]
    assert entry[~before].min() >= FIRST_H[AFTER]
    assert found.joined.filter(pl.col("outcome") == "lost").height <= 3  # floated away
    assert died[before].sum() >= 2
    assert died[~before].sum() >= 2


def test_the_calls_stand_the_comparison_with_the_truth(folder, calls, traces):
    truth = ld.open_study(folder.path).truth()
    figures = compare(truth, traces, calls, study=folder.study)
    assert figures["neurons_found"] == figures["neurons"] > 40
    assert figures["false_deaths"] == 0
    assert figures["sensitivity"] > 0.7
    with pytest.raises(StoreError, match="does not tell the acquisitions of the study apart"):
        compare(truth, traces.drop("acquisition"), calls, study=folder.study)


def test_the_kill_is_told_by_those_who_saw_it(folder, calls):
    card = sensitivity(gather(folder.path).called)
    seen = of(calls, AFTER).filter(pl.col("entry_h") <= LAST_H[AFTER])
    assert 10 < card.n_alive <= seen.height
    assert card.n_found > 10


@pytest.mark.parametrize("acquisition", [BEFORE, AFTER])
def test_a_strip_shows_the_pictures_of_its_acquisition(folder, traces, acquisition):
    own = of(traces, acquisition)
    neuron = inner_neuron(own)
    rows = own.filter(pl.col("neuron_id") == neuron).sort("t").rows(named=True)
    strip = ld.open_study(folder.path).strip(neuron, channels=["fill"])
    side = {BEFORE: 74, AFTER: 37}[acquisition]  # 48 um
    assert strip.crops.shape[-1] == side
    for column, k in enumerate(strip.rows):
        expected = cut(saved(folder, rows[k]), rows[k], side)
        np.testing.assert_array_equal(strip.crops[0, column], expected)


def test_the_first_strip_of_an_hour_is_not_that_of_another(folder, traces):
    """The twin: a picture of the same visit of the other acquisition is another picture."""
    own = of(traces, AFTER)
    row = own.filter(pl.col("neuron_id") == inner_neuron(own)).sort("t").row(0, named=True)
    other = saved(folder, row | {"acquisition": BEFORE})
    assert not np.array_equal(cut(saved(folder, row), row, 37), cut(other, row, 37))


def picture(uri):
    """Return the grey levels of a data URI."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def likeness(one, other):
    return np.corrcoef(np.sqrt(one.ravel()), np.sqrt(other.ravel()))[0, 1]


def test_the_report_shows_each_acquisition_with_its_own_pictures_and_bar(folder):
    fields = shown_fields(gather(folder.path))
    assert [field.name for field in fields] == ["p/B2/0", "p#1/B2/0", "p/C2/0", "p#1/C2/0"]
    for field in fields:
        acquisition = AFTER if "#" in field.name else BEFORE
        row = {"vessel": "p", "well": field.name[-4:-2], "field": 0, "acquisition": acquisition}
        hours = [FIRST_H[acquisition], LAST_H[acquisition]]
        assert [shown.time_h for shown in field.pictures] == hours
        assert field.bar_px * PIXEL_UM[acquisition] == pytest.approx(field.bar_um)
        for shown in field.pictures:
            assert (shown.height, shown.width) == SHAPE[acquisition]
            raw = saved(folder, row | {"t": shown.t}).clip(100) - 99.0
            assert likeness(picture(shown.image), raw) > 0.8
            assert len(shown.outlines) > 5
            assert max(outline.x for outline in shown.outlines) < shown.width + 3


def test_the_examples_of_the_report_show_the_hour_they_name(folder, calls, traces):
    found = examples(gather(folder.path))
    number_of = dict(calls.select("neuron_id", "acquisition").iter_rows())
    late = [one for one in found if number_of[one.neuron_id] == AFTER]
    assert late
    assert len(late) < len(found)
    for one in found:
        own = traces.filter(pl.col("neuron_id") == one.neuron_id).sort("t")
        side = {BEFORE: 74, AFTER: 37}[number_of[one.neuron_id]]
        factor = 88 // side
        shown = picture(one.rows[0]["picture"])
        for k, hour in enumerate(one.hours):
            row = own.filter(pl.col("time_h") == hour["hour"]).row(0, named=True)
            crop = shown[::factor, k * (side * factor + 4) :][:, : side * factor : factor]
            raw = cut(saved(folder, row), row, side)
            if crop.shape == raw.shape:
                assert likeness(crop, raw.clip(100) - 99.0) > 0.6


def test_the_report_says_where_the_optics_changed(folder):
    material = gather(folder.path)
    page = render(material, find(material))
    assert "From 5.5 h on: 10x, 1.3 µm per pixel, 180 × 160 px." in page
    assert "50</b><span>visits to 2 fields" in page
    assert "14 visits each at most" in page  # of a neuron: 11 before the change, 14 after it


def test_the_reviewer_sees_the_pictures_of_the_acquisition(folder, traces):
    pytest.importorskip("napari")
    from napari_livedeath.ahead import StripReader
    from napari_livedeath.source import StudySource

    source = StudySource.open(folder.path)
    queue = build_queue(source.watched, reviewer="anna", run=source.run.name)
    reader = StripReader(source)
    checked = {BEFORE: 0, AFTER: 0}
    try:
        for item in queue:
            view = reader.view(item)
            side = {BEFORE: 74, AFTER: 37}[item.acquisition]
            rows = traces.filter(pl.col("neuron_id") == item.neuron_id).sort("t").rows(named=True)
            for column, k in enumerate(view.strip.rows):
                crop = view.strip.crops[0, column]
                if np.isfinite(crop).all():
                    expected = cut(saved(folder, rows[k]), rows[k], side)
                    np.testing.assert_array_equal(crop, expected)
                    checked[item.acquisition] += 1
    finally:
        reader.close()
    assert min(checked.values()) > 20


def test_the_viewer_opens_each_acquisition_with_its_own_pixel(folder, calls):
    pytest.importorskip("napari")
    from napari_livedeath.layers import study_layers
    from napari_livedeath.source import StudySource

    source = StudySource.open(folder.path)
    for acquisition, visits in ((BEFORE, 11), (AFTER, 14)):
        layers = study_layers(source, FieldKey("p", acquisition, "B2", 0))
        pixel = PIXEL_UM[acquisition]
        assert {layer[1]["scale"] for layer in layers} == {(1.0, pixel, pixel)}
        assert layers[0][0].shape == (visits, *SHAPE[acquisition])
        tracks = next(data for data, _, kind in layers if kind == "tracks")
        own = calls.filter((pl.col("acquisition") == acquisition) & (pl.col("well") == "B2"))
        assert set(tracks[:, 0].astype(int)) == set(own["neuron_id"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_canvas_follows_the_pixel_size(folder):
    components = pytest.importorskip("napari.components")
    from napari_livedeath.ahead import StripReader
    from napari_livedeath.field_view import FieldView
    from napari_livedeath.source import StudySource

    source, viewer = StudySource.open(folder.path), components.ViewerModel()
    queue = build_queue(source.watched, reviewer="anna", run=source.run.name)
    reader, shown = StripReader(source), FieldView(viewer, source)
    try:
        for acquisition in (BEFORE, AFTER, BEFORE):
            item = next(one for one in queue if one.acquisition == acquisition)
            view = reader.view(item)
            shown.show(view)
            pixel = PIXEL_UM[acquisition]
            for layer in viewer.layers:
                assert tuple(layer.scale)[-2:] == (pixel, pixel)
            image, ring = viewer.layers["fill"], viewer.layers["neuron"]
            assert image.data.shape[1:] == SHAPE[acquisition]
            assert ring.size[0] * pixel == pytest.approx(26.0)  # micrometres, whatever the pixel
            limits = source.limits("fill", acquisition)
            assert tuple(image.contrast_limits) == pytest.approx(limits)
    finally:
        reader.close()


def test_exported_traces_score_to_the_same_calls(folder, calls, tmp_path):
    out = tmp_path / "csv"
    out.mkdir()
    written = export_csv(folder, folder.run(), out)
    again = score_table(written["traces"], tmp_path / "again").calls
    for name in ("neuron_id", "acquisition", "outcome", "flags"):
        assert again[name].to_list() == calls[name].to_list()
    for name in ("last_alive_h", "called_at_h", "death_h"):
        np.testing.assert_array_equal(again[name], calls[name])
    assert set(pl.read_csv(written["calls"])["acquisition"]) == {BEFORE, AFTER}


def test_a_table_of_traces_may_tell_acquisitions_apart(folder, tmp_path):
    out = tmp_path / "csv"
    out.mkdir()
    written = export_csv(folder, folder.run(), out)["traces"]
    told = score_table(written, tmp_path / "told").calls.filter(pl.col("acquisition") == BEFORE)
    assert not told.filter(LOST).height
    blind = tmp_path / "blind.csv"
    write_table(read_table(written).drop("acquisition"), blind)
    lost = score_table(blind, tmp_path / "forgot").calls.filter(pl.col("outcome") == "lost")
    assert len(set(told["neuron_id"]) & set(lost["neuron_id"])) > 10


def test_exported_masks_are_those_of_the_acquisition(folder, tmp_path):
    sequences = export_ctc(folder, folder.run(), tmp_path)
    for field, sequence in zip(folder.plan.fields, sequences, strict=True):
        masks = sorted(sequence.glob("mask*.tif"))
        assert len(masks) == folder.plan.n_visits(field)
        assert tifffile.imread(masks[0]).shape == SHAPE[field.acquisition]
