"""The true neurons of a simulated field, and how soon their deaths could be known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livedeath.model.plan import PlannedVisit
from livedeath.simulation import glia, signal
from livedeath.simulation.culture import Neurons, join
from livedeath.simulation.fate import Fates
from livedeath.simulation.optics import View
from livedeath.simulation.world import World

Floats = NDArray[np.float64]

RATE = 1e-3
"""False deaths asked for, per neuron-day."""


@dataclass
class Truth:
    """The true neurons of one field and where they stood; arrays of one row per neuron.

    ``y_px``, ``x_px``, ``fill``, ``signal`` and ``indicator`` (electrons; the last without a
    death's rise) have one column per visit. So has ``present``: whether the neuron or its
    corpse is there.
    """

    radius_px: Floats
    area_um2: Floats
    death_h: Floats
    fold: Floats
    rise_h: Floats
    time_h: Floats
    y_px: Floats
    x_px: Floats
    fill: Floats
    indicator: Floats
    signal: Floats
    present: NDArray[np.bool_]
    side: int

    @property
    def in_view(self) -> NDArray[np.bool_]:
        """Who was wholly inside the first frame."""
        return self.whole(0)

    def whole(self, k: int) -> NDArray[np.bool_]:
        """Who was wholly inside the frame of the kth visit."""
        y, x = self.y_px[:, k], self.x_px[:, k]
        inside = np.minimum.reduce([y, x, self.side - 1 - y, self.side - 1 - x])
        return inside >= self.radius_px

    def inside(self, k: int) -> NDArray[np.bool_]:
        """Of whom something was inside the frame of the kth visit."""
        y, x = self.y_px[:, k], self.x_px[:, k]
        near = np.minimum.reduce([y, x, self.side - 1 - y, self.side - 1 - x])
        return near > -self.radius_px


def truth_of(world: World, visits: list[PlannedVisit]) -> Truth:
    """Return the true neurons of a field, whoever comes near its frame in one of its visits."""
    p, study = world.parameters, world.study
    neurons, fates = _everyone(world, visits)
    sizes = (neurons.number.size, len(visits))
    y, x, fill, indicator, shown = (np.zeros(sizes) for _ in range(5))
    present = np.zeros(y.shape, np.bool_)
    channels = study.channel("fill"), study.channel("indicator")
    for k, visit in enumerate(visits):
        now = world.optics_at(visit.planned_h)
        present[:, k] = signal.present(fates, visit.planned_h) > 0
        place = signal.place_um(neurons, fates, visit.planned_h, p.stage)
        y[:, k], x[:, k] = view_of(world, visit).pixels(
            *place, pixel_size_um=now.pixel_size_um, shape=now.image_shape_px
        )
        given = k * sum(c.exposure_ms for c in channels) / p.signal.reference_exposure_ms
        left = (1.0 - p.light.bleaching) ** given
        for channel, table in zip(channels, (fill, indicator), strict=True):
            light = signal.electrons(
                channel, neurons, fates, visit.planned_h, signal=p.signal, death=p.death,
                median_radius_um=world.median_radius_um,
            )  # fmt: skip
            table[:, k] = light * left * channel.exposure_ms / p.signal.reference_exposure_ms
        shown[:, k] = indicator[:, k]
        indicator[:, k] /= signal.death_fold(neurons, fates, visit.planned_h, p.signal)
    return Truth(
        radius_px=neurons.radius_um / now.pixel_size_um,
        area_um2=np.pi * neurons.radius_um**2,
        death_h=fates.death_h,
        fold=signal.fold(neurons, p.signal),
        rise_h=signal.rise_h(neurons, p.signal),
        time_h=np.array([visit.planned_h for visit in visits]),
        y_px=y, x_px=x, fill=fill, indicator=indicator, signal=shown,
        present=present, side=now.image_shape_px[0],
    )  # fmt: skip


def _everyone(world: World, visits: list[PlannedVisit]) -> tuple[Neurons, Fates]:
    """Return the neurons of the scenes of all visits once, and what becomes of them."""
    known: set[tuple[int, int, int]] = set()
    parts: list[tuple[Neurons, Fates]] = []
    for visit in visits:
        scene, _ = world.first_sight(visit)
        ids = scene.ids()
        new = np.array([name not in known for name in ids], np.bool_)
        if new.any():
            known.update(ids)
            parts.append((scene.neurons.take(new), Fates(*(c[new] for c in scene.fates))))
    fates = (np.concatenate(c) for c in zip(*(f for _, f in parts), strict=True))
    return join([n for n, _ in parts]), Fates(*fates)


def view_of(world: World, visit: PlannedVisit) -> View:
    """Return what the camera sees in a visit."""
    return world.stage.view(
        visit.field.vessel, visit.session, x_um=visit.x_um, y_um=visit.y_um,
        z_um=visit.z_um[0], planned_h=visit.planned_h,
    )  # fmt: skip


def glia_of(world: World, visits: list[PlannedVisit]) -> tuple[Floats, Floats, Floats]:
    """Return y, x (n, T) of a field's glia, px, NaN where they are not; and their radius."""
    scene, _ = world.first_sight(visits[0])
    cells, p = scene.glia, world.parameters.culture
    y, x = np.full((2, cells.number.size, len(visits)), np.nan)
    for k, visit in enumerate(visits):
        now = world.optics_at(visit.planned_h)
        there = glia.is_there(cells, visit.planned_h)
        place = glia.place_um(cells, visit.planned_h, p)
        at = view_of(world, visit).pixels(
            *place, pixel_size_um=now.pixel_size_um, shape=now.image_shape_px
        )
        y[there, k], x[there, k] = at[0][there], at[1][there]
    return y, x, cells.radius_um / now.pixel_size_um


def bound_h(truth: Truth, world: World) -> Floats:
    """Return each neuron's information bound: the delay of who knows all laws, h; inf: never.

    Level, trend and slow wander of the living ratio are filtered; the template goes through
    the same filter. Light is collected with the soma's own profile (`dark_of`). Spoilt visits
    and transients are no part of it: who had to allow for them could not call so soon.
    """
    s = world.parameters.signal
    dark = dark_of(truth, world)[:, np.newaxis]
    with np.errstate(divide="ignore", over="ignore"):
        photon = (truth.fill + dark) / truth.fill**2
        photon += (truth.indicator + dark) / truth.indicator**2
    n = truth.death_h.size
    covariance = np.zeros((n, 3, 3))
    diagonal = s.ratio_log_sd**2, s.trend_log_sd_per_day**2, s.wander_log_sd**2
    for axis, variance in enumerate(diagonal):
        covariance[:, axis, axis] = variance
    seen, response, evidence = np.array([1.0, 0.0, 1.0]), np.zeros((n, 3)), np.zeros(n)
    delay = np.full(n, np.inf)
    hours = np.diff(truth.time_h, prepend=truth.time_h[0])
    needed = np.log(24.0 / (RATE * np.median(hours[1:])))
    for k, now in enumerate(truth.time_h):
        phi = np.exp(-hours[k] / s.wander_h)
        move = np.array([[1.0, hours[k] / 24.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, phi]])
        covariance = move @ covariance @ move.T
        covariance[:, 2, 2] += s.wander_log_sd**2 * (1.0 - phi**2)
        response = response @ move.T
        spread = covariance @ seen
        variance = spread @ seen + s.white_log_sd**2 + photon[:, k]
        age = np.maximum(now - truth.death_h, 0.0)
        rise = (truth.fold - 1.0) * -np.expm1(-age / truth.rise_h)
        over = np.where(age > 0, rise - response @ seen, 0.0)
        evidence += over**2 / (2.0 * variance)
        gain = spread / variance[:, np.newaxis]
        response += gain * over[:, np.newaxis]
        covariance = covariance - gain[:, :, np.newaxis] * spread[:, np.newaxis]
        delay = np.where((evidence >= needed) & np.isinf(delay), age, delay)
    return delay


def dark_of(truth: Truth, world: World) -> Floats:
    """Return the variance that background and reading add to each soma's light, electrons.

    The soma's effective area, smaller than its own by 1 + CV^2, is that of the best weight
    on a sharp picture; the blur of the optics makes it larger.
    """
    s, camera = world.parameters.signal, world.parameters.camera
    pixel = world.optics_at(0.0).pixel_size_um
    area = truth.area_um2 / (1.0 + world.parameters.culture.soma_cv**2)
    per_um2 = s.background_electrons_per_um2 + camera.read_noise_e**2 / pixel**2
    return np.asarray(area * per_um2)
