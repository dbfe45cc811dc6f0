"""Cells that divide: places of founders go in, lineages and where everyone is come out.

A glial cell wanders about its place until it divides; its daughters then part along a line
and wander about places of their own. It does not die, and it is no neuron.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.simulation.parameters import CultureParameters
from livedeath.simulation.streams import draw_waves, wander

HORIZON_H = 30 * 24.0
"""Cells born later than this after the study's start are not drawn."""

GENERATIONS = 3
"""Divisions after a founder that are drawn."""

CYCLE_H = 12.0
"""Hours that a new cell needs before it divides again; chosen."""

PARTING_H = 1.0
"""Hours in which two daughters part; chosen."""

PARTED = 0.6
"""Where a daughter ends from the place of the division, in diameters; chosen."""

TORN = 0.75
"""Share of that way at which daughters are two cells."""

WANDER_H = 24.0
"""Time constant of the wandering; chosen."""

Floats = NDArray[np.float64]


class Glia(NamedTuple):
    """Glial cells as arrays of one length, mothers and daughters; hours since the start.

    ``parent`` is the row of the mother within the table, -1 of a founder; mothers come
    first. ``born_h`` of a founder is -inf, ``divides_h`` of a last generation inf.
    ``y_um``, ``x_um`` are where a founder lies, or where a daughter goes from her mother's
    last place. Waves as those of `livedeath.simulation.culture.Neurons`, along y and x.
    """

    number: NDArray[np.int64]
    parent: NDArray[np.int64]
    born_h: Floats
    divides_h: Floats
    y_um: Floats
    x_um: Floats
    radius_um: Floats
    brightness_z: Floats
    waves: Floats
    phases: Floats


def lineages(rng: np.random.Generator, p: CultureParameters, y_um: Floats, x_um: Floats) -> Glia:
    """Draw founders at some places and what they divide into.

    Parameters
    ----------
    rng : Generator
        Its own.
    p : CultureParameters
        How often glia divide and how large they are.
    y_um, x_um : (n,) float64
        Founders' places in the vessel's frame.
    """
    parts = [_generation(rng, p, np.full(y_um.size, -1), np.full(y_um.size, -np.inf), (y_um, x_um))]
    first = 0
    for _ in range(GENERATIONS):
        mothers = parts[-1]
        n = mothers.number.size
        parent = np.repeat(np.arange(first, first + n), 2)
        angle = np.repeat(rng.uniform(0, 2 * np.pi, n), 2) + np.tile([0.0, np.pi], n)
        step = PARTED * p.glia_diameter_um
        away = step * np.sin(angle), step * np.cos(angle)
        parts.append(_generation(rng, p, parent, np.repeat(mothers.divides_h, 2), away))
        first += n
    everyone = Glia(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    last = np.arange(everyone.parent.size) >= first
    everyone = everyone._replace(divides_h=np.where(last, np.inf, everyone.divides_h))
    return take(everyone, everyone.born_h < HORIZON_H)


def take(glia: Glia, keep: NDArray[np.bool_]) -> Glia:
    """Return some of the cells; a daughter only goes with her mother."""
    row = np.cumsum(keep) - 1
    columns: Iterator[NDArray[Any]] = (column[keep] for column in glia)
    kept = Glia(*columns)
    parent = np.where(kept.parent >= 0, row[kept.parent], -1)
    return kept._replace(number=np.arange(parent.size), parent=parent)


def _generation(
    rng: np.random.Generator,
    p: CultureParameters,
    parent: NDArray[np.int64],
    born_h: Floats,
    place: tuple[Floats, Floats],
) -> Glia:
    n = parent.size
    rate = p.glia_divisions_per_day / 24.0
    wait = rng.standard_exponential(n) / rate if rate > 0 else np.full(n, np.inf)
    start = np.where(np.isfinite(born_h), born_h + CYCLE_H, np.where(born_h > 0, np.inf, 0.0))
    size = np.exp(0.15 * np.clip(rng.standard_normal(n), -2, 2))
    return Glia(
        np.arange(n), parent, born_h, start + wait, *place,
        0.5 * p.glia_diameter_um * size, rng.standard_normal(n), *draw_waves(rng, n),
    )  # fmt: skip


def place_um(glia: Glia, time_h: float, p: CultureParameters) -> tuple[Floats, Floats]:
    """Return (y, x) of each glial cell at an hour, micrometres; where it is not, its last place."""
    known = np.isfinite(glia.born_h)
    born = np.where(known, glia.born_h, 0.0)
    until = np.minimum(np.maximum(time_h, born), glia.divides_h)
    part = TORN + (1.0 - TORN) * np.clip((until - born) / PARTING_H, 0.0, 1.0)
    part = np.where(known, part, 1.0)
    own = glia.waves, glia.phases
    y, x = (
        part * place
        + p.glia_motion_um
        * (
            wander(*own, until, tau_h=WANDER_H, which=axis)
            - wander(*own, born, tau_h=WANDER_H, which=axis)
        )
        for axis, place in enumerate((glia.y_um, glia.x_um))
    )
    for row in np.flatnonzero(glia.parent >= 0):  # mothers come first and stay where they divided
        y[row] += y[glia.parent[row]]
        x[row] += x[glia.parent[row]]
    return y, x


def is_there(glia: Glia, time_h: float) -> NDArray[np.bool_]:
    """Say which glial cells exist at an hour."""
    return (glia.born_h <= time_h) & (time_h < glia.divides_h)
