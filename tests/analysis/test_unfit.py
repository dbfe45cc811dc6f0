"""Images in which somata are not what is bright are told from those in which they are."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tifffile

import scenes
from livedeath.analysis import correct, unfit
from livedeath.analysis.pipeline import Pipeline
from livedeath.model.optics import Camera

NUCLEI = sorted((Path(__file__).parents[1] / "data" / "nuclei").glob("*.tif"))
WIDTHS_PX = (8.0, 16.0, 32.0)


def kinds(image, soma_px=16.0, bit_depth=None):
    ceiling = correct.ceiling(image, Camera(), bit_depth)
    return [fault.kind for fault in unfit.faults(image, soma_px=soma_px, ceiling=ceiling)]


@pytest.fixture(scope="module")
def scene():
    return scenes.Scene.random(20, low=3e4, seed=3)


@pytest.fixture(scope="module")
def fluorescence(scene):
    return scene.visit(0).images["fill"]


def transmitted(scene, *, halo, seed=0):
    """Return somata that are darker than a grey background, with bright halos around them."""
    y, x = np.mgrid[: scene.side, : scene.side]
    image = np.full((scene.side, scene.side), 2000.0)
    for k in range(len(scene)):
        r = np.hypot(y - scene.y[k], x - scene.x[k]) / scene.radius[k]
        image -= 600.0 * (r < 1.0)
        image += halo * np.exp(-0.5 * ((r - 1.5) / 0.35) ** 2)
    return np.random.default_rng(seed).poisson(image).astype(np.uint16)


@pytest.mark.parametrize("path", NUCLEI, ids=lambda path: path.stem)
@pytest.mark.parametrize("soma_px", WIDTHS_PX)
def test_fluorescence_of_several_laboratories_is_fit_and_its_negative_is_not(path, soma_px):
    image = tifffile.imread(path)
    assert kinds(image, soma_px) == []
    assert kinds(image.max() - image, soma_px)[0] in (unfit.INVERTED, unfit.TWO_SIDED)


@pytest.mark.parametrize("path", NUCLEI, ids=lambda path: path.stem)
def test_a_negative_is_called_one(path):
    image = tifffile.imread(path)
    assert unfit.INVERTED in kinds(255 - image, 24.0)


def test_made_fluorescence_is_fit_and_its_negative_is_not(fluorescence):
    assert kinds(fluorescence) == []
    assert kinds(fluorescence.max() - fluorescence)[0] == unfit.INVERTED


def test_phase_contrast_is_told_by_its_halos(scene):
    assert kinds(transmitted(scene, halo=500.0)) == [unfit.TWO_SIDED]
    assert kinds(transmitted(scene, halo=0.0)) == [unfit.INVERTED]


@pytest.mark.parametrize("name", ["camera", "moon", "grass", "gravel", "text", "page"])
def test_what_is_no_micrograph_is_unfit(name):
    assert kinds(getattr(skimage.data, name)(), 20.0)


@pytest.mark.parametrize("level", [5.0, 100.0, 3000.0])
@pytest.mark.parametrize("soma_px", WIDTHS_PX)
def test_noise_and_few_bright_specks_are_fit(level, soma_px):
    rng = np.random.default_rng(4)
    image = rng.poisson(level, (300, 300)) + 100
    assert kinds(image.astype(np.uint16), soma_px) == []
    image[rng.integers(0, 300, 30), rng.integers(0, 300, 30)] += 5000
    assert kinds(image.astype(np.uint16), soma_px) == []


def test_shading_is_fit(fluorescence):
    y, x = np.mgrid[:256, :256]
    shade = 1.0 - 0.6 * ((y - 128) ** 2 + (x - 128) ** 2) / (2 * 128**2)
    assert kinds((fluorescence * shade).astype(np.uint16)) == []


@pytest.mark.parametrize("sd", [1.0, 4.0])
def test_an_offset_that_was_taken_away_is_told(fluorescence, sd):
    noise = np.random.default_rng(1).normal(0, sd, fluorescence.shape)
    light = fluorescence.astype(np.float64) - np.median(fluorescence)
    clipped = np.clip(np.rint(np.where(light > 100, light, noise)), 0, None).astype(np.uint16)
    (fault,) = unfit.faults(clipped, soma_px=16.0, ceiling=None)
    assert (fault.kind, fault.value) == (unfit.FLOOR, 0.0)
    assert fault.share == pytest.approx(np.mean(clipped == 0))
    assert kinds(clipped + np.uint16(7)) == [unfit.FLOOR]
    whole = np.rint(noise + 50.0).astype(np.uint16)
    assert kinds(whole) == []


def test_saturated_pixels_are_told_from_5_percent_on(fluorescence):
    for share, expected in ((0.03, []), (0.07, [unfit.CEILING])):
        image = fluorescence.copy()
        image[: int(share * 256)] = 65535
        found = [kind for kind in kinds(image) if kind == unfit.CEILING]
        assert found == expected


def test_the_ceiling_of_12_bits_is_told(fluorescence):
    image = np.minimum(fluorescence.astype(np.int64) * 6, 4095).astype(np.uint16)
    assert kinds(image) == [unfit.HIDDEN_CEILING]
    assert kinds(np.minimum(image, 3000).astype(np.uint16)) == []


def pushed(images):
    """Return what a pipeline says of fields with these images."""
    line = Pipeline(scenes.study())
    scene = scenes.Scene.random(6, seed=2)
    for number, image in enumerate(images):
        visit = scene.visit(0)
        visit.images["fill"] = image
        field = visit.field._replace(field=number)
        line.push(type(visit)(field, 0, 0.0, "s1", visit.images))
    return line


def test_what_is_unfit_is_said_once_per_channel_with_the_number_of_fields(fluorescence):
    negative = fluorescence.max() - fluorescence
    said = pushed([negative, negative, fluorescence]).noted["warnings"]
    assert len(said) == 1
    assert said[0].startswith("fill: what stands out is darker")
    assert "in 2 of 3 fields" in said[0]


def test_one_odd_field_and_good_images_say_nothing(fluorescence):
    negative = fluorescence.max() - fluorescence
    assert pushed([fluorescence, fluorescence, negative]).noted["warnings"] == []


def test_a_floor_in_one_field_is_said_and_kept_over_a_restart(fluorescence):
    clipped = np.clip(fluorescence.astype(np.int64) - 230, 0, None).astype(np.uint16)
    line = pushed([fluorescence, clipped, fluorescence])
    (said,) = line.noted["warnings"]
    share = 100 * np.mean(clipped == 0)
    assert f"fill: {share:.2g} % of the pixels stand at the floor of 0 in 1 of 3 fields" in said
    again = Pipeline(scenes.study())
    again.restore(line.state())
    assert again.noted == line.noted
