"""What is refused before anything is moved, and what the journal says at the start."""

import shutil

import pytest

from livedeath.cli import main
from livedeath.errors import StudyError
from livedeath.model.study import Study
from livedeath.store.declared import declared_at_start
from livedeath.store.folder import StudyFolder
from livedeath_acquisition import run
from livedeath_acquisition.worker import Order, Worker

STUDY = """
title = "begun"
vessels = [{ id = "p1", wells = ["B2:B3"] }]
channels = [
  { name = "RFP", role = "fill", exposure_ms = 75 },
  { name = "GEDI", role = "indicator", exposure_ms = 50 },
]
optics = { pixel_size_um = 0.65, image_shape_px = [32, 48] }
schedule = { interval_h = 1, duration_h = 1 }
policies = { disk_floor_gb = 0.0 }
"""


@pytest.fixture(scope="module")
def acquired(tmp_path_factory):
    """Return a small study after its acquisition on the simulated microscope."""
    declared = Study.from_toml(STUDY)
    folder = StudyFolder.create(tmp_path_factory.mktemp("acquired") / "a study", declared)
    Worker(Order(str(folder.path), "simulated"), lambda heartbeat: None).run()
    return folder


@pytest.fixture
def begun(tmp_path, acquired):
    """Return a copy of the acquired study."""
    shutil.copytree(acquired.path, tmp_path / "a copy")
    return StudyFolder.open(tmp_path / "a copy")


def rewrite(folder, **changes):
    changed = folder.study.replace(**changes)
    (folder.path / "study.toml").write_text(changed.to_toml(), encoding="utf-8")


def test_the_journal_knows_the_study_that_was_begun(begun):
    start = next(e for e in begun.journal.read() if e["kind"] == "acquisition")
    assert start["fingerprint"] == begun.study.fingerprint
    assert start["declared"] == (begun.path / "study.toml").read_text(encoding="utf-8")


def test_what_was_mended_after_the_start_can_be_listed(begun):
    rewrite(begun, title="begun again")
    changed = StudyFolder.open(begun.path)
    found = declared_at_start(changed.journal.read())
    assert found.changes(changed.study) == ["title: 'begun' became 'begun again'"]


def test_frames_that_were_not_declared_at_the_start_are_refused(begun):
    before = begun.journal.read()
    rewrite(begun, schedule={"interval_h": 0.5, "duration_h": 2.0})
    with pytest.raises(StudyError, match="changed after the acquisition began"):
        run.acquire(begun.path, score=False)
    assert begun.journal.read() == before


CHANGES = [
    {"schedule": {"interval_h": 0.5, "duration_h": 2.0}},
    {"vessels": [{"id": "p1", "wells": ["B2:B4"]}]},
    {"optics": {"pixel_size_um": 0.33, "image_shape_px": [32, 48]}},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_check_and_status_say_what_acquire_would_refuse(begun, change, capsys):
    rewrite(begun, **change)
    assert main.run(["check", str(begun.path)]) == 0
    assert "changed after the acquisition began, so 'livedeath acquire'" in capsys.readouterr().out
    assert main.run(["status", str(begun.path)]) == 0
    assert "'livedeath acquire' will not go on" in capsys.readouterr().out
    assert main.run(["acquire", str(begun.path), "--no-score"]) == 2


def test_check_and_status_say_nothing_of_what_may_be_mended(begun, capsys):
    rewrite(begun, title="begun, mended")
    for command in ("check", "status"):
        assert main.run([command, str(begun.path)]) == 0
        said = capsys.readouterr().out
        assert "begun, mended" in said
        assert "livedeath acquire" not in said


def test_words_may_be_mended_after_the_start(begun):
    rewrite(begun, description="said more clearly")
    assert run.acquire(begun.path, score=False).saved == 8
