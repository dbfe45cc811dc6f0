"""btrack 0.6.5 links outlines; run by `bench_link.py` in an environment of its own.

It asks for another pydantic than livedeath. ``python btrack_peer.py IN.npz OUT.npz`` reads
``t, y, x`` of all outlines and ``reach``, and writes ``track`` and the seconds of
``BayesianTracker.track``. The motion model is that of btrack's own ``cell_config.json``.
"""

import importlib
import sys
import time

import numpy as np

TRACKER = "btrack"
"""Of the other environment; none of this one's extras has it."""

btrack = importlib.import_module(TRACKER)

VELOCITY = np.eye(6) + np.eye(6, k=3)
CONFIG = {
    "motion_model": {
        "name": "cell_motion", "dt": 1.0, "measurements": 3, "states": 6, "accuracy": 7.5,
        "prob_not_assign": 0.1, "max_lost": 3,
        "A": VELOCITY, "H": np.eye(3, 6), "R": 5.0 * np.eye(3),
        "P": 150.0 * np.diag([0.1, 0.1, 0.1, 1.0, 1.0, 1.0]),
        "G": 15.0 * np.array([[0.5, 0.5, 0.5, 1.0, 1.0, 1.0]]),
    },
}  # fmt: skip


def main(source: str, target: str) -> None:
    """Link and write."""
    told = np.load(source)
    objects = btrack.io.localizations_to_objects(
        np.column_stack([told["t"], told["y"], told["x"], np.zeros(told["t"].size)])
    )
    with btrack.BayesianTracker(verbose=False) as tracker:
        tracker.configure(btrack.config.TrackerConfig(**CONFIG))
        tracker.update_method = btrack.constants.BayesianUpdates.APPROXIMATE
        tracker.max_search_radius = float(told["reach"])
        tracker.append(objects)
        span = float(max(told["y"].max(), told["x"].max())) + 10.0
        tracker.volume = ((-10.0, span), (-10.0, span), (-1.0, 1.0))
        start = time.process_time()
        tracker.track(step_size=100)
        seconds = time.process_time() - start
        track = np.full(told["t"].size, -1, np.int64)
        for number, refs in enumerate(tracker.refs):
            refs = np.asarray(refs)
            track[refs[refs >= 0]] = number
    np.savez(target, track=track, seconds=seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
