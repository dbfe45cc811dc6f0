"""What the dry run says of the light is what the microscope then does."""

import json

import pytest

from livedeath.cli.main import run
from livedeath.model.dry_run import dry_run
from livedeath.model.study import Study
from livedeath.store.folder import StudyFolder
from livedeath_acquisition.worker import Order, Worker

STUDY = """
title = "a dim lamp"
vessels = [{{ id = "p1", wells = ["B2"] }}]
channels = [
  {{ name = "RFP", role = "fill", exposure_ms = 400, light_percent = 10 }},
  {{ name = "GEDI", role = "indicator", exposure_ms = 0.1, every = 2 }},
]
optics = {{ pixel_size_um = 2.0, image_shape_px = [16, 16] }}
schedule = {{ interval_h = 1, duration_h = 9 }}
policies = {{ disk_floor_gb = 0.0 }}
light = {{ budget_ms_per_field = {budget_ms} }}
"""


def acquired(folder):
    """Return how many frames the simulated microscope saves."""
    Worker(Order(str(folder.path), "simulated"), lambda beat: None).run()
    statuses = [entry["status"] for entry in folder.journal.frames().values()]
    assert len(statuses) == folder.plan.n_frames
    return statuses.count("saved")


# 10 frames of 400 ms at a tenth of the power and 5 of 0.1 ms: 400.5 ms of full light.
@pytest.mark.parametrize(
    ("budget_ms", "saved"),
    [
        pytest.param(401.0, 15, id="room to spare"),
        pytest.param(400.5, 15, id="just enough"),
        pytest.param(400.4, 14, id="the last frame is too much"),
        pytest.param(100.0, 7, id="two frames and all the dim ones"),
        pytest.param(0.05, 0, id="not one"),
    ],
)
def test_check_and_microscope_agree_on_the_light(tmp_path, capsys, budget_ms, saved):
    declared = Study.from_toml(STUDY.format(budget_ms=budget_ms))
    folder = StudyFolder.create(tmp_path / "study", declared)
    assert run(["check", str(folder.path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    is_warned = any("light" in one for one in said["warnings"])
    assert acquired(folder) == saved
    assert is_warned is (saved < 15)
    assert said["frames"] - said["frames_beyond_light"] == saved


def test_a_changed_objective_does_not_refill_the_budget(tmp_path):
    changed = {"at_h": 4.5, "objective": "40x", "pixel_size_um": 1.0}
    declared = Study.from_toml(STUDY.format(budget_ms=100.0))
    optics = declared.optics.model_dump() | {"changes": [changed]}
    declared = declared.replace(optics=optics)
    folder = StudyFolder.create(tmp_path / "study", declared)
    assert {field.acquisition for field in folder.plan.fields} == {0, 1}
    assert dry_run(declared).light_ms_per_field == pytest.approx(400.6)
    assert acquired(folder) == 8
