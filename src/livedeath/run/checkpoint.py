"""The analyser's state on disk: a dict of arrays and scalars goes in, the same comes out.

A checkpoint holds the state after a number of visits and the traces up to there. It exists
from the moment its document is replaced, so a killed analyser finds the old one or the new.
Nothing is pickled.
"""

import io
import json
import logging
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from livedeath.errors import LivedeathError, StoreError
from livedeath.model.measures import State
from livedeath.store import durable, tables

CHECKPOINT_FOLDER = "checkpoint"
"""Where it lies in a run."""

PLAIN = "__plain__"
"""Name under which the scalars and texts of a state are kept, as JSON."""


DAMAGED = (
    FileNotFoundError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    LivedeathError,
)
"""What reading raises of a checkpoint that was cut off, overwritten or copied in part."""

logger = logging.getLogger(__name__)


def state_to_bytes(state: State) -> bytes:
    """Return a state as an ``.npz`` file.

    Parameters
    ----------
    state : dict
        Text to array, number, bool, text or None. Arrays of objects are refused.

    Raises
    ------
    StoreError
        If a value is of another kind.
    """
    arrays: dict[str, NDArray[Any]] = {}
    plain: dict[str, Any] = {}
    for name, value in state.items():
        if isinstance(value, np.ndarray | np.generic):
            arrays[name] = np.asarray(value)
        elif value is None or isinstance(value, str | int | float | bool):
            plain[name] = value
        else:
            raise StoreError(f"state {name!r} is a {type(value).__name__}; it cannot be kept.")
        if name in arrays and arrays[name].dtype.hasobject:
            raise StoreError(f"state {name!r} is an array of objects; it cannot be kept.")
    arrays[PLAIN] = np.array(json.dumps(plain))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **_renamed(arrays))
    return buffer.getvalue()


def _renamed(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Give the arrays numbers for names: theirs may hold what a ZIP member may not."""
    names = list(arrays)
    numbered = {f"a{k}": arrays[name] for k, name in enumerate(names)}
    return {"names": np.array(json.dumps(names)), **numbered}


def state_from_bytes(data: bytes) -> State:
    """Return the state that `state_to_bytes` was given; arrays keep type, shape and bits."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        names = json.loads(str(file["names"]))
        arrays = {name: file[f"a{k}"] for k, name in enumerate(names)}
    plain = json.loads(str(arrays.pop(PLAIN)))
    return {**{name: _unwrapped(array) for name, array in arrays.items()}, **plain}


def _unwrapped(array: NDArray[Any]) -> Any:  # noqa: ANN401 - a scalar or an array
    return array[()] if array.ndim == 0 else array


class Checkpoint:
    """The checkpoint of one run.

    Parameters
    ----------
    folder : Path
        Where it lies; made when first written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._document = folder / "checkpoint.json"

    @classmethod
    def in_run(cls, run: Path) -> "Checkpoint":
        """Return the checkpoint of the run in a folder, whether or not it was written."""
        return cls(run / CHECKPOINT_FOLDER)

    def visits(self) -> int:
        """Return the number of visits that its state has seen; 0 if there is none."""
        try:
            return int(self._said().get("visits", 0))
        except DAMAGED:
            return 0

    def bad_frames(self) -> dict[str, int]:
        """Return how many frames were judged bad up to there, by reason."""
        try:
            return {str(k): int(v) for k, v in self._said().get("bad_frames", {}).items()}
        except (*DAMAGED, AttributeError):
            return {}

    def _said(self) -> dict[str, Any]:
        if not self._document.is_file():
            return {}
        return dict(json.loads(self._document.read_text(encoding="utf-8")))

    def load(self) -> tuple[int, State | None, list[pl.DataFrame]]:
        """Return the visits done, the state after them and their traces.

        One that is damaged counts as none: from the journal and the images all of it is made
        again, to the same bits.

        Returns
        -------
        visits : int
            0 if there is no checkpoint.
        state : dict or None
            None if there is no checkpoint.
        traces : list of DataFrame
            In order.
        """
        try:
            return self._load()
        except DAMAGED as error:
            logger.warning("%s: damaged (%s); the analysis begins anew", self.folder, error)
            return 0, None, []

    def _load(self) -> tuple[int, State | None, list[pl.DataFrame]]:
        said = self._said()
        if not said:
            return 0, None, []
        state = state_from_bytes((self.folder / said["state"]).read_bytes())
        parts = [tables.read_parquet(self._part(k)) for k in range(said["parts"])]
        return int(said["visits"]), state, parts

    def save(
        self,
        visits: int,
        state: State,
        *,
        traces: pl.DataFrame,
        part: int,
        bad_frames: Mapping[str, int] | None = None,
    ) -> None:
        """Write a checkpoint; the one before it holds until this returns.

        Parameters
        ----------
        visits : int
            Number of visits that the state has seen.
        state : dict
            The analyser's.
        traces : DataFrame
            Those since the checkpoint before.
        part : int
            Number of checkpoints before this one; an older part of that number is replaced.
        bad_frames : dict of str to int, optional
            Frames judged bad so far, by reason; for `livedeath status`.
        """
        durable.make_folder(self.folder)
        tables.write_table(traces, self._part(part))
        name = f"state-{visits:08d}.npz"
        durable.write_bytes(self.folder / name, state_to_bytes(state))
        said = {"visits": visits, "state": name, "parts": part + 1}
        durable.write_json(self._document, said | {"bad_frames": dict(bad_frames or {})})
        for old in self.folder.glob("state-*.npz"):
            if old.name != name:
                old.unlink()

    def _part(self, number: int) -> Path:
        return self.folder / f"traces-{number:06d}.parquet"
