"""What a neuron looks like: a random generator goes in, points of light come out.

A neuron is a cloud of points with weights. Points can be turned, shifted by a fraction of
a pixel, shrunk and made into beads without ever resampling an image; the camera adds them
up per pixel and blurs them once. Distances are micrometres from the soma's centre, (y, x).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.simulation.parameters import CultureParameters

NUCLEUS = 0.55
"""Radius of the nucleus as a share of the soma's."""

BEAD_UM = 4.0
"""Distance between the beads of a fragmenting neurite (2-6 um in published images)."""

Floats = NDArray[np.float32]


class Cloud(NamedTuple):
    """Points of one neuron, its soma and its neurites.

    ``soma_*`` weights sum to 1, so do ``nucleus`` and ``neurite_w``; ``beads`` are the
    weights of the same neurite points once it has fragmented, and sum to 1 too.
    """

    soma_y: Floats
    soma_x: Floats
    soma_w: Floats
    nucleus: Floats
    neurite_y: Floats
    neurite_x: Floats
    neurite_w: Floats
    beads: Floats


def neuron(
    rng: np.random.Generator, radius_um: float, p: CultureParameters, *, grain_um: float
) -> Cloud:
    """Draw one neuron.

    Parameters
    ----------
    rng : Generator
        Its own; the shape depends on nothing else.
    radius_um : float
        Radius of the circle of the soma's area.
    p : CultureParameters
        Profile and texture of somata, length and branches of neurites.
    grain_um : float
        Distance between points, below the pixel size.
    """
    angles = _neurite_angles(rng)
    outline = _Outline(rng, radius_um, angles, p)
    y, x, w, nucleus = _soma(rng, outline, p, grain_um=grain_um)
    parts = [_neurite(rng, outline, angle, p, grain_um=grain_um) for angle in angles]
    if p.granules > 0:
        w = _normal(w * _granules(rng, y, x, p))
    ny, nx, nw, beads = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Cloud(y, x, w, nucleus, ny, nx, _normal(nw), _normal(beads))


def soma(
    rng: np.random.Generator, radius_um: float, p: CultureParameters, *, grain_um: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Draw a cell without neurites: y, x, weights of its light and of its nucleus."""
    outline = _Outline(rng, radius_um, np.zeros(0), p)
    y, x, w, nucleus = _soma(rng, outline, p, grain_um=grain_um)
    if p.granules > 0:
        w = _normal(w * _granules(rng, y, x, p))
    return y, x, w, nucleus


def _neurite_angles(rng: np.random.Generator) -> NDArray[np.float64]:
    """Spread three to six neurites around the soma, unevenly."""
    count = int(rng.integers(3, 7))
    even = np.arange(count) * 2 * np.pi / count
    return np.asarray(even + rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.35, count))


class _Outline:
    """Radius of a soma as a function of the angle: an ellipse drawn out to its neurites."""

    def __init__(
        self,
        rng: np.random.Generator,
        radius_um: float,
        angles: NDArray[np.float64],
        p: CultureParameters,
    ) -> None:
        self.axis = rng.uniform(0, np.pi)
        self.aspect = rng.uniform(p.soma_aspect, 1.0)
        self.angles = angles
        self.tips = p.soma_corners * rng.uniform(0.1, 0.45, angles.size)
        self.scale = 1.0
        around = self(np.linspace(0, 2 * np.pi, 180, endpoint=False))
        self.scale = radius_um / float(np.sqrt(np.mean(around**2)))

    def __call__(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        turned = theta - self.axis
        ellipse = 1.0 / np.sqrt(np.cos(turned) ** 2 + (np.sin(turned) / self.aspect) ** 2)
        apart = np.cos(theta[:, None] - self.angles) - 1.0
        return np.asarray(self.scale * (ellipse + (self.tips * np.exp(14.0 * apart)).sum(1)))


def _soma(
    rng: np.random.Generator, outline: _Outline, p: CultureParameters, *, grain_um: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Fill the outline: a dome, darker over the nucleus, grainy to the measured variation."""
    half = 1.6 * outline.scale
    line = np.arange(-half, half, grain_um)
    y, x = (
        a.ravel() + rng.uniform(-0.4, 0.4, line.size**2) * grain_um
        for a in np.meshgrid(line, line, indexing="ij")
    )
    rho = np.hypot(y, x) / outline(np.arctan2(y, x))
    y, x, rho = y[rho < 1], x[rho < 1], rho[rho < 1]
    dome = (1.0 - rho**2) ** p.soma_dome
    off = rng.normal(0, 0.12, 2) * outline.scale
    inside = np.hypot(y - off[0], x - off[1]) < NUCLEUS * outline.scale
    dome *= np.where(inside, 0.8, 1.0)
    # Variations multiply: 1 + cv^2 of the whole is the product over dome and grain.
    own = np.var(dome) / np.mean(dome) ** 2
    grain = np.log(max((1.0 + p.soma_cv**2) / (1.0 + own), 1.0))
    weight = dome * np.exp(_texture(rng, y, x) * np.sqrt(grain))
    return _f4(y), _f4(x), _normal(weight), _normal(dome * inside)


def _texture(
    rng: np.random.Generator, y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a smooth random field of unit variance, features of 2-9 um, at some points."""
    waves = 12
    length_um = rng.uniform(2.5, 9.0, waves)
    angle, phase = rng.uniform(0, 2 * np.pi, (2, waves))
    k = 2 * np.pi / length_um
    arg = np.outer(y, k * np.sin(angle)) + np.outer(x, k * np.cos(angle)) + phase
    return np.asarray(np.cos(arg).sum(1) * np.sqrt(2.0 / waves))


def _granules(
    rng: np.random.Generator, y: Floats, x: Floats, p: CultureParameters
) -> NDArray[np.float64]:
    """Return the factor that bright granules put on the light of a soma's points."""
    area = np.pi * np.mean(y.astype(np.float64) ** 2 + x.astype(np.float64) ** 2) * 2.0
    at = rng.integers(0, y.size, int(rng.poisson(p.granules_per_100_um2 * area / 100.0)))
    apart = (y[:, None] - y[at]) ** 2 + (x[:, None] - x[at]) ** 2
    bright = p.granules * rng.lognormal(0, 0.4, at.size)
    width = p.granule_um / 2.355  # the diameter is the full width at half the maximum
    return np.asarray(1.0 + (bright * np.exp(-apart / (2 * width**2))).sum(1))


def _neurite(
    rng: np.random.Generator,
    outline: _Outline,
    angle: float,
    p: CultureParameters,
    *,
    grain_um: float,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Draw one neurite and sometimes a branch: y, x, weights, weights as beads."""
    start = outline(np.array([angle]))[0] * 0.9
    y0, x0 = start * np.sin(angle), start * np.cos(angle)
    width = rng.uniform(2.0, 4.0)
    reach = p.neurite_reach_um
    length = min(rng.lognormal(np.log(p.neurite_length_um), 0.4), reach)
    size = {"grain_um": grain_um, "reach_um": reach}
    pieces = [_strand(rng, (y0, x0), angle, length_um=length, width_um=width, **size)]
    if rng.random() < p.neurite_branches:
        y, x = pieces[0][0], pieces[0][1]
        at = int(y.size * rng.uniform(0.3, 0.7))
        turn = rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 0.9)
        pieces.append(
            _strand(
                rng,
                (float(y[at]), float(x[at])),
                angle + turn,
                length_um=length * rng.uniform(0.3, 0.6),
                width_um=0.65 * width,
                **size,
            )
        )
    y, x, w, beads = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return y, x, w, beads


def _strand(
    rng: np.random.Generator,
    start: tuple[float, float],
    angle: float,
    *,
    length_um: float,
    width_um: float,
    grain_um: float,
    reach_um: float,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Draw a thin, curved, tapering line as points."""
    step = 0.6 * grain_um
    count = max(4, int(length_um / step))
    along = np.arange(count) * step
    bend = np.cumsum(rng.normal(0, 0.055 * np.sqrt(step), count))
    heading = angle + bend - bend[0]
    taper = 1.0 - 0.75 * np.sqrt(along / along[-1])
    side = rng.uniform(-0.5, 0.5, count) * width_um * taper
    y = start[0] + np.cumsum(np.sin(heading)) * step + side * np.cos(heading)
    x = start[1] + np.cumsum(np.cos(heading)) * step - side * np.sin(heading)
    weight = (taper * width_um) ** 1.5 * rng.lognormal(0, 0.5, count)
    lumps = 0.03 + np.exp(6.0 * (np.cos(2 * np.pi * along / BEAD_UM + rng.uniform(0, 6)) - 1.0))
    near = np.hypot(y, x) < reach_um
    return _f4(y[near]), _f4(x[near]), _f4(weight[near]), _f4((weight * lumps)[near])


def speck(
    rng: np.random.Generator, radius_um: float, *, grain_um: float
) -> tuple[Floats, Floats, Floats]:
    """Draw a bit of debris: y, x and weights that sum to 1."""
    count = max(6, int(np.pi * (radius_um / grain_um) ** 2))
    rho = radius_um * np.sqrt(rng.random(count))
    theta = rng.uniform(0, 2 * np.pi, count)
    stretch = rng.uniform(0.5, 1.0)
    weight = rng.lognormal(0, 0.4, count)
    return _f4(rho * np.sin(theta) * stretch), _f4(rho * np.cos(theta)), _normal(weight)


def _normal(weight: NDArray[np.floating]) -> Floats:
    return _f4(weight / max(float(weight.sum()), 1e-12))


def _f4(values: NDArray[np.floating]) -> Floats:
    return np.asarray(values, dtype=np.float32)
