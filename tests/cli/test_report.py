import json
from pathlib import Path

import pytest

from livedeath.cli.main import run
from livedeath.model.study import Study
from livedeath.store.folder import StudyFolder
from made_study import make_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "my study"
    make_study(path, images=False)
    return path


def test_a_report_is_written_into_the_study_and_replaces_an_older_one(study, capsys):
    page = study / "reports" / "made00" / "report.html"
    page.parent.mkdir(parents=True)
    page.write_text("of yesterday", encoding="utf-8")
    assert run(["report", str(study), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert Path(result["report"]) == page
    assert page.stat().st_size > 10_000
    assert result["sensitivity"] == 1.0
    assert result["neurons"] == 54
    assert result["comparisons"][0]["b"] == "glutamate 50 uM"


def refused(capsys, *arguments):
    assert run(["report", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_a_folder_that_is_no_study_is_refused(tmp_path, capsys):
    assert "this is no study" in refused(capsys, str(tmp_path))
    assert "no such folder" in refused(capsys, str(tmp_path / "none"))
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_was_never_scored_is_refused(study, tmp_path, capsys):
    declared = Study.from_file(study / "study.toml")
    StudyFolder.create(tmp_path / "new", declared)
    assert "never scored" in refused(capsys, str(tmp_path / "new"))
    assert not (tmp_path / "new" / "reports").exists()


def test_a_run_that_is_not_there_is_refused_and_the_others_are_named(study, capsys):
    assert "its runs are made00" in refused(capsys, str(study), "--run", "zzz")


def test_another_folder_must_be_new_or_empty(study, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert "not empty" in refused(capsys, str(study), "--out", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
