"""The review window: steps through the queue, shows each neuron, takes the verdicts.

In: a study with a run, and a reviewer's name. Out: rows in the reviewer's journal, one per
key pressed, on disk before the next neuron is shown. A verdict is only taken on what has
been painted.
"""

import contextlib
import time
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QDockWidget, QMainWindow, QStackedLayout, QWidget

from livedeath.errors import LivedeathError, StoreError, command
from livedeath.model.frame import FieldKey
from livedeath.review.journal import ReviewJournal
from livedeath.review.queue import QueueItem, build_queue
from livedeath.review.reviewer import canonical_reviewer
from livedeath.review.session import ReviewSession
from livedeath.review.strip import SMOOTHING_UM
from napari_livedeath import keys
from napari_livedeath.ahead import AHEAD, ItemView, StripReader
from napari_livedeath.field_view import FieldView
from napari_livedeath.pages import ReviewPage, StartPage
from napari_livedeath.source import StudySource
from napari_livedeath.style import FAINT, ROLE_COLOURS, SHEET, TITLES

WIDTH_PX = 860
"""Width of the window beside the canvas, where the screen has room."""

HIDDEN_DOCKS = ("layer list", "layer controls", "console")
"""Panels hidden during a review: they name files and offer to change layers."""


class ReviewWidget(QWidget):
    """Reviews the death calls of a study.

    Parameters
    ----------
    napari_viewer : napari Viewer or ViewerModel
        Shows the field around the neuron; the parameter's name tells napari to pass it.
    """

    def __init__(self, napari_viewer: Any) -> None:  # noqa: ANN401 - napari passes a proxy
        super().__init__()
        self.setObjectName("livedeathReview")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(SHEET)
        self.show_call = True
        self.session: ReviewSession | None = None
        self._viewer = napari_viewer
        self._strips: StripReader | None = None
        self._field: FieldView | None = None
        self._view: ItemView | None = None
        self._source: StudySource | None = None
        self.start, self.page = StartPage(), ReviewPage()
        self._pages = QStackedLayout(self)
        for page in (self.start, self.page):
            self._pages.addWidget(page)
        self._keys = keys.KeyBindings(self)
        self._connect()
        self._keys.switch(False)

    def _connect(self) -> None:
        self.start.begun.connect(self._begin_from_page)
        self.page.verdicts.chosen.connect(self.judge)
        self.page.strip.marked.connect(self.move_to)
        self.page.trace.marked.connect(self.move_to)
        self.page.back.clicked.connect(lambda: self.step(-1))
        self.page.ahead.clicked.connect(lambda: self.step(1))
        self.page.undo.clicked.connect(self.undo)
        for verdict, key in keys.VERDICT_KEYS.items():
            self._keys.bind(key, partial(self.judge, verdict))
        self._keys.bind(keys.PREVIOUS, partial(self.step, -1), repeats=True)
        self._keys.bind(keys.NEXT, partial(self.step, 1), repeats=True)
        self._keys.bind(keys.UNDO, self.undo)
        self._keys.bind(keys.EARLIER, partial(self.move_mark, -1), repeats=True)
        self._keys.bind(keys.LATER, partial(self.move_mark, 1), repeats=True)
        for key in keys.SWALLOWED:
            self._keys.bind(key, self._say_nothing_is_deleted)

    def begin(self, source: StudySource, reviewer: str) -> None:
        """Start, or go on with, a reviewer's work on a run.

        Parameters
        ----------
        source : StudySource
            A study with a run.
        reviewer : str
            Whose journal is written.

        Raises
        ------
        StoreError
            The study has no run, or the journal cannot be written.
        """
        if source.run is None or source.watched is None:
            raise StoreError(
                f"{source.folder.path}: there is nothing to review yet; "
                f"run '{command('score', source.folder.path)}' first."
            )
        self.finish()
        journal = ReviewJournal.in_folder(source.folder.reviews_dir, reviewer)
        name, run = canonical_reviewer(reviewer), source.run.name
        queue = build_queue(source.watched, reviewer=name, run=run)
        self.session = ReviewSession(queue, journal, run=run)
        self._strips = StripReader(source)
        self._source = source
        self.page.trace.furnish(_colours(source), unit=source.intensity_unit)
        self._field = FieldView(self._viewer, source)
        self._pages.setCurrentWidget(self.page)
        self._keys.switch(True)
        self.page.setFocus()
        self._note(f"Saved in {journal.path.name}. Reviewer: {journal.reviewer}.")
        self._show_current()

    def finish(self) -> None:
        """Close the journal and stop reading; what was judged is on disk already."""
        self._keys.switch(False)
        if self._strips is not None:
            self._strips.close()
        if self.session is not None:
            self.session.journal.close()
        self.session = self._strips = self._field = self._view = self._source = None

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """End the review with the window."""
        self.finish()
        super().closeEvent(event)

    def _begin_from_page(self, folder: str, reviewer: str) -> None:
        try:
            self.begin(StudySource.open(Path(folder)), reviewer)
        except LivedeathError as error:
            self.start.problem.setText(str(error))
        else:
            arrange(self)

    @property
    def ready(self) -> bool:
        """Whether the present item stands before the reviewer's eyes."""
        return self._view is not None and self.page.strip.painted == self._view.item.item

    def judge(self, verdict: str) -> None:
        """Save a verdict on the item that is painted, and go on; otherwise do nothing."""
        if self.session is None or self._view is None or not self.ready:
            return
        trace, mark = self._view.trace, self._view.mark
        seen = mark >= 0
        try:
            row = self.session.judge(
                verdict,
                time_h=float(trace.time_h[mark]) if seen else None,
                t=int(trace.t[mark]) if seen else None,
                duration_ms=(time.monotonic() - self.page.strip.painted_at) * 1000,
            )
        except StoreError as error:
            self._note(f"Not saved: {error}")
            return
        at = "" if row.time_h is None else f" at {row.time_h:.1f} h"
        done = " Every neuron is judged." if self.session.finished else ""
        self._note(f"Saved: {row.item} {TITLES[verdict]}{at}.{done} {keys.UNDO} takes it back.")
        self._show_current()

    def undo(self) -> None:
        """Take back the last verdict and return to its neuron."""
        if self.session is None:
            return
        try:
            undone = self.session.undo()
        except StoreError as error:
            self._note(f"Not taken back: {error}")
            return
        said = "Nothing to take back." if undone is None else f"Taken back: {undone.item}."
        self._note(said)
        self._show_current()

    def step(self, by: int) -> None:
        """Go to another item without judging."""
        if self.session is not None:
            self.session.step(by)
            self._show_current()

    def move_mark(self, by: int) -> None:
        """Move the mark by so many visits."""
        if self._view is not None and self._view.mark >= 0:
            self.move_to(self._view.mark + by)

    def move_to(self, row: int) -> None:
        """Move the mark to a visit of the neuron's trace."""
        view = self._view
        if view is None or self._strips is None or not 0 <= row < len(view.trace):
            return
        self._view = self._strips.moved(view, row)
        self._draw(self._view)
        if self._field is not None:
            self._field.step(self._view)

    def _show_current(self) -> None:
        if self.session is None or self._strips is None or self._field is None:
            return
        item = self.session.current
        if item is None:
            self._note("The run holds no neuron to review.")
            return
        self._view = self._strips.view(item)
        self._draw(self._view)
        self._describe(item)
        self._field.show(self._view)
        self._strips.ahead(self.session.upcoming(AHEAD))

    def _draw(self, view: ItemView) -> None:
        if self._source is not None:
            self._furnish_strip(self._source, view.item.field_key)
        self.page.strip.show_view(view)
        self.page.trace.show_view(view, show_call=self.show_call)

    def _furnish_strip(self, source: StudySource, field: FieldKey) -> None:
        """Say how a field's strips look; changed optics change brightness and pixel."""
        ranges = {name: source.limits(name, field.acquisition) for name in source.strip_channels}
        sigma_px = SMOOTHING_UM / source.pixel_size_um(field)
        self.page.strip.furnish(_colours(source), ranges=ranges, sigma_px=sigma_px)

    def _describe(self, item: QueueItem) -> None:
        if self.session is None:
            return
        standing = self.session.verdict(item)
        self.page.title.setText(f"Neuron {item.item}")
        self.page.call.setText(describe_call(item) if self.show_call else "")
        self.page.count.setText(f"{self.session.n_judged} of {self.session.total} judged")
        self.page.progress.setMaximum(max(1, self.session.total))
        self.page.progress.setValue(self.session.n_judged)
        self.page.verdicts.mark(standing.verdict if standing else None)

    def _note(self, text: str) -> None:
        self.page.note.setText(text)

    def _say_nothing_is_deleted(self) -> None:
        self._note("Nothing can be deleted during a review.")


def _colours(source: StudySource) -> dict[str, str]:
    """Return the colour of each channel's name in a strip."""
    return {name: ROLE_COLOURS.get(source.role(name), FAINT) for name in source.strip_channels}


def describe_call(item: QueueItem) -> str:
    """Say in words what the machine calls, without its confidence."""
    if item.outcome == "dead" and item.low_h is not None and item.high_h is not None:
        return f"The machine says: death began between {item.low_h:.1f} and {item.high_h:.1f} h"
    if item.outcome == "dead" and item.event_h is not None:
        return f"The machine says: dead at {item.event_h:.1f} h"
    if item.outcome == "lost" and item.event_h is not None:
        return f"The machine says: lost, last seen alive at {item.event_h:.1f} h"
    return f"The machine says: {TITLES.get(item.outcome, item.outcome)}"


def arrange(widget: ReviewWidget) -> None:
    """Make room for the review in its main window and hide what could give things away."""
    window = widget.window()
    if not isinstance(window, QMainWindow):
        return
    for dock in window.findChildren(QDockWidget):
        if dock.windowTitle().lower() in HIDDEN_DOCKS or dock.objectName() in HIDDEN_DOCKS:
            dock.hide()
        if dock.isAncestorOf(widget):
            with contextlib.suppress(TypeError):
                width = min(WIDTH_PX, window.width() * 2 // 3)
                window.resizeDocks([dock], [width], Qt.Orientation.Horizontal)
