"""Columns of a traces table: defaults, types, what flags say, names of places, visits."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from livedeath.model.flags import Flag
from livedeath.model.measures import Columns

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bits = NDArray[np.uint32]
Given = NDArray[np.generic] | None

UNSEEN = (
    Flag.MASK_LOST
    | Flag.OUTSIDE_COMMON_AREA
    | Flag.DOUBTED
    | Flag.MISSING_CHANNEL
    | Flag.FIELD_FAULT
    | Flag.BAD_FRAME
    | Flag.UNPROVEN
)
"""Flags of a visit at which a neuron was not seen."""


def ascending(ids: Ints) -> Ints | slice:
    """Return what brings a column into the order of ids; nothing is copied where it is."""
    return slice(None) if bool((ids[1:] > ids[:-1]).all()) else np.argsort(ids, kind="stable")


def floats(values: Given, n: int) -> Floats:
    """Return a column as float64, NaN where none was given."""
    return np.full(n, np.nan) if values is None else np.asarray(values, dtype=np.float64)


def texts(values: Given, n: int) -> NDArray[np.str_]:
    """Return a column of names, empty where none was given."""
    return np.full(n, "") if values is None else np.asarray(values).astype(str)


def bits(values: Given, n: int) -> Bits:
    """Return a column of flags, 0 where none was given."""
    return np.zeros(n, np.uint32) if values is None else np.array(values, dtype=np.uint32)


def deviations(values: Given, n: int) -> Floats:
    """Return a column of standard deviations, NaN where none is stated; none measures without."""
    given = floats(values, n)
    return np.where(given > 0, given, np.nan)


def lacking(flags: Bits, signal: Floats, reference: Floats | None) -> Bits:
    """Return flags that name a missed channel where a value that is scored is missing, only there.

    A signal without the reference that it is divided by cannot be scored either.
    """
    measured = np.isfinite(signal)
    there = measured if reference is None else measured & np.isfinite(reference)
    missing = np.uint32(Flag.MISSING_CHANNEL)
    return np.where(there, flags & ~missing, np.where(measured, flags | missing, flags))


def is_missed(signal: Floats, flags: Bits) -> bool:
    """Return whether a visit has no signal, other than of neurons outside a frame taken."""
    outside, missing = Flag.OUTSIDE_COMMON_AREA, Flag.MISSING_CHANNEL
    out_of_frame = (flags & np.uint32(outside | missing)) == outside
    return not (np.isfinite(signal).any() or out_of_frame.all())


def joined_flags(traces: Columns, neuron_id: Ints) -> Bits:
    """Return all flags of each neuron's rows; 0 where the table has none. Ids ascend."""
    out = np.zeros(neuron_id.size, np.uint32)
    ids = np.asarray(traces["neuron_id"])
    known = np.isin(ids, neuron_id)
    at = np.searchsorted(neuron_id, ids[known])
    np.bitwise_or.at(out, at, bits(traces.get("flags"), ids.size)[known])
    return out


def truths(values: Given, n: int, *, default: bool) -> NDArray[np.bool_]:
    """Return a column of truths, ``default`` where none was given."""
    return np.full(n, default) if values is None else np.asarray(values, dtype=np.bool_)


def places(traces: Columns, neuron_id: Ints) -> Columns:
    """Return where each neuron is, copied from its last row: its population is decided late."""
    ids, back = np.unique(np.asarray(traces["neuron_id"])[::-1], return_index=True)
    last = np.asarray(traces["neuron_id"]).size - 1 - back
    at = last[np.minimum(np.searchsorted(ids, neuron_id), ids.size - 1)]
    defaults: dict[str, object] = {"vessel": "", "well": "", "field": 0, "acquisition": 0}
    out: Columns = {
        name: np.asarray(traces[name])[at] if name in traces else np.full(at.size, value)
        for name, value in defaults.items()
    }
    out["neuron_id"] = neuron_id.copy()
    parents = traces.get("parent_id")
    out["parent_id"] = np.zeros(at.size, np.int64) if parents is None else np.asarray(parents)[at]
    given = traces.get("population")
    out["population"] = np.full(at.size, "") if given is None else np.asarray(given)[at]
    return out


def names_of(traces: Columns, columns: tuple[str, ...], m: int) -> NDArray[np.str_]:
    """Return one name per row, made of those of some columns that the table has."""
    names = np.full(m, "")
    for part in (np.asarray(traces[k]).astype(str) for k in columns if k in traces):
        names = np.char.add(np.char.add(names, "/"), part)
    return names


def in_visits(time_h: Floats, place: NDArray[np.str_], neuron_id: Ints) -> tuple[Ints, list[slice]]:
    """Return the order of rows by visit and neuron, and where each visit lies in it.

    Rows of one time and place are one visit. Visits go by time; those of one time, as their
    first rows stand in the table.
    """
    _, code = np.unique(place, return_inverse=True)
    _, when = np.unique(time_h, return_inverse=True)
    visit = when * (int(code.max(initial=0)) + 1) + code
    _, first, visit = np.unique(visit, return_index=True, return_inverse=True)
    order = np.lexsort((neuron_id, first[visit], time_h))
    edges = np.flatnonzero(np.diff(visit[order], prepend=-1, append=-1)).tolist()
    return order, [slice(a, b) for a, b in pairwise(edges)]


def visit_numbers(place: NDArray[np.str_], time_h: Floats) -> Ints:
    """Return each row's visit of its place, from 0."""
    _, code = np.unique(place, return_inverse=True)
    out = np.zeros(place.size, np.int64)
    for k in range(int(code.max()) + 1 if code.size else 0):
        here = code == k
        out[here] = np.unique(time_h[here], return_inverse=True)[1]
    return out
