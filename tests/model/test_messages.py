"""How a fault is said: which item of a list, which name was meant, and what to do instead."""

import pytest

from declarations import (
    BLOCK,
    CONTROL,
    DRUG,
    GEDI,
    MIXED,
    PLATE,
    UNIT_UM,
    VEHICLE,
    plate,
    swap,
)
from livedeath.errors import StudyError
from livedeath.model.base import nearest, numbered
from livedeath.model.rounds import channels_in
from livedeath.model.study import Study

EXCLUDED = '\n[[exclusions]]\nwells = ["B2"]\nwhy = "bubble"\nfrom_h = {}\n'


def refusal(text):
    with pytest.raises(StudyError) as refused:
        Study.from_toml(text)
    return str(refused.value)


def ends(text):
    """Return what a refusal says after the first semicolon."""
    return refusal(text).partition("; ")[2]


# ---------------------------------------------------------------- items of lists


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (plate(BLOCK, 'block = "cage"'), "comparisons[0] ('glutamate').block"),
        (
            plate('name = "glutamate"\n', "", BLOCK, 'block = "cage"'),
            "comparisons[0] (the first).block",
        ),
        (plate(add=EXCLUDED.format(300)), "exclusions[0] (the first).from_h"),
        (plate("exposure_ms = 70", "exposure_ms = 0"), "channels[1] ('GEDI').exposure_ms"),
        (plate(VEHICLE, "wells = [2]"), "interventions[0] (the first).wells[0] (the first)"),
        (plate(DRUG, "wells = [2]"), "interventions[1] ('glutamate').wells[0] (the first)"),
        (plate(DRUG, DRUG + "\nstarted_h = 1"), "interventions[1] ('glutamate'): unknown key"),
    ],
)
def test_an_item_is_named_where_lists_count_from_zero(text, place):
    assert place in refusal(text)


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "first"), (2, "third"), (9, "tenth"), (10, "11th"), (20, "21st"), (110, "111th")],
)
def test_positions_are_said_as_people_count(number, said):
    assert numbered("wells", number) == f"wells[{number}] (the {said})"
    assert numbered("wells", number, "B2") == f"wells[{number}] ('B2')"


# ---------------------------------------------------------------- names that are near


@pytest.mark.parametrize(
    ("given", "known", "meant"),
    [
        ("glutamate 100 uM", "glutamate 10 uM", ""),
        ("glutamate 1.5 uM", "glutamate 15 uM", ""),
        ("6xFAD", "5xFAD", ""),
        ("glutamate uM", "glutamate 10 uM", ""),
        ("glutamate 10uM", "glutamate 10 uM", "glutamate 10 uM"),
        ("glutamte 0,5 uM", "glutamate 0.5 uM", "glutamate 0.5 uM"),
        ("glutamate 10.0 uM", "glutamate 10 uM", "glutamate 10 uM"),
        ("5xFDA", "5xFAD", "5xFAD"),
        ("8ca2a80", "8ca2a8", "8ca2a8"),
    ],
)
def test_another_amount_is_never_what_was_meant(given, known, meant):
    assert nearest(given, [known]) == meant


def test_of_two_doses_the_one_that_was_written_is_offered():
    doses = ["glutamate 1 uM", "glutamate 10 uM", "glutamate 100 uM"]
    assert nearest("glutamat 100 uM", doses) == "glutamate 100 uM"
    said = refusal(plate(CONTROL, CONTROL + '\ntreated = ["glutamate 100 uM"]'))
    assert "perhaps" not in said
    assert "known are 'vehicle', 'glutamate 10 uM'" in said


@pytest.mark.parametrize(
    ("said", "unit"),
    [
        ("mikroM", "uM"),
        ("micromolar", "uM"),
        ("Mikromol", "uM"),
        ("nanomolar", "nM"),
        ("millimol", "mM"),
        ("microgram/mL", None),
        ("percent", "accepted"),
        ("furlong", None),
    ],
)
def test_a_unit_in_words_is_recognised(said, unit):
    text = plate(UNIT_UM, f'unit = "{said}"')
    if unit == "accepted":
        assert Study.from_toml(text).interventions[1].unit == "%"
    else:
        assert ("perhaps" in refusal(text)) == (unit is not None)
        assert unit is None or f"perhaps {unit!r} is meant" in refusal(text)


# ---------------------------------------------------------------- what to do instead


@pytest.mark.parametrize(
    ("name", "ours"),
    [("GFP/RFP", "GFP_RFP"), ("Ex:488", "Ex_488"), ("GFP.", "GFP"), ("aux", "GFP"), ("?", "_")],
)
def test_a_microscopes_own_name_belongs_into_preset(name, ours):
    said = ends(plate(GEDI, f'name = "{name}"'))
    assert f"write name = {ours!r}, and as preset the microscope's own name" in said
    works = plate(GEDI, f'name = "{ours}"\npreset = "{name}"')
    assert Study.from_toml(works).channel(ours).preset_name == name


def test_an_exclusion_has_no_end():
    said = refusal(plate(add=EXCLUDED.format(24) + "to_h = 12\n"))
    assert "exclusions[0] (the first): unknown key 'to_h'; an exclusion has no end" in said
    assert "windows" not in said


@pytest.mark.parametrize("key", ["vessel", "channel", "channels"])
def test_optics_change_for_the_whole_microscope(key):
    change = f'\n[[optics.changes]]\nat_h = 48\npixel_size_um = 0.3\n{key} = "x"\n'
    said = refusal(plate(add=change))
    assert f"unknown key {key!r}; a change of optics is one of the whole microscope" in said
    assert "belongs in" not in said


@pytest.mark.parametrize(
    ("shape", "like"),
    [("[2, 1024, 512]", "[1024, 512]"), ("[1024]", "[2048, 2048]"), ("[]", "[2048, 2048]")],
)
def test_a_frame_has_rows_and_columns(shape, like):
    said = refusal(PLATE.replace("[1024, 1024]", shape))
    assert said == (
        f"study.toml: optics.image_shape_px: {shape} is no frame; write its rows and columns only, "
        f"like {like}."
    )


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ('{"title": "x"}', 'title = "x"'),
        ('{\n  "interval_h": 0.5\n}', "interval_h = 2.0"),
        ('{"vessels": [{"id": "p1"}]}', "interval_h = 2.0"),
    ],
)
def test_json_is_recognised(text, like):
    assert refusal(text).endswith(
        f"this is JSON; write each key on a line of its own without braces, like {like}."
    )


# ---------------------------------------------------------------- vessels of two formats

DISH = '[[vessels]]\nid = "dish"\nformat = "dish"\norigin_um = [1.0, 1.0]\nwells = ["A1"]\n\n'
MUTANT = '[[populations]]\nname = "mutant"'
TWO_FORMATS = swap(MIXED, MUTANT, DISH + MUTANT)


def test_a_channels_wells_may_exist_in_one_vessel_only():
    study = Study.from_toml(TWO_FORMATS)
    assert [v.format for v in study.vessels] == ["96-well", "dish"]
    held = study.groups("population")
    assert held["plate1", "B2"] == ("mutant", "wild type")
    assert held["dish", "A1"] == ("wild type",)
    taken = [[c.name for c in channels_in(study, v, study.wells(v.id)[0])] for v in study.vessels]
    assert taken == [["RFP", "GEDI", "BFP"], ["RFP", "GEDI"]]


def test_a_channels_wells_that_no_vessel_has_are_refused():
    text = TWO_FORMATS.replace('every = 12\nwells = ["B2:C4"]', 'every = 12\nwells = ["Z9"]')
    assert "Z" in refusal(text)
    outside = TWO_FORMATS.replace('every = 12\nwells = ["B2:C4"]', 'every = 12\nwells = ["B13"]')
    assert refusal(outside).endswith("name wells that one of the vessels has.")


def test_an_interventions_wells_must_exist_in_each_vessel_that_is_meant():
    done = '\n[[interventions]]\nkind = "vehicle"\nwells = ["B2:C4"]\n'
    assert refusal(TWO_FORMATS + done).endswith("say with vessel which one is meant.")
    Study.from_toml(TWO_FORMATS + done + 'vessel = "plate1"\n')
