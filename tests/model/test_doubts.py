"""What is allowed and still said."""

from dataclasses import replace

from declarations import BASES, GENOTYPES
from livedeath.model.doubts import disk_doubt, doubts
from livedeath.model.dry_run import dry_run
from livedeath.model.study import Study


def study(old="", new=""):
    return Study.from_toml(BASES["plate"].replace(old, new))


def test_a_plan_larger_than_the_free_disk_is_said_with_both_sizes():
    cost = dry_run(study())
    assert 2.4 < cost.gigabytes < 2.5
    said = disk_doubt(cost, 2.0, 1.0)
    assert "2.5 GB" in said
    assert "2.0 GB are free" in said


def test_what_must_stay_free_counts():
    cost = dry_run(study())
    assert disk_doubt(cost, 3.0, 1.0)
    assert disk_doubt(cost, 3.0, 0.5) == ""


def test_more_false_deaths_than_deaths_are_said():
    loose = study("[schedule]", "[analysis]\nfalse_alarms_per_1000_neuron_days = 100\n[schedule]")
    assert any("may be false" in said for said in doubts(loose, dry_run(loose)))
    assert doubts(study(), dry_run(study())) == []


def test_genotypes_compared_by_the_wells_of_one_animal_are_doubted():
    by_well = Study.from_toml(GENOTYPES.replace('unit = "animal"', 'unit = "well"'))
    (said,) = [one for one in doubts(by_well, dry_run(by_well)) if "independent" in one]
    assert "2 wells are of one animal ('m1')" in said
    assert "write unit = 'animal'" in said
    by_animal = Study.from_toml(GENOTYPES)
    assert not [one for one in doubts(by_animal, dry_run(by_animal)) if "independent" in one]


def test_more_than_a_tenth_is_doubted_and_a_tenth_is_not():
    cost = dry_run(study())
    for false, is_said in ((10.0, False), (10.1, True)):
        some = replace(cost, expected_deaths=100.0, expected_false_deaths=false)
        assert any("may be false" in said for said in doubts(study(), some)) is is_said


ANIMALS = """
title = "two wells of each animal"
vessels = [{ id = "p1", wells = ["B2:B4", "C2:C4"] }]
channels = [{ name = "RFP", role = "fill", exposure_ms = 50 }]
optics = { pixel_size_um = 0.65 }
schedule = { interval_h = 1, duration_h = 3 }
entities = [
  { id = "m1", kind = "animal", wells = ["B2", "B3"] },
  { id = "m2", kind = "animal", wells = ["B4"] },
  { id = "m3", kind = "animal", wells = ["C2:C4"] },
]
interventions = [
  { kind = "vehicle", wells = ["B2:B4"] },
  { kind = "compound", compound = "x", dose = 1, unit = "uM", wells = ["C2:C4"] },
]
comparisons = [{ control = "vehicle", unit = "animal", endpoint = "loss_of_fill" }]
"""


def test_an_arm_of_one_animal_has_one_unit_however_many_wells():
    one = Study.from_toml(ANIMALS)
    (said,) = [said for said in doubts(one, dry_run(one)) if "fewer than two units" in said]
    assert "x 1 uM" in said
    assert "vehicle" not in said
