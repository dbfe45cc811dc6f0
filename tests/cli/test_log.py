"""What a person types after ``livedeath log``: refused, doubted or written, and how it is said."""

import json

import pytest

from declarations import LOG_BASES, logged
from livedeath.cli.main import run
from livedeath.model.study import Study
from livedeath.store.journal import Journal


def call(capsys, *arguments):
    """Run a command; return its exit status, standard output and standard error."""
    status = run([str(part) for part in arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def with_ids(texts, ids):
    """Put the ids of entries into arguments or pieces of a sentence."""
    return [text.format(None, *ids) for text in texts]


def answer(case, folder, capsys):
    """Return exit status, both outputs, and the ids of the entries made before."""
    folder.mkdir()
    (folder / "study.toml").write_text(LOG_BASES[case.base], encoding="utf-8")
    ids = []
    for arguments in case.before:
        status, out, err = call(capsys, "log", folder, *with_ids(arguments, ids), "--json")
        assert status == 0, err
        ids.append(json.loads(out)["id"])
    return (*call(capsys, "log", folder, *with_ids(case.args, ids)), ids)


def of(verdict):
    return [pytest.param(c, id=c.id) for c in logged.LOG_CASES if c.verdict == verdict]


def missing(case, said, ids):
    return [piece for piece in with_ids(case.says, ids) if piece.lower() not in said.lower()]


@pytest.mark.parametrize("case", of("refuse"))
def test_what_cannot_be_is_refused_and_nothing_is_written(case, tmp_path, capsys):
    status, out, err, ids = answer(case, tmp_path / "s", capsys)
    assert (status, out) == (2, "")
    assert missing(case, err, ids) == []
    assert err.count("\n") == 1
    assert len(Journal(tmp_path / "s/journal.jsonl").read()) == len(case.before)


@pytest.mark.parametrize("case", of("warn"))
def test_what_may_be_a_slip_is_written_with_a_note(case, tmp_path, capsys):
    status, _, err, ids = answer(case, tmp_path / "s", capsys)
    assert status == 0
    assert err.startswith("Note: ")
    assert missing(case, err, ids) == []
    assert len(Journal(tmp_path / "s/journal.jsonl").read()) == len(case.before) + 1


@pytest.mark.parametrize("case", of("accept"))
def test_what_is_right_is_written_without_a_note(case, tmp_path, capsys):
    status, out, err, ids = answer(case, tmp_path / "s", capsys)
    assert (status, err) == (0, "")
    assert missing(case, out, ids) == []


@pytest.fixture
def study(tmp_path):
    (tmp_path / "study.toml").write_text(LOG_BASES["plate"], encoding="utf-8")
    return tmp_path


def test_an_entry_has_an_id_and_a_unit_in_its_one_spelling(study, capsys):
    arguments = ("dose", "--wells", "C2", "--compound", "drug", "--dose", "10", "--unit", "µM")
    _, out, _ = call(capsys, "log", study, *arguments, "--at", "26", "--json")
    said = json.loads(out)
    (written,) = Journal(study / "journal.jsonl").read()
    assert written["id"] == said["id"]
    assert (written["unit"], written["dose"], written["wells"]) == ("uM", 10.0, ["C2"])


def test_a_retraction_names_what_it_voids_and_both_stay(study, capsys):
    exclude = ("exclude", "--wells", "B2", "--at", "30", "--why", "fungus")
    _, out, _ = call(capsys, "log", study, *exclude, "--json")
    wrong = json.loads(out)["id"]
    _, out, _ = call(capsys, "log", study, "retract", "--entry", wrong, "--why", "was B3", "--json")
    retraction = json.loads(out)
    assert (retraction["what"], retraction["voids"]) == ("retract", wrong)
    assert [e["what"] for e in Journal(study / "journal.jsonl").read()] == ["exclude", "retract"]
    _, out, _ = call(capsys, "log", study, "list", "--json")
    first, second = json.loads(out)["entries"]
    assert (first["id"], first["retracted_by"]) == (wrong, retraction["id"])
    assert second["retracted_by"] is None
    _, out, _ = call(capsys, "log", study, "list")
    assert f"retracted by {retraction['id']}" in out.splitlines()[0]


def test_entries_without_an_id_get_one_that_stays(study, capsys):
    old = '{"wall":"2026-03-02T09:00:00+00:00","kind":"log","what":"media","vessel":"plate1"'
    old += ',"wells":["B2"],"at_h":3.0,"why":""}\n'
    (study / "journal.jsonl").write_text(old, encoding="utf-8")
    (first,) = Journal(study / "journal.jsonl").read()
    call(capsys, "log", study, "note", "--at", "5", "--why", "door open")
    assert Journal(study / "journal.jsonl").read()[0]["id"] == first["id"]
    status, _, _ = call(capsys, "log", study, "retract", "--entry", first["id"], "--why", "never")
    assert status == 0


def acquired(study, microscope, *, hour, finished=False):
    """Write the journal of an acquisition whose last frame was taken at an hour."""
    entries = [
        {"kind": "acquisition", "what": "start", "microscope": microscope}
        | {"zero": "2020-03-02T09:00:00+00:00"},
        {"kind": "frame", "status": "saved", "time_h": hour},
        *([{"kind": "acquisition", "what": "finish"}] if finished else []),
    ]
    Journal(study / "journal.jsonl").append_all(entries)


NOW = ("media", "--wells", "B2")


def test_now_on_a_simulated_microscope_is_where_its_clock_stands(study, capsys):
    acquired(study, "simulated", hour=26.25)
    _, out, err = call(capsys, "log", study, *NOW, "--json")
    assert json.loads(out)["at_h"] == 26.25, err


def test_now_counts_from_the_journals_zero_while_the_acquisition_runs(study, capsys):
    acquired(study, "micromanager:scope.cfg", hour=95.0)
    _, out, err = call(capsys, "log", study, *NOW, "--json")
    assert json.loads(out)["at_h"] > 24 * 365, err  # zero was years ago


def test_now_after_the_end_of_an_acquisition_is_refused(study, capsys):
    acquired(study, "micromanager:scope.cfg", hour=95.0, finished=True)
    status, _, err = call(capsys, "log", study, *NOW)
    assert status == 2
    assert "the study ended at 96 h" in err


@pytest.mark.parametrize("start", [{"by": "recording"}, {"microscope": "rendered"}])
def test_a_study_that_was_never_acquired_here_has_no_now(study, capsys, start):
    entry = {"kind": "acquisition", "what": "start"} | start
    Journal(study / "journal.jsonl").append(entry)
    status, _, err = call(capsys, "log", study, *NOW)
    assert status == 2
    assert "has no clock" in err


def test_a_late_round_makes_the_study_longer(study, capsys):
    acquired(study, "micromanager:scope.cfg", hour=98.5, finished=True)
    status, _, err = call(capsys, "log", study, *NOW, "--at", "98")
    assert status == 0, err
    status, _, err = call(capsys, "log", study, *NOW, "--at", "99")
    assert status == 2
    assert "98.5 h" in err


@pytest.mark.parametrize(("at", "notes"), [("20", 1), ("27", 0)])
def test_what_is_told_after_its_visits_were_taken_is_noted(study, capsys, at, notes):
    acquired(study, "simulated", hour=26.25)
    taken = {"kind": "frame", "status": "saved", "well": "B2", "time_h": 26.25}
    Journal(study / "journal.jsonl").append(taken | {"vessel": vessel_of(study)})
    _, out, err = call(capsys, "log", study, *NOW, "--at", at, "--json")
    assert len(json.loads(out)["notes"]) == notes, err
    assert ("calls are never revised" in err) is bool(notes)


def vessel_of(study):
    return Study.from_file(study / "study.toml").vessels[0].id
