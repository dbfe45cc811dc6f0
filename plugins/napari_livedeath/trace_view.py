"""Draws a neuron's trace: one panel per channel over time, with the onset and the mark.

Raster drawing without OpenGL, so that it works on every machine. Panels are built once and
filled anew for each neuron, which is several times faster than building them.
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
        self._panels: dict[str, _Panel] = {}
        self.scene().sigMouseClicked.connect(self._clicked)

    def furnish(self, colours: dict[str, str], *, unit: str) -> None:
        """Make one panel per channel.

        Parameters
        ----------
        colours : dict
            Channel name to colour, top to bottom.
        unit : str
            Unit of the intensities.
        """
        self.clear()
        self._panels = {}
        for row, (channel, colour) in enumerate(colours.items()):
            plot = self.addPlot(row=row, col=0)
            self._panels[channel] = _Panel(plot, channel, colour)
            plot.getAxis("bottom").setStyle(showValues=row == len(colours) - 1)
            if row:
                plot.setXLink(next(iter(self._panels.values())).plot)
            if row == len(colours) - 1:
                said = f"hours since the study's start  ·  intensity in {unit}"
                plot.setLabel("bottom", said, color=FAINT)

    def show_view(self, view: ItemView, *, show_call: bool) -> None:
        """Draw an item.

        Parameters
        ----------
        view : ItemView
            What to draw.
        show_call : bool
            Whether the machine's onset is drawn.
        """
        fresh = self._view is None or view.item != self._view.item
        self._view = view
        for panel in self._panels.values():
            if fresh:
                panel.fill(view, show_call=show_call)
            panel.point_at(view)

    def _clicked(self, event: object) -> None:
        if self._view is None or not len(self._view.trace) or not self._panels:
            return
        box = next(iter(self._panels.values())).plot.getViewBox()
        at = box.mapSceneToView(event.scenePos()).x()  # type: ignore[attr-defined]
        self.marked.emit(int(np.abs(self._view.trace.time_h - at).argmin()))


class _Panel:
    """One channel's curve with its error band, the call, the strip's span and the mark."""

    def __init__(self, plot: pg.PlotItem, channel: str, colour: str) -> None:
        self.plot = plot
        self._channel = channel
        _furnish(plot, channel, colour)
        self._span, self._interval = _region(SPAN_COLOUR), _region(INTERVAL_COLOUR)
        self._edges = [pg.PlotCurveItem(pen=pg.mkPen(None), connect="finite") for _ in range(2)]
        self._onset = pg.InfiniteLine(pen=pg.mkPen(ONSET, width=2))
        self._mark = pg.InfiniteLine(pen=pg.mkPen(ACCENT, width=2, style=Qt.PenStyle.DashLine))
        ground = (self._span, self._interval, *self._edges, _band(self._edges, colour))
        for item in (*ground, self._onset, self._mark):
            plot.addItem(item, ignoreBounds=True)
        self._curve = _curve(plot, colour)

    def fill(self, view: ItemView, *, show_call: bool) -> None:
        """Draw a neuron's curve and, if wanted, its call."""
        trace, item = view.trace, view.item
        empty = np.full(len(trace), np.nan)
        values = trace.signals.get(self._channel, empty)
        sd = trace.signals_sd.get(self._channel, empty)
        self._curve.setData(trace.time_h, values)
        for edge, sign in zip(self._edges, (1, -1), strict=True):
            edge.setData(trace.time_h, values + sign * np.nan_to_num(sd))
        _set_region(self._interval, item.low_h if show_call else None, item.high_h)
        self._onset.setVisible(show_call and item.event_h is not None)
        self._onset.setValue(item.event_h or 0.0)
        _set_ranges(self.plot, trace, values, np.nan_to_num(sd))

    def point_at(self, view: ItemView) -> None:
        """Move the mark, and the span that the strip shows."""
        times = view.strip.time_h
        wide = len(times) > 2
        _set_region(self._span, float(times[1]) if wide else None, float(times[-1]) if wide else 0)
        self._mark.setVisible(view.mark >= 0)
        if view.mark >= 0:
            self._mark.setValue(float(view.trace.time_h[view.mark]))


def _furnish(plot: pg.PlotItem, channel: str, colour: str) -> None:
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setMouseEnabled(x=False, y=False)
    plot.showGrid(x=True, y=True, alpha=0.12)
    for side in ("left", "bottom"):
        plot.getAxis(side).setPen(FAINT)
        plot.getAxis(side).setTextPen(TEXT)
    left = plot.getAxis("left")
    plot.setLabel("left", channel, color=colour)
    left.setWidth(AXIS_WIDTH)
    left.enableAutoSIPrefix(False)
    left.tickStrings = _short_numbers(left.tickStrings)


def _short_numbers(default: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """Write thousands as k, so that all axes stay equally narrow."""

    def strings(values: list[float], scale: float, spacing: float) -> list[str]:
        if max((abs(value) for value in values), default=0.0) < 1000:
            return default(values, scale, spacing)
        return [f"{value / 1000:g}k" if value else "0" for value in values]

    return strings


def _curve(plot: pg.PlotItem, colour: str) -> pg.PlotDataItem:
    return plot.plot(
        pen=pg.mkPen(colour, width=1.6),
        symbol="o",
        symbolSize=5,
        symbolBrush=colour,
        symbolPen=None,
        connect="finite",
        antialias=True,
    )


def _band(edges: list[pg.PlotCurveItem], colour: str) -> pg.FillBetweenItem:
    faint = pg.mkColor(colour)
    faint.setAlpha(50)
    return pg.FillBetweenItem(*edges, brush=pg.mkBrush(faint))


def _region(colour: tuple[int, ...]) -> pg.LinearRegionItem:
    region = pg.LinearRegionItem(movable=False, brush=pg.mkBrush(*colour), pen=pg.mkPen(None))
    region.setZValue(-10)
    return region


def _set_region(region: pg.LinearRegionItem, low: float | None, high: float | None) -> None:
    region.setVisible(low is not None and high is not None)
    if low is not None and high is not None:
        region.setRegion((low, high))


def _set_ranges(
    plot: pg.PlotItem, trace: NeuronTrace, values: NDArray[np.float64], sd: NDArray[np.float64]
) -> None:
    seen = np.isfinite(values)
    bottom = min(0.0, float(np.min((values - sd)[seen], initial=0.0)))
    top = float(np.max((values + sd)[seen], initial=bottom))
    plot.setYRange(bottom, top if top > bottom else bottom + 1.0, padding=0.05)
    if len(trace):
        plot.setXRange(float(trace.time_h[0]), float(trace.time_h[-1]) + 1e-3, padding=0.03)
