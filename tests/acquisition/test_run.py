"""What is refused before anything is moved, and what the journal says at the start."""

import pytest

from livedeath.errors import StudyError
from livedeath.store.folder import StudyFolder
from livedeath_acquisition import run


@pytest.fixture
def begun(tmp_path, study):
    """Return a small study after its acquisition on the simulated microscope."""
    small = study.replace(schedule={"interval_h": 1.0, "duration_h": 1.0})
    folder = StudyFolder.create(tmp_path / "a study", small)
    run.acquire(folder.path, microscope="simulated", score=False)
    return folder


def rewrite(folder, **changes):
    changed = folder.study.replace(**changes)
    (folder.path / "study.toml").write_text(changed.to_toml(), encoding="utf-8")


def test_the_journal_knows_the_study_that_was_begun(begun):
    start = next(e for e in begun.journal.read() if e["kind"] == "acquisition")
    assert start["fingerprint"] == begun.study.fingerprint


def test_frames_that_were_not_declared_at_the_start_are_refused(begun):
    before = begun.journal.read()
    rewrite(begun, schedule={"interval_h": 0.5, "duration_h": 2.0})
    with pytest.raises(StudyError, match="changed after the acquisition began"):
        run.acquire(begun.path, score=False)
    assert begun.journal.read() == before


def test_words_may_be_mended_after_the_start(begun):
    rewrite(begun, description="said more clearly")
    assert run.acquire(begun.path, score=False).saved == 8
