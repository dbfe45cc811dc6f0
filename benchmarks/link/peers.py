"""Other trackers over the same outlines: rows in, a track of each row and seconds out."""

import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Linked = tuple[Ints, float]

GAP = 2
"""Visits that a neuron may go unseen, for all trackers."""


def _table(t: Ints, y: Floats, x: Floats) -> Any:  # noqa: ANN401
    import pandas as pd

    return pd.DataFrame({"frame": t, "y": y, "x": x, "row": np.arange(t.size)})


def trackpy(t: Ints, y: Floats, x: Floats, reach: float) -> Linked:
    """Link with `trackpy.link`, its numba linker."""
    import trackpy as tp

    tp.quiet()
    table = _table(t, y, x)
    start = time.process_time()
    linked = tp.link(table, reach, pos_columns=["y", "x"], memory=GAP, link_strategy="numba")
    seconds = time.process_time() - start
    track = np.full(t.size, -1, np.int64)
    track[linked["row"]] = linked["particle"]
    return track, seconds


def laptrack(t: Ints, y: Floats, x: Floats, reach: float) -> Linked:
    """Link with `laptrack.LapTrack`, gaps closed, no splits."""
    from laptrack import LapTrack

    linker = LapTrack(
        cutoff=reach**2, gap_closing_cutoff=reach**2, gap_closing_max_frame_count=GAP,
        splitting_cutoff=False, merging_cutoff=False,
    )  # fmt: skip
    table = _table(t, y, x)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linked, *_ = linker.predict_dataframe(
            table, ["y", "x"], frame_col="frame", only_coordinate_cols=False
        )
    seconds = time.process_time() - start
    track = np.full(t.size, -1, np.int64)
    track[linked["row"]] = linked["track_id"]
    return track, seconds


def btrack(python: str) -> Callable[[Ints, Floats, Floats, float], Linked]:
    """Return a linker that runs btrack with another interpreter, which has it."""

    def link(t: Ints, y: Floats, x: Floats, reach: float) -> Linked:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
            np.savez(source, t=t, y=y, x=x, reach=reach)
            script = Path(__file__).with_name("btrack_peer.py")
            subprocess.run(
                [python, str(script), str(source), str(target)], check=True, capture_output=True
            )
            told = np.load(target)
            return told["track"], float(told["seconds"])

    return link
