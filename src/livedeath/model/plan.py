"""From a declared study to its plan: every frame with its place and hour."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from livedeath.model.frame import FieldKey, FrameKey
from livedeath.model.optics import Channel
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
    """
    counts: Counter[FieldKey] = Counter()
    visits = []
    for hour, vessel_id, session in _rounds(study):
        for field, (y, x, z) in _fields(study, vessel_id, hour):
            t = counts[field]
            planes = tuple(z + offset for offset in study.focus.planes_um)
            channels = tuple(c.name for c in study.channels if _is_due(study, c, field=field, t=t))
            visits.append(PlannedVisit(field, t, hour, session, x, y, planes, channels))
            counts[field] += 1
    return Plan(tuple(visits))


def _rounds(study: Study) -> Iterator[tuple[float, str, str]]:
    """Yield (hour, vessel, session) of every round, in time order."""
    if study.schedule.mode == "session":
        for session in sorted(study.sessions, key=lambda s: s.loaded_h):
            yield session.loaded_h, session.vessel, session.id
        return
    for hour in study.schedule.hours():
        for vessel in study.vessels:
            loaded = _session_at(study, vessel.id, hour)
            if loaded is not None:
                yield hour, vessel.id, loaded


def _session_at(study: Study, vessel_id: str, hour: float) -> str | None:
    """Return the session a vessel is on the stage for; None while it is away."""
    own = [s for s in study.sessions if s.vessel == vessel_id]
    if not own:
        return ""
    for session in own:
        if session.loaded_h <= hour and (session.removed_h is None or hour < session.removed_h):
            return session.id
    return None


def _fields(
    study: Study, vessel_id: str, hour: float
) -> Iterator[tuple[FieldKey, tuple[float, ...]]]:
    vessel = study.vessel(vessel_id)
    acquisition = study.optics.acquisition_at(hour)
    step_um = study.optics.of(acquisition).frame_um
    for well in study.wells(vessel_id):
        if _is_open(study, vessel_id, well, hour=hour):
            for index, centre in enumerate(vessel.field_centres_um(well, step_um)):
                yield FieldKey(vessel_id, acquisition, well, index), centre


def _is_open(study: Study, vessel_id: str, well: str, *, hour: float) -> bool:
    """Say whether a well's window holds the hour; a well without windows is always open."""
    vessel = study.vessel(vessel_id)
    own = [
        w
        for w in study.schedule.windows
        if w.vessel in (None, vessel_id) and well in vessel.expand(w.wells)
    ]
    return not own or any(w.from_h <= hour and (w.to_h is None or hour <= w.to_h) for w in own)


def _is_due(study: Study, channel: Channel, *, field: FieldKey, t: int) -> bool:
    wells = study.vessel(field.vessel).expand(channel.wells)
    return t % channel.every == 0 and (not wells or field.well in wells)
