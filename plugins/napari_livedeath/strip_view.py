"""Draws a strip: one line per channel, one tile per visit, times below.

It remembers which item it has really painted, so that no verdict is taken on something the
reviewer has not seen yet.
"""

import time

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import (
    QBrush,
    QColor,
    QFont,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QTextOption,
)
from qtpy.QtWidgets import QSizePolicy, QWidget

from livedeath.review.strip import contrast, smoothed, to_grey
from napari_livedeath.ahead import ItemView
from napari_livedeath.style import ACCENT, FAINT, GROUND, LINE, TEXT

GAP = 4
HEADER = 22  # height of a channel's name above its tiles
FOOTER = 40  # height of the times below the last line
FIRST_GAP = 14  # room between the first visit, which is for comparison, and the others
MINIMUM_TILE = 56
MAXIMUM_TILE = 170

Ranges = dict[str, tuple[float, float]]


class StripView(QWidget):
    """Shows an item's crops; a click on a tile moves the mark there."""

    marked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.painted: str | None = None
        self.painted_at = 0.0
        self._timed: str | None = None
        self._view: ItemView | None = None
        self._tiles: list[list[QImage | None]] = []
        self._colours: dict[str, str] = {}
        self._ranges: Ranges = {}
        self._sigma_px = 0.0
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumWidth(520)

    def furnish(self, colours: dict[str, str], *, ranges: Ranges, sigma_px: float) -> None:
        """Say how strips look.

        Parameters
        ----------
        colours : dict
            Colour of each channel's name.
        ranges : dict
            Black and white of the whole study per channel.
        sigma_px : float
            Blur on screen, pixels.
        """
        self._colours, self._ranges, self._sigma_px = colours, ranges, sigma_px

    def show_view(self, view: ItemView) -> None:
        """Show an item; until it is painted, `painted` is None."""
        fresh = self._view is None or view.strip is not self._view.strip
        self.painted = None
        if self._view is not None and view.item != self._view.item:
            self._timed = None
        self._view = view
        if fresh:
            self._tiles = _tiles(view, self._ranges, self._sigma_px)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size at which tiles are easily read."""
        return QSize(820, self.heightForWidth(820))

    def hasHeightForWidth(self) -> bool:
        """Return that the height follows the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all lines at a width."""
        lines = max(1, len(self._tiles))
        return int(lines * (HEADER + self._side(width) + GAP) + FOOTER)

    def _side(self, width: int) -> float:
        columns = len(self._tiles[0]) if self._tiles else 9
        room = width - FIRST_GAP - GAP * max(columns - 1, 0)
        return float(np.clip(room / max(columns, 1), MINIMUM_TILE, MAXIMUM_TILE))

    @property
    def _tile(self) -> float:
        """Side of a tile that fits the widget, also where its height is short."""
        lines = max(1, len(self._tiles))
        by_height = (self.height() - FOOTER) / lines - HEADER - GAP
        return float(max(20.0, min(self._side(self.width()), by_height)))

    def _left(self, column: int, side: float) -> float:
        gap = FIRST_GAP if column and self._has_reference() else 0
        return column * (side + GAP) + gap

    def _has_reference(self) -> bool:
        if self._view is None:
            return False
        rows = self._view.strip.rows
        return len(rows) > 2 and rows[1] > rows[0] + 1 and rows[2] == rows[1] + 1

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the strip and remember whose it is."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._view is not None:
            self._paint(painter, self._view, self._tile)
            self._remember(self._view.item.item)
        painter.end()

    def _remember(self, name: str) -> None:
        self.painted = name
        if name != self._timed:
            self._timed, self.painted_at = name, time.monotonic()

    def _paint(self, painter: QPainter, view: ItemView, side: float) -> None:
        for line, channel in enumerate(view.strip.channels):
            top = line * (HEADER + side + GAP)
            self._write(painter, QRectF(0, top, 400, HEADER), channel, self._colours.get(channel))
            for column, tile in enumerate(self._tiles[line]):
                box = QRectF(self._left(column, side), top + HEADER, side, side)
                _paint_tile(painter, box, tile, marked=int(view.strip.rows[column]) == view.mark)
        self._paint_times(painter, view, side)

    def _paint_times(self, painter: QPainter, view: ItemView, side: float) -> None:
        top = len(view.strip.channels) * (HEADER + side + GAP)
        for column, time_h in enumerate(view.strip.time_h):
            box = QRectF(self._left(column, side), top, side, FOOTER / 2)
            marked = int(view.strip.rows[column]) == view.mark
            colour = ACCENT if marked else TEXT
            centred = Qt.AlignmentFlag.AlignHCenter
            self._write(painter, box, f"{time_h:.1f} h", colour, bold=marked, align=centred)
            note = "marked" if marked else "first" if column == 0 else ""
            box.translate(0, FOOTER / 2 - 3)
            self._write(painter, box, note, ACCENT if marked else FAINT, size=11, align=centred)

    def _write(
        self,
        painter: QPainter,
        box: QRectF,
        text: str,
        colour: str | None,
        *,
        bold: bool = False,
        size: int = 13,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> None:
        font = QFont(self.font())
        font.setPixelSize(size)
        font.setBold(bold)
        painter.setFont(font)
        painter.setPen(QColor(colour or TEXT))
        painter.drawText(box, text, QTextOption(align | Qt.AlignmentFlag.AlignVCenter))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Move the mark to the tile under the pointer."""
        if self._view is None or event is None:
            return
        side = self._tile
        for column, row in enumerate(self._view.strip.rows):
            left = self._left(column, side)
            if left <= event.position().x() < left + side:
                self.marked.emit(int(row))


def _tiles(view: ItemView, ranges: Ranges, sigma_px: float) -> list[list[QImage | None]]:
    lines = []
    for line, channel in enumerate(view.strip.channels):
        crops = smoothed(view.strip.crops[line], sigma_px)
        grey = to_grey(crops, contrast(crops, study_range=ranges.get(channel)))
        present = view.strip.present[line]
        lines.append(
            [_image(tile) if there else None for tile, there in zip(grey, present, strict=True)]
        )
    return lines


def _image(grey: NDArray[np.uint8]) -> QImage:
    data = np.ascontiguousarray(grey)
    height, width = data.shape
    kind = QImage.Format.Format_Grayscale8
    return QImage(data.tobytes(), width, height, width, kind).copy()


def _paint_tile(painter: QPainter, box: QRectF, tile: QImage | None, *, marked: bool) -> None:
    if tile is None:
        painter.fillRect(box, QColor(GROUND))
        painter.fillRect(box, QBrush(QColor(LINE), Qt.BrushStyle.BDiagPattern))
        painter.setPen(QColor(FAINT))
        painter.drawText(box, "missed", QTextOption(Qt.AlignmentFlag.AlignCenter))
    else:
        painter.drawImage(box, tile)
        _paint_ticks(painter, box)
    if marked:
        painter.setPen(QPen(QColor(ACCENT), 3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box.adjusted(1.5, 1.5, -1.5, -1.5))


def _paint_ticks(painter: QPainter, box: QRectF) -> None:
    """Point at the centre from the edges: which neuron is meant, without covering it."""
    length = box.width() * 0.09
    painter.setPen(QPen(QColor(255, 255, 255, 150), 1.2))
    centre = box.center()
    for x in (box.left(), box.right()):
        inward = length if x == box.left() else -length
        painter.drawLine(QPointF(x, centre.y()), QPointF(x + inward, centre.y()))
    for y in (box.top(), box.bottom()):
        inward = length if y == box.top() else -length
        painter.drawLine(QPointF(centre.x(), y), QPointF(centre.x(), y + inward))
