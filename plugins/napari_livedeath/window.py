"""The review of a study in a window of its own: a folder goes in, what was judged comes out."""

import importlib.util
from pathlib import Path
from typing import Any

from livedeath.errors import LivedeathError, OptionalDependencyError
from livedeath.review.chain import count_verdicts
from livedeath.review.journal import ReviewJournal
from livedeath.review.reviewer import file_name
from livedeath.store.folder import StudyFolder
from napari_livedeath import doctor

NEEDED = ("napari", "qtpy", "pyqtgraph")


def review(folder: Path | str, reviewer: str, *, run: str | None = None) -> dict[str, Any]:
    """Open napari on a reviewer's queue; returns when the window is closed.

    Parameters
    ----------
    folder : path
        The study.
    reviewer : str
        Their name; it names their file of verdicts.
    run : str, optional
        Run to review; default: the newest.

    Returns
    -------
    dict
        ``study, run, reviewer, journal, rows, judged, verdicts``.

    Raises
    ------
    StoreError
        If the study or its run is not there, or the journal cannot be written.
    OptionalDependencyError, LivedeathError
        If no window can be opened here.
    """
    file_name(reviewer)
    study = StudyFolder.open(Path(folder))
    name = study.run(run).name
    check_viewer()
    _open_window(study.path, reviewer, run=name)
    return summary(study, reviewer, run=name)


def check_viewer() -> None:
    """Say in one sentence what keeps napari from opening a window here.

    Raises
    ------
    OptionalDependencyError
        napari or what goes with it is not installed.
    LivedeathError
        There is no Qt, or no screen.
    """
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


def summary(study: StudyFolder, reviewer: str, *, run: str) -> dict[str, Any]:
    """Return what a reviewer's journal holds on a run, after checking its chain."""
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
