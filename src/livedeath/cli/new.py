"""``livedeath new``: start a study from a template, a recording or a position list."""

from pathlib import Path
from typing import Annotated, Any

import typer

from livedeath import templates
from livedeath.cli.common import JsonOption, emit
from livedeath.errors import StudyError


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("new")(new)


def new(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder to make; new or empty.")
    ] = None,
    template: Annotated[str, typer.Option(help="Template to start from.")] = templates.DEFAULT,
    list_templates: Annotated[bool, typer.Option("--list", help="List the templates.")] = False,
    from_file: Annotated[
        Path | None, typer.Option("--from", help="Recording (TIFF, OME-Zarr, NDTiff) to declare.")
    ] = None,
    from_micromanager: Annotated[
        Path | None, typer.Option(help="Micro-Manager position list (.pos) to visit.")
    ] = None,
    pixel_size_um: Annotated[
        float | None, typer.Option(help="With --from: pixel in the specimen, micrometres.")
    ] = None,
    interval_h: Annotated[
        float | None, typer.Option(help="With --from: hours between visits.")
    ] = None,
    times_h: Annotated[
        str | None, typer.Option(help="With --from: hours of the visits, like 0,6,12.")
    ] = None,
    fill: Annotated[
        str | None, typer.Option(help="With --from: fill channel, name or index from 0.")
    ] = None,
    indicator: Annotated[
        str | None, typer.Option(help="With --from: death indicator, name or index from 0.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make DIR with a commented study.toml."""
    from livedeath.model.study import Study

    if list_templates:
        found = {name: templates.summary(name) for name in templates.names()}
        text = "\n".join(f"{name:24}{said}" for name, said in found.items())
        emit({"templates": found}, as_json=as_json, text=text)
        return
    if folder is None:
        raise StudyError("no folder was named; write 'livedeath new DIR' (or --list).")
    told = {
        "--pixel-size-um": pixel_size_um,
        "--interval-h": interval_h,
        "--times-h": times_h,
        "--fill": fill,
        "--indicator": indicator,
    }
    from livedeath.store import durable

    _refuse_unused(from_file, from_micromanager, told)
    target = durable.new_folder(folder)
    if from_file is not None:
        said = _from_recording(
            from_file,
            pixel_size_um=pixel_size_um,
            interval_h=interval_h,
            times_h=times_h,
            fill=fill,
            indicator=indicator,
        )
    elif from_micromanager is not None:
        said = _from_positions(from_micromanager, template)
    else:
        said = templates.text(template)
    Study.from_toml(said)
    path = _write(target, said)
    emit(
        {"study": target, "file": path},
        as_json=as_json,
        text=f"{path} is written; change what differs, then: livedeath check {target}",
    )


def _refuse_unused(
    from_file: Path | None, from_micromanager: Path | None, told: dict[str, Any]
) -> None:
    """Refuse what would silently count for nothing."""
    if from_file is not None and from_micromanager is not None:
        raise StudyError("--from and --from-micromanager were both given; give one of them.")
    given = [name for name, value in told.items() if value is not None]
    if given and from_file is None:
        raise StudyError(f"{given[0]} has a meaning with --from FILE only; leave it out.")


def _write(folder: Path, text: str) -> Path:
    from livedeath.store import durable

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.toml"
    durable.write_text(path, text)
    return path


def _from_recording(
    path: Path,
    *,
    pixel_size_um: float | None,
    interval_h: float | None,
    times_h: str | None,
    fill: str | None,
    indicator: str | None,
) -> str:
    from livedeath.recordings.declare import parse_times, study_from_recording
    from livedeath.recordings.open import open_recording

    with open_recording(path) as recording:
        study = study_from_recording(
            recording,
            pixel_size_um=pixel_size_um,
            interval_h=interval_h,
            times_h=parse_times(times_h) if times_h is not None else None,
            fill=fill,
            indicator=indicator,
        )
    return f"# Declared from the recording {path.name}.\n{study.to_toml()}"


def _from_positions(path: Path, template: str) -> str:
    """Put the sites of a Micro-Manager position list into a template's vessel."""
    from livedeath.model.study import Study
    from livedeath.recordings.positions import read_positions

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
