"""What a plain viewer shows: display windows that come from the data, written once."""

import json
import shutil
import threading

import numpy as np
import ome_zarr_models
import pytest
import yaozarrs
import zarr

import small_studies
from livedeath.errors import StoreError
from livedeath.model.plan import plan
from livedeath.run.score import declare_recording
from livedeath.simulation.demo import demo_parameters, demo_study
from livedeath.simulation.render import render_study
from livedeath.simulation.world import World
from livedeath.store import durable
from livedeath.store.images import ImageStore
from livedeath.store.paths import field_path

SIDE = 96


def study(bit_depth=12, **optics):
    """Return a study of one field, four visits, two channels."""
    return small_studies.study_of_blobs().replace(
        optics={
            "pixel_size_um": 1.0,
            "image_shape_px": (SIDE, SIDE),
            "bit_depth": bit_depth,
            **optics,
        }
    )


def frame(*, ground=110.0, height=250.0, seed=0):
    """Return what a camera sees of four somata, in its lowest few hundred grey levels."""
    y, x = np.mgrid[:SIDE, :SIDE]
    light = np.full((SIDE, SIDE), float(ground))
    for cy, cx in ((24, 24), (24, 70), (70, 26), (68, 68)):
        light += height * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 5.0**2))
    return np.random.default_rng(seed).poisson(light).astype(np.uint16)


def store_of(path, declared):
    store = ImageStore(path / "images.ome.zarr", declared)
    store.create(plan(declared))
    return store


def document(store, field):
    return json.loads((store.path / field_path(field) / "zarr.json").read_text(encoding="utf-8"))


def window(store, key):
    """Return a channel's window as yaozarrs reads it."""
    return of_yaozarrs(store.path / field_path(key.field_key), key.channel)


def of_yaozarrs(path, channel):
    image = yaozarrs.open_group(str(path)).ome_metadata()
    found = next(c.window for c in image.omero.channels if c.label == channel)
    return found.model_dump()


def of_ome_zarr_models(path, channel):
    image = ome_zarr_models.open_ome_zarr(zarr.open_group(path, mode="r"))
    return next(
        c["window"] for c in image.ome_attributes.omero["channels"] if c["label"] == channel
    )


def shown(image, window):
    """Return how bright (0..1) a viewer draws the dark and the bright pixels of an image."""
    low, high = np.percentile(image, (1.0, 99.9))
    return tuple(
        (level - window["start"]) / (window["end"] - window["start"]) for level in (low, high)
    )


def can_be_seen(image, window):
    dark, bright = shown(image, window)
    return 0.0 <= dark < 0.2 and 0.4 < bright <= 1.0


@pytest.fixture
def keys():
    return list(plan(study()).frames())


def test_before_the_first_frame_the_window_is_the_camera(tmp_path, keys):
    expected = {"start": 0, "min": 0, "end": 4095, "max": 4095}
    assert window(store_of(tmp_path, study()), keys[0]) == expected


def test_twelve_bits_in_sixteen_can_be_seen(tmp_path, keys):
    store = store_of(tmp_path, study())
    assert not can_be_seen(frame(), window(store, keys[0]))
    store.write(keys[0], frame())
    assert can_be_seen(frame(), window(store, keys[0]))
    assert (window(store, keys[0])["min"], window(store, keys[0])["max"]) == (0, 4095)


def test_a_camera_declared_too_deep_can_be_seen(tmp_path, keys):
    store = store_of(tmp_path, study(bit_depth=16))
    store.write(keys[0], frame())
    assert can_be_seen(frame(), window(store, keys[0]))


def test_each_channel_has_its_own(tmp_path, keys):
    store = store_of(tmp_path, study())
    faint = frame(ground=102, height=30)
    store.write(keys[0], frame())
    store.write(keys[1], faint)
    assert can_be_seen(faint, window(store, keys[1]))
    assert not can_be_seen(faint, window(store, keys[0]))


def test_two_readers_agree(tmp_path, keys):
    store = store_of(tmp_path, study())
    store.write(keys[0], frame())
    path = store.path / field_path(keys[0].field_key)
    assert of_ome_zarr_models(path, keys[0].channel) == of_yaozarrs(path, keys[0].channel)


def test_napari_draws_it_inside_its_own_limits(tmp_path, keys):
    layers = pytest.importorskip("napari.layers")
    store = store_of(tmp_path, study())
    store.write(keys[0], frame())
    found = window(store, keys[0])
    own = layers.Image(frame()).contrast_limits
    whole = layers.Image(frame(), contrast_limits=(found["min"], found["max"])).contrast_limits
    width = {name: limits[1] - limits[0] for name, limits in (("own", own), ("whole", whole))}
    assert (found["end"] - found["start"]) < 2 * width["own"] < width["whole"]


def test_it_is_written_once(tmp_path, keys):
    store = store_of(tmp_path, study())
    first, second = keys[0], keys[2]
    assert first.channel == second.channel
    store.write(first, frame())
    before = document(store, first.field_key)
    store.write(second, frame(height=3000))
    ImageStore(store.path, study()).write(second, frame(height=3000))  # a restarted acquisition
    assert document(store, first.field_key) == before


def test_a_black_first_frame_leaves_it_to_the_next(tmp_path, keys):
    store = store_of(tmp_path, study())
    store.write(keys[0], np.zeros((SIDE, SIDE), np.uint16))
    assert window(store, keys[0])["end"] == 4095
    store.write(keys[2], frame())
    assert can_be_seen(frame(), window(store, keys[0]))


def test_nothing_else_changes(tmp_path, keys):
    store = store_of(tmp_path, study())
    before = {path: path.read_bytes() for path in store.path.rglob("zarr.json")}
    for key in keys[:4]:
        store.write(key, frame())
    after = {path: path.read_bytes() for path in store.path.rglob("zarr.json")}
    changed = [path for path in before if before[path] != after[path]]
    assert changed == [store.path / field_path(keys[0].field_key) / "zarr.json"]
    assert before.keys() == after.keys()


def test_whoever_reads_meanwhile_reads_a_whole_document(tmp_path, keys):
    """A reader in a loop, while windows are replaced thirty times."""
    store = store_of(tmp_path, study())
    path = store.path / field_path(keys[0].field_key) / "zarr.json"
    whole, ended, ends = path.read_bytes(), threading.Event(), []

    def read():
        while not ended.is_set():
            ends.append(json.loads(path.read_bytes())["attributes"]["ome"]["omero"]["channels"])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for seed in range(30):
            durable.write_bytes(path, whole)
            ImageStore(store.path, study()).write(keys[0], frame(seed=seed))
    finally:
        ended.set()
        reader.join()
    assert {channel["window"]["end"] < 4095 for said in ends for channel in said} == {True, False}


def test_a_document_that_cannot_be_replaced_costs_no_frame(tmp_path, keys, monkeypatch):
    store = store_of(tmp_path, study())

    def held(path, content):
        raise StoreError(f"{path}: another program has held this file open")

    monkeypatch.setattr(durable, "write_json", held)
    store.write(keys[0], frame())
    np.testing.assert_array_equal(store.read(keys[0]), frame())
    assert window(store, keys[0])["end"] == 4095


def test_simulated_neurons_can_be_seen(tmp_path):
    small = demo_study().replace(
        vessels=({"id": "plate1", "wells": ("B2",)},),
        schedule={"interval_h": 0.5, "duration_h": 1.0},
        interventions=(),
        comparisons=(),
        entities=(),
        end_kill=None,
    )
    folder = render_study(World(small, demo_parameters()), tmp_path / "study")
    for key in folder.plan.frames():
        found = window(folder.images, key)
        assert can_be_seen(folder.images.read(key), found)
        assert not can_be_seen(folder.images.read(key), found | {"start": 100, "end": 4195})


def test_nothing_is_written_beside_a_linked_recording(tmp_path):
    recording = tmp_path / "recording"
    source = small_studies.acquire(small_studies.create(tmp_path / "source"))
    shutil.copytree(source.images.path / "plate1", recording)
    before = {path: path.read_bytes() for path in recording.rglob("*") if path.is_file()}
    told = {"pixel_size_um": 1.0, "interval_h": 1.0, "fill": "0", "indicator": "1"}
    folder = declare_recording(recording, tmp_path / "scored", told=told)
    for key in folder.plan.frames():
        folder.images.read(key)
    assert before == {path: path.read_bytes() for path in recording.rglob("*") if path.is_file()}
    assert not folder.images.path.exists()
