"""A field's fill in one visit in, each neuron's own part of it out; NaN where it says nothing.

A neuron that fades, shrinks away or detaches loses its fill while the others keep theirs: that
is evidence of death. A lamp that ages, a shutter or a lost focus takes it from all at once: that
is none. So what the seen, living neurons of a field have in common is divided out, and where
most of them went unseen together the field is not sound and nothing is said.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from livedeath.detection.record import NeuronRecords
from livedeath.kernels.levels import group_medians
from livedeath.model.flags import Flag
from livedeath.model.measures import Columns, State, below

if TYPE_CHECKING:
    from livedeath.detection.scorer import Scorer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NOT_ITS_OWN = Flag.MERGED | Flag.TOUCHES_BORDER | Flag.UNREGISTERED | Flag.CLIPPED
"""Flags of a fill that may change for other reasons than the neuron's."""

SHARE = 0.1
"""Part of the false deaths allowed that the fill's loss may cost; the indicator has the rest."""

COMPARED = 3
"""Seen, living neurons whose median shows what a field has in common."""

SEEN_TOGETHER = 0.5
"""Where fewer than this part of the other living neurons are seen, the field is not sound."""

FOLLOWS = 0.2
"""Part of the way that a neuron's own level goes towards each new value."""

FADED = 0.4
"""Only below this part of its own highest level has a neuron lost its fill."""

TOGETHER_PART, TOGETHER_PER_DAY = 0.05, 0.3
"""More neurons of a field than one, than this part of them and than so many of them a day, that
lose their fill between one visit and the next, share an accident: a bubble, an edge in the way.
The rate is three times a hazard of 0.1 a day."""


class Levels:
    """Levels of the neurons and gains of the fields, one entry each; index = row and code."""

    def __init__(self) -> None:
        self._level = np.zeros(0)
        self._highest = np.zeros(0)
        self._last = np.zeros(0)
        self._together = np.zeros(0)
        self._gain = np.zeros(0)
        self._plate = np.zeros(0)
        self._hour = np.zeros(0)
        self._compared = np.zeros(0)

    _of_neurons = ("level", "highest", "last", "together")
    _of_fields = ("gain", "plate", "hour", "compared")

    def push(
        self, rows: Ints, fields: Ints, fill: Floats, seen: Bools, living: Bools, *, time_h: float
    ) -> Floats:
        """Take the fill of one visit.

        Parameters
        ----------
        rows, fields : (n,) int64
            Numbers of the neurons and of their fields.
        fill : (n,) float64
            NaN where it was not measured.
        seen, living : (n,) bool
            Whose soma was found; who is at risk and not called.
        time_h : float
            Hour of the visit.

        Returns
        -------
        (n,) float64
            The fill in the field's usual light; NaN where the field is not sound.
        """
        self._level, self._last = (_grown(x, rows, np.nan) for x in (self._level, self._last))
        self._highest = _grown(self._highest, rows, -np.inf)
        self._together = _grown(self._together, rows, 0.0)
        self._gain, self._plate = (_grown(x, fields, 1.0) for x in (self._gain, self._plate))
        self._hour = _grown(self._hour, fields, np.nan)
        self._compared = _grown(self._compared, fields, 0.0)
        known = living & np.isfinite(self._level[rows])
        sound = self._sound(fields, known, seen)
        own = fill / self._follow_light(rows, fields, fill, known & seen & (fill > 0))
        self._note_accidents(rows, fields, own, known, time_h)
        kept = living & seen & (own > 0)
        start = np.where(np.isfinite(self._level[rows]), self._level[rows], own)
        self._level[rows[kept]] = (start + FOLLOWS * (own - start))[kept]
        self._highest[rows[kept]] = np.maximum(self._highest[rows[kept]], self._level[rows[kept]])
        self._hour[fields] = time_h
        return np.where(sound & (self._together[rows] == 0), own, np.nan)

    def _count(self, fields: Ints, of: Bools) -> Ints:
        """Return how many of some neurons each field has."""
        return np.bincount(fields[of], minlength=self._gain.size)

    def _sound(self, fields: Ints, known: Bools, seen: Bools) -> Bools:
        """Tell for whom enough others of the field are seen: nobody vouches for itself."""
        others = self._count(fields, known)[fields] - known
        there = self._count(fields, known & seen)[fields] - (known & seen)
        return np.asarray((others > 0) & (there >= SEEN_TOGETHER * others))

    def _follow_light(self, rows: Ints, fields: Ints, fill: Floats, part: Bools) -> Floats:
        """Return each neuron's light in the field's first light; of a few neurons, the plate's.

        Of what fields with a few neurons show, only what those with many did since is taken.
        """
        many = self._compared > 0
        plate = float(np.median(self._gain[many])) if many.any() else 1.0
        enough = self._count(fields, part) >= COMPARED
        ratio = group_medians(fill / self._level[rows], part, fields, self._gain.size)
        watched = np.isfinite(self._hour)
        since = np.where(watched, plate / self._plate, 1.0)
        here = np.bincount(fields, minlength=self._gain.size) > 0
        self._gain = np.where(here, np.where(enough, ratio, self._gain * since), self._gain)
        self._compared = np.where(here, enough, self._compared)
        self._plate = np.where(here, plate, self._plate)
        return self._gain[fields]

    def _note_accidents(
        self, rows: Ints, fields: Ints, own: Floats, known: Bools, time_h: float
    ) -> None:
        """Remember who lost the fill at one stroke with others, until it is there again."""
        before = self._last[rows]
        stroke = known & (own < FADED * before)
        back = own >= FADED * self._highest[rows]
        days = np.nan_to_num((time_h - self._hour) / 24.0)
        most = self._count(fields, known) * np.maximum(TOGETHER_PART, TOGETHER_PER_DAY * days)
        many = self._count(fields, stroke) > np.maximum(1.0, most)
        self._together[rows[stroke & many[fields]]] = 1.0
        self._together[rows[back]] = 0.0
        self._last[rows] = np.where(np.isfinite(own), own, before)

    def faded(self, rows: Ints, own: Floats) -> Bools:
        """Tell whose part of the fill, from `push`, is lost; a dimmer visit is no death."""
        return np.asarray(own < FADED * self._highest[rows])

    def state(self) -> dict[str, Floats]:
        """Return everything that the next visit depends on."""
        names = (*self._of_neurons, *self._of_fields)
        return {name: getattr(self, f"_{name}").copy() for name in names}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned."""
        for name in (*self._of_neurons, *self._of_fields):
            setattr(self, f"_{name}", np.array(state[name], np.float64))


class FillLoss:
    """The fill's loss as further evidence of a neuron's death, beside its indicator.

    Parameters
    ----------
    make : callable
        Makes a detector of the loss of fill that has seen nothing; it weighs evidence and
        its own calls are not used.

    Notes
    -----
    Nothing is weighed, and nothing costs, until a fill is given.
    """

    def __init__(self, make: "Callable[[], Scorer]") -> None:
        self._make = make
        self._levels = Levels()
        self._detector: Scorer | None = None

    def push(
        self,
        records: NeuronRecords,
        rows: Ints,
        fill: Floats | None,
        fill_sd: Floats,
        *,
        time_h: float,
        seen: Bools,
        watched: Bools,
        bits: NDArray[np.uint32],
        intervened: Bools,
    ) -> Bools:
        """Weigh the fill of one visit and note it in ``records.fading``.

        Parameters
        ----------
        records : NeuronRecords
            Of the detector that calls.
        rows : (n,) int64
            The visit's neurons in it.
        fill, fill_sd : (n,) float64
            As measured; None where there is no fill, or nobody says who was seen.
        time_h : float
            Hour of the visit.
        seen, watched : (n,) bool
            Whose soma was found; who lives and whose values count.
        bits : (n,) uint32
            Flags of the rows.
        intervened : (n,) bool
            As in `Scorer.push`.

        Returns
        -------
        (n,) bool
            Of whom the fill is lost at this visit.
        """
        if fill is None:
            return np.zeros(rows.size, np.bool_)
        own = self._levels.push(rows, records.field[rows], fill, seen, watched, time_h=time_h)
        with np.errstate(invalid="ignore", divide="ignore"):
            own_sd = fill_sd * (own / fill)
        own[~watched | ((bits & np.uint32(NOT_ITS_OWN)) > 0)] = np.nan
        if self._detector is None:
            self._detector = self._make()
            self._detector.silent = True
        field = records.field[rows]
        names = np.arange(field.max(initial=0) + 1).astype(str)[field]
        ids = records.neuron_id[rows]
        self._detector.push(
            time_h, ids, own, own_sd,
            well=names, field=names, intervened=intervened, seen=seen, flags=bits,
        )  # fmt: skip
        now = np.isfinite(own)
        faded = now & self._levels.faded(rows, own)
        evidence = self._detector.evidence_of(ids)
        evidence = np.where(faded, evidence, np.minimum(evidence, 0.0))
        records.fading[rows[now]] = evidence[now]
        return faded

    def joint(self, records: NeuronRecords, rows: Ints) -> Floats:
        """Return the ln of the statistic of death of some neurons, of indicator and fill.

        Both are Shiryaev-Roberts statistics: over a living neuron each grows by the time
        watched, and so does their mean, whatever they have to do with one another.
        """
        indicator, fill = records.statistic[rows], records.fading[rows]
        if self._detector is None:
            return indicator
        return np.asarray(np.logaddexp(indicator + np.log1p(-SHARE), fill + np.log(SHARE)))

    def stop(self, neuron_id: Ints) -> None:
        """Watch the fill of neurons no longer that were called."""
        if self._detector is not None:
            self._detector.stop(neuron_id)

    def redate(self, dates: Floats, traces: Columns, records: NeuronRecords, dead: Bools) -> Floats:
        """Return dates in which those of deaths that the fill shows better are the fill's.

        Parameters
        ----------
        dates : (n, k) float64
            Onset, its interval, the visits around it and what came of the call, from the indicator.
        traces : dict of (m,) arrays
            All rows, with ``reference``.
        records : NeuronRecords
            Of the n neurons.
        dead : (n,) bool
            Who was called.
        """
        if self._detector is None or "reference" not in traces:
            return dates
        shown = records.fading + np.log(SHARE) > records.statistic + np.log1p(-SHARE)
        kept = ("neuron_id", "time_h", "flags")
        own: Columns = {name: traces[name] for name in kept if name in traces}
        own["signal"] = traces["reference"]
        if "reference_sd" in traces:
            own["signal_sd"] = traces["reference_sd"]
        found = self._detector.dates_of(own, records, dead & shown)
        return np.where((dead & shown)[:, np.newaxis], found, dates)

    def state(self) -> State:
        """Return everything that the next visit depends on."""
        state: State = {f"levels.{k}": v for k, v in self._levels.state().items()}
        if self._detector is not None:
            state |= {f"detector.{k}": v for k, v in self._detector.state().items()}
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned."""
        self._levels.restore(below(state, "levels."))
        self._detector = None
        own = below(state, "detector.")
        if own:
            self._detector = self._make()
            self._detector.silent = True
            self._detector.restore(own)


def _grown(values: Floats, at: Ints, start: float) -> Floats:
    more = int(at.max(initial=-1)) + 1 - values.size
    return np.concatenate([values, np.full(max(more, 0), start)])
