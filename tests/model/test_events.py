from math import inf

import pytest

import small_studies
from livedeath.model.events import Events

PLACE = ("plate1", "B2")


def log(what, at_h, *, wells=("B2",), **more):
    entry = {"kind": "log", "what": what, "vessel": "plate1", "wells": list(wells), "at_h": at_h}
    return entry | more


def events(*entries, extra=""):
    return Events(small_studies.study(extra), entries)


END_KILL = '\n[end_kill]\nat_h = 3.5\ncompound = "azide"\n'


def test_a_declared_end_kill_kills_every_well():
    found = events(extra=END_KILL)
    assert {found.kill_h("plate1", well) for well in ("B2", "B3")} == {3.5}
    assert found.end("plate1", "B3") == (3.5, "kill")


def test_without_a_kill_nothing_ends():
    assert events().kill_h(*PLACE) == inf
    assert events().end(*PLACE) == (inf, "")


def test_a_logged_kill_of_one_well_leaves_the_others_alone():
    found = events(log("kill", 2.0))
    assert found.kill_h("plate1", "B2") == 2.0
    assert found.kill_h("plate1", "B3") == inf


def test_what_was_logged_counts_more_than_what_was_planned():
    found = events(log("kill", 3.8, wells=()), extra=END_KILL)
    assert found.kill_h(*PLACE) == 3.8


def test_an_intervention_of_kind_kill_is_a_kill():
    extra = '\n[[interventions]]\nkind = "kill"\nwells = ["B3"]\nstart_h = 1.5\n'
    assert events(extra=extra).kill_h("plate1", "B3") == 1.5
    assert events(extra=extra).kill_h("plate1", "B2") == inf


def test_the_earliest_exclusion_counts_with_its_reason():
    extra = '\n[[exclusions]]\nwells = ["B2"]\nfrom_h = 3.0\nwhy = "dry"\n'
    found = events(log("exclude", 1.0, why="mould"), extra=extra)
    assert found.exclusion(*PLACE) == (1.0, "mould")
    assert found.excluded(*PLACE, 0.9) == ""
    assert found.excluded(*PLACE, 1.0) == "mould"
    assert events(extra=extra).exclusion(*PLACE) == (3.0, "dry")


def test_an_exclusion_before_the_kill_ends_the_watch_first():
    assert events(log("exclude", 1.0), extra=END_KILL).end(*PLACE) == (1.0, "exclusion")
    assert events(log("exclude", 3.9), extra=END_KILL).end(*PLACE) == (3.5, "kill")
    assert events(log("exclude", 3.5), extra=END_KILL).end(*PLACE) == (3.5, "exclusion")


@pytest.mark.parametrize("what", ["exclude", "kill", "dose", "media"])
def test_a_retracted_entry_counts_no_more(what):
    made = log(what, 1.0, id="a", why="slip", dose=1.0)
    retracted = {"kind": "log", "what": "retract", "voids": "a", "why": "wrong well"}
    before, after = events(made), events(made, retracted)
    assert before.log
    assert after.log == ()
    assert after.end(*PLACE) == (inf, "")
    assert not after.between(*PLACE, 0.0, 2.0)
    assert after.treated_h(*PLACE) is None


def test_a_retraction_voids_only_the_entry_that_it_names():
    first, second = log("exclude", 1.0, id="a"), log("exclude", 2.0, id="b")
    retracted = {"kind": "log", "what": "retract", "voids": "a"}
    assert events(first, second, retracted).exclusion(*PLACE)[0] == 2.0
    assert events(first, second).exclusion(*PLACE)[0] == 1.0


def test_a_change_between_two_hours_is_known():
    found = events(log("media", 1.0))
    assert found.between(*PLACE, 0.5, 1.0)
    assert not found.between(*PLACE, 1.0, 2.0)
    assert not found.between(*PLACE, 1.0, 1.0)
    assert not found.between("plate1", "B3", 0.5, 1.0)


def test_the_dose_is_dated_as_logged_else_as_planned():
    extra = (
        '\n[[interventions]]\nkind = "toxin"\ncompound = "x"\ndose = 1\nunit = "uM"\n'
        'wells = ["B2"]\nstart_h = 0.5\n'
    )
    assert events(extra=extra).treated_h(*PLACE) == 0.5
    assert events(log("dose", 0.8), extra=extra).treated_h(*PLACE) == 0.8
    assert events(extra=extra).treated_h("plate1", "B3") is None
