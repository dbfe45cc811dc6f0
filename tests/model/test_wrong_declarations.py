"""Hundreds of declarations, one fault each: refused, warned of or accepted, and how it is said."""

import time

import pytest

from declarations import BASES, studies, texts
from livedeath.cli.main import run
from livedeath.errors import LivedeathError
from livedeath.model.doubts import doubts
from livedeath.model.dry_run import dry_run, refuse_what_cannot_be_kept
from livedeath.model.study import Study

CASES = [*studies.CASES, *texts.CASES]

MOST_SECONDS = 1.0
"""Processor time in which the longest schedule must be refused."""


def answer(path):
    """Return the verdict on a declaration and what is said about it."""
    try:
        study = Study.from_file(path)
        cost = dry_run(study)
        refuse_what_cannot_be_kept(cost, where=str(path))
    except LivedeathError as error:
        return ("refuse" if error.exit_status == 2 else "fault"), str(error)
    notes = doubts(study, cost)
    return ("warn" if notes else "accept"), "\n".join(notes)


def of(verdict):
    return [pytest.param(case, id=case.id) for case in CASES if case.verdict == verdict]


def missing(case, said):
    return [piece for piece in case.says if piece.lower() not in said.lower()]


def test_every_case_has_a_name_of_its_own():
    names = [case.id for case in CASES]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("name", BASES)
def test_what_the_cases_start_from_is_accepted(name, tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(BASES[name], encoding="utf-8")
    assert answer(path) == ("accept", "")


@pytest.mark.parametrize("name", BASES)
def test_what_is_accepted_is_written_and_read_back_the_same(name):
    study = Study.from_toml(BASES[name])
    assert Study.from_toml(study.to_toml()) == study


@pytest.mark.parametrize("case", of("refuse"))
def test_a_fault_is_refused_in_one_sentence(case, tmp_path):
    path = tmp_path / "study.toml"
    path.write_bytes(case.content)
    begun = time.process_time()
    verdict, said = answer(path)
    assert time.process_time() - begun < MOST_SECONDS
    assert verdict == "refuse"
    assert missing(case, said) == []
    assert said.startswith(f"{path}: ")
    assert said.endswith(".")
    assert "\n" not in said
    assert "pydantic" not in said
    assert "Value error" not in said


@pytest.mark.parametrize("case", of("warn"))
def test_a_doubt_is_said_and_nothing_is_refused(case, tmp_path):
    path = tmp_path / "study.toml"
    path.write_bytes(case.content)
    verdict, said = answer(path)
    assert verdict == "warn", said
    assert missing(case, said) == []


@pytest.mark.parametrize("case", of("accept"))
def test_what_is_right_passes_and_is_shown(case, tmp_path, capsys):
    path = tmp_path / "study.toml"
    path.write_bytes(case.content)
    status = run(["check", str(path)])
    shown = capsys.readouterr()
    assert status == 0, shown.err
    assert "Note:" not in shown.out
    assert missing(case, shown.out) == []
