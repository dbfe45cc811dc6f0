"""The columns that livedeath promises: traces and calls.

Times are hours since the study's start as they really were, lengths micrometres unless
the name says ``_px``. Files may hold more columns, never fewer.
"""

from typing import NamedTuple


class Column(NamedTuple):
    """One column: its name, NumPy dtype, unit and meaning."""

    name: str
    dtype: str
    unit: str
    description: str


OUTCOMES = ("alive", "dead", "lost", "dead_on_arrival")
"""What a call can say; the four are never pooled."""

ENDPOINTS = ("indicator_rise", "loss_of_fill")
"""What was sensed; endpoints are never pooled with one another."""

_PLACE = (
    Column("vessel", "str", "", "vessel that the neuron lives in"),
    Column("well", "str", "", "well of the vessel"),
    Column("field", "int64", "", "field of the well, from 0"),
)

TRACES = (
    *_PLACE,
    Column("session", "str", "", "session in which the visit took place"),
    Column("population", "str", "", "population of the neuron"),
    Column("neuron_id", "int64", "", "unique in the study, never reused"),
    Column("t", "int64", "", "nth visit of the field, from 0"),
    Column("time_h", "float64", "h", "time of the visit"),
    Column("y_px", "float64", "px", "soma centre in the frame"),
    Column("x_px", "float64", "px", "soma centre in the frame"),
    Column("x_um", "float64", "um", "soma centre in the vessel's frame"),
    Column("y_um", "float64", "um", "soma centre in the vessel's frame"),
    Column("z_um", "float64", "um", "focus position of the visit"),
    Column("area_um2", "float64", "um2", "soma area; NaN where no soma was found"),
    Column("flags", "uint32", "", "bits of livedeath.model.flags.Flag"),
)
"""One row per neuron and visit; for each channel ``<channel>`` and ``<channel>_sd`` are added."""

CALLS = (
    *_PLACE,
    Column("neuron_id", "int64", "", "unique in the study, never reused"),
    Column("population", "str", "", "population of the neuron"),
    Column("endpoint", "str", "", "what was sensed: one of ENDPOINTS"),
    Column("outcome", "str", "", "one of OUTCOMES"),
    Column("p_alive", "float64", "", "probability that the neuron lived at its last visit"),
    Column("p_dead", "float64", "", "probability that it died"),
    Column("p_lost", "float64", "", "probability that it was lost without dying"),
    Column("entry_h", "float64", "h", "first confident visit"),
    Column("last_alive_h", "float64", "h", "last visit before the onset, or last seen alive"),
    Column("first_dead_h", "float64", "h", "first visit after the onset; NaN if never seen dead"),
    Column("death_h", "float64", "h", "onset of death, posterior median"),
    Column("death_low_h", "float64", "h", "lower end of the onset's 95 % interval"),
    Column("death_high_h", "float64", "h", "upper end of the onset's 95 % interval"),
    Column("called_at_h", "float64", "h", "visit at which the online detector spoke"),
    Column("evidence", "float64", "ln", "largest log odds of death reached"),
    Column("loss_reason", "str", "", "why the neuron was lost; empty otherwise"),
    Column("flags", "uint32", "", "all flags of the neuron's visits, joined"),
)
"""One row per neuron."""

JOINED = ("arm", "unit", "block", "genotype", "dose", "dose_unit", "ended_h", "ended_by")
"""Columns that are joined to calls from the declaration."""


def trace_columns(channels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the trace table's columns for a study's channels, in order."""
    names = [column.name for column in TRACES]
    at = names.index("flags")
    measured = [name for channel in channels for name in (channel, f"{channel}_sd")]
    return (*names[:at], *measured, *names[at:])
