"""A run of a study becomes a survival table: calls joined with what was done to them.

In goes a study's folder and a run; out come its calls with arm, unit, block and dose beside
every neuron, cut where watching ended for it: at the last visit before a kill or an
exclusion. Survival, report, review and exports read the same joined calls, so that a number
is the same wherever it stands. Nothing is estimated here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from livedeath.detection.record import patience_h
from livedeath.detection.rows import UNSEEN
from livedeath.errors import TableError
from livedeath.model.declaration import Place
from livedeath.model.events import Events
from livedeath.model.study import Study
from livedeath.model.tables import PLACE
from livedeath.statistics.table import NEURON, SurvivalTable, from_frame, refuse_neurons
from livedeath.store.folder import Run, StudyFolder

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_UNKNOWN_IF_ENDED = ("first_dead_h", "death_h", "death_low_h", "death_high_h")
"""What is not said of a neuron that was alive when watching ended."""

ONE_ARM = "all neurons"
"""The arm of a table that names none."""

_SURELY_ALIVE = {"p_alive": 1.0, "p_dead": 0.0, "p_lost": 0.0}


@dataclass(frozen=True)
class StudyCalls:
    """The calls of one endpoint of a run, with what was declared and done.

    Attributes
    ----------
    study : Study
        The declaration.
    events : Events
        What was done to the wells.
    calls : polars.DataFrame
        As they were called, one row per neuron, with arm, unit, block, dose, genotype and
        each channel at the neuron's first visit.
    traces : polars.DataFrame
        One row per neuron and visit.
    other_endpoints : tuple of str
        Endpoints in the run that are left out; they are never pooled.
    """

    study: Study
    events: Events
    calls: pl.DataFrame
    traces: pl.DataFrame
    other_endpoints: tuple[str, ...] = ()

    @cached_property
    def joined(self) -> pl.DataFrame:
        """The calls as they stood when watching ended, with ``ended_h`` and ``ended_by``.

        A neuron that was seen first only after that has no row; see `after_end`.
        """
        return ended(
            dated(standing(self.calls, self.end_h, self._ended_by), self.traces),
            self.last_h,
            self.end_h,
            self._ended_by,
            still_sought=self._still_sought,
        ).filter(~pl.Series(self._late))

    @property
    def after_end(self) -> pl.DataFrame:
        """The calls of neurons first seen after the kill or the exclusion of their well."""
        return self.calls.with_columns(pl.Series("ended_by", self._ended_by)).filter(
            pl.Series(self._late)
        )

    @property
    def why_empty(self) -> str:
        """Why there is no neuron to count, where there is none."""
        if self.calls.height:
            return (
                "every neuron was first seen after its well was excluded or killed; nothing is "
                "left to count. 'livedeath log' lists and retracts exclusions."
            )
        return "no neuron was found in this study; there is nothing to count."

    @cached_property
    def table(self) -> SurvivalTable:
        """The joined calls as a survival table by arm."""
        return self.survival()

    def survival(
        self,
        *,
        group: str = "arm",
        unit: str | None = None,
        block: str | None = None,
        covariates: Sequence[str] = (),
    ) -> SurvivalTable:
        """Read the joined calls as a survival table.

        Parameters
        ----------
        group : str
            ``arm``, ``genotype``, ``population``, ``well``, ``vessel``, a kind of entity or
            another column of the calls.
        unit, block : str, optional
            See `assigned`; without a unit that of the calls, without a block none.
        covariates : sequence of str
            Columns of the calls; a channel stands for its value at the first visit.
        """
        kinds = self.study.unit_kinds
        frame = self.joined.with_columns(
            *([assigned(self.study, self.joined, group, group)] if group in kinds else []),
            *([assigned(self.study, self.joined, unit, "unit")] if unit else []),
            *([assigned(self.study, self.joined, block, "block")] if block else []),
        )
        return from_frame(
            frame,
            group,
            unit="unit",
            block="block" if block else None,
            covariates=covariates,
            endpoint=self.endpoint or None,
        )

    @property
    def endpoint(self) -> str:
        """What was sensed."""
        return str(self.calls["endpoint"][0]) if self.calls.height else ""

    @cached_property
    def kill_h(self) -> Floats:
        """(n,) hour of the kill of each call's well; infinite without one."""
        return self._per_place(lambda place: self.events.kill_h(*place))

    @cached_property
    def end_h(self) -> Floats:
        """(n,) hour of the kill or exclusion of each call's well; infinite without one."""
        return self._per_place(lambda place: self.events.end(*place).at_h)

    @cached_property
    def _ended_by(self) -> list[str]:
        places = self.calls.select("vessel", "well").iter_rows()
        return [self.events.end(vessel, well).by for vessel, well in places]

    @cached_property
    def last_h(self) -> Floats:
        """(n,) last visit to each call's field before watching ended; infinite if it did not."""
        return self.last_visit_before(self.end_h)

    def last_visit_before(self, end_h: Floats) -> Floats:
        """Return (n,) the last visit to each call's field before an hour.

        Parameters
        ----------
        end_h : (n,) float64
            Infinite where nothing ended; then the answer is infinite, too. Minus infinity
            where the field was not visited before.
        """
        visits = self.traces.select(*PLACE, "time_h").unique()
        asked = self.calls.select(*PLACE).with_columns(
            pl.Series("_end_h", end_h), pl.int_range(pl.len()).alias("_row")
        )
        before = (
            asked.join(visits, on=PLACE)
            .filter(pl.col("time_h") < pl.col("_end_h"))
            .group_by("_row")
            .agg(pl.col("time_h").max())
        )
        last = asked.join(before, on="_row", how="left", maintain_order="left")["time_h"]
        found = np.asarray(last.fill_null(-np.inf).to_numpy(), np.float64)
        return np.where(np.isinf(end_h), np.inf, found)

    @cached_property
    def _late(self) -> Bools:
        return np.asarray(floats(self.calls, "entry_h") > self.last_h)

    @cached_property
    def _still_sought(self) -> Bools:
        """(n,) out of sight before the exclusion of its well, and not yet for long enough.

        The run itself may have looked for the neuron in visits that count no more.
        """
        traces, sought = self.traces, self.study.analysis.gap_visits
        unseen = pl.col("flags").cast(pl.Int64) & int(UNSEEN)
        seen = traces.filter(unseen == 0).group_by("neuron_id").agg(pl.len().alias("_seen"))
        visits = traces.select(*PLACE, "time_h").unique()
        own = (
            self.calls.select(*PLACE, "neuron_id")
            .with_columns(pl.Series("_last_h", self.last_h), pl.int_range(pl.len()).alias("_row"))
            .join(visits, on=PLACE)
            .filter(pl.col("time_h") <= pl.col("_last_h"))
            .group_by("_row", "neuron_id")
            .agg(
                pl.col("time_h").min().alias("_from_h"),
                pl.col("time_h").max().alias("_to_h"),
                pl.len().alias("_watched"),
            )
            .join(seen, on="neuron_id", how="left")
            .sort("_row")
        )
        rows = own["_row"].to_numpy()
        entry, last = (floats(self.calls, name)[rows] for name in ("entry_h", "last_alive_h"))
        field = np.stack([floats(own, name) for name in ("_from_h", "_to_h", "_watched")], axis=1)
        visited = own["_seen"].fill_null(0).to_numpy().astype(np.int64)
        short = field[:, 1] - last <= patience_h(entry, last, visited, field, sought)
        found = np.zeros(self.calls.height, np.bool_)
        found[rows] = short
        lost = (self.calls["outcome"] == "lost").to_numpy()
        return np.asarray(found & lost & (np.array(self._ended_by) == "exclusion"))

    def _per_place(self, hour: Callable[[Place], float]) -> Floats:
        places = self.calls.select("vessel", "well").iter_rows()
        return np.array([hour((v, w)) for v, w in places], dtype=np.float64)


def read_calls(folder: StudyFolder, run: Run, *, endpoint: str | None = None) -> StudyCalls:
    """Read a run's calls of one endpoint and join them with what was declared and done.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    run : Run
        The analysis.
    endpoint : str, optional
        Which, where the calls hold several; default: the rise of the indicator, else the
        first.
    """
    calls, traces = run.calls(), run.traces()
    kept, others = one_endpoint(calls, endpoint)
    events = Events(folder.study, folder.journal.read())
    return StudyCalls(
        folder.study, events, joined_calls(folder.study, kept, traces), traces, others
    )


def one_endpoint(
    calls: pl.DataFrame, endpoint: str | None = None
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the calls of one endpoint, the indicator's if none is named, and the others.

    Raises
    ------
    TableError
        If there is no such endpoint.
    """
    present = [str(name) for name in calls["endpoint"].unique(maintain_order=True)]
    usual = "indicator_rise" if "indicator_rise" in present else (present or [""])[0]
    chosen = endpoint or usual
    if endpoint is not None and endpoint not in present:
        raise TableError(
            f"This run sensed no endpoint '{endpoint}'; it sensed {', '.join(present) or 'none'}."
        )
    others = tuple(name for name in present if name != chosen)
    return calls.filter(pl.col("endpoint") == chosen), others


def joined_calls(study: Study, calls: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """Add arm, unit, block, genotype, dose, and each channel at the first visit, to calls.

    Parameters
    ----------
    study : Study
        The declaration. The unit is `Declaration.arm_unit`, the block that of its first
        comparison, else the vessel.
    calls, traces : polars.DataFrame
        Tables of a run.
    """
    declared = study.comparisons[0] if study.comparisons else None
    genotypes = {place: name or "unknown" for place, name in study.genotypes().items()}
    arms = study.arms()
    joined = calls.with_columns(
        _by_place(calls, arms, "arm"),
        _by_place(calls, genotypes, "genotype"),
        assigned(study, calls, study.arm_unit, "unit"),
        assigned(study, calls, (declared.block if declared else None) or "vessel", "block"),
        *_doses(study, calls, list(arms)),
    )
    return _with_first_values(study, joined, traces)


def _by_place(calls: pl.DataFrame, said: dict[Place, str], name: str) -> pl.Series:
    places = calls.select("vessel", "well").iter_rows()
    return pl.Series(name, [said.get((v, w), "unknown") for v, w in places], dtype=pl.String)


def assigned(study: Study, calls: pl.DataFrame, kind: str, name: str) -> pl.Series:
    """Return the unit or block of each call.

    Parameters
    ----------
    study : Study
        The declaration.
    calls : polars.DataFrame
        With ``vessel`` and ``well``.
    kind : str
        ``well``, ``vessel``, a kind of entity, or a column of the calls.
    name : str
        Name of the column returned.

    Raises
    ------
    TableError
        If the study knows no such kind.
    """
    if name == "unit":
        refuse_neurons(kind)
    kinds = study.unit_kinds
    if kind in kinds:
        return _by_place(calls, study.units(kind), name)
    if kind in calls.columns:
        return calls[kind].cast(pl.String).rename(name)
    raise TableError(
        f"The study knows no {name} '{kind}'; it can be {', '.join(kinds)}, or one of the calls' "
        f"columns ({', '.join(column for column in calls.columns if column != NEURON)})."
    )


def _doses(study: Study, calls: pl.DataFrame, places: list[Place]) -> list[pl.Series]:
    """Return the dose of what makes each well's arm, and its unit; null where there is none."""
    last = {place: _last_dosed(study, place) for place in places}
    found = [last.get(place) for place in calls.select("vessel", "well").iter_rows()]
    return [
        pl.Series("dose", [one and one[0] for one in found], dtype=pl.Float64),
        pl.Series("dose_unit", [one and one[1] for one in found], dtype=pl.String),
    ]


def _last_dosed(study: Study, place: Place) -> tuple[float, str] | None:
    done = [i for i in study.interventions_in(*place) if i.makes_arm and i.dose is not None]
    tested = [i for i in done if i.kind != "vehicle"] or done
    return (float(tested[-1].dose or 0.0), tested[-1].unit) if tested else None


def _with_first_values(study: Study, calls: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    names = [c.name for c in study.channels if c.name in traces.columns]
    names = [name for name in names if name not in calls.columns]
    if not names:
        return calls
    seen = traces.filter(pl.all_horizontal(pl.col(name).is_finite() for name in names))
    first = seen.sort("time_h").unique("neuron_id", keep="first").select("neuron_id", *names)
    return calls.join(first, on="neuron_id", how="left", maintain_order="left")


def ended(
    calls: pl.DataFrame,
    last_h: Floats,
    end_h: Floats,
    ended_by: Sequence[str],
    *,
    still_sought: Bools | None = None,
) -> pl.DataFrame:
    """Cut calls where watching ended; later deaths and losses never happened.

    Parameters
    ----------
    calls : polars.DataFrame
        n rows, which keep their order.
    last_h : (n,) float64
        Last visit before watching ended; infinite where nothing ended it.
    end_h : (n,) float64
        Hour of what ended it.
    ended_by : (n,) sequence of str
        What ended it: ``kill``, ``exclusion`` or empty.
    still_sought : (n,) bool, optional
        Lost only by what was looked at after the end: alive when last seen.

    Returns
    -------
    polars.DataFrame
        With ``ended_h`` (null where nothing ended it before the last visit) and
        ``ended_by``.

    Notes
    -----
    A death that was called only after the end, and whose 95 % interval reaches past the
    last visit before it, cannot be told from the kill and counts as alive at that visit. Where
    the call itself came before, of a transient, it was taken back by that visit.
    What follows an exclusion is no evidence at all: a death counts if it was called before,
    as it would be if the exclusion had been declared.
    """
    excluded = np.array(ended_by, dtype=np.str_) == "exclusion"
    alive = pl.Series(_alive_at_end(calls, last_h, end_h, excluded))
    sought = pl.Series(np.zeros(calls.height, np.bool_) if still_sought is None else still_sought)
    calls = calls.with_columns(
        pl.when(sought).then(pl.lit("alive")).otherwise("outcome").alias("outcome"),
        pl.when(sought).then(pl.lit("")).otherwise("loss_reason").alias("loss_reason"),
        pl.when(sought)
        .then(pl.col("p_alive") + pl.col("p_lost"))
        .otherwise("p_alive")
        .alias("p_alive"),
        pl.when(sought).then(pl.lit(0.0)).otherwise("p_lost").alias("p_lost"),
    )
    last = pl.Series(np.where(np.isfinite(last_h), last_h, np.nan)).fill_nan(None)
    # What entered only after the end has no time at risk.
    until = pl.max_horizontal(last, pl.col("entry_h"))
    unknown = pl.lit(None, dtype=pl.Float64)
    return calls.with_columns(
        pl.when(alive).then(pl.lit("alive")).otherwise("outcome").alias("outcome"),
        pl.when(alive).then(pl.lit("")).otherwise("loss_reason").alias("loss_reason"),
        pl.when(alive).then(until).otherwise("last_alive_h").alias("last_alive_h"),
        *(pl.when(alive).then(unknown).otherwise(name).alias(name) for name in _UNKNOWN_IF_ENDED),
        *(
            pl.when(alive).then(pl.lit(p)).otherwise(name).alias(name)
            for name, p in _SURELY_ALIVE.items()
        ),
        pl.when(alive & (pl.col("called_at_h") <= last))
        .then(pl.coalesce("revoked_at_h", until))
        .otherwise("revoked_at_h")
        .alias("revoked_at_h"),
        last.alias("ended_h"),
        pl.Series("ended_by", ended_by, dtype=pl.String),
    )


def _alive_at_end(calls: pl.DataFrame, last_h: Floats, end_h: Floats, excluded: Bools) -> Bools:
    """Return (n,) bool: watched until the end, and not known to have died or gone before."""
    outcome = calls["outcome"].to_numpy()
    uncalled = excluded & ~(floats(calls, "called_at_h") < end_h)
    cut = dead_by(calls, last_h, end_h) | (_death_hours(calls) > last_h) | uncalled
    dead = (outcome == "dead") & cut
    later = (outcome != "dead") & (floats(calls, "last_alive_h") > last_h)
    return np.asarray((dead | later) & (outcome != "dead_on_arrival") & np.isfinite(last_h))


def _death_hours(calls: pl.DataFrame) -> Floats:
    """Return (n,) when each neuron died: the onset, else the middle between the visits."""
    middle = 0.5 * (floats(calls, "last_alive_h") + floats(calls, "first_dead_h"))
    onset = floats(calls, "death_h")
    return np.where(onset > floats(calls, "entry_h"), onset, middle)


def dead_by(calls: pl.DataFrame, last_h: Floats, end_h: Floats) -> Bools:
    """Return (n,) bool: dead by what ended the watch, or not to be told from it.

    Parameters
    ----------
    calls : polars.DataFrame
        Calls of a run, n rows.
    last_h, end_h : (n,) float64
        Last visit before the end, and the end; infinite without one.
    """
    dead = (calls["outcome"] == "dead").to_numpy()
    late = ~(floats(calls, "called_at_h") < end_h)
    return np.asarray(dead & np.isfinite(end_h) & late & ~(floats(calls, "death_high_h") < last_h))


def standing(calls: pl.DataFrame, end_h: Floats, ended_by: Sequence[str]) -> pl.DataFrame:
    """Let a call stand that was taken back only by what followed an exclusion.

    Parameters
    ----------
    calls : polars.DataFrame
        Calls of a run, n rows, which keep their order.
    end_h : (n,) float64
        Hour of what ended the watch; infinite where nothing did.
    ended_by : (n,) sequence of str
        What ended it: ``kill``, ``exclusion`` or empty.

    Notes
    -----
    What follows an exclusion is no evidence at all. Such a death is dated by the visits around
    its call (`dated`): its onset was never worked out.
    """
    excluded = np.array(ended_by, dtype=np.str_) == "exclusion"
    early = (floats(calls, "called_at_h") < end_h) & (floats(calls, "revoked_at_h") >= end_h)
    stands = excluded & early
    if not stands.any():
        return calls
    again = pl.Series(stands)
    unknown = pl.lit(None, dtype=pl.Float64)
    said = {"p_alive": 0.0, "p_dead": 1.0, "p_lost": 0.0}
    return calls.with_columns(
        pl.when(again).then(pl.lit("dead")).otherwise("outcome").alias("outcome"),
        pl.when(again).then(pl.lit("")).otherwise("loss_reason").alias("loss_reason"),
        *(pl.when(again).then(pl.lit(p)).otherwise(name).alias(name) for name, p in said.items()),
        *(
            pl.when(again).then(unknown).otherwise(name).alias(name)
            for name in ("last_alive_h", "revoked_at_h")
        ),
    )


def dated(calls: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """Give a death whose onset could not be dated the visits around its call.

    Parameters
    ----------
    calls, traces : polars.DataFrame
        Tables of a run; rows keep their order.
    """
    dead = pl.col("outcome") == "dead"
    unknown = {name: pl.col(name).is_null() for name in ("last_alive_h", "first_dead_h")}
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


def floats(frame: pl.DataFrame, name: str) -> Floats:
    """Return a column of numbers, (n,) float64; null is NaN."""
    return np.asarray(frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy())


def origin_hours(study: Study, origin: str, calls: pl.DataFrame, events: Events) -> Floats:
    """Return (n,) the hour that counts as 0 for each call's well.

    Parameters
    ----------
    study : Study
        The declaration.
    origin : str
        ``study``, or the arm whose start counts as 0: then each well counts from its own
        dose (logged, else planned), a well without one from the arm's first.
    calls : polars.DataFrame
        With ``vessel`` and ``well``.
    events : Events
        What was done to the wells.

    Raises
    ------
    TableError
        If the arm has no start.
    """
    places = [(v, w) for v, w in calls.select("vessel", "well").iter_rows()]
    if origin == "study":
        return np.zeros(len(places))
    starts = {place: events.treated_h(*place) for place in set(places)}
    arms = study.arms()
    own = [h for p, h in starts.items() if arms.get(p) == origin and h is not None]
    if not own:
        raise TableError(
            f"The hours count from the arm '{origin}', which has no start; give 'study' or an "
            f"arm with a dose."
        )
    hours = [starts[place] for place in places]
    return np.array([min(own) if hour is None else hour for hour in hours], dtype=np.float64)


def grouped(calls: pl.DataFrame) -> pl.DataFrame:
    """Fill in what a scored table of traces does not say: one arm, the well as unit, no blocks.

    Parameters
    ----------
    calls : polars.DataFrame
        As ``livedeath score TRACES.csv`` wrote them. Wells of two vessels are two units.
    """
    well = pl.when(pl.col("well") == "").then(pl.lit("one")).otherwise("well")
    vessels = calls.filter(pl.col("vessel") != "").height
    defaults = {
        "arm": pl.lit(ONE_ARM),
        "unit": pl.concat_str("vessel", well, separator="/") if vessels else well,
        "block": pl.lit("one"),
        "genotype": pl.lit("unknown"),
    }
    missing = {name: value for name, value in defaults.items() if name not in calls.columns}
    return calls.with_columns(**missing)
