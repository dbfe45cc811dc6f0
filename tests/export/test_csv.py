import json

import polars as pl
import pytest

from livedeath.cli.main import run as command
from livedeath.export.csv import export_csv
from livedeath.review.journal import ReviewJournal
from made_study import make_study

BLOCKS = """
[[entities]]
id = "dish 2"
kind = "culture"
wells = ["B2", "C2", "D2"]
[[entities]]
id = "dish 3"
kind = "culture"
wells = ["B3", "C3", "D3"]
"""

PAIRED = '[[comparisons]]\nname = "paired"\ncontrol = "vehicle"\nunit = "well"\nblock = "culture"\n'


@pytest.fixture
def study(tmp_path):
    return make_study(tmp_path / "s", images=False, compared=False, extra=BLOCKS + PAIRED)


def answer(capsys, *arguments):
    assert command([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def exported(study, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    return export_csv(study, study.run(), out)


def test_the_tables_of_a_run_are_written_with_what_was_declared(study, tmp_path):
    written = exported(study, tmp_path)
    assert set(written) == {"traces", "calls"}
    calls = pl.read_csv(written["calls"])
    assert {"arm", "unit", "block", "dose", "dose_unit", "ended_h", "ended_by"} <= set(
        calls.columns
    )
    assert calls["block"].unique().sort().to_list() == ["dish 2", "dish 3"]
    assert pl.read_csv(written["traces"]).height == study.run().traces().height


NUMBERS = ("groups", "comparisons")


def test_survival_report_and_the_exported_calls_give_every_number_the_same(study, tmp_path, capsys):
    written = exported(study, tmp_path)
    by_study = answer(capsys, "survival", study.path)
    by_report = answer(capsys, "report", study.path)
    by_table = answer(capsys, "survival", written["calls"], "--block", "block")
    assert [by_study[name] for name in NUMBERS] == [by_report[name] for name in NUMBERS]
    assert "paired" in by_study["comparisons"][0]["p_method"]
    assert by_study["comparisons"][0]["n_blocks"] == 2
    words = {"name", "standing", "details"}
    pairs = [
        sorted(
            [{k: v for k, v in one.items() if k not in words} for one in said["comparisons"]],
            key=lambda one: one["b"],
        )
        for said in (by_study, by_table)
    ]
    assert same(pairs[0], pairs[1])
    groups = [sorted(s["groups"], key=lambda one: one["name"]) for s in (by_study, by_table)]
    assert same(groups[0], groups[1])


def same(one, other):
    """Say whether two JSON values are equal, numbers to the last digits of a text."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return other == pytest.approx(one, rel=1e-9)
    return one == other


def test_the_comparison_of_numbers_can_fail():
    assert same({"a": [1.0, None]}, {"a": [1.0, None]})
    assert not same({"a": [1.0]}, {"a": [1.1]})
    assert not same([1.0], [1.0, 2.0])


def test_more_than_a_hundred_verdicts_with_one_undone_are_exported(study, tmp_path):
    with ReviewJournal.in_folder(study.reviews_dir, "Mori") as journal:
        for number in range(1, 131):
            journal.record(run="made00", neuron_id=number, item=f"n{number}", verdict="dead")
        journal.undo(run="made00")
    table = pl.read_csv(exported(study, tmp_path)["reviews"], infer_schema_length=None)
    assert table.height == 131
