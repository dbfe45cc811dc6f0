"""What follows from a declaration: arms, genotypes, units."""

from declarations import BASES
from livedeath.model.study import Study


def study(name, *pairs, add=""):
    text = BASES[name]
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new)
    return Study.from_toml(text + add)


B2, C2 = ("plate1", "B2"), ("plate1", "C2")

DAM = '\n[[entities]]\nid = "dam"\nkind = "dam"\ngenotype = "5xFAD/+"\n'


def test_the_genotype_of_a_well_is_that_of_its_nearest_ancestor():
    born = study("genotypes", 'kind = "animal"', 'kind = "animal"\nparent = "dam"', add=DAM)
    assert (born.genotypes()[B2], born.genotypes()[C2]) == ("wild type", "5xFAD")
    assert born.arms()[B2] == "vehicle + wild type"


def test_a_dam_alone_gives_her_genotype_and_makes_no_arms_differ():
    born = study("plate", 'kind = "animal"', 'kind = "animal"\nparent = "dam"', add=DAM)
    assert set(born.genotypes().values()) == {"5xFAD/+"}
    assert set(born.arms().values()) == {"vehicle", "glutamate 10 uM"}


def test_two_genotypes_in_one_well_are_joined():
    mixed = study("mixed", add='\n[[entities]]\nid = "a"\nkind = "animal"\ngenotype = "wt"\n'
                  'wells = ["B2"]\n\n[[entities]]\nid = "b"\nkind = "animal"\ngenotype = "ko"\n'
                  'wells = ["B2"]\n')  # fmt: skip
    assert mixed.genotypes()[B2] == "ko + wt"
    assert mixed.members("animal")[B2] == ("a", "b")


def test_of_two_kin_of_one_kind_the_nearest_counts():
    lines = study(
        "plate", 'kind = "animal"', 'kind = "line"\nparent = "old"', 'block = "animal"',
        'block = "line"', add='\n[[entities]]\nid = "old"\nkind = "line"\n',
    )  # fmt: skip
    assert lines.members("line")[B2] == ("rat1",)


def test_arms_are_counted_by_a_unit_that_lies_in_one_of_them():
    crossed = study(
        "genotypes", 'wells = ["B2:C7"]\n\n[end_kill]', 'wells = ["B2:B7", "C3", "C5", "C7"]\n\n'
        '[[interventions]]\nkind = "compound"\ncompound = "drug"\nwells = ["C2", "C4", "C6"]\n\n'
        "[end_kill]",
    )  # fmt: skip
    assert study("genotypes").arm_unit == "animal"
    assert crossed.arm_unit == "well"
    assert crossed.units()[C2] == "C2"


def test_without_comparisons_arms_are_counted_by_the_well():
    text = BASES["plate"].partition("[[comparisons]]")[0]
    assert Study.from_toml(text).arm_unit == "well"
