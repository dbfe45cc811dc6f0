"""``livedeath new``: start a study from a template, a recording or a position list."""

from pathlib import Path
from typing import Annotated

import typer

from livedeath import templates
from livedeath.cli.common import JsonOption, emit
from livedeath.errors import StudyError, command


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
    if list_templates:
        found = {name: templates.summary(name) for name in templates.names()}
        text = "\n".join(f"{name:24}{said}" for name, said in found.items())
        emit({"templates": found}, as_json=as_json, text=text)
        return
    if folder is None:
        raise StudyError("no folder was named; write 'livedeath new DIR' (or --list).")
    from livedeath.api.new import new as made

    study = made(
        folder,
        template=template,
        from_file=from_file,
        from_micromanager=from_micromanager,
        pixel_size_um=pixel_size_um,
        interval_h=interval_h,
        times_h=times_h,
        fill=fill,
        indicator=indicator,
    )
    path = study.path / "study.toml"
    emit(
        {"study": study.path, "file": path},
        as_json=as_json,
        text=f"{path} is written; change what differs, then: {command('check', study.path)}",
    )
