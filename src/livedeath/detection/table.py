"""A whole table of traces in, calls of death out: the visits of a table, one after the other."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from livedeath.detection import rows as rows_of
from livedeath.detection.scorer import Scorer
from livedeath.errors import TableError
from livedeath.model.flags import Flag
from livedeath.model.measures import Columns
from livedeath.model.priors import Priors
from livedeath.model.settings import AnalysisSettings
from livedeath.model.tables import FURTHER

DETECTED = Flag.COMMON_STEP | Flag.OUTLIER | Flag.FIELD_FAULT
"""Flags that the detector sets; those of an earlier score are made anew."""

_PUSHED = (
    "neuron_id", "signal", "signal_sd", "reference", "reference_sd", "intervened", "seen",
    "signal_background", "reference_background",
)  # fmt: skip
"""Columns of a table that `Scorer.push` takes as they are."""


def score_traces(
    columns: Columns,
    settings: AnalysisSettings | None = None,
    *,
    endpoint: str = "indicator_rise",
    priors: Priors | None = None,
    further: Mapping[str, str] | None = None,
    done: Callable[[Scorer], None] | None = None,
) -> tuple[Columns, Columns]:
    """Score a whole table of traces, visit by visit.

    Rows of equal time are one visit; where there is a column ``field``, rows of equal time
    and field. Visits of different fields at the same time are taken in the table's order, as
    the camera went.

    Parameters
    ----------
    columns : dict of (m,) arrays
        ``neuron_id, time_h, signal`` (the death indicator) and optionally ``reference``,
        ``signal_sd, reference_sd, vessel, well, field, population, intervened, seen, flags``;
        rows in any order, visits may be irregular or missing.
    settings : AnalysisSettings, optional
        As in `Scorer`.
    endpoint : {'indicator_rise', 'loss_of_fill'}
        What the signal is.
    priors : Priors, optional
        What another study of this endpoint learnt.
    further : dict of str to str, optional
        Columns of further channels, each with its ``_sd`` where there is one, and their
        endpoints; default: those of `livedeath.model.tables.FURTHER` that the table has.
    done : callable, optional
        Called with the detector once it has seen everything.

    Returns
    -------
    traces, calls : dict of arrays
        The table by visit and neuron with ``t`` and ``flags``; one row per neuron, whose
        flags are those of its rows, joined.

    Raises
    ------
    TableError
        If a needed column is absent or a neuron stands twice at one time.

    Notes
    -----
    A run's traces, with the sensed channel as ``signal``, the fill beside an indicator as
    ``reference`` and its dyes as ``dye``, ``dye_2``, … give the run's calls to the last bit.
    """
    for name in ("neuron_id", "time_h", "signal"):
        if name not in columns:
            raise TableError(
                f"traces: column {name!r} is missing; neuron_id, time_h and signal are needed."
            )
    given = {name: np.asarray(values) for name, values in columns.items()}
    time_h = rows_of.floats(given["time_h"], given["time_h"].size)
    well = rows_of.names_of(given, ("vessel", "well"), time_h.size)
    field = rows_of.names_of(given, ("vessel", "well", "field"), time_h.size)
    place = field if "field" in given else np.full(time_h.size, "")
    order, visits = rows_of.in_visits(time_h, place, given["neuron_id"])
    traces: Columns = {name: values[order] for name, values in given.items()}
    time_h, well, field = time_h[order], well[order], field[order]
    flags = rows_of.bits(traces.get("flags"), time_h.size) & ~np.uint32(DETECTED)
    if further is None:
        further = {name: end for name, end in FURTHER.items() if name in traces}
    scorer = Scorer(settings, endpoint, priors, further)
    for rows in visits:
        visit: dict[str, Any] = {name: traces[name][rows] for name in _PUSHED if name in traces}
        visit["further"] = {
            name: (
                traces[name][rows],
                traces[f"{name}_sd"][rows] if f"{name}_sd" in traces else None,
            )
            for name in further
        }
        visit |= {"well": well[rows], "field": field[rows], "flags": flags[rows]}
        scorer.push(float(time_h[rows][0]), **visit)
        flags[rows] |= scorer.last_flags
    traces["flags"] = flags
    traces.setdefault("t", rows_of.visit_numbers(field, time_h))
    if done is not None:
        done(scorer)
    return traces, scorer.calls(traces)
