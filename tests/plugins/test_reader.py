import numpy as np
import polars as pl
import pytest

from review.small_study import MISSED_T, RUN, fate

pytest.importorskip("napari")

from livedeath.errors import StoreError
from livedeath.model.frame import FieldKey
from livedeath.store.folder import StudyFolder
from napari_livedeath import source as source_module
from napari_livedeath.layers import TRACK_LIMIT, call_marks, study_layers, track_data
from napari_livedeath.reader import get_reader, read
from napari_livedeath.source import StudySource


@pytest.fixture
def source(original_study):
    return StudySource.open(original_study)


@pytest.fixture
def layers(source):
    return study_layers(source, source.fields[0])


def named(layers, name):
    return next(layer for layer in layers if layer[1]["name"] == name)


@pytest.mark.parametrize("suffix", ["", "study.toml"])
def test_a_study_is_taken_by_its_folder_or_its_declaration(original_study, suffix):
    assert get_reader(str(original_study / suffix)) is read
    assert get_reader([str(original_study / suffix)]) is read


def test_anything_else_is_left_to_other_readers(tmp_path, original_study):
    (tmp_path / "image.tif").write_bytes(b"II")
    for path in (str(tmp_path), str(tmp_path / "image.tif"), [str(original_study)] * 2, []):
        assert get_reader(path) is None


def test_a_study_opens_as_images_labels_tracks_and_calls(original_study):
    opened = read(str(original_study))
    assert [kind for _, _, kind in opened] == ["image", "image", "labels", "tracks", "points"]


def test_all_layers_share_scale_units_and_axes(layers):
    shared = {(o["scale"], o["units"], o["axis_labels"]) for _, o, _ in layers}
    assert shared == {((1.0, 0.65, 0.65), ("pixel", "um", "um"), ("visit", "y", "x"))}


def test_images_are_read_only_when_looked_at(source, monkeypatch):
    field = source.fields[0]
    source.limits("RFP"), source.limits("GEDI")
    asked = []
    read_frame = source.folder.images.read
    monkeypatch.setattr(
        source.folder.images, "read", lambda key: asked.append(key) or read_frame(key)
    )
    data = named(study_layers(source, field), "RFP")[0]
    assert asked == []
    np.asarray(data[4])
    assert [(key.t, key.channel) for key in asked] == [(4, "RFP")]


@pytest.mark.parametrize(
    "index", [3, -1, (2, slice(4, 9)), slice(1, 6, 2), (slice(None), 5, 6), (Ellipsis, 7), []]
)
def test_a_lazy_series_is_indexed_as_an_array_is(source, index):
    lazy = source.images(source.fields[0], "RFP")
    whole = np.asarray(lazy)
    assert whole.shape == lazy.shape == (12, 128, 128)
    assert np.array_equal(lazy[index], whole[index])


def test_an_image_layer_shows_what_was_saved(source, layers):
    shown = np.asarray(named(layers, "GEDI")[0][5])
    assert (shown == source.reader(source.fields[0])(5, "GEDI")).all()
    assert shown.max() > shown.min()


def test_contrast_limits_are_given_and_the_same_for_every_field(source):
    limits = {
        channel: {
            named(study_layers(source, field), channel)[1]["contrast_limits"]
            for field in source.fields
        }
        for channel in source.channels
    }
    for found in limits.values():
        ((low, high),) = found
        assert low < high
    assert limits["RFP"] != limits["GEDI"]


def test_labels_refuse_paint(layers):
    labels, _, _ = named(layers, "neurons")
    with pytest.raises(TypeError):
        labels[0, 0, 0] = 1
    assert set(np.unique(labels[0])) == set(range(9))


def test_tracks_hold_each_neuron_of_the_field_only(layers):
    data, _, _ = named(layers, "paths")
    assert set(data[:, 0]) == set(range(1, 9))
    assert len(data) == 8 * 12


def test_tracks_leave_unknown_places_out_and_stay_below_the_limit():
    n = TRACK_LIMIT + 10
    table = pl.DataFrame(
        {"neuron_id": np.arange(n), "t": np.zeros(n, int), "y_px": np.ones(n), "x_px": np.ones(n)}
    ).with_columns(pl.when(pl.col("neuron_id") < 3).then(float("nan")).otherwise(1.0).alias("y_px"))
    data = track_data(table)
    assert len(data) == TRACK_LIMIT
    assert data[:, 0].min() == 3


def test_calls_ring_the_dead_from_their_death_on_and_nobody_alive(source):
    marks = call_marks(source.calls, source.traces)
    assert {fate(neuron) for neuron in marks["neuron_id"]} == {"dead", "lost"}
    first = marks.group_by("neuron_id").agg(pl.col("t").min())
    for neuron, t in first.iter_rows():
        call = source.calls.row(by_predicate=pl.col("neuron_id") == neuron, named=True)
        assert t * 0.5 >= call["last_alive_h"]


def test_a_study_without_a_run_opens_as_images_alone(study):
    (study / "analysis").rename(study / "elsewhere")
    opened = read(str(study))
    assert [kind for _, _, kind in opened] == ["image", "image"]


def test_a_frame_that_was_missed_is_no_black_image(source):
    read_one = source.reader(source.fields[0])
    assert read_one(MISSED_T, "GEDI") is None
    assert read_one(MISSED_T, "RFP") is not None


def test_a_run_can_be_named(original_study):
    assert StudySource.open(original_study, run=RUN).run.name == RUN


def test_a_run_that_is_not_there_is_said_with_those_that_are(original_study):
    with pytest.raises(StoreError, match=f"no run 'other'; its runs are {RUN}"):
        StudySource.open(original_study, run="other")


def test_a_field_that_the_study_does_not_plan_is_said(source):
    with pytest.raises(StoreError, match="plate1/Z9/0"):
        source.planned(FieldKey("plate1", 0, "Z9", 0))


def test_opening_and_looking_changes_nothing_on_disk(study):
    before = {p: p.stat().st_mtime_ns for p in study.rglob("*")}
    for data, _, _ in read(str(study)):
        np.asarray(data[0])
    assert {p: p.stat().st_mtime_ns for p in study.rglob("*")} == before


def test_a_strip_shows_fill_first_and_leaves_transmitted_light_out(source):
    assert source.strip_channels == ("RFP", "GEDI")
    assert "transmitted" not in source_module.SHOWN_ROLES


def test_uncalibrated_intensities_are_not_called_electrons(source):
    assert source.intensity_unit == "counts"


def test_a_folder_that_is_no_study_is_said(tmp_path):
    with pytest.raises(StoreError):
        StudySource(StudyFolder.open(tmp_path), None)
