"""Calls, or any table of neurons, become one row of survival per neuron.

In goes a table with a column for the group, one for the unit and the hours of each
neuron; out comes a ``SurvivalTable``: when each neuron came under watch, when it left,
whether it died, and which group, unit and block it belongs to. Death, loss and being dead
on arrival stay apart. Nothing is estimated here, and no row is repaired in silence: what
cannot be is refused with the row that holds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from livedeath.errors import TableError
from livedeath.model.tables import FIRST_DATA_ROW, LONGEST_H, PLACE

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Names = NDArray[np.object_]

NEURON = "neuron_id"
"""The column that names neurons, which are never units."""


@dataclass(frozen=True)
class SurvivalTable:
    """One row per neuron, in hours since the time origin.

    Attributes
    ----------
    group, unit : (n,) object of str
        The arm and the experimental unit; a unit stands in exactly one group.
    block : (n,) object of str, or None
        What was randomised within (a culture, a plate); a unit stands in one block.
    entry_h : (n,) float64
        First hour at which the neuron was seen alive: before it, it could not be seen
        to die (delayed entry).
    exit_h : (n,) float64
        The death where ``event``, else the last hour at which it was seen alive.
    low_h, high_h : (n,) float64
        The visits around the death; ``high_h`` is infinite where none was seen.
    event : (n,) bool
        True where the neuron died under watch.
    lost : (n,) bool
        True where it went out of sight alive, before the end.
    p_dead : (n,) float64
        Probability that a lost neuron died when it was lost, 0..1; NaN where unknown.
    dead_on_arrival : (n,) bool
        Dead at the first visit: counted, never at risk.
    covariates : dict of str to (n,) float64
        Numbers to be weighed in regressions.
    endpoint : str or None
        What was sensed; a table never holds two.
    """

    group: Names
    unit: Names
    block: Names | None
    entry_h: Floats
    exit_h: Floats
    low_h: Floats
    high_h: Floats
    event: Bools
    lost: Bools
    p_dead: Floats
    dead_on_arrival: Bools
    covariates: dict[str, Floats] = field(default_factory=dict)
    endpoint: str | None = None

    def __len__(self) -> int:
        return len(self.exit_h)

    @property
    def at_risk(self) -> Bools:
        """Return (n,) bool: watched for some time, and not dead on arrival."""
        return ~self.dead_on_arrival & (self.exit_h > self.entry_h)

    @property
    def last_h(self) -> float:
        """Return the last hour at which a neuron was under watch; 0 if none was."""
        return float(self.exit_h[self.at_risk].max(initial=0.0))

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the groups in the order of their first row."""
        return tuple(dict.fromkeys(str(name) for name in self.group))

    def units_of(self, group: str) -> tuple[str, ...]:
        """Return the units of one group in the order of their first row."""
        return tuple(dict.fromkeys(str(name) for name in self.unit[self.group == group]))

    def take(self, rows: Bools) -> "SurvivalTable":
        """Return the table of the rows where ``rows`` is True."""
        return replace(
            self,
            **{
                name: getattr(self, name)[rows]
                for name in (
                    "group",
                    "unit",
                    "entry_h",
                    "exit_h",
                    "low_h",
                    "high_h",
                    "event",
                    "lost",
                    "p_dead",
                    "dead_on_arrival",
                )
            },
            block=None if self.block is None else self.block[rows],
            covariates={name: values[rows] for name, values in self.covariates.items()},
        )

    def censored_at(self, end_h: Floats | float) -> "SurvivalTable":
        """Return the table as it stood at an hour: later deaths and losses never happened.

        Parameters
        ----------
        end_h : (n,) float64 or float
            Hour per neuron at which watching ends; a death at this very hour is kept.
            The end-kill is cut away so: at the last visit before it.
        """
        end = np.broadcast_to(np.asarray(end_h, dtype=np.float64), self.exit_h.shape)
        later = self.exit_h > end
        return replace(
            self,
            exit_h=np.where(later, np.maximum(end, self.entry_h), self.exit_h),
            high_h=np.where(later, np.inf, self.high_h),
            low_h=np.where(later, np.minimum(self.low_h, end), self.low_h),
            event=self.event & ~later,
            lost=self.lost & ~later,
        )

    def since(self, origin_h: Floats | float) -> "SurvivalTable":
        """Return the table with another time origin, for example the hour of a dose.

        Neurons that died or left before the origin have no time at risk any more; those
        alive at the origin enter at hour 0.
        """
        origin = np.broadcast_to(np.asarray(origin_h, dtype=np.float64), self.exit_h.shape)
        return replace(
            self,
            entry_h=np.maximum(self.entry_h - origin, 0.0),
            exit_h=self.exit_h - origin,
            low_h=self.low_h - origin,
            high_h=self.high_h - origin,
        )


def from_frame(
    frame: pl.DataFrame,
    group: str,
    *,
    unit: str,
    block: str | None = None,
    covariates: Sequence[str] = (),
    endpoint: str | None = None,
) -> SurvivalTable:
    """Read a survival table from named columns of a table.

    Parameters
    ----------
    frame : polars.DataFrame
        One row per neuron, with ``time_h`` and ``event``, or with ``last_alive_h`` and
        ``first_dead_h`` (empty when never seen dead); optional ``entry_h`` (default 0),
        ``death_h`` (onset, hours), ``outcome``, ``p_dead`` and ``endpoint``.
    group, unit, block : str
        Names of the columns with the arm, the experimental unit and what was randomised
        within.
    covariates : sequence of str
        Names of numeric columns.
    endpoint : str, optional
        Keep the rows of this endpoint; needed where the table holds several.

    Raises
    ------
    TableError
        In one sentence: a column is missing, a value is not a number, an interval is
        turned round, a unit stands in two groups or two blocks, endpoints are mixed.

    Notes
    -----
    A death is dated to ``death_h`` (posterior median of the onset) where it is given and
    lies after the entry, else to the middle of the interval between the visits.
    """
    refuse_neurons(unit)
    _refuse_missing(frame, [group, unit, *([block] if block else []), *covariates])
    if frame.height == 0:
        raise TableError("The table has a header and no rows; give one row per neuron.")
    frame, sensed = _of_one_endpoint(frame, endpoint)
    _refuse_twice(frame, unit)
    hours = _hours(frame)
    table = SurvivalTable(
        group=_names(frame, group),
        unit=_names(frame, unit),
        block=_names(frame, block) if block else None,
        covariates={name: _complete_numbers(frame, name) for name in covariates},
        endpoint=sensed,
        **hours,
    )
    _refuse_crossed_units(table, unit, group, block)
    return table


def refuse_neurons(unit: str) -> None:
    """Refuse neurons as units: those of one animal or culture are not independent.

    Raises
    ------
    TableError
        If the unit is the neuron.
    """
    if unit == NEURON:
        raise TableError(
            f"The unit is '{NEURON}', and neurons of one animal or culture are not independent; "
            "name what was treated as a whole: an animal, a culture, a well."
        )


def _refuse_missing(frame: pl.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise TableError(
            f"The table has no column {_listed(missing)}; its columns are {_listed(frame.columns)}."
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _of_one_endpoint(frame: pl.DataFrame, endpoint: str | None) -> tuple[pl.DataFrame, str | None]:
    if "endpoint" not in frame.columns:
        return frame, endpoint
    present = frame["endpoint"].drop_nulls().unique(maintain_order=True).to_list()
    if endpoint is None and len(present) > 1:
        raise TableError(
            f"The table holds {len(present)} endpoints ({_listed(present)}), which are never "
            f"pooled; name one with --endpoint."
        )
    wanted = endpoint if endpoint is not None else (present[0] if present else None)
    if endpoint is not None and endpoint not in present:
        raise TableError(f"The table has no endpoint '{endpoint}'; it holds {_listed(present)}.")
    return (frame.filter(pl.col("endpoint") == wanted) if wanted else frame), wanted


def _refuse_twice(frame: pl.DataFrame, unit: str) -> None:
    """Refuse a neuron with two rows: it would count as two.

    Tables from elsewhere may number the neurons of each well or field anew.
    """
    if "neuron_id" not in frame.columns:
        return
    own = ["neuron_id", unit, *(name for name in PLACE if name in frame.columns and name != unit)]
    again = (
        ~frame.select(pl.struct(own).is_first_distinct()).to_series()
        & frame["neuron_id"].is_not_null()
    )
    if again.any():
        row = int(again.to_numpy().argmax())
        raise TableError(
            f"Row {row + FIRST_DATA_ROW} (of {int(again.sum())} such) holds neuron "
            f"{frame['neuron_id'][row]} of unit '{frame[unit][row]}' a second time; leave it out, "
            f"or, where studies were put together, give their units different names."
        )


def _names(frame: pl.DataFrame, name: str) -> Names:
    column = frame[name].cast(pl.String)
    empty = column.is_null() | (column.str.strip_chars() == "")
    if empty.any():
        row = int(empty.to_numpy().argmax()) + FIRST_DATA_ROW
        raise TableError(
            f"Column '{name}' is empty in row {row}; every neuron needs one, so fill it in or "
            f"leave the row out."
        )
    return np.array(column.to_list(), dtype=object)


def _numbers(frame: pl.DataFrame, name: str) -> Floats:
    """Read a column of numbers; empty is NaN, text and infinity are refused."""
    column = frame[name]
    numbers = column.cast(pl.Float64, strict=False)
    blank = column.is_null()
    if column.dtype == pl.String:
        blank = blank | (column.str.strip_chars() == "").fill_null(True)
    wrong = (numbers.is_null() & ~blank) | numbers.is_infinite().fill_null(False)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise TableError(
            f"Column '{name}' holds {column[row]!r} in row {row + FIRST_DATA_ROW}; only "
            f"finite numbers are read, and an empty place where there is none."
        )
    return np.asarray(numbers.fill_null(float("nan")).to_numpy(), dtype=np.float64)


def _complete_numbers(frame: pl.DataFrame, name: str) -> Floats:
    values = _numbers(frame, name)
    if np.isnan(values).any():
        row = int(np.isnan(values).argmax()) + FIRST_DATA_ROW
        raise TableError(
            f"Covariate '{name}' is empty in row {row}; give every neuron a number or leave "
            f"the covariate out."
        )
    return values


def _optional(frame: pl.DataFrame, name: str, default: float) -> Floats:
    if name not in frame.columns:
        return np.full(frame.height, default)
    return _numbers(frame, name)


def _outcomes(frame: pl.DataFrame) -> Names | None:
    if "outcome" not in frame.columns:
        return None
    return np.array(frame["outcome"].cast(pl.String).fill_null("").to_list(), dtype=object)


def _hours(frame: pl.DataFrame) -> dict[str, Any]:
    if {"last_alive_h", "first_dead_h"} <= set(frame.columns):
        return _from_intervals(frame)
    if {"time_h", "event"} <= set(frame.columns):
        return _from_times(frame)
    raise TableError(
        "The table needs the columns 'last_alive_h' and 'first_dead_h', or 'time_h' and "
        f"'event'; its columns are {_listed(frame.columns)}."
    )


def _from_intervals(frame: pl.DataFrame) -> dict[str, Any]:
    low, high = _numbers(frame, "last_alive_h"), _numbers(frame, "first_dead_h")
    outcomes = _outcomes(frame)
    arrived = np.isnan(low) & np.isfinite(high)
    if outcomes is not None:
        arrived |= outcomes == "dead_on_arrival"
    never = np.isnan(low) & np.isnan(high) & ~arrived
    _refuse_rows(never, "has neither 'last_alive_h' nor 'first_dead_h'")
    _refuse_rows(~arrived & (high <= low), "was first seen dead before it was last seen alive")
    entry = np.nan_to_num(_optional(frame, "entry_h", 0.0), nan=0.0)
    entry = np.where(arrived, 0.0, entry)
    event = np.isfinite(high) & ~arrived
    if outcomes is not None:
        event &= outcomes == "dead"
    _refuse_rows(~arrived & (low < entry), "left before it entered")
    died = _death_hour(_optional(frame, "death_h", np.nan), entry, low, high)
    return _columns(frame, entry, np.where(event, died, low), low, high, event, arrived)


def _death_hour(death: Floats, entry: Floats, low: Floats, high: Floats) -> Floats:
    middle = 0.5 * (low + high)
    return np.where(np.isfinite(death) & (death > entry), death, middle)


def _from_times(frame: pl.DataFrame) -> dict[str, Any]:
    time, event = _numbers(frame, "time_h"), _numbers(frame, "event")
    _refuse_rows(np.isnan(time), "has no 'time_h'")
    _refuse_rows(~np.isin(event, (0.0, 1.0)), "has an 'event' that is neither 0 nor 1")
    outcomes = _outcomes(frame)
    arrived = np.zeros(len(time), dtype=bool)
    if outcomes is not None:
        arrived = outcomes == "dead_on_arrival"
    entry = np.nan_to_num(_optional(frame, "entry_h", 0.0), nan=0.0)
    _refuse_rows(~arrived & (time < entry), "left before it entered")
    died = (event == 1.0) & ~arrived
    _refuse_rows(died & (time <= entry), "died at the hour of its entry")
    return _columns(frame, entry, time, time, np.where(died, time, np.nan), died, arrived)


def _columns(
    frame: pl.DataFrame,
    entry: Floats,
    leave: Floats,
    low: Floats,
    high: Floats,
    event: Bools,
    arrived: Bools,
) -> dict[str, Any]:
    longest = float(np.nanmax(leave - entry, initial=0.0))
    if longest > LONGEST_H:
        raise TableError(
            f"A neuron was watched for {longest:g} h, which is {longest / 8760:.0f} years; give "
            "hours, not seconds or minutes."
        )
    outcomes = _outcomes(frame)
    lost = np.zeros(frame.height, dtype=bool) if outcomes is None else outcomes == "lost"
    p_dead = _optional(frame, "p_dead", np.nan)
    _refuse_rows((p_dead < 0) | (p_dead > 1), "has a 'p_dead' outside 0 to 1")
    return {
        "entry_h": entry,
        "exit_h": np.where(arrived, entry, leave),
        "low_h": low,
        "high_h": np.where(event, high, np.inf),
        "event": event,
        "lost": lost & ~event,
        "p_dead": np.where(lost & ~event, p_dead, np.nan),
        "dead_on_arrival": arrived,
    }


def _refuse_rows(wrong: Bools, what: str) -> None:
    if not wrong.any():
        return
    more = int(wrong.sum()) - 1
    others = f" (and {more} more)" if more else ""
    raise TableError(
        f"Row {int(wrong.argmax()) + FIRST_DATA_ROW}{others}: the neuron {what}; correct the "
        f"row or leave it out."
    )


def _refuse_crossed_units(table: SurvivalTable, unit: str, group: str, block: str | None) -> None:
    _refuse_crossed(table.unit, table.group, unit, group)
    if table.block is not None and block is not None:
        _refuse_crossed(table.unit, table.block, unit, block)


def _refuse_crossed(units: Names, parents: Names, unit: str, parent: str) -> None:
    seen: dict[str, str] = {}
    for name, above in zip(units, parents, strict=True):
        first = seen.setdefault(name, above)
        if first != above:
            raise TableError(
                f"Unit '{name}' (column '{unit}') stands in '{first}' and in '{above}' (column "
                f"'{parent}'); a unit is what was assigned as a whole, so name the finer column "
                f"as the unit, or give each unit its own name."
            )
