import functools

import numpy as np
import pytest
import tifffile

import scenes
from livedeath.analysis import correct, diameter
from livedeath.model.optics import Camera


def estimated(image, **told):
    corrected = correct.correct(image, Camera())
    return diameter.estimate(functools.partial(correct.level, corrected), **told)


@pytest.mark.parametrize("radius", [4.0, 9.0, 20.0])
def test_the_size_of_round_somata_is_seen(radius):
    side = int(26 * radius)
    rng = np.random.default_rng(1)
    places = np.stack(np.meshgrid(*[np.linspace(2.5, 23.5, 6) * radius] * 2), -1).reshape(-1, 2)
    y, x = (places + rng.uniform(-1, 1, places.shape)).T
    light = np.full(36, 150.0) * np.pi * radius**2
    scene = scenes.Scene(y, x, np.full(36, radius), light, side, neurites=False, debris=0)
    seen = estimated(scene.camera(scene.photons(scene.light)))
    assert seen.certain
    assert seen.n >= 30
    assert seen.low_px < 2 * radius < seen.high_px
    assert seen.px == pytest.approx(2 * radius, rel=0.12)


@pytest.mark.parametrize("wrong", [0.5, 2.0])
def test_a_prior_wrong_by_two_does_not_matter(wrong):
    scene = scenes.Scene.random(24, side=384)
    image = scene.camera(scene.photons(scene.light))
    free, told = estimated(image), estimated(image, prior_px=16.0 * wrong)
    assert told.px == pytest.approx(free.px, rel=0.1)


def test_noise_has_no_size():
    image = np.random.default_rng(1).poisson(100, (256, 256)).astype(np.uint16)
    assert not estimated(image).certain


def test_two_somata_are_too_few_to_be_sure():
    scene = scenes.Scene.random(2, side=192)
    seen = estimated(scene.camera(scene.photons(scene.light)))
    assert seen.n < diameter.FEWEST
    assert not seen.certain


def test_the_size_of_real_nuclei_is_seen(shared_data):
    folder = shared_data / "nuclei_many_labs"
    errors = []
    for path in sorted(folder.glob("[0-9][0-9].tif"))[:12]:
        areas = np.bincount(tifffile.imread(path.with_name(f"{path.stem}_labels.tif")).ravel())
        true = 2 * np.sqrt(np.median(areas[1:][areas[1:] > 0]) / np.pi)
        errors.append(abs(np.log(estimated(tifffile.imread(path)).px / true)))
    assert np.median(errors) < 0.1
    assert np.max(errors) < 0.6


def test_a_size_that_is_not_certain_counts_little(monkeypatch):
    def told(certain, n=9):
        seen = diameter.SomaDiameter(20.0, 18.0, 22.0, n, certain)
        monkeypatch.setattr(diameter, "estimate", lambda level: seen)
        return diameter.size(lambda px: None)

    assert told(certain=True).log_sd == pytest.approx(0.05, abs=0.01)
    assert told(certain=False).log_sd >= 0.2
    assert told(certain=False, n=2).log_sd >= 0.3
    assert told(certain=True).diameter_px == told(certain=False).diameter_px == 20.0


def test_a_frame_without_somata_says_nothing(monkeypatch):
    nothing = diameter.SomaDiameter(np.nan, np.nan, np.nan, 0, False)
    monkeypatch.setattr(diameter, "estimate", lambda level: nothing)
    assert diameter.size(lambda px: None).n == 0
