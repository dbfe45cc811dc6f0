"""What is allowed and still said."""

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
