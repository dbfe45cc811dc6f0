"""From a study to its frames."""

import pytest

from livedeath import templates
from livedeath.model.dry_run import dry_run
from livedeath.model.plan import plan
from livedeath.model.study import Study


def study_of(name):
    return Study.from_toml(templates.text(name))


@pytest.mark.parametrize("name", templates.names())
def test_every_frame_is_planned_once_and_in_time_order(name):
    planned = plan(study_of(name))
    frames = list(planned.frames())
    assert len(set(frames)) == len(frames) == planned.n_frames > 0
    hours = [visit.planned_h for visit in planned.visits]
    assert hours == sorted(hours)


@pytest.mark.parametrize("name", templates.names())
def test_visits_of_a_field_are_counted_from_zero_without_gaps(name):
    planned = plan(study_of(name))
    for field in planned.fields:
        counts = [visit.t for visit in planned.visits if visit.field == field]
        assert counts == list(range(planned.n_visits(field)))


def test_rounds_include_both_ends():
    planned = plan(study_of("plate"))
    assert len({visit.planned_h for visit in planned.visits}) == 49


def test_a_channel_with_a_cadence_appears_only_when_due():
    planned = plan(study_of("co-culture"))
    with_marker = [visit.t for visit in planned.visits if "BFP" in visit.channels]
    assert set(with_marker) == {0, 12, 24, 36, 48}


def test_sessions_make_one_visit_each():
    planned = plan(study_of("brought-once-a-day"))
    assert {(v.session, v.planned_h) for v in planned.visits} == {
        ("day1", 24.0), ("day2", 47.0), ("day3", 71.0), ("day4", 95.5)
    }  # fmt: skip


def test_a_changed_objective_starts_an_acquisition_with_visits_of_its_own():
    planned = plan(study_of("changed-objective"))
    later = [v for v in planned.visits if v.field.acquisition == 1]
    assert min(v.planned_h for v in later) == 48.0
    assert min(v.t for v in later) == 0


def test_a_window_closes_wells():
    text = templates.text("plate").replace(
        "duration_h = 96.0",
        'duration_h = 96.0\nwindows = [{ wells = ["C2:C7"], from_h = 10, to_h = 20 }]',
    )
    planned = plan(Study.from_toml(text))
    hours = {v.planned_h for v in planned.visits if v.field.well == "C4"}
    assert (min(hours), max(hours)) == (10.0, 20.0)


def test_a_vessel_that_is_away_is_not_visited():
    text = templates.text("plate") + (
        '\n[[sessions]]\nid = "a"\nvessel = "plate1"\nloaded_h = 4.0\nremoved_h = 8.0\n'
    )
    hours = {v.planned_h for v in plan(Study.from_toml(text)).visits}
    assert hours == {4.0, 6.0}


def test_fields_of_a_well_do_not_overlap():
    planned = plan(study_of("plate"))
    first, second = [v for v in planned.visits if v.field.well == "B2" and v.t == 0]
    assert second.x_um - first.x_um == pytest.approx(1024 * 0.65)
    assert first.y_um == second.y_um == 9000.0


def test_the_dry_run_counts_what_the_plan_holds():
    study = study_of("plate")
    cost = dry_run(study)
    assert cost.frames == 24 * 49 * 2
    assert cost.gigabytes == pytest.approx(24 * 49 * 2 * 1024 * 1024 * 2 / 1e9)
    assert cost.light_ms_per_field == pytest.approx(49 * 150)
    assert cost.kept


def test_a_round_that_outlasts_its_interval_is_told():
    study = study_of("plate")
    hurried = study.replace(schedule={"interval_h": 0.001, "duration_h": 0.01})
    assert not dry_run(hurried).kept
