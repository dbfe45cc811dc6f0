"""Small synthetic fields for the tests of the image core: somata, neurites, debris, noise."""

import dataclasses

import numpy as np

from livedeath.kernels.runs import runs_of
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.measures import Outlined, Runs
from livedeath.model.study import Study

OFFSET_ADU = 100.0
GAIN = 0.46
READ_NOISE_E = 1.6
KEY = FieldKey("plate1", 0, "A1", 0)

STUDY = """
title = "a field"
[[vessels]]
id = "plate1"
[optics]
pixel_size_um = {pixel}
image_shape_px = [{side}, {side}]
[optics.camera]
{camera}
[[channels]]
name = "fill"
role = "fill"
exposure_ms = 75
{indicator}
[schedule]
interval_h = 4
duration_h = 40
"""
CAMERA = f"offset_adu = {OFFSET_ADU}\ngain_e_per_adu = {GAIN}\nread_noise_e = {READ_NOISE_E}"
INDICATOR = '[[channels]]\nname = "indicator"\nrole = "indicator"\nexposure_ms = 75'


def study(*, side=256, pixel=1.0, calibrated=True, indicator=True) -> Study:
    """Return a study of one field."""
    text = STUDY.format(
        pixel=pixel,
        side=side,
        camera=CAMERA if calibrated else "",
        indicator=INDICATOR if indicator else "",
    )
    return Study.from_toml(text)


@dataclasses.dataclass
class Scene:
    """Neurons at rest in one field; lengths in px.

    ``light`` is each soma's whole signal in electrons, in the fill; the indicator has a
    tenth of it.
    """

    y: np.ndarray
    x: np.ndarray
    radius: np.ndarray
    light: np.ndarray
    side: int = 256
    background: float = 60.0
    neurites: bool = True
    debris: int = 6
    seed: int = 1

    @classmethod
    def random(cls, n=20, *, side=256, apart=26.0, low=2e3, high=4e4, seed=1, margin=14, **more):
        """Draw somata that do not touch."""
        rng = np.random.default_rng(seed)
        places = []
        while len(places) < n:
            place = rng.uniform(margin, side - margin, 2)
            if all(np.hypot(*(place - other)) > apart for other in places):
                places.append(place)
        y, x = np.array(places).T
        light = np.exp(rng.uniform(np.log(low), np.log(high), n))
        return cls(y, x, rng.uniform(6.5, 9.5, n), light, side, seed=seed, **more)

    def __len__(self):
        return self.y.size

    def truth(self, *, shift=(0.0, 0.0)):
        """Return outlines (Y, X) int32; the nearer soma wins."""
        yy, xx = np.mgrid[: self.side, : self.side]
        labels = np.zeros((self.side, self.side), np.int32)
        best = np.full(labels.shape, np.inf)
        for k in range(len(self)):
            r = np.hypot(yy - self.y[k] - shift[0], xx - self.x[k] - shift[1]) / self.radius[k]
            labels[(r <= 1.0) & (r < best)] = k + 1
            best = np.minimum(best, r)
        return labels

    def photons(self, light, *, shift=(0.0, 0.0), shown=None):
        """Return the expected electrons (Y, X) without noise."""
        yy, xx = np.mgrid[: self.side, : self.side].astype(np.float32)
        slope = self.background * (1.0 + 0.3 * (yy + xx) / (2 * self.side))
        image = slope.astype(np.float64)
        rng = np.random.default_rng(self.seed)
        for k in range(len(self)):
            y, x = self.y[k] + shift[0], self.x[k] + shift[1]
            angle, reach = rng.uniform(0, np.pi, 3), rng.uniform(30, 70, 3)
            if shown is not None and not shown[k]:
                continue
            r = np.hypot(yy - y, xx - x) / self.radius[k]
            dome = 1.0 / (1.0 + np.exp(np.minimum((r - 1.0) * 2.2 * self.radius[k], 60.0)))
            dome *= 1.0 - 0.35 * np.minimum(r, 1.0) ** 2
            image += light[k] * dome / dome.sum()
            if self.neurites:
                peak = light[k] / (np.pi * self.radius[k] ** 2)
                for a, length in zip(angle, reach, strict=True):
                    along = np.sin(a) * (yy - y) + np.cos(a) * (xx - x)
                    across = np.cos(a) * (yy - y) - np.sin(a) * (xx - x)
                    image += (
                        0.15
                        * peak
                        * np.exp(-0.5 * (across / 1.0) ** 2)
                        * ((along > 0) & (along < length))
                    )
        for _ in range(self.debris):
            y, x = rng.uniform(5, self.side - 5, 2) + shift
            image += rng.uniform(20, 200) * np.exp(-0.5 * ((yy - y) ** 2 + (xx - x) ** 2) / 1.2**2)
        return image

    def camera(self, photons, *, seed=0, calibrated=True):
        """Return what a camera makes of the photons (uint16)."""
        rng = np.random.default_rng([self.seed, seed])
        electrons = rng.poisson(photons) + rng.normal(0, READ_NOISE_E, photons.shape)
        return np.clip(np.rint(electrons / GAIN + OFFSET_ADU), 0, 65535).astype(np.uint16)

    def visit(self, t, *, shift=(0.0, 0.0), fold=None, shown=None, hours=4.0, indicator=True):
        """Return a visit at ``t * hours``; ``fold`` multiplies each neuron's indicator."""
        fold = np.ones(len(self)) if fold is None else fold
        fill = self.photons(self.light, shift=shift, shown=shown)
        images = {"fill": self.camera(fill, seed=2 * t)}
        if indicator:
            lit = self.photons(0.1 * self.light * fold, shift=shift, shown=shown)
            images["indicator"] = self.camera(lit, seed=2 * t + 1)
        return Visit(KEY, t, t * hours, "s1", images)


def runs(labels):
    """Return the outlines of a label image as runs."""
    return Runs(runs_of(np.ascontiguousarray(labels, np.int32)), labels.shape)


def outlined(labels):
    """Return a label image whose labels are neurons' ids as what a visit gives."""
    ids = np.arange(int(labels.max()) + 1, dtype=np.int32)
    return Outlined(runs(labels), ids, 1, labels.shape)


def match(labels, truth, least_iou=0.5):
    """Return for each true outline the label that covers it with enough overlap, else 0."""
    found = np.zeros(int(truth.max()) + 1, np.int64)
    for k in range(1, found.size):
        inside = labels[truth == k]
        if inside.size == 0 or not inside.any():
            continue
        best = np.bincount(inside[inside > 0]).argmax()
        overlap = (inside == best).sum()
        union = inside.size + (labels == best).sum() - overlap
        found[k] = best if overlap >= least_iou * union else 0
    return found[1:]
