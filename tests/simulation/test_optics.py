import numpy as np
import pytest

from livedeath.simulation import optics
from livedeath.simulation.optics import Stage, View
from livedeath.simulation.parameters import LightParameters
from simulation.small_world import SESSIONS, parameters, still, study

PLACE = {"x_um": 18_000.0, "y_um": 9_000.0, "z_um": 0.0}


def test_the_first_session_is_the_reference():
    stage = Stage(study(SESSIONS), still())
    view = stage.view("p", "s0", planned_h=1.0, **PLACE)
    assert view == View(9_000.0, 18_000.0, 0.0, 0.0)


def test_a_plate_put_back_turns_about_its_centre():
    given = still(stage={"reseat_um": 0.0, "reseat_turn_deg": 0.3})
    stage = Stage(study(SESSIONS), given)
    turn, shift = stage.seat("p", "s1")
    assert shift == (0.0, 0.0)
    centre = {"x_um": 49_500.0, "y_um": 31_500.0, "z_um": 0.0}
    middle = stage.view("p", "s1", planned_h=6.0, **centre)
    assert (middle.y_um, middle.x_um) == pytest.approx((31_500.0, 49_500.0))
    away = stage.view("p", "s1", planned_h=6.0, **PLACE)
    off = np.hypot(away.y_um - 9_000.0, away.x_um - 18_000.0)
    assert off == pytest.approx(abs(turn) * np.hypot(22_500, 31_500), rel=0.01)


def test_what_the_view_shows_is_where_the_plate_lies():
    stage = Stage(study(SESSIONS), still())
    turn, shift = stage.seat("p", "s1")
    assert abs(turn) > 1e-4
    view = stage.view("p", "s1", planned_h=6.0, **PLACE)
    c, s = np.cos(turn), np.sin(turn)
    dy, dx = 9_010.0 - 31_500.0, 18_020.0 - 49_500.0
    on_stage = (
        31_500.0 + c * dy + s * dx + shift[0] - PLACE["y_um"],
        49_500.0 + c * dx - s * dy + shift[1] - PLACE["x_um"],
    )
    seen = view.pixels(
        np.array([9_010.0]), np.array([18_020.0]), pixel_size_um=0.5, shape=(101, 201)
    )
    assert (seen[0][0], seen[1][0]) == pytest.approx(
        (on_stage[0] / 0.5 + 50, on_stage[1] / 0.5 + 100)
    )


def test_the_stage_errs_per_visit_but_not_within_one():
    stage = Stage(study(), parameters(stage={"error_um": 2.0}))
    again = [stage.view("p", "", planned_h=hour, **PLACE) for hour in (1.0, 1.0, 2.0)]
    assert again[0] == again[1] != again[2]
    many = [stage.view("p", "", planned_h=hour, **PLACE).y_um for hour in range(300)]
    assert np.std(many) == pytest.approx(2.0, rel=0.15)


def test_a_hardware_focus_does_not_drift():
    drifting = parameters(stage={"focus_jitter_um": 0.0, "focus_drift_um_per_h": 0.5})
    free, held = study(), study(focus={"method": "hardware"})
    defocus = [Stage(s, drifting).view("p", "", planned_h=6.0, **PLACE) for s in (free, held)]
    assert defocus[0].defocus_um == pytest.approx(-0.5 * 24 / (2 * np.pi))
    assert defocus[1].defocus_um == 0.0


def test_blur_keeps_the_light_and_widens_with_defocus():
    point = np.zeros((61, 61), np.float32)
    point[30, 30] = 100.0
    sharp, soft = (optics.blur(point, z, LightParameters(), pixel_size_um=0.65) for z in (0, 10))
    assert sharp.sum() == pytest.approx(100, rel=1e-3) == soft.sum()
    assert sharp.max() > 20 * soft.max()


def test_corners_are_darker_by_the_vignetting():
    flat = optics.flat_field(LightParameters(vignetting=0.3), shape=(100, 120), seed=1, channel="a")
    corners = flat[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert flat.max() == pytest.approx(1.0, abs=1e-3)
    assert 1 - corners.mean() == pytest.approx(0.3, abs=0.03)


def test_the_haze_stays_with_the_plate():
    given = LightParameters(haze=0.3)
    of = {"shape": (40, 50), "pixel_size_um": 2.0, "key": "p", "seed": 1}
    here = optics.haze(View(0.0, 0.0, 0.0, 0.0), given, **of)
    moved = optics.haze(View(0.0, 20.0, 0.0, 0.0), given, **of)
    np.testing.assert_allclose(here[:, 10:], moved[:, :-10], rtol=1e-4)
    assert here.std() > 0.01
