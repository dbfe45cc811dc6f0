"""Frames of which an offset was subtracted and nothing below 0 kept."""

import numpy as np
import pytest

import scenes
from livedeath.analysis import correct, segment
from livedeath.analysis.field import FieldPipeline
from livedeath.model.frame import Visit
from livedeath.model.optics import Camera, Optics
from livedeath.model.settings import AnalysisSettings


def empty(*, noise, sds, dtype=np.uint8, side=512, seed=1, planes=None):
    """Return noise of which nothing below 0 is kept; its mean lies so many sds above 0."""
    rng = np.random.default_rng(seed)
    shape = (side, side) if planes is None else (planes, side, side)
    values = rng.normal(sds * noise, noise, shape)
    return np.clip(np.rint(values), 0, 255).astype(dtype)


def found(image, soma_px, **more):
    frame = correct.level(correct.correct(image, Camera(), **more), soma_px)
    somata = segment.segment(frame, soma_px=soma_px / frame.binning, snr=5.0).detections
    return frame, int(somata.strong.sum())


@pytest.mark.parametrize("soma_px", [8.0, 16.0, 60.0])
@pytest.mark.parametrize("noise", [0.3, 1.0, 30.0])
@pytest.mark.parametrize("sds", [-1.0, 0.0, 1.0])
def test_nothing_is_found_where_there_is_nothing(soma_px, noise, sds):
    frame, n = found(empty(noise=noise, sds=sds), soma_px)
    assert n == 0
    assert frame.cut_off > 0.1


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("planes", [None, 3])
def test_the_same_holds_for_other_kinds_of_numbers_planes_and_flat_fields(dtype, planes):
    flat = np.linspace(0.7, 1.3, 512, dtype=np.float32) * np.ones((512, 1), np.float32)
    image = empty(noise=9.0, sds=0.0, dtype=dtype, planes=planes)
    for more in ({}, {"flat": flat}):
        frame, n = found(image, 16.0, **more)
        assert n == 0
        assert frame.cut_off > 0.3
        assert np.median(frame.noises) == pytest.approx(9.0 * (planes or 1) ** 0.5, rel=0.2)


@pytest.mark.parametrize(
    "least",
    [
        11,
        pytest.param(
            12,
            marks=pytest.mark.xfail(
                strict=True, reason="the faintest is lost with half of its background"
            ),
        ),
    ],
)
def test_somata_on_such_a_background_are_found(least):
    scene = scenes.Scene.random(12, side=256, neurites=False, debris=0)
    image = scene.camera(scene.photons(scene.light)).astype(np.int64)
    low = np.maximum(image - int(np.median(image)), 0).astype(np.uint16)
    frame, n = found(low, 16.0)
    assert least <= n <= 12
    assert frame.cut_off > 0.3


@pytest.mark.parametrize("noise", [0.3, 0.6, 3.0])
def test_a_whole_background_is_not_taken_for_one_that_was_cut_off(noise):
    values = np.random.default_rng(2).normal(100.4, noise, (512, 512))
    frame, n = found(np.rint(values).astype(np.uint16), 16.0)
    assert frame.cut_off == 0
    assert n == 0


def test_a_visit_says_whose_background_is_cut_off():
    images = {"fill": empty(noise=9.0, sds=0.0), "gedi": empty(noise=9.0, sds=9.0)}
    optics = Optics(pixel_size_um=1.0, image_shape_px=(512, 512))
    field = FieldPipeline(AnalysisSettings(), optics, shown_by="fill", channels=("fill", "gedi"))
    result = field.push(Visit(scenes.KEY, 0, 0.0, "s1", images))
    assert list(result.cut_off) == ["fill"]
    assert result.cut_off["fill"] == pytest.approx(0.52, abs=0.03)
