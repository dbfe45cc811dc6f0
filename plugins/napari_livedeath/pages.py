"""The two pages of the review window: where to begin, and the review itself.

Pages lay things out and pass on what is pressed; what happens then is in `widgets`.
"""

from pathlib import Path

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_livedeath.keys import EARLIER, LATER, NEXT, PREVIOUS, UNDO
from napari_livedeath.strip_view import StripView
from napari_livedeath.style import plain_sheet
from napari_livedeath.trace_view import TraceView
from napari_livedeath.verdict_bar import VerdictBar

ARROWS = {EARLIER: "←", LATER: "→"}


class StartPage(QWidget):
    """Asks for the study and the reviewer's name."""

    begun = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("folder of the study")
        self.reviewer = QLineEdit()
        self.reviewer.setPlaceholderText("your name")
        self.problem = _label("", "problem", wraps=True)
        browse, begin = QPushButton("Choose …"), QPushButton("Begin the review")
        for button in (browse, begin):
            button.setStyleSheet(plain_sheet())
        browse.clicked.connect(self._browse)
        begin.clicked.connect(self._begin)
        self.reviewer.returnPressed.connect(self._begin)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(12)
        layout.addWidget(_label("Review death calls", "title"))
        layout.addWidget(_label("Every verdict is saved at once, in a file of your own.", "call"))
        layout.addLayout(_row(self.folder, browse))
        layout.addWidget(self.reviewer)
        layout.addWidget(begin)
        layout.addWidget(self.problem)
        layout.addStretch(1)

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the study")
        if chosen:
            self.folder.setText(str(Path(chosen)))

    def _begin(self) -> None:
        self.begun.emit(self.folder.text().strip(), self.reviewer.text().strip())


class ReviewPage(QWidget):
    """Strip, trace, verdicts and where one stands."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.call = _label("", "title"), _label("", "call")
        self.count = _label("", "count")
        self.note = _label("", "note", wraps=True)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.strip, self.trace, self.verdicts = StripView(), TraceView(), VerdictBar()
        self.back = _step_button(f"{PREVIOUS}   previous")
        self.ahead = _step_button(f"{NEXT}   next")
        self.undo = _step_button(f"{UNDO}   undo")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(10)
        layout.addLayout(self._head())
        layout.addWidget(self.progress)
        layout.addWidget(self.strip)
        layout.addWidget(self.trace, stretch=1)
        layout.addWidget(self.verdicts)
        layout.addLayout(self._steps())
        layout.addWidget(self.note)

    def _head(self) -> QLayout:
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(self.title)
        names.addWidget(self.call)
        head = QHBoxLayout()
        head.addLayout(names, stretch=1)
        self.count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.count)
        return head

    def _steps(self) -> QLayout:
        moves = f"{ARROWS[EARLIER]} {ARROWS[LATER]}  or a click moves the mark"
        hint = _label(f"{moves}   ·   the verdict is saved with the marked visit", "faint")
        steps = _row(self.back, self.ahead, self.undo)
        steps.addStretch(1)
        steps.addWidget(hint)
        return steps


def _label(text: str, name: str, *, wraps: bool = False) -> QLabel:
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(wraps)
    return label


def _step_button(text: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setStyleSheet(plain_sheet())
    return button


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget)
    return row
