"""How close the calls came: true neurons, traces and calls go in, figures come out.

The rule, counted before the end-kill. Deaths that count: every true neuron in view, alive
and of at least 50 electrons at its first visit, *found or not*, whose onset lies at least
four visits before the end (the end-kill, else the last visit). A call before the true
onset, of a neuron that does not die, or of no true neuron at all, is false.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from livedeath.model.frame import FieldKey
from livedeath.model.plan import plan
from livedeath.model.study import Study
from livedeath.model.tables import PLACE
from livedeath.simulation.fate import kill_h
from livedeath.store.places import field_of, in_field, with_acquisition

MIN_ELECTRONS = 50.0
"""Neurons fainter than this at their first visit do not count."""

VISITS_BEFORE_END = 4
"""Visits between a death's onset and the end without which it does not count."""

LATE_UM_PER_VISIT = 0.1
"""Of two ids at one place the earlier wins: distance that a visit later is worth."""

FAR = 1e6
"""Cost of a pair that is too far apart, micrometres."""

HOURS_PER_DAY = 24.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """How an analysis did against the truth, before the end-kill.

    Parameters
    ----------
    neurons : int
        True neurons in view, alive and bright enough at their first visit.
    neurons_found : int
        Of these, how many have an id.
    neuron_days : float
        Observed live time of the true neurons found.
    deaths_true, deaths_called : int
        Deaths that count, and how many of them were called in time.
    sensitivity : float
        Their ratio; NaN without deaths.
    false_deaths : int
        Calls before the onset, of survivors, or of no true neuron.
    false_per_1000_neuron_days : float
        NaN without neuron-days.
    false_taken_back, deaths_taken_back : int
        Of the false deaths, and of the deaths called in time, those whose call was taken back,
        or replaced by a later death of the neuron.
    false_final_per_1000_neuron_days : float
        False deaths that were not taken back.
    median_delay_h : float
        From the onset to the call; NaN without called deaths.
    onset_median_error_h, onset_rmse_h : float
        Median absolute and root mean square error of the onsets of called deaths.
    onset_coverage : float
        Share of these whose 95 % interval holds the true onset.
    """

    neurons: int
    neurons_found: int
    neuron_days: float
    deaths_true: int
    deaths_called: int
    sensitivity: float
    false_deaths: int
    false_per_1000_neuron_days: float
    false_taken_back: int
    false_final_per_1000_neuron_days: float
    deaths_taken_back: int
    median_delay_h: float
    onset_median_error_h: float
    onset_rmse_h: float
    onset_coverage: float


def compare(
    truth: pl.DataFrame,
    traces: pl.DataFrame,
    calls: pl.DataFrame,
    *,
    study: Study,
    min_electrons: float = MIN_ELECTRONS,
) -> dict[str, Any]:
    """Return the `Figures` of an analysis as a dict.

    Parameters
    ----------
    truth : DataFrame
        As `livedeath.simulation.census.census` gives it.
    traces, calls : DataFrame
        As the analysis gives them.
    study : Study
        Says when wells are visited and killed.
    min_electrons : float
        Of the fill (without fill: the indicator), at first visit.
    """
    table = judge(truth, traces, calls, study=study, min_electrons=min_electrons)
    return asdict(_figures(table, strangers=_strangers(table, calls, study)))


def judge(
    truth: pl.DataFrame,
    traces: pl.DataFrame,
    calls: pl.DataFrame,
    *,
    study: Study,
    min_electrons: float = MIN_ELECTRONS,
) -> pl.DataFrame:
    """Return the truth with what the analysis made of each neuron.

    Adds ``called_id`` (null: not found), ``found_h``, ``called_at_h`` (before the end,
    else NaN), ``revoked_at_h``, ``onset_h``, ``onset_low_h``, ``onset_high_h``, ``end_h``,
    ``counts`` (in view, alive and bright), ``death_counts``, ``called``, ``false`` and
    ``live_days``.
    """
    truth = with_acquisition(truth, study)
    pairs = match(truth, traces, study=study)
    table = truth.join(pairs, on=["neuron_id", "acquisition"], how="left")
    said = calls.select(
        called_id=pl.col("neuron_id").cast(pl.Int64),
        outcome="outcome",
        called_at_h=pl.col("called_at_h").cast(pl.Float64).fill_null(np.nan),
        revoked_at_h=pl.col("revoked_at_h").cast(pl.Float64).fill_null(np.nan),
        onset_h=pl.col("death_h").cast(pl.Float64).fill_null(np.nan),
        onset_low_h=pl.col("death_low_h").cast(pl.Float64).fill_null(np.nan),
        onset_high_h=pl.col("death_high_h").cast(pl.Float64).fill_null(np.nan),
        last_alive_h=pl.col("last_alive_h").cast(pl.Float64).fill_null(np.nan),
    )
    table = table.join(said, on="called_id", how="left")
    return _verdicts(table, _ends(table, study), study, min_electrons)


def _verdicts(
    table: pl.DataFrame, end_h: Floats, study: Study, min_electrons: float
) -> pl.DataFrame:
    get = {name: _floats(table[name]) for name in ("death_h", "first_h", "called_at_h", "found_h")}
    death = np.nan_to_num(get["death_h"], nan=np.inf)
    bright = _floats(table["fill_electrons"])
    bright = np.where(np.isnan(bright), _floats(table["indicator_electrons"]), bright)
    counts = table["in_view"].to_numpy() & (death > get["first_h"]) & (bright >= min_electrons)
    in_time = counts & (_visits_left(table, death, end_h, study) >= VISITS_BEFORE_END)
    spoken = get["called_at_h"] <= end_h
    called_at = np.where(spoken, get["called_at_h"], np.nan)
    return table.with_columns(
        end_h=end_h,
        called_at_h=called_at,
        counts=counts,
        death_counts=in_time,
        called=in_time & spoken & (called_at >= death),
        false=spoken & (called_at < death),
        live_days=_live_days(table, death, end_h),
    )


def _live_days(table: pl.DataFrame, death: Floats, end_h: Floats) -> Floats:
    """Return the observed live time of each neuron: until death, loss or the end."""
    found = _floats(table["found_h"])
    lost = (table["outcome"] == "lost").fill_null(value=False).to_numpy()
    until = np.where(lost, _floats(table["last_alive_h"]), np.inf)
    stop = np.fmin(np.fmin(death, end_h), until)
    return np.nan_to_num(np.maximum(stop - found, 0.0)) / HOURS_PER_DAY


def _figures(table: pl.DataFrame, *, strangers: pl.DataFrame) -> Figures:
    called = table.filter("called")
    true, hit = int(table["death_counts"].sum()), called.height
    false = int(table["false"].sum()) + strangers.height
    taken_back = _taken_back(table.filter("false")) + _taken_back(strangers)
    days = float(table["live_days"].sum())
    counted = table.filter("counts")
    onset = _floats(called["death_h"])
    error = _floats(called["onset_h"]) - onset
    held = (_floats(called["onset_low_h"]) <= onset) & (onset <= _floats(called["onset_high_h"]))
    return Figures(
        neurons=counted.height,
        neurons_found=counted["called_id"].count(),
        neuron_days=days,
        deaths_true=true,
        deaths_called=hit,
        sensitivity=hit / true if true else float("nan"),
        false_deaths=false,
        false_per_1000_neuron_days=1000.0 * false / days if days else float("nan"),
        false_taken_back=taken_back,
        false_final_per_1000_neuron_days=(
            1000.0 * (false - taken_back) / days if days else float("nan")
        ),
        deaths_taken_back=_taken_back(called),
        median_delay_h=_median(_floats(called["called_at_h"]) - onset),
        onset_median_error_h=_median(np.abs(error)),
        onset_rmse_h=float(np.sqrt(np.nanmean(error**2))) if np.isfinite(error).any() else np.nan,
        onset_coverage=float(held.mean()) if hit else float("nan"),
    )


def _taken_back(called: pl.DataFrame) -> int:
    """Count the calls that no longer count, of neurons that live or died only later."""
    later = _floats(called["onset_h"]) > _floats(called["called_at_h"])
    return int((np.isfinite(_floats(called["revoked_at_h"])) | later).sum())


def _strangers(table: pl.DataFrame, calls: pl.DataFrame, study: Study) -> pl.DataFrame:
    """Return the calls, before the end, of ids that are no true neuron."""
    known = table["called_id"].drop_nulls().implode()
    others = with_acquisition(calls, study).with_columns(onset_h=pl.col("death_h"))
    others = others.filter(~pl.col("neuron_id").cast(pl.Int64).is_in(known))
    called_at = _floats(others["called_at_h"])
    return others.filter(pl.Series(called_at <= _ends(others, study), dtype=pl.Boolean))


def match(truth: pl.DataFrame, traces: pl.DataFrame, *, study: Study) -> pl.DataFrame:
    """Pair true neurons with ids by their place at first sight, one to one.

    Parameters
    ----------
    truth, traces : DataFrame
        True neurons, and the analysis's traces.
    study : Study
        Gives the pixel size and the typical soma. A pair is at most half of that apart,
        or the neuron's own radius where that is larger.

    Returns
    -------
    DataFrame
        ``neuron_id`` (true), ``acquisition``, ``called_id`` and ``found_h``, one row per pair.
    """
    seen = _first_sights(with_acquisition(traces, study))
    gate = study.analysis.expected_soma_um / 2
    pairs: list[tuple[int, int, int, float]] = []
    for own in with_acquisition(truth, study).partition_by(PLACE, maintain_order=True):
        field = field_of(own.row(0, named=True))
        pixel_um = study.optics.of(field.acquisition).pixel_size_um
        found = _assign(own, in_field(seen, field), pixel_size_um=pixel_um, gate_um=gate)
        pairs += [(true, field.acquisition, called, hour) for true, called, hour in found]
    schema = {
        "neuron_id": pl.Int64,
        "acquisition": pl.Int64,
        "called_id": pl.Int64,
        "found_h": pl.Float64,
    }
    return pl.DataFrame(pairs, schema=schema, orient="row")


def _assign(
    truth: pl.DataFrame, seen: pl.DataFrame, *, pixel_size_um: float, gate_um: float
) -> list[tuple[int, int, float]]:
    """Pair as many as possible within the gate, at the smallest total distance."""
    apart = pixel_size_um * np.hypot(
        truth["y_px"].to_numpy()[:, None] - seen["y_px"].to_numpy(),
        truth["x_px"].to_numpy()[:, None] - seen["x_px"].to_numpy(),
    )
    gate = np.maximum(gate_um, truth["radius_um"].to_numpy())[:, None]
    cost = np.where(apart <= gate, apart + LATE_UM_PER_VISIT * seen["t"].to_numpy(), FAR)
    rows, columns = linear_sum_assignment(cost)
    return [
        (truth["neuron_id"][int(i)], seen["neuron_id"][int(k)], seen["time_h"][int(k)])
        for i, k in zip(rows, columns, strict=True)
        if cost[i, k] < FAR
    ]


def _first_sights(traces: pl.DataFrame) -> pl.DataFrame:
    """Return where each id was first seen, in pixels of its field's first visit.

    A later visit is shifted against the first one by the stage; the median over the ids
    seen in both takes that out.
    """
    rows = traces.filter(pl.col("area_um2").is_finite()).sort("t")
    key = list(PLACE)
    first = rows.group_by([*key, "neuron_id"], maintain_order=True).first()
    start = rows.group_by(key).agg(start=pl.col("t").min())
    at_start = first.join(start, on=key).filter(pl.col("t") == pl.col("start"))
    both = rows.join(
        at_start.select("neuron_id", y0="y_px", x0="x_px"), on="neuron_id", how="inner"
    )
    shift = both.group_by([*key, "t"]).agg(
        dy=(pl.col("y_px") - pl.col("y0")).median(), dx=(pl.col("x_px") - pl.col("x0")).median()
    )
    moved = first.join(shift, on=[*key, "t"], how="left").with_columns(
        y_px=pl.col("y_px") - pl.col("dy").fill_null(0.0),
        x_px=pl.col("x_px") - pl.col("dx").fill_null(0.0),
    )
    return moved.select(*key, "neuron_id", "t", "time_h", "y_px", "x_px")


def _schedule(study: Study) -> dict[FieldKey, Floats]:
    """Return the planned hours of every field."""
    hours: dict[FieldKey, list[float]] = {}
    for visit in plan(study).visits:
        hours.setdefault(visit.field, []).append(visit.planned_h)
    return {key: np.array(times) for key, times in hours.items()}


def _ends(table: pl.DataFrame, study: Study) -> Floats:
    """Return the hour at which counting ends, row by row: the kill, or the last visit."""
    last = {key: times[-1] for key, times in _schedule(study).items()}
    fields = [field_of(row) for row in table.select(PLACE).iter_rows(named=True)]
    return np.array([min(kill_h(study, f.vessel, f.well), last[f]) for f in fields], np.float64)


def _visits_left(table: pl.DataFrame, death: Floats, end_h: Floats, study: Study) -> Floats:
    """Count, row by row, the planned visits after the onset up to the end."""
    hours = _schedule(study)
    fields = [field_of(row) for row in table.select(PLACE).iter_rows(named=True)]
    return np.array(
        [
            np.count_nonzero((hours[field] > onset) & (hours[field] <= end))
            for field, onset, end in zip(fields, death, end_h, strict=True)
        ],
        np.float64,
    )


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _median(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")
