"""What a run lacks of what was acquired."""

import pytest

import small_studies
from livedeath.run.coverage import NOT_YET, unscored
from livedeath.run.follow import follow
from run.counter import Counter


@pytest.fixture
def folder(tmp_path):
    return small_studies.create(tmp_path / "a study")


def scored(folder):
    return follow(folder, make_analyser=Counter)


def lacking(folder, run):
    return {(one.field.well, one.why): one.hours for one in unscored(folder, run)}


def test_a_whole_run_lacks_nothing(folder):
    assert unscored(folder, scored(small_studies.acquire(folder))) == ()


def test_visits_after_the_run_are_named_by_field_with_their_hours(folder):
    small_studies.acquire(folder, visits=folder.plan.visits[:3], finish=False)
    run = scored(folder)
    assert unscored(folder, run) == ()
    small_studies.acquire(folder, visits=folder.plan.visits[3:])
    assert lacking(folder, run) == {
        ("B2", NOT_YET): (2.01, 3.01, 4.01),
        ("B3", NOT_YET): (1.01, 2.01, 3.01, 4.01),
    }
    assert {one.field.well: one.visits for one in unscored(folder, run)} == {"B2": 3, "B3": 4}
    assert unscored(folder, scored(folder)) == ()


def test_what_was_missed_is_not_lacking(folder):
    gone = [key for key in folder.plan.frames() if key.well == "B2" and key.t >= 3]
    small_studies.acquire(folder, visits=folder.plan.visits[:6], finish=False)
    run = scored(folder)
    small_studies.acquire(folder, visits=folder.plan.visits[6:], missed=gone)
    assert lacking(folder, run) == {("B3", NOT_YET): (3.01, 4.01)}


def test_a_visit_that_came_too_late_is_named_with_its_reason(folder):
    visits = list(folder.plan.visits)
    late = visits.pop(2)
    small_studies.acquire(folder, visits=[*visits, late])
    run = scored(folder)
    assert run.complete
    assert lacking(folder, run) == {("B2", "it was complete only after a later visit"): (1.01,)}


def test_a_well_that_the_declaration_takes_out_is_not_lacking(tmp_path):
    extra = '\n[[exclusions]]\nwells = ["B3"]\nfrom_h = 3.0\nwhy = "empty"\n'
    folder = small_studies.create(tmp_path / "excluded", small_studies.study(extra))
    small_studies.acquire(folder, visits=folder.plan.visits[:5], finish=False)
    run = scored(folder)
    small_studies.acquire(folder, visits=folder.plan.visits[5:])
    assert lacking(folder, run) == {
        ("B2", NOT_YET): (3.01, 4.01),
        ("B3", NOT_YET): (2.01,),
    }


def test_a_run_under_way_covers_what_its_tables_hold(folder, monkeypatch):
    from livedeath.run import follow as following

    monkeypatch.setattr(following, "CHECKPOINT_VISITS", 4)
    small_studies.acquire(folder)

    class Killed(Counter):
        pushes = 0

        def push(self, visit, labels=None):
            self.pushes += 1
            if self.pushes > 6:
                raise KeyboardInterrupt
            return super().push(visit, labels)

    with pytest.raises(KeyboardInterrupt):
        follow(folder, make_analyser=Killed, live=True)
    run = folder.run()
    assert not run.complete
    assert run.traces().height == 4
    assert sum(one.visits for one in unscored(folder, run)) == 6
