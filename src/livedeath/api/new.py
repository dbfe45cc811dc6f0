"""A new study: a template, a recording or a list of positions goes in, a folder comes out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from livedeath import templates
from livedeath.api.study import OpenStudy
from livedeath.errors import StudyError
from livedeath.model.study import Study
from livedeath.recordings.declare import parse_times, study_from_recording
from livedeath.recordings.open import open_recording
from livedeath.recordings.positions import read_positions
from livedeath.store import durable
from livedeath.store.folder import StudyFolder


def new(
    folder: Path | str,
    *,
    template: str = templates.DEFAULT,
    from_file: Path | str | None = None,
    from_micromanager: Path | str | None = None,
    pixel_size_um: float | None = None,
    interval_h: float | None = None,
    times_h: Sequence[float] | str | None = None,
    fill: str | int | None = None,
    indicator: str | int | None = None,
) -> OpenStudy:
    """Make a folder with a commented ``study.toml``.

    Parameters
    ----------
    folder : path
        New or empty.
    template : str
        Template to start from; `livedeath.templates.names` lists them.
    from_file : path, optional
        Recording (TIFF, OME-Zarr, NDTiff) to declare.
    from_micromanager : path, optional
        Micro-Manager position list (.pos) to visit.
    pixel_size_um, interval_h, times_h, fill, indicator
        Of the recording; see `livedeath.score`.

    Raises
    ------
    StoreError, StudyError, FrameError
        In one sentence; then nothing was made.
    """
    told = {
        "pixel_size_um": pixel_size_um,
        "interval_h": interval_h,
        "times_h": times_h,
        "fill": fill,
        "indicator": indicator,
    }
    _refuse_unused(from_file, from_micromanager, told)
    target = durable.new_folder(Path(folder))
    if from_file is not None:
        text = _from_recording(Path(from_file), told)
    elif from_micromanager is not None:
        text = _from_positions(Path(from_micromanager), template)
    else:
        text = templates.text(template)
    return OpenStudy(StudyFolder.create(target, Study.from_toml(text), text=text))


def _refuse_unused(
    from_file: Path | str | None, from_micromanager: Path | str | None, told: dict[str, Any]
) -> None:
    """Refuse what would silently count for nothing."""
    if from_file is not None and from_micromanager is not None:
        raise StudyError("--from and --from-micromanager were both given; give one of them.")
    given = [name for name, value in told.items() if value is not None]
    if given and from_file is None:
        option = f"--{given[0].replace('_', '-')}"
        raise StudyError(f"{option} has a meaning with --from FILE only; leave it out.")


def _from_recording(path: Path, told: dict[str, Any]) -> str:
    named = {
        role: None if told[role] is None else str(told[role]) for role in ("fill", "indicator")
    }
    hours = told["times_h"]
    times = {"times_h": parse_times(hours) if isinstance(hours, str) else hours}
    with open_recording(path) as recording:
        study = study_from_recording(recording, **(told | named | times))
    return f"# Declared from the recording {path.name}.\n{study.to_toml()}"


def _from_positions(path: Path, template: str) -> str:
    """Put the sites of a Micro-Manager position list into a template's vessel."""
    sites = read_positions(path)
    start = Study.from_toml(templates.text(template), where=f"template {template}")
    on_plate = all(site.well != "" for site in sites)
    vessel = start.vessels[0].model_dump() | {
        "format": start.vessels[0].format if on_plate else "dish",
        "sites": [site.model_dump() | {"well": site.well or "A1"} for site in sites],
        "wells": (),
        "fields_per_well": 1,
    }
    changes = {} if on_plate else {"interventions": (), "comparisons": ()}
    study = start.replace(vessels=(vessel,), **changes)
    return f"# Sites from the Micro-Manager position list {path.name}.\n{study.to_toml()}"
