"""Columns of a traces table: defaults, types, names of wells, numbers of visits."""

import numpy as np
from numpy.typing import NDArray

from livedeath.model.measures import Columns

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Given = NDArray[np.generic] | None


def floats(values: Given, n: int) -> Floats:
    """Return a column as float64, NaN where none was given."""
    return np.full(n, np.nan) if values is None else np.asarray(values, dtype=np.float64)


def bits(values: Given, n: int) -> NDArray[np.uint32]:
    """Return a column of flags, 0 where none was given."""
    return np.zeros(n, np.uint32) if values is None else np.array(values, dtype=np.uint32)


def truths(values: Given, n: int, *, default: bool) -> NDArray[np.bool_]:
    """Return a column of truths, ``default`` where none was given."""
    return np.full(n, default) if values is None else np.asarray(values, dtype=np.bool_)


def places(traces: Columns, neuron_id: Ints) -> Columns:
    """Return where each neuron is, copied from its first row."""
    ids, first = np.unique(np.asarray(traces["neuron_id"]), return_index=True)
    at = first[np.minimum(np.searchsorted(ids, neuron_id), ids.size - 1)]
    defaults: dict[str, object] = {"vessel": "", "well": "", "field": 0}
    out: Columns = {
        name: np.asarray(traces[name])[at] if name in traces else np.full(at.size, value)
        for name, value in defaults.items()
    }
    out["neuron_id"] = neuron_id.copy()
    given = traces.get("population")
    out["population"] = np.full(at.size, "") if given is None else np.asarray(given)[at]
    return out


def well_names(traces: Columns, m: int) -> NDArray[np.str_]:
    """Return vessel and well of each row as one name."""
    parts = [np.asarray(traces[k]).astype(str) for k in ("vessel", "well") if k in traces]
    if not parts:
        return np.full(m, "")
    return parts[0] if len(parts) == 1 else np.char.add(np.char.add(parts[0], "/"), parts[1])


def visit_numbers(
    well: NDArray[np.str_], field: NDArray[np.generic] | None, time_h: Floats
) -> Ints:
    """Return each row's visit of its field, from 0."""
    fields = np.full(well.size, "") if field is None else np.asarray(field).astype(str)
    _, code = np.unique(np.char.add(np.char.add(well, "/"), fields), return_inverse=True)
    out = np.zeros(well.size, np.int64)
    for k in range(int(code.max()) + 1 if code.size else 0):
        here = code == k
        out[here] = np.unique(time_h[here], return_inverse=True)[1]
    return out
