import numpy as np
import pytest

import scenes
from livedeath.analysis import correct, register
from livedeath.model.measures import Shift

CAMERA = scenes.study().optics.camera


def picture(scene, *, shift=(0.0, 0.0), seed=0, shown=None):
    image = scene.camera(scene.photons(scene.light, shift=shift, shown=shown), seed=seed)
    levelled = correct.level(correct.correct(image, CAMERA), 16.0)
    return register.picture_of(levelled, soma_px=16.0)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.4, -2.3), (31.0, -24.5), (-52.0, 40.0)])
def test_shifts_up_to_tens_of_pixels_are_measured(shift):
    scene = scenes.Scene.random(14, side=256)
    measured = register.measure_shift(picture(scene), picture(scene, shift=shift, seed=1))
    assert measured.certain
    assert (measured.y, measured.x) == pytest.approx(shift, abs=1.0)


def test_half_of_the_neurons_suffice():
    scene = scenes.Scene.random(14, side=256)
    half = np.arange(14) % 2 == 0
    measured = register.measure_shift(
        picture(scene), picture(scene, shift=(12.0, 7.0), seed=1, shown=half)
    )
    assert (measured.y, measured.x) == pytest.approx((12, 7), abs=1.0)


def test_another_field_gives_no_shift_rather_than_a_wrong_one():
    one = scenes.Scene.random(14, side=256, seed=1, debris=0)
    zero = 0
    for seed in range(2, 8):
        other = scenes.Scene.random(14, side=256, seed=seed, debris=0)
        measured = register.measure_shift(picture(one), picture(other))
        assert measured.certain or (measured.y, measured.x) == (0.0, 0.0)
        zero += not measured.certain
    assert zero >= 4


def test_noise_gives_no_shift():
    scene = scenes.Scene.random(14, side=256)
    noise = register.Picture(np.zeros_like(picture(scene).grey), 3)
    assert register.measure_shift(picture(scene), noise) == Shift(0.0, 0.0, certain=False)
