"""Compiles everything that scoring needs, ahead of the first study.

A small made-up movie goes through the pipeline and to the calls; what numba compiles on the
way stays on disk. Nothing else is written, and nothing is said about the movie.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from livedeath.analysis.pipeline import Pipeline, join_traces
from livedeath.kernels import compiled
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.study import Study

FUNCTIONS = 200
"""About so many functions are compiled; for the length of a bar."""

SIDE_PX, VISITS, DIES_AT = 192, 14, 6

STUDY = f"""
title = "warm-up"
vessels = [{{ id = "plate", wells = ["A1"] }}]
channels = [
  {{ name = "fill", role = "fill", exposure_ms = 50 }},
  {{ name = "indicator", role = "indicator", exposure_ms = 50 }},
]
optics = {{ pixel_size_um = 1.0, image_shape_px = [{SIDE_PX}, {SIDE_PX}] }}
schedule = {{ interval_h = 1, duration_h = {VISITS} }}
"""

KINDS = ("uint16", "uint8")
"""Types of pixels that are compiled for, the commonest first."""


def warm_up(tell: Callable[[int], None] = lambda done: None) -> int:
    """Compile what scoring images needs.

    Parameters
    ----------
    tell : callable
        Called with the number of functions compiled so far.

    Returns
    -------
    int
        How many were compiled; 0 if all of them were found on disk.
    """
    done = [0]

    def counted(so_far: int) -> None:
        done[0] = so_far
        tell(so_far)

    with compiled.telling(counted):
        for kind in KINDS:
            _score(kind)
    return done[0]


def _score(kind: str) -> None:
    """Score a movie in which two neurons die, one moves and one is missed once."""
    study = Study.from_toml(STUDY)
    line = Pipeline(study)
    field = FieldKey("plate", 0, "A1", 0)
    rng = np.random.default_rng(0)
    blocks = []
    for t in range(VISITS):
        images = {
            "fill": _frame(rng, kind, t, 60.0, hidden=t == DIES_AT),
            "indicator": _frame(rng, kind, t, 12.0, rise=4.0 if t >= DIES_AT else 1.0),
        }
        blocks.append(line.push(Visit(field, t, float(t), "", images)).traces)
    line.calls(join_traces(blocks, line.channels))


def _frame(
    rng: np.random.Generator,
    kind: str,
    t: int,
    light: float,
    *,
    rise: float = 1.0,
    hidden: bool = False,
) -> NDArray[np.generic]:
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float64)
    image = np.full((SIDE_PX, SIDE_PX), 20.0)
    places = [(r, c) for r in range(24, SIDE_PX, 36) for c in range(24, SIDE_PX, 36)]
    for k, (row, col) in enumerate([*places, (42.0, 24.0 + 0.5 * t)]):
        if hidden and k == 3:
            continue
        factor = rise if k < 2 else 1.0
        image += factor * light * np.exp(-0.02 * ((y - row) ** 2 + (x - col) ** 2))
    return np.clip(rng.poisson(image), 0, 255).astype(kind)
