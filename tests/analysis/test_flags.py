"""Every flag is set by the analysis itself, in a scene of its own; a quiet scene has none."""

import dataclasses

import numpy as np
import pytest

import scenes
from livedeath.analysis.pipeline import Pipeline, join_traces
from livedeath.model.flags import DESCRIPTIONS, Flag

CHANNELS = ("fill", "indicator")
VISITS = 8


def scene(**more):
    """Return twelve bright somata at rest, far from each other and from the border."""
    made = scenes.Scene.random(12, margin=40, apart=40, neurites=False, debris=0, **more)
    return dataclasses.replace(made, light=np.full(12, 2e4))


SCENE = scene()


def analysed(visits, *, labels=None, calibrated=True, divisions=False):
    """Return the traces of a movie and its calls."""
    study = scenes.study(calibrated=calibrated)
    line = Pipeline(study.replace(analysis=study.analysis.replace(divisions=divisions)))
    outlines = labels or [None] * len(visits)
    pushed = zip(visits, outlines, strict=True)
    traces = join_traces([line.push(v, one).traces for v, one in pushed], CHANNELS)
    return traces, line.calls(traces)


def quiet(n=VISITS):
    return [SCENE.visit(t) for t in range(n)]


def with_images(visit, change):
    images = {name: change(image) for name, image in visit.images.items()}
    return dataclasses.replace(visit, images=images)


def clipped():
    ceiling = np.uint16(4095)
    bright = dataclasses.replace(SCENE, light=np.where(np.arange(12) == 0, 2e6, 2e4))
    return analysed([with_images(bright.visit(0), lambda i: np.minimum(i, ceiling))])


def touching():
    near = dataclasses.replace(SCENE, y=np.where(np.arange(12) == 0, 14.0, SCENE.y))
    return analysed([near.visit(0), near.visit(1, shift=(-10.0, 0.0))])


def outlined(*changes, **more):
    """Return traces under labels made elsewhere; each change makes a visit's from the truth."""
    truth = SCENE.truth()
    labels = [change(truth.copy()) for change in changes]
    return analysed(quiet(len(changes)), labels=labels, **more)


def same(truth):
    return truth


def without_first(truth):
    return np.where(truth == 1, 0, truth)


def halved(truth):
    upper = np.arange(256)[:, np.newaxis] < SCENE.y[0]
    return np.where((truth == 1) & upper, 13, truth)


def merged():
    both = np.zeros((256, 256), np.int32)
    both[100:120, 100:120], both[100:120, 120:140] = 1, 2
    one = np.where(both > 0, 1, 0)
    return analysed(quiet(2), labels=[both, one])


def outside():
    first = quiet(1)
    return analysed([*first, dataclasses.replace(SCENE.visit(1, shift=(-60.0, 0.0)))])


def faint():
    fold = np.where(np.arange(12) == 0, 0.0, 1.0)
    return analysed([SCENE.visit(0, fold=fold)])


def missing():
    visit = SCENE.visit(1)
    only = {"fill": visit.images["fill"]}
    lacks = dataclasses.replace(visit, images=only, missing={"indicator": "shutter"})
    return analysed([*quiet(1), lacks])


def stepped():
    fold = np.full(12, 1.5)
    step = dataclasses.replace(SCENE.visit(VISITS, fold=fold), intervened=True)
    return analysed([*quiet(), step])


def wild():
    fold = np.where(np.arange(12) == 0, 8.0, 1.0)
    return analysed([*quiet(), SCENE.visit(VISITS, fold=fold), SCENE.visit(VISITS + 1)])


def another_place():
    turned = with_images(SCENE.visit(2), lambda i: np.ascontiguousarray(i[::-1, ::-1]))
    return analysed([*quiet(2), turned], labels=[SCENE.truth()] * 3)


def black():
    return analysed([*quiet(2), with_images(SCENE.visit(2), np.zeros_like)])


def late():
    shown = np.arange(12) > 0
    return analysed([SCENE.visit(t, shown=shown if t < 2 else None) for t in range(4)])


SCENES = {
    Flag.CLIPPED: clipped,
    Flag.TOUCHES_BORDER: touching,
    Flag.MERGED: merged,
    Flag.DIVIDED: lambda: outlined(same, same, halved, halved, divisions=True),
    Flag.TRACK_GAP: lambda: outlined(same, without_first, same),
    Flag.MASK_LOST: lambda: outlined(same, without_first),
    Flag.OUTSIDE_COMMON_AREA: outside,
    Flag.LOW_LIGHT: faint,
    Flag.UNCALIBRATED: lambda: analysed(quiet(1), calibrated=False),
    Flag.MISSING_CHANNEL: missing,
    Flag.COMMON_STEP: stepped,
    Flag.OUTLIER: wild,
    Flag.UNREGISTERED: lambda: outlined(same, same, np.zeros_like),
    Flag.FIELD_FAULT: another_place,
    Flag.BAD_FRAME: black,
    Flag.DOUBTED: lambda: outlined(same, *[without_first] * 5),
    Flag.UNPROVEN: late,
}


def test_every_flag_has_a_description_and_a_scene():
    assert set(SCENES) == set(DESCRIPTIONS) == set(Flag)


@pytest.mark.parametrize("flag", SCENES, ids=lambda flag: flag.name)
def test_the_analysis_sets_the_flag_and_calls_join_it(flag):
    traces, calls = SCENES[flag]()
    assert (traces["flags"] & flag).any()
    for neuron, bits in zip(calls["neuron_id"], calls["flags"], strict=True):
        rows = traces["flags"][traces["neuron_id"] == neuron].tolist()
        joined = 0
        for row in rows:
            joined |= row
        assert bits == joined


def test_a_quiet_scene_sets_no_flag():
    traces, calls = analysed(quiet())
    assert len(calls["flags"]) == 12
    assert set(traces["flags"].tolist()) == {0}
    assert set(calls["flags"].tolist()) == {0}


def test_a_missed_visit_of_the_indicator_leaves_no_neuron_without_a_call():
    visit = SCENE.visit(0)
    only = dataclasses.replace(visit, images={"fill": visit.images["fill"]})
    traces, calls = analysed([dataclasses.replace(only, missing={"indicator": "shutter"})])
    assert sorted(calls["neuron_id"]) == sorted(traces["neuron_id"])
    assert (calls["flags"] & Flag.MISSING_CHANNEL).all()
    assert set(calls["outcome"]) == {"alive"}


def test_bits_of_flags_never_change():
    # Tables of earlier versions are read by these values.
    values = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
    names = (
        "CLIPPED TOUCHES_BORDER MERGED DIVIDED TRACK_GAP MASK_LOST OUTSIDE_COMMON_AREA LOW_LIGHT "
        "UNCALIBRATED MISSING_CHANNEL COMMON_STEP OUTLIER UNREGISTERED DOUBTED "
        "FIELD_FAULT BAD_FRAME UNPROVEN"
    ).split()
    assert {flag.name: int(flag) for flag in Flag} == dict(zip(names, values, strict=True))
