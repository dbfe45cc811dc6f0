"""The metadata documents, against those that were once written by hand."""

import json
from pathlib import Path

import pytest

from livedeath.model.plan import plan
from livedeath.model.study import Study
from livedeath.store import ngff, windows
from livedeath.store.images import ImageStore
from livedeath.store.labels import LabelStore

DATA = Path(__file__).parents[1] / "data" / "ngff"


@pytest.fixture(scope="module")
def study():
    return Study.from_file(DATA / "study.toml")


def written(root, study):
    """Return every group's document of a new store of images and of labels, by its path."""
    for name, store in (("images.ome.zarr", ImageStore), ("labels.zarr", LabelStore)):
        store(root / name, study).create(plan(study))
    found = {
        path.parent.relative_to(root).as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in root.rglob("zarr.json")
    }
    return {path: said for path, said in found.items() if said["node_type"] == "group"}


def without_windows(documents):
    for document in documents.values():
        if "omero" in document["attributes"].get("ome", {}):
            for channel in windows.channels_of(document):
                del channel["window"]
    return documents


def stored():
    return json.loads((DATA / "documents.json").read_text(encoding="utf-8"))


def test_documents_are_those_stored(tmp_path, study):
    assert without_windows(written(tmp_path, study)) == without_windows(stored())


def test_another_pixel_size_makes_other_documents(tmp_path, study):
    other = study.replace(optics=study.optics.model_copy(update={"pixel_size_um": 0.6}))
    assert without_windows(written(tmp_path, other)) != without_windows(stored())


def test_parents_come_before_their_children(study):
    for documents in (ngff.image_documents, ngff.label_documents):
        known = []
        for path, _ in documents(study, plan(study)):
            assert path.rpartition("/")[0] in ("", *known)
            known.append(path)
        assert known[0] == ""
        assert len(known) == len(set(known))


def test_a_plate_has_the_fields_of_its_fullest_acquisition():
    """B2, of two fields, is visited before the optics change alone; B3, of one, throughout."""
    fuller = Study.from_toml("""
title = "fields"
channels = [{ name = "fill", role = "fill", exposure_ms = 50 }]
[[vessels]]
id = "p1"
sites = [
  { x_um = 0, y_um = 0, well = "B2" },
  { x_um = 90, y_um = 0, well = "B2" },
  { x_um = 0, y_um = 0, well = "B3" },
]
[optics]
pixel_size_um = 0.65
image_shape_px = [48, 48]
changes = [{ at_h = 4.0, pixel_size_um = 0.325 }]
[schedule]
interval_h = 1
duration_h = 8
windows = [{ wells = ["B2"], to_h = 3.0 }]
""")
    documents = dict(ngff.image_documents(fuller, plan(fuller)))
    plate = documents["p1"]["attributes"]["ome"]["plate"]
    assert plate["field_count"] == 2
    assert [one["maximumfieldcount"] for one in plate["acquisitions"]] == [2, 1]
