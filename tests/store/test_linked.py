"""Which position of a recording is which field, whatever order the file keeps them in."""

import shutil

import numpy as np
import pytest
import zarr

from livedeath.errors import StoreError
from livedeath.model.plan import plan
from livedeath.recordings.declare import study_from_recording
from livedeath.recordings.open import Recording
from livedeath.recordings.reader import Contents, Position
from livedeath.store import linked

WELLS = ("B3", "A1", "B2", "A1")
LOST = (1, 0, 0, 0)  # visit, channel, plane, position: the first in the file, B3


class Reader:
    """Frames whose pixels are the number of their position; one frame is not there."""

    contents = Contents(
        shape=(2, 1, 1, 16, 16),
        dtype=np.dtype(np.uint16),
        pixel_size_um=1.0,
        times_h=(0.0, 1.0),
        positions=tuple(Position(well=well) for well in WELLS),
    )

    def read(self, t, c, z, position):
        return np.full((16, 16), position, np.uint16)

    def has(self, t, c, z, position):
        return (t, c, z, position) != LOST

    def close(self):
        """Nothing is open."""


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "plate.ndtiff"
    path.touch()
    return Recording(path, Reader())


@pytest.fixture
def images(recording, tmp_path, monkeypatch):
    monkeypatch.setattr(linked, "open_recording", lambda path: recording)
    study = study_from_recording(recording)
    return linked.LinkedImages(tmp_path / "images", study, linked.source_of(recording))


def test_the_plan_visits_wells_in_another_order_than_the_file(recording):
    # Else the tests below would prove nothing.
    assert [f.well for f in plan(study_from_recording(recording)).fields] != list(WELLS)


def test_a_field_is_read_from_its_own_position(recording, images):
    fields = plan(study_from_recording(recording)).fields
    read = {(f.well, f.field): int(images.array(f)[0, 0, 0, 0, 0]) for f in fields}
    assert read == {("B3", 0): 0, ("A1", 0): 1, ("B2", 0): 2, ("A1", 1): 3}


def test_the_journal_misses_exactly_what_the_images_lack(recording, images):
    study = study_from_recording(recording)
    entries = linked.journal_of(recording, plan(study), study)
    missed = [(e["well"], e["t"]) for e in entries if e.get("status") == "missed"]
    lacking = [(key.well, key.t) for key in plan(study).frames() if not images.has(key)]
    assert missed == lacking == [("B3", 1)]


@pytest.fixture
def folder(tmp_path):
    """Return a recording that is a folder of two files."""
    path = tmp_path / "a folder"
    (path / "inner").mkdir(parents=True)
    (path / "inner" / "pixels").write_bytes(b"abc")
    (path / "index").write_bytes(b"1")
    return path


def test_a_folder_is_named_by_its_content(folder, tmp_path):
    first = linked.identity_of(folder)
    assert first[0] == 4
    assert linked.identity_of(shutil.copytree(folder, tmp_path / "copy")) == first
    (folder / "inner" / "pixels").write_bytes(b"abd")
    assert linked.identity_of(folder) != first


def test_a_file_of_another_name_is_another_folder(folder):
    first = linked.identity_of(folder)
    (folder / "inner" / "pixels").rename(folder / "inner" / "other")
    assert linked.identity_of(folder) != first


def test_a_recording_of_many_files_that_was_changed_is_refused(tmp_path):
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=(2, 32, 32), chunks=(1, 32, 32), dtype="uint16", compressors=None
    )
    array[:] = 7
    study = study_from_recording(Recording(tmp_path / "a.tif", Reader()))
    source = linked.source_of(Recording(tmp_path / "a.zarr", Reader()))
    shutil.copytree(tmp_path / "a.zarr", tmp_path / "moved.zarr")
    # A copy has other times and the same content; a pixel that changed keeps every size.
    moved = source | {"path": str(tmp_path / "moved.zarr")}
    assert linked.LinkedImages(tmp_path, study, moved)._unchanged(tmp_path / "moved.zarr")
    array[1, 0, 0] = 8
    with pytest.raises(StoreError, match="was changed"):
        linked.LinkedImages(tmp_path, study, source).read(next(iter(plan(study).frames())))
