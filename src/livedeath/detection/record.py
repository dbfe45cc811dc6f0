"""How the detector keeps its neurons: one row per neuron in each array, grown in blocks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.kernels.bank import Bank, Shapes
from livedeath.kernels.baseline import Baselines
from livedeath.model.flags import Flag

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNMEASURED = np.uint32(
    Flag.OUTSIDE_COMMON_AREA | Flag.DOUBTED | Flag.BAD_FRAME | Flag.FIELD_FAULT | Flag.UNPROVEN
)
"""Flags of a value that says nothing of its neuron."""
NOTHING_SEEN = np.uint32(UNMEASURED | Flag.MISSING_CHANNEL)
"""Flags of a visit at which the detector saw nothing of a neuron."""


NEVER_MEASURED = "never measured"
"""Reason of a loss: no value of the neuron could be scored, so nothing says that it lives."""


class NeuronRecords(NamedTuple):
    """What is kept of each neuron beside its filters."""

    neuron_id: Ints
    well: Ints
    field: Ints
    entry_h: Floats
    row_h: Floats
    seen_h: Floats
    visits: Ints
    called_h: Floats
    visits_called: Ints
    squares: Floats
    evidence: Floats
    odds: Floats
    arrival: NDArray[np.int8]
    last_flags: NDArray[np.uint32]
    reference: Floats
    reference_var: Floats
    ratio: Floats
    variance_sum: Floats
    variance_visits: Floats
    variance_population: Floats
    statistic: Floats
    fading: Floats
    surprise: Floats
    lives: Floats

    def taken(self, rows: Ints) -> "NeuronRecords":
        """Return a copy of some rows."""
        return NeuronRecords._make(column[rows] for column in self)


class Index:
    """Which row each neuron has.

    Parameters
    ----------
    neuron_id : (N,) int64
        Of all rows, each once.
    """

    def __init__(self, neuron_id: Ints) -> None:
        self._rows = np.argsort(neuron_id, kind="stable")
        self._ids = neuron_id[self._rows]

    def find(self, ids: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Return the row of each id, not to be written to, and whether it has one."""
        if self._ids.size == 0 or ids.size == 0:
            return np.zeros(ids.size, np.int64), np.zeros(ids.size, np.bool_)
        start = int(np.searchsorted(self._ids, ids[0]))
        part = slice(start, start + ids.size)
        if np.array_equal(self._ids[part], ids):  # one field, or all of them
            return self._rows[part], np.ones(ids.size, np.bool_)
        at = np.minimum(np.searchsorted(self._ids, ids), self._ids.size - 1)
        return self._rows[at], np.asarray(self._ids[at] == ids)


def empty_bank(n: int, slots: int, shapes: Shapes) -> Bank:
    """Return a bank of ``n`` neurons without a template."""
    taus = shapes.tau_h.size
    box = (n, slots, shapes.prior.size)
    return Bank(
        np.zeros(n, np.int64), np.tile(np.arange(slots), (n, 1)),
        np.zeros((n, slots)), np.zeros((n, slots)), np.zeros((n, slots)), np.zeros((n, slots)),
        np.zeros((n, slots, taus)),
        np.zeros(box, np.float32), np.zeros(box, np.float32), np.zeros(box, np.float32),
        np.zeros((n, slots, taus, 3)),
    )  # fmt: skip


def empty_baselines(n: int) -> Baselines:
    """Return filters of ``n`` neurons that have seen nothing."""
    return Baselines(
        np.zeros(n, np.int64), np.zeros(n), np.zeros((n, 3)), np.zeros((n, 6)),
        np.zeros((n, 2)), np.zeros(n, np.int64), np.ones(n),
    )  # fmt: skip


def empty_records(n: int) -> NeuronRecords:
    """Return the records of ``n`` neurons not met yet."""
    nan = np.full(n, np.nan)
    return NeuronRecords(
        np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64),
        nan, nan.copy(), nan.copy(),
        np.zeros(n, np.int64), nan.copy(), np.zeros(n, np.int64), np.zeros((n, 2)),
        np.full(n, -np.inf), np.zeros(n),
        np.zeros(n, np.int8), np.zeros(n, np.uint32),
        np.zeros(n), np.full(n, -1.0), nan.copy(), np.zeros(n), np.zeros(n), np.zeros(n),
        np.full(n, -np.inf), np.full(n, -np.inf), nan.copy(), np.ones(n),
    )  # fmt: skip


def watched(records: NeuronRecords, entry_h: Floats, measured: NDArray[np.bool_]) -> NeuronRecords:
    """Return records with the hours of entry; of whom nothing was scored nothing was seen."""
    return records._replace(entry_h=entry_h, seen_h=np.where(measured, records.seen_h, np.nan))


def patience_h(
    entry_h: Floats, seen_h: Floats, visits: Ints, field_time_h: Floats, gap_visits: int
) -> Floats:
    """Return (n,) how long each neuron may go unseen and not be lost, hours.

    Parameters
    ----------
    entry_h, seen_h : (n,) float64
        First visit, and the last at which the neuron was seen.
    visits : (n,) int64
        Visits at which it was.
    field_time_h : (n, 3) float64
        First visit, last visit and number of visits of each neuron's field.
    gap_visits : int
        See `livedeath.model.settings`.
    """
    start, end, watched = field_time_h.T
    own = (seen_h - entry_h) / np.maximum(visits - 1, 1)
    usual = np.where(visits > 1, own, (end - start) / np.maximum(watched - 1, 1))
    return np.asarray((gap_visits + 0.5) * usual + 1e-9)


def losses(
    records: NeuronRecords, field_time_h: Floats, gap_visits: int
) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
    """Return which neurons have been missing too long, and why.

    A neuron is lost when its field was watched for more than ``gap_visits`` of the
    neuron's own usual intervals after it was last seen; of a neuron seen once, of the field's
    intervals. ``field_time_h`` holds first visit, last visit and number of visits of each
    neuron's field.
    """
    outside = (records.last_flags & Flag.OUTSIDE_COMMON_AREA) > 0
    missing = (records.last_flags & Flag.MISSING_CHANNEL) > 0
    end = field_time_h[:, 1]
    last = np.where(np.isnan(records.seen_h), records.entry_h, records.seen_h)
    patience = patience_h(records.entry_h, last, records.visits, field_time_h, gap_visits)
    reason = np.select(
        [records.row_h < end - patience, outside, missing, np.isnan(records.seen_h)],
        ["no more rows", "outside the common area", "channel missing", NEVER_MEASURED],
        "mask lost",
    )
    return np.asarray(end - last > patience), reason.astype(object)
