"""Declared comparisons: whether they were fixed beforehand, and how they are computed."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from livedeath.model.events import Events
from livedeath.model.study import Study
from livedeath.reporting.html import report
from livedeath.statistics import declared
from livedeath.statistics.declared import shown_comparisons
from livedeath.statistics.study import read_calls
from made_study import make_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("made") / "s", images=False, per_well=12)


@pytest.fixture(scope="module")
def calls(folder):
    return read_calls(folder, folder.run())


@pytest.fixture(scope="module")
def entries(folder):
    return folder.journal.read()


def of(calls, **changes):
    """Return the calls under a changed declaration."""
    return replace(calls, study=calls.study.replace(**changes))


def test_hours_count_from_the_arm_that_the_comparison_names(calls, entries):
    """Dosed at 4 h, the arm is watched for 8 of the 12 h before the kill; vehicle from 0 on."""
    dosed = [
        i.model_dump() | ({"start_h": 4.0} if i.dose else {}) for i in calls.study.interventions
    ]
    (first,) = calls.study.comparisons
    since = first.replace(origin="glutamate 50 uM")
    late = of(calls, interventions=dosed, comparisons=(since,))
    late = replace(late, events=Events(late.study))
    (shown,), (whole,) = (shown_comparisons(one, entries) for one in (late, calls))
    assert not shown.refused
    assert shown.results[0].rmst_difference_h != whole.results[0].rmst_difference_h
    for one, comparison, hours in ((late, since, 8.0), (calls, first, 12.0)):
        table = declared.comparison_table(one, comparison)
        assert table.exit_h[table.group == "glutamate 50 uM"].max() == hours


def test_the_control_is_the_declared_one_whatever_its_name(calls):
    (first,) = calls.study.comparisons
    turned = first.replace(control="glutamate 50 uM", treated=("vehicle",))
    assert declared.control_arm(calls) == "vehicle"
    assert declared.control_arm(of(calls, comparisons=(turned,))) == "glutamate 50 uM"
    assert declared.control_arm(of(calls, comparisons=())) == "vehicle"


# Fixed beforehand, or thought of afterwards


def test_a_correction_that_touches_no_comparison_keeps_it_pre_specified(calls, entries):
    corrected = of(calls, title="Another", exclusions=({"wells": ["C3"], "why": "dry"},))
    assert shown_comparisons(calls, entries)[0].standing.startswith("pre-specified")
    assert shown_comparisons(corrected, entries)[0].standing.startswith("pre-specified")


def test_a_comparison_that_was_changed_or_added_is_post_hoc_and_the_other_is_not(calls, entries):
    (first,) = calls.study.comparisons
    both = of(calls, comparisons=(first, first.replace(name="more", horizon_h=6.0)))
    kept, added = shown_comparisons(both, entries)
    assert kept.standing == "pre-specified: declared before the first frame"
    assert added.standing == "post hoc: not declared so before the first frame"


def test_another_treatment_of_the_compared_wells_is_post_hoc(calls, entries):
    doses = [i.model_dump() | ({"dose": 60.0} if i.dose else {}) for i in calls.study.interventions]
    (first,) = calls.study.comparisons
    other = of(
        calls, interventions=doses, comparisons=(first.replace(treated=("glutamate 60 uM",)),)
    )
    assert shown_comparisons(other, entries)[0].standing.startswith("post hoc")


def test_of_a_recording_it_is_said_that_its_frames_came_first(calls, entries):
    by_recording = [
        entry | ({"by": "recording"} if "declared" in entry else {}) for entry in entries
    ]
    standing = shown_comparisons(calls, by_recording)[0].standing
    assert "before the recording was first scored, after its frames were taken" in standing


def test_a_journal_that_does_not_say_leaves_it_open(calls):
    assert "does not say since when" in shown_comparisons(calls, [])[0].standing


# One comparison that cannot be computed leaves the others


def test_a_fault_in_one_comparison_is_said_in_its_place(calls, entries, monkeypatch):
    (first,) = calls.study.comparisons
    both = of(calls, comparisons=(first, first.replace(name="faulty", horizon_h=6.0)))
    right = declared.compare

    def faulty(table, control, **asked):
        if asked.get("horizon_h") == 6.0:
            raise ZeroDivisionError("float division by zero")
        return right(table, control, **asked)

    monkeypatch.setattr(declared, "compare", faulty)
    kept, broken = shown_comparisons(both, entries)
    assert kept.results
    assert kept.refused == ""
    assert broken.results == ()
    assert "could not be computed (ZeroDivisionError: float division by zero)" in broken.refused


def test_an_arm_without_neurons_is_said_in_its_place(calls, entries):
    empty = replace(calls, calls=calls.calls.filter(~pl.col("well").is_in(["C2", "C3"])))
    (shown,) = shown_comparisons(empty, entries)
    assert "No neuron was followed in glutamate 50 uM" in shown.refused


CROSSED = """
[[entities]]
id = "m1"
kind = "animal"
genotype = "5xFAD"
wells = ["B2", "C2", "D2"]
[[entities]]
id = "m2"
kind = "animal"
genotype = "wild type"
wells = ["B3", "C3", "D3"]
[[comparisons]]
factor = "genotype"
control = "wild type"
unit = "animal"
[[comparisons]]
control = "vehicle + wild type"
treated = ["glutamate 50 uM + wild type"]
"""


def test_a_report_is_made_where_the_first_units_lie_in_several_arms(tmp_path):
    made = make_study(tmp_path / "s", images=False, compared=False, extra=CROSSED)
    page = report(made.path)["report"].read_text(encoding="utf-8")
    assert "wild type" in page
    by_genotype, by_arm = shown_comparisons(read_calls(made, made.run()), made.journal.read())
    (one,) = by_genotype.results
    assert one.n_units == {"wild type": 1, "5xFAD": 1}
    assert "neurons of one unit are not independent" in one.refused
    assert by_arm.results


# Populations that live side by side

SIDE_BY_SIDE = """
[[populations]]
name = "mutant"
marker = "RFP"
[[populations]]
name = "wild type"
marker = "RFP"
gate = "negative"
[[comparisons]]
factor = "population"
control = "wild type"
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Calls of six wells with two populations in each, of which the mutant dies twice as fast."""
    made = make_study(
        tmp_path_factory.mktemp("mixed") / "s", images=False, compared=False, extra=SIDE_BY_SIDE
    )
    found = read_calls(made, made.run())
    numbers = found.calls["neuron_id"].to_numpy()
    return replace(
        found,
        calls=found.calls.with_columns(
            population=pl.Series(np.where(numbers % 2 == 0, "mutant", "wild type"))
        ),
    )


def test_populations_are_paired_within_their_wells(mixed):
    (shown,) = shown_comparisons(mixed, [])
    (one,) = shown.results
    assert shown.refused == ""
    assert shown.details.startswith("unit: well; within each well")
    assert (one.control, one.group) == ("wild type", "mutant")
    assert one.n_units == {"wild type": 6, "mutant": 6}
    assert one.n_blocks == 6
    assert "5 degrees of freedom" in one.method


def test_a_declared_block_pairs_populations_coarser(mixed):
    (first,) = mixed.study.comparisons
    by_plate = of(mixed, comparisons=(first.replace(block="vessel"),))
    (shown,) = shown_comparisons(by_plate, [])
    assert shown.results[0].n_blocks == 1
    assert "1 of 1 blocks hold units of both" in shown.results[0].refused


def test_neurons_of_no_population_stay_out_unless_they_are_named(mixed):
    some = mixed.calls.with_columns(
        population=pl.when(pl.col("neuron_id") % 3 == 0).then(pl.lit("all")).otherwise("population")
    )
    (shown,) = shown_comparisons(replace(mixed, calls=some), [])
    assert [one.group for one in shown.results] == ["mutant"]
    (first,) = mixed.study.comparisons
    named = of(replace(mixed, calls=some), comparisons=(first.replace(treated=("all",)),))
    assert [one.group for one in shown_comparisons(named, [])[0].results] == ["all"]


def test_the_genotype_joined_to_the_calls_is_that_of_the_declaration(tmp_path):
    made = make_study(tmp_path / "s", images=False, compared=False, extra=CROSSED)
    joined = read_calls(made, made.run()).calls
    said = dict(joined.select("well", "genotype").unique().iter_rows())
    assert said["B2"] == "5xFAD"
    assert said["D3"] == "wild type"
    assert isinstance(made.study, Study)
