"""The unit of every column: as declared, as measured, or as its name says."""

import pytest

from livedeath.model.optics import Camera
from livedeath.model.tables import CALLS, TRACES, channel_units, units

CALIBRATED = Camera(offset_adu=100.0, gain_e_per_adu=0.5)


def test_declared_units_are_those_that_the_names_say():
    endings = {"_h": "h", "_px": "px", "_um": "um", "_um2": "um2"}
    for column in (*TRACES, *CALLS):
        said = next((unit for end, unit in endings.items() if column.name.endswith(end)), None)
        assert said in (None, column.unit), column.name


@pytest.mark.parametrize(
    ("camera", "unit"),
    [
        (CALIBRATED, "electrons"),
        (Camera(), "grey levels"),
        (Camera(offset_adu=100.0), "grey levels"),
        (Camera(gain_e_per_adu=0.5), "grey levels"),
    ],
)
def test_channels_are_in_electrons_where_the_camera_is_calibrated(camera, unit):
    assert channel_units(["RFP"], camera) == dict.fromkeys(
        ("RFP", "RFP_sd", "RFP_background"), unit
    )


def test_columns_without_a_unit_are_left_out():
    names = ["well", "time_h", "area_um2", "evidence", "RFP", "RFP_sd", "flags", "radius_um"]
    assert units(names, channel_units(["RFP"], CALIBRATED)) == {
        "time_h": "h",
        "area_um2": "um2",
        "evidence": "ln",
        "RFP": "electrons",
        "RFP_sd": "electrons",
        "radius_um": "um",
    }


def test_a_channel_that_is_named_like_an_hour_has_the_unit_of_light():
    assert units(["dye_h"], channel_units(["dye_h"], Camera())) == {"dye_h": "grey levels"}
