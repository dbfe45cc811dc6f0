"""``livedeath review``: opens napari on a reviewer's queue.

Packages are imported when the command runs, not before: every other command works without
the viewer's, and ``livedeath --help`` answers at once.
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit
from livedeath.errors import LivedeathError, OptionalDependencyError

if TYPE_CHECKING:
    from livedeath.store.folder import StudyFolder

NEEDED = ("napari", "qtpy", "pyqtgraph")


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
    from livedeath.review.reviewer import file_name
    from livedeath.store.folder import StudyFolder

    file_name(reviewer)
    study = StudyFolder.open(folder)
    name = study.run(run or None).name
    check_viewer()
    _open_window(study.path, reviewer, run=name)
    result = summary(study, reviewer, run=name)
    emit(result, as_json=as_json, text=_text(result))


def check_viewer() -> None:
    """Say in one sentence what keeps napari from opening a window here.

    Raises
    ------
    OptionalDependencyError
        napari or what goes with it is not installed.
    LivedeathError
        There is no Qt, or no screen.
    """
    from napari_livedeath import doctor

    if any(importlib.util.find_spec(package) is None for package in NEEDED):
        raise OptionalDependencyError("livedeath review", "napari")
    if not doctor.has_binding():
        raise LivedeathError(
            "livedeath review needs a Qt binding and none is installed; install one with: "
            "pip install 'napari[pyqt6]'"
        )
    if not doctor.has_screen():
        raise LivedeathError(
            "livedeath review opens a window and there is no screen here (DISPLAY is not set); "
            "run it on a desktop, or over 'ssh -X'."
        )


def _open_window(path: Path, reviewer: str, *, run: str) -> None:
    import napari

    from napari_livedeath.source import StudySource
    from napari_livedeath.widgets import ReviewWidget, arrange

    source = StudySource.open(path, run=run)
    viewer = napari.Viewer(title="livedeath review", show=False)
    widget = ReviewWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Review death calls", area="right")
    widget.begin(source, reviewer)
    viewer.show()
    arrange(widget)
    napari.run()


def summary(study: "StudyFolder", reviewer: str, *, run: str) -> dict[str, Any]:
    """Return what a reviewer's journal holds on a run, after checking its chain."""
    from livedeath.review.chain import count_verdicts
    from livedeath.review.journal import ReviewJournal

    with ReviewJournal.in_folder(study.reviews_dir, reviewer) as journal:
        rows = journal.verify()
        judged = journal.verdicts(run)
        return {
            "study": study.path,
            "run": run,
            "reviewer": journal.reviewer,
            "journal": journal.path,
            "rows": rows,
            "judged": len(judged),
            "verdicts": count_verdicts(judged),
        }


def _text(result: dict[str, Any]) -> str:
    counts = [f"{n} {verdict.replace('_', ' ')}" for verdict, n in result["verdicts"].items() if n]
    said = ", ".join(counts) or "no verdict yet"
    return f"{result['judged']} neurons judged by {result['reviewer']}: {said}\n{result['journal']}"
