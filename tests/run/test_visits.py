import pytest

import small_studies
from livedeath.errors import StoreError
from livedeath.model.plan import plan
from livedeath.run.visits import Sequence
from livedeath.store.journal import frame_entry


def journal_of(study, *, missed=(), skip=()):
    """Return a whole journal as a list of entries."""
    return [
        small_studies.entry_of(visit, key, "missed", reason="timeout")
        if key in missed
        else small_studies.entry_of(visit, key)
        for visit in plan(study).visits
        for key in visit.frames()
        if key not in skip
    ]


def fed(study, entries):
    sequence = Sequence(study, plan(study))
    return list(sequence.feed(entries))


def log(what, well, at_h, why=""):
    return {
        "kind": "log",
        "what": what,
        "vessel": "plate1",
        "wells": [well],
        "at_h": at_h,
        "why": why,
    }


def test_visits_come_in_the_order_in_which_they_were_completed():
    study = small_studies.study()
    visits = fed(study, journal_of(study))
    assert [(v.field, v.t) for v in visits] == [(v.field, v.t) for v in plan(study).visits]
    assert [v.time_h for v in visits] == [v.planned_h + 0.01 for v in plan(study).visits]


def test_a_visit_waits_for_its_last_frame():
    study = small_studies.study()
    entries = journal_of(study)
    sequence = Sequence(study, plan(study))
    counts = [len(list(sequence.feed([entry]))) for entry in entries]
    assert counts == [0, 1] * 10


def test_a_missed_channel_is_named_and_the_rest_is_read():
    study = small_studies.study()
    key = list(plan(study).frames())[5]
    visit = next(v for v in fed(study, journal_of(study, missed=[key])) if key.channel in v.missing)
    assert (visit.field, visit.t) == (key.field_key, key.t)
    assert visit.missing == {key.channel: "timeout"}
    assert [k.channel for k in visit.saved] == ["fill"]
    assert visit.skipped == ""


def test_a_visit_of_which_everything_was_missed_has_a_reason():
    study = small_studies.study()
    keys = list(plan(study).frames())[4:6]
    visit = next(v for v in fed(study, journal_of(study, missed=keys)) if v.missing)
    assert visit.skipped == "timeout"
    assert visit.saved == ()


def test_a_superseded_frame_does_not_complete_a_visit():
    study = small_studies.study()
    entries = journal_of(study)[:2]
    late = entries[1] | {"status": "superseded", "attempt": 0}
    good = entries[1] | {"attempt": 1}
    assert fed(study, [entries[0], late]) == []
    assert len(fed(study, [entries[0], late, good])) == 1


def test_a_finished_acquisition_leaves_no_visit_open():
    study = small_studies.study()
    entries = journal_of(study)[:3]
    assert len(fed(study, entries)) == 1
    visits = fed(study, [*entries, {"kind": "acquisition", "what": "finish"}])
    assert len(visits) == 2
    assert visits[1].missing == {"GEDI": "the acquisition ended without it"}


def test_an_interrupted_acquisition_waits_to_be_resumed():
    study = small_studies.study()
    entries = journal_of(study)[:3]
    assert len(fed(study, [*entries, {"kind": "acquisition", "what": "interrupted"}])) == 1


def test_a_visit_added_by_feedback_is_like_the_fields_last():
    study = small_studies.study()
    entries = journal_of(study)
    last = plan(study).visits[-1]
    added = [frame_entry(key._replace(t=5), "saved", time_h=4.5) for key in last.frames()]
    visits = fed(study, [*entries, *added])
    assert (visits[-1].field, visits[-1].t, visits[-1].time_h) == (last.field, 5, 4.5)


def test_a_visit_completed_after_a_later_one_is_not_analysed():
    study = small_studies.study()
    entries = journal_of(study)
    late = entries[:2]
    visits = fed(study, [*entries[2:], *late])
    assert "after a later visit" in visits[-1].skipped
    assert all(v.skipped == "" for v in visits[:-1])


def intervened(study, entries):
    return {(v.field.well, v.t) for v in fed(study, entries) if v.intervened}


def test_an_intervention_marks_the_next_visit_of_its_wells():
    extra = (
        '\n[[interventions]]\nkind = "compound"\ncompound = "X"\nwells = ["B3"]\nstart_h = 1.5\n'
    )
    study = small_studies.study(extra)
    assert intervened(study, journal_of(study)) == {("B3", 2)}


def test_without_intervention_no_visit_is_marked():
    study = small_studies.study()
    assert intervened(study, journal_of(study)) == set()


def test_a_logged_dose_marks_the_next_visit_if_it_is_known_by_then():
    study = small_studies.study()
    entries = journal_of(study)
    in_time = [*entries[:8], log("dose", "B2", 1.5), *entries[8:]]
    too_late = [*entries[:16], log("dose", "B2", 1.5), *entries[16:]]
    assert intervened(study, in_time) == {("B2", 2)}
    assert intervened(study, too_late) == set()


def test_a_note_marks_nothing():
    study = small_studies.study()
    entries = journal_of(study)
    assert intervened(study, [*entries[:8], log("note", "B2", 1.5), *entries[8:]]) == set()


def test_a_new_session_marks_the_next_visit():
    study = small_studies.study()
    entries = [e | {"session": "day2" if e["t"] >= 3 else "day1"} for e in journal_of(study)]
    assert intervened(study, entries) == {("B2", 3), ("B3", 3)}


def test_a_declared_exclusion_counts_from_the_start():
    extra = '\n[[exclusions]]\nwells = ["B3"]\nfrom_h = 3.0\nwhy = "empty"\n'
    study = small_studies.study(extra)
    visits = fed(study, journal_of(study))
    assert {(v.field.well, v.t) for v in visits if v.excluded} == {("B3", 3), ("B3", 4)}
    assert {v.skipped for v in visits if v.excluded} == {"excluded: empty"}


def test_a_field_that_the_study_does_not_declare_is_refused():
    study = small_studies.study()
    entry = journal_of(study)[0] | {"well": "H9"}
    with pytest.raises(StoreError, match="does not declare"):
        fed(study, [entry])


def test_a_logged_exclusion_takes_no_visit_out_of_the_analysis():
    study = small_studies.study()
    visits = fed(study, [log("exclude", "B2", 2.0, "contaminated"), *journal_of(study)])
    assert not any(v.skipped for v in visits)
