"""Neurons of single fields go in; their ids in the study come out, one for each neuron.

Fields of a well overlap, and a neuron in the overlap is seen in two of them. It has one id, and
one of them counts: the one that sees it farther from its border. Only what was seen so far and
where fields are planned is looked at, so a neuron that a neighbour will see better waits for the
neighbour's first visit, one round at most. Ids are given in the order of the visits.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.kernels.assign import assign
from livedeath.kernels.near import near_pairs
from livedeath.model.flags import Flag
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.measures import FieldVisit, State
from livedeath.model.study import Study

SAME_PLACE_UM = 8.0
"""Two fields show the same neuron if they show one within this: half a soma, or four times the
error with which a stage comes back (2 um)."""

SAME_STAGE_UM = 1.0
"""Fields whose stage stood at one place have no known place."""

WAITS, COUNTS, ELSEWHERE = 0, 1, 2
"""Whether a field waits for a neighbour that sees a neuron better, reports it, or leaves it to
another."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Named(NamedTuple):
    """Ids of a field's neurons: (N + 1,) by local number + 1, 0 for none; and which rows count."""

    ids: Ints
    counts: NDArray[np.bool_]


@dataclasses.dataclass
class _Members:
    """Neurons of one field, by local number."""

    stage: tuple[float, float]
    ids: Ints = dataclasses.field(default_factory=lambda: np.empty(0, np.int64))
    role: Ints = dataclasses.field(default_factory=lambda: np.empty(0, np.int64))
    places: Floats = dataclasses.field(default_factory=lambda: np.empty((0, 2)))
    ended: NDArray[np.bool_] = dataclasses.field(default_factory=lambda: np.empty(0, np.bool_))

    def grow(self, n: int) -> None:
        """Make room for n neurons; the new ones have no id yet."""
        more = n - self.ids.size
        self.ids = np.concatenate([self.ids, np.zeros(more, np.int64)])
        self.role = np.concatenate([self.role, np.full(more, COUNTS)])
        self.places = np.concatenate([self.places, np.full((more, 2), np.nan)])
        self.ended = np.concatenate([self.ended, np.zeros(more, np.bool_)])


class Identities:
    """Gives ids to the neurons of all fields.

    Parameters
    ----------
    study : Study
        Where its fields are planned.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._fields: dict[FieldKey, _Members] = {}
        self._next_id = 1

    def push(self, visit: Visit, told: FieldVisit) -> Named:
        """Take what a field showed, in the order of the visits.

        Parameters
        ----------
        visit : Visit
            Which visit it was.
        told : FieldVisit
            Its rows, neurons by local number + 1.

        Returns
        -------
        Named
            Ids, and which of the rows count.
        """
        key, numbers = visit.field, told.traces["neuron_id"] - 1
        mine = self._fields.setdefault(key, _Members((visit.y_um, visit.x_um)))
        mine.role[mine.role == WAITS] = COUNTS
        known = mine.ids.size
        mine.grow(max(known, int(numbers.max(initial=-1)) + 1))
        mine.places[numbers, 0] = told.traces["y_um"]
        mine.places[numbers, 1] = told.traces["x_um"]
        mine.ended[numbers] |= (told.traces["flags"] & np.uint32(Flag.DIVIDED)) > 0
        new = np.arange(known, mine.ids.size)
        if new.size:
            self._join(key, mine, new)
            unnamed = new[mine.ids[new] == 0]
            mine.ids[unnamed] = self._next_id + np.arange(unnamed.size)
            self._next_id += unnamed.size
            depth = np.full(mine.ids.size, np.inf)
            depth[numbers] = told.depth_um
            better = self._better_elsewhere(key, mine, unnamed, depth[unnamed])
            mine.role[unnamed[better]] = WAITS
        return Named(np.concatenate([[0], mine.ids]), mine.role[numbers] == COUNTS)

    def state(self) -> State:
        """Return everything that the next visit depends on."""
        state: State = {"next_id": self._next_id, "fields": json.dumps([*map(list, self._fields)])}
        for k, one in enumerate(self._fields.values()):
            state |= {f"{k}/{f.name}": np.array(getattr(one, f.name)) for f in _PARTS}
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._next_id = int(state["next_id"])
        self._fields = {}
        for k, names in enumerate(json.loads(str(state["fields"]))):
            parts = {f.name: np.array(state[f"{k}/{f.name}"]) for f in _PARTS}
            y, x = parts.pop("stage").tolist()
            self._fields[FieldKey(*names)] = _Members((y, x), **parts)

    def _others(self, key: FieldKey, mine: _Members) -> list[_Members]:
        """Return the other fields of a well that stand at a place of their own."""
        return [
            other
            for name, other in self._fields.items()
            if name[:3] == key[:3]
            and name != key
            and np.hypot(*np.subtract(other.stage, mine.stage)) > SAME_STAGE_UM
        ]

    def _join(self, key: FieldKey, mine: _Members, new: Ints) -> None:
        """Give new neurons the ids of those that other fields show at their places."""
        pool = [
            (other, k)
            for other in self._others(key, mine)
            for k in np.flatnonzero(~other.ended & ~np.isin(other.ids, mine.ids)).tolist()
        ]
        if not pool:
            return
        places = np.array([other.places[k] for other, k in pool])
        reach = np.full(new.size, SAME_PLACE_UM)
        first, second, squares = near_pairs(mine.places[new], places, reach)
        names = np.array([other.ids[k] for other, k in pool])
        distinct, name = np.unique(names[second], return_inverse=True)
        sizes = (new.size, distinct.size)
        # A neuron that two other fields show stands once for each; the nearest pair is enough.
        order = np.lexsort((squares, name, first))
        first, name, squares = first[order], name[order], squares[order]
        once = np.ones(first.size, np.bool_)
        once[1:] = (first[1:] != first[:-1]) | (name[1:] != name[:-1])
        first, name, squares = first[once], name[once], squares[once]
        links = assign(first, name, squares / SAME_PLACE_UM**2, sizes, 1.2, 0.25)
        for k in np.flatnonzero(links >= 0).tolist():
            own = distinct[links[k]]
            waiting = [o for o in self._others(key, mine) if (o.role[o.ids == own] == WAITS).any()]
            mine.ids[new[k]], mine.role[new[k]] = own, COUNTS if waiting else ELSEWHERE
            for other in waiting:
                other.role[other.ids == own] = ELSEWHERE

    def _better_elsewhere(
        self, key: FieldKey, mine: _Members, new: Ints, depth_um: Floats
    ) -> NDArray[np.bool_]:
        """Tell which new neurons a field that was not visited yet will see better."""
        better = np.zeros(new.size, np.bool_)
        optics, vessel = self._study.optics.of(key.acquisition), self._study.vessel(key.vessel)
        if vessel.n_fields(key.well) < 2 or not new.size:
            return better
        size = np.array(optics.frame_um)
        centres = np.array(vessel.field_centres_um(key.well, optics.frame_um))
        if key.field >= len(centres):
            return better
        away = mine.places[new] - mine.stage + centres[key.field, :2]
        for field in range(len(centres)):
            other = key._replace(field=field)
            if field == key.field or other in self._fields:
                continue
            there = (size / 2.0 - np.abs(away - centres[field, :2])).min(axis=1)
            better |= there > depth_um
        return better


_PARTS = dataclasses.fields(_Members)
