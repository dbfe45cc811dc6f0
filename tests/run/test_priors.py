"""Priors as files: written from a scored study, read into the next, or refused."""

import json

import numpy as np
import polars as pl
import pytest

import small_studies
from livedeath import check, export_priors, read_priors
from livedeath.analysis.pipeline import Pipeline
from livedeath.cli import main
from livedeath.errors import StoreError
from livedeath.run import priors as of_run
from livedeath.run.checkpoint import state_from_bytes, state_to_bytes
from livedeath.run.score import score
from livedeath.store.folder import StudyFolder


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """Return a scored study and the file of what it learnt."""
    path = tmp_path_factory.mktemp("first") / "study 1"
    folder = small_studies.create(path, small_studies.study_of_blobs())
    small_studies.acquire_blobs(folder)
    score(path)
    return path, export_priors(path, out=path.parent / "priors.json")


def changed(file, target, **more):
    target.write_text(json.dumps(json.loads(file.read_text()) | more), encoding="utf-8")
    return target


def test_a_file_says_what_the_study_it_came_from_says(learnt):
    study, file = learnt
    assert read_priors(file) == read_priors(study)
    assert 0.5 < read_priors(file)["neuron_days"] < 2.0  # four neurons, eleven hours, one dies


def test_other_priors_make_another_run_and_where_they_lie_does_not(learnt, tmp_path):
    study, file = learnt
    copy = tmp_path / "elsewhere.json"
    copy.write_bytes(file.read_bytes())
    other = changed(file, tmp_path / "other.json", neuron_days=0.25)
    names = [score(study, priors=p).run.name for p in (None, file, copy, other)]
    assert names[1] == names[2]
    assert len(set(names)) == 3
    provenance = StudyFolder.open(study).run(names[1]).provenance()
    assert provenance["priors"] == of_run.digest(of_run.read(file))


def test_a_declared_file_is_found_beside_the_study(learnt, tmp_path):
    _, file = learnt
    declared = small_studies.BLOB_STUDY + '[analysis]\npriors = "known/priors.json"\n'
    folder = small_studies.create(tmp_path / "next", small_studies.Study.from_toml(declared))
    small_studies.acquire_blobs(folder)
    with pytest.raises(StoreError, match=r"priors\.json: there is no such file"):
        score(folder.path)
    with pytest.raises(StoreError, match=r"priors\.json: there is no such file"):
        check(folder.path)
    assert folder.runs() == []
    assert not folder.analysis_dir.exists() or not list(folder.analysis_dir.iterdir())
    (folder.path / "known").mkdir()
    (folder.path / "known" / "priors.json").write_bytes(file.read_bytes())
    assert score(folder.path).run.provenance()["priors"] is not None
    assert check(folder.path).study.analysis.priors == "known/priors.json"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"format": "notes"}, "no file of priors"),
        ({"version": 2}, "its version is 2"),
        ({"law": [1.0]}, "other grids"),
        ({"models": "many"}, "models"),
        ({"neuron_days": -1.0}, "neuron_days"),
    ],
)
def test_a_foreign_or_damaged_file_is_refused_before_anything_is_written(
    learnt, tmp_path, more, said
):
    table = tmp_path / "table.csv"
    table.write_text("neuron_id,time_h,signal\n1,0,1\n1,1,1\n", encoding="utf-8")
    wrong = changed(learnt[1], tmp_path / "wrong.json", **more)
    with pytest.raises(StoreError, match=said):
        score(table, out=tmp_path / "out", priors=wrong)
    assert not (tmp_path / "out").exists()
    score(table, out=tmp_path / "out", priors=learnt[1])
    assert (tmp_path / "out" / "calls.parquet").is_file()


def test_a_torn_file_and_another_endpoint_are_refused(learnt, tmp_path):
    torn = tmp_path / "torn.json"
    torn.write_text(learnt[1].read_text()[:500], encoding="utf-8")
    with pytest.raises(StoreError, match="damaged"):
        read_priors(torn)
    with pytest.raises(StoreError, match="deaths are called by loss_of_fill"):
        of_run.read(learnt[1], endpoint="loss_of_fill")


def test_a_study_without_a_checkpoint_says_what_to_do(learnt, tmp_path):
    with pytest.raises(StoreError, match="never scored"):
        export_priors(small_studies.create(tmp_path / "new").path, out=tmp_path / "p.json")
    with pytest.raises(StoreError, match="is there already"):
        export_priors(learnt[0], out=learnt[1])
    assert not (tmp_path / "p.json").exists()


@pytest.mark.parametrize("missing", [True, False])
def test_a_study_that_another_version_scored_says_what_to_do(
    learnt, tmp_path, monkeypatch, missing
):
    whole = of_run._learning

    def older(state):
        own = whole(state)
        return own | {"law": own["law"][:-1]} if not missing else {"models": own["models"]}

    monkeypatch.setattr(of_run, "_learning", older)
    with pytest.raises(StoreError, match=r"another version of livedeath.*score the study again"):
        export_priors(learnt[0], out=tmp_path / "p.json")
    assert not (tmp_path / "p.json").exists()
    monkeypatch.undo()
    assert export_priors(learnt[0], out=tmp_path / "p.json").exists()


def test_a_pipeline_begins_with_them_and_its_restart_keeps_them(learnt):
    study, given = small_studies.study_of_blobs(), of_run.read(learnt[1])
    detector = Pipeline(study, priors=given)._scorers.of(0)
    assert detector.learning.given_days[0] > 0
    assert Pipeline(study)._scorers.of(0).learning.given_days[0] == 0
    again = Pipeline(study)._scorers.of(0)
    again.restore(state_from_bytes(state_to_bytes(detector.state())))
    assert again.learning.noise().outlier == detector.learning.noise().outlier


def test_the_command_writes_and_shows(learnt, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main.run(["priors", "export", str(learnt[0]), "--json"]) == 0
    written = json.loads(capfd.readouterr().out)["priors"]
    assert written == str(tmp_path / "study 1-priors.json")
    assert main.run(["priors", "show", written, "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == read_priors(written)
    assert main.run(["priors", "show", str(learnt[0])]) == 0
    assert "neuron-days" in capfd.readouterr().out
    assert main.run(["priors", "show", "absent.json"]) == 2
    assert main.run(["priors", "show", written, "--out", "x"]) == 2


def a_table(path):
    """Write traces of 12 neurons over three days, of which four die."""
    rng = np.random.default_rng(4)
    time_h = np.arange(0.0, 72.0, 1.0)
    dead = (np.arange(12) < 4)[:, np.newaxis] & (time_h > 30.0)
    signal = 300.0 * np.exp(rng.normal(0.0, 0.05, dead.shape)) * np.where(dead, 3.0, 1.0)
    rows = {"neuron_id": np.repeat(np.arange(12), 72), "time_h": np.tile(time_h, 12)}
    pl.DataFrame(rows | {"signal": signal.ravel()}).write_csv(path)
    return path


def test_what_scoring_a_table_learnt_is_exported_shown_and_given(tmp_path):
    source = a_table(tmp_path / "traces.csv")
    first = score(source, out=tmp_path / "first").path
    file = export_priors(first, out=tmp_path / "priors.json")
    assert read_priors(file) == read_priors(first)
    assert read_priors(file)["neuron_days"] == pytest.approx(12 * 3 - 4 * 1.7, abs=2.0)
    assert 3 <= read_priors(file)["deaths"] <= 4
    second = score(source, out=tmp_path / "second", priors=file).run
    assert second.provenance()["priors"] == of_run.digest(of_run.read(file))


def test_a_table_scored_without_keeping_what_was_learnt_is_refused(tmp_path):
    first = score(a_table(tmp_path / "traces.csv"), out=tmp_path / "first").path
    (first / "priors.json").unlink()
    with pytest.raises(StoreError, match="score it again and export then"):
        export_priors(first, out=tmp_path / "priors.json")
    assert not (tmp_path / "priors.json").exists()
