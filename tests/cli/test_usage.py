"""What a person mistypes on the command line, and what is said about it."""

import re
import shlex

import pytest

from declarations import PLATE
from livedeath.cli.main import run


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "皿 1"
    folder.mkdir()
    (folder / "study.toml").write_text(PLATE, encoding="utf-8")
    return folder


def refused(capsys, *arguments):
    assert run([str(part) for part in arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err.removeprefix("livedeath: ").strip()


@pytest.mark.parametrize(
    ("typed", "meant"), [("exlude", "exclude"), ("medium", "media"), ("retrac", "retract")]
)
def test_the_nearest_deed_is_offered(study, capsys, typed, meant):
    said = refused(capsys, "log", study, typed)
    assert said.startswith(f"what is {typed!r}; perhaps {meant!r} is meant; known are 'dose', ")


def test_no_deed_is_offered_where_none_is_near(study, capsys):
    assert refused(capsys, "log", study, "xyz").startswith("what is 'xyz'; known are 'dose', ")


def test_a_format_is_offered_too(study, capsys):
    said = refused(capsys, "export", study, "--to", "cvs", study / "out")
    assert said == "--to is 'cvs'; perhaps 'csv' is meant; known are 'csv', 'ctc'."


@pytest.mark.parametrize(
    ("dose", "says"),
    [
        ("0,5", "write a decimal point: 0.5."),
        ("1,000", "write a decimal point: 1.000 or 1000."),
        ("10uM", "write --dose 10 --unit uM."),
        ("0,5 mM", "write --dose 0.5 --unit mM."),
        ("2 % v/v", 'write --dose 2 --unit "% v/v".'),
        ("much", "write a number."),
    ],
)
def test_a_dose_is_a_number_with_a_point_and_its_unit_apart(study, capsys, dose, says):
    given = ["log", study, "dose", "--wells", "C2", "--compound", "drug", "--at", "10"]
    assert refused(capsys, *given, "--dose", dose) == f"--dose is {dose!r}; {says}"
    works = re.match(r"write (--dose .*)\.$", says)
    if works:
        assert run([*map(str, given), *shlex.split(works[1])]) == 0


def test_other_numbers_have_no_option_for_their_unit(tmp_path, capsys):
    said = refused(capsys, "score", tmp_path / "x.tif", "--interval-h", "30min")
    assert said == "--interval-h is '30min'; write the number alone, without unit."


def test_hours_have_a_decimal_point(study, capsys):
    said = refused(capsys, "log", study, "note", "--why", "x", "--at", "12,5")
    assert said.startswith("--at is '12,5'; write a decimal point, 12.5: ")
    assert "decimal" not in refused(capsys, "log", study, "note", "--why", "x", "--at", "14:30")


def test_wells_after_a_blank_repeat_the_option(study, capsys):
    said = refused(capsys, "log", study, "exclude", "--wells", "B2", "B3", "B4", "--why", "bubble")
    assert said.endswith("repeat the option: --wells B2 --wells B3 --wells B4.")
    repeated = said.rpartition(": ")[2].removesuffix(".").split()
    assert run(["log", str(study), "exclude", *repeated, "--at", "1", "--why", "bubble"]) == 0


def test_wells_with_semicolons_are_given_with_commas(study, capsys):
    given = ["log", study, "exclude", "--at", "1", "--why", "bubble", "--wells"]
    said = refused(capsys, *given, "B2;B3")
    assert said == "--wells is 'B2;B3'; put commas between wells: --wells B2,B3."
    assert run([*map(str, given), "B2,B3"]) == 0


def test_a_text_with_blanks_is_put_in_quotes(study, capsys):
    said = refused(capsys, "log", study, "note", "--at", "1", "--why", "door", "was", "open")
    assert said.startswith("'was open' stands alone; ")
    assert said.endswith('put in quotes what belongs together, like "door was open".')
    assert refused(capsys, "check", "my", "plate", "1").endswith('like "my plate 1".')


@pytest.mark.parametrize("option", ["--until", "--to"])
def test_an_exclusion_has_no_end(study, capsys, option):
    said = refused(capsys, "log", study, "exclude", "--wells", "B2", option, "24")
    assert said.startswith(f"there is no option {option}; an entry has no end")


def test_other_options_are_offered_as_they_are_called(study, capsys):
    said = refused(capsys, "log", study, "exclude", "--well", "B2")
    assert "--wells" in said
    assert "no end" not in said


@pytest.mark.parametrize("more", [["--entry", "99", "--why", "wrong"], ["--why", "wrong"]])
def test_the_command_that_shows_the_entries_can_be_pasted(study, capsys, more):
    said = refused(capsys, "log", study, "retract", *more)
    shown = re.search(r"see 'livedeath (.*)'\.$", said)[1]
    assert run(shlex.split(shown)) == 0
    assert capsys.readouterr().out == "nothing was logged yet.\n"


def test_the_commands_of_other_sentences_can_be_pasted(study, tmp_path, capsys):
    said = refused(capsys, "report", study)
    assert f"""'livedeath score "{study}"'""" in said
    said = refused(capsys, "score", study)
    assert f"""'livedeath acquire "{study}"'""" in said
    assert run(["new", str(tmp_path / "neu 2")]) == 0
    assert capsys.readouterr().out.strip().endswith(f'livedeath check "{tmp_path / "neu 2"}"')
