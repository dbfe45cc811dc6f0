"""Whether a comparison is the same as before, and what was changed, in words."""

import pytest

from declarations import BASES
from livedeath.model.prespecified import changes, compared_places, treated_groups
from livedeath.model.study import Study


def study(name="plate", *pairs, add=""):
    text = BASES[name]
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return Study.from_toml(text + add)


SAME = [
    pytest.param('title = "Glutamate against vehicle"', 'title = "Another"', id="title"),
    pytest.param('name = "glutamate"', 'name = "toxin"', id="name-of-comparison"),
    pytest.param("exposure_ms = 75", "exposure_ms = 80", id="exposure"),
    pytest.param('unit = "uM"', 'unit = "uM"\nlot = "L2"', id="lot"),
    pytest.param("at_h = 84.0", "at_h = 80.0", id="end-kill"),
    pytest.param('wells = ["C2:C7"]', 'wells = ["C7:C4", "C2:C3"]', id="wells-written-otherwise"),
    pytest.param('wells = ["C2:C7"]', 'wells = ["C2:C7"]\nactual_start_h = 1.0', id="real-hour"),
    pytest.param('control = "vehicle"', 'control = "vehicle"\ntreated = ["glutamate 10 uM"]',
                 id="treated-named"),
    pytest.param('unit = "uM"', 'unit = "µM"', id="micro-sign"),
]  # fmt: skip

OTHER = [
    pytest.param("dose = 10", "dose = 20", id="dose"),
    pytest.param('compound = "glutamate"', 'compound = "kainate"', id="compound"),
    pytest.param('block = "animal"', "", id="block"),
    pytest.param('block = "animal"', 'block = "animal"\nhorizon_h = 48', id="horizon"),
    pytest.param('block = "animal"', 'block = "animal"\ncovariates = ["RFP"]', id="covariates"),
    pytest.param('block = "animal"', 'block = "animal"\norigin = "glutamate 10 uM"', id="origin"),
    pytest.param('wells = ["C2:C7"]', 'wells = ["C2:C6"]', id="a-well-less"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), SAME)
def test_a_correction_leaves_the_comparison_what_it_was(old, new):
    before, after = study(), study("plate", old, new)
    assert after.comparisons_fingerprint == before.comparisons_fingerprint
    if after != before:
        assert changes(before, after)


@pytest.mark.parametrize(("old", "new"), OTHER)
def test_another_arm_unit_block_or_origin_is_another_comparison(old, new):
    assert study("plate", old, new).comparisons_fingerprint != study().comparisons_fingerprint


def test_an_animal_with_other_wells_is_another_comparison():
    swapped = study(
        "plate", '"B2:B4", "C2:C4"', '"B2:B3", "C2:C4"', '"B5:B7", "C5:C7"', '"B4:B7", "C5:C7"'
    )
    assert swapped.comparisons_fingerprint != study().comparisons_fingerprint


def test_a_planned_hour_is_a_choice_and_an_actual_one_a_fact():
    origin = ('block = "animal"', 'block = "animal"\norigin = "glutamate 10 uM"')
    drug = 'wells = ["C2:C7"]'
    start = study("plate", *origin, drug, f"{drug}\nstart_h = 26.0")
    moved = study("plate", *origin, drug, f"{drug}\nstart_h = 30.0")
    real = study("plate", *origin, drug, f"{drug}\nstart_h = 26.0\nactual_start_h = 26.3")
    assert moved.comparisons_fingerprint != start.comparisons_fingerprint
    assert real.comparisons_fingerprint == start.comparisons_fingerprint


def test_a_gate_is_part_of_a_comparison_of_populations():
    other = study("mixed", 'gate = "positive"\nwells = ["B2:C4"]', 'gate = "positive"')
    assert other.comparisons_fingerprint != study("mixed").comparisons_fingerprint


def test_comparisons_are_told_apart_one_by_one():
    second = '\n[[comparisons]]\nname = "by well"\ncontrol = "vehicle"\n'
    both, one = study(add=second), study()
    assert one.comparison_fingerprints[0] in both.comparison_fingerprints
    assert len(set(both.comparison_fingerprints)) == 2
    assert both.comparisons_fingerprint != one.comparisons_fingerprint


def test_populations_are_compared_in_every_well_that_may_hold_them():
    mixed = study("mixed")
    (one,) = mixed.comparisons
    assert treated_groups(mixed, one) == ("mutant",)
    assert set(compared_places(mixed, one).values()) == {("mutant", "wild type")}


def test_what_changed_is_said_with_the_key_and_both_values():
    after = study("plate", "at_h = 84.0", "at_h = 80.0", "dose = 10", "dose = 20")
    assert changes(study(), after) == [
        "interventions[1] ('glutamate').dose: 10.0 became 20.0",
        "end_kill.at_h: 84.0 became 80.0",
    ]


def test_what_was_added_or_taken_out_does_not_touch_the_rest():
    first = '[[interventions]]\nkind = "vehicle"'
    more = '[[interventions]]\nkind = "medium_change"\nwells = ["all"]\nstart_h = 48.0\n\n'
    put_in = study("plate", first, more + first)
    assert changes(study(), put_in) == [
        "interventions: kind 'medium_change', wells ['all'], start_h 48.0 was added"
    ]
    assert changes(put_in, study()) == [
        "interventions: kind 'medium_change', wells ['all'], start_h 48.0 was taken out"
    ]


def test_a_table_is_known_by_its_name_where_it_has_one():
    moved = study("plate", 'id = "rat2"', 'id = "rat2"\nsex = "female"')
    assert changes(study(), moved) == ["entities[1] ('rat2').sex: 'female' was added"]


def test_nothing_changed_is_nothing_said():
    assert changes(study(), study()) == []
