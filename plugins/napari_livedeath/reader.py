"""Opens a study's folder in napari: its first field with what the newest run found there."""

from collections.abc import Callable, Sequence
from pathlib import Path

from napari_livedeath.layers import LayerData, study_layers
from napari_livedeath.source import StudySource

PathOrPaths = str | Sequence[str]
STUDY_FILE = "study.toml"


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Return the function that reads ``path``, None where it is no study.

    Parameters
    ----------
    path : str or list of str
        A folder that holds ``study.toml``, or that file itself.
    """
    folder = study_folder(path)
    return None if folder is None else read


def read(path: PathOrPaths) -> list[LayerData]:
    """Return the layers of a study's first field."""
    folder = study_folder(path)
    if folder is None:
        return []
    source = StudySource.open(folder)
    return study_layers(source, source.fields[0])


def study_folder(path: PathOrPaths) -> Path | None:
    """Return the folder of the study that a path means, None where it means none."""
    if not isinstance(path, str):
        return study_folder(path[0]) if len(path) == 1 else None
    named = Path(path)
    folder = named.parent if named.name == STUDY_FILE else named
    return folder if (folder / STUDY_FILE).is_file() else None
