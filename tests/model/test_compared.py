"""What is said of a unit or block that cannot be is the right thing to do, and is accepted."""

import re

import pytest

from declarations import GENOTYPES, PLATE, RAT1, RAT2, TWO, plate, swap, with_dams
from livedeath.errors import StudyError
from livedeath.model.study import Study

DRUG_ON_HALF = swap(
    GENOTYPES,
    '[[interventions]]\nkind = "vehicle"\nwells = ["B2:C7"]\n',
    '[[interventions]]\nkind = "vehicle"\nwells = ["B2", "B4", "B6", "C2", "C4", "C6"]\n\n'
    '[[interventions]]\nkind = "compound"\ncompound = "drug"\ndose = 1\nunit = "uM"\n'
    'wells = ["B3", "B5", "B7", "C3", "C5", "C7"]\n',
    'factor = "genotype"\ncontrol = "wild type"\ntreated = ["5xFAD"]\n',
    'control = "vehicle + wild type"\n',
)


def entity(name, kind, wells, *, parent="", vessel=""):
    """Return one more entity."""
    keys = {"id": name, "kind": kind, "parent": parent, "vessel": vessel}
    said = [f'{key} = "{value}"' for key, value in keys.items() if value]
    listed = ", ".join(f'"{well}"' for well in wells)
    return "\n".join(["", "[[entities]]", *said, f"wells = [{listed}]", ""])


SLICES = plate(
    'unit = "well"\nblock = "animal"',
    'unit = "animal"',
    RAT1,
    "wells = []",
    RAT2,
    "wells = []",
    add=entity("s1", "slice", ["B2:B4"], parent="rat1")
    + entity("s2", "slice", ["C2:C4"], parent="rat1")
    + entity("s3", "slice", ["B5:B7"], parent="rat2")
    + entity("s4", "slice", ["C5:C7"], parent="rat2"),
)
"""Each rat gave two slices, and each slice, of three wells, was treated as a whole."""

TREATED_RATS = TWO.replace('unit = "well"\nblock = "vessel"', 'unit = "vessel"') + "".join(
    entity(f"r{vessel}{row}", "animal", [f"{row}2:{row}4"], vessel=vessel)
    for vessel in ("p1", "p2")
    for row in "BC"
)
"""Each rat is of one arm, and each of the two plates holds a rat of either."""

PLATES = swap(GENOTYPES, 'unit = "animal"', 'unit = "vessel"')
LITTERS = with_dams(("dam1", "dam1", "dam2", "dam1", "dam2", "dam2"))
LONELY = with_dams(("dam1", "dam1", "dam2", "dam1", "dam1", "dam1"))
"""The second dam has pups of one genotype only."""

OWN_PLATES = swap(
    GENOTYPES,
    'id = "plate1"\nwells = ["B2:C7"]\norigin_um = [14380.0, 11240.0]\n',
    'id = "p1"\nwells = ["B2:B7"]\n\n[[vessels]]\nid = "p2"\nwells = ["C2:C7"]\n',
    'kind = "vehicle"\nwells = ["B2:C7"]',
    'kind = "vehicle"\nwells = ["all"]',
    'unit = "animal"',
    'unit = "animal"\nblock = "vessel"',
)
OWNERS = {"m1": "p1", "m2": "p1", "m3": "p1", "m4": "p2", "m5": "p2", "m6": "p2"}
for _name, _vessel in OWNERS.items():
    OWN_PLATES = swap(OWN_PLATES, f'id = "{_name}"', f'id = "{_name}"\nvessel = "{_vessel}"')
"""The animals of either genotype have a plate of their own."""

WHOLE_RATS = plate(RAT1, 'wells = ["B2:B4"]', RAT2, 'wells = ["B5:B7"]') + (
    entity("rat3", "animal", ["C2:C4"]) + entity("rat4", "animal", ["C5:C7"])
)
"""Each rat is of one arm."""

ADVISED = [
    pytest.param(LITTERS, "unit = 'animal' with block = 'dam'", id="pups of two genotypes"),
    pytest.param(LONELY, "unit = 'animal'", id="a dam with pups of one genotype"),
    pytest.param(PLATES, "unit = 'animal'", id="both genotypes on the only plate"),
    pytest.param(
        swap(
            LITTERS,
            'factor = "genotype"\ncontrol = "wild type"\ntreated = ["5xFAD"]',
            'control = "vehicle + wild type"',
        ),
        "unit = 'animal' with block = 'dam'",
        id="arms that differ by genotype",
    ),
    pytest.param(
        plate('unit = "well"\nblock = "animal"', 'unit = "animal"'),
        "unit = 'well' with block = 'animal'",
        id="wells were treated",
    ),
    pytest.param(SLICES, "unit = 'slice' with block = 'animal'", id="slices were treated"),
    pytest.param(TREATED_RATS, "unit = 'animal' with block = 'vessel'", id="animals were treated"),
    pytest.param(WHOLE_RATS, "unit = 'animal' and leave block out", id="a block of one arm"),
    pytest.param(OWN_PLATES, "leave block out", id="a plate of one genotype"),
]


def refusal(text):
    with pytest.raises(StudyError) as refused:
        Study.from_toml(text)
    return str(refused.value).removesuffix(".")


def following(text, said):
    """Do what a refusal says: write the unit and the block, or leave the block out."""
    block = re.search(r"block = '(\w+)'$", said)
    unit = re.search(r"write unit = '(\w+)'", said)
    head, at, comparison = text.partition("[[comparisons]]")
    comparison = re.sub(r'block = "\w+"\n', "", comparison)
    if unit:
        comparison = re.sub(r'unit = "\w+"', f'unit = "{unit[1]}"', comparison, count=1)
    if block:
        comparison = comparison.replace("control", f'block = "{block[1]}"\ncontrol', 1)
    return head + at + comparison


@pytest.mark.parametrize(("text", "advice"), ADVISED)
def test_the_unit_that_is_offered_is_what_the_groups_were_given_to(text, advice):
    said = refusal(text)
    assert said.endswith(advice)
    study = Study.from_toml(following(text, said))
    assert study.comparisons[0].unit in advice or "unit" not in advice


def test_wells_of_one_animal_are_never_offered_for_its_genotype():
    said = [refusal(text) for text in (LITTERS, LONELY, PLATES, OWN_PLATES)]
    assert not [one for one in said if "'well'" in one]


def test_genotypes_and_treatments_are_compared_one_at_a_time():
    assert refusal(DRUG_ON_HALF).endswith(
        "compare the arms of one genotype at a time: name those with treated"
    )


def test_a_block_that_lacks_an_arm_is_completed_or_its_wells_taken_out():
    text = plate(RAT2, 'wells = ["B5:B6", "C5:C7"]') + entity("rat3", "animal", ["B7"])
    assert "'rat3' holds only 'vehicle'" in refusal(text)
    assert "an arm of their own" in refusal(text)
    assert "leave block out" not in refusal(text)


def test_pooled_animals_are_declared_as_what_they_became():
    said = refusal(PLATE.replace(RAT2, 'wells = ["B4:B7", "C5:C7"]'))
    assert said.endswith(
        "declare what was pooled as an entity of its own, like a culture, and "
        "write block = 'culture'"
    )
