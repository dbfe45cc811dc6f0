"""``livedeath look``: one visit now, judged; nothing is added to the study."""

import contextlib
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from livedeath.cli.common import JsonOption, emit
from livedeath.errors import HardwareError
from livedeath_acquisition.commands.acquire import Folder, MicroscopeOption

if TYPE_CHECKING:
    from livedeath_acquisition.look import Look
    from livedeath_acquisition.microscope import HungError


logger = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("look")(look)


def look(
    folder: Folder,
    well: Annotated[str, typer.Option("--well", help="Well to look at, like B3.")],
    vessel: Annotated[
        str | None, typer.Option("--vessel", help="Vessel; default: every one with this well.")
    ] = None,
    microscope: MicroscopeOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the pictures; default: a new one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Visit a well now: pictures, saturation, light per soma, focus, a proposed exposure.

    Nothing is added to the study and nothing on the microscope is changed for good.
    """
    from livedeath.store import durable
    from livedeath_acquisition.glance import look_now
    from livedeath_acquisition.microscope import HungError

    if out is not None:
        out = durable.new_folder(out)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # drivers print
            looks = look_now(folder, well=well, vessel=vessel, microscope=microscope)
    except HungError as error:
        _end_hung(error)
    target = out or Path(tempfile.mkdtemp(prefix="livedeath-look-"))
    target.mkdir(parents=True, exist_ok=True)
    said = [_said(one, _save(one, target)) for one in looks]
    emit(
        {"study": folder, "pictures": target, "frames": said},
        as_json=as_json,
        text="\n".join([*map(_line, said), f"pictures: {target}"]),
    )


def _end_hung(error: "HungError") -> NoReturn:
    """End the process: a thread that waits for a hung driver would hold it for ever."""
    logger.error("%s", error)
    sys.stderr.write(f"livedeath: {error}; switch the microscope off and on and look again\n")
    sys.stderr.flush()
    os._exit(HardwareError.exit_status)


def _save(one: "Look", folder: Path) -> Path:
    from PIL import Image

    from livedeath_acquisition.look import picture

    path = folder / f"{one.well}_f{one.field}_{one.channel}_z{one.z}.png"
    Image.fromarray(picture(one.image)).save(path)
    return path


def _said(one: "Look", path: Path) -> dict[str, Any]:
    return {
        "well": one.well,
        "field": one.field,
        "channel": one.channel,
        "z": one.z,
        "picture": path,
        "saturated_share": one.saturated_share,
        "neurons": one.neurons,
        "per_soma": one.per_soma,
        "unit": one.unit,
        "focus": one.focus,
        "exposure_ms": one.exposure_ms,
        "proposed_exposure_ms": one.proposed_ms,
    }


def _line(said: dict[str, Any]) -> str:
    somata = f"{said['neurons']} neurons"
    if said["neurons"]:
        somata += f" of {said['per_soma']:.0f} {said['unit']}"
    return (
        f"{said['well']} field {said['field']} {said['channel']} z{said['z']}: {somata}, "
        f"{100 * said['saturated_share']:.2f} % saturated, focus {said['focus']:.4f}, "
        f"{said['exposure_ms']:g} ms (proposed {said['proposed_exposure_ms']:g} ms)"
    )
