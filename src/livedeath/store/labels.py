"""Labels of a run, and labels made elsewhere: where each neuron is in each visit.

A run's labels go in visit by visit and lie as OME-Zarr label images (t, y, x), int32, whose
values are neuron ids. Labels from a file come out visit by visit; they say where, never who.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.errors import FrameError
from livedeath.model.frame import FieldKey
from livedeath.model.plan import Plan
from livedeath.model.study import Study
from livedeath.recordings.open import open_recording
from livedeath.store import durable
from livedeath.store.chunks import FrameArray
from livedeath.store.linked import source_of
from livedeath.store.paths import field_path

LABEL_AXES = ("t", "y", "x")


class LabelStore:
    """The labels of a run.

    Parameters
    ----------
    path : Path
        The folder ``labels.zarr``.
    study : Study
        The declaration.
    """

    def __init__(self, path: Path, study: Study) -> None:
        self.path = path
        self._study = study
        self._arrays: dict[FieldKey, FrameArray] = {}
        self._unflushed: dict[Path, None] = {}

    def create(self, plan: Plan) -> None:
        """Make every field's array at its planned length, unless they are there."""
        if (self.path / "zarr.json").is_file():
            return
        from livedeath.store import ngff  # only a new store needs the models

        with durable.replacing_folder(self.path) as folder:
            for path, document in ngff.label_documents(self._study, plan):
                (folder / path).mkdir(parents=True, exist_ok=True)
                durable.write_json(folder / path / "zarr.json", document)
            for field in plan.fields:
                shape = self._study.optics.of(field.acquisition).image_shape_px
                FrameArray.create(
                    folder / field_path(field) / "0",
                    (plan.n_visits(field), *shape),
                    dtype="int32",
                    axes=LABEL_AXES,
                )

    def write(
        self, field: FieldKey, t: int, labels: NDArray[np.int32], *, flushed: bool = True
    ) -> None:
        """Write the labels of one visit.

        Parameters
        ----------
        field : FieldKey
            Where.
        t : int
            The nth visit of the field.
        labels : (Y, X) int32
            Neuron ids; 0 is background.
        flushed : bool
            Whether they are durable when this returns, or only after the next `flush`.
        """
        if field not in self._arrays:
            self._arrays[field] = FrameArray(self.path / field_path(field) / "0")
        path = self._arrays[field].write((t,), labels, flushed=flushed)
        if not flushed:
            self._unflushed[path] = None

    def flush(self) -> None:
        """Make all labels durable that were written so far."""
        durable.flush(self._unflushed)
        self._unflushed = {}


class LabelFile:
    """Labels made elsewhere, one image per visit.

    Parameters
    ----------
    path : Path
        A TIFF stack, OME-Zarr or NDTiff of integers, one channel, one plane.
    study : Study
        The study they belong to.
    plan : Plan
        Its plan, which must have one field.

    Raises
    ------
    FrameError
        If the file cannot be read or its shape is not that of the visits.
    """

    def __init__(self, path: Path, study: Study, plan: Plan) -> None:
        self._recording = open_recording(path, labels=True)
        try:
            self._check(study, plan)
        except FrameError:
            self._recording.close()
            raise

    def _check(self, study: Study, plan: Plan) -> None:
        path = self._recording.path
        if len(plan.fields) != 1:
            raise FrameError(
                f"{path}: the labels are of one field, the study has {len(plan.fields)}; "
                "score its fields one by one."
            )
        field = plan.fields[0]
        expected = (plan.n_visits(field), 1, 1, *study.optics.of(field.acquisition).image_shape_px)
        if self._recording.shape != expected:
            raise FrameError(
                f"{path}: the labels are {_said(self._recording.shape)}, the images are "
                f"{_said(expected)}; give one label image per visit, of the same size."
            )

    @property
    def identity(self) -> dict[str, Any]:
        """What names the file for good: size and content."""
        source = source_of(self._recording)
        return {"size": source["size"], "sha256": source["sha256"]}

    def read(self, field: FieldKey, t: int) -> NDArray[np.int32]:
        """Return the labels of a visit, (Y, X) int32, with the values of the file."""
        return self._recording.read(t, 0).astype(np.int32)


def _said(shape: tuple[int, ...]) -> str:
    t, c, z, y, x = shape
    inner = "" if c == z == 1 else f" of {c} channels and {z} planes"
    return f"{t} visits{inner} of {y} x {x}"
