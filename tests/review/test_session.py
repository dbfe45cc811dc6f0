import pytest

from livedeath.errors import StoreError
from livedeath.review.journal import ReviewJournal
from livedeath.review.queue import QueueItem
from livedeath.review.session import ReviewSession

RUN = "run-1"


def item(neuron):
    return QueueItem(f"i{neuron}", neuron, "p", "A1", 0, 0, "dead", 5.0, 4.0, 6.0, 0.1, False)


QUEUE = tuple(item(neuron) for neuron in (11, 12, 13, 14))


@pytest.fixture
def journal(tmp_path):
    with ReviewJournal.in_folder(tmp_path, "anna") as opened:
        yield opened


@pytest.fixture
def session(journal):
    return ReviewSession(QUEUE, journal, run=RUN)


def test_a_verdict_is_in_the_journal_before_the_next_item_comes(session, journal):
    row = session.judge("dead", time_h=5.0, t=3, duration_ms=700.0)
    assert journal.rows() == [row]
    assert (row.item, row.neuron_id, row.t) == ("i11", 11, 3)
    assert session.current == item(12)


def test_it_opens_where_the_reviewer_stopped(session, journal):
    session.judge("dead")
    session.judge("alive")
    again = ReviewSession(QUEUE, journal, run=RUN)
    assert again.current == item(13)
    assert (again.n_judged, again.total) == (2, 4)


def test_another_run_starts_anew(session, journal):
    session.judge("dead")
    assert ReviewSession(QUEUE, journal, run="run-2").current == item(11)


def test_stepping_does_not_judge_and_stays_at_the_ends(session, journal):
    assert session.step(-1) == item(11)
    assert [session.step(1).neuron_id for _ in range(5)] == [12, 13, 14, 14, 14]
    assert journal.rows() == []


def test_after_a_verdict_judged_items_are_passed_over(session):
    session.step(1)
    session.judge("dead")
    session.step(-2)
    session.judge("dead")
    assert session.current == item(13)


def test_items_passed_over_come_back_at_the_end(session):
    session.step(3)
    session.judge("dead")
    assert session.current == item(11)


def test_undo_returns_to_the_item(session):
    session.judge("dead")
    session.judge("alive")
    undone = session.undo()
    assert undone.verdict == "alive"
    assert session.current == item(12)
    assert session.n_judged == 1


def test_undo_with_nothing_to_undo_is_harmless(session):
    assert session.undo() is None
    assert session.current == item(11)


def test_judging_again_replaces_the_verdict_and_keeps_both_rows(session, journal):
    session.judge("dead")
    session.step(-1)
    session.judge("alive")
    assert session.verdict(item(11)).verdict == "alive"
    assert len(journal.rows()) == 2
    assert session.n_judged == 1


def test_the_end_is_reached_and_said(session):
    for _ in QUEUE:
        assert not session.finished
        session.judge("dead")
    assert session.finished
    assert session.counts["dead"] == 4
    assert session.current is not None


def test_an_empty_queue_is_finished_and_refuses_a_verdict(journal):
    session = ReviewSession((), journal, run=RUN)
    assert session.finished
    assert session.current is None
    assert session.step(1) is None
    with pytest.raises(LookupError, match="empty"):
        session.judge("dead")


def test_a_verdict_that_cannot_be_saved_does_not_advance(session, journal):
    journal.close()
    with pytest.raises(StoreError):
        session.judge("dead")
    assert session.current == item(11)
    assert session.n_judged == 0


def test_what_comes_next_starts_with_the_current_item(session):
    session.judge("dead")
    assert [ahead.neuron_id for ahead in session.upcoming(3)] == [12, 13, 14]
