import json
import shutil
import subprocess
import sys

import numpy as np
import ome_zarr_models
import pytest
import yaozarrs
import zarr

import small_studies
from livedeath.errors import FrameError, StoreError
from livedeath.model.plan import plan
from livedeath.store import chunks, images
from livedeath.store.images import ImageStore
from livedeath.store.paths import field_path

SEVERAL = """
title = "several"
vessels = [
  { id = "plate1", wells = ["B2", "C11"], fields_per_well = 2 },
  { id = "slice-2", format = "slice" },
]
channels = [
  { name = "fill", role = "fill", exposure_ms = 5 },
  { name = "GEDI", role = "indicator", exposure_ms = 5 },
]
schedule = { interval_h = 1, duration_h = 3 }
focus = { planes_um = [-2, 0, 2] }
[optics]
pixel_size_um = 0.5
image_shape_px = [48, 48]
changes = [{ at_h = 2, pixel_size_um = 0.25 }]
"""


@pytest.fixture
def several():
    return small_studies.Study.from_toml(SEVERAL)


@pytest.fixture
def store(tmp_path, several):
    made = ImageStore(tmp_path / "画像 a" / "images.ome.zarr", several)
    made.path.parent.mkdir()
    made.create(plan(several))
    return made


def test_every_frame_comes_back_as_it_was_written(store, several):
    keys = list(plan(several).frames())
    for key in keys:
        store.write(key, small_studies.image(key))
    for key in keys:
        np.testing.assert_array_equal(store.read(key), small_studies.image(key))


def test_zarr_reads_the_same_pixels(store, several):
    key = list(plan(several).frames())[7]
    store.write(key, small_studies.image(key))
    channel = [c.name for c in several.channels].index(key.channel)
    array = zarr.open_array(store.path / field_path(key.field_key) / "0", mode="r")
    np.testing.assert_array_equal(array[key.t, channel, key.z], small_studies.image(key))
    np.testing.assert_array_equal(
        store.array(key.field_key)[key.t, channel, key.z], array[key.t, channel, key.z]
    )


def test_arrays_have_their_planned_length_and_names(store, several):
    for field in plan(several).fields:
        array = store.array(field)
        assert array.shape == (plan(several).n_visits(field), 2, 3, 48, 48)
        assert array.chunks == (1, 1, 1, 48, 48)
        assert array.metadata.dimension_names == ("t", "c", "z", "y", "x")


def test_a_black_frame_is_written_like_any_other(store, several):
    key = next(plan(several).frames())
    assert not store.has(key)
    store.write(key, np.zeros((48, 48), np.uint16))
    assert store.has(key)
    assert not store.read(key).any()


def test_a_frame_never_written_is_an_error_not_a_black_image(store, several):
    with pytest.raises(StoreError, match="never saved, or its file is gone"):
        store.read(next(plan(several).frames()))


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-5], lambda b: b[:-9] + bytes([b[-9] ^ 1]) + b[-8:]]
)
def test_a_damaged_frame_is_an_error(store, several, damage):
    key = next(plan(several).frames())
    store.write(key, small_studies.image(key))
    path = next((store.path / field_path(key.field_key) / "0").glob("c.*"))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match="damaged"):
        store.read(key)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((48, 47), np.uint16), np.zeros((48, 48), np.uint8), np.zeros((2, 48, 48), np.uint16)],
)
def test_a_frame_of_another_shape_or_type_is_refused(store, several, wrong):
    with pytest.raises(FrameError, match="the study declares 48 x 48 uint16"):
        store.write(next(plan(several).frames()), wrong)


def test_an_unknown_channel_or_field_is_refused(store, several):
    key = next(plan(several).frames())
    with pytest.raises(StoreError, match="no channel 'DAPI'"):
        store.write(key._replace(channel="DAPI"), small_studies.image(key))
    with pytest.raises(StoreError, match="incomplete"):
        store.write(key._replace(well="H12"), small_studies.image(key))


def test_a_visit_behind_the_plan_makes_the_field_longer_in_blocks(store, several):
    key = next(plan(several).frames())
    later = key._replace(t=40)
    store.write(key, small_studies.image(key))
    store.write(later, small_studies.image(later))
    again = ImageStore(store.path, several)
    assert again.array(key.field_key).shape[0] == 3 * chunks.BLOCK_VISITS
    np.testing.assert_array_equal(again.read(later), small_studies.image(later))
    np.testing.assert_array_equal(again.read(key), small_studies.image(key))


def test_creating_again_keeps_what_is_there(store, several):
    key = next(plan(several).frames())
    store.write(key, small_studies.image(key))
    ImageStore(store.path, several).create(plan(several))
    assert store.has(key)


def test_a_store_is_created_whole_or_not_at_all(tmp_path, several, monkeypatch):
    made = ImageStore(tmp_path / "images.ome.zarr", several)
    real, left = images.FrameArray.create, [3]

    def failing(*args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return real(*args, **kwargs)

    monkeypatch.setattr(images.FrameArray, "create", failing)
    with pytest.raises(OSError, match="No space"):
        made.create(plan(several))
    assert list(tmp_path.iterdir()) == []
    assert not made.exists


def test_the_whole_geometry_of_a_plate_is_listed(store):
    said = json.loads((store.path / "plate1" / "zarr.json").read_text(encoding="utf-8"))
    plate = said["attributes"]["ome"]["plate"]
    assert [row["name"] for row in plate["rows"]] == list("ABCDEFGH")
    assert len(plate["columns"]) == 12
    assert [well["path"] for well in plate["wells"]] == ["B/2", "C/11"]
    assert [acquisition["id"] for acquisition in plate["acquisitions"]] == [0, 1]


def test_scale_units_and_windows_are_said(store, several):
    field = plan(several).fields[-1]
    assert field.acquisition == 1
    said = json.loads((store.path / field_path(field) / "zarr.json").read_text(encoding="utf-8"))
    ome = said["attributes"]["ome"]
    dataset = ome["multiscales"][0]["datasets"][0]
    assert dataset["coordinateTransformations"][0]["scale"] == [1.0, 1.0, 2.0, 0.25, 0.25]
    units = [axis.get("unit") for axis in ome["multiscales"][0]["axes"]]
    assert units == ["hour", None, "micrometer", "micrometer", "micrometer"]
    assert [c["label"] for c in ome["omero"]["channels"]] == ["fill", "GEDI"]
    assert all(c["window"]["end"] > c["window"]["start"] for c in ome["omero"]["channels"])


def test_yaozarrs_finds_it_valid(store):
    yaozarrs.validate_zarr_store(str(store.path))
    for plate in ("plate1", "slice-2"):
        yaozarrs.validate_zarr_store(str(store.path / plate))


def test_yaozarrs_sees_a_lost_well(store):
    shutil.rmtree(store.path / "plate1" / "B")
    with pytest.raises(Exception, match=r"(?i)well|path|exist"):
        yaozarrs.validate_zarr_store(str(store.path / "plate1"))


def models_open(path):
    ome_zarr_models.open_ome_zarr(zarr.open_group(path, mode="r"))


def test_ome_zarr_models_finds_it_valid(store):
    groups = [path.parent.parent for path in sorted(store.path.rglob("0/zarr.json"))]
    assert len(groups) == 10
    for path in [store.path / "plate1", store.path / "slice-2", *groups]:
        models_open(path)


def test_ome_zarr_models_sees_a_missing_version(store):
    path = store.path / "plate1" / "zarr.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    del said["attributes"]["ome"]["plate"]["wells"]
    path.write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(RuntimeError, match="validate"):
        models_open(store.path / "plate1")


WRITE = """
import sys
from pathlib import Path
import small_studies
from livedeath.store.folder import StudyFolder
folder = StudyFolder.open(Path(sys.argv[1]))
for n, key in enumerate(folder.plan.frames()):
    folder.images.write(key, small_studies.image(key))
    print(n, flush=True)
"""


@pytest.mark.parametrize("after", [1, 6, 11])
def test_every_acknowledged_frame_survives_a_kill(tmp_path, after):
    folder = small_studies.create(tmp_path / "study")
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE, str(folder.path)],
        stdout=subprocess.PIPE,
        cwd=str(small_studies.__file__).rpartition("small_studies")[0],
    )
    for _ in range(after):
        process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    folder.images.sweep()
    for key in list(folder.plan.frames())[:after]:
        np.testing.assert_array_equal(folder.images.read(key), small_studies.image(key))
    assert not list(folder.path.rglob("*.livedeath-partial"))
