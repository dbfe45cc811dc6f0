"""A run of a study becomes a survival table: calls joined with what was done to them.

In goes a study's folder and a run; out come its calls with arm, unit and block beside
every neuron, and the hour at which watching ended for it: at the end-kill, at an exclusion,
or at the last visit. Nothing is estimated here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from livedeath.errors import TableError
from livedeath.model.study import Study
from livedeath.model.timing import Comparison
from livedeath.statistics.table import SurvivalTable, from_frame
from livedeath.store.folder import Run, StudyFolder

Floats = NDArray[np.float64]
Place = tuple[str, str]


@dataclass(frozen=True)
class Happened:
    """What a person did to the wells, planned and logged: hours per (vessel, well).

    Attributes
    ----------
    kill_h : dict
        Hour of the end-kill.
    excluded_h : dict
        Hour and reason from which a well counts no longer.
    dose_h : dict
        Logged hour of the last dose.
    """

    kill_h: dict[Place, float]
    excluded_h: dict[Place, tuple[float, str]]
    dose_h: dict[Place, float]


def what_happened(study: Study, entries: Sequence[dict[str, Any]]) -> Happened:
    """Join what was declared with what was logged; the log counts more.

    Parameters
    ----------
    study : Study
        The declaration.
    entries : sequence of dict
        The journal.
    """
    happened = Happened({}, {}, {})
    if study.end_kill is not None:
        for place in _places(study, study.end_kill.vessel, study.end_kill.wells):
            happened.kill_h[place] = study.end_kill.at_h
    for exclusion in study.exclusions:
        for place in _places(study, exclusion.vessel, exclusion.wells):
            _exclude(happened, place, exclusion.from_h, exclusion.why)
    for entry in entries:
        if entry.get("kind") == "log":
            _log(study, entry, happened)
    return happened


def _log(study: Study, entry: dict[str, Any], happened: Happened) -> None:
    hour = entry.get("at_h")
    if hour is None:
        return
    for place in _places(study, entry.get("vessel"), tuple(entry.get("wells") or ())):
        if entry.get("what") == "kill":
            happened.kill_h[place] = float(hour)
        elif entry.get("what") == "exclude":
            _exclude(happened, place, float(hour), str(entry.get("why") or "no reason given"))
        elif entry.get("what") == "dose":
            happened.dose_h[place] = float(hour)


def _exclude(happened: Happened, place: Place, hour: float, why: str) -> None:
    before = happened.excluded_h.get(place)
    if before is None or hour < before[0]:
        happened.excluded_h[place] = (hour, why)


def _places(study: Study, vessel: str | None, wells: tuple[str, ...]) -> list[Place]:
    found = []
    for declared in study.vessels:
        if vessel in (None, "", declared.id):
            named = declared.expand(wells) if wells else study.wells(declared.id)
            found += [(declared.id, well) for well in named]
    return found


def joined_calls(
    study: Study,
    calls: pl.DataFrame,
    traces: pl.DataFrame,
    *,
    unit: str | None = None,
    block: str | None = None,
) -> pl.DataFrame:
    """Add arm, unit, block, genotype, and each channel at the first visit, to calls.

    Parameters
    ----------
    study : Study
        The declaration.
    calls, traces : polars.DataFrame
        Tables of a run.
    unit, block : str, optional
        ``well``, ``vessel``, a kind of entity, or a column of the calls. Default unit: of
        the first comparison, else the well; default block: of the first comparison, else
        the vessel.

    Raises
    ------
    TableError
        If the study knows no such unit or block.
    """
    declared = study.comparisons[0] if study.comparisons else None
    units = unit or (declared.unit if declared else "well")
    blocks = block or (declared.block if declared else None) or "vessel"
    arms = study.arms()
    joined = calls.with_columns(
        _by_place(calls, arms, "arm"),
        _by_place(calls, {p: _genotype(study, p) for p in arms}, "genotype"),
        _assigned(study, calls, units, "unit"),
        _assigned(study, calls, blocks, "block"),
    )
    return _with_first_values(study, joined, traces)


def _by_place(calls: pl.DataFrame, said: dict[Place, str], name: str) -> pl.Series:
    places = calls.select("vessel", "well").iter_rows()
    return pl.Series(name, [said.get((v, w), "unknown") for v, w in places], dtype=pl.String)


def _assigned(study: Study, calls: pl.DataFrame, kind: str, name: str) -> pl.Series:
    kinds = ["well", "vessel", *dict.fromkeys(entity.kind for entity in study.entities)]
    if kind in kinds:
        return _by_place(calls, study.units(kind), name)
    if kind in calls.columns:
        return calls[kind].cast(pl.String).rename(name)
    raise TableError(
        f"The study knows no {name} '{kind}'; it can be {', '.join(kinds)}, or one of the calls' "
        f"columns ({', '.join(calls.columns)})."
    )


def _genotype(study: Study, place: Place) -> str:
    found = [e.genotype for e in study.ancestry(*place) if e.genotype]
    return found[0] if found else "unknown"


def _with_first_values(study: Study, calls: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    names = [c.name for c in study.channels if c.name in traces.columns]
    names = [name for name in names if name not in calls.columns]
    if not names:
        return calls
    seen = traces.filter(pl.all_horizontal(pl.col(name).is_finite() for name in names))
    first = seen.sort("time_h").unique("neuron_id", keep="first").select("neuron_id", *names)
    return calls.join(first, on="neuron_id", how="left", maintain_order="left")


def last_hours(traces: pl.DataFrame, happened: Happened) -> dict[tuple[str, str, int], float]:
    """Return the hour of the last visit of each field before its well was killed.

    Returns
    -------
    dict
        (vessel, well, field) to hours; infinite where the well was not killed.
    """
    visits = traces.select("vessel", "well", "field", "time_h").unique()
    last: dict[tuple[str, str, int], float] = {}
    for vessel, well, field, hour in visits.iter_rows():
        kill = happened.kill_h.get((vessel, well), np.inf)
        key = (vessel, well, int(field))
        if np.isinf(kill):
            last[key] = np.inf
        elif hour < kill:
            last[key] = max(last.get(key, -np.inf), hour)
        else:
            last.setdefault(key, -np.inf)
    return last


def survival_table(
    folder: StudyFolder,
    run: Run,
    *,
    group: str = "arm",
    unit: str | None = None,
    block: str | None = None,
    covariates: Sequence[str] = (),
    endpoint: str | None = None,
) -> SurvivalTable:
    """Read a run's calls as a survival table that ends before the end-kill.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    run : Run
        The analysis.
    group : str
        ``arm``, ``genotype``, ``population`` or another column of the calls.
    unit, block : str, optional
        See `joined_calls`; without a block none is used.
    covariates : sequence of str
        Columns of the calls, or channels (their value at the neuron's first visit).
    endpoint : str, optional
        Which endpoint, where the calls hold several.
    """
    traces = run.traces()
    units = None if unit == "unit" else unit
    blocks = None if block == "block" else block
    calls = joined_calls(folder.study, run.calls(), traces, unit=units, block=blocks)
    if endpoint is not None and endpoint in calls["endpoint"]:
        calls = calls.filter(pl.col("endpoint") == endpoint)
    return ended(
        calls,
        traces,
        what_happened(folder.study, folder.journal.read()),
        group=group,
        block="block" if block else None,
        covariates=covariates,
        endpoint=endpoint,
    )


def ended(
    calls: pl.DataFrame,
    traces: pl.DataFrame,
    happened: Happened,
    *,
    group: str = "arm",
    block: str | None = None,
    covariates: Sequence[str] = (),
    endpoint: str | None = None,
) -> SurvivalTable:
    """Read joined calls as a survival table, cut at kills and exclusions.

    Rows keep their order; wells excluded from hour 0 on leave no row at risk.

    Notes
    -----
    A death that was called only after the kill, and whose 95 % interval reaches past the
    last visit before it, cannot be told from the kill and counts as alive at that visit.
    """
    calls = dated(calls, traces)
    last = last_before_kill(calls, traces, happened)
    spared = _spared_the_kill(calls, last, happened)
    table = from_frame(
        spared, group, unit="unit", block=block, covariates=covariates, endpoint=endpoint
    )
    places = calls.select("vessel", "well").iter_rows()
    excluded = np.array([happened.excluded_h.get((v, w), (np.inf, ""))[0] for v, w in places])
    return table.censored_at(np.minimum(last, excluded))


def dated(calls: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """Give a death whose onset could not be dated the visits around its call.

    Parameters
    ----------
    calls, traces : polars.DataFrame
        Tables of a run; rows keep their order.
    """
    dead = pl.col("outcome") == "dead"
    unknown = {
        name: pl.col(name).is_null() | pl.col(name).is_nan()
        for name in ("last_alive_h", "first_dead_h")
    }
    if not calls.select((dead & (unknown["last_alive_h"] | unknown["first_dead_h"])).any()).item():
        return calls
    calls = calls.with_columns(
        pl.when(dead & unknown["first_dead_h"])
        .then("called_at_h")
        .otherwise("first_dead_h")
        .alias("first_dead_h")
    )
    earlier = (
        traces.select("neuron_id", "time_h")
        .join(calls.select("neuron_id", "first_dead_h"), on="neuron_id")
        .filter(pl.col("time_h") < pl.col("first_dead_h"))
        .group_by("neuron_id")
        .agg(pl.col("time_h").max().alias("_before_h"))
    )
    joined = calls.join(earlier, on="neuron_id", how="left", maintain_order="left")
    return joined.with_columns(
        pl.when(dead & unknown["last_alive_h"])
        .then("_before_h")
        .otherwise("last_alive_h")
        .alias("last_alive_h")
    ).drop("_before_h")


def _spared_the_kill(calls: pl.DataFrame, last: Floats, happened: Happened) -> pl.DataFrame:
    by_kill = pl.Series(dead_by_kill(calls, last, happened))
    alive_at = pl.Series(np.where(np.isfinite(last), last, 0.0))
    frame = calls.with_columns(
        pl.when(by_kill).then(pl.lit("alive")).otherwise("outcome").alias("outcome"),
        pl.when(by_kill).then(alive_at).otherwise("last_alive_h").alias("last_alive_h"),
        *(
            pl.when(by_kill).then(pl.lit(None, dtype=pl.Float64)).otherwise(name).alias(name)
            for name in ("first_dead_h", "death_h")
        ),
    )
    # What entered only after the kill has no time at risk.
    early = pl.col("last_alive_h") < pl.col("entry_h")
    return frame.with_columns(
        pl.when(early).then("entry_h").otherwise("last_alive_h").alias("last_alive_h")
    )


def last_before_kill(calls: pl.DataFrame, traces: pl.DataFrame, happened: Happened) -> Floats:
    """Return (n,) hour of the last visit to each call's field before its well was killed."""
    last = last_hours(traces, happened)
    keys = calls.select("vessel", "well", "field").iter_rows()
    return np.array([last.get((v, w, int(f)), np.inf) for v, w, f in keys], dtype=np.float64)


def kill_hours(calls: pl.DataFrame, happened: Happened) -> Floats:
    """Return (n,) hour of the kill of each call's well; infinite where there was none."""
    places = calls.select("vessel", "well").iter_rows()
    return np.array([happened.kill_h.get((v, w), np.inf) for v, w in places], dtype=np.float64)


def dead_by_kill(calls: pl.DataFrame, last: Floats, happened: Happened) -> NDArray[np.bool_]:
    """Return (n,) bool: dead by the kill, or not to be told from it.

    Parameters
    ----------
    calls : polars.DataFrame
        Calls of a run, n rows.
    last : (n,) float64
        Last visit before the kill; infinite without one.
    happened : Happened
        Hours of the kills.
    """
    called, high = (_floats(calls, name) for name in ("called_at_h", "death_high_h"))
    dead = (calls["outcome"] == "dead").to_numpy()
    late = ~(called < kill_hours(calls, happened))
    return np.asarray(dead & np.isfinite(last) & late & ~(high < last))


def _floats(frame: pl.DataFrame, name: str) -> Floats:
    return np.asarray(frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy())


def origin_hours(
    study: Study, comparison: Comparison, calls: pl.DataFrame, happened: Happened
) -> Floats:
    """Return (n,) the hour that counts as 0 for each call's well.

    Parameters
    ----------
    comparison : Comparison
        ``origin`` is ``study``, or the arm whose start counts as 0: then each well counts
        from its own dose (logged, else planned), a well without one from the arm's first.
    """
    places = [(v, w) for v, w in calls.select("vessel", "well").iter_rows()]
    if comparison.origin == "study":
        return np.zeros(len(places))
    starts = {place: _start(study, place, happened) for place in set(places)}
    arms = study.arms()
    own = [h for p, h in starts.items() if arms.get(p) == comparison.origin and h is not None]
    if not own:
        raise TableError(
            f"The comparison '{comparison.name}' counts from the arm '{comparison.origin}', "
            f"which has no start; give 'study' or an arm with a dose."
        )
    hours = [starts[place] for place in places]
    return np.array([min(own) if hour is None else hour for hour in hours], dtype=np.float64)


def _start(study: Study, place: Place, happened: Happened) -> float | None:
    if place in happened.dose_h:
        return happened.dose_h[place]
    done = [i for i in study.interventions_in(*place) if i.makes_arm]
    return done[-1].start_of(place[1]) if done else None
