"""How wide a soma is: what is told, what is usual and what is seen."""

import math

import pytest

from livedeath.analysis.scale import SomaScale
from livedeath.model.measures import SomaSize


def scale(*seen_px, told_um=None, pixel_um=1.0, n=40, log_sd=0.05):
    one = SomaScale(told_um, 16.0, pixel_um)
    for px in seen_px:
        one.push(SomaSize(px, log_sd, n))
    return one


@pytest.mark.parametrize("true_um", [8.0, 11.0, 23.0, 32.0, 40.0])
def test_a_field_full_of_somata_decides_however_wrong_the_usual_is(true_um):
    assert scale(true_um / 0.5, pixel_um=0.5).diameter_um == pytest.approx(true_um, rel=0.12)


def test_a_lone_soma_hardly_moves_what_is_usual():
    few = scale(32.0, n=1, log_sd=0.5)
    assert 16.0 < few.diameter_um < 21.0
    assert scale(32.0, n=40).diameter_um > 28.0


def test_somata_of_the_usual_size_change_nothing():
    assert scale(15.2, 16.9, 16.3).diameter_um == 16.0


def test_a_frame_without_somata_says_nothing():
    one = SomaScale(None, 16.0, 1.0)
    one.push(SomaSize(math.nan, math.inf, 0))
    assert (one.diameter_um, one.seen_um, one.doubt()) == (16.0, None, "")


def test_what_was_told_is_taken_as_it_was_told():
    one = scale(30.0, told_um=20.0)
    assert one.diameter_um == 20.0
    assert one.seen_um == pytest.approx(30.0)


@pytest.mark.parametrize("told_um", [None, 16.0])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_pixel_size_wrong_by_two_is_said_with_the_pixel_size(told_um, factor):
    somata_px = 16.0 / 0.65
    said = scale(somata_px, told_um=told_um, pixel_um=0.65 * factor).doubt()
    assert f"the pixel size of {0.65 * factor:g} um" in said
    assert f"{16.0 * factor:.3g} um wide" in said
    assert "16 um" in said
    assert scale(somata_px, told_um=told_um, pixel_um=0.65).doubt() == ""


def test_a_few_somata_are_enough_for_it():
    assert scale(32.0, n=3, log_sd=0.15).doubt()
    assert scale(32.0, n=1, log_sd=0.5).doubt() == ""


def test_a_restart_changes_nothing():
    whole, first = scale(20.0, 31.0, 33.0), scale(20.0)
    again = SomaScale(None, 16.0, 1.0)
    again.restore(first.state())
    for px in (31.0, 33.0):
        again.push(SomaSize(px, 0.05, 40))
    assert again.state() == whole.state()
    assert first.state() != whole.state()
