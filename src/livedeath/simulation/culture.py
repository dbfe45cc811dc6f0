"""Who lives where: a vessel, a well and a tile go in, neurons come out.

A well is cut into square tiles, and each tile's neurons depend on (seed, vessel, well,
tile) alone, so any place of any well can be drawn without drawing the rest. Times and
deaths are not known here: `livedeath.simulation.fate` and `livedeath.simulation.signal` turn
these draws into hours and electrons.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.model.plate import FORMATS, well_centre_um
from livedeath.simulation.glia import Glia, lineages
from livedeath.simulation.parameters import CultureParameters, WorldParameters
from livedeath.simulation.streams import draw_waves, generator

TILE_UM = 250.0
"""Side of a tile; one lies centred on the well's centre."""

APART = 0.9
"""Half the distance between the somata of a pair, in their radius: so that they touch; chosen."""

GLIA_APART = 2.0
"""Least distance between the founders of glia, in their diameter; chosen."""

HORIZON_DAYS = 30
"""Transients are drawn for so long after the study's start."""

Draws = NDArray[np.float64]


class Tile(NamedTuple):
    """Name of a tile: tile (0, 0) holds the well's centre."""

    well: str
    row: int
    column: int


class Neurons(NamedTuple):
    """Neurons as arrays of one length n; ``*_z`` are standard normal draws.

    ``y_um``, ``x_um`` are in the vessel's frame. ``number`` counts within the tile. Waves
    are (n, WAVES) angular frequencies (in units of 1/time constant) and phases.
    """

    number: NDArray[np.int64]
    y_um: Draws
    x_um: Draws
    radius_um: Draws
    brightness_z: Draws
    payload_z: Draws
    marker_u: Draws
    ratio_z: Draws
    fold_z: Draws
    rise_z: Draws
    trend_z: Draws
    motion_z: Draws
    waves: Draws
    phases: Draws
    transient_gap: Draws
    transient_size: Draws
    lifetime: Draws
    cause_u: Draws
    early_u: Draws
    kill_z: Draws
    rupture_z: Draws
    detach_u: Draws
    detach_z: Draws
    clearing_z: Draws

    def take(self, keep: NDArray[np.int64] | NDArray[np.bool_]) -> "Neurons":
        """Return some of the neurons."""
        columns: Iterator[NDArray[Any]] = (column[keep] for column in self)
        return Neurons(*columns)


def join(parts: list[Neurons]) -> Neurons:
    """Return the neurons of several tiles as one table, in the order given."""
    columns: Iterator[NDArray[Any]] = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Neurons(*columns)


class Debris(NamedTuple):
    """Bits of old corpses, as arrays of one length; places in the vessel's frame.

    ``waves`` and ``phases`` are (n, 2 * WAVES) as those of `Neurons`, along y and x.
    """

    y_um: Draws
    x_um: Draws
    radius_um: Draws
    fill: Draws
    indicator: Draws
    waves: Draws
    phases: Draws


class _Candidates(NamedTuple):
    y: Draws
    x: Draws
    radius: Draws
    rank: Draws
    gap: Draws
    paired: NDArray[np.bool_]
    away_y: Draws
    away_x: Draws


class Culture:
    """The neurons of one vessel.

    Parameters
    ----------
    parameters : WorldParameters
        What the world is made of.
    vessel : str
        Id of the vessel; another id, other neurons.
    vessel_format : str
        Key of ``livedeath.model.plate.FORMATS``.
    """

    def __init__(self, parameters: WorldParameters, vessel: str, vessel_format: str) -> None:
        self._seed = parameters.seed
        self._p: CultureParameters = parameters.culture
        self._transients = _transient_count(parameters.signal.transients_per_day)
        self._vessel = vessel
        self._format = vessel_format
        self.neurons = lru_cache(maxsize=1024)(self._neurons)
        self.debris = lru_cache(maxsize=1024)(self._debris)
        self.glia = lru_cache(maxsize=1024)(self._glia)
        self._founders = lru_cache(maxsize=1024)(self._draw_founders)
        self._candidates = lru_cache(maxsize=1024)(self._draw_candidates)

    def tiles(
        self, well: str, y_um: float, x_um: float, reach_um: tuple[float, float]
    ) -> list[Tile]:
        """Return the tiles that a rectangle of half sides ``reach_um`` about a point meets."""
        cy, cx = well_centre_um(well, self._format)
        rows = _span(y_um - cy, reach_um[0])
        columns = _span(x_um - cx, reach_um[1])
        return [Tile(well, row, column) for row in rows for column in columns]

    def _neurons(self, tile: Tile) -> Neurons:
        """Draw the neurons of one tile; cached as ``neurons``."""
        places = self._candidates(tile)
        keep = self._kept(tile, places)
        kept = self._draw(tile, places, 1.0, "").take(keep)
        if places.paired.any():
            kept = join([kept, self._draw(tile, places, -1.0, " other").take(keep & places.paired)])
        return kept._replace(number=np.arange(kept.number.size))

    def _draw(self, tile: Tile, places: _Candidates, side: float, which: str) -> Neurons:
        """Draw the neurons of all places, or the other ones of their pairs (side -1)."""
        n = places.y.size
        light = generator(self._seed, f"light{which}", self._vessel, *tile)
        fate = generator(self._seed, f"fate{which}", self._vessel, *tile)
        many = self._transients
        return Neurons(
            number=np.arange(n),
            y_um=places.y + side * places.away_y,
            x_um=places.x + side * places.away_x,
            radius_um=places.radius,
            brightness_z=light.standard_normal(n),
            payload_z=light.standard_normal(n),
            marker_u=light.random(n),
            ratio_z=light.standard_normal(n),
            fold_z=light.standard_normal(n),
            rise_z=light.standard_normal(n),
            trend_z=light.standard_normal(n),
            motion_z=light.standard_normal(n),
            **draw_waves(light, n, values=4)._asdict(),
            transient_gap=light.standard_exponential((n, many)),
            transient_size=light.standard_exponential((n, many)),
            lifetime=fate.standard_exponential(n),
            cause_u=fate.random(n),
            early_u=fate.random(n),
            kill_z=fate.standard_normal(n),
            rupture_z=fate.standard_normal(n),
            detach_u=fate.random(n),
            detach_z=fate.standard_normal(n),
            clearing_z=fate.standard_normal(n),
        )

    def _draw_candidates(self, tile: Tile) -> _Candidates:
        """Draw places that neurons may take; those too near a better ranked one go."""
        p = self._p
        rng = generator(self._seed, "place", self._vessel, *tile)
        n = int(rng.poisson(_candidate_density(p) * TILE_UM**2 / 1e6))
        y0, x0 = self._corner(tile)
        y, x = y0 + TILE_UM * rng.random(n), x0 + TILE_UM * rng.random(n)
        size = np.clip(rng.standard_normal(n), -2.5, 2.5) * p.soma_diameter_log_sd
        radius = 0.5 * p.soma_diameter_um * np.exp(size)
        rank, sociable = rng.random(n), rng.random(n) < p.touching_fraction
        gap = np.where(sociable, -0.1 * radius, p.min_gap_um)
        paired, angle = rng.random(n) < _pairs(p), rng.uniform(0, 2 * np.pi, n)
        away = np.where(paired, APART * radius, 0.0)
        return _Candidates(
            y, x, radius, rank, gap, paired, away * np.sin(angle), away * np.cos(angle)
        )

    def _corner(self, tile: Tile) -> tuple[float, float]:
        cy, cx = well_centre_um(tile.well, self._format)
        return cy + (tile.row - 0.5) * TILE_UM, cx + (tile.column - 0.5) * TILE_UM

    def _kept(self, tile: Tile, own: _Candidates) -> NDArray[np.bool_]:
        """Say which candidates stay: hard-core thinning after Matern (1960), type II."""
        around = [self._candidates(near) for near in _around(tile)]
        other = _Candidates(*(np.concatenate(column) for column in zip(*around, strict=True)))
        apart = np.hypot(own.y[:, None] - other.y, own.x[:, None] - other.x)
        gap = np.minimum(own.gap[:, None], other.gap)
        need = _room(own)[:, None] + _room(other) + gap
        beaten = ((apart < need) & (other.rank < own.rank[:, None])).any(1)
        return ~beaten & self._inside(tile.well, own)

    def _inside(self, well: str, own: _Candidates) -> NDArray[np.bool_]:
        cy, cx = well_centre_um(well, self._format)
        rim = FORMATS[self._format].well_diameter_um / 2
        return np.asarray(np.hypot(own.y - cy, own.x - cx) + _room(own) < rim)

    def _debris(self, tile: Tile) -> Debris:
        """Draw the debris of one tile; cached as ``debris``."""
        rng = generator(self._seed, "debris", self._vessel, *tile)
        n = int(rng.poisson(self._p.debris_per_mm2 * TILE_UM**2 / 1e6))
        y0, x0 = self._corner(tile)
        radius = np.clip(rng.lognormal(np.log(1.3), 0.5, n), 0.5, 4.5)
        fill = 0.05 * (radius / 1.3) ** 1.5 * rng.lognormal(0, 0.6, n)
        place = y0 + TILE_UM * rng.random(n), x0 + TILE_UM * rng.random(n)
        indicator = fill * rng.lognormal(np.log(1.5), 0.6, n)
        drift = generator(self._seed, "debris drift", self._vessel, *tile)
        return Debris(*place, radius, fill, indicator, *draw_waves(drift, n))

    def _glia(self, tile: Tile) -> Glia:
        """Draw the glia of one tile, founders and what they divide into; cached as ``glia``.

        Founders leave room for their daughters beside neurons and each other.
        """
        size = self._p.glia_diameter_um
        y, x, rank = self._founders(tile)
        near = _around(tile)
        neurons = join([self.neurons(one) for one in near])
        other = [np.concatenate(c) for c in zip(*map(self._founders, near), strict=True)]
        close = np.hypot(y[:, None] - neurons.y_um, x[:, None] - neurons.x_um)
        beaten = (close < neurons.radius_um + size).any(1)
        beaten |= (
            (np.hypot(y[:, None] - other[0], x[:, None] - other[1]) < GLIA_APART * size)
            & (other[2] < rank[:, None])
        ).any(1)
        rng = generator(self._seed, "glia", self._vessel, *tile)
        return lineages(rng, self._p, y[~beaten], x[~beaten])

    def _draw_founders(self, tile: Tile) -> tuple[Draws, Draws, Draws]:
        """Draw places for glia and their ranks."""
        rng = generator(self._seed, "glia place", self._vessel, *tile)
        n = int(rng.poisson(self._p.glia_per_mm2 * TILE_UM**2 / 1e6))
        y0, x0 = self._corner(tile)
        return y0 + TILE_UM * rng.random(n), x0 + TILE_UM * rng.random(n), rng.random(n)


def _around(tile: Tile) -> list[Tile]:
    """Return a tile and its eight neighbours."""
    near = (-1, 0, 1)
    return [Tile(tile.well, tile.row + i, tile.column + j) for i in near for j in near]


def _pairs(p: CultureParameters) -> float:
    """Return the share of places that hold a pair: of f neurons, f / (2 - f) of the places."""
    return p.paired_fraction / (2.0 - p.paired_fraction)


def _room(places: _Candidates) -> Draws:
    """Return the radius of the circle that a place's neuron, or its pair, lies in."""
    return np.asarray(places.radius * np.where(places.paired, 1.0 + APART, 1.0))


def _span(centre: float, reach: float) -> range:
    first = int(np.floor((centre - reach) / TILE_UM + 0.5))
    last = int(np.floor((centre + reach) / TILE_UM + 0.5))
    return range(first, last + 1)


def _candidate_density(p: CultureParameters) -> float:
    """Return the candidates per mm2 that leave the wanted density after the thinning.

    Type II thinning at distance d leaves (1 - exp(-c pi d^2)) / (pi d^2) of c per area.
    """
    area = np.pi * (p.soma_diameter_um + p.min_gap_um) ** 2 / 1e6
    crowded = min(p.density_per_mm2 / (1.0 + _pairs(p)) * area, 0.9)
    return float(-np.log1p(-crowded) / area)


def _transient_count(per_day: float) -> int:
    mean = per_day * HORIZON_DAYS
    return int(np.ceil(mean + 4 * np.sqrt(mean)))
