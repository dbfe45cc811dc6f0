import numpy as np
import pytest

import scenes
from livedeath.analysis import correct
from livedeath.errors import FrameError
from livedeath.model.optics import Camera

CALIBRATED = Camera(offset_adu=100.0, gain_e_per_adu=0.5, read_noise_e=1.6)
UNKNOWN = Camera()


def frame(dtype=np.uint16):
    return np.random.default_rng(1).integers(100, 200, (40, 50)).astype(dtype)


def test_a_calibrated_camera_gives_electrons():
    image = np.full((20, 20), 140, np.uint16)
    corrected = correct.correct(image, CALIBRATED)
    assert corrected.calibrated
    np.testing.assert_allclose(corrected.image, 20.0)


def test_an_unknown_gain_leaves_camera_units_and_says_so():
    corrected = correct.correct(frame(), UNKNOWN)
    assert not corrected.calibrated
    assert corrected.image.min() == 0
    assert corrected.image.max() > 90


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
def test_images_of_all_kinds_of_numbers_are_read_alike(dtype):
    np.testing.assert_allclose(
        correct.correct(frame(dtype), UNKNOWN).image, correct.correct(frame(), UNKNOWN).image
    )


@pytest.mark.parametrize(
    ("camera", "bits", "value", "clipped"),
    [
        (UNKNOWN, None, 65535, True),
        (UNKNOWN, None, 4095, False),
        (UNKNOWN, 12, 4095, True),
        (Camera(saturation_adu=4000), None, 4000, True),
        (Camera(saturation_adu=4000), None, 3999, False),
    ],
    ids=["16 bit", "not 16 bit", "12 bit", "declared", "below"],
)
def test_pixels_at_the_ceiling_are_flagged(camera, bits, value, clipped):
    image = frame()
    image[3, 4] = value
    assert correct.correct(image, camera, bit_depth=bits).clipped[3, 4] == clipped


def somata(*, peak, ceiling, n=6, seed=3):
    """Return a camera frame of round somata, cut at the camera's ceiling."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:160, :160]
    light = np.full((160, 160), 200.0)
    for cy, cx in rng.uniform(20, 140, (n, 2)):
        light += peak * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 6.0**2))
    return np.minimum(rng.poisson(light), ceiling).astype(np.uint16)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_a_camera_of_fewer_bits_than_its_file_is_clipped_at_its_own_ceiling(bits):
    ceiling = 2**bits - 1
    image = somata(peak=2.0 * ceiling, ceiling=ceiling)
    clipped = correct.correct(image, UNKNOWN, bit_depth=16).clipped
    assert clipped.sum() > 50
    np.testing.assert_array_equal(clipped, image == ceiling)


def test_twelve_bits_in_the_upper_bits_of_sixteen_are_clipped_at_their_own_ceiling():
    image = somata(peak=8000, ceiling=4095) << 4
    clipped = correct.correct(image, UNKNOWN, bit_depth=16).clipped
    assert clipped.sum() > 50
    np.testing.assert_array_equal(clipped, image == 65520)


def highest_at(image, value, pixels=1):
    """Return a frame lowered or lifted to end at a value, at which stand some pixels."""
    lifted = image.astype(np.int64) + value - int(image.max())
    image = np.maximum(lifted, 0).astype(np.uint16)
    image.flat[np.argsort(image, axis=None)[-pixels:]] = value
    return image


@pytest.mark.parametrize("pixels", [1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_a_frame_whose_light_merely_ends_at_such_a_value_is_not_clipped(seed, pixels):
    bright = highest_at(somata(peak=3000, ceiling=65535, seed=seed), 4095, pixels)
    assert not correct.correct(bright, UNKNOWN, bit_depth=16).clipped.any()


@pytest.mark.parametrize("value", [255, 511])
@pytest.mark.parametrize("noise", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_tail_of_the_noise_of_a_dark_frame_is_not_clipped(seed, noise, value):
    dark = np.rint(np.random.default_rng(seed).normal(200, noise, (512, 512))).astype(np.uint16)
    assert not correct.correct(highest_at(dark, value), UNKNOWN, bit_depth=16).clipped.any()


def test_a_flat_top_at_any_other_value_is_light():
    image = somata(peak=8000, ceiling=4000)
    assert (image == 4000).sum() > 50
    assert not correct.correct(image, UNKNOWN, bit_depth=16).clipped.any()


def test_a_ceiling_that_is_declared_counts_alone():
    image = somata(peak=8000, ceiling=4095)
    camera = Camera(saturation_adu=5000)
    assert not correct.correct(image, camera, bit_depth=16).clipped.any()


def test_planes_are_summed():
    stack = np.stack([frame(), frame(), frame()])
    one, three = (correct.correct(i, CALIBRATED).image for i in (frame(), stack))
    np.testing.assert_allclose(three, 3 * one, rtol=1e-6)


def test_a_measured_flat_field_is_divided_out():
    flat = np.linspace(0.5, 1.5, 50, dtype=np.float32) * np.ones((40, 1), np.float32)
    image = np.rint(1000 * flat + 100).astype(np.uint16)
    assert np.ptp(correct.correct(image, CALIBRATED, flat=flat).image) < 1.5
    assert np.ptp(correct.correct(image, CALIBRATED).image) > 400


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((0, 5), np.uint16), "(0, 5)"),
        (np.zeros((2, 2, 5, 3), np.uint8), "(2, 2, 5, 3)"),
        (np.full((5, 5), np.nan), "25 pixels"),
        (np.full((5, 5), 1j), "complex128"),
    ],
    ids=["empty", "colour", "NaN", "complex"],
)
def test_what_is_no_frame_is_refused_with_a_sentence(image, said):
    with pytest.raises(FrameError, match="well B3 t=2") as caught:
        correct.correct(image, UNKNOWN, where="well B3 t=2")
    assert said in str(caught.value)


def test_a_flat_field_of_another_camera_is_refused():
    with pytest.raises(FrameError, match="flat field"):
        correct.correct(frame(), UNKNOWN, flat=np.ones((9, 9), np.float32))


def test_the_background_goes_and_the_light_stays():
    scene = scenes.Scene.random(6, side=192, neurites=False, debris=0)
    image = scene.camera(scene.photons(scene.light))
    levelled = correct.level(correct.correct(image, scenes.study().optics.camera), 16.0)
    outside = levelled.image[scene.truth() == 0]
    assert abs(outside[outside < 25].mean()) < 0.05 * levelled.noises.mean()
    inside = levelled.image[scene.truth() > 0]
    assert inside.sum() == pytest.approx(scene.light.sum(), rel=0.15)


def test_a_constant_added_to_the_frame_changes_nothing():
    scene = scenes.Scene.random(6, side=128)
    image = scene.camera(scene.photons(scene.light))
    one, other = (correct.level(correct.correct(i, UNKNOWN), 16.0) for i in (image, image + 500))
    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(one.noises, other.noises)


def test_large_somata_are_brought_to_the_working_scale():
    levelled = correct.level(correct.correct(frame(), UNKNOWN), 49.0)
    assert levelled.binning == 3
    assert levelled.image.shape == (14, 17)
    assert levelled.shape == (40, 50)


@pytest.mark.parametrize("value", [0, 255], ids=["black", "saturated"])
def test_a_frame_of_one_value_has_no_light(value):
    image = np.full((64, 64), value, np.uint8)
    corrected = correct.correct(image, UNKNOWN)
    assert not correct.level(corrected, 16.0).image.any()
    assert corrected.clipped.all() == (value == 255)
