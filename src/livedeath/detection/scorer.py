"""Values of one visit in, calls of death out, online; the whole traces in, dates of death out.

A neuron's live baseline is followed by a Kalman filter, deaths of unknown onset, size and
speed are weighed against it, and a call is made when the Shiryaev-Roberts statistic
reaches the inverse of the false-alarm rate that the user states. What a call uses is
learnt from visits up to that one; a call is never revised. Later data only date it.

It does not read images or tables from disk, and it never looks at who is in which arm.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from livedeath.detection import afterwards, fading, record, risk, unstated
from livedeath.detection import rows as rows_of
from livedeath.detection.accidents import Accidents, Seen
from livedeath.detection.fields import Fields
from livedeath.detection.further import Further, Given, Shown, shown
from livedeath.detection.learning import (
    ARRIVAL_ERROR,
    ARRIVAL_NEURONS,
    ARRIVAL_VISITS,
    ENDPOINTS,
    OUTLIERS,
    TRANSIENT_RATES,
    Learning,
    dead_on_arrival,
)
from livedeath.detection.measuring import Measured, Measuring, Values, divided, without
from livedeath.detection.priors import give
from livedeath.detection.record import NOTHING_SEEN, UNMEASURED, Index, NeuronRecords
from livedeath.detection.wells import Wells
from livedeath.errors import TableError
from livedeath.kernels import baseline, detect
from livedeath.model.flags import Flag
from livedeath.model.measures import Columns, State, below
from livedeath.model.priors import Priors
from livedeath.model.settings import AnalysisSettings
from livedeath.model.tables import DIVIDED, FIELD_FAULT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DEATH_SLOTS, TRANSIENT_SLOTS = 6, 6
"""Onsets that are weighed at a time per neuron; older ones are merged."""
FOLLOWED_H = 24.0
"""A neuron called dead is followed for so long: it teaches how deaths look, or comes back."""
LAW_VISITS = 4
"""Visits after its call at which a dead neuron teaches how deaths look."""
DEAD_FOR_SURE = 0.05
"""Largest probability of being alive of a neuron that teaches how deaths look."""
LEARNING_RATE = 0.15
"""Share of a neuron's statistics that is learnt at each further visit."""


class Scorer:
    """Calls deaths online: one `push` per visit, bounded memory, exact restart.

    Parameters
    ----------
    settings : AnalysisSettings, optional
        ``false_alarms_per_1000_neuron_days`` is the only threshold; who is missed for more
        than ``gap_visits`` at the end is lost.
    endpoint : {'indicator_rise', 'loss_of_fill'}
        What the signal is: a death indicator that rises, or the fill that is lost.
    priors : Priors, optional
        What another study of this endpoint learnt.
    further : dict of str to str, optional
        Further channels that show the same deaths, at most `livedeath.detection.further.MOST`,
        and what becomes of each in the dead: 'indicator_rise' of one that rises (a dye),
        'loss_of_fill' of one that falls (a soma's area).

    Notes
    -----
    Memory is about 5 kB per neuron and channel, whatever the number of visits. Rows may come in any
    order within a visit; visits in time order.
    """

    def __init__(
        self,
        settings: AnalysisSettings | None = None,
        endpoint: str = "indicator_rise",
        priors: Priors | None = None,
        further: Mapping[str, str] | None = None,
    ) -> None:
        if endpoint not in ENDPOINTS:
            allowed = " or ".join(ENDPOINTS)
            raise TableError(f"endpoint: {endpoint!r} was given; it must be {allowed}.")
        self.settings = settings or AnalysisSettings()
        self.endpoint = endpoint
        self.model = ENDPOINTS[endpoint]
        self.dated = afterwards.Dated()
        self.threshold = np.log(1000.0 / self.settings.false_alarms_per_1000_neuron_days)
        self.learning = Learning(
            self.model, self.settings.false_alarms_per_1000_neuron_days / 1000.0
        )
        if priors is not None:
            give(self.learning, priors)
        self.last_flags: NDArray[np.uint32] = np.zeros(0, np.uint32)
        self._n = 0
        self._index = Index(np.zeros(0, np.int64))
        self._wells, self._fields = Wells(), Fields()
        self._accidents = Accidents(rises=endpoint == "indicator_rise")
        self.silent = False
        self._fill_loss = fading.FillLoss(lambda: Scorer(self.settings, "loss_of_fill"))
        self._further = Further(self.learning, partial(Scorer, self.settings), further or {})
        self._time_h = -np.inf
        self._measuring = Measuring(self.learning)
        self._allocate(0)

    def _allocate(self, n: int) -> None:
        models = self.learning.steps.size
        self._base = record.empty_baselines(n)
        self._deaths = record.empty_bank(n, DEATH_SLOTS, self.model.deaths)
        self._transients = record.empty_bank(n, TRANSIENT_SLOTS, self.model.transients)
        self._models = (np.zeros((n, 3, models)), np.zeros((n, 6, models)))
        self._lessons = tuple(np.zeros((n, k)) for k in self.learning.n_lessons)
        self._records = record.empty_records(n)

    def _grow(self, n: int) -> None:
        """Make room for ``n`` neurons; what is kept of earlier ones stays."""
        held = self._n
        if n <= self._records.neuron_id.size:
            return
        old = self._parts()
        self._allocate(max(2 * held, n, 64))
        for part, values in self._parts().items():
            for name, array in values.items():
                array[:held] = old[part][name][:held]

    def _check_visit(self, time_h: float, ids: Ints) -> None:
        """Refuse a neuron twice in a visit, or before its own last one."""
        if not np.isfinite(time_h):
            raise TableError(f"visit at {time_h} h: a visit's time must be a finite number.")
        rows, known = self._index.find(ids)
        late = known & (self._records.row_h[rows] >= time_h) if self._n else known
        twice = ids[1:] == ids[:-1]
        if late.any() or twice.any():
            first = np.concatenate([ids[1:][twice], ids[late]])[0]
            raise TableError(
                f"visit at {time_h} h: neuron {first} was already given at this or a later "
                "time; give each neuron once per visit, and visits in time order."
            )

    def _enter(self, neuron_id: Ints, well: Ints, field: Ints) -> Ints:
        """Return the neurons' rows; unknown neurons, ascending, get one."""
        rows, known = self._index.find(neuron_id)
        if not known.all():
            new = neuron_id[~known]
            held = self._n
            self._grow(held + new.size)
            self._records.neuron_id[held : held + new.size] = new
            self._n = held + new.size
            self._index = Index(self._records.neuron_id[: self._n])
            rows = self._index.find(neuron_id)[0]
        self._records.well[rows], self._records.field[rows] = well, field
        return rows

    def push(
        self,
        time_h: float,
        neuron_id: Ints,
        signal: Floats,
        signal_sd: Floats | None = None,
        *,
        reference: Floats | None = None,
        reference_sd: Floats | None = None,
        well: NDArray[np.generic] | None = None,
        field: NDArray[np.generic] | None = None,
        intervened: NDArray[np.bool_] | None = None,
        seen: NDArray[np.bool_] | None = None,
        flags: NDArray[np.uint32] | None = None,
        signal_background: Floats | None = None,
        reference_background: Floats | None = None,
        further: Given | None = None,
    ) -> Ints:
        """Take one visit in and return the neurons called dead at it.

        Parameters
        ----------
        time_h : float
            Time of the visit, h; not before the last push.
        neuron_id : (n,) int64
            Each at most once.
        signal, signal_sd : (n,) float64
            Death indicator (or fill) and its standard deviation, same unit; NaN where
            nothing was measured, NaN, 0 or None where the deviation is unknown.
        reference, reference_sd : (n,) float64, optional
            The fill; the score then uses the ratio.
        well : (n,) str, optional
            Well of each neuron; steps common to a well are taken out.
        field : (n,) str, optional
            Field of each neuron, no two of one name; default: its well. Who was missed for
            too long is judged by the visits of the own field.
        intervened : (n,) bool, optional
            Something was done to the well since its last visit.
        seen : (n,) bool, optional
            The soma was found.
        flags : (n,) uint32, optional
            Bits of `livedeath.model.flags.Flag`. A missed channel counts only where the
            signal or the reference is missing.
        signal_background, reference_background : (n,) float64, optional
            Background light per pixel beneath each neuron, electrons: light that changes
            takes it along, a death does not.
        further : dict of str to ((n,) float64, (n,) float64 or None), optional
            Values of further channels and their standard deviations, any unit, by the names
            given at the start; a channel may be missing at some visits.

        Returns
        -------
        (k,) int64
            Ids called dead at this visit, ascending. `last_flags` holds the flags the
            detector adds to this visit's rows, in the order given; whoever keeps the rows
            joins them, and `calls` reads them there.

        Raises
        ------
        TableError
            If time runs backwards, an id stands twice, or a further channel was not declared.

        Notes
        -----
        A visit without any signal is a missed one and says nothing, unless all its neurons
        are outside a frame that was taken; what further channels show counts.
        """
        ids = np.asarray(neuron_id, dtype=np.int64)
        n = ids.size
        order = rows_of.ascending(ids)
        self._check_visit(float(time_h), ids[order])
        self._time_h = max(float(time_h), self._time_h)
        names = rows_of.texts(well, n)[order]
        code = self._wells.code(names)
        place = self._fields.code(names if field is None else rows_of.texts(field, n)[order])
        rows = self._enter(ids[order], code, place)
        values = rows_of.floats(signal, n)[order]
        base = None if reference is None else rows_of.floats(reference, n)[order]
        bits = rows_of.lacking(rows_of.bits(flags, n)[order], values, base)
        done = rows_of.truths(intervened, n, default=False)[order]
        counts = (bits & UNMEASURED) == 0
        told = self._further.push(
            further, self._records, rows, order, time_h=self._time_h, bits=bits, place=place,
            intervened=done,
        )  # fmt: skip
        told &= self._living(rows)
        self._records.row_h[rows], self._records.surprise[rows] = self._time_h, np.nan
        self.last_flags = np.zeros(n, np.uint32)
        if rows_of.is_missed(values, bits):
            return self._close(rows, rows[told][self._call(rows[told])])
        self._fields.visit(place, self._time_h)
        deviation = rows_of.deviations(signal_sd, n)[order]
        base_sd = rows_of.deviations(reference_sd, n)[order]
        backgrounds = (
            rows_of.floats(b, n)[order] for b in (signal_background, reference_background)
        )
        living = self._living(rows) & counts
        field_seen = Seen(rows, place, living, values, deviation, base, base_sd, *backgrounds)
        light = self._accidents.judge(self._time_h, field_seen)
        values, deviation = without(light.signal, values, deviation)
        if base is not None:
            base, base_sd = without(light.reference, base, base_sd)
        bits[light.doubt] |= np.uint32(Flag.FIELD_FAULT)
        counts = counts & ~light.doubt
        wide = unstated.widened(light.signal, light.reference)
        measured = self._measuring.measure(
            self._records, rows, Values(values, deviation, base, base_sd, bits, wide),
            self._followed(rows) & counts,
        )  # fmt: skip
        found = rows_of.truths(seen, n, default=True)[order] & np.isfinite(values)
        found &= (bits & NOTHING_SEEN) == 0
        self._note(rows, found, bits)
        added = bits & np.uint32(Flag.FIELD_FAULT)
        added[light.stepped] |= np.uint32(Flag.COMMON_STEP)
        faded = self._fill_loss.push(
            self._records, rows, None if seen is None else base, base_sd, time_h=self._time_h,
            seen=found, watched=self._living(rows) & counts, bits=bits,
            intervened=done,
        )  # fmt: skip
        called = self._score(measured, done, added)
        others = faded | told
        if others.any():
            rest = rows[others & ~np.isin(rows, measured.rows)]
            called = np.concatenate([called, rest[self._call(rest)]])
        self.last_flags[order] = added
        return self._close(rows, called)

    def _close(self, rows: Ints, called: Ints) -> Ints:
        """Tell the other channels who was called at a visit; return their ids, ascending."""
        ids = np.sort(self._records.neuron_id[called])
        self._fill_loss.stop(ids)
        self._further.close(self._records, rows, ids, time_h=self._time_h, rises=self.rises)
        return ids

    @property
    def rises(self) -> bool:
        """Whether what is sensed rises in the dead."""
        return bool(self.model.deaths.mean[0] > 0)

    def evidence_of(self, neuron_id: Ints) -> Floats:
        """Return (n,) ln of the statistic of death of neurons that were pushed."""
        return self._records.statistic[self._index.find(neuron_id)[0]]

    def surprise_of(self, neuron_id: Ints) -> Floats:
        """Return (n,) how far each neuron's last value was from what was foretold, in sd."""
        return self._records.surprise[self._index.find(neuron_id)[0]]

    def shown_of(self, neuron_id: Ints) -> Shown:
        """Return what this channel says of neurons by onset; of unknown ones nothing."""
        rows, known = self._index.find(neuron_id)
        rates, at = self.learning.transients_per_day, np.where(known, rows, -1)
        return shown(self._deaths, self._transients, self._base, at, rates)

    def stop(self, neuron_id: Ints) -> None:
        """Take neurons as dead that were called for other evidence."""
        rows, known = self._index.find(neuron_id)
        called_h = self._records.called_h
        called_h[rows[known]] = np.fmin(called_h[rows[known]], self._time_h)

    def _living(self, rows: Ints) -> NDArray[np.bool_]:
        """Return which rows are neither called nor dead on arrival."""
        records = self._records
        return np.asarray(np.isnan(records.called_h[rows]) & (records.arrival[rows] != 1))

    def _followed(self, rows: Ints) -> NDArray[np.bool_]:
        """Return whose values are still taken in: the living, and the dead for some time."""
        records = self._records
        past = records.called_h[rows] < self._time_h - FOLLOWED_H
        past &= records.visits_called[rows] >= LAW_VISITS
        return np.asarray(~past & (records.arrival[rows] != 1))

    def _note(self, rows: Ints, found: NDArray[np.bool_], bits: NDArray[np.uint32]) -> None:
        """Keep who was there, when and how."""
        records, now = self._records, self._time_h
        enters = np.isnan(records.entry_h[rows]) & risk.at_risk(bits)
        records.entry_h[rows[enters]] = now
        records.seen_h[rows[found]] = now
        records.visits[rows[found]] += 1
        records.last_flags[rows] = bits

    def _score(
        self, measured: Measured, intervened: NDArray[np.bool_], added: NDArray[np.uint32]
    ) -> Ints:
        """Score the measured rows of a visit; return the rows called."""
        if measured.rows.size == 0:
            return np.zeros(0, np.int64)
        now, learning = self._time_h, self.learning
        wells = self._records.well[measured.rows]
        measured = divided(measured, self._wells.gain[wells, 0])
        self._learn_population(measured)
        noise = learning.noise()
        predicted = baseline.predict_visit(measured.rows, now, *measured[2:], self._base, noise)
        off = (measured.value - measured.fill * predicted[:, 0]) / predicted[:, 2]
        sd = np.sqrt(predicted[:, 1]) / predicted[:, 2]
        self._records.surprise[measured.rows] = off / sd
        living = np.isnan(self._records.called_h[measured.rows])
        off = np.where(living, off, np.nan)
        step = self._wells.steps(now, wells, off, sd, intervened[measured.at])
        measured = divided(measured, step)
        args = measured[1:]
        known = living & (self._base.visits[args[0]] > 0)
        days = float((now - self._base.last_h[args[0]])[known].sum()) / 24.0
        models = baseline.model_visit(
            args[0], now, *args[1:], self._base, noise,
            learning.white, learning.drift, *self._models,
        )  # fmt: skip
        out = detect.score_visit(
            args[0], now, *args[1:], self._base, self._deaths, self._transients, noise,
            learning.deaths_expected, self.model.transients, OUTLIERS, TRANSIENT_RATES,
            self._lessons[0],
        )  # fmt: skip
        called = self._call_deaths(measured.rows, out)
        learning.count_deaths(int(called.sum()), days)
        learning.learn(now, *detect.release(args[0], out, models, LEARNING_RATE, *self._lessons))
        self._learn_law(measured.rows, out)
        self._call_dead_on_arrival(measured)
        added[measured.at[step != 0.0]] |= np.uint32(Flag.COMMON_STEP)
        added[measured.at[out[:, 2] < 0.5]] |= np.uint32(Flag.OUTLIER)
        return measured.rows[called]

    def _levels(self) -> Floats:
        """Return the baselines of the living neurons met so far."""
        records, base = self._records, self._base
        alive = (base.visits > 0) & np.isnan(records.called_h) & (records.arrival != 1)
        return np.asarray(base.state[alive, 0])

    def _learn_population(self, measured: Measured) -> None:
        """Learn the population before its newcomers are judged by it."""
        new = self._base.visits[measured.rows] == 0
        if new.any():
            first = measured.value[new] / np.maximum(measured.fill[new], 0.3)
            self.learning.learn_population(first, self._levels())

    def _call_deaths(self, rows: Ints, out: Floats) -> NDArray[np.bool_]:
        """Note the evidence of measured rows; return which are called at this visit."""
        records = self._records
        living = np.isnan(records.called_h[rows])
        alive = rows[living]
        records.statistic[alive] = out[living, 0]
        records.squares[alive] = self._base.squares[alive]
        records.lives[rows] = out[:, 4]
        if alive.size < rows.size:
            records.visits_called[rows[~living]] += 1
        return self._call(rows)

    def _call(self, rows: Ints) -> NDArray[np.bool_]:
        """Return which rows are called at this visit, for all evidence there is by now."""
        records = self._records
        living = np.isnan(records.called_h[rows])
        self._further.weigh(self, records, rows[living])
        statistic = np.where(living, self._fill_loss.joint(records, rows), -np.inf)
        records.evidence[rows] = np.maximum(records.evidence[rows], statistic)
        odds = self.learning.hazard * np.exp(np.minimum(statistic, 50.0))
        records.odds[rows] = np.where(living, odds, records.odds[rows])
        excess = statistic - (self.threshold - self.learning.lower)
        called = np.asarray((excess >= 0.0) & (not self.silent))
        self.learning.count_excess(excess[called])
        records.called_h[rows[called]] = self._time_h
        return called

    def _learn_law(self, rows: Ints, out: Floats) -> None:
        """Learn how deaths look from those called a few visits ago and still dead."""
        due = (self._records.visits_called[rows] == LAW_VISITS) & (out[:, 4] < DEAD_FOR_SURE)
        if due.any():
            self.learning.law += detect.share_of_templates(self._deaths, rows[due])

    def _call_dead_on_arrival(self, measured: Measured) -> None:
        """Decide, once, whether a neuron was dead before its first visit."""
        records, base = self._records, self._base
        if self.endpoint != "indicator_rise":
            return
        rows = measured.rows
        due = (base.visits[rows] >= ARRIVAL_VISITS) & (records.arrival[rows] == 0)
        at = np.flatnonzero(due & np.isnan(records.called_h[rows]))
        level = np.maximum(base.state[rows[at], 0], 0.05)
        error = np.sqrt(np.maximum(base.cov[rows[at], 0], 0.0)) / level
        sure = error <= ARRIVAL_ERROR
        at, level, error = at[sure], level[sure], error[sure]
        if at.size == 0:
            return
        rows = rows[at]
        records.arrival[rows] = 2
        levels = np.log(np.maximum(self._levels(), 0.05))
        if levels.size < ARRIVAL_NEURONS:
            return
        above = np.log(level) - np.median(levels)
        steady = measured.value[at] > 0.7 * measured.fill[at] * base.state[rows, 0]
        dead = dead_on_arrival(above, error, float(self.learning.population[1]))
        records.arrival[rows[dead & steady]] = 1

    def calls(self, traces: Columns) -> Columns:
        """Return one row per neuron, deaths dated from their whole traces.

        Parameters
        ----------
        traces : dict of (m,) arrays
            All rows pushed: ``neuron_id, time_h, signal`` and, where they were pushed,
            ``signal_sd, reference, reference_sd, flags``; ``vessel, well, field,
            population`` are copied where given.

        Returns
        -------
        dict of (n,) arrays
            The columns of `livedeath.model.tables.CALLS`, ascending by neuron.
        """
        n = self._n
        order = np.argsort(self._records.neuron_id[:n], kind="stable")
        records = self._records.taken(order)
        first, unproven = risk.entries(records, traces)
        records = record.watched(records, first, self._base.visits[order] > 0)
        dead = np.isfinite(records.called_h)
        dates = self._dates(traces, records, order, dead)
        dates = self._fill_loss.redate(dates, traces, records, dead)
        dead &= np.isnan(dates[:, 5])
        watched = self._fields.time_h[records.field]
        lost, reason = record.losses(records, watched, self.settings.gap_visits)
        fault = records.last_flags & np.uint32(Flag.FIELD_FAULT | Flag.BAD_FRAME)
        reason[fault > 0] = FIELD_FAULT
        lost |= (records.last_flags & np.uint32(Flag.FIELD_FAULT)) > 0
        divided = (records.last_flags & np.uint32(Flag.DIVIDED)) > 0
        lost = unproven | (lost & ~dead & (records.arrival != 1) & ~divided)
        reason[divided] = DIVIDED
        reason[unproven] = risk.NOT_SHOWN
        divided &= ~(dead | (records.arrival == 1))
        p_dead = records.odds / (1.0 + records.odds) * (1.0 - dates[:, 6])
        gone = np.where(lost, 1.0 - p_dead, 0.0)
        on_arrival = records.arrival == 1
        p_dead = np.where(on_arrival, 1.0, p_dead)
        outcome = np.select(
            [dead, on_arrival, lost], ["dead", "dead_on_arrival", "lost"], "alive"
        ).astype(object)
        last = np.where(np.isnan(records.seen_h), records.entry_h, records.seen_h)
        return {
            **rows_of.places(traces, records.neuron_id),
            "endpoint": np.full(n, self.endpoint, object),
            "outcome": outcome,
            "p_alive": 1.0 - p_dead - gone,
            "p_dead": p_dead,
            "p_lost": gone,
            "entry_h": records.entry_h.copy(),
            "last_alive_h": np.where(dead, dates[:, 3], np.where(on_arrival, np.nan, last)),
            "first_dead_h": np.where(
                dead, dates[:, 4], np.where(on_arrival, records.entry_h, np.nan)
            ),
            "death_h": dates[:, 0],
            "death_low_h": dates[:, 1],
            "death_high_h": dates[:, 2],
            "called_at_h": records.called_h.copy(),
            "revoked_at_h": dates[:, 5],
            "evidence": np.where(np.isfinite(records.evidence), records.evidence, np.nan),
            "loss_reason": np.where(lost | divided, reason, "").astype(object),
            "flags": rows_of.joined_flags(traces, records.neuron_id),
        }

    def dates_of(self, traces: Columns, records: NeuronRecords, dead: NDArray[np.bool_]) -> Floats:
        """Return what became of calls that another detector made; see `_dates`."""
        rows, known = self._index.find(records.neuron_id)
        own = self._records.taken(rows)
        own = own._replace(neuron_id=records.neuron_id, called_h=records.called_h)
        return self._dates(traces, own, rows, dead & known)

    def _dates(
        self, traces: Columns, records: NeuronRecords, order: Ints, dead: NDArray[np.bool_]
    ) -> Floats:
        """Return what became of each call, (n, 7).

        Onset, its interval and the visits around it; the visit at which the call was taken
        back; the probability that the neuron came back.
        """
        known = afterwards.Known(
            self.learning, self._records, self._wells, self._accidents,
            self._measuring.scale, self._measuring.offset, self.threshold,
        )  # fmt: skip
        return afterwards.dates(known, traces, records, order, dead, self.dated)

    def state(self) -> State:
        """Return everything the detector knows; `restore` takes it over exactly."""
        n = self._n
        state: State = {
            "endpoint": self.endpoint,
            "time_h": self._time_h,
            "scale": self._measuring.scale,
            "offset": self._measuring.offset,
        }
        for part, values in self._parts().items():
            state |= {f"{part}.{k}": v[:n].copy() for k, v in values.items()}
        state |= {f"wells.{k}": v for k, v in self._wells.state().items()}
        state |= {f"fields.{k}": v for k, v in self._fields.state().items()}
        state |= {f"accidents.{k}": v for k, v in self._accidents.state().items()}
        state |= {f"fill.{k}": v for k, v in self._fill_loss.state().items()}
        state |= {f"further.{k}": v for k, v in self._further.state().items()}
        return state | {f"learning.{k}": v for k, v in self.learning.state().items()}

    def _parts(self) -> dict[str, dict[str, NDArray[np.generic]]]:
        """Return the arrays with one row per neuron, by name."""
        return {
            "base": self._base._asdict(),
            "deaths": self._deaths._asdict(),
            "transients": self._transients._asdict(),
            "models": dict(zip(("state", "cov"), self._models, strict=True)),
            "lessons": dict(zip(("wild", "noise"), self._lessons, strict=True)),
            "records": self._records._asdict(),
        }

    def restore(self, state: State) -> None:
        """Take over what `state` returned, of the same endpoint.

        Raises
        ------
        TableError
            If the state belongs to another endpoint or other further channels.
        """
        if state["endpoint"] != self.endpoint:
            raise TableError(
                f"detector state: its endpoint is {state['endpoint']!r}, this detector's is "
                f"{self.endpoint!r}; restore it into a detector of the same endpoint."
            )
        array = {k: np.asarray(v) for k, v in state.items()}
        self._time_h = float(array["time_h"])
        self._measuring.scale = float(array["scale"])
        self._measuring.offset = float(array["offset"])
        ids = array["records.neuron_id"]
        self._allocate(ids.size)
        for part, values in self._parts().items():
            for k, v in values.items():
                v[:] = array[f"{part}.{k}"]
        self._n = ids.size
        self._index = Index(ids)
        self._wells.restore({k: array[f"wells.{k}"] for k in self._wells.state()})
        self._fields.restore({k: array[f"fields.{k}"] for k in self._fields.state()})
        self._accidents.restore({k: array[f"accidents.{k}"] for k in self._accidents.state()})
        self._fill_loss.restore(below(state, "fill."))
        self._further.restore(below(state, "further."))
        self.learning.restore({k: array[f"learning.{k}"] for k in self.learning.state()})
