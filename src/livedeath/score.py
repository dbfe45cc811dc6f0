"""Values of one visit in, calls of death out, online; the whole traces in, dates of death out.

A neuron's live baseline is followed by a Kalman filter, deaths of unknown onset, size and
speed are weighed against it, and a call is made when the Shiryaev-Roberts statistic
reaches the inverse of the false-alarm rate that the user states. What a call uses is
learnt from visits up to that one; a call is never revised. Later data only date it.

It does not read images or tables from disk, and it never looks at who is in which arm.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from livedeath.errors import TableError
from livedeath.kernels import baseline, detect, onset
from livedeath.kernels.baseline import Baselines, Noise
from livedeath.kernels.detect import Bank, Shapes
from livedeath.kernels.learning import (
    BLIP_RATES,
    ENDPOINTS,
    LESSONS,
    OUTLIERS,
    Endpoint,
    Learning,
    lessons,
)
from livedeath.model.flags import Flag

Columns = dict[str, NDArray[np.generic]]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DEATH_SLOTS = 12
BLIP_SLOTS = 6
UNMEASURED = Flag.MISSING_CHANNEL | Flag.OUTSIDE_COMMON_AREA
DOUBTFUL = Flag.OUT_OF_FOCUS | Flag.MERGED
DOUBTFUL_SD = 0.2
"""Extra noise of a value flagged as doubtful, fraction."""
REFERENCE_SD_MAX = 0.4
"""A smoothed reference less certain than this, fraction, says nothing about a ratio."""
LESSON_PACE = 0.15
"""Share of what a neuron told about living ones that is believed at each further visit."""
WELL_NEURONS = 8
"""Fewest living neurons that show a step common to a well."""
WELL_BUDGET = 0.15
"""Largest common step, ln, taken out between two journaled interventions."""
WELL_FREE = 1.4
"""Largest common step, ln, taken out right after an intervention."""
DATING_VISITS = 150
"""Visits before a call among which its onset is sought."""
DATING_AFTER_H = 3.0
"""Later values, h after the call, that date a death; at least four visits."""
ARRIVAL_VISITS = 3
ARRIVAL_NEURONS = 10
ARRIVAL_PRIOR = 0.05
ARRIVAL_FOLD = np.log(3.0)
ARRIVAL_SD = 0.35
"""A dead neuron's ratio is three times a live one's, log sd 0.35 (GEDI-like sensors)."""
ARRIVAL_CERTAINTY = 0.95


class _Asked(Protocol):
    """What the detector reads from the analysis settings."""

    @property
    def false_alarms_per_1000_neuron_days(self) -> float: ...

    @property
    def gap_visits(self) -> int: ...


@dataclass(frozen=True)
class ScoreSettings:
    """What the detector may be told.

    Parameters
    ----------
    false_alarms_per_1000_neuron_days : float
        False deaths allowed per 1,000 neuron-days; the only threshold.
    gap_visits : int
        Visits a neuron may be missing at the end before it counts as lost.
    """

    false_alarms_per_1000_neuron_days: float = 1.0
    gap_visits: int = 3


class _Book(NamedTuple):
    """What is kept of each neuron beside its filters."""

    neuron_id: Ints
    well: Ints
    entry_h: Floats
    row_h: Floats
    seen_h: Floats
    visits: Ints
    called_h: Floats
    evidence: Floats
    odds: Floats
    arrived: NDArray[np.int8]
    flags: NDArray[np.uint32]
    last_flags: NDArray[np.uint32]
    reference: Floats
    reference_var: Floats


class _Measured(NamedTuple):
    """The rows of a visit that can be scored, in detector units."""

    at: Ints
    rows: Ints
    value: Floats
    fill: Floats
    fixed: Floats
    slope: Floats
    relative: Floats


def _empty_bank(n: int, slots: int, shapes: Shapes) -> Bank:
    taus, amplitudes = shapes.prior.shape
    box = (n, slots, taus, amplitudes)
    return Bank(
        np.zeros(n, np.int64), np.zeros((n, slots)), np.zeros((n, slots)),
        np.zeros(box, np.float32), np.zeros(box, np.float32), np.zeros(box, np.float32),
        np.zeros((n, slots, taus, 3), np.float32),
    )  # fmt: skip


def _empty_book(n: int) -> _Book:
    nan = np.full(n, np.nan)
    return _Book(
        np.zeros(n, np.int64), np.zeros(n, np.int64), nan, nan.copy(), nan.copy(),
        np.zeros(n, np.int64), nan.copy(), np.full(n, -np.inf), np.zeros(n),
        np.zeros(n, np.int8), np.zeros(n, np.uint32), np.zeros(n, np.uint32),
        np.zeros(n), np.full(n, -1.0),
    )  # fmt: skip


class Scorer:
    """Calls deaths online: one `push` per visit, bounded memory, exact restart.

    Parameters
    ----------
    settings : AnalysisSettings or ScoreSettings
        ``false_alarms_per_1000_neuron_days`` and ``gap_visits`` are read.
    endpoint : {'indicator_rise', 'loss_of_fill'}
        What the signal is: a death indicator that rises, or the fill that is lost.

    Notes
    -----
    Memory is about 5 kB per neuron, whatever the number of visits. Rows may come in any
    order within a visit; visits in time order.
    """

    def __init__(self, settings: _Asked | None = None, endpoint: str = "indicator_rise") -> None:
        if endpoint not in ENDPOINTS:
            allowed = " or ".join(ENDPOINTS)
            raise TableError(f"endpoint: {endpoint!r} was given; it must be {allowed}.")
        self.settings: _Asked = settings or ScoreSettings()
        self.endpoint = endpoint
        self.model = ENDPOINTS[endpoint]
        self.threshold = np.log(1000.0 / self.settings.false_alarms_per_1000_neuron_days)
        self.learning = Learning(self.model)
        self.last_flags: NDArray[np.uint32] = np.zeros(0, np.uint32)
        self._rows: dict[int, int] = {}
        self._wells: dict[str, int] = {}
        self._well_gain: dict[int, list[float]] = {}
        self._well_log: list[tuple[float, int, float]] = []
        self._well_time: dict[int, list[float]] = {}
        self._time_h = -np.inf
        self._scale = np.nan
        self._allocate(0)

    def _allocate(self, n: int) -> None:
        models = self.learning.steps.size
        self._base = Baselines(
            np.zeros(n, np.int64), np.zeros(n), np.zeros((n, 3)), np.zeros((n, 6)),
            np.zeros((n, 2)), np.zeros(n, np.int64),
        )  # fmt: skip
        self._deaths = _empty_bank(n, DEATH_SLOTS, self.model.deaths)
        self._blips = _empty_bank(n, BLIP_SLOTS, self.model.blips)
        self._models = (np.zeros((n, models, 3)), np.zeros((n, models, 6)))
        self._pending = (np.zeros((n, LESSONS)),)
        self._book = _empty_book(n)

    def _grow(self, n: int) -> None:
        """Make room for ``n`` neurons; what is kept of earlier ones stays."""
        held = len(self._rows)
        if n <= self._book.neuron_id.size:
            return
        old = (self._base, self._deaths, self._blips, self._models, self._pending, self._book)
        self._allocate(max(2 * held, n, 64))
        new = (self._base, self._deaths, self._blips, self._models, self._pending, self._book)
        for source, target in zip(old, new, strict=True):
            for a, b in zip(source, target, strict=True):
                b[:held] = a[:held]

    def _well_code(self, name: str) -> int:
        if name not in self._wells:
            code = len(self._wells)
            self._wells[name] = code
            self._well_gain[code] = [0.0, 0.0]
            self._well_time[code] = [self._time_h, self._time_h, 0.0]
        return self._wells[name]

    def _enter(self, neuron_id: Ints, well: Ints) -> Ints:
        """Return the neurons' rows; unknown neurons get one."""
        known = self._rows
        new = [int(i) for i in neuron_id if int(i) not in known]
        self._grow(len(known) + len(new))
        for i in new:
            known[i] = len(known)
            self._book.neuron_id[known[i]] = i
        rows = np.array([known[int(i)] for i in neuron_id], dtype=np.int64)
        self._book.well[rows] = well
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
        intervened: NDArray[np.bool_] | None = None,
        seen: NDArray[np.bool_] | None = None,
        flags: NDArray[np.uint32] | None = None,
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
            nothing was measured, NaN or None where the deviation is unknown.
        reference, reference_sd : (n,) float64, optional
            The fill; the score then uses the ratio.
        well : (n,) str, optional
            Well of each neuron; steps common to a well are taken out.
        intervened : (n,) bool, optional
            Something was done to the well since its last visit.
        seen : (n,) bool, optional
            The soma was found.
        flags : (n,) uint32, optional
            Bits of `livedeath.model.flags.Flag`.

        Returns
        -------
        (k,) int64
            Ids called dead at this visit, ascending. `last_flags` holds the flags the
            detector adds to this visit's rows, in the order given.

        Raises
        ------
        TableError
            If time runs backwards or an id stands twice.
        """
        ids = np.asarray(neuron_id, dtype=np.int64)
        n = ids.size
        order = np.argsort(ids, kind="stable")
        _check_visit(time_h, self._time_h, ids[order])
        self._time_h = max(float(time_h), self._time_h)
        names = np.full(n, "") if well is None else np.asarray(well).astype(str)
        codes = {name: self._well_code(name) for name in np.unique(names).tolist()}
        code = np.array([codes[name] for name in names.tolist()], dtype=np.int64)[order]
        bits = _given(flags, n, 0, np.uint32)[order]
        rows = self._enter(ids[order], code)
        signal = _given(signal, n, np.nan, np.float64)[order]
        measured = self._measure(
            rows,
            signal,
            _given(signal_sd, n, np.nan, np.float64)[order],
            None if reference is None else _given(reference, n, np.nan, np.float64)[order],
            _given(reference_sd, n, np.nan, np.float64)[order],
            bits,
        )
        found = _given(seen, n, True, np.bool_)[order] & np.isfinite(signal)
        self._note(rows, code, found & ((bits & UNMEASURED) == 0), bits)
        added = np.zeros(n, np.uint32)
        called = self._score(measured, _given(intervened, n, False, np.bool_)[order], added)
        self.last_flags = np.zeros(n, np.uint32)
        self.last_flags[order] = added
        return np.sort(self._book.neuron_id[called])

    def _note(
        self, rows: Ints, code: Ints, found: NDArray[np.bool_], bits: NDArray[np.uint32]
    ) -> None:
        """Keep who was there, when and how."""
        book, now = self._book, self._time_h
        book.entry_h[rows] = np.where(np.isnan(book.entry_h[rows]), now, book.entry_h[rows])
        book.row_h[rows] = now
        book.seen_h[rows[found]] = now
        book.visits[rows[found]] += 1
        book.flags[rows] |= bits
        book.last_flags[rows] = bits
        for c in np.unique(code).tolist():
            self._well_time[c][1] = now
            self._well_time[c][2] += 1.0

    def _measure(
        self,
        rows: Ints,
        signal: Floats,
        signal_sd: Floats,
        reference: Floats | None,
        reference_sd: Floats,
        bits: NDArray[np.uint32],
    ) -> _Measured:
        """Return what can be scored, in population medians; learn the photon noise."""
        book = self._book
        good = np.isfinite(signal) & ((bits & UNMEASURED) == 0)
        good &= np.isnan(book.called_h[rows]) & (book.arrived[rows] != 1)
        if reference is not None:
            good &= np.isfinite(reference)
        at = np.flatnonzero(good)
        smooth, per, relative = np.ones(at.size), np.ones(at.size), np.zeros(at.size)
        if reference is not None and at.size:
            sd = np.nan_to_num(reference_sd[at])
            smooth, error = baseline.follow_reference(
                rows[at], reference[at], sd, book.reference, book.reference_var
            ).T
            certain = (smooth > 0) & (error <= REFERENCE_SD_MAX * smooth)
            at, smooth, sd = at[certain], smooth[certain], sd[certain]
            per, relative = reference[at] / smooth, sd / smooth
        var = np.nan_to_num(signal_sd[at]) ** 2
        learning = self.learning
        if at.size and learning.measured_sd[0] < 0:
            learning.measured_sd[0] = float(np.any(var > 0))
        slope = learning.photon_slope(signal[at], var) if at.size else var
        if at.size and not np.isfinite(self._scale):
            self._scale = _first_scale(signal[at] / smooth)
        unit = smooth * self._scale
        value = signal[at] / unit
        fixed = var / unit**2
        fixed += np.where(bits[at] & DOUBTFUL, (DOUBTFUL_SD * value) ** 2, 0.0)
        return _Measured(at, rows[at], value, per, fixed, slope / unit, relative)

    def _score(
        self, measured: _Measured, intervened: NDArray[np.bool_], added: NDArray[np.uint32]
    ) -> Ints:
        """Score the measured rows of a visit; return the rows called."""
        if measured.rows.size == 0:
            return np.zeros(0, np.int64)
        now, learning = self._time_h, self.learning
        wells = self._book.well[measured.rows]
        measured = _divided(measured, np.array([self._well_gain[w][0] for w in wells.tolist()]))
        self._meet(measured)
        noise = learning.noise()
        step = self._common_steps(measured, wells, intervened[measured.at], noise)
        measured = _divided(measured, step)
        args = measured[1:]
        days = float((now - self._base.last_h[args[0]])[self._base.count[args[0]] > 0].sum() / 24.0)
        models = baseline.model_visit(
            args[0], now, *args[1:], self._base, noise,
            learning.white, learning.wander, *self._models,
        )  # fmt: skip
        out = detect.score_visit(
            args[0], now, *args[1:], self._base, self._deaths, self._blips, noise,
            self.model.deaths, self.model.blips, OUTLIERS, BLIP_RATES,
        )  # fmt: skip
        called = self._judge(measured.rows, out)
        learning.count(int(called.sum()), days)
        self._teach(measured.rows, lessons(out, models), called)
        self._arrive(measured)
        added[measured.at[step != 0.0]] |= np.uint32(Flag.COMMON_STEP)
        added[measured.at[out[:, 2] < 0.5]] |= np.uint32(Flag.OUTLIER)
        self._book.flags[measured.rows] |= added[measured.at]
        return measured.rows[called]

    def _teach(self, rows: Ints, told: Floats, called: NDArray[np.bool_]) -> None:
        """Let the population learn, a few visits late; what a dying neuron told is dropped."""
        pending = self._pending[0]
        told = pending[rows] + told
        told[called] = 0.0
        pending[rows] = (1.0 - LESSON_PACE) * told
        self.learning.learn(self._time_h, LESSON_PACE * told.sum(axis=0))

    def _levels(self) -> Floats:
        """Return the baselines of the living neurons met so far."""
        n = len(self._rows)
        book, base = self._book, self._base
        alive = (base.count[:n] > 0) & np.isnan(book.called_h[:n]) & (book.arrived[:n] != 1)
        return np.asarray(base.state[:n][alive, 0])

    def _meet(self, measured: _Measured) -> None:
        """Learn the population before its newcomers are judged by it."""
        new = self._base.count[measured.rows] == 0
        if new.any():
            first = measured.value[new] / np.maximum(measured.fill[new], 0.3)
            self.learning.meet(first, self._levels())

    def _common_steps(
        self, measured: _Measured, wells: Ints, intervened: NDArray[np.bool_], noise: Noise
    ) -> Floats:
        """Return the step, ln, that each row shares with its well; 0 where there is none."""
        step = np.zeros(measured.rows.size)
        predicted = baseline.predict_visit(*measured[1:2], self._time_h, *measured[2:],
                                           self._base, noise)  # fmt: skip
        off = (measured.value - measured.fill * predicted[:, 0]) / predicted[:, 2]
        sd = np.sqrt(predicted[:, 1]) / predicted[:, 2]
        for well in np.unique(wells).tolist():
            here = wells == well
            part = here & np.isfinite(off)
            if part.sum() < WELL_NEURONS:
                continue
            free = bool(intervened[here].any())
            gain, mark = self._well_gain[well]
            taken = _common(off[part], sd[part])
            bound = WELL_FREE if free else WELL_BUDGET
            taken = float(np.clip(gain + taken, mark - bound, mark + bound)) - gain
            if free:
                self._well_gain[well][1] = gain + taken
            if taken != 0.0:
                self._well_gain[well][0] = gain + taken
                self._well_log.append((self._time_h, well, gain + taken))
                step[here] = taken
        return step

    def _judge(self, rows: Ints, out: Floats) -> NDArray[np.bool_]:
        """Note the evidence; return which rows are called at this visit."""
        book = self._book
        statistic = out[:, 0]
        book.evidence[rows] = np.maximum(book.evidence[rows], statistic)
        book.odds[rows] = self.learning.hazard * np.exp(np.minimum(statistic, 50.0))
        called = np.asarray(statistic >= self.threshold)
        book.called_h[rows[called]] = self._time_h
        return called

    def _arrive(self, measured: _Measured) -> None:
        """Decide, once, whether a neuron was dead before its first visit."""
        book, base = self._book, self._base
        rows = measured.rows
        due = (base.count[rows] == ARRIVAL_VISITS) & (book.arrived[rows] == 0)
        due &= np.isnan(book.called_h[rows])
        if self.endpoint != "indicator_rise" or not due.any():
            return
        book.arrived[rows[due]] = 2
        levels = np.log(np.maximum(self._levels(), 0.05))
        if levels.size < ARRIVAL_NEURONS:
            return
        middle = np.median(levels)
        spread = float(self.learning.population[1])
        wide = np.hypot(spread, ARRIVAL_SD)
        x = np.log(np.maximum(base.state[rows, 0], 0.05)) - middle
        steady = measured.value > 0.7 * measured.fill * base.state[rows, 0]
        odds = -0.5 * ((x - ARRIVAL_FOLD) / wide) ** 2 + 0.5 * (x / spread) ** 2
        odds += np.log(spread / wide * ARRIVAL_PRIOR / (1.0 - ARRIVAL_PRIOR))
        sure = odds > np.log(ARRIVAL_CERTAINTY / (1.0 - ARRIVAL_CERTAINTY))
        book.arrived[rows[due & sure & steady & (x > 0.0)]] = 1

    def calls(self, traces: Columns) -> Columns:
        """Return one row per neuron, deaths dated from their whole traces.

        Parameters
        ----------
        traces : dict of (m,) arrays
            All rows pushed: ``neuron_id, time_h, signal`` and, where they were pushed,
            ``signal_sd, reference, reference_sd``; ``vessel, well, field, population``
            are copied where given.

        Returns
        -------
        dict of (n,) arrays
            The columns of `livedeath.model.tables.CALLS`, ascending by neuron.
        """
        n = len(self._rows)
        order = np.argsort(self._book.neuron_id[:n], kind="stable")
        book = _Book(*(column[:n][order] for column in self._book))
        dead = np.isfinite(book.called_h)
        lost, reason = self._losses(book)
        lost &= ~dead & (book.arrived != 1)
        p_dead = book.odds / (1.0 + book.odds)
        gone = np.where(lost, 1.0 - p_dead, 0.0)
        arrived = book.arrived == 1
        p_dead = np.where(arrived, 1.0, p_dead)
        dates = self._dates(traces, book, order, dead)
        outcome = np.select(
            [dead, arrived, lost], ["dead", "dead_on_arrival", "lost"], "alive"
        ).astype(object)
        last = np.where(np.isnan(book.seen_h), book.entry_h, book.seen_h)
        return {
            **_places(traces, book.neuron_id),
            "endpoint": np.full(n, self.endpoint, object),
            "outcome": outcome,
            "p_alive": 1.0 - p_dead - gone,
            "p_dead": p_dead,
            "p_lost": gone,
            "entry_h": book.entry_h.copy(),
            "last_alive_h": np.where(dead, dates[:, 3], np.where(arrived, np.nan, last)),
            "first_dead_h": np.where(dead, dates[:, 4], np.where(arrived, book.entry_h, np.nan)),
            "death_h": dates[:, 0],
            "death_low_h": dates[:, 1],
            "death_high_h": dates[:, 2],
            "called_at_h": book.called_h.copy(),
            "evidence": np.where(np.isfinite(book.evidence), book.evidence, np.nan),
            "loss_reason": np.where(lost, reason, "").astype(object),
            "flags": book.flags.copy(),
        }

    def _losses(self, book: _Book) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
        """Return which neurons have been missing too long, and why."""
        start = np.array([self._well_time[w][0] for w in book.well.tolist()])
        end = np.array([self._well_time[w][1] for w in book.well.tolist()])
        pushes = np.array([self._well_time[w][2] for w in book.well.tolist()])
        several = book.visits > 1
        own = (book.seen_h - book.entry_h) / np.maximum(book.visits - 1, 1)
        usual = np.where(several, own, (end - start) / np.maximum(pushes - 1, 1))
        last = np.where(np.isnan(book.seen_h), book.entry_h, book.seen_h)
        lost = end - last > (self.settings.gap_visits + 0.5) * usual + 1e-9
        reason = np.select(
            [
                book.row_h < end - (self.settings.gap_visits + 0.5) * usual,
                (book.last_flags & Flag.OUTSIDE_COMMON_AREA) > 0,
                (book.last_flags & Flag.MISSING_CHANNEL) > 0,
            ],
            ["no more rows", "outside the common area", "channel missing"],
            "mask lost",
        )
        return np.asarray(lost), reason.astype(object)

    def _dates(
        self, traces: Columns, book: _Book, order: Ints, dead: NDArray[np.bool_]
    ) -> Floats:
        """Return onset, its interval, and the visits around it for the dead neurons."""
        out = np.full((book.neuron_id.size, 5), np.nan)
        if not dead.any():
            return out
        noise = self.learning.noise()
        sorted_rows = np.lexsort((traces["time_h"], traces["neuron_id"]))
        ids = np.asarray(traces["neuron_id"])[sorted_rows]
        starts = np.searchsorted(ids, book.neuron_id, side="left")
        ends = np.searchsorted(ids, book.neuron_id, side="right")
        for k in np.flatnonzero(dead).tolist():
            trace = self._one_trace(traces, sorted_rows[starts[k] : ends[k]], int(book.well[k]))
            if trace[0].size == 0:
                continue
            squares = self._base.squares[order[k]]
            visits = noise.scale_visits + squares[1]
            own = noise._replace(scale=(noise.scale_visits * noise.scale + squares[0]) / visits)
            out[k] = _date(trace, float(book.called_h[k]), own, self.model)
        return out

    def _one_trace(self, traces: Columns, rows: Ints, well: int) -> tuple[Floats, ...]:
        """Return a neuron's measured visits in detector units, in time order."""
        def column(name: str) -> Floats:
            given = traces.get(name)
            if given is None:
                return np.full(rows.size, np.nan)
            return np.asarray(given[rows], dtype=np.float64)

        time_h, signal = column("time_h"), column("signal")
        good = np.isfinite(signal)
        if "flags" in traces:
            good &= (np.asarray(traces["flags"])[rows].astype(np.uint32) & UNMEASURED) == 0
        smooth, fill, relative = np.ones(rows.size), np.ones(rows.size), np.zeros(rows.size)
        if "reference" in traces:
            reference, sd = column("reference"), np.nan_to_num(column("reference_sd"))
            good &= np.isfinite(reference)
            level, error = baseline.follow_reference(
                np.zeros(int(good.sum()), np.int64), reference[good], sd[good],
                np.zeros(1), np.full(1, -1.0),
            ).T  # fmt: skip
            smooth[good] = level
            good[good] = (level > 0) & (error <= REFERENCE_SD_MAX * level)
            fill, relative = reference / smooth, sd / smooth
        unit = smooth * self._scale * np.exp(self._gain_at(time_h, well))
        fixed = (np.nan_to_num(column("signal_sd")) / unit) ** 2
        value = signal / unit
        slope = np.zeros(rows.size)
        return tuple(a[good] for a in (time_h, value, fill, fixed, slope, relative))

    def _gain_at(self, time_h: Floats, well: int) -> Floats:
        """Return the ln of the steps taken out of a well, at each time."""
        log = [(t, gain) for t, w, gain in self._well_log if w == well]
        if not log:
            return np.zeros(time_h.size)
        when = np.searchsorted(np.array([t for t, _ in log]), time_h, side="right")
        return np.concatenate([[0.0], [gain for _, gain in log]])[when]

    def state(self) -> dict[str, NDArray[np.generic] | float | str]:
        """Return everything the detector knows; `restore` takes it over exactly."""
        n = len(self._rows)
        names = list(self._wells)
        state: dict[str, NDArray[np.generic] | float | str] = {
            "endpoint": self.endpoint,
            "time_h": self._time_h,
            "scale": self._scale,
            "wells": np.array(names, dtype=np.str_),
            "well_gain": np.array(list(self._well_gain.values())).reshape(-1, 2),
            "well_time": np.array(list(self._well_time.values())).reshape(-1, 3),
            "well_log": np.array(self._well_log, dtype=np.float64).reshape(-1, 3),
        }
        for part, values in self._parts().items():
            state |= {f"{part}.{k}": v[:n].copy() for k, v in values.items()}
        state |= {f"learning.{k}": v for k, v in self.learning.state().items()}
        return state

    def _parts(self) -> dict[str, dict[str, NDArray[np.generic]]]:
        """Return the arrays with one row per neuron, by name."""
        return {
            "base": self._base._asdict(),
            "deaths": self._deaths._asdict(),
            "blips": self._blips._asdict(),
            "models": dict(zip(("state", "cov"), self._models, strict=True)),
            "pending": {"told": self._pending[0]},
            "book": self._book._asdict(),
        }

    def restore(self, state: dict[str, NDArray[np.generic] | float | str]) -> None:
        """Take over what `state` returned, of the same endpoint.

        Raises
        ------
        TableError
            If the state belongs to another endpoint.
        """
        if state["endpoint"] != self.endpoint:
            raise TableError(
                f"detector state: it is of endpoint {state['endpoint']!r}, this detector is of "
                f"{self.endpoint!r}; restore it into a detector of the same endpoint."
            )
        array = {k: np.asarray(v) for k, v in state.items()}
        self._time_h, self._scale = float(array["time_h"]), float(array["scale"])
        ids = array["book.neuron_id"]
        self._rows = {}
        self._allocate(ids.size)
        for part, values in self._parts().items():
            for k, v in values.items():
                v[:] = array[f"{part}.{k}"]
        self._rows = {int(i): row for row, i in enumerate(ids)}
        self._wells = {str(name): k for k, name in enumerate(array["wells"])}
        self._well_gain = dict(enumerate(array["well_gain"].astype(float).tolist()))
        self._well_time = dict(enumerate(array["well_time"].astype(float).tolist()))
        self._well_log = [(float(t), int(w), float(g)) for t, w, g in array["well_log"].tolist()]
        self.learning.restore(
            {k: array[f"learning.{k}"] for k in self.learning.state()}
        )


def _given(
    values: NDArray[np.generic] | None, n: int, default: float, dtype: type
) -> NDArray[np.generic]:
    """Return a column, or its default."""
    return np.full(n, default, dtype) if values is None else np.asarray(values, dtype=dtype)

def _check_visit(time_h: float, last_h: float, ids: Ints) -> None:
    """Refuse a visit out of order or with a neuron twice."""
    if not np.isfinite(time_h) or time_h < last_h:
        raise TableError(
            f"visit at {time_h} h: the visit before was at {last_h} h; "
            "visits must be finite and in time order, sort them by time."
        )
    twice = ids[1:][ids[1:] == ids[:-1]]
    if twice.size:
        raise TableError(
            f"visit at {time_h} h: neuron {twice[0]} stands in it twice; "
            "each neuron may stand once per visit, remove the duplicate."
        )


def _first_scale(values: Floats) -> float:
    """Return the scale of a study's signal: the median of its first visit."""
    positive = values[values > 0]
    scale = float(np.median(positive if positive.size else np.abs(values)))
    return scale if scale > 0 else 1.0


def _divided(measured: _Measured, step: Floats) -> _Measured:
    """Take a step, ln, out of the values."""
    if not step.any():
        return measured
    by = np.exp(step)
    return measured._replace(
        value=measured.value / by, fixed=measured.fixed / by**2, slope=measured.slope / by
    )


def _common(off: Floats, sd: Floats) -> float:
    """Return the step, ln, common to a well's neurons; 0 where they differ or none is sure.

    Dying neurons differ in onset and fold; a step of the medium is the same for all.
    """
    middle = float(np.median(off))
    error = 1.2533 * float(np.median(sd)) / np.sqrt(off.size)
    spread = 1.4826 * float(np.median(np.abs(off - middle) / (sd * max(1.0 + middle, 0.1))))
    if abs(middle) < 4.0 * error or spread > 1.0 + 1.8 / np.sqrt(off.size) or middle < -0.9:
        return 0.0
    return float(np.log1p(middle))


def _date(
    trace: tuple[Floats, ...], called_h: float, noise: Noise, model: Endpoint
) -> tuple[float, float, float, float, float]:
    """Return the onset's median and 95 % interval, and the visits around it."""
    time_h = trace[0]
    call = int(np.searchsorted(time_h, called_h, side="right")) - 1
    if call < 1:
        return called_h, called_h, called_h, np.nan, called_h
    low = max(0, call - DATING_VISITS)
    high = int(np.searchsorted(time_h, called_h + DATING_AFTER_H, side="right"))
    part = tuple(a[low : max(high, call + 5)] for a in trace)
    edges = time_h[low : call + 1]
    middles = 0.5 * (edges[1:] + edges[:-1])
    prior = np.log(model.tau_prior)
    few = slice(1, None, 3)
    coarse = onset.onset_likelihood(
        *part, noise, middles, model.tau_h[few], model.amplitude, model.amplitude_sd
    )
    best = (coarse + prior[few]).max(axis=1)
    likely = np.flatnonzero(best > best.max() - 12.0)
    first, last = max(int(likely[0]) - 1, 0), min(int(likely[-1]) + 1, middles.size - 1)
    grid, width = _fine_grid(edges[first : last + 2])
    fine = onset.onset_likelihood(
        *part, noise, grid, model.tau_h, model.amplitude, model.amplitude_sd
    )
    fine += prior
    mass = np.exp(fine - fine.max()).sum(axis=1) * width
    total = np.concatenate([[0.0], np.cumsum(mass)])
    ends = np.concatenate([grid - 0.5 * width, [grid[-1] + 0.5 * width[-1]]])
    low_h, death_h, high_h = np.interp([0.025, 0.5, 0.975], total / total[-1], ends)
    after = int(np.searchsorted(time_h, death_h, side="right"))
    after = min(max(after, 1), time_h.size - 1)
    return death_h, low_h, high_h, float(time_h[after - 1]), float(time_h[after])


def _fine_grid(edges: Floats) -> tuple[Floats, Floats]:
    """Return onsets about a minute apart, 4 to 12 per interval, and their widths."""
    steps = np.diff(edges)
    counts = np.clip(np.ceil(steps * 60.0), 4, 12).astype(np.int64)
    width = np.repeat(steps / counts, counts)
    start = np.repeat(edges[:-1], counts)
    nth = np.concatenate([np.arange(c) for c in counts.tolist()])
    return start + (nth + 0.5) * width, width


def _places(traces: Columns, neuron_id: Ints) -> Columns:
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


def score_traces(
    columns: Columns,
    settings: _Asked | None = None,
    *,
    endpoint: str = "indicator_rise",
) -> tuple[Columns, Columns]:
    """Score a whole table of traces; rows of equal time are one visit.

    Parameters
    ----------
    columns : dict of (m,) arrays
        ``neuron_id, time_h, signal`` (the death indicator) and optionally ``reference``,
        ``signal_sd, reference_sd, well, field, vessel, population, intervened, flags``;
        rows in any order, visits may be irregular or missing.
    settings : AnalysisSettings or ScoreSettings, optional
        As in `Scorer`.
    endpoint : {'indicator_rise', 'loss_of_fill'}
        What the signal is.

    Returns
    -------
    traces, calls : dict of arrays
        The table by time and neuron with ``t`` and ``flags``; one row per neuron.

    Raises
    ------
    TableError
        If a needed column is absent or a neuron stands twice at one time.
    """
    for name in ("neuron_id", "time_h", "signal"):
        if name not in columns:
            raise TableError(
                f"traces: column {name!r} is missing; neuron_id, time_h and signal are needed."
            )
    order = np.lexsort((columns["neuron_id"], columns["time_h"]))
    traces: Columns = {name: np.asarray(values)[order] for name, values in columns.items()}
    time_h = np.asarray(traces["time_h"], dtype=np.float64)
    m = time_h.size
    well = _well_names(traces, m)
    flags = _given(traces.get("flags"), m, 0, np.uint32).astype(np.uint32)
    scorer = Scorer(settings, endpoint)
    edges = [*np.unique(time_h, return_index=True)[1].tolist(), m]
    for a, b in pairwise(edges):
        rows = slice(a, b)
        given = {
            name: np.asarray(traces[name])[rows]
            for name in ("signal_sd", "reference", "reference_sd", "intervened", "seen")
            if name in traces
        }
        scorer.push(
            float(time_h[a]),
            np.asarray(traces["neuron_id"])[rows],
            np.asarray(traces["signal"])[rows],
            well=well[rows],
            flags=flags[rows],
            **given,
        )
        flags[rows] |= scorer.last_flags
    traces["flags"] = flags
    traces.setdefault("t", _visit_numbers(well, traces.get("field"), time_h))
    return traces, scorer.calls(traces)


def _well_names(traces: Columns, m: int) -> NDArray[np.str_]:
    """Return vessel and well of each row as one name."""
    parts = [np.asarray(traces[k]).astype(str) for k in ("vessel", "well") if k in traces]
    if not parts:
        return np.full(m, "")
    return parts[0] if len(parts) == 1 else np.char.add(np.char.add(parts[0], "/"), parts[1])


def _visit_numbers(
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
