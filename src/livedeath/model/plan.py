"""From a declared study to its plan: every frame with its place and hour.

When what is visited follows from `livedeath.model.rounds`; here it is written out.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from livedeath.model.frame import FieldKey, FrameKey
from livedeath.model.optics import Channel
from livedeath.model.rounds import Stretch, channels_in, overlay, round_hours, stretches
from livedeath.model.study import Study


class PlannedVisit(NamedTuple):
    """One time the camera is to look at a field.

    ``x_um``, ``y_um`` and ``z_um`` (one per plane) are in the vessel's frame.
    """

    field: FieldKey
    t: int
    planned_h: float
    session: str
    x_um: float
    y_um: float
    z_um: tuple[float, ...]
    channels: tuple[str, ...]

    def frames(self) -> Iterator[FrameKey]:
        """Iterate over the visit's frames: plane by plane, channel by channel."""
        for z in range(len(self.z_um)):
            for channel in self.channels:
                yield FrameKey(*self.field, self.t, channel, z)


@dataclass(frozen=True)
class Plan:
    """All visits of a study in the order in which they are made."""

    visits: tuple[PlannedVisit, ...]

    @cached_property
    def fields(self) -> tuple[FieldKey, ...]:
        """Every field once, in the order of its first visit."""
        return tuple(dict.fromkeys(visit.field for visit in self.visits))

    @cached_property
    def _counts(self) -> Counter[FieldKey]:
        return Counter(visit.field for visit in self.visits)

    @cached_property
    def n_frames(self) -> int:
        """Number of planned frames."""
        return sum(len(visit.z_um) * len(visit.channels) for visit in self.visits)

    def n_visits(self, field: FieldKey) -> int:
        """Return how often a field is visited."""
        return self._counts[field]

    def frames(self) -> Iterator[FrameKey]:
        """Iterate over every planned frame, in the order of acquisition."""
        for visit in self.visits:
            yield from visit.frames()


def plan(study: Study) -> Plan:
    """Return the plan of a study.

    Visits are ordered by round, then vessel, well and field: the order of the stage.
    Channels with a cadence or with wells of their own appear only where they are due.

    Notes
    -----
    Cost is linear in visits, about a microsecond each; how many there are is known before,
    from `livedeath.model.rounds.n_visits`, and bounded when a study is declared.
    """
    hours = round_hours(study)
    counts: dict[FieldKey, int] = {}
    visits: list[PlannedVisit] = []
    for start, stop, under_way in overlay(stretches(study)):
        sites = [site for stretch in under_way for site in _sites(study, stretch)]
        for k in range(start, stop):
            hour = hours[k]
            for field, session, (y, x), planes, channels, steady in sites:
                t = counts.get(field, 0)
                counts[field] = t + 1
                due = steady or tuple(c.name for c in channels if t % c.every == 0)
                visits.append(PlannedVisit(field, t, hour, session, x, y, planes, due))
    return Plan(tuple(visits))


class _Site(NamedTuple):
    """A field of a stretch; ``steady`` names its channels if they are due at every visit."""

    field: FieldKey
    session: str
    centre_um: tuple[float, float]
    planes_um: tuple[float, ...]
    channels: tuple[Channel, ...]
    steady: tuple[str, ...]


def _sites(study: Study, stretch: Stretch) -> list[_Site]:
    vessel = study.vessel(stretch.vessel)
    step_um = study.optics.of(stretch.acquisition).frame_um
    found = []
    for well in stretch.wells:
        channels = channels_in(study, vessel, well)
        steady = () if any(c.every > 1 for c in channels) else tuple(c.name for c in channels)
        for index, (y, x, z) in enumerate(vessel.field_centres_um(well, step_um)):
            field = FieldKey(stretch.vessel, stretch.acquisition, well, index)
            planes = tuple(z + offset for offset in study.focus.planes_um)
            found.append(_Site(field, stretch.session, (y, x), planes, channels, steady))
    return found
