"""What the detector says of a study's own living neurons, turned round in time.

Traces of neurons that lived to the end go in; out comes how often a fresh detector with the same
settings calls them when the last visit comes first. Nobody among them died, they carry the
study's own noise, faults and slips, and seen backwards nobody waits for the end that chose
them. It is made after the calls, and changes none.

What it cannot show: it says nothing of neurons that died or were lost, and turned round
a transient rises slowly and falls at once, as few do forwards. Bleaching and maturation turned
round would look like deaths, so each neuron's own trend is taken out first.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.detection.acquisitions import score_traces
from livedeath.detection.rows import floats
from livedeath.model.measures import Columns
from livedeath.model.settings import AnalysisSettings

Floats = NDArray[np.float64]

MOST_VALUES = 200_000
"""Values that are scored at most, of whole neurons drawn evenly: some seconds."""
FEWEST_VISITS = 10
"""Visits below which a trace shows neither a trend nor an alarm."""
HOURS_PER_DAY = 24.0


class Null(NamedTuple):
    """What the detector said of neurons that did not die.

    Attributes
    ----------
    neurons : int
        Living neurons whose traces were turned round.
    neuron_days : float
        Their time under watch, until an alarm.
    alarms, deaths : int
        Those called, and those of them whose call was not taken back.
    """

    neurons: int
    neuron_days: float
    alarms: int
    deaths: int


def null_of(
    columns: Columns,
    settings: AnalysisSettings | None = None,
    *,
    endpoint: str = "indicator_rise",
    most_values: int = MOST_VALUES,
) -> Null | None:
    """Score the traces of living neurons turned round; None where there are none.

    Parameters
    ----------
    columns : dict of (m,) arrays
        Rows of neurons that lived to the end, up to that end, as
        `livedeath.detection.table.score_traces` takes them.
    settings, endpoint
        As the study was scored with.
    most_values : int
        Rows that are scored at most.
    """
    turned = turned_round(columns, most_values=most_values)
    ids = turned["neuron_id"]
    if not ids.size:
        return None
    _, calls = score_traces(turned, settings, endpoint=endpoint)
    known, of = np.unique(ids, return_inverse=True)
    first, last = np.full(known.size, np.inf), np.full(known.size, -np.inf)
    np.minimum.at(first, of, turned["time_h"])
    np.maximum.at(last, of, turned["time_h"])
    called_h = calls["called_at_h"]
    alarm = np.isfinite(called_h)
    hours = np.where(alarm, called_h, last) - first
    dead = calls["outcome"] == "dead"
    return Null(
        known.size, float(hours.sum()) / HOURS_PER_DAY, int(alarm.sum()), int((alarm & dead).sum())
    )


def turned_round(columns: Columns, *, most_values: int = MOST_VALUES) -> Columns:
    """Return traces in which the last visit comes first, each without its own trend.

    Parameters
    ----------
    columns : dict of (m,) arrays
        As in `null_of`.
    most_values : int
        Neurons are drawn evenly, whole, until so many rows are reached.

    Returns
    -------
    dict of arrays
        Rows of neurons with at least `FEWEST_VISITS` values; hours count from the last visit
        backwards, and what was done to a well stands at the visit that now comes after it.
    """
    own = {name: np.asarray(values) for name, values in columns.items()}
    ids = own["neuron_id"]
    time_h = floats(own["time_h"], ids.size)
    order = np.lexsort((time_h, ids))
    measured = np.isfinite(floats(own["signal"], ids.size))
    known, of, rows = np.unique(ids, return_inverse=True, return_counts=True)
    enough = np.bincount(of, measured, minlength=known.size) >= FEWEST_VISITS
    take = max(1, int(np.ceil(rows[enough].sum() / most_values)))
    chosen = np.zeros(known.size, np.bool_)
    chosen[np.flatnonzero(enough)[::take]] = True
    order = order[chosen[of[order]]]
    own = {name: values[order] for name, values in own.items()}
    if not order.size:
        return own
    ids, time_h = own["neuron_id"], floats(own["time_h"], order.size)
    starts = np.flatnonzero(np.diff(ids, prepend=ids[0] - 1))
    signal, by = floats(own["signal"], ids.size), floats(own.get("reference"), ids.size)
    ratio = signal if "reference" not in own else signal / np.where(by > 0, by, np.nan)
    grown = np.zeros(ids.size)
    for part in map(slice, starts, np.append(starts[1:], ids.size)):
        middle = 0.5 * (time_h[part][0] + time_h[part][-1])
        grown[part] = _trend(time_h[part], ratio[part]) * (time_h[part] - middle)
        if "intervened" in own:
            done = own["intervened"][part]
            own["intervened"][part] = np.append(done[1:], False)
    for name in ("signal", "signal_sd"):
        if name in own:
            own[name] = floats(own[name], ids.size) * np.exp(-grown)
    own["time_h"] = time_h.max() - time_h
    return own


def _trend(time_h: Floats, ratio: Floats) -> float:
    """Return the growth of a ratio, ln per hour: median slope over half the trace."""
    good = np.flatnonzero(ratio > 0)
    half = good.size // 2
    if half < FEWEST_VISITS // 2:
        return 0.0
    early, late = good[:half], good[-half:]
    rise = np.log(ratio[late] / ratio[early])
    return float(np.median(rise / (time_h[late] - time_h[early])))
