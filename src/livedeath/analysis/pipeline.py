"""Visits of all fields go in; neurons, their traces and calls of death come out.

Each visit goes through the stages of its field (`livedeath.analysis.field`), then it is said who
is at risk (`livedeath.analysis.risk`), then it goes to the scorer; both see the neurons of all
fields. Fields may be looked at in parallel (`Pipeline.see`); who is who across fields
(`livedeath.analysis.overlap`) and all calls follow in the order of the visits
(`Pipeline.take`). A change of optics starts new fields, new neurons and a new scorer. What comes
out depends only on what was pushed and in which order: streaming equals batch, and a restart from
`state` equals none.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.analysis import diameter, overlap, risk, trace
from livedeath.analysis.field import ALL, FieldPipeline
from livedeath.analysis.first_look import Estimate, FirstLook
from livedeath.detection import Scorer, Scorers
from livedeath.errors import FrameError
from livedeath.model.biology import Population
from livedeath.model.flags import Flag
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.measures import Columns, FieldVisit, State, VisitResult, below
from livedeath.model.priors import Priors
from livedeath.model.study import Study
from livedeath.model.tables import FURTHER, MEASURED, TRACES, trace_columns

PART_OF_IT = Flag.MERGED | Flag.TOUCHES_BORDER | Flag.OUTSIDE_COMMON_AREA | Flag.CLIPPED
"""Flags of a soma whose size and light are not those of the whole soma alone."""

MARKED = 5.0
"""A marker counts as positive above this many standard deviations."""


class FieldSeen(NamedTuple):
    """What a visit says of its field alone; see `Pipeline.see`.

    Attributes
    ----------
    told : FieldVisit
        Who was seen in the field, and their traces.
    soma_um : float
        Diameter of a typical soma that the field works with.
    first : bool
        Whether the field had shown no neurons before.
    trusted : bool
        Whether the outlines were made elsewhere.
    """

    told: FieldVisit
    soma_um: float
    first: bool
    trusted: bool


class Pipeline:
    """Everything that happens to a study's visits, field by field, and the calls.

    Parameters
    ----------
    study : Study
        Channels, optics and settings.
    make_scorer : callable, optional
        Makes what calls deaths, once per acquisition; default: for the study's settings and
        endpoint.
    flats : dict of str to (Y, X) float32, optional
        Measured flat field of each channel.
    priors : Priors, optional
        What another study learnt; without ``make_scorer``.
    estimate : callable, optional
        Says how wide somata are in a frame; None to trust what is told or usual.
    """

    def __init__(
        self,
        study: Study,
        *,
        make_scorer: Callable[[], Scorer] | None = None,
        flats: Mapping[str, NDArray[np.float32]] | None = None,
        priors: Priors | None = None,
        estimate: Estimate | None = diameter.size,
    ) -> None:
        self.study = study
        self._roles = {"signal": study.sensed.name}
        if study.reference is not None:
            self._roles["reference"] = study.reference.name
        self._shown_by = (study.fill or study.sensed).name
        self._further = {name: channel.name for name, channel in study.further.items()}
        endpoints = {name: FURTHER[name] for name in self._further}
        default = partial(Scorer, study.analysis, study.endpoint, priors, endpoints)
        self._scorers = Scorers(make_scorer or default)
        self._flats = dict(flats or {})
        measured = tuple(dict.fromkeys([self._shown_by, *self._roles.values()]))
        self._first = FirstLook(
            study, shown_by=self._shown_by, measured=measured, estimate=estimate
        )
        self._fields: dict[FieldKey, FieldPipeline] = {}
        self._risks: dict[int, risk.AtRisk] = {}
        self._populations: dict[int, str] = {}
        self._identities = overlap.Identities(study)
        self.bad_frames: dict[str, int] = {}
        """Frames judged bad, by reason."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The study's channels in the order of the trace table."""
        return tuple(channel.name for channel in self.study.channels)

    def push(self, visit: Visit, labels: NDArray[Any] | None = None) -> VisitResult:
        """Take the next visit of any field.

        Parameters
        ----------
        visit : Visit
            Its images; visits of one field in time order.
        labels : (Y, X) integer, optional
            Outlines made elsewhere.

        Returns
        -------
        VisitResult
            Labels, traces and the neurons called dead now.

        Raises
        ------
        FrameError
            If an image does not fit; nothing has changed then.
        """
        begun = visit.field in self._fields
        known = begun and self._fields[visit.field].n_neurons > 0
        before = None if known else self._first.state()
        self.begin(visit.field)
        try:
            seen = self.see(visit, labels)
        except FrameError:
            if before is not None:
                self._first.restore(before)
            if not begun:
                del self._fields[visit.field]
            raise
        return self.take(visit, seen)

    def begin(self, field: FieldKey) -> None:
        """Make room for a field, before its first visit is seen."""
        if field not in self._fields:
            self._fields[field] = self._begin(field)
            self._first.begin(field)

    def see(
        self,
        visit: Visit,
        labels: NDArray[Any] | None = None,
        *,
        turn: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> FieldSeen:
        """Do all of a visit that its field alone decides: everything up to the light of neurons.

        Visits of different fields may be seen at the same time in several threads, those of
        one field one after the other; the field has begun.

        Parameters
        ----------
        visit, labels
            As in `push`.
        turn : callable
            Returns a context that begins once all earlier visits have had theirs. A field
            without neurons needs one: how wide a soma is they decide together, in the order of
            the visits.

        Returns
        -------
        FieldSeen
            To be handed to `take`, in the order of the visits.

        Raises
        ------
        FrameError
            If an image does not fit.
        """
        field = self._fields[visit.field]
        trusted = labels is not None
        if field.n_neurons:
            return FieldSeen(field.push(visit, labels), field.soma_um, False, trusted)
        looked = self._first.look(visit, labels, self._flats.get(self._shown_by))
        with turn():
            soma_um = self._first.take(visit.field, looked)
        if soma_um != field.soma_um:
            field.resize(soma_um)
        return FieldSeen(field.push(visit, labels), soma_um, True, trusted)

    def take(self, visit: Visit, seen: FieldSeen) -> VisitResult:
        """Do what is left of a visit, which all neurons of the study decide together.

        Parameters
        ----------
        visit : Visit
            Its images are not looked at any more.
        seen : FieldSeen
            What `see` returned for it; visits in their order.
        """
        named = self._identities.push(visit, seen.told)
        traces = seen.told.traces
        for name in ("neuron_id", "parent_id"):
            traces[name] = named.ids[traces[name]]
        order = np.argsort(traces["neuron_id"], kind="stable")
        order = order[named.counts[order]]
        traces = {name: column[order] for name, column in traces.items()}
        if seen.first:
            self._first.count_border(visit.field, seen.told.at_border)
        self._risk_of(visit.field.acquisition, seen.soma_um)
        self._say_who_is_at_risk(visit, traces, first=seen.first, trusted=seen.trusted)
        self._name_populations(traces)
        for reason in seen.told.bad_frames.values():
            self.bad_frames[reason] = self.bad_frames.get(reason, 0) + 1
        called = self._score(visit, traces)
        told = seen.told
        ids = named.ids.astype(np.int32)[told.outlines.ids]
        outlines = dataclasses.replace(told.outlines, ids=ids)
        return VisitResult(outlines, traces, called, told.bad_frames, told.at_border, told.cut_off)

    @property
    def noted(self) -> dict[str, Any]:
        """What a run says of itself, as JSON values: scale, border, warnings."""
        return {
            "scales": self._first.scales,
            "at_border": self._first.at_border,
            "warnings": self._first.warnings,
        }

    def calls(self, traces: Columns, *, final: bool = True) -> Columns:
        """Return the calls table of a study's traces.

        Parameters
        ----------
        traces : dict of str to array
            All rows that `push` returned, joined.
        final : bool
            Whether all deaths are dated anew; else only those of neurons with new rows are.

        Returns
        -------
        dict of str to array
            Columns of `livedeath.model.tables.CALLS`.
        """
        return self._scorers.calls(traces | self._scored(traces), final=final)

    def state(self) -> State:
        """Return everything that the next visit depends on, as arrays, scalars and text."""
        state: State = {f"who/{name}": v for name, v in self._identities.state().items()}
        state["fields"] = json.dumps([list(key) for key in self._fields])
        state["populations"] = json.dumps(list(self._populations.items()))
        state["bad_frames"] = json.dumps(self.bad_frames)
        for number, field in enumerate(self._fields.values()):
            state |= {f"field{number}/{name}": value for name, value in field.state().items()}
        state |= {f"first/{name}": value for name, value in self._first.state().items()}
        state["risks"] = json.dumps(list(self._risks))
        for acquisition, one in self._risks.items():
            state |= {f"risk{acquisition}/{name}": v for name, v in one.state().items()}
        return state | {f"scorer/{name}": v for name, v in self._scorers.state().items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, exactly."""
        self._identities.restore(below(state, "who/"))
        self._populations = {int(k): str(v) for k, v in json.loads(str(state["populations"]))}
        self.bad_frames = json.loads(str(state["bad_frames"]))
        self._first.restore(below(state, "first/"))
        self._fields = {}
        for number, names in enumerate(json.loads(str(state["fields"]))):
            key = FieldKey(*names)
            self._fields[key] = self._begin(key)
            self._fields[key].restore(below(state, f"field{number}/"))
        self._risks = {}
        for acquisition in json.loads(str(state["risks"])):
            soma_um = self._first.soma_um(acquisition)
            self._risk_of(acquisition, soma_um).restore(below(state, f"risk{acquisition}/"))
        self._scorers.restore(below(state, "scorer/"))

    def _begin(self, key: FieldKey) -> FieldPipeline:
        return FieldPipeline(
            self.study.analysis,
            self.study.optics.of(key.acquisition),
            shown_by=self._shown_by,
            channels=self.channels,
            scored=tuple(self._roles.values()),
            flats=self._flats,
        )

    def _risk_of(self, acquisition: int, soma_um: float) -> risk.AtRisk:
        """Return who is at risk in an acquisition; another objective shows other sizes.

        The soma's diameter is that of the visit with which the acquisition begins.
        """
        if acquisition not in self._risks:
            self._risks[acquisition] = risk.AtRisk(soma_um)
        return self._risks[acquisition]

    def _say_who_is_at_risk(
        self, visit: Visit, traces: Columns, *, first: bool, trusted: bool
    ) -> None:
        """Flag the rows of whoever has still to show that it is a neuron."""
        at_risk, flags = self._risks[visit.field.acquisition], traces["flags"]
        if not trusted and self._shown_by not in visit.images:
            waiting = at_risk.waiting(traces["neuron_id"])
        else:
            waiting = at_risk.push(
                traces["neuron_id"],
                traces["area_um2"],
                traces[self._shown_by],
                first=first,
                whole=(flags & np.uint32(PART_OF_IT)) == 0,
                trusted=trusted,
            )
        flags[waiting] |= np.uint32(Flag.UNPROVEN)

    def _scored(self, traces: Columns) -> dict[str, Any]:
        """Return what is scored of each row: signal, reference where there is one, and its sd."""
        return {
            f"{role}{ending}": traces[f"{channel}{ending}"]
            for role, channel in self._roles.items()
            for ending in MEASURED
        }

    def _score(self, visit: Visit, traces: Columns) -> tuple[int, ...]:
        """Hand one visit's rows to the scorer; join its flags and those of what is too faint."""
        n, scored, flags = traces["neuron_id"].size, self._scored(traces), traces["flags"]
        if n == 0:
            return ()
        scorer = self._scorers.of(visit.field.acquisition)
        called = scorer.push(
            visit.time_h,
            traces["neuron_id"],
            **scored,
            further={
                name: (traces[channel], traces[f"{channel}_sd"])
                for name, channel in self._further.items()
            },
            well=np.full(n, f"{visit.field.vessel}/{visit.field.well}", object),
            field=np.full(n, visit.field.name, object),
            intervened=np.full(n, visit.intervened),
            seen=(flags & np.uint32(Flag.MASK_LOST)) == 0,
            flags=flags,
        )
        flags |= scorer.last_flags
        if self.study.sensed.name in visit.images:
            faint = trace.too_faint(scored["signal"], scored["signal_sd"])
            flags[faint] |= np.uint32(Flag.LOW_LIGHT)
        return tuple(int(neuron) for neuron in called)

    def _name_populations(self, traces: Columns) -> None:
        """Decide once, for each new neuron, which declared population it is of."""
        for row, neuron in enumerate(traces["neuron_id"].tolist()):
            if neuron not in self._populations:
                name = self._population_of(traces, row)
                if name is None:
                    continue
                self._populations[neuron] = name
            traces["population"][row] = self._populations[neuron]

    def _population_of(self, traces: Columns, row: int) -> str | None:
        """Return the first declared population that fits; None while its marker is missing."""
        for population in self.study.populations:
            if population.wells and not self._in_wells(population, traces, row):
                continue
            if population.marker is None:
                return population.name
            light, sd = (float(traces[population.marker + end][row]) for end in ("", "_sd"))
            if not np.isfinite(light):
                return None
            if (light > MARKED * sd) == (population.gate == "positive"):
                return population.name
        return ALL

    def _in_wells(self, population: Population, traces: Columns, row: int) -> bool:
        vessel = self.study.vessel(str(traces["vessel"][row]))
        return str(traces["well"][row]) in vessel.has(population.wells)


def join_traces(blocks: list[Columns], channels: tuple[str, ...]) -> Columns:
    """Join the traces of several visits into one table.

    Parameters
    ----------
    blocks : list of dict of str to array
        From `VisitResult.traces`, in order.
    channels : tuple of str
        The study's channels.

    Returns
    -------
    dict of str to array
        One table; with no blocks all columns are empty.
    """
    dtypes = {column.name: column.dtype for column in TRACES}
    table: Columns = {}
    for name in trace_columns(channels):
        dtype = dtypes.get(name, "float64")
        empty = np.empty(0, object if dtype == "str" else dtype)
        table[name] = np.concatenate([empty, *(block[name] for block in blocks)])
    return table
