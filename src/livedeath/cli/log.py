"""``livedeath log``: add what a person did to the study's journal."""

import time
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit
from livedeath.errors import StudyError
from livedeath.model.study import Study


class What(StrEnum):
    """What can be logged."""

    dose = "dose"
    exclude = "exclude"
    media = "media"
    load = "load"
    unload = "unload"
    kill = "kill"
    note = "note"


NEEDS_WELLS = frozenset({What.dose, What.exclude, What.media, What.kill})


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("log")(log)


def log(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the study.")],
    what: Annotated[What, typer.Argument(help="What was done.")],
    wells: Annotated[
        list[str] | None, typer.Option(help="Wells, like B3 or A1:A4; repeat for more.")
    ] = None,
    vessel: Annotated[str | None, typer.Option(help="Vessel; needed if there are several.")] = None,
    at: Annotated[str, typer.Option(help="Hour since the study's start, or 'now'.")] = "now",
    why: Annotated[str, typer.Option(help="Reason, in your words.")] = "",
    compound: Annotated[str, typer.Option(help="With dose and kill: what was added.")] = "",
    dose: Annotated[float | None, typer.Option(min=0, help="With dose and kill: how much.")] = None,
    unit: Annotated[str, typer.Option(help="Unit of the dose, like uM.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say what was done to a study; nothing already written is changed."""
    from livedeath.store.folder import StudyFolder

    study_folder = StudyFolder.open(folder)
    if what is What.dose and not compound.strip():
        raise StudyError("'dose' needs what was added; name it with --compound.")
    vessel_id = _vessel(study_folder.study, vessel)
    named = _wells(study_folder.study, vessel_id, wells or [], what)
    hour = _hour(at, study_folder.journal.read())
    entry = {
        "kind": "log",
        "what": what.value,
        "vessel": vessel_id,
        "wells": named,
        "at_h": hour,
        "why": _reason(what, why),
        "compound": compound,
        "dose": dose,
        "unit": unit,
    }
    study_folder.journal.append(entry)
    where = " ".join(named) or vessel_id
    said = f"{what.value} of {where} at {hour:.2f} h is in the journal."
    emit({"study": folder, **entry}, as_json=as_json, text=said)


def _vessel(study: Study, vessel: str | None) -> str:
    if vessel is None and len(study.vessels) > 1:
        known = ", ".join(v.id for v in study.vessels)
        raise StudyError(f"the study has several vessels; say which with --vessel ({known}).")
    return study.vessel(vessel or study.vessels[0].id).id


def _wells(study: Study, vessel: str, patterns: list[str], what: What) -> list[str]:
    if not patterns and what in NEEDS_WELLS:
        raise StudyError(
            f"'{what.value}' concerns wells; name them with --wells, like B3 or A1:A4."
        )
    named = tuple(part for pattern in patterns for part in pattern.replace(",", " ").split())
    wells = study.vessel(vessel).expand(named)
    unseen = [well for well in wells if well not in study.wells(vessel)]
    if unseen:
        raise StudyError(
            f"{', '.join(unseen)} of vessel {vessel!r} is not visited in this study; its wells "
            f"are {', '.join(study.wells(vessel))}."
        )
    return list(wells)


def _reason(what: What, why: str) -> str:
    if what in (What.exclude, What.note) and not why.strip():
        raise StudyError(f"'{what.value}' needs a reason; give it with --why \"...\".")
    return why.strip()


def _hour(at: str, entries: list[dict[str, Any]]) -> float:
    """Return the hour meant; ``now`` counts from the start of the acquisition."""
    if at != "now":
        try:
            hour = float(at)
        except ValueError:
            hour = -1.0
        if not 0 <= hour < float("inf"):
            raise StudyError(f"--at is {at!r}; give hours since the study's start, or 'now'.")
        return hour
    zeros = [e["zero"] for e in entries if e.get("kind") == "acquisition" and "zero" in e]
    if not zeros:
        return 0.0
    begin = datetime.fromisoformat(zeros[0]).timestamp()
    return max(0.0, (time.time() - begin) / 3600.0)
