"""Priors as files: from a scored study to a file, from a file to the next study's detector."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from livedeath.detection.priors import described, export, fits, from_text, to_text
from livedeath.errors import StoreError
from livedeath.model.measures import State, below
from livedeath.model.priors import Priors
from livedeath.run.checkpoint import Checkpoint
from livedeath.store import durable
from livedeath.store.folder import StudyFolder

OF_TABLE = "priors.json"
"""What scoring a table learnt, in the folder of its results: they keep no checkpoint."""
LARGEST_BYTES = 1_000_000
"""A file of priors has some 20 kB; what is larger is none."""


def export_priors(study: Path | str, *, out: Path | str | None = None) -> Path:
    """Write what a scored study learnt to a file for the next one.

    Parameters
    ----------
    study : path
        Folder of a study or table that was scored; of a study's run that was asked for last, and
        there of the newest acquisition.
    out : path, optional
        File to write, new; default: named after the study, in the current folder.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StoreError
        If the study was not scored, its checkpoint is gone, or the file is there already.
    """
    folder = Path(study)
    target = Path(out) if out is not None else Path(f"{folder.absolute().name}-priors.json")
    if target.exists():
        raise StoreError(f"{target}: is there already; name a new file with --out.")
    if not target.absolute().parent.is_dir():
        raise StoreError(f"{target}: its folder does not exist; make it first.")
    priors = _learnt_in(folder)
    durable.write_text(target, to_text(priors))
    return target


def read_priors(source: Path | str) -> dict[str, Any]:
    """Return what is known before the first visit, in units that a person knows.

    Parameters
    ----------
    source : path
        File of priors, or folder of a study or table that was scored.

    Returns
    -------
    dict
        See `livedeath.detection.priors.described`.

    Raises
    ------
    StoreError
        If it is missing, damaged or something else.
    """
    path = Path(source)
    return described(_learnt_in(path) if path.is_dir() else read(path))


def _learnt_in(folder: Path) -> Priors:
    """Return what was learnt where a study or a table was scored."""
    if (folder / "study.toml").is_file() or not (folder / "provenance.json").is_file():
        return learnt_by(StudyFolder.open(folder))
    if not (folder / OF_TABLE).is_file():
        raise StoreError(
            f"{folder}: what was learnt is not in it, another version of livedeath scored this "
            "table; score it again and export then."
        )
    return read(folder / OF_TABLE)


def read(path: Path, *, endpoint: str | None = None) -> Priors:
    """Return the priors in a file.

    Parameters
    ----------
    path : Path
        The file.
    endpoint : str, optional
        What they must be of; default: any.

    Raises
    ------
    StoreError
        If it is missing, damaged, something else, or of another endpoint.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES)
    except FileNotFoundError:
        raise StoreError(
            f"{path}: there is no such file of priors; write one with "
            "'livedeath priors export DIR'."
        ) from None
    except OSError as error:
        raise StoreError(f"{path}: the priors cannot be read ({error.strerror}).") from None
    return from_text(data.decode("utf-8", "replace"), where=str(path), endpoint=endpoint)


def declared_in(folder: Path, name: str | None, endpoint: str) -> Priors | None:
    """Return the priors that settings name; None if they name none.

    Parameters
    ----------
    folder : Path
        To which the name is relative.
    name : str or None
        ``AnalysisSettings.priors``.
    endpoint : str
        What is sensed.
    """
    return None if name is None else read(folder / name, endpoint=endpoint)


def digest(priors: Priors | None) -> str | None:
    """Return what names priors by their content; where the file lies does not count."""
    return None if priors is None else hashlib.sha256(to_text(priors).encode()).hexdigest()


def learnt_by(folder: StudyFolder) -> Priors:
    """Return what the run of a study that was asked for last learnt.

    Raises
    ------
    StoreError
        If there is no run, no checkpoint in it, or one of another version.
    """
    run = folder.run()
    state = Checkpoint.in_run(run.path).load()[1]
    own = {} if state is None else _learning(state)
    if not own:
        raise StoreError(
            f"{run.path}: its checkpoint is missing or damaged, and with it what was learnt; "
            "delete this folder, score the study again and export then."
        )
    if not fits(own, folder.study.endpoint):
        raise StoreError(
            f"{run.path}: another version of livedeath scored this study and learnt other things; "
            "score the study again and export then."
        )
    return export(own, folder.study.endpoint)


def _learning(state: State) -> State:
    """Return the state of what the newest acquisition's detector learnt."""
    numbers = np.atleast_1d(state.get("scorer/acquisitions", np.zeros(0, np.int64)))
    start = f"scorer/{int(numbers.max(initial=0))}/learning."
    return below(state, start)
