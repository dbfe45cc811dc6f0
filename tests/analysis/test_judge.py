"""Frames are judged from camera values before any neuron; deaths are not mistaken for faults."""

import numpy as np
import pytest
from scipy import ndimage

from field_faults import Movie
from livedeath.analysis.judge import Judge
from livedeath.analysis.pipeline import Pipeline, join_traces
from livedeath.model.flags import Flag
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.optics import Camera
from livedeath.model.study import Study

CALIBRATED = {"offset_adu": 100.0, "gain_e_per_adu": 0.46, "read_noise_e": 1.6}
HALF = np.where(np.arange(Movie.side) < Movie.side // 2, 0.03, 1.0)
FAULTS = {
    "dark once": ({9}, {"light": 0.0}, {"dark"}),
    "dark three times": ({9, 10, 11}, {"light": 0.0}, {"dark"}),
    "dark at first": ({0}, {"light": 0.0}, {"dark"}),
    "every second dark": ({5, 7, 9, 11, 13, 15}, {"light": 0.0}, {"dark"}),
    "out of focus twice": ({9, 10}, {"blur": 6.0}, {"out of focus"}),
    "half of it obstructed": ({9, 10}, {"shadow": HALF}, {"obstructed"}),
    "lamp at 40 % for good": (set(range(9, 16)), {"light": 0.4}, set()),
    "exposure doubled": ({9}, {"light": 2.0}, set()),
}


def study_of(movie, camera):
    roles = {"fill": "fill", "indicator": "indicator"}
    return Study.model_validate(
        {
            "schema_version": 1,
            "title": "a field",
            "vessels": [{"id": "p", "wells": ["A1"]}],
            "optics": {
                "pixel_size_um": 1.0,
                "image_shape_px": [movie.side, movie.side],
                "camera": camera,
            },
            "channels": [
                {"name": name, "role": roles[name], "exposure_ms": 100.0} for name in movie.channels
            ],
            "schedule": {"times_h": [2.0 * k for k in range(movie.visits)]},
        }
    )


def watched(movie, *, at=frozenset(), camera=CALIBRATED, restart_at=None, **fault):
    """Return pipeline, traces and calls of a movie with a fault at some visits."""
    study = study_of(movie, camera)
    pipeline, blocks = Pipeline(study), []
    for k in range(movie.visits):
        how = fault if k in at else {}
        images = {name: movie.frame(k, name, **how) for name in movie.channels}
        if k == restart_at:
            state = pipeline.state()
            pipeline = Pipeline(study)
            pipeline.restore(state)
        blocks.append(pipeline.push(Visit(FieldKey("p", 0, "A1", 0), k, 2.0 * k, "s", images)))
    traces = join_traces([block.traces for block in blocks], pipeline.channels)
    return pipeline, traces, pipeline.calls(traces)


@pytest.mark.parametrize("camera", [CALIBRATED, {}], ids=["calibrated", "uncalibrated"])
@pytest.mark.parametrize("indicator", [True, False], ids=["indicator", "fill only"])
@pytest.mark.parametrize(("at", "fault", "reasons"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_frames_kills_nobody(at, fault, reasons, indicator, camera):
    pipeline, traces, calls = watched(
        Movie(4, indicator=indicator), at=at, camera=camera, **fault
    )  # fmt: skip
    assert calls["neuron_id"].size >= Movie.neurons - 2
    assert not np.isfinite(calls["called_at_h"]).any()
    bad = (traces["flags"] & Flag.BAD_FRAME) > 0
    assert set(traces["t"][bad].tolist()) <= at
    if camera and reasons:
        assert set(pipeline.bad_frames) == reasons
    if not reasons:
        assert not bad.any()


@pytest.mark.parametrize("indicator", [True, False], ids=["indicator", "fill only"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_field_that_dies_at_once_is_called_within_three_visits(seed, indicator):
    movie = Movie(seed, indicator=indicator, dies=True)
    pipeline, traces, calls = watched(movie)
    assert pipeline.bad_frames == {}
    assert not (traces["flags"] & Flag.BAD_FRAME).any()
    in_time = calls["called_at_h"] <= 2.0 * (movie.when + 2)
    assert (calls["called_at_h"][np.isfinite(calls["called_at_h"])] >= 2.0 * movie.when).all()
    assert in_time.mean() > 0.9


def test_a_death_after_dark_frames_is_found():
    movie = Movie(3, indicator=False, dies=True)
    _, _, calls = watched(movie, at={8, 9, 10}, light=0.0)
    assert np.mean(calls["outcome"] == "dead") > 0.95
    assert (calls["called_at_h"] > 2.0 * 10).all()


def test_light_that_goes_for_good_loses_neurons_by_name():
    _, _, calls = watched(Movie(2, indicator=False), at=set(range(9, 16)), light=0.0)
    assert set(calls["outcome"]) == {"lost"}
    assert set(calls["loss_reason"]) == {"field_fault"}
    assert (calls["last_alive_h"] == 2.0 * 8).all()


def test_a_restart_between_bad_frames_changes_nothing():
    asked = {"at": {7, 8, 9}, "blur": 6.0}
    plain, traces, _ = watched(Movie(6), **asked)
    again, restarted, _ = watched(Movie(6), restart_at=8, **asked)
    assert plain.bad_frames == again.bad_frames
    for name, values in traces.items():
        np.testing.assert_array_equal(values, restarted[name])


def test_a_bad_frame_of_a_channel_that_is_not_scored_is_only_not_measured():
    movie = Movie(5)
    marked = study_of(movie, CALIBRATED)
    marked = marked.model_dump(mode="json", exclude_none=True)
    marked["channels"].append({"name": "nucleus", "role": "nucleus", "exposure_ms": 100.0})
    pipeline = Pipeline(Study.model_validate(marked))
    for k in range(4):
        images = {name: movie.frame(k, name) for name in movie.channels}
        images["nucleus"] = movie.frame(k, "fill", light=0.0 if k == 3 else 1.0)
        traces = pipeline.push(Visit(FieldKey("p", 0, "A1", 0), k, 2.0 * k, "s", images)).traces
    assert pipeline.bad_frames == {"dark": 1}
    assert np.isnan(traces["nucleus"]).all()
    assert np.isfinite(traces["fill"]).all()
    assert not (traces["flags"] & Flag.BAD_FRAME).any()


def test_a_frame_at_the_ceiling_is_saturated():
    movie = Movie(1)
    judge = Judge(Camera(**CALIBRATED, saturation_adu=4095), 16, 16.0)
    for k in range(3):
        assert judge.push(movie.frame(k, "fill")).reason == ""
    bright = np.minimum(movie.frame(3, "fill", light=30.0), 4095)
    assert judge.push(bright).reason == "saturated"
    assert Judge(Camera(saturation_adu=4095), 16, 16.0).push(np.full((64, 64), 4095)).whole


@pytest.mark.parametrize("bright", [1.0, 8.0], ids=["dim", "bright"])
def test_a_dim_channel_that_wavers_is_not_out_of_focus(bright):
    """Of structure of a few standard deviations it is not known how sharp it is."""
    rng = np.random.default_rng(7)
    spots = np.zeros((256, 256))
    spots[tuple(rng.integers(20, 236, (2, 30)))] = 2.0 * np.pi * 25.0
    scene = 4.0 * bright * ndimage.gaussian_filter(spots, 5.0)
    judge = Judge(Camera(**CALIBRATED), 16, 31.0)

    def frame(light):
        seen = light * np.exp(0.15 * rng.normal()) + 4.0
        electrons = rng.poisson(seen) + 1.6 * rng.normal(size=light.shape)
        return np.clip(np.rint(electrons / 0.46 + 100), 0, 65535).astype(np.uint16)

    assert {judge.push(frame(scene)).reason for _ in range(150)} == {""}
    if bright > 1.0:
        assert judge.push(frame(ndimage.gaussian_filter(scene, 6.0))).reason == "out of focus"


def dim_frames(seed, light):
    """Iterate over frames of a light, electrons per pixel, that a calibrated camera gives."""
    rng = np.random.default_rng(seed)
    while True:
        electrons = rng.poisson(light) + 1.6 * rng.normal(size=light.shape)
        yield np.clip(np.rint(electrons / 0.46 + 100), 0, 65535).astype(np.uint16)


def test_a_field_without_structure_is_known_before_half_of_it_is_obstructed():
    """The obstructed frame, the first with an edge in it, is not how the field looks."""
    plain, half = np.full((256, 256), 4.0), np.full((256, 256), 4.0)
    half[:, :128] = 0.1
    judge, frames = Judge(Camera(**CALIBRATED), 16, 31.0), dim_frames(3, plain)
    assert {judge.push(next(frames)).reason for _ in range(5)} == {""}
    verdict = judge.push(next(dim_frames(4, half)))
    assert verdict.reason == "obstructed"
    assert verdict.bad[:, :3].all()
    assert not verdict.bad[:, 6:].any()
    assert {judge.push(next(frames)).reason for _ in range(5)} == {""}


@pytest.mark.parametrize(("left", "reason"), [(4.0, ""), (0.1, "obstructed")])
def test_a_soma_that_leaves_a_tile_is_no_obstruction_but_less_than_background_is(left, reason):
    full = np.full((256, 256), 4.0)
    full[96:160, 96:160] = 30.0
    judge, frames = Judge(Camera(**CALIBRATED), 16, 31.0), dim_frames(5, full)
    assert {judge.push(next(frames)).reason for _ in range(5)} == {""}
    after = full.copy()
    after[96:160, 96:160] = left
    assert judge.push(next(dim_frames(6, after))).reason == reason


@pytest.mark.parametrize("dtype", ["uint8", ">u2", "int32", "float32", "float16", "bool"])
@pytest.mark.parametrize("shape", [(16, 16), (2, 40, 33), (700, 20)])
def test_frames_of_any_type_and_size_are_judged(shape, dtype):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 200, shape).astype(dtype)
    verdict = Judge(Camera(), None, 16.0).push(image)
    assert verdict.bad.shape == verdict.background.shape
    assert Judge(Camera(), None, 16.0).push(image[..., ::-1]).reason == verdict.reason


def test_large_somata_on_a_background_too_dim_to_be_missed_are_no_obstruction():
    """At 40x the background is two camera units: tiles waver by half of it, and somata move."""
    rng = np.random.default_rng(8)
    judge = Judge(Camera(**CALIBRATED), 16, 49.0)
    y, x = np.mgrid[:1024, :1024]
    places, reasons = rng.uniform(80, 940, (30, 2)), set()
    for k in range(12):
        light = np.full((1024, 1024), 1.06)
        places = places + rng.normal(0, 12, places.shape)
        for cy, cx in places:
            light += 3.0 * (np.hypot(y - cy, x - cx) < 25)
        reasons.add(judge.push(next(dim_frames(k, light))).reason)
    assert reasons == {""}
