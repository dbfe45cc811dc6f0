"""Finding a run of a study: by its name, or the one that counts when none is named."""

import json

import pytest

import small_studies
from livedeath.errors import StoreError


@pytest.fixture
def folder(tmp_path):
    return small_studies.create(tmp_path / "a study")


def with_run(folder, name, *, hour, complete=True):
    path = folder.analysis_dir / name
    path.mkdir(parents=True)
    said = {"run": name, "complete": complete, "started": f"2026-01-01T{hour:02d}:00:00+00:00"}
    (path / "provenance.json").write_text(json.dumps(said), encoding="utf-8")


def test_the_complete_run_started_last_counts(folder):
    with_run(folder, "b-old", hour=1)
    with_run(folder, "a-new", hour=2)
    with_run(folder, "under-way", hour=3, complete=False)
    assert folder.run().name == "a-new"
    assert [run.name for run in folder.runs()] == ["b-old", "a-new", "under-way"]


def test_where_none_is_complete_the_one_started_last_counts(folder):
    with_run(folder, "b", hour=1, complete=False)
    with_run(folder, "a", hour=2, complete=False)
    assert folder.run().name == "a"


def test_a_run_is_found_by_its_name(folder):
    with_run(folder, "old", hour=1)
    with_run(folder, "new", hour=2)
    assert folder.run("old").name == "old"


def test_an_unknown_name_is_refused_with_the_runs_there_are(folder):
    with_run(folder, "old", hour=1)
    with_run(folder, "new", hour=2)
    with pytest.raises(StoreError, match=r"no run 'odl'; its runs are old, new\."):
        folder.run("odl")


@pytest.mark.parametrize("name", [None, "old"])
def test_a_study_without_runs_says_what_to_do(folder, name):
    with pytest.raises(StoreError, match="never scored; run 'livedeath score"):
        folder.run(name)
