import numpy as np
import pytest

from livedeath.errors import StudyError
from livedeath.model.optics import Optics
from livedeath_acquisition.look import (
    judge,
    picture,
    proposed_exposure_ms,
    sharpness,
    visits_now,
)


@pytest.fixture
def optics():
    camera = {"offset_adu": 100.0, "gain_e_per_adu": 0.5, "saturation_adu": 65535.0}
    return Optics(pixel_size_um=1.0, image_shape_px=(96, 96), camera=camera)


def somata(peak, sigma=5.0, noise_sd=3.0):
    """Return three round somata on a noisy floor, (96, 96) uint16."""
    y, x = np.mgrid[:96, :96]
    image = 200.0 + np.random.default_rng(1).normal(0.0, noise_sd, (96, 96))
    for cy, cx in ((25, 30), (60, 65), (75, 20)):
        image += peak * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2))
    return np.clip(image, 0, 65535).astype(np.uint16)


def test_somata_are_counted_in_electrons(study, visits, planned, optics):
    frame = planned(study, visits[0], "RFP")
    seen = judge(frame, somata(2000.0), study=study, optics=optics)
    assert (seen.neurons, seen.unit) == (3, "electrons")
    # 2 pi sigma^2 peak, half an electron per unit; the outline holds half of a round soma.
    assert 0.4 < seen.per_soma / (0.5 * 2000 * 2 * np.pi * 25) < 1.1


def test_twice_the_light_is_twice_the_electrons(study, visits, planned, optics):
    frame = planned(study, visits[0], "RFP")
    one, two = (judge(frame, somata(p), study=study, optics=optics) for p in (2000.0, 4000.0))
    assert two.per_soma / one.per_soma == pytest.approx(2.0, rel=0.1)


def test_without_calibration_the_unit_says_so(study, visits, planned, optics):
    bare = optics.model_copy(update={"camera": type(optics.camera)()})
    seen = judge(planned(study, visits[0], "RFP"), somata(2000.0), study=study, optics=bare)
    assert seen.unit == "camera units"


def test_saturated_pixels_are_counted(study, visits, planned, optics):
    image = somata(500.0)
    image[:12] = 65535
    seen = judge(planned(study, visits[0], "RFP"), image, study=study, optics=optics)
    assert seen.saturated_share == pytest.approx(12 / 96)
    assert seen.proposed_ms == pytest.approx(seen.exposure_ms / 10)


def test_a_blurred_image_is_less_sharp():
    assert sharpness(somata(2000.0, sigma=3.0)) > 2 * sharpness(somata(2000.0, sigma=8.0))


def test_a_dim_image_asks_for_more_light_a_bright_one_for_less(optics):
    dim = proposed_exposure_ms(somata(1000.0), optics, exposure_ms=50.0)
    bright = proposed_exposure_ms(somata(60_000.0), optics, exposure_ms=50.0)
    assert bright < 50.0 < dim <= 500.0


def test_no_more_light_is_asked_for_than_counting_needs(optics):
    asked = proposed_exposure_ms(somata(1000.0), optics, exposure_ms=50.0, per_soma_e=4000.0)
    assert asked == 25.0


def test_a_picture_uses_the_whole_range():
    shown = picture(somata(2000.0))
    assert (shown.dtype, shown.min(), shown.max()) == (np.uint8, 0, 255)


def test_the_visit_nearest_to_now_is_looked_at(folder):
    (visit,) = visits_now(folder, vessel=None, well="b03", now_h=1.6)
    assert (visit.field.well, visit.planned_h) == ("B3", 2.0)


def test_a_well_that_is_not_visited_is_refused(folder):
    with pytest.raises(StudyError, match="H12 is not visited by this study; its wells are B2, B3"):
        visits_now(folder, vessel=None, well="H12", now_h=0.0)
