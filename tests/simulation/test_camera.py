import numpy as np
import pytest

from livedeath.model.optics import Camera
from livedeath.simulation.camera import Sensor, poisson
from livedeath.simulation.parameters import CameraParameters
from livedeath.simulation.streams import generator

SHAPE = (200, 220)


def sensor(bit_depth=16, declared=None, seed=1, **given):
    return Sensor(
        CameraParameters(**given), declared or Camera(), shape=SHAPE, bit_depth=bit_depth, seed=seed
    )


def flat(level):
    return np.full(SHAPE, level, np.float32)


@pytest.mark.parametrize("level", [0.5, 2.9, 3.1, 6.0, 40.0, 3000.0])
def test_numbers_have_the_moments_of_poisson(level):
    drawn = poisson(np.full((500, 600), level, np.float32), rng=generator(5, "test"))
    assert drawn.mean() == pytest.approx(level, abs=5 * np.sqrt(level / 3e5))
    assert drawn.var() == pytest.approx(level, rel=0.03)
    skew = np.mean((drawn - level) ** 3) / level**1.5
    assert skew == pytest.approx(1 / np.sqrt(level), abs=0.08)


def test_a_closed_shutter_gives_offset_and_read_noise():
    frame = sensor().expose(None, exposure_ms=100, rng=generator(1, "a"))
    assert np.median(frame) == 100
    assert 1.6 / 0.46 < np.std(frame[frame < 140]) < 3.0 / 0.46


def test_gain_turns_electrons_into_numbers():
    frame = sensor(hot_fraction=0).expose(flat(1000), exposure_ms=100, rng=generator(1, "a"))
    assert frame.mean() == pytest.approx(100 + 1000 / 0.46, rel=0.01)
    assert np.std(frame) == pytest.approx(np.sqrt(1000 + 25 + 3) / 0.46, rel=0.05)


def test_the_declared_calibration_is_used():
    declared = Camera(offset_adu=500.0, gain_e_per_adu=2.0)
    frame = sensor(declared=declared).expose(flat(200), exposure_ms=10, rng=generator(1, "a"))
    assert np.median(frame) == pytest.approx(600, abs=2)


def test_parameters_go_before_the_declared_calibration():
    given = sensor(declared=Camera(gain_e_per_adu=2.0), gain_e_per_adu=1.0, offset_adu=0.0)
    frame = given.expose(flat(200), exposure_ms=10, rng=generator(1, "a"))
    assert np.median(frame) == pytest.approx(200, abs=2)


@pytest.mark.parametrize(
    ("bit_depth", "dtype", "most"),
    [(8, np.uint8, 255), (12, np.uint16, 4095), (14, np.uint16, 16383), (16, np.uint16, 65535)],
)
def test_bit_depth_sets_type_and_ceiling(bit_depth, dtype, most):
    frame = sensor(bit_depth).expose(flat(1e6), exposure_ms=100, rng=generator(1, "a"))
    assert frame.dtype == dtype
    assert frame.max() == frame.min() == most


def test_declared_saturation_clips_earlier():
    declared = Camera(saturation_adu=30_000.0)
    frame = sensor(declared=declared).expose(flat(1e6), exposure_ms=100, rng=generator(1, "a"))
    assert frame.max() == 30_000


def test_hot_pixels_glow_with_the_exposure():
    hot = sensor(hot_fraction=0.01)
    short, long = (hot.expose(None, exposure_ms=t, rng=generator(1, "a")) for t in (1, 1000))
    assert np.mean(long > 300) == pytest.approx(0.01, rel=0.4)
    assert np.mean(short > 300) < 0.001


def test_read_noise_has_a_tail():
    noise = sensor().read_noise_e
    assert np.median(noise) == pytest.approx(1.6, rel=0.03)
    assert np.mean(noise > 5) == pytest.approx(0.01, rel=0.4)


def test_quantum_efficiency_scales_the_light():
    dim, usual = (sensor(quantum_efficiency=q, hot_fraction=0) for q in (0.41, 0.82))
    mean = [s.expose(flat(1000), exposure_ms=1, rng=generator(1, "a")).mean() for s in (dim, usual)]
    assert (mean[0] - 100) / (mean[1] - 100) == pytest.approx(0.5, rel=0.01)
