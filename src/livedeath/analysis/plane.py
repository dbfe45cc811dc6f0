"""From the reference of a field to the frame of a visit and back: places in, places out."""

import math

import numpy as np
from numpy.typing import NDArray

from livedeath.kernels.placing import fit_placing, moved
from livedeath.model.measures import Placing

Floats = NDArray[np.float64]

TURN_SD = 0.0035
"""A turn that few neurons speak of is taken to be this small, rad: 0.2 degrees, as plates that a
robot puts back (0.1-0.5 degrees)."""

ENOUGH = 3
"""Pairs needed to refine a placing: one that moved by itself is outvoted."""

MOST = 400
"""Pairs that are fitted, evenly taken; so many say it to a twentieth of a pixel."""

SCALE_SD = 0.001
"""And a change of ln(scale) this small: warmth moves a plate, not its size."""


def to_frame(points: Floats, placing: Placing) -> Floats:
    """Return where places (N, 2) of the reference are in a visit's frame, px."""
    return moved(points, placing.turn, placing.scale, placing.y, placing.x)


def to_reference(points: Floats, placing: Placing) -> Floats:
    """Return where places (N, 2) of a visit's frame are in the reference, px."""
    turn, scale = -placing.turn, 1.0 / placing.scale
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    y, x = sin * placing.x - cos * placing.y, -sin * placing.y - cos * placing.x
    return moved(points, turn, scale, y, x)


def refined(placing: Placing, places: Floats, seen: Floats) -> Placing:
    """Return a placing that brings places of the reference to where they were seen.

    Parameters
    ----------
    placing : Placing
        What is known so far, near enough to have found the pairs.
    places, seen : (N, 2) float64
        The same neurons in the reference and in the visit's frame, px. A minority may have moved
        by itself.

    Returns
    -------
    Placing
        Sub-pixel; a turn and a scale only as far as so many neurons can speak of them. The one
        given where fewer than three can.
    """
    if len(places) < ENOUGH:
        return placing
    step = -(-len(places) // MOST)
    places, seen = places[::step], seen[::step]
    fit = fit_placing(to_frame(places, placing), seen, TURN_SD, SCALE_SD)
    turn, scale, cy, cx, dy, dx = fit[:6].tolist()
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    y, x = placing.y - cy, placing.x - cx
    return Placing(
        cos * y - sin * x + cy + dy,
        sin * y + cos * x + cx + dx,
        placing.turn + turn,
        placing.scale * scale,
    )
