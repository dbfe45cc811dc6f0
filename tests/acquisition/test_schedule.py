import math

import pytest

from livedeath.model.plan import plan
from livedeath.store.journal import frame_entry
from livedeath_acquisition.schedule import choose_round, due_visits, light_given


@pytest.fixture
def the_plan(study):
    return plan(study)


def settled(keys, status="saved", **details):
    return {key: frame_entry(key, status, **details) for key in keys}


def test_everything_is_due_at_the_start(the_plan):
    due = due_visits(the_plan, {})
    assert [key for one in due for key in one.frames] == list(the_plan.frames())


def test_settled_frames_are_not_due_again(the_plan):
    done = list(the_plan.frames())[:3]
    due = due_visits(the_plan, settled(done))
    assert [key for one in due for key in one.frames] == list(the_plan.frames())[3:]


@pytest.mark.parametrize(("status", "is_due"), [("missed", False), ("superseded", True)])
def test_a_missed_frame_is_settled_a_superseded_one_is_not(the_plan, status, is_due):
    first = next(the_plan.frames())
    due = due_visits(the_plan, settled([first], status))
    assert (first in due[0].frames) is is_due


def test_a_visit_may_start_until_the_next_of_its_field(the_plan):
    due = due_visits(the_plan, {})
    assert [one.until_h for one in due] == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]


def test_a_field_visited_once_is_never_too_late(study):
    once = study.replace(schedule={"mode": "times", "times_h": (5.0,)})
    assert due_visits(plan(once), {})[0].until_h == math.inf


def test_the_nearest_round_is_chosen_and_earlier_ones_are_missed(the_plan):
    chosen, missed = choose_round(due_visits(the_plan, {}), 1.9)
    assert {one.visit.planned_h for one in chosen} == {2.0}
    assert {one.visit.planned_h for one in missed} == {0.0, 1.0}


def test_no_round_is_chosen_when_nothing_is_due():
    assert choose_round([], 1.0) == ([], [])


def test_light_counts_saved_frames_only(study, the_plan):
    first, second, third = list(the_plan.frames())[:3]
    entries = [
        frame_entry(first, "saved", exposure_ms=75.0),
        frame_entry(second, "missed", reason="no"),
        frame_entry(third, "saved", exposure_ms=75.1),
        {"kind": "log", "what": "note"},
    ]
    light = light_given(study, entries)
    assert first.field_key != third.field_key
    assert light.given_ms(first.field_key) == light.given_ms(third.field_key) == 75.0
