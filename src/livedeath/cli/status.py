"""``livedeath status``: how a study stands, from any terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit

if TYPE_CHECKING:
    from livedeath.run.status import Moment, RunStatus, Status

REASONS_SHOWN = 3

CHANGED = (
    "declares other frames than when the acquisition began; 'livedeath acquire' will not go on"
)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("status")(status)


def status(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the study.")],
    as_json: JsonOption = False,
) -> None:
    """Say how a study stands and what comes next.

    Now, next, when it ends, what is done and missed, disk and runs; changes nothing.
    """
    from dataclasses import asdict

    from livedeath.run.status import status as stand

    found = stand(folder)
    emit(asdict(found), as_json=as_json, text=_text(found))


def _text(said: "Status") -> str:
    rows = [("State", _state(said))]
    if said.changed:
        rows.append(("study.toml", CHANGED))
    if said.last is not None:
        rows.append(("Last frame", _moment(said.last)))
    if said.next is not None:
        rows.append(("Next visit", f"{_moment(said.next)}{_overdue(said)}"))
    rows += [
        ("Ends", _hour(said.ends_h, said.ends_at)),
        ("Visits", f"{said.visits['complete']} of {said.visits['planned']} complete"),
        ("Frames", f"{said.frames['saved']} of {said.frames['planned']} saved{_missed(said)}"),
        ("Disk", _disk(said.disk)),
        *(("Run", _run(run)) for run in said.runs),
    ]
    if not said.runs and said.visits["complete"]:
        rows.append(("Run", f"none; {said.not_scored} visits wait for 'livedeath score'"))
    return "\n".join([said.title, *(f"{name:12}{text}" for name, text in rows)])


def _state(said: "Status") -> str:
    scope = f" on {said.microscope}" if said.microscope else ""
    holder = f" by {said.holder}" if said.holder else ""
    hour = "" if said.now_h is None or said.state != "acquiring" else f", now {said.now_h:.2f} h"
    return f"{said.state}{scope}{holder}{hour}"


def _moment(said: "Moment") -> str:
    return f"{said.vessel}/{said.well}/{said.field} t={said.t} at {_hour(said.time_h, said.at)}"


def _hour(hour: float, at: str | None) -> str:
    return f"{hour:.2f} h" if at is None else f"{hour:.2f} h ({at})"


def _overdue(said: "Status") -> str:
    return f"; {said.overdue} visits are overdue" if said.overdue else ""


def _missed(said: "Status") -> str:
    if not said.missed:
        return ""
    first = list(said.missed.items())[:REASONS_SHOWN]
    reasons = "; ".join(f"{reason} ({count})" for reason, count in first)
    more = len(said.missed) - len(first)
    return f", {said.frames['missed']} missed: {reasons}{f'; {more} more reasons' if more else ''}"


def _disk(disk: dict[str, Any]) -> str:
    short = disk["free_gb"] - disk["needed_gb"] < disk["floor_gb"]
    return (
        f"{disk['free_gb']:.1f} GB free; {disk['needed_gb']:.2f} GB still needed, "
        f"{disk['floor_gb']:g} GB kept free{': TOO LITTLE' if short else ''}"
    )


def _run(run: "RunStatus") -> str:
    state = "complete" if run.complete else "not complete"
    worker = f", at work: {run.running}" if run.running else ""
    left = f", {run.not_scored} visits not scored" if run.not_scored else ""
    return f"{run.run} {state}, {run.visits} visits{left}{_bad(run.bad_frames)}{worker}"


def _bad(frames: dict[str, int]) -> str:
    if not frames:
        return ""
    reasons = ", ".join(f"{count} {reason}" for reason, count in frames.items())
    return f", bad frames: {reasons}"
