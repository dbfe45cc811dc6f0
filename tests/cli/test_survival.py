import json

import polars as pl
import pytest

from livedeath.cli.main import run
from livedeath.errors import TableError
from livedeath.statistics.survival import survival
from made_study import make_study
from tables import neurons


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "my neurons.csv"
    neurons({"vehicle": 0.02, "drug": 0.06}, blocks=["c1", "c2"], lost_per_h=0.01).write_csv(path)
    return path


def said(capsys):
    return json.loads(capsys.readouterr().out)


def test_json_holds_groups_and_the_comparison(table, capsys):
    command = ["survival", str(table), "--group", "arm", "--unit", "unit", "--json"]
    assert run(command) == 0
    result = said(capsys)
    (drug,) = [group for group in result["groups"] if group["name"] == "drug"]
    assert drug["units"] == 4
    assert drug["deaths"] + drug["lost"] + drug["alive"] == drug["n"]
    assert drug["median_low_h"] <= drug["median_h"] <= drug["median_high_h"]
    assert {"value", "low", "high", "all_lost_dead", "no_lost_dead"} <= set(drug["survival"][-1])
    (comparison,) = result["comparisons"]
    assert (comparison["a"], comparison["b"]) == ("vehicle", "drug")
    assert comparison["p"] < 0.05
    assert comparison["rate_ratio"] > 1.5
    assert comparison["hazard_ratio"] > 1.5
    assert comparison["low"] < comparison["hazard_ratio"] < comparison["high"]
    assert comparison["n_units"] == {"vehicle": 4, "drug": 4}


def test_a_block_pairs_the_test(table, capsys):
    assert run(["survival", str(table), "--block", "block", "--json"]) == 0
    assert "paired" in said(capsys)["comparisons"][0]["p_method"]


def test_one_unit_per_arm_gives_null(tmp_path, capsys):
    path = tmp_path / "one.parquet"
    neurons({"vehicle": 0.02, "drug": 0.06}, units=1).write_parquet(path)
    assert run(["survival", str(path), "--json"]) == 0
    (comparison,) = said(capsys)["comparisons"]
    assert comparison["p"] is None
    assert "2 units per arm" in comparison["refused"]


def test_tables_are_written_to_a_new_folder(table, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(["survival", str(table), "--out", str(out), "--json"]) == 0
    said(capsys)
    assert pl.read_csv(out / "arms.csv")["arm"].to_list() == ["vehicle", "drug"]
    assert (out / "survival.csv").is_file()


def test_people_read_a_table_and_a_sentence(table, capsys):
    assert run(["survival", str(table)]) == 0
    text = capsys.readouterr().out
    assert "drug against vehicle: death rate x" in text
    assert "lost dead or not" in text


def test_a_study_is_read_with_its_arms(tmp_path, capsys):
    make_study(tmp_path / "s", images=False)
    assert run(["survival", str(tmp_path / "s"), "--group", "arm", "--unit", "well", "--json"]) == 0
    result = said(capsys)
    names = [group["name"] for group in result["groups"]]
    assert sorted(names) == ["glutamate + rescue", "glutamate 50 uM", "vehicle"]
    assert len(result["comparisons"]) == 2
    assert {one["standing"] for one in result["comparisons"]} == {
        "post hoc: asked for by name, not declared"
    }


def test_the_comparisons_of_a_study_are_those_that_it_declares(tmp_path, capsys):
    make_study(tmp_path / "s", images=False)
    assert run(["survival", str(tmp_path / "s"), "--json"]) == 0
    (one,) = said(capsys)["comparisons"]
    assert (one["name"], one["a"], one["b"]) == ("glutamate", "vehicle", "glutamate 50 uM")
    assert "pre-specified" in one["standing"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--group", "drug"], "no column 'drug'"),
        (["--unit", "animal"], "no column 'animal'"),
        (["--block", "litter"], "no column 'litter'"),
        (["--covariate", "size"], "no column 'size'"),
        (["--control", "sham"], "No group is called 'sham'"),
        (["--endpoint", "x", "--group", "nothing"], "no column 'nothing'"),
    ],
)
def test_what_is_not_there_is_refused_in_one_sentence(table, tmp_path, capsys, arguments, words):
    out = tmp_path / "out"
    assert run(["survival", str(table), *arguments, "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert not out.exists()


def test_a_table_without_the_column_is_named(table, capsys):
    assert run(["survival", str(table), "--group", "drug"]) == 2
    assert str(table) in capsys.readouterr().err


def test_no_such_file_is_refused(tmp_path, capsys):
    assert run(["survival", str(tmp_path / "none.csv")]) == 2
    assert "there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["study", "table"])
def test_neurons_are_never_units(source, table, tmp_path, capsys):
    path = table if source == "table" else make_study(tmp_path / "s", images=False).path
    assert run(["survival", str(path), "--unit", "neuron_id"]) == 2
    assert "neurons of one animal or culture are not independent" in capsys.readouterr().err


@pytest.mark.parametrize("hours", [-1.0, 0.0, float("nan"), float("inf")])
def test_a_horizon_that_is_no_hour_is_refused(table, hours):
    with pytest.raises(TableError, match="The horizon is"):
        survival(table, horizon_h=hours)


def test_the_run_is_named(tmp_path, capsys):
    make_study(tmp_path / "s", images=False)
    assert run(["survival", str(tmp_path / "s"), "--json"]) == 0
    assert said(capsys)["run"] == "made00"
    assert run(["survival", str(tmp_path / "s")]) == 0
    assert capsys.readouterr().out.endswith("Run made00\n")
