import json

import polars as pl
import pytest
import tifffile
from ctc_metrics.scripts.validate import validate_sequence

import small_studies
from livedeath.cli import main


@pytest.fixture
def command(tmp_path, capfd, monkeypatch):
    """Return a function that runs ``livedeath`` and returns status, JSON and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main.run([str(argument) for argument in arguments])
        said, errors = capfd.readouterr()
        return status, json.loads(said) if said.startswith("{") else said, errors

    return run


@pytest.fixture
def scored(command, tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", small_studies.blobs(), photometric="minisblack")
    told = ["--pixel-size-um", "0.65", "--interval-h", "1", "--out", "study", "--json"]
    return command("score", "m.tif", *told)[1]


def test_csv_holds_the_tables_of_the_run(command, scored, tmp_path):
    status, said, _ = command("export", "study", "out", "--to", "csv", "--json")
    assert status == 0
    assert said["run"] == scored["run"]
    assert pl.read_csv(said["traces"]).height == pl.read_parquet(scored["traces"]).height
    assert pl.read_csv(said["calls"]).height == scored["neurons"]


def test_ctc_is_valid_to_the_challenge(command, scored, tmp_path):
    status, said, _ = command("export", "study", "out", "--to", "ctc", "--json")
    assert status == 0
    assert validate_sequence(said["sequences"][0], threads=1)["Valid"] == 1


def test_a_scored_table_is_exported_too(command, tmp_path):
    (tmp_path / "t.csv").write_text("neuron_id,time_h,signal\n1,0,5\n1,1,6\n")
    command("score", "t.csv", "--out", "scored")
    status, said, _ = command("export", "scored", "out", "--to", "csv", "--json")
    assert status == 0
    assert pl.read_csv(said["calls"])["neuron_id"].to_list() == [1]
    status, _, errors = command("export", "scored", "ctc", "--to", "ctc")
    assert (status, "no masks" in errors) == (2, True)
    assert not (tmp_path / "ctc").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none", "out", "--to", "csv"], "no such folder"),
        ([".", "out", "--to", "csv"], "no study"),
        (["study", "out", "--to", "csv", "--run", "x"], "no run 'x'"),
        (["study", "m.tif", "--to", "csv"], "this is a file"),
        (["study", "study", "--to", "csv"], "not empty"),
        (["study", "out", "--to", "png"], "png"),
    ],
)
def test_bad_input_is_one_sentence_and_no_folder(command, scored, tmp_path, arguments, said):
    status, _, errors = command("export", *arguments)
    assert status == 2
    assert said in errors
    assert not (tmp_path / "out").exists()


def test_a_study_that_is_not_scored_says_what_to_do(command, tmp_path):
    small_studies.create(tmp_path / "study")
    status, _, errors = command("export", "study", "out", "--to", "csv")
    assert status == 2
    assert "livedeath score" in errors
