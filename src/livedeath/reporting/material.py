"""What a report is made from: a study's folder goes in, plain tables and numbers come out.

Everything is read once, here; the sections of the report never touch the disk, except for
the pixels of a few crops. A part that is missing (no labels, no truth, no reviews) is an
empty value, and the section says so.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from livedeath.errors import LivedeathError, StoreError
from livedeath.model.events import Events
from livedeath.model.frame import FieldKey, FrameKey
from livedeath.model.study import Study
from livedeath.review.journal import read_verdicts
from livedeath.run.coverage import Unscored, unscored
from livedeath.statistics.study import StudyCalls, read_calls
from livedeath.statistics.table import SurvivalTable
from livedeath.store.folder import Run, StudyFolder
from livedeath.store.journal import Entry, frames_of
from livedeath.store.tables import read_table

TRUTH_FILE = "truth.parquet"


@dataclass(frozen=True)
class Material:
    """A study, one of its runs, and what happened; read by `gather`.

    Attributes
    ----------
    folder, run : StudyFolder, Run
        Where it came from.
    called : StudyCalls
        The run's calls, traces and declaration, with what was done to the wells.
    entries : list of dict
        The journal.
    reviews : dict
        Reviewer to neuron to verdict.
    review_trouble : str
        Why the reviews could not be read; empty if they could.
    truth : polars.DataFrame or None
        What the simulator knows.
    provenance : dict
        What the run was made from.
    from_table : bool
        Whether a table of traces was scored: then nothing was declared or journaled.
    unscored : tuple of Unscored
        Visits that were acquired and are not in the run.
    """

    folder: StudyFolder
    run: Run
    called: StudyCalls
    entries: list[Entry]
    reviews: dict[str, dict[int, Any]]
    review_trouble: str
    truth: pl.DataFrame | None
    provenance: dict[str, Any]
    from_table: bool = False
    unscored: tuple[Unscored, ...] = ()

    @cached_property
    def frames(self) -> dict[FrameKey, Entry]:
        """The journal's entry in force for every frame."""
        return frames_of(self.entries)

    @property
    def study(self) -> Study:
        """The declaration."""
        return self.called.study

    @property
    def events(self) -> Events:
        """What was done to the wells."""
        return self.called.events

    @property
    def calls(self) -> pl.DataFrame:
        """The calls as they stood when watching ended, one row per neuron."""
        return self.called.joined

    @property
    def table(self) -> SurvivalTable:
        """The calls as a survival table by arm; its rows are those of `calls`."""
        return self.called.table

    @property
    def traces(self) -> pl.DataFrame:
        """One row per neuron and visit."""
        return self.called.traces

    @property
    def endpoint(self) -> str:
        """What was sensed."""
        return self.called.endpoint

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels measured in the traces, in the study's order."""
        return tuple(c.name for c in self.study.channels if c.name in self.traces.columns)

    def image(self, field: FieldKey, t: int, channel: str) -> NDArray[np.float32] | None:
        """Return a frame, planes projected by their maximum; None where it was missed."""
        planes = []
        for z in range(len(self.study.focus.planes_um)):
            try:
                planes.append(self.folder.images.read(FrameKey(*field, t, channel, z)))
            except (LivedeathError, OSError, KeyError, IndexError):
                continue
        return np.max(planes, axis=0).astype(np.float32) if planes else None

    def labels(self, field: FieldKey) -> Any:  # noqa: ANN401 (a zarr array)
        """Return a field's labels (t, y, x), or None where the run has none."""
        try:
            return self.run.labels(field)
        except (LivedeathError, OSError):
            return None


def gather(path: Path, *, run: str | None = None) -> Material:
    """Read everything that a report needs.

    Parameters
    ----------
    path : Path
        Folder of a study.
    run : str, optional
        Name of the analysis; default: the latest.

    Raises
    ------
    StoreError
        If the folder is no study, or was never scored.
    """
    folder = StudyFolder.open(path)
    chosen = folder.run(run)
    called = read_calls(folder, chosen)
    if not called.joined.height:
        raise StoreError(f"{path}: {called.why_empty}")
    entries = folder.journal.read()
    reviews, trouble = _reviews(folder, chosen)
    truth = folder.path / TRUTH_FILE
    return Material(
        folder=folder,
        run=chosen,
        called=called,
        entries=entries,
        reviews=reviews,
        review_trouble=trouble,
        truth=read_table(truth) if truth.is_file() else None,
        provenance=chosen.provenance(),
        unscored=unscored(folder, chosen, entries=entries),
    )


def _reviews(folder: StudyFolder, run: Run) -> tuple[dict[str, dict[int, Any]], str]:
    if not folder.reviews_dir.is_dir():
        return {}, ""
    try:
        return dict(read_verdicts(folder.reviews_dir, run.name)), ""
    except LivedeathError as error:
        return {}, str(error)
