"""Reads the next strips while the reviewer looks at the present one.

In: items of the queue. Out: their strips, at once where they were read ahead. A strip that
was asked for is always complete: nothing half-read is ever handed out.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from livedeath.review.queue import QueueItem
from livedeath.review.strip import NeuronTrace, Strip, TraceIndex, build_strip, crop_side_px
from napari_livedeath.source import StudySource

AHEAD = 6
"""Items read ahead: at 0.6 s per verdict enough for a network share (60 ms per frame)."""

KEPT = 24
"""Strips kept, to go back without reading."""

READERS = 2
"""Threads that read."""


@dataclass(frozen=True)
class ItemView:
    """What is shown of one item.

    Attributes
    ----------
    item : QueueItem
        The item.
    trace : NeuronTrace
        All visits of the neuron.
    strip : Strip
        Crops of some of them.
    mark : int
        Row of the trace that a verdict would point at; -1 for a neuron without visits.
    """

    item: QueueItem
    trace: NeuronTrace
    strip: Strip
    mark: int


class StripReader:
    """Builds the view of an item, or has it ready.

    Parameters
    ----------
    source : StudySource
        Where images and traces come from; it must have a run.
    """

    def __init__(self, source: StudySource) -> None:
        if source.traces is None:
            raise ValueError("a study without a run has no traces to review")
        self._source = source
        self._index = TraceIndex(source.traces, source.strip_channels)
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="livedeath-strips")
        self._views: dict[str, Future[ItemView]] = {}

    def view(self, item: QueueItem) -> ItemView:
        """Return the view of an item; waits until it is read."""
        self._start(item)
        return self._views[item.item].result()

    def ahead(self, items: Sequence[QueueItem]) -> None:
        """Start to read items, nearest first; forget those seen longest ago."""
        for item in items[:AHEAD]:
            self._start(item)
        for name in list(self._views)[: max(0, len(self._views) - KEPT)]:
            if self._views[name].done():
                del self._views[name]

    def moved(self, view: ItemView, mark: int) -> ItemView:
        """Return a view with the mark elsewhere; reads images only if the strip must move."""
        if mark in view.strip.rows:
            return ItemView(view.item, view.trace, view.strip, mark)
        strip = self._strip(view.item, view.trace, centre=mark)
        return ItemView(view.item, view.trace, strip, mark)

    def close(self) -> None:
        """Stop reading."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, item: QueueItem) -> None:
        if item.item not in self._views:
            self._views[item.item] = self._pool.submit(self._build, item)

    def _build(self, item: QueueItem) -> ItemView:
        trace = self._index.trace(item.neuron_id)
        event = trace.row_at(item.event_h)
        strip = self._strip(item, trace, centre=event)
        return ItemView(item, trace, strip, len(trace) - 1 if event is None else event)

    def _strip(self, item: QueueItem, trace: NeuronTrace, *, centre: int | None) -> Strip:
        field = self._source.planned(item.field_key)
        return build_strip(
            trace,
            self._source.reader(field),
            channels=self._source.strip_channels,
            side_px=crop_side_px(self._source.pixel_size_um(field)),
            centre=centre,
        )
