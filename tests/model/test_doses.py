"""Units of doses and their one spelling."""

import re

import pytest

from livedeath.errors import StudyError
from livedeath.model.base import validate
from livedeath.model.comparison import EndKill
from livedeath.model.doses import UNITS, plain_micro, unit_named


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_is_read_as_itself(unit):
    assert unit_named(unit) == unit
    assert all(unit_named(other) == unit for other in UNITS[unit])


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("µM", "uM"),
        ("μM", "uM"),
        (" uM ", "uM"),
        ("µmol/L", "uM"),
        ("nmol/l", "nM"),
        ("ug/ml", "ug/mL"),
        ("µg/mL", "ug/mL"),
        ("µl", "uL"),
        ("u/mL", None),
        ("J/cm²", "J/cm2"),
        ("°C", "degC"),
        ("MM", None),
        ("mm", None),
        ("", None),
        ("10 uM", None),
    ],
)
def test_spellings_of_one_unit_are_one(said, meant):
    if meant is None:
        with pytest.raises(StudyError, match="is no unit of a dose"):
            unit_named(said)
    else:
        assert unit_named(said) == meant


def test_an_unknown_unit_names_the_nearest_and_a_way_out():
    with pytest.raises(StudyError, match=re.escape("perhaps 'uM' is meant")):
        unit_named("uMol")
    with pytest.raises(StudyError, match=r"'uMol'.*name the arm"):
        validate(EndKill, {"at_h": 2.0, "dose": 1.0, "unit": "uMol"}, where="x")


def test_only_the_micro_of_a_unit_becomes_a_letter():
    assert plain_micro("drug 10 µM") == plain_micro("drug 10 μM") == "drug 10 uM"
    assert plain_micro("µ-opioid agonist") == "µ-opioid agonist"


def test_no_spelling_stands_for_two_units():
    spelled = [other for unit, others in UNITS.items() for other in (unit, *others)]
    assert len(spelled) == len(set(spelled))
