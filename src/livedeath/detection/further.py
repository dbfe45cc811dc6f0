"""Further channels of a visit in, each neuron's statistic of one death that they all show out.

A dye that enters the dead, or a soma that shrinks, is a second witness of the same death. Each
further channel has a detector of its own, which weighs onsets and calls nothing; the ratios of
all channels are multiplied at each onset and integrated (`livedeath.kernels.fuse`). Not every
death shows in every channel, and few show in all at once: the statistic is a mean over which
channels show it, so that one that stays silent costs little and takes no call away for good.

Two witnesses must not be one and the same. Where the living's channels vary together, by focus,
place or lamp, the product counts their common noise twice; it is then taken to a power below
one (`Together`). What happens to several channels at once and passes is weighed as such.
"""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.detection import rows as rows_of
from livedeath.detection.learning import Learning
from livedeath.detection.record import UNMEASURED, NeuronRecords
from livedeath.errors import TableError
from livedeath.kernels import detect, fuse
from livedeath.kernels.bank import Bank
from livedeath.kernels.baseline import Baselines
from livedeath.model.flags import Flag
from livedeath.model.measures import State, below

if TYPE_CHECKING:
    from livedeath.detection.scorer import Scorer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Given = Mapping[str, tuple[NDArray[np.generic], NDArray[np.generic] | None]]
"""Values and standard deviations of the further channels, by name."""

MOST = 4
"""Further channels at most: their subsets are weighed one by one."""
MISSED = 0.05
"""Share of deaths that leave no sign in a further channel, each by itself."""
ALONE = 0.2
"""Share of deaths that the calling channel shows before any other: a dye enters when the
membrane breaks, minutes or hours after calcium or the reporter rose."""

NOT_ITS_OWN = Flag.MERGED | Flag.UNREGISTERED
"""Flags of a value that may be a neighbour's: a dead one's dye is brighter than all that lives."""
SHOWN_DAYS = 10.0
"""Statistic of a channel, neuron-days, that a living neuron seldom has."""
MANY, MANY_PART = 3, 0.3
"""Living neurons of a field, and part of them, of whom a channel says so at once: what happened
to them all happened to the channel, a lamp, a leak of light, a compound that glows."""
FEW = 8
"""Fields of fewer are judged together with so many neurons of the fields seen before."""

CORRELATED, CORRELATED_VISITS = 0.3, 200.0
"""Correlation of two channels' noise before it was seen, and visits of a neuron it is worth."""
LARGE = 3.0
"""Larger deviations, in standard deviations, count as so many: correlation is of usual noise."""
SLOW = 0.15
"""Share of a new deviation in the running mean of those before it: noise that is common over
hours hides beneath that of single visits."""
PACE = 0.15
"""Share of what a neuron has to teach that is learnt at each of its visits, as far as it lives."""
ACCIDENT, AWAY = 5.0, 2.0
"""Two channels that go towards death in one visit, each by the second and both together by the
first of so many standard deviations: an accident they share, if it passes. Independent normal
noise does so 0.0003 times a day at visits every 15 minutes."""
SURE = 0.9
"""Least probability of being alive of a neuron that an accident has left alive."""
SPARED = 0.5
"""Share of the false alarms asked for that shared accidents may use up unopposed."""
ACCIDENTS, ACCIDENT_DAYS = 0.5, 50.0
"""Such accidents before any was seen, and the neuron-days in which."""


class Together:
    """What living neurons' channels do together: their correlation, and accidents they share.

    Parameters
    ----------
    channels : int
        How many, the calling one first.
    false_alarms_per_day : float
        False deaths asked for, per neuron-day; accidents that they can afford are not weighed.

    Attributes
    ----------
    sums : (2, K, K) float64
        Sums of products of deviations, of single visits and of running means.
    accidents : (2,) float64
        Accidents that passed, and neuron-days.
    """

    _of_neurons = ("slow", "waiting", "struck", "last_h")
    _learnt = ("sums", "counts", "accidents")

    def __init__(self, channels: int, false_alarms_per_day: float) -> None:
        self.affordable = SPARED * false_alarms_per_day
        self.sums = np.zeros((2, channels, channels))
        self.counts = np.zeros((channels, channels))
        self.accidents = np.zeros(2)
        self.slow = np.zeros((0, channels))
        self.waiting = np.zeros((0, 3, channels, channels))
        self.struck = np.zeros(0)
        self.last_h = np.zeros(0)

    @property
    def correlation(self) -> Floats:
        """Correlation of each two channels' noise, (K, K); none below 0."""
        out = np.eye(self.counts.shape[0])
        for sums in self.sums:
            own = np.sqrt(np.maximum(np.diagonal(sums), 1e-12))
            own_counts = np.maximum(np.diagonal(self.counts), 1e-12)
            sd = own / np.sqrt(own_counts)
            common = sums / np.outer(sd, sd)
            prior = CORRELATED_VISITS * CORRELATED
            out = np.maximum(out, (prior + common) / (CORRELATED_VISITS + self.counts))
        np.fill_diagonal(out, 1.0)
        return np.clip(out, 0.0, 1.0)

    @property
    def accidents_per_day(self) -> float:
        """Accidents that channels share, per neuron-day, above those that can be afforded."""
        passed, days = self.accidents
        return max((ACCIDENTS + passed) / (ACCIDENT_DAYS + days) - self.affordable, 0.0)

    def powers(self) -> Floats:
        """Return the power that the product of each subset of channels is taken to, (2**K,).

        Of normal noise of correlation matrix C, with deaths that shift it, the product of
        likelihood ratios to the power a has an expectation of at most 1 over the living,
        whatever the shifts, if a is at most 1 over the largest eigenvalue of C (the exponent
        is a (a s'C s - s's) / 2 of shifts s). Of channels that are one and the same this is the
        geometric mean, which is valid whatever they have to do with one another.
        """
        correlation = self.correlation
        channels = correlation.shape[0]
        out = np.ones(2**channels)
        for subset in range(1, out.size):
            at = [c for c in range(channels) if subset >> c & 1]
            out[subset] = 1.0 / float(np.linalg.eigvalsh(correlation[np.ix_(at, at)])[-1])
        return out

    def learn(self, time_h: float, rows: Ints, deviation: Floats, alive: Floats) -> None:
        """Take one visit in.

        Parameters
        ----------
        time_h : float
            Hour of the visit.
        rows : (n,) int64
            Neurons.
        deviation : (n, K) float64
            How far each channel's value is from what was foretold, towards death, in standard
            deviations; NaN where there is none.
        alive : (n,) float64
            Probability of being alive by now.
        """
        self._grow(rows)
        there = np.isfinite(deviation)
        z = np.where(there, np.clip(deviation, -LARGE, LARGE), 0.0)
        slow = np.where(there, self.slow[rows] + SLOW * (z - self.slow[rows]), self.slow[rows])
        self.slow[rows] = slow
        both = there[:, :, np.newaxis] & there[:, np.newaxis, :]
        smooth = slow * np.sqrt((2.0 - SLOW) / SLOW)
        waiting = self.waiting[rows]
        for k, part in enumerate((z, smooth)):
            waiting[:, k] += both * part[:, :, np.newaxis] * part[:, np.newaxis, :]
        waiting[:, 2] += both
        told = (PACE * alive)[:, np.newaxis, np.newaxis, np.newaxis] * waiting
        self.waiting[rows] = waiting - told
        told = told.sum(axis=0)
        self.sums += told[:2]
        self.counts += told[2]
        self._count_accidents(time_h, rows, deviation, alive)

    def _count_accidents(self, time_h: float, rows: Ints, deviation: Floats, alive: Floats) -> None:
        """Count what took two channels of a neuron away at once and left it alive."""
        correlation = np.minimum(self.correlation, 0.9)
        away = np.zeros(rows.size, np.bool_)
        with np.errstate(invalid="ignore"):
            for a, b in combinations(range(deviation.shape[1]), 2):
                x, y, r = deviation[:, a], deviation[:, b], correlation[a, b]
                far = x * x + y * y - 2.0 * r * x * y > (1.0 - r * r) * ACCIDENT**2
                away |= far & (np.minimum(x, y) > AWAY)
            back = ~(deviation > AWAY).any(axis=1)
        back &= (np.isfinite(deviation).sum(axis=1) > 1) & (alive > SURE)
        passed = (self.struck[rows] > 0) & back
        self.struck[rows] = np.where(away, 1.0, np.where(passed, 0.0, self.struck[rows]))
        days = np.nan_to_num(time_h - self.last_h[rows]) / fuse.HOURS_PER_DAY
        self.last_h[rows] = time_h
        self.accidents += [float(passed.sum()), float(days.sum())]

    def _grow(self, rows: Ints) -> None:
        n = int(rows.max(initial=-1)) + 1
        for name in self._of_neurons:
            old = getattr(self, name)
            if n > len(old):
                start = np.nan if name == "last_h" else 0.0
                room = np.full((max(n, 2 * len(old)), *old.shape[1:]), start)
                room[: len(old)] = old
                setattr(self, name, room)

    def state(self) -> State:
        """Return everything that the next visit depends on."""
        return {name: getattr(self, name).copy() for name in (*self._of_neurons, *self._learnt)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned."""
        for name in (*self._of_neurons, *self._learnt):
            setattr(self, name, np.array(state[name], np.float64))


class Shown(NamedTuple):
    """What one channel says of (n,) neurons: steps of deaths and of transients, last visits, h."""

    deaths: Floats
    transients: Floats
    last_h: Floats


def shown(deaths: Bank, transients: Bank, base: Baselines, rows: Ints, per_day: Floats) -> Shown:
    """Return what a channel says of neurons by onset.

    Parameters
    ----------
    deaths, transients, base : Bank, Bank, Baselines
        The channel's.
    rows : (n,) int64
        Neurons in them; -1 for one it does not know.
    per_day : (k,) float64
        Rate of each transient.
    """
    living, last_h = np.ones(rows.size), np.full(rows.size, np.nan)
    known = np.flatnonzero(rows >= 0)
    at = rows[known]
    living[known] = base.alive[at] + detect.passing(at, transients, per_day)
    last_h[known] = np.where(base.visits[at] > 0, base.last_h[at], np.nan)
    every = np.ones(deaths.weight.shape[2])
    return Shown(
        fuse.by_onset(deaths, rows, living, every),
        fuse.by_onset(transients, rows, living, np.full(per_day.size, 1.0 / per_day.size)),
        last_h,
    )


class Further:
    """The further channels beside the one that calls.

    Parameters
    ----------
    learning : Learning
        What is learnt by the detector that calls.
    make : callable
        Makes a detector of an endpoint that has seen nothing; it weighs evidence and calls
        nothing.
    endpoints : dict of str to str
        Endpoint of each further channel, by name.

    Notes
    -----
    Without channels nothing is done and nothing costs. A channel costs what a detector costs.
    """

    def __init__(
        self, learning: Learning, make: "Callable[[str], Scorer]", endpoints: Mapping[str, str]
    ) -> None:
        if len(endpoints) > MOST:
            raise TableError(
                f"further channels: {len(endpoints)} were given ({', '.join(endpoints)}); at "
                f"most {MOST} are weighed beside the one that calls, leave some out."
            )
        self._channels = {name: make(endpoint) for name, endpoint in endpoints.items()}
        for one in self._channels.values():
            one.silent = True
        k = len(endpoints) + 1
        self._together = Together(k, learning.false_alarms_per_day)
        self._begun = np.zeros((0, k))
        self._deviation = np.zeros((0, k))
        self._aside = np.zeros((0, k))
        self._lately = np.zeros((k, 2))
        # The calling channel, bit 0, is in every group.
        self._groups = np.arange(1, 2**k, 2)

    _kept = ("begun", "aside", "lately")

    @property
    def names(self) -> tuple[str, ...]:
        """The further channels, in the order they were declared."""
        return tuple(self._channels)

    def push(
        self,
        given: Given | None,
        records: NeuronRecords,
        rows: Ints,
        order: Ints | slice,
        *,
        time_h: float,
        bits: NDArray[np.uint32],
        place: Ints,
        intervened: Bools,
    ) -> Bools:
        """Weigh the values of one visit.

        Parameters
        ----------
        given : dict of str to (values, deviations), optional
            As given to `Scorer.push`.
        records : NeuronRecords
            Of the detector that calls.
        rows : (n,) int64
            The visit's neurons in them.
        order : (n,) int64 or slice
            Where their values stand.
        time_h : float
            Hour of the visit.
        bits : (n,) uint32
            Flags of the rows.
        place : (n,) int64
            Their fields.
        intervened : (n,) bool
            As in `Scorer.push`.

        Returns
        -------
        (n,) bool
            Of whom a channel had something to say.

        Raises
        ------
        TableError
            If a channel was not declared.
        """
        told = np.zeros(rows.size, np.bool_)
        if given is not None:
            unknown = [name for name in given if name not in self._channels]
            if unknown:
                names = ", ".join(self._channels) or "none"
                raise TableError(
                    f"visit at {time_h} h: values of the further channel {unknown[0]!r} were "
                    f"given; declared are: {names}. Declare it when the scorer is made."
                )
        if not self._channels:
            return told
        self._begun = _grown(self._begun, rows)
        self._deviation = _grown(self._deviation, rows)
        self._aside = _grown(self._aside, rows)
        self._deviation[rows] = np.nan
        counts = (bits & np.uint32(UNMEASURED | NOT_ITS_OWN)) == 0
        ids = records.neuron_id[rows]
        well, field = records.well[rows].astype(str), place.astype(str)
        for k, (name, one) in enumerate(self._channels.items(), 1):
            pair = None if given is None else given.get(name)
            if pair is None:
                continue
            values = rows_of.floats(pair[0], rows.size)[order]
            sd = rows_of.deviations(pair[1], rows.size)[order]
            measured = counts & np.isfinite(values)
            values = np.where(measured, values, np.nan)
            if not measured.any():
                continue
            one.push(time_h, ids, values, sd, well=well, field=field, intervened=intervened)
            self._deviation[rows, k] = one.surprise_of(ids)
            told |= measured
            shows = one.evidence_of(ids) > np.log(SHOWN_DAYS)
            self._aside[rows, k] = _too_many(shows, _living(records, rows), place, self._lately[k])
        return told

    def weigh(self, caller: "Scorer", records: NeuronRecords, rows: Ints) -> None:
        """Note the statistic of death of some neurons, all channels together.

        Parameters
        ----------
        caller : Scorer
            The detector that calls.
        records : NeuronRecords
            Its records; ``statistic`` is set. Without further channels it is left alone.
        rows : (n,) int64
            Neurons in them.
        """
        if not self._channels or rows.size == 0:
            return
        ids = records.neuron_id[rows]
        told = [one.shown_of(ids) for one in (caller, *self._channels.values())]
        last = np.array([one.last_h for one in told])
        begun = self._begun[rows].T
        begun = np.where(np.isnan(begun), last, begun)
        self._begun[rows] = begun.T
        watched = np.stack([begun, last], axis=2)
        powers = self._together.powers()
        deaths = fuse.Steps(np.array([one.deaths for one in told]), watched, -np.inf)
        end_h = np.fmax.reduce(last)
        dying = fuse.fuse(deaths, begun[0], end_h, self._groups, powers)
        passing = fuse.Steps(np.array([one.transients for one in told]), watched, 0.0)
        lately = np.maximum(begun[0], end_h - detect.TRANSIENT_OVER_H)
        passed = fuse.fuse(passing, lately, end_h, self._groups, powers)
        rate = self._together.accidents_per_day
        heard = np.isfinite(begun.T) & (self._aside[rows] != 1.0)
        with np.errstate(divide="ignore"):
            weighed = np.log(self._shares(heard)) + dying
            # Alone, the calling channel has weighed its transients itself.
            weighed[:, 1:] -= np.log1p(rate * np.exp(passed[:, 1:]))
        records.statistic[rows] = np.logaddexp.reduce(weighed, axis=1)

    def _shares(self, known: Bools) -> Floats:
        """Return the share of deaths that show in each group of channels, (n, g)."""
        shares = np.ones((len(known), self._groups.size))
        for k in range(1, known.shape[1]):
            within = (self._groups >> k & 1) > 0
            missed = np.where(known[:, k], MISSED, 1.0)[:, np.newaxis]
            shares *= np.where(within, 1.0 - missed, missed)
        alone = np.where(known[:, 1:].any(axis=1), ALONE, 0.0)
        shares *= (1.0 - alone)[:, np.newaxis]
        shares[:, 0] += alone
        return shares

    def close(
        self, records: NeuronRecords, rows: Ints, called: Ints, *, time_h: float, rises: bool
    ) -> None:
        """Learn from a visit after its calls; watch those who were called no longer.

        Parameters
        ----------
        records : NeuronRecords
            Of the detector that calls.
        rows : (n,) int64
            The visit's neurons in them.
        called : (k,) int64
            Ids of those who were called at it.
        time_h : float
            Hour of the visit.
        rises : bool
            Whether what that detector senses rises in the dead.
        """
        if not self._channels:
            return
        for one in self._channels.values():
            one.stop(called)
            one.learning.count_deaths(called.size, 0.0)
        self._deviation[rows, 0] = records.surprise[rows]
        towards = [rises, *(one.rises for one in self._channels.values())]
        deviation = self._deviation[rows] * np.where(towards, 1.0, -1.0)
        # Of who was called only the calling channel still tells whether it lives after all.
        odds = np.where(np.isnan(records.called_h[rows]), records.odds[rows], 0.0)
        alive = np.minimum(records.lives[rows], 1.0 / (1.0 + odds))
        self._together.learn(time_h, rows, deviation, alive)

    def state(self) -> State:
        """Return everything that the next visit depends on."""
        if not self._channels:
            return {}
        state: State = {name: getattr(self, f"_{name}").copy() for name in self._kept}
        state["names"] = np.array(self.names)
        state |= {f"together.{k}": v for k, v in self._together.state().items()}
        for name, one in self._channels.items():
            state |= {f"channel.{name}.{k}": v for k, v in one.state().items()}
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned, of the same channels.

        Raises
        ------
        TableError
            If they are others.
        """
        names = tuple(np.asarray(state.get("names", np.zeros(0, np.str_))).tolist())
        if names != self.names:
            raise TableError(
                f"detector state: its further channels are {names}, this detector's are "
                f"{self.names}; restore it into a detector of the same channels."
            )
        if not names:
            return
        for kept in self._kept:
            setattr(self, f"_{kept}", np.array(state[kept], np.float64))
        self._deviation = np.full_like(self._begun, np.nan)
        self._together.restore(below(state, "together."))
        for name, one in self._channels.items():
            one.restore(below(state, f"channel.{name}."))


def _living(records: NeuronRecords, rows: Ints) -> Bools:
    return np.asarray(np.isnan(records.called_h[rows]) & (records.arrival[rows] != 1))


def _too_many(shows: Bools, living: Bools, place: Ints, lately: Floats) -> Bools:
    """Tell in which fields so many living neurons show a death in one channel that none does.

    Where a field does die at once the channel that calls says so by itself. ``lately``, how
    many showed one of how many of the fields seen last, speaks for fields of few neurons.
    """
    n = int(place.max(initial=-1)) + 1
    some = np.bincount(place[shows & living], minlength=n).astype(np.float64)
    of = np.bincount(place[living], minlength=n).astype(np.float64)
    few = of < FEW
    out = _many(some, of) | (few & (some > 0) & _many(some + lately[0], of + lately[1]))
    lately *= np.exp(-of.sum() / FEW)
    lately += [some.sum(), of.sum()]
    return np.asarray(out[place])


def _many(some: Floats, of: Floats) -> Bools:
    return np.asarray((some >= MANY) & (some >= MANY_PART * of))


def _grown(values: Floats, rows: Ints) -> Floats:
    n = int(rows.max(initial=-1)) + 1
    if n <= len(values):
        return values
    room = np.full((max(n, 2 * len(values)), values.shape[1]), np.nan)
    room[: len(values)] = values
    return room
