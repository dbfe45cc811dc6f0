"""A study's folder: where its parts lie, and how one is made and opened.

A path goes in; the declaration, the journal, the images and the runs come out. A folder is a
study from the moment that ``study.toml`` is in it, which is therefore written last.
"""

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import zarr

from livedeath.errors import StoreError, command
from livedeath.model.frame import FieldKey
from livedeath.model.plan import Plan, plan
from livedeath.model.study import Study
from livedeath.model.toml import read_toml_file
from livedeath.store import durable, logfile, places, tables
from livedeath.store.declared import declaration_entry
from livedeath.store.images import ImageStore
from livedeath.store.journal import JOURNAL_FILE, Journal
from livedeath.store.linked import LinkedImages
from livedeath.store.paths import field_path

STUDY_FILE = "study.toml"
IMAGES_FOLDER = "images.ome.zarr"
SOURCE_FILE = "source.json"
ANALYSIS_FOLDER = "analysis"
REVIEWS_FOLDER = "reviews"
REPORTS_FOLDER = "reports"
ACQUIRE_LOCK = "acquire.lock"


class Run:
    """One analysis of a study: its settings, traces, calls, labels and provenance.

    Parameters
    ----------
    path : Path
        The folder ``analysis/<run>``.
    study : Study, optional
        What was analysed; none where a table was scored.
    """

    def __init__(self, path: Path, study: Study | None = None) -> None:
        self.path = path
        self._study = study

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def name(self) -> str:
        """The run's name; it follows from settings, program and data."""
        return str(self.provenance().get("run", self.path.name)) if self._known else self.path.name

    @property
    def traces_path(self) -> Path:
        """The table of traces, one row per neuron and visit."""
        return self.path / "traces.parquet"

    @property
    def calls_path(self) -> Path:
        """The table of calls, one row per neuron."""
        return self.path / "calls.parquet"

    def traces(self) -> pl.DataFrame:
        """Return the traces; a run under way has those of its last checkpoint."""
        return self._table(self.traces_path)

    def calls(self) -> pl.DataFrame:
        """Return the calls; a run under way has those of its last checkpoint."""
        calls = self._table(self.calls_path)
        if "revoked_at_h" in calls.columns:
            return calls
        # Written before calls could be taken back: none was.
        never = pl.Series("revoked_at_h", [None] * calls.height, dtype=pl.Float64)
        return calls.insert_column(calls.get_column_index("called_at_h") + 1, never)

    def _table(self, path: Path) -> pl.DataFrame:
        if not path.is_file():
            raise StoreError(f"{path}: not written yet; let 'livedeath score' finish first.")
        table = places.with_acquisition(tables.read_parquet(path), self._study, where=path)
        if "parent_id" in table.columns:
            return table
        # Written before divisions could be followed: none was.
        nobody = pl.Series("parent_id", [0] * table.height, dtype=pl.Int64)
        return table.insert_column(table.get_column_index("neuron_id") + 1, nobody)

    def labels(self, field: FieldKey) -> zarr.Array[Any]:
        """Return a field's labels (t, y, x); a value is a neuron's id, 0 is background."""
        path = self.path / "labels.zarr" / field_path(field) / "0"
        if not path.is_dir():
            raise StoreError(f"{path}: this run has no labels of field {field.name}.")
        return zarr.open_array(path, mode="r")

    def provenance(self) -> dict[str, Any]:
        """Return what the run was made from: versions, settings, study, times."""
        return read_json(self.path / "provenance.json")

    @property
    def complete(self) -> bool:
        """Whether the run has seen the whole journal that it was started on."""
        return self._known and bool(self.provenance().get("complete"))

    @property
    def asked(self) -> str:
        """When the run was last asked for; it may have been there, whole, already."""
        return str(self.provenance().get("asked", self.started)) if self._known else ""

    @property
    def started(self) -> str:
        """When the run was started, UTC, ISO 8601; empty if it never got that far."""
        return str(self.provenance().get("started", "")) if self._known else ""

    @property
    def _known(self) -> bool:
        return (self.path / "provenance.json").is_file()


class StudyFolder:
    """A study on disk; see `create` and `open`.

    Parameters
    ----------
    path : Path
        The folder.
    study : Study
        What ``study.toml`` in it says.
    """

    def __init__(self, path: Path, study: Study) -> None:
        self.path = path
        self.study = study

    @classmethod
    def create(
        cls,
        path: Path,
        study: Study,
        *,
        source: dict[str, Any] | None = None,
        text: str | None = None,
    ) -> "StudyFolder":
        """Make a study's folder.

        Parameters
        ----------
        path : Path
            New, or an empty folder.
        study : Study
            The declaration.
        source : dict, optional
            The file that holds the pixels of a study made from a recording.
        text : str, optional
            The declaration as TOML with comments; default: written from ``study``.

        Raises
        ------
        StoreError
            If the folder is not empty or cannot be made.
        """
        if path.is_dir() and any(path.iterdir()):
            raise StoreError(f"{path}: the folder is not empty; name one that is new or empty.")
        try:
            durable.make_folder(path)
            if source is not None:
                durable.write_json(path / SOURCE_FILE, source)
            durable.write_text(path / STUDY_FILE, study.to_toml() if text is None else text)
        except OSError as error:
            raise StoreError(f"{path}: the study cannot be written here ({error}).") from error
        logfile.about(path.absolute())
        return cls(path.absolute(), study)

    @classmethod
    def open(cls, path: Path) -> "StudyFolder":
        """Open a study's folder.

        Raises
        ------
        StoreError
            If the folder does not exist or holds no study.
        StudyError
            If the declaration is not allowed.
        """
        if not path.exists():
            raise StoreError(f"{path}: there is no such folder; name the folder of a study.")
        if not (path / STUDY_FILE).is_file():
            raise StoreError(
                f"{path}: this is no study, it has no {STUDY_FILE}; "
                "name the folder of a study or start one with 'livedeath new'."
            )
        study = Study.from_file(path / STUDY_FILE)
        logfile.about(path.absolute())
        return cls(path.absolute(), study)

    def refuse_read_only(self) -> None:
        """Raise a `StoreError` if nothing can be written here."""
        if not os.access(self.path, os.W_OK):
            raise StoreError(f"{self.path}: cannot be written; give yourself the right to write.")

    def declaration_entry(self) -> dict[str, Any]:
        """Return what a journal's entry says of the declaration; the whole text is in it."""
        text = read_toml_file(self.path / STUDY_FILE, missing="restore it from a copy")
        return declaration_entry(self.study, text)

    @cached_property
    def plan(self) -> Plan:
        """Every visit that the study declares, in order."""
        return plan(self.study)

    @cached_property
    def journal(self) -> Journal:
        """What happened."""
        return Journal(self.path / JOURNAL_FILE)

    @property
    def is_being_acquired(self) -> bool:
        """Whether a process of this machine holds the study's microscope right now."""
        return durable.holder(self.acquire_lock) is not None

    @cached_property
    def source(self) -> dict[str, Any] | None:
        """The linked file of a study made from a recording, else None."""
        path = self.path / SOURCE_FILE
        return read_json(path) if path.is_file() else None

    @cached_property
    def images(self) -> ImageStore:
        """The study's frames: its own, or those of the linked recording."""
        path = self.path / IMAGES_FOLDER
        if self.source is None:
            return ImageStore(path, self.study)
        return LinkedImages(path, self.study, self.source)

    @property
    def analysis_dir(self) -> Path:
        """Where the runs lie."""
        return self.path / ANALYSIS_FOLDER

    @property
    def reviews_dir(self) -> Path:
        """Where the reviewers' journals lie; it may not exist yet."""
        return self.path / REVIEWS_FOLDER

    @property
    def reports_dir(self) -> Path:
        """Where the reports lie; it may not exist yet."""
        return self.path / REPORTS_FOLDER

    @property
    def acquire_lock(self) -> Path:
        """The file that an acquisition holds; it may not exist yet."""
        return self.path / ACQUIRE_LOCK

    def runs(self) -> list[Run]:
        """Return all runs, the one last asked for last."""
        if not self.analysis_dir.is_dir():
            return []
        folders = [p for p in self.analysis_dir.iterdir() if (p / "provenance.json").is_file()]
        found = [Run(path, self.study) for path in folders]
        return sorted(found, key=lambda run: (run.asked, run.name))

    def run(self, name: str | None = None) -> Run:
        """Return one run.

        Parameters
        ----------
        name : str, optional
            Its name; default: the complete run that was asked for last, where none is complete
            the one that was asked for last.

        Raises
        ------
        StoreError
            If the study has no run, or none of that name.
        """
        runs = self.runs()
        if not runs:
            raise StoreError(
                f"{self.path}: this study was never scored; run "
                f"'{command('score', self.path)}' first."
            )
        if name is None:
            return ([run for run in runs if run.complete] or runs)[-1]
        named = [run for run in runs if run.name == name]
        if not named:
            known = ", ".join(run.name for run in runs)
            raise StoreError(f"{self.path}: there is no run {name!r}; its runs are {known}.")
        return named[-1]


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON document of the study.

    Raises
    ------
    StoreError
        If it is missing or damaged.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); restore it from a copy.") from error
