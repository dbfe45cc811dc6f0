import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from livedeath.errors import StoreError
from livedeath.review.chain import VERDICTS, count_verdicts
from livedeath.review.journal import ReviewJournal, read_verdicts
from livedeath.review.reviewer import file_name

RUN = "run-1"


@pytest.fixture
def journal(tmp_path):
    with ReviewJournal.in_folder(tmp_path / "my reviews", "Anna Kováč") as opened:
        yield opened


def fill(journal, n=3):
    for neuron in range(1, n + 1):
        journal.record(RUN, neuron, verdict="dead", item=f"i{neuron}", time_h=1.5, t=3)


def tamper(path, statement):
    """Change a file as somebody would who knows SQL but not the chain."""
    db = sqlite3.connect(path)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    db.execute(statement)
    db.commit()
    db.close()


def test_a_verdict_comes_back_as_it_was_given(journal):
    given = journal.record(
        RUN, 7, verdict="lost", item="ab12", time_h=2.25, t=9, duration_ms=812.5, details={"a": 1}
    )
    assert journal.rows() == [given]
    assert (given.neuron_id, given.verdict, given.time_h, given.t) == (7, "lost", 2.25, 9)
    assert (given.duration_ms, given.details, given.seq) == (812.5, '{"a":1}', 1)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_can_be_recorded(journal, verdict):
    assert journal.record(RUN, 1, verdict=verdict).verdict == verdict


def test_an_unknown_verdict_is_refused_and_leaves_nothing(journal):
    with pytest.raises(ValueError, match="'zombie' is none of dead, alive"):
        journal.record(RUN, 1, verdict="zombie")
    assert journal.rows() == []


def test_a_time_that_is_not_known_is_kept_as_unknown(journal):
    journal.record(RUN, 1, verdict="alive", time_h=float("nan"))
    assert journal.rows()[0].time_h is None
    assert journal.verify() == 1


def test_the_last_verdict_on_a_neuron_stands(journal):
    journal.record(RUN, 1, verdict="dead")
    journal.record(RUN, 1, verdict="alive")
    assert journal.verdicts(RUN)[1].verdict == "alive"
    assert len(journal.rows()) == 2


def test_undo_adds_a_row_and_brings_back_the_verdict_before(journal):
    journal.record(RUN, 1, verdict="dead")
    journal.record(RUN, 1, verdict="alive")
    undone = journal.undo(RUN)
    assert undone is not None
    assert undone.verdict == "alive"
    assert journal.verdicts(RUN)[1].verdict == "dead"
    assert [row.kind for row in journal.rows()] == ["verdict", "verdict", "undo"]


def test_undo_goes_back_step_by_step_until_nothing_stands(journal):
    fill(journal, 2)
    assert [journal.undo(RUN).neuron_id for _ in range(2)] == [2, 1]
    assert journal.undo(RUN) is None
    assert journal.verify() == 4


def test_undo_leaves_other_runs_alone(journal):
    journal.record("run-0", 1, verdict="dead")
    assert journal.undo(RUN) is None
    assert journal.verdicts("run-0")[1].verdict == "dead"


@pytest.mark.parametrize("statement", ["UPDATE rows SET verdict = 'alive'", "DELETE FROM rows"])
def test_the_file_itself_refuses_change_and_deletion(journal, statement):
    fill(journal)
    with (
        sqlite3.connect(journal.path) as db,
        pytest.raises(sqlite3.IntegrityError, match="never"),
    ):
        db.execute(statement)
    db.close()
    assert journal.verify() == 3


def test_an_untouched_file_verifies(journal):
    fill(journal)
    assert journal.verify() == 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rows SET verdict = 'alive' WHERE seq = 2",
        "UPDATE rows SET time_h = 1.5000001 WHERE seq = 1",
        "UPDATE rows SET wall = '2020-01-01T00:00:00.000+00:00' WHERE seq = 3",
        "DELETE FROM rows WHERE seq = 2",
        "DELETE FROM rows WHERE seq = 3",
        "UPDATE about SET reviewer = 'ANNA KOVÁČ'",
        "INSERT INTO rows SELECT 4, kind, run, 9, item, verdict, time_h, t, duration_ms, undoes, "
        "version, wall, details, digest FROM rows WHERE seq = 3",
    ],
    ids=["verdict", "time", "wall", "gap", "tail", "reviewer", "added"],
)
def test_tampering_is_found(journal, statement):
    fill(journal)
    tamper(journal.path, statement)
    with pytest.raises(StoreError, match="backup"):
        journal.verify()


def test_the_head_changes_with_every_row(journal):
    heads = [journal.head]
    for neuron in range(3):
        journal.record(RUN, neuron, verdict="dead")
        heads.append(journal.head)
    assert len(set(heads)) == 4


def test_reopening_continues_the_chain(journal, tmp_path):
    fill(journal)
    journal.close()
    with ReviewJournal.in_folder(tmp_path / "my reviews", "anna kováč") as again:
        again.record(RUN, 4, verdict="alive")
        assert again.verify() == 4


def test_two_windows_of_one_reviewer_share_the_chain(journal):
    with ReviewJournal(journal.path, "Anna Kováč") as other:
        for neuron in range(4):
            (journal, other)[neuron % 2].record(RUN, neuron, verdict="dead")
        assert other.verify() == 4


def test_someone_elses_file_is_refused(journal):
    with pytest.raises(StoreError, match="reviews of 'Anna Kováč', not of 'Ben'"):
        ReviewJournal(journal.path, "Ben")


@pytest.mark.parametrize("content", [b"no database at all, only some text", b"\0" * 200])
def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "ben.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="review journal"):
        ReviewJournal(path, "Ben")
    assert path.read_bytes() == content


def test_a_foreign_database_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "ben.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE mine (a)")
    db.commit()
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="no review journal"):
        ReviewJournal(path, "Ben")
    assert path.read_bytes() == before


def test_a_later_schema_says_so(journal):
    journal.close()
    tamper(journal.path, "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="schema 99"):
        ReviewJournal(journal.path, "Anna Kováč")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("anna", "anna.sqlite"), ("Anna", "anna.sqlite"), ("田中花子", "田中花子.sqlite")],
)
def test_a_plain_name_is_its_file_name(name, expected):
    assert file_name(name) == expected


@pytest.mark.parametrize("name", ["a/b", "..\\x", "CON", "com1.x", "a b", "x" * 300, "q:*?", ".h"])
def test_a_name_that_no_system_would_take_gets_a_safe_file(name, tmp_path):
    made = file_name(name)
    assert not set(made) & set('/\\:*?"<>| ')
    assert len(made) < 100
    assert made.split(".")[0] not in {"con", "com1"}
    with ReviewJournal.in_folder(tmp_path, name) as journal:
        assert journal.path.parent == tmp_path


def test_names_that_look_alike_as_files_stay_apart():
    assert len({file_name(name) for name in ("a b", "a_b", "a/b", "a:b")}) == 4


@pytest.mark.parametrize("name", ["", "  ", "///", "..."])
def test_a_name_without_a_letter_is_refused_and_makes_no_file(name, tmp_path):
    with pytest.raises(StoreError, match="at least one letter"):
        ReviewJournal.in_folder(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_all_reviewers_of_a_run_are_read_without_writing(tmp_path):
    for reviewer, verdict in (("Anna", "dead"), ("花子", "alive")):
        with ReviewJournal.in_folder(tmp_path, reviewer) as journal:
            journal.record(RUN, 1, verdict=verdict)
            journal.record("other", 2, verdict="lost")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    reviews = read_verdicts(tmp_path, RUN)
    assert {name: rows[1].verdict for name, rows in reviews.items()} == {
        "Anna": "dead",
        "花子": "alive",
    }
    assert count_verdicts(reviews["Anna"])["dead"] == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_no_reviews_folder_means_no_reviews(tmp_path):
    assert read_verdicts(tmp_path / "reviews", RUN) == {}


def test_reading_a_changed_file_is_refused(journal):
    fill(journal)
    tamper(journal.path, "UPDATE rows SET neuron_id = 9 WHERE seq = 1")
    with pytest.raises(StoreError, match="row 1 is not as it was written"):
        read_verdicts(journal.path.parent, RUN)


KILLED = """
import sys
from pathlib import Path
from livedeath.review.journal import ReviewJournal
journal = ReviewJournal(Path(sys.argv[1]), "Anna")
for neuron in range(10_000):
    journal.record("run-1", neuron, verdict="dead")
    sys.stdout.write(f"{neuron}\\n")
    sys.stdout.flush()
"""


def test_what_was_acknowledged_survives_the_end_of_the_process(tmp_path):
    path = tmp_path / "anna.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        seen = [int(process.stdout.readline()) for _ in range(20)]
        if os.name == "nt":
            process.terminate()
        else:
            process.send_signal(signal.SIGKILL)
        seen += [int(line) for line in process.stdout.read().split("\n")[:-1] if line]
    with ReviewJournal(path, "Anna") as journal:
        assert journal.verify() >= len(seen)
        assert set(seen) <= set(journal.verdicts("run-1"))


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    Path(tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be used"):
        ReviewJournal.in_folder(tmp_path / "file", "Anna")
