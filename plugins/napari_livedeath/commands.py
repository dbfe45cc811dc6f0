"""``livedeath review``: opens napari on a reviewer's queue.

Packages are imported when the command runs, not before: every other command works without
the viewer's, and ``livedeath --help`` answers at once.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("review")(review)


def review(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the study.")],
    reviewer: Annotated[str, typer.Option(help="Your name; it names your file of verdicts.")],
    run: Annotated[str, typer.Option(help="Run to review; default: the newest.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Review the death calls of DIR in napari: one key per neuron, saved at once."""
    from napari_livedeath.window import review as reviewed

    result = reviewed(folder, reviewer, run=run or None)
    emit(result, as_json=as_json, text=_text(result))


def _text(result: dict[str, Any]) -> str:
    counts = [f"{n} {verdict.replace('_', ' ')}" for verdict, n in result["verdicts"].items() if n]
    said = ", ".join(counts) or "no verdict yet"
    return f"{result['judged']} neurons judged by {result['reviewer']}: {said}\n{result['journal']}"
