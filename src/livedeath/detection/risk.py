"""Flags of a visit in, who is at risk of a call out.

Who they are is decided where somata are measured (`livedeath.analysis.risk`) and stands in the
flags, so that a table of traces is scored as the images were. Time at risk begins with the
first visit without the flag; whoever never had one was never watched.
"""

import numpy as np
from numpy.typing import NDArray

from livedeath.detection.record import NeuronRecords
from livedeath.model.flags import Flag
from livedeath.model.measures import Columns
from livedeath.model.tables import NOT_SHOWN

__all__ = ["NOT_SHOWN", "at_risk", "entries"]


def at_risk(bits: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return which rows of a visit belong to neurons at risk."""
    return np.asarray((bits & np.uint32(Flag.UNPROVEN)) == 0)


def entries(
    records: NeuronRecords, traces: Columns
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return (n,) hour at which each neuron enters, and who was never at risk.

    Parameters
    ----------
    records : NeuronRecords
        Of n neurons, ascending. Whoever has no entry and is unproven to the last never was at
        risk, and is given the hour at which it was first found.
    traces : dict of (m,) arrays
        All rows, with ``neuron_id`` and ``time_h``.
    """
    ids, given = records.neuron_id, np.asarray(traces["neuron_id"])
    never = np.isnan(records.entry_h) & ~at_risk(records.last_flags)
    first = np.where(np.isnan(records.entry_h), records.row_h, records.entry_h)
    found = np.where(never, np.inf, first)
    known = np.isin(given, ids[never])
    hours = np.asarray(traces["time_h"], np.float64)[known]
    np.minimum.at(found, np.searchsorted(ids, given[known]), hours)
    return np.where(np.isfinite(found), found, first), never
