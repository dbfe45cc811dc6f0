"""``livedeath acquire``: acquires a study, or resumes it, and scores it meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from livedeath.cli.common import JsonOption, emit, progress
from livedeath_acquisition.heartbeats import Heartbeat

Folder = Annotated[Path, typer.Argument(help="Folder of the study.", metavar="DIR")]
MicroscopeOption = Annotated[
    str | None,
    typer.Option(
        "--microscope",
        metavar="WHICH",
        help="simulated (default), replay:FILE, micromanager:CONFIG.cfg, or micromanager:PORT of "
        "a running Micro-Manager. A study that was begun goes on with its own.",
    ),
]


NO_MICROSCOPE = (
    "No microscope was named, so a simulated culture is acquired; name yours with --microscope."
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("acquire")(acquire)


def acquire(
    folder: Folder,
    microscope: MicroscopeOption = None,
    no_score: Annotated[
        bool, typer.Option("--no-score", help="Acquire only; score later with 'livedeath score'.")
    ] = False,
    visit: Annotated[
        Literal["now"] | None,
        typer.Option(
            "--visit",
            help="now: take the nearest round at once, for a plate that is brought, and end.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Acquire a study, or resume it where it was interrupted.

    Every frame is on the disk before it stands in the journal, so that the same command
    goes on after a crash, a power cut or Ctrl-C. Neurons are scored meanwhile.
    """
    from livedeath.store.folder import StudyFolder
    from livedeath_acquisition import run

    opened = StudyFolder.open(folder)
    planned = opened.plan.n_frames
    if microscope is None and not opened.journal.frames():
        typer.echo(NO_MICROSCOPE, err=True)
    with progress("Acquiring", planned) as advance:
        acquired = run.acquire(
            folder,
            microscope=microscope,
            score=not no_score,
            visit_now=visit == "now",
            on_heartbeat=bar(advance),
        )
    summary = acquired.summary()
    emit(summary, as_json=as_json, text=_text(summary))


def bar(advance: Callable[[int], None]) -> Callable[[Heartbeat], None]:
    """Return what moves the bar: by the settled frames once, then one by one."""
    shown = 0

    def count(heartbeat: Heartbeat) -> None:
        nonlocal shown
        if heartbeat["what"] == "ready":
            advance(int(heartbeat["settled"]) - shown)
            shown = int(heartbeat["settled"])
        elif heartbeat["what"] in ("saved", "missed"):
            advance(1)
            shown += 1

    return count


def _text(said: dict[str, Any]) -> str:
    lines = [
        f"{said['frames_saved']} of {said['frames_planned']} frames saved, "
        f"{said['frames_missed']} missed: {said['study']}"
    ]
    if "neurons" in said:
        lines.append(f"{said['neurons']} neurons, {said.get('dead', 0)} called dead")
    return "\n".join(lines)
