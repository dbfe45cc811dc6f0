"""All that a camera may see around one place: neurons with their clouds, debris and glia.

Made once per place and drawn at every visit. Drawing needs an hour, a channel and a view;
which neurons a scene holds beyond the frame's border changes no pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.simulation import shapes
from livedeath.simulation.culture import Culture, Debris, Draws, Neurons, Tile, join
from livedeath.simulation.fate import Fates, Mortality
from livedeath.simulation.glia import Glia
from livedeath.simulation.parameters import SignalParameters, WorldParameters
from livedeath.simulation.streams import generator, when

SLACK_UM = 40.0
"""How far neurons may have moved, or the stage may be off, and still be drawn."""

TURN_SDS = 3.0
"""Turns of the view that are allowed for, in standard deviations."""

GRAIN_PX = 0.8
"""Distance between the points of a cloud, pixels; the blur closes the gaps."""

Floats = NDArray[np.float32]
Members = tuple[tuple[Tile, int, NDArray[np.int64]], ...]


class Points(NamedTuple):
    """Points of several things: offsets (micrometres) and weights, by owner."""

    y: Floats
    x: Floats
    owner: NDArray[np.int32]
    weights: tuple[Floats, ...]


@dataclass(frozen=True)
class Scene:
    """What there is to draw around one place of one well.

    Parameters
    ----------
    neurons, fates : Neurons, Fates
        Of the whole scene, the same length.
    members : tuple of (Tile, int, array)
        Tiles in order, how many neurons each has, and which of them are here.
    soma, neurites, specks : Points
        Clouds. Soma weights: light, nucleus; neurite weights: living, as beads.
    debris : Debris
        One row per speck.
    glia : Glia
        Of the whole scene; ``parent`` is a row of it.
    glia_members : tuple of (Tile, int)
        Tiles in order, and how many glial cells each has.
    glia_soma : Points
        Their clouds.
    """

    neurons: Neurons
    fates: Fates
    members: Members
    soma: Points
    neurites: Points
    specks: Points
    debris: Debris
    glia: Glia
    glia_members: tuple[tuple[Tile, int], ...]
    glia_soma: Points

    @property
    def size(self) -> int:
        """Number of points, which is what a scene costs."""
        clouds = self.soma, self.neurites, self.specks, self.glia_soma
        return sum(points.y.size for points in clouds)

    def ids(self) -> list[tuple[int, int, int]]:
        """Return (row, column, number within the tile) of every neuron."""
        return [
            (tile.row, tile.column, int(number))
            for tile, _, here in self.members
            for number in here
        ]

    def glia_ids(self) -> list[tuple[int, int, int]]:
        """Return (row, column, number within the tile) of every glial cell."""
        return [
            (tile.row, tile.column, number)
            for tile, count in self.glia_members
            for number in range(count)
        ]


def build(
    parameters: WorldParameters,
    culture: Culture,
    mortality: Mortality,
    *,
    vessel: str,
    well: str,
    centre_um: tuple[float, float],
    half_um: tuple[float, float],
    pixel_size_um: float,
) -> Scene:
    """Collect what can be seen in a frame about a place.

    Parameters
    ----------
    parameters : WorldParameters
        What the world is made of.
    culture, mortality : Culture, Mortality
        Who lives in the vessel and who dies when.
    vessel, well : str
        Where.
    centre_um, half_um : (float, float)
        Centre of the frame in the vessel's frame, and half its sides; (y, x).
    pixel_size_um : float
        Sets how fine the clouds are.
    """
    margin = SLACK_UM + parameters.culture.neurite_reach_um + _turned_um(parameters, half_um)
    reach = (half_um[0] + margin, half_um[1] + margin)
    tiles = culture.tiles(well, centre_um[0], centre_um[1], reach)
    parts = [_near(culture.neurons(tile), centre_um, reach) for tile in tiles]
    members = tuple(
        (tile, culture.neurons(tile).number.size, part.number)
        for tile, part in zip(tiles, parts, strict=True)
    )
    everyone = join(parts)
    grain = GRAIN_PX * pixel_size_um
    soma, neurites = _clouds(parameters, vessel, members, everyone, grain_um=grain)
    debris = Debris(*(np.concatenate(c) for c in zip(*map(culture.debris, tiles), strict=True)))
    glia = [culture.glia(tile) for tile in tiles]
    return Scene(
        neurons=everyone,
        fates=mortality.fates(vessel, well, everyone),
        members=members,
        soma=soma,
        neurites=neurites,
        specks=_specks(parameters.seed, vessel, debris, grain_um=grain),
        debris=debris,
        glia=_joined(glia),
        glia_members=tuple((t, g.number.size) for t, g in zip(tiles, glia, strict=True)),
        glia_soma=_glia_clouds(parameters, vessel, tiles, glia, grain_um=grain),
    )


def _turned_um(parameters: WorldParameters, half_um: tuple[float, float]) -> float:
    """Return how far a turned view reaches beyond a straight one, for nearly every turn."""
    p = parameters.stage
    turn = min(np.deg2rad(TURN_SDS * np.hypot(p.turn_deg, p.reseat_turn_deg)), np.pi / 2)
    return float(max(half_um) * np.sin(turn))


def _joined(parts: list[Glia]) -> Glia:
    """Join the glia of several tiles; parents become rows of the whole."""
    counts = [part.number.size for part in parts]
    first = np.repeat(np.cumsum([0, *counts[:-1]]), counts)
    whole = Glia(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    parent = np.where(whole.parent >= 0, whole.parent + first, -1)
    return whole._replace(number=np.arange(first.size), parent=parent)


def _glia_clouds(
    parameters: WorldParameters,
    vessel: str,
    tiles: list[Tile],
    parts: list[Glia],
    *,
    grain_um: float,
) -> Points:
    """Draw the shapes of all glia: somata without neurites."""
    clouds = [
        shapes.soma(
            generator(parameters.seed, "glia shape", vessel, *tile, number),
            float(radius),
            parameters.culture,
            grain_um=grain_um,
        )
        for tile, part in zip(tiles, parts, strict=True)
        for number, radius in enumerate(part.radius_um)
    ]
    return _points(clouds, weights=2)


def _near(neurons: Neurons, centre: tuple[float, float], reach: tuple[float, float]) -> Neurons:
    return neurons.take(
        (np.abs(neurons.y_um - centre[0]) < reach[0])
        & (np.abs(neurons.x_um - centre[1]) < reach[1])
    )


def _clouds(
    parameters: WorldParameters,
    vessel: str,
    members: Members,
    everyone: Neurons,
    *,
    grain_um: float,
) -> tuple[Points, Points]:
    """Draw the shapes of all neurons, each from its own generator."""
    p = parameters.culture
    names = [(tile, int(number)) for tile, _, here in members for number in here]
    clouds = [
        shapes.neuron(
            generator(parameters.seed, "shape", vessel, *tile, number),
            float(radius),
            p,
            grain_um=grain_um,
        )
        for (tile, number), radius in zip(names, everyone.radius_um, strict=True)
    ]
    soma = _points([(c.soma_y, c.soma_x, c.soma_w, c.nucleus) for c in clouds], weights=2)
    neurites = _points(
        [(c.neurite_y, c.neurite_x, c.neurite_w, c.beads) for c in clouds], weights=2
    )
    return soma, neurites


def _specks(seed: int, vessel: str, debris: Debris, *, grain_um: float) -> Points:
    """Draw the shapes of debris; a speck's generator is named by its place."""
    names = zip(debris.y_um, debris.x_um, strict=True)
    keys = [f"{y:.6f}/{x:.6f}" for y, x in names]
    specks = [
        shapes.speck(generator(seed, "speck", vessel, key), float(radius), grain_um=grain_um)
        for key, radius in zip(keys, debris.radius_um, strict=True)
    ]
    return _points(specks, weights=1)


def _points(things: Sequence[tuple[Floats, ...]], *, weights: int) -> Points:
    """Join the points of several things, remembering whose they are."""
    if not things:
        none = np.zeros(0, np.float32)
        return Points(none, none, np.zeros(0, np.int32), (none,) * weights)
    columns = [np.concatenate(column) for column in zip(*things, strict=True)]
    owner = np.repeat(np.arange(len(things), dtype=np.int32), [t[0].size for t in things])
    return Points(columns[0], columns[1], owner, tuple(columns[2:]))


def visit_noise(
    scene: Scene, p: SignalParameters, *, seed: int, vessel: str, time_h: float
) -> Draws:
    """Return the log-noise of one visit's ratios: white noise, and a few spoilt ones."""
    parts = [np.zeros(0)]
    for tile, count, here in scene.members:
        rng = generator(seed, "visit", vessel, *tile, when(time_h))
        white = p.white_log_sd * rng.standard_normal(count)
        spoilt = rng.random(count) < p.outlier_fraction
        far = p.outlier_log_sd * rng.standard_normal(count)
        parts.append(np.where(spoilt, far, white)[here])
    return np.concatenate(parts)
