"""Images with true outlines: a folder of real ones, and fields of drawn somata.

Each image comes with labels (Y, X) and the diameter of its median soma. A drawn soma is a
slightly uneven ellipse with one fault at a time: it touches its neighbour, is grainy, is a
ball instead of a disc, has long neurites, or is hardly brighter than the noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from livedeath.simulation import shapes
from livedeath.simulation.parameters import CultureParameters

OFFSET_ADU = 100.0
READ_NOISE = 3.0
PLACES_TRIED = 4000


@dataclass(frozen=True)
class Image:
    """One image and its true outlines; ``soma_px`` is the diameter of the median one."""

    name: str
    pixels: NDArray[np.generic]
    labels: NDArray[np.int32]
    soma_px: float


def median_diameter(labels: NDArray[np.int32]) -> float:
    """Return the diameter of a disc of the median outline's area."""
    areas = np.bincount(labels.ravel())[1:]
    return float(2.0 * np.sqrt(np.median(areas[areas > 0]) / np.pi))


def real(folder: Path, remainder: int | None) -> Iterator[Image]:
    """Read ``NN.tif`` and ``NN_labels.tif``; a remainder by 2 chooses odd or even numbers."""
    for path in sorted(folder.glob("[0-9][0-9].tif")):
        if remainder is not None and int(path.stem) % 2 != remainder:
            continue
        labels = tifffile.imread(path.with_name(f"{path.stem}_labels.tif")).astype(np.int32)
        yield Image(path.stem, tifffile.imread(path), labels, median_diameter(labels))


@dataclass(frozen=True)
class Field:
    """A field of drawn somata; lengths in px.

    ``touching`` is the part of somata that are drawn against an earlier one, ``texture`` the
    coefficient of variation of the light inside, ``ball`` whether the light follows the
    thickness of a ball, ``snr`` the least and largest light of a soma per pixel in noises
    (log-uniform), ``neurite_px`` the length of a neurite.
    """

    n: int = 60
    side: int = 512
    radius: tuple[float, float] = (6.5, 10.0)
    touching: float = 0.0
    texture: float = 0.0
    ball: bool = False
    neurite_px: float = 0.0
    snr: tuple[float, float] = (10.0, 100.0)
    aspect: tuple[float, float] = (0.7, 1.0)
    blur: float = 1.0
    background: float = 200.0
    debris: int = 0
    grain: tuple[float, float] = (0.12, 0.25)

    def image(self, name: str, rng: np.random.Generator) -> Image:
        """Draw one image."""
        light = np.zeros((self.side, self.side))
        labels = np.zeros(light.shape, np.int32)
        placed: list[tuple[float, float, float]] = []
        for _ in range(PLACES_TRIED):
            if len(placed) == self.n:
                break
            self._add(rng, light, labels, placed)
        for _ in range(self.debris):
            y, x = rng.uniform(3, self.side - 4, 2)
            self._speck(rng, light, y, x)
        light = ndimage.gaussian_filter(light, self.blur)
        slope = np.linspace(0.8, 1.2, self.side)
        base = self.background * slope[:, None] * slope[None]
        shown = rng.poisson(np.maximum(base + light, 0)) + rng.normal(0, READ_NOISE, light.shape)
        pixels = np.clip(np.rint(shown + OFFSET_ADU), 0, 65535).astype(np.uint16)
        return Image(name, pixels, labels, median_diameter(labels))

    def _add(
        self,
        rng: np.random.Generator,
        light: NDArray[np.float64],
        labels: NDArray[np.int32],
        placed: list[tuple[float, float, float]],
    ) -> None:
        radius = rng.uniform(*self.radius)
        margin = 1.6 * self.radius[1]
        against = bool(placed) and len(placed) % 2 == 1 and rng.random() < self.touching
        y, x = rng.uniform(margin, self.side - margin, 2)
        if against:
            ay, ax, other = placed[-1]
            angle = rng.uniform(0, 2 * np.pi)
            reach = 0.92 * (other + radius)
            y, x = ay + reach * np.sin(angle), ax + reach * np.cos(angle)
            if not (margin < y < self.side - margin and margin < x < self.side - margin):
                return
        rest = placed[:-1] if against else placed
        if any(np.hypot(y - v, x - u) < 1.25 * (radius + r) + 2 for v, u, r in rest):
            return
        reach = int(2 * radius) + 2
        top, left = max(int(y) - reach, 0), max(int(x) - reach, 0)
        part = np.s_[top : int(y) + reach, left : int(x) + reach]
        light, labels, whole = light[part], labels[part], light
        yy, xx = np.mgrid[: light.shape[0], : light.shape[1]]
        rho = self._rho(rng, yy + top - y, xx + left - x, radius)
        inside = (rho <= 1) & (labels == 0)
        if against and inside.sum() < 0.6 * np.pi * radius**2:
            return
        placed.append((y, x, radius))
        labels[inside] = len(placed)
        noise = np.sqrt(self.background + READ_NOISE**2)
        height = noise * np.exp(rng.uniform(*np.log(self.snr)))
        shape = 1.5 * np.sqrt(np.maximum(1 - rho**2, 0)) if self.ball else np.ones(rho.shape)
        if self.texture:
            shape = shape * self._grains(rng, rho.shape, radius)
        light[inside] += (height * shape)[inside]
        if self.neurite_px:
            for angle in rng.uniform(0, 2 * np.pi, 3):
                self._neurite(whole, (y, x), angle, radius, rng.uniform(0.1, 0.3) * height)

    @staticmethod
    def _rho(
        rng: np.random.Generator, dy: NDArray[np.float64], dx: NDArray[np.float64], radius: float
    ) -> NDArray[np.float64]:
        axis, aspect = rng.uniform(0, np.pi), np.sqrt(rng.uniform(0.7, 1.0))
        u = (np.cos(axis) * dy + np.sin(axis) * dx) / aspect
        v = (np.cos(axis) * dx - np.sin(axis) * dy) * aspect
        theta = np.arctan2(u, v)
        wave = sum(0.05 / k * np.cos(k * theta + rng.uniform(0, 2 * np.pi)) for k in range(2, 5))
        return np.asarray(np.hypot(u, v) / (radius * (1 + wave)))

    def _grains(
        self, rng: np.random.Generator, shape: tuple[int, ...], radius: float
    ) -> NDArray[np.float64]:
        """Return a positive random field of mean 1 and the wanted coefficient of variation."""
        scale = rng.uniform(*self.grain) * 2 * radius
        waves = ndimage.gaussian_filter(rng.normal(size=shape), scale / 2)
        log_sd = np.sqrt(np.log(1 + self.texture**2))
        return np.asarray(np.exp(waves / waves.std() * log_sd - log_sd**2 / 2))

    def _neurite(
        self,
        light: NDArray[np.float64],
        start: tuple[float, float],
        angle: float,
        radius: float,
        height: float,
    ) -> None:
        steps = np.arange(radius, radius + self.neurite_px, 0.5)
        bend = angle + 0.6 * np.sin(steps / 40)
        y = np.rint(start[0] + np.cumsum(np.sin(bend)) * 0.5 + radius * np.sin(angle)).astype(int)
        x = np.rint(start[1] + np.cumsum(np.cos(bend)) * 0.5 + radius * np.cos(angle)).astype(int)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                v, u = y + dy, x + dx
                kept = (v >= 0) & (v < self.side) & (u >= 0) & (u < self.side)
                np.maximum.at(light, (v[kept], u[kept]), height)

    def _speck(
        self, rng: np.random.Generator, light: NDArray[np.float64], y: float, x: float
    ) -> None:
        radius = rng.uniform(0.08, 0.22) * 2 * self.radius[0]
        height = np.sqrt(self.background) * np.exp(rng.uniform(np.log(5), np.log(80)))
        reach = int(radius) + 2
        top, left = max(int(y) - reach, 0), max(int(x) - reach, 0)
        part = light[top : int(y) + reach, left : int(x) + reach]
        yy, xx = np.mgrid[: part.shape[0], : part.shape[1]]
        part += height * (np.hypot(yy + top - y, xx + left - x) < radius)


@dataclass(frozen=True)
class Neurons:
    """A field of simulated neurons with neurites and grainy somata, some over each other.

    ``pixel_um`` is the size of a pixel, ``electrons`` the least and largest light of a neuron
    (log-uniform); the truth is what a soma alone shows above half of its median light.
    """

    n: int = 40
    side: int = 400
    pixel_um: float = 0.65
    electrons: tuple[float, float] = (3e3, 2e5)
    background: float = 60.0
    soma_cv: float = 0.5
    blur_px: float = 0.8
    debris: int = 15

    def image(self, name: str, rng: np.random.Generator) -> Image:
        """Draw one image."""
        light, labels = np.zeros((self.side, self.side)), np.zeros((self.side,) * 2, np.int32)
        culture = CultureParameters(soma_cv=self.soma_cv)
        for number in range(1, self.n + 1):
            cloud = shapes.neuron(
                rng, rng.lognormal(np.log(8.0), 0.2), culture, grain_um=0.6 * self.pixel_um
            )
            place = rng.uniform(0, self.side, 2)
            total = np.exp(rng.uniform(*np.log(self.electrons)))
            soma = self._spread(cloud.soma_y, cloud.soma_x, cloud.soma_w, place)
            light += total * 0.7 * soma
            light += (
                total * 0.3 * self._spread(cloud.neurite_y, cloud.neurite_x, cloud.neurite_w, place)
            )
            inside = soma > 0.2 * soma.max()
            inside &= soma > 0.5 * np.median(soma[inside]) if inside.any() else inside
            labels[inside & (labels == 0)] = number
        for _ in range(self.debris):
            y, x = rng.uniform(3, self.side - 4, 2).astype(int)
            radius = rng.uniform(0.5, 2.0) / self.pixel_um
            yy, xx = np.mgrid[: self.side, : self.side]
            light += np.exp(rng.uniform(2, 6)) * (np.hypot(yy - y, xx - x) < radius)
        light = ndimage.gaussian_filter(light, self.blur_px)
        shown = rng.poisson(self.background + light) + rng.normal(0, 1.6, light.shape)
        pixels = np.clip(np.rint(shown / 0.46 + OFFSET_ADU), 0, 65535).astype(np.uint16)
        return Image(name, pixels, labels, 16.0 / self.pixel_um)

    def _spread(
        self,
        y: NDArray[np.float32],
        x: NDArray[np.float32],
        weights: NDArray[np.float32],
        place: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        edges = np.arange(self.side + 1)
        at = (y / self.pixel_um + place[0], x / self.pixel_um + place[1])
        spread = np.histogram2d(*at, bins=(edges, edges), weights=weights)[0]
        return np.asarray(ndimage.gaussian_filter(spread, self.blur_px))


def empty_image(side: int, noise: float, rng: np.random.Generator) -> Image:
    """Draw noise without somata whose darker half is clipped at 0, as after an offset."""
    pixels = rng.normal(0, noise, (side, side)).clip(0, None).round().astype(np.uint16)
    return Image("empty", pixels, np.zeros((side, side), np.int32), 1.0)


SEEDS = (1, 2, 3, 4)
"""One image of a set is drawn with each."""


def draw(kind: Field | Neurons, name: str) -> Iterator[Image]:
    """Draw one image per seed."""
    for seed in SEEDS:
        yield kind.image(f"{name}-{seed}", np.random.default_rng(seed))


FIELDS = {
    "plain": Field(debris=20),
    "touching fraction 1": Field(touching=1.0),
    "texture .7": Field(texture=0.7),
    "ball profile": Field(ball=True),
    "neurites 200 px": Field(neurite_px=200.0, n=40),
    "pixel SNR .5": Field(snr=(0.5, 0.5), n=40, radius=(9.0, 10.0)),
    "pixel SNR 1": Field(snr=(1.0, 1.0), n=40),
    "neurons with neurites": Neurons(),
    "large textured touching": Field(
        touching=0.6, texture=0.5, radius=(16, 28), n=40, side=700, aspect=(0.6, 1.0)
    ),
}
"""Sets of drawn images, by the name of their row."""
