"""Labels in the layout of the Cell Tracking Challenge: a run goes in, masks and tracks come out.

Each field becomes a sequence ``01_RES``, ``02_RES``, ... with ``mask000.tif`` per visit and
``res_track.txt``. The challenge knows no gaps: after one, the neuron goes on under a new label
whose parent is the old one; so do the daughters of what divided. ``labels.csv`` says which label
is which neuron.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import tifffile
from numpy.typing import NDArray
from skimage.util import map_array

from livedeath.errors import StoreError
from livedeath.model.frame import FieldKey
from livedeath.store import durable, tables
from livedeath.store.folder import Run, StudyFolder
from livedeath.store.places import in_field

LARGEST_LABEL = np.iinfo(np.uint16).max
"""The challenge's masks have 16 bits."""


class Segment(NamedTuple):
    """Consecutive visits in which a neuron was found; one line of ``res_track.txt``."""

    label: int
    begin: int
    end: int
    parent: int
    neuron_id: int


def export_ctc(folder: StudyFolder, run: Run, out: Path) -> list[Path]:
    """Write every field of a run as one sequence.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    run : Run
        Which of its runs; it needs labels.
    out : Path
        An existing, empty folder.

    Returns
    -------
    list of Path
        The sequences' folders, in the order of the plan's fields.

    Raises
    ------
    StoreError
        If a field needs more labels than 16 bits hold.
    """
    visited, parents = _visits(folder, run), _parents(run)
    sequences, rows = [], []
    for number, field in enumerate(folder.plan.fields, start=1):
        sequence = out / f"{number:02d}_RES"
        durable.make_folder(sequence)
        segments = _export_field(run, field, visited[field], sequence, parents)
        sequences.append(sequence)
        place = {"sequence": f"{number:02d}", **field._asdict()}
        rows += [place | segment._asdict() for segment in segments]
    columns = ["sequence", *FieldKey._fields, *Segment._fields]
    table = pl.DataFrame(rows) if rows else pl.DataFrame({name: [] for name in columns})
    tables.write_table(table, out / "labels.csv")
    return sequences


def _visits(folder: StudyFolder, run: Run) -> dict[FieldKey, int]:
    """Return how many visits of each field there are masks for; at least one."""
    traces = run.traces()
    counts = {}
    for field in folder.plan.fields:
        seen = 1 + max(in_field(traces, field)["t"].to_list(), default=0)
        counts[field] = max(folder.plan.n_visits(field), seen)
    return counts


def _parents(run: Run) -> dict[int, int]:
    """Return who divided into whom: daughter to parent."""
    traces = run.traces()
    if "parent_id" not in traces.columns:  # written before divisions were followed
        return {}
    born = traces.filter(pl.col("parent_id") > 0)
    return dict(zip(born["neuron_id"].to_list(), born["parent_id"].to_list(), strict=True))


def _export_field(
    run: Run, field: FieldKey, visits: int, out: Path, parents: dict[int, int]
) -> list[Segment]:
    labels = run.labels(field)
    visits = min(visits, labels.shape[0])
    digits = max(3, len(str(visits - 1)))
    open_: dict[int, Segment] = {}
    closed: list[Segment] = []
    for t in range(visits):
        frame = np.asarray(labels[t])
        _advance(open_, closed, t, np.unique(frame[frame > 0]), parents)
        _check_count(out, len(open_) + len(closed))
        mask = _relabelled(frame, {neuron: s.label for neuron, s in open_.items() if s.end == t})
        tifffile.imwrite(out / f"mask{t:0{digits}d}.tif", mask, compression="zlib")
    segments = sorted([*closed, *open_.values()])
    lines = [f"{s.label} {s.begin} {s.end} {s.parent}" for s in segments]
    durable.write_text(out / "res_track.txt", "".join(f"{line}\n" for line in lines))
    return segments


def _advance(
    open_: dict[int, Segment],
    closed: list[Segment],
    t: int,
    found: NDArray[np.int32],
    parents: dict[int, int],
) -> None:
    """Take one visit into the segments: prolong, begin, or begin anew after a gap."""
    label = len(open_) + len(closed)
    for neuron in found.tolist():
        before = open_.get(neuron)
        if before is not None and before.end == t - 1:
            open_[neuron] = before._replace(end=t)
            continue
        label += 1
        if before is not None:
            closed.append(before)
        parent = before or open_.get(parents.get(neuron, 0))
        open_[neuron] = Segment(label, t, t, parent.label if parent else 0, neuron)


def _check_count(out: Path, count: int) -> None:
    if count > LARGEST_LABEL:
        raise StoreError(
            f"{out.name}: more than {LARGEST_LABEL} tracks in one field, which the Cell Tracking "
            "Challenge's 16-bit masks cannot hold; export as csv instead."
        )


def _relabelled(frame: NDArray[np.int32], label_of: dict[int, int]) -> NDArray[np.uint16]:
    """Return the mask of a visit with the challenge's labels for the neurons' ids."""
    ids = np.array(list(label_of), dtype=frame.dtype)
    return np.asarray(map_array(frame, ids, np.array(list(label_of.values()), dtype=np.uint16)))
