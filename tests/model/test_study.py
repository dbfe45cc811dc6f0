"""What a study may say, and what it is refused for."""

import re

import pytest

from livedeath import templates
from livedeath.errors import StoreError, StudyError
from livedeath.model.study import Study

PLATE = templates.text("plate")


@pytest.mark.parametrize("name", templates.names())
def test_every_template_is_read_and_written_back_the_same(name):
    study = Study.from_toml(templates.text(name))
    again = Study.from_toml(study.to_toml())
    assert again == study
    assert again.fingerprint == study.fingerprint


def test_the_simple_case_stays_under_forty_lines():
    assert len(PLATE.splitlines()) < 40


def test_the_fingerprint_hears_every_change():
    study = Study.from_toml(PLATE)
    assert study.replace(title="Another").fingerprint != study.fingerprint


FAULTS = [
    pytest.param("pixel_size_um", "pixel_sise_um", "'pixel_size_um'", id="unknown-key"),
    pytest.param('role = "fill"', 'role = "fil"', "role is 'fil'", id="unknown-role"),
    pytest.param('["B2:B7"]', '["B2:B13"]', "B13 is outside", id="well-outside-plate"),
    pytest.param('["C2:C7"]', "[]", "has no wells", id="arm-without-wells"),
    pytest.param("exposure_ms = 75", "exposure_ms = -5", "exposure_ms is -5", id="exposure"),
    pytest.param("= 0.65", "= -1", "pixel_size_um is -1", id="pixel-size"),
    pytest.param("= 0.65", "= nan", "pixel_size_um is nan", id="pixel-size-nan"),
    pytest.param('unit = "uM"', 'unit = ""', "without unit", id="dose-without-unit"),
    pytest.param('control = "vehicle"', 'control = "DMSO"', "'DMSO'", id="control-without-wells"),
    pytest.param('name = "GEDI"', 'name = "RFP"', "'RFP'", id="channel-twice"),
    pytest.param("interval_h = 2.0", "", "interval_h", id="no-interval"),
    pytest.param('title = "Drug', 'title = Drug"', "not valid TOML", id="no-toml"),
    pytest.param("[[vessels]]", "schema_version = 7\n[[vessels]]", "is 7", id="other-schema"),
    pytest.param('format = "96-well"', 'format = "97-well"', "97-well", id="unknown-plate"),
    pytest.param(
        'format = "96-well"', 'wells = ["A1"]', "never visited", id="arm-outside-visited-wells"
    ),
]


@pytest.mark.parametrize(("right", "wrong", "said"), FAULTS)
def test_a_fault_is_refused_in_one_sentence_that_names_it(right, wrong, said):
    assert right in PLATE
    with pytest.raises(StudyError, match=r"^study\.toml: ") as caught:
        Study.from_toml(PLATE.replace(right, wrong, 1))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_fault_is_not_told_as_two():
    with pytest.raises(StudyError) as caught:
        Study.from_toml(PLATE.replace("exposure_ms = 75", "exposure_ms = -5", 1))
    assert not re.search(r"\(and \d+ more\)", str(caught.value))


def test_of_two_faults_the_first_is_told_and_the_other_counted():
    with pytest.raises(StudyError, match=r"exposure_ms is -5.* \(and 1 more\)\.$"):
        Study.from_toml(PLATE.replace("exposure_ms = 75", "exposure_ms = -5"))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "study.toml"
    path.write_bytes("title = 'Kälte'".encode("latin-1"))
    with pytest.raises(StoreError, match="not UTF-8 text"):
        Study.from_file(path)


def test_the_template_without_a_fault_is_accepted():
    assert Study.from_toml(PLATE).title == "Drug against vehicle"


def test_a_missing_file_says_how_to_start_one(tmp_path):
    with pytest.raises(StoreError, match="livedeath new"):
        Study.from_file(tmp_path / "study.toml")


def test_dyes_are_scored_beside_what_is_sensed():
    text = templates.text("dye-beside-indicator")
    assert {name: c.name for name, c in Study.from_toml(text).further.items()} == {"dye": "DRAQ7"}
    more = '[[channels]]\nname = "{}"\nrole = "{}"\nexposure_ms = 75\n\n'
    dyes = "".join(more.format(name, "dye") for name in ("dye", "PI", "SYTOX"))
    study = Study.from_toml(text.replace("[schedule]", dyes + "[schedule]"))
    told = {name: channel.name for name, channel in study.further.items()}
    assert told == {"dye": "dye", "dye_2": "DRAQ7", "dye_3": "PI"}
    alone = text.split("[[comparisons]]")[0].replace('role = "indicator"', 'role = "marker"')
    assert (study.endpoint, Study.from_toml(alone).endpoint) == ("indicator_rise", "loss_of_fill")
    assert list(Study.from_toml(alone).further) == ["dye"]
    assert Study.from_toml(PLATE).further == {}
    for name, role in (("dye_2", "marker"), ("shape", "dye")):
        taken = text.replace("[schedule]", more.format(name, role) + "[schedule]")
        with pytest.raises(StudyError, match=f"{name}', which a table of traces holds another"):
            Study.from_toml(taken)


def test_arms_come_from_interventions():
    arms = Study.from_toml(PLATE).arms()
    assert arms[("plate1", "B3")] == "vehicle"
    assert arms[("plate1", "C3")] == "drug 10 uM"


def test_genotypes_that_differ_make_arms():
    arms = Study.from_toml(templates.text("in-vivo-window")).arms()
    assert arms == {("mouse1", "A1"): "5xFAD", ("mouse2", "A1"): "wild type"}


def test_a_medium_change_makes_no_arm():
    study = Study.from_toml(templates.text("medium-change"))
    assert set(study.arms().values()) == {"vehicle", "drug 10 uM"}


def test_the_unit_is_found_up_the_tree_of_parents():
    study = Study.from_toml(templates.text("two-animals-one-litter"))
    assert set(study.units("animal").values()) == {"pup1", "pup2"}
    assert set(study.units("dam").values()) == {"dam1"}
    assert study.units("well")[("plate1", "B2")] == "B2"


def test_wells_of_several_plates_are_different_units():
    study = Study.from_toml(templates.text("three-plates"))
    assert len(set(study.units("well").values())) == 18


def test_an_entity_that_is_its_own_ancestor_is_refused():
    text = templates.text("two-animals-one-litter").replace(
        'id = "dam1"', 'id = "dam1"\nparent = "pup1"', 1
    )
    with pytest.raises(StudyError, match="own ancestor"):
        Study.from_toml(text)


def test_a_dose_arrives_well_by_well():
    study = Study.from_toml(templates.text("dose-well-by-well"))
    (dose,) = study.interventions_in("plate1", "C3")
    assert dose.start_of("C3") == 26.08


def test_optics_in_force_follow_the_changes():
    optics = Study.from_toml(templates.text("changed-objective")).optics
    assert optics.of(0).pixel_size_um == 0.65
    assert optics.of(optics.acquisition_at(48.0)).pixel_size_um == 1.3
