"""``livedeath look``: one visit now, judged; nothing is added to the study."""

import contextlib
import logging
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit
from livedeath.errors import HardwareError
from livedeath_acquisition.commands.acquire import Folder, MicroscopeOption

if TYPE_CHECKING:
    from livedeath.store.folder import StudyFolder
    from livedeath_acquisition.choose import Choice
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
    from livedeath.store.folder import StudyFolder

    study = StudyFolder.open(folder)
    if out is not None:
        out = durable.new_folder(out)
    with contextlib.redirect_stdout(sys.stderr):  # drivers print
        looks = _take(study, well=well, vessel=vessel, microscope=microscope)
    target = out or Path(tempfile.mkdtemp(prefix="livedeath-look-"))
    target.mkdir(parents=True, exist_ok=True)
    said = [_said(one, _save(one, target)) for one in looks]
    emit(
        {"study": study.path, "pictures": target, "frames": said},
        as_json=as_json,
        text="\n".join([*map(_line, said), f"pictures: {target}"]),
    )


def _take(
    folder: "StudyFolder", *, well: str, vessel: str | None, microscope: str | None
) -> list["Look"]:
    from livedeath.store import durable
    from livedeath_acquisition import choose
    from livedeath_acquisition.look import look as take
    from livedeath_acquisition.look import visits_now
    from livedeath_acquisition.microscope import HungError
    from livedeath_acquisition.schedule import light_given
    from livedeath_acquisition.worker import hour_zero

    entries = folder.journal.read()
    choice = choose.resume(microscope, entries)
    zero = hour_zero(folder)
    now_h = _now_h(choice, zero, entries)
    visits = visits_now(folder, vessel=vessel, well=well, now_h=now_h)
    light = light_given(folder.study, entries)
    light_ms = max((light.given_ms(visit.field) for visit in visits), default=0.0)
    lock = folder.acquire_lock
    held = durable.lock(lock, doing="livedeath look") if lock.exists() else contextlib.nullcontext()
    with held:
        scope = choose.make(choice, folder, zero=zero)
        try:
            scope.open()
            looks = list(take(folder.study, scope, visits, light_ms=light_ms))
        except HungError as error:
            _end_hung(error)
        except BaseException:
            scope.close()
            raise
        scope.close()
    return looks


def _now_h(choice: "Choice", zero: datetime, entries: list[dict[str, Any]]) -> float:
    """Return the hour that it is; where time stands still, that of the last frame."""
    if choice.is_real:
        return (datetime.now(UTC) - zero).total_seconds() / 3600.0
    taken = [e["time_h"] for e in entries if e.get("kind") == "frame" and "time_h" in e]
    return float(taken[-1]) if taken else 0.0


def _end_hung(error: "HungError") -> None:
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
