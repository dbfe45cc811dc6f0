"""The columns that livedeath promises: traces and calls.

Times are hours since the study's start as they really were, lengths micrometres unless
the name says ``_px``. Files may hold more columns, never fewer. What is unknown is empty: null
in Parquet, an empty cell in CSV.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from livedeath.model.optics import Camera


class Column(NamedTuple):
    """One column: its name, NumPy dtype, unit and meaning."""

    name: str
    dtype: str
    unit: str
    description: str


OUTCOMES = ("alive", "dead", "lost", "dead_on_arrival")
"""What a call can say; the four are never pooled."""

FIELD_FAULT = "field_fault"
"""Why a neuron is lost whose field shows nothing, or what may be death or an accident."""

DIVIDED = "divided"
"""Why a neuron is watched no longer though it is neither dead nor lost; its outcome is alive."""

NOT_SHOWN = "not_shown_a_neuron"
"""Loss reason of whatever never was at risk: nothing showed that it is a neuron."""

FIRST_DATA_ROW = 2
"""Row numbers in messages count as an editor does: the line of names is row 1."""

LONGEST_H = 5 * 365.0 * 24.0
"""No neuron is watched for longer, h: more than the life of a mouse. Seconds soon exceed it."""

ENDPOINTS = ("indicator_rise", "loss_of_fill")
"""What was sensed; endpoints are never pooled with one another."""

_PLACE = (
    Column("vessel", "str", "", "vessel that the neuron lives in"),
    Column("well", "str", "", "well of the vessel"),
    Column("field", "int64", "", "field of the well, from 0"),
    Column("acquisition", "int64", "", "stretch of the field with the same optics, from 0"),
)

PLACE = tuple(column.name for column in _PLACE)
"""What names a field in a table: all four, for ``t`` counts the visits of that field."""

TRACES = (
    *_PLACE,
    Column("session", "str", "", "session in which the visit took place"),
    Column("population", "str", "", "population of the neuron"),
    Column("neuron_id", "int64", "", "unique in the study, never reused"),
    Column("parent_id", "int64", "", "what divided into it; 0 for none"),
    Column("t", "int64", "", "nth visit of the field, from 0"),
    Column("time_h", "float64", "h", "time of the visit"),
    Column("y_px", "float64", "px", "soma centre in the frame"),
    Column("x_px", "float64", "px", "soma centre in the frame"),
    Column("x_um", "float64", "um", "soma centre in the vessel's frame"),
    Column("y_um", "float64", "um", "soma centre in the vessel's frame"),
    Column("z_um", "float64", "um", "focus position of the visit"),
    Column("area_um2", "float64", "um2", "soma area; empty where no soma was found"),
    Column("flags", "uint32", "", "bits of livedeath.model.flags.Flag"),
)
"""One row per neuron and visit; for each channel its `MEASURED` columns are added."""

MEASURED = ("", "_sd", "_background")
"""Endings of a channel's columns: light above background, its sd, background per pixel."""

CALLS = (
    *_PLACE,
    Column("neuron_id", "int64", "", "unique in the study, never reused"),
    Column("parent_id", "int64", "", "what divided into it; 0 for none"),
    Column("population", "str", "", "population of the neuron"),
    Column("endpoint", "str", "", "what was sensed: one of ENDPOINTS"),
    Column("outcome", "str", "", "one of OUTCOMES"),
    Column("p_alive", "float64", "", "probability that the neuron lived at its last visit"),
    Column("p_dead", "float64", "", "probability that it died"),
    Column("p_lost", "float64", "", "probability that it was lost without dying"),
    Column("entry_h", "float64", "h", "first confident visit"),
    Column("last_alive_h", "float64", "h", "last visit before the onset, or last seen alive"),
    Column("first_dead_h", "float64", "h", "first visit after the onset; empty if never seen dead"),
    Column("death_h", "float64", "h", "onset of death, posterior median"),
    Column("death_low_h", "float64", "h", "lower end of the onset's 95 % interval"),
    Column("death_high_h", "float64", "h", "upper end of the onset's 95 % interval"),
    Column("called_at_h", "float64", "h", "visit at which the online detector spoke"),
    Column("revoked_at_h", "float64", "h", "visit at which later evidence took the call back"),
    Column("evidence", "float64", "ln", "largest log odds of death reached"),
    Column("loss_reason", "str", "", "why the neuron was lost, or DIVIDED; empty otherwise"),
    Column("flags", "uint32", "", "all flags of the neuron's visits, joined"),
)
"""One row per neuron."""

FURTHER = {
    "dye": "indicator_rise",
    "dye_2": "indicator_rise",
    "dye_3": "indicator_rise",
    "shape": "loss_of_fill",
}
"""Further channels that a table of traces may have, each with its ``_sd``, and what becomes of
them in the dead: dyes rise, a shape (the soma's area) falls. A study's dyes become the first."""

SCORED = (
    "signal", "signal_sd", "signal_background",
    "reference", "reference_sd", "reference_background",
    "seen", "intervened",
)  # fmt: skip
"""What ``livedeath score`` reads of a table of traces; exported traces have these columns too."""

JOINED = ("arm", "unit", "block", "genotype", "dose", "dose_unit", "ended_h", "ended_by")
"""Columns that are joined to calls from the declaration."""


def trace_columns(channels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the trace table's columns for a study's channels, in order."""
    names = [column.name for column in TRACES]
    at = names.index("flags")
    measured = [f"{channel}{ending}" for channel in channels for ending in MEASURED]
    return (*names[:at], *measured, *names[at:])


ELECTRONS = "electrons"
GREY_LEVELS = "grey levels"

_ENDINGS = {"_h": "h", "_um": "um", "_um2": "um2", "_px": "px", "_electrons": ELECTRONS}
"""Units of columns that are declared nowhere: their names say them."""


def intensity_unit(camera: Camera) -> str:
    """Return the unit of measured light: electrons where offset and gain are declared."""
    known = camera.offset_adu is not None and camera.gain_e_per_adu is not None
    return ELECTRONS if known else GREY_LEVELS


def channel_units(channels: Iterable[str], camera: Camera) -> dict[str, str]:
    """Return the unit of each channel's columns in a table of traces."""
    unit = intensity_unit(camera)
    return {f"{channel}{ending}": unit for channel in channels for ending in MEASURED}


def units(names: Iterable[str], measured: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the unit of every column of a table that has one.

    Parameters
    ----------
    names : iterable of str
        The table's columns.
    measured : mapping of str to str, optional
        Units of measured columns; see `channel_units`.

    Returns
    -------
    dict of str to str
        As measured, else as declared in `TRACES` and `CALLS`, else as the name's ending says;
        columns without a unit are left out.
    """
    declared = {column.name: column.unit for column in (*TRACES, *CALLS)}
    known = {**declared, **(measured or {})}
    found = {name: known.get(name, _of_ending(name)) for name in names}
    return {name: unit for name, unit in found.items() if unit}


def _of_ending(name: str) -> str:
    return next((unit for ending, unit in _ENDINGS.items() if name.endswith(ending)), "")
