"""The verdict buttons: each shows its key, and the verdict that stands is filled."""

from qtpy.QtCore import QRectF, QSize, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QFont, QIcon, QPainter, QPen, QPixmap, QTextOption
from qtpy.QtWidgets import QGridLayout, QSizePolicy, QToolButton, QWidget

from napari_livedeath.keys import VERDICT_KEYS
from napari_livedeath.style import GROUND, TEXT, TITLES, VERDICT_COLOURS, verdict_sheet

COLUMNS = 6
KEYCAP_PX = 26
SHARPNESS = 3  # pixels drawn per pixel shown, for dense screens


class VerdictBar(QWidget):
    """One button per verdict; pressing one asks for it, nothing more."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[str, QToolButton] = {}
        self._standing: str | None = None
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        for number, verdict in enumerate(VERDICT_KEYS):
            button = self._button(verdict)
            self.buttons[verdict] = button
            grid.addWidget(button, number // COLUMNS, number % COLUMNS)
            button.setStyleSheet(verdict_sheet(VERDICT_COLOURS[verdict]))

    def _button(self, verdict: str) -> QToolButton:
        button = QToolButton()
        button.setText(TITLES[verdict])
        button.setIcon(QIcon(keycap(VERDICT_KEYS[verdict])))
        button.setIconSize(QSize(KEYCAP_PX, KEYCAP_PX))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setMinimumHeight(72)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(f"{TITLES[verdict]}: saves and goes on (key {VERDICT_KEYS[verdict]})")
        button.clicked.connect(lambda _=False, chosen=verdict: self.chosen.emit(chosen))
        return button

    def mark(self, standing: str | None) -> None:
        """Fill the button of the verdict that stands, none for None."""
        for verdict, button in self.buttons.items():
            if verdict in (self._standing, standing):
                given = verdict == standing
                button.setStyleSheet(verdict_sheet(VERDICT_COLOURS[verdict], given=given))
        self._standing = standing


def keycap(letter: str) -> QPixmap:
    """Draw a key of a keyboard with its letter."""
    pixmap = QPixmap(KEYCAP_PX * SHARPNESS, KEYCAP_PX * SHARPNESS)
    pixmap.setDevicePixelRatio(SHARPNESS)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    box = QRectF(1, 1, KEYCAP_PX - 2, KEYCAP_PX - 2)
    painter.setBrush(QColor(TEXT))
    painter.setPen(QPen(QColor("#8d949c"), 1))
    painter.drawRoundedRect(box, 5, 5)
    font = QFont()
    font.setPixelSize(15)
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QColor(GROUND))
    painter.drawText(box, letter, QTextOption(Qt.AlignmentFlag.AlignCenter))
    painter.end()
    return pixmap
