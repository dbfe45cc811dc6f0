import numpy as np
import pytest
from scipy import ndimage

from livedeath.analysis import correct, outline, segment
from livedeath.model.optics import Camera
from outlines.images import Field, draw, empty_image, real
from outlines.judged import Score, score


def outlined(pixels, soma_px):
    frame = correct.level(correct.correct(pixels, Camera()), soma_px)
    found = segment.segment(frame, soma_px=soma_px / frame.binning, snr=5.0)
    kept = np.concatenate([[False], found.detections.strong])
    labels = found.labels
    labels = np.where(kept[labels], labels, 0)
    wide = np.repeat(np.repeat(labels, frame.binning, 0), frame.binning, 1)
    return wide[: pixels.shape[0], : pixels.shape[1]].astype(np.int32)


def pooled(images, change=lambda labels: labels):
    judged = [score(im.labels, change(outlined(im.pixels, im.soma_px))) for im in images]
    return sum(judged, Score()).f1


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        (Field(n=30, side=360, debris=15), (0.99, 0.97)),
        (Field(n=30, side=360, touching=1.0), (0.92, 0.88)),
        (Field(n=30, side=360, texture=0.7), (0.93, 0.88)),
        (Field(n=30, side=360, ball=True), (0.99, 0.98)),
        (Field(n=20, side=360, neurite_px=150.0), (0.9, 0.85)),
    ],
    ids=["plain", "touching", "grainy", "balls", "neurites"],
)
def test_drawn_somata_are_outlined(kind, least):
    images = list(draw(kind, "drawn"))[:2]
    assert (np.array(pooled(images)) >= least).all()


def narrowed(labels):
    """Return outlines two pixels narrower, as if one bright pixel had decided."""
    return np.where(ndimage.minimum_filter(labels, 5) == labels, labels, 0)


def test_outlines_of_real_nuclei_fit(shared_data):
    images = list(real(shared_data / "nuclei_many_labs", 0))[3:15]
    found = pooled(images)
    assert found[0] >= 0.8
    assert found[1] >= 0.68
    assert pooled(images, narrowed)[1] < 0.6


def test_noise_clipped_at_zero_has_no_outline():
    rng = np.random.default_rng(4)
    for soma_px in (8.0, 16.0, 40.0):
        assert outlined(empty_image(700, 3.0, rng).pixels, soma_px).max() == 0


def test_outlines_do_not_depend_on_the_unit_of_light():
    image = Field(n=12, side=200).image("one", np.random.default_rng(1))
    one, other = (outlined(image.pixels * factor, 16.0) for factor in (np.uint16(1), np.uint16(3)))
    assert one.max() > 0
    assert score(one, other).f1[1] == 1.0


def test_outlines_are_whole_and_without_holes():
    image = Field(n=12, side=200, texture=0.7).image("one", np.random.default_rng(1))
    labels = outlined(image.pixels, image.soma_px)
    for name in np.unique(labels[labels > 0]):
        own = labels == name
        assert ndimage.label(own)[1] == 1
        assert not (ndimage.binary_fill_holes(own) & ~own & (labels == 0)).any()


def test_the_score_is_a_table_of_overlaps():
    feature, threshold, leaves = outline.learnt()
    assert feature.shape == threshold.shape
    assert leaves.shape[1] == feature.shape[1] + 1
    assert leaves.max(axis=1).sum() > 0.9
    assert 0 <= feature.min() <= feature.max() < 21
