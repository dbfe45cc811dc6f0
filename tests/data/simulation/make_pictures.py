"""Write the sums of light by which `test_defaults_keep_the_pictures` knows the worlds again.

Run once, when the simulator had no parameters of texture, pairs, glia, turns and conversions.
From the repository's root: ``PYTHONPATH=tests python tests/data/simulation/make_pictures.py``.
"""

from pathlib import Path

import numpy as np

from livedeath.simulation.demo import demo_parameters, demo_study
from livedeath.simulation.world import World
from simulation.small_world import SESSIONS, parameters, study, take, world

BLOCK = 20


def sums(frame):
    """Return the sums of a frame over squares of 20 pixels."""
    rows, columns = (n // BLOCK for n in frame.shape)
    cut = frame[: rows * BLOCK, : columns * BLOCK].astype(np.int64)
    return cut.reshape(rows, BLOCK, columns, BLOCK).sum((1, 3))


def pictures():
    """Return the sums of some frames of three worlds, by name."""
    crowded = parameters(culture={"density_per_mm2": 800.0, "debris_per_mm2": 100.0})
    worlds = {
        "small": world(),
        "sessions": World(study(SESSIONS), crowded),
        "demo": World(demo_study(), demo_parameters()),
    }
    return {
        f"{name} {channel} {k}": sums(take(of, of.plan.visits[k], channel))
        for name, of in worlds.items()
        for k in (0, 30)
        for channel in ("fill", "indicator")
    }


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).parent / "pictures.npz", **pictures())
