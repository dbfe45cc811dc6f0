"""A small study, a scene whose pixels say what was asked, and microscopes over it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from livedeath.model.plan import PlannedVisit, plan
from livedeath.model.study import Study
from livedeath.store.folder import StudyFolder
from livedeath_acquisition.microscope import PlannedFrame

STUDY = """
title = "small"
[[vessels]]
id = "p1"
wells = ["B2:B3"]
[optics]
pixel_size_um = 0.65
image_shape_px = [32, 48]
[[channels]]
name = "RFP"
role = "fill"
exposure_ms = 75
[[channels]]
name = "GEDI"
role = "indicator"
exposure_ms = 50
[schedule]
interval_h = 1
duration_h = 3
[policies]
frame_deadline_s = 1.0
disk_floor_gb = 0.0
"""


class CodedScene:
    """Every pixel says which frame was asked, where the stage stood and what was in the light."""

    dtype = np.uint16

    def __init__(self, shape=(32, 48)):
        self._shape = shape
        self.exposures = 0

    def shape(self, frame):
        return self._shape

    def expose(self, view):
        self.exposures += 1
        image = np.zeros(self._shape, np.uint16)
        if view.lit:
            image[:] = 1 + view.frame.key.t
            image[0, :3] = round(view.x_um / 100), round(view.y_um / 100), view.slot
        return image


@pytest.fixture
def study() -> Study:
    return Study.from_toml(STUDY)


@pytest.fixture
def folder(tmp_path: Path, study: Study) -> StudyFolder:
    folder = StudyFolder.create(tmp_path / "a study", study)
    folder.images.create(folder.plan)
    return folder


@pytest.fixture
def planned():
    """Return a maker of planned frames from a visit."""

    def make(study: Study, visit: PlannedVisit, channel: str, **changes) -> PlannedFrame:
        key = next(key for key in visit.frames() if key.channel == channel)
        declared = study.channel(channel)
        told = {
            "key": key,
            "planned_h": visit.planned_h,
            "session": visit.session,
            "x_um": visit.x_um,
            "y_um": visit.y_um,
            "z_um": visit.z_um[key.z],
            "group": declared.group,
            "preset": declared.preset_name,
            "exposure_ms": declared.exposure_ms,
        }
        return PlannedFrame(**(told | changes))

    return make


@pytest.fixture
def bench(study: Study) -> Iterator:
    """Return an open microscope of Python devices over a coded scene."""
    from livedeath_acquisition.simulated import BenchMicroscope

    microscope = BenchMicroscope(study, CodedScene())
    microscope.open()
    yield microscope
    microscope.close()


@pytest.fixture
def visits(study: Study) -> tuple[PlannedVisit, ...]:
    return plan(study).visits
