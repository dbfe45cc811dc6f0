"""Draws a neuron's trace: one curve per channel over time, with the onset and the mark.

Raster drawing without OpenGL, so that it works on every machine.
"""

from collections.abc import Callable

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QWidget

from livedeath.review.strip import NeuronTrace
from napari_livedeath.ahead import ItemView
from napari_livedeath.style import ACCENT, FAINT, GROUND, ONSET, TEXT

SPAN_COLOUR = (255, 255, 255, 16)
INTERVAL_COLOUR = (255, 140, 66, 60)
AXIS_WIDTH = 62
MINIMUM_HEIGHT = 170  # two channels stay readable on a small laptop


class TraceView(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """Shows an item's trace; a click moves the mark to the nearest visit."""

    marked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setBackground(GROUND)
        self.setMinimumHeight(MINIMUM_HEIGHT)
        self._view: ItemView | None = None
        self._marks: list[pg.InfiniteLine] = []
        self.scene().sigMouseClicked.connect(self._clicked)

    def show_view(
        self, view: ItemView | None, *, colours: dict[str, str], show_call: bool, unit: str
    ) -> None:
        """Draw an item.

        Parameters
        ----------
        view : ItemView or None
            What to draw; None clears.
        colours : dict
            Colour of each channel.
        show_call : bool
            Whether the machine's onset is drawn.
        unit : str
            Unit of the intensities.
        """
        if view is not None and self._view is not None and view.strip is self._view.strip:
            self._view = view
            self._move_marks()
            return
        self._view = view
        self.clear()
        self._marks = []
        if view is None or not len(view.trace):
            return
        self._draw(view, colours, show_call=show_call, unit=unit)

    def _draw(self, view: ItemView, colours: dict[str, str], *, show_call: bool, unit: str) -> None:
        first = None
        channels = list(view.trace.signals)
        for row, channel in enumerate(channels):
            plot = self.addPlot(row=row, col=0)
            _furnish(plot, channel, colours.get(channel, TEXT), unit=unit)
            plot.getAxis("bottom").setStyle(showValues=row == len(channels) - 1)
            self._draw_context(plot, view, show_call=show_call)
            _draw_curve(plot, view.trace, channel, colours.get(channel, TEXT))
            if first is None:
                first = plot
            else:
                plot.setXLink(first)
        plot.setLabel("bottom", "hours since the study's start", color=FAINT)
        self._move_marks()

    def _draw_context(self, plot: pg.PlotItem, view: ItemView, *, show_call: bool) -> None:
        item, times = view.item, view.strip.time_h
        if len(times) > 2:
            plot.addItem(_region(float(times[1]), float(times[-1]), SPAN_COLOUR))
        if show_call and item.low_h is not None and item.high_h is not None:
            plot.addItem(_region(item.low_h, item.high_h, INTERVAL_COLOUR))
        if show_call and item.event_h is not None:
            plot.addItem(pg.InfiniteLine(item.event_h, pen=pg.mkPen(ONSET, width=2)))
        mark = pg.InfiniteLine(0.0, pen=pg.mkPen(ACCENT, width=2, style=Qt.PenStyle.DashLine))
        plot.addItem(mark)
        self._marks.append(mark)

    def _move_marks(self) -> None:
        if self._view is None or self._view.mark < 0:
            return
        for mark in self._marks:
            mark.setValue(float(self._view.trace.time_h[self._view.mark]))

    def _clicked(self, event: object) -> None:
        if self._view is None or not self._marks:
            return
        box = self._marks[0].getViewBox()
        at = box.mapSceneToView(event.scenePos()).x()  # type: ignore[attr-defined]
        self.marked.emit(int(np.abs(self._view.trace.time_h - at).argmin()))


def _furnish(plot: pg.PlotItem, channel: str, colour: str, *, unit: str) -> None:
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setMouseEnabled(x=False, y=False)
    plot.showGrid(x=True, y=True, alpha=0.12)
    for side in ("left", "bottom"):
        plot.getAxis(side).setPen(FAINT)
        plot.getAxis(side).setTextPen(TEXT)
    plot.setLabel("left", f"{channel} ({unit})", color=colour)
    plot.getAxis("left").setWidth(AXIS_WIDTH)
    plot.getAxis("left").enableAutoSIPrefix(False)
    plot.getAxis("left").tickStrings = _short_numbers(plot.getAxis("left").tickStrings)


def _short_numbers(default: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """Write thousands as k, so that all axes stay equally narrow."""

    def strings(values: list[float], scale: float, spacing: float) -> list[str]:
        if spacing < 100:
            return default(values, scale, spacing)
        return [f"{value / 1000:g}k" if value else "0" for value in values]

    return strings


def _draw_curve(plot: pg.PlotItem, trace: NeuronTrace, channel: str, colour: str) -> None:
    values, sd = trace.signals[channel], trace.signals_sd[channel]
    if np.isfinite(sd).any():
        edges = [_line(trace.time_h, values + sign * sd) for sign in (1, -1)]
        for edge in edges:
            plot.addItem(edge)
        fill = pg.mkColor(colour)
        fill.setAlpha(50)
        plot.addItem(pg.FillBetweenItem(*edges, brush=pg.mkBrush(fill)))
    plot.plot(
        trace.time_h,
        values,
        pen=pg.mkPen(colour, width=1.6),
        symbol="o",
        symbolSize=5,
        symbolBrush=colour,
        symbolPen=None,
        connect="finite",
        antialias=True,
    )
    seen = values[np.isfinite(values)]
    if seen.size:
        top = float(seen.max())
        plot.setYRange(min(0.0, float(seen.min())), top * 1.08 if top > 0 else 1.0, padding=0.02)


def _line(times: NDArray[np.float64], values: NDArray[np.float64]) -> pg.PlotCurveItem:
    return pg.PlotCurveItem(times, values, pen=pg.mkPen(None), connect="finite")


def _region(low: float, high: float, colour: tuple[int, ...]) -> pg.LinearRegionItem:
    region = pg.LinearRegionItem(
        (low, high), movable=False, brush=pg.mkBrush(*colour), pen=pg.mkPen(None)
    )
    region.setZValue(-10)
    return region
