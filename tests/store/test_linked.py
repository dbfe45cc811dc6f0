"""Which position of a recording is which field, whatever order the file keeps them in."""

import numpy as np
import pytest

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
