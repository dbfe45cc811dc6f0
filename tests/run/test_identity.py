"""The name of a run: what it hears, what it does not, and which program it names."""

import subprocess
import sys
import typing
from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile
from polars.testing import assert_frame_equal
from pydantic import BaseModel

import small_studies
from livedeath.model.plan import plan
from livedeath.model.study import Study
from livedeath.run import identity
from livedeath.run.follow import follow
from livedeath.run.score import declare_recording
from livedeath.store.folder import StudyFolder

EVERYTHING = """
title = "everything is declared"

[[vessels]]
id = "p1"
wells = ["B2:B3"]
fields_per_well = 2
[[vessels]]
id = "p2"
[[vessels.sites]]
x_um = 0.0
y_um = 0.0
well = "B2"

[optics]
pixel_size_um = 1.0
image_shape_px = [96, 96]
objective = "20x"
[[optics.files]]
channel = "RFP"
kind = "flat"
path = "flat.tif"
sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
[[optics.changes]]
at_h = 3.5
objective = "40x"

[[channels]]
name = "RFP"
role = "fill"
exposure_ms = 50
[[channels]]
name = "GEDI"
role = "indicator"
exposure_ms = 50

[schedule]
interval_h = 1
duration_h = 5
[[schedule.windows]]
wells = ["B2"]
to_h = 4.0

[[sessions]]
id = "monday"
vessel = "p1"
loaded_h = 0.0
removed_h = 4.5

[[entities]]
id = "rat"
kind = "animal"
parent = "dam"
vessel = "p1"
wells = ["B2"]
[[entities]]
id = "dam"
kind = "dam"

[[populations]]
name = "marked"
marker = "RFP"
wells = ["B2"]

[[interventions]]
kind = "toxin"
compound = "glutamate"
dose = 50
unit = "uM"
wells = ["B2"]
vessel = "p1"
start_h = 1.0
end_h = 2.0
[[interventions]]
kind = "vehicle"
wells = ["B3"]
vessel = "p1"

[[comparisons]]
control = "vehicle"

[[exclusions]]
wells = ["B2"]
vessel = "p1"
from_h = 3.0
why = "contaminated"

[end_kill]
at_h = 2.5
wells = ["B2"]
vessel = "p1"
"""

DECIDES = {
    "vessels.id": "p3",
    "vessels.format": "384-well",
    "vessels.wells": ("B2:B4",),
    "vessels.fields_per_well": 1,
    "vessels.field_overlap": 0.1,
    "vessels.sites.x_um": 5.0,
    "vessels.sites.y_um": 5.0,
    "vessels.sites.z_um": 7.0,
    "vessels.sites.well": "B3",
    "optics.pixel_size_um": 1.5,
    "optics.image_shape_px": (96, 64),
    "optics.bit_depth": 12,
    "optics.camera.offset_adu": 100.0,
    "optics.camera.gain_e_per_adu": 0.5,
    "optics.camera.read_noise_e": 1.6,
    "optics.camera.saturation_adu": 4000.0,
    "optics.files.channel": "GEDI",
    "optics.files.kind": "dark",
    "optics.files.sha256": "b" * 64,
    "optics.changes.at_h": 1.5,
    "optics.changes.pixel_size_um": 0.5,
    "optics.changes.image_shape_px": (64, 64),
    "channels.name": "Cy3",
    "channels.role": "marker",
    "channels.every": 2,
    "channels.wells": ("B2",),
    "schedule.mode": "session",
    "schedule.interval_h": 2.5,
    "schedule.duration_h": 3.0,
    "schedule.windows.wells": ("B3",),
    "schedule.windows.vessel": "p1",
    "schedule.windows.from_h": 1.0,
    "schedule.windows.to_h": 2.0,
    "sessions.id": "tuesday",
    "sessions.vessel": "p2",
    "sessions.loaded_h": 1.0,
    "sessions.removed_h": 2.5,
    "populations.name": "green",
    "populations.marker": "GEDI",
    "populations.gate": "negative",
    "populations.wells": ("B3",),
    "interventions.wells": ("B3",),
    "interventions.vessel": "p2",
    "interventions.start_h": 0.5,
    "interventions.starts_h": {"B2": 0.25},
    "interventions.end_h": 3.0,
    "interventions.actual_start_h": 1.25,
    "interventions.actual_end_h": 2.25,
    "focus.planes_um": (0.0, 2.0),
    "exclusions.wells": ("B3",),
    "exclusions.vessel": "p2",
    "exclusions.from_h": 1.0,
    "end_kill.at_h": 1.5,
    "end_kill.wells": ("B3",),
    "end_kill.vessel": "p2",
    "analysis.false_alarms_per_1000_neuron_days": 2.0,
    "analysis.soma_diameter_um": 12.0,
    "analysis.detection_snr": 6.0,
    "analysis.gate_um": 20.0,
    "analysis.gap_visits": 2,
    "analysis.divisions": True,
}
"""Another value for every field that can change a result."""

KEEPS = {
    "title": "another title",
    "description": "said more clearly",
    "vessels.origin_um": (5.0, 5.0),
    "vessels.note": "on the left",
    "optics.objective": "20x/0.8",
    "optics.binning": 2,
    "optics.files.path": "elsewhere/flat.tif",
    "optics.changes.objective": "60x",
    "optics.changes.binning": 2,
    "optics.changes.why": "a closer look",
    "channels.exposure_ms": 60.0,
    "channels.light_percent": 50.0,
    "channels.group": "Light",
    "channels.preset": "Cy3",
    "channels.note": "new lamp",
    "schedule.start": datetime(2026, 3, 1, 9, tzinfo=UTC),
    "sessions.note": "late",
    "entities.id": "mouse",
    "entities.kind": "donor",
    "entities.parent": None,
    "entities.vessel": None,
    "entities.wells": ("B3",),
    "entities.species": "rat",
    "entities.strain": "Wistar",
    "entities.sex": "female",
    "entities.genotype": "wild type",
    "entities.age_at_collection_days": 1.0,
    "entities.days_in_vitro": 7.0,
    "entities.note": "calm",
    "populations.construct_name": "hSyn1",
    "interventions.kind": "compound",
    "interventions.compound": "kainate",
    "interventions.dose": 20.0,
    "interventions.unit": "nM",
    "interventions.lot": "A7",
    "interventions.arm": "toxin",
    "interventions.population": "marked",
    "interventions.note": "slowly",
    "focus.method": "sweep",
    "focus.channel": "RFP",
    "focus.range_um": 10.0,
    "focus.step_um": 1.0,
    "focus.every": 2,
    "policies.tries": 5,
    "policies.frame_deadline_s": 20.0,
    "policies.after_failure": "stop",
    "policies.missed_in_a_row": 5,
    "policies.disk_floor_gb": 2.0,
    "policies.settle_ms": 100.0,
    "policies.move_s": 1.0,
    "light.budget_ms_per_field": 1000.0,
    "light.irradiance_mw_per_cm2": 5.0,
    "comparisons.name": "toxicity",
    "comparisons.factor": "population",
    "comparisons.control": "glutamate 50 uM",
    "comparisons.treated": ("glutamate 50 uM",),
    "comparisons.unit": "animal",
    "comparisons.block": "vessel",
    "comparisons.origin": "glutamate 50 uM",
    "comparisons.endpoint": "loss_of_fill",
    "comparisons.horizon_h": 4.0,
    "comparisons.covariates": ("RFP",),
    "comparisons.family": "main",
    "exclusions.why": "mould",
    "end_kill.compound": "azide",
    "end_kill.dose": 1.0,
    "end_kill.unit": "mM",
}
"""Another value for every field that is for people, for the microscope or for judging later."""

ELSEWHERE = {"schema_version", "schedule.times_h", "analysis.priors"}
"""Fixed; heard beside ``mode``: see the test of hours that are listed; heard by content: see
`test_priors`."""


def leaves(model=Study, start=""):
    """Yield the name of every field of a declaration, such as ``vessels.sites.x_um``."""
    for name, field in model.model_fields.items():
        kinds = [field.annotation, *typing.get_args(field.annotation)]
        inner = [k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)]
        if inner:
            yield from leaves(inner[0], f"{start}{name}.")
        else:
            yield f"{start}{name}"


def changed(declared, path, value):
    """Return a declaration with one field set, in the first item that has it; unchecked."""
    name, _, rest = path.partition(".")
    if not rest:
        return declared.model_copy(update={name: value})
    inner = getattr(declared, name)
    if not isinstance(inner, tuple):
        return declared.model_copy(update={name: changed(inner, rest, value)})
    deeper = rest.split(".")[0] if "." in rest else ""
    number = next(k for k, item in enumerate(inner) if not deeper or getattr(item, deeper))
    items = [changed(item, rest, value) if k == number else item for k, item in enumerate(inner)]
    return declared.model_copy(update={name: tuple(items)})


@pytest.fixture(scope="module")
def everything():
    return Study.from_toml(EVERYTHING)


def name_of(study, path):
    """Return the name of the run of a declaration, wherever it lies."""
    folder = StudyFolder(path, study)
    return identity.run_name(identity.identity_of_study(folder, study))


def test_every_field_of_a_declaration_is_judged():
    assert set(leaves()) == set(DECIDES) | set(KEEPS) | ELSEWHERE
    assert not set(DECIDES) & set(KEEPS)


@pytest.mark.parametrize("field", DECIDES)
def test_what_decides_results_makes_another_run(everything, tmp_path, field):
    other = changed(everything, field, DECIDES[field])
    assert name_of(other, tmp_path) != name_of(everything, tmp_path)


@pytest.mark.parametrize("field", KEEPS)
def test_what_decides_no_result_keeps_the_run(everything, tmp_path, field):
    other = changed(everything, field, KEEPS[field])
    assert other != everything
    assert name_of(other, tmp_path) == name_of(everything, tmp_path)


def test_listed_hours_are_heard(everything, tmp_path):
    listed = changed(everything, "schedule.mode", "times")
    names = {
        name_of(changed(listed, "schedule.times_h", hours), tmp_path)
        for hours in ((0.0, 1.0), (0.0, 1.5))
    }
    assert len(names) == 2


def test_the_same_wells_in_other_words_keep_the_run(everything, tmp_path):
    other = changed(everything, "vessels.wells", ("B02", "b3"))
    assert name_of(other, tmp_path) == name_of(everything, tmp_path)


def test_animals_decide_where_their_wells_are_the_only_ones(everything, tmp_path):
    bare = changed(changed(everything, "vessels.wells", ()), "interventions", ())
    other = changed(bare, "entities.wells", ("B3",))
    assert name_of(other, tmp_path) != name_of(bare, tmp_path)


def imaged(path, study):
    """Write a study's frames: four neurons in every field, one of which dies."""
    folder = StudyFolder(path, study)
    folder.images.create(folder.plan)
    for visit in folder.plan.visits:
        for key in visit.frames():
            pixels = small_studies.blobs(1, seed=visit.t)[0]
            if key.channel == "GEDI" and visit.planned_h >= 2:
                pixels[10:38, 10:38] *= 5
            folder.images.write(key, pixels)
            folder.journal.append(small_studies.entry_of(visit, key))
    folder.journal.append({"kind": "acquisition", "what": "finish"})
    return folder


def test_what_keeps_the_run_keeps_its_results(everything, tmp_path):
    other = everything
    for field, value in KEEPS.items():
        other = changed(other, field, value)
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        path.mkdir()
    run, again = follow(imaged(first, everything)), follow(imaged(second, other))
    assert again.name == run.name
    assert run.calls().height > 4
    assert_frame_equal(again.traces(), run.traces(), check_exact=True)
    assert_frame_equal(again.calls(), run.calls(), check_exact=True)
    # Else equality would prove nothing: a field that decides gives other results here.
    third = tmp_path / "third"
    third.mkdir()
    swapped = changed(everything, "channels.role", "marker")
    assert not follow(imaged(third, swapped)).traces().equals(run.traces())


def test_the_name_follows_from_what_it_hears_in_any_order():
    said = {"settings": {"a": 1}, "code": "x", "declared": "y", "source": None}
    assert identity.run_name(said) == identity.run_name(dict(reversed(said.items())))
    assert identity.run_name(said) != identity.run_name(said | {"code": "z"})


def recorded(path, *, last=400):
    """Write a small recording; its last pixel is as told."""
    frames = small_studies.blobs(3)
    frames[-1, -1, -1] = last
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX"})
    return path


def of_recording(path, target, **told):
    folder = declare_recording(path, target, told={"pixel_size_um": 1.0, "interval_h": 1.0} | told)
    return identity.identity_of_study(folder, folder.study)


def test_another_recording_makes_another_run_and_a_copy_does_not(tmp_path):
    first = of_recording(recorded(tmp_path / "a.tif"), tmp_path / "a")
    (tmp_path / "elsewhere").mkdir()
    copy = of_recording(recorded(tmp_path / "elsewhere" / "a.tif"), tmp_path / "b")
    other = of_recording(recorded(tmp_path / "b.tif", last=401), tmp_path / "c")
    assert identity.run_name(copy) == identity.run_name(first)
    assert identity.run_name(other) != identity.run_name(first)


def test_which_position_a_field_is_read_from_is_heard(everything, tmp_path):
    site = everything.vessels[1].sites[0]
    names = set()
    for wells in (("B2", "B3"), ("B3", "B2")):
        sites = tuple(site.model_copy(update={"well": well}) for well in wells)
        study = changed(everything, "vessels.sites", sites)
        folder = StudyFolder(tmp_path, study)
        folder.source = {"size": 1, "sha256": "c" * 64, "path": "x"}
        # The plan is the same: only the recording's order of its positions is another.
        assert [f.well for f in plan(study).fields if f.vessel == "p1"][:2] == ["B2", "B3"]
        names.add(identity.run_name(identity.identity_of_study(folder, study)))
    assert len(names) == 2


def test_labels_made_elsewhere_are_heard(everything, tmp_path):
    folder = StudyFolder(tmp_path, everything)
    names = {
        identity.run_name(identity.identity_of_study(folder, everything, labels=labels))
        for labels in (None, {"size": 1, "sha256": "a"}, {"size": 1, "sha256": "b"})
    }
    assert len(names) == 3


@pytest.mark.parametrize(
    ("library", "is_linked", "is_heard"),
    [
        ("numpy", False, True),
        ("scipy", False, True),
        ("numba", False, True),
        ("tifffile", False, False),
        ("tifffile", True, True),
        ("polars", True, False),
    ],
)
def test_a_library_is_heard_where_it_decides(
    everything, tmp_path, monkeypatch, library, is_linked, is_heard
):
    folder = StudyFolder(tmp_path, everything)
    folder.source = {"size": 1, "sha256": "c" * 64, "path": "x"} if is_linked else None
    before = identity.run_name(identity.identity_of_study(folder, everything))
    known = identity.version
    monkeypatch.setattr(identity, "version", lambda n: "9.9" if n == library else known(n))
    after = identity.run_name(identity.identity_of_study(folder, everything))
    assert (after != before) is is_heard


LOADED = """
import sys
import livedeath.run.follow
print(*(name for name in sys.modules if name.split(".")[0] == "livedeath"))
"""

LATE = {
    "livedeath.recordings.ndtiff",
    "livedeath.recordings.ome_zarr",
    "livedeath.recordings.tiff",
    "livedeath.store.ngff",
}
"""Readers that are imported when a file of theirs is opened, and what a new store is made by."""


def test_the_code_is_what_the_analysis_loads_and_nothing_else():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split()) - identity.COMPUTES_NOTHING
    named = set(identity.modules_of("livedeath.run.follow"))
    assert {"livedeath.model.events", "livedeath.kernels.detect", "livedeath.analysis"} <= loaded
    assert loaded <= named
    assert named - loaded <= LATE


@pytest.mark.parametrize(
    "name", ["reporting.html", "cli.main", "kernels.draw", "model.dry_run", "recordings.traces"]
)
def test_code_that_scores_no_study_is_not_named(name):
    assert f"livedeath.{name}" not in identity.modules_of("livedeath.run.follow")


def test_a_table_of_traces_depends_on_its_reader():
    assert "livedeath.recordings.traces" in identity.modules_of("livedeath.run.score")


def test_a_changed_module_is_another_program(tmp_path, monkeypatch):
    package = tmp_path / "livedeath"
    (package / "run").mkdir(parents=True)
    (package / "__init__.py").write_text("from livedeath import unused\n")
    (package / "unused.py").write_text("")
    (package / "run" / "__init__.py").write_text("")
    (package / "used.py").write_text("a = 1\n")
    (package / "run" / "follow.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import livedeath.run.typed\n"
        "def late():\n    from livedeath import used\n"
    )
    (package / "run" / "typed.py").write_text("")
    monkeypatch.setattr(identity, "PACKAGE", package)
    digest = identity.code_digest.__wrapped__
    named = set(identity.modules_of("livedeath.run.follow"))
    assert named == {"livedeath.run", "livedeath.run.follow", "livedeath.used"}
    before = digest("livedeath.run.follow")
    (package / "used.py").write_bytes(b"a = 1\r\n")
    assert digest("livedeath.run.follow") == before
    (package / "unused.py").write_text("b = 1\n")
    assert digest("livedeath.run.follow") == before
    (package / "used.py").write_text("a = 2\n")
    assert digest("livedeath.run.follow") != before


def test_every_library_that_the_computing_rooms_import_is_heard():
    found = set()
    for name, file in identity.modules_of("livedeath.run.follow").items():
        if name.split(".")[1] in ("analysis", "detection", "kernels"):
            tree = identity.ast.parse(file.read_bytes())
            found |= {imported.split(".")[0] for imported in identity._imports(tree)}
    others = found - set(sys.stdlib_module_names) - {"livedeath"}
    assert others == set(identity.COMPUTE)


def test_numbers_of_the_name_are_shown_in_the_provenance(tmp_path):
    folder = small_studies.acquire(small_studies.create(tmp_path / "study"))
    said = follow(folder).provenance()
    heard = identity.identity_of_study(folder, folder.study)
    assert said["run"] == identity.run_name({key: said[key] for key in heard})
    assert said["computed_with"]["numpy"] == np.__version__
