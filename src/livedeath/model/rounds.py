"""When which fields are visited, as stretches of rounds; nothing here counts visit by visit.

A declaration goes in; stretches come out: runs of rounds in which a vessel's same wells are
visited with the same optics. Plan and cost are worked out from them, so that a schedule of
millions of visits is known for what it is before one of them is made.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from livedeath.model.declaration import Declaration, concerns
from livedeath.model.optics import Channel
from livedeath.model.vessels import Vessel


class Stretch(NamedTuple):
    """Rounds ``start`` to ``stop`` (exclusive) in which the same is visited in a vessel.

    ``rounds`` are indices into `round_hours`.
    """

    vessel: str
    session: str
    acquisition: int
    start: int
    stop: int
    wells: tuple[str, ...]

    @property
    def n_rounds(self) -> int:
        """How many rounds."""
        return self.stop - self.start


class Stay(NamedTuple):
    """Rounds ``start`` to ``stop`` (exclusive) that a vessel is on the stage for."""

    session: str
    start: int
    stop: int


def round_hours(study: Declaration) -> Sequence[float]:
    """Return the hours of all rounds, increasing; in mode ``session`` those of loading."""
    if study.schedule.mode == "session":
        return sorted({session.loaded_h for session in study.sessions})
    return study.schedule.hours()


def end_h(study: Declaration) -> float:
    """Return the hour at which a study ends: its duration, last hour or last removal."""
    schedule = study.schedule
    if schedule.mode == "session":
        ends = [max(s.loaded_h, s.removed_h or 0.0) for s in study.sessions]
        return max(ends, default=0.0)
    return schedule.duration_h if schedule.duration_h is not None else schedule.times_h[-1]


def stays(study: Declaration, vessel_id: str, hours: Sequence[float]) -> list[Stay]:
    """Return when a vessel is on the stage, in rounds.

    Parameters
    ----------
    study : Declaration
        A vessel without sessions is always there. A session without ``removed_h`` lasts until
        the vessel's next one.
    vessel_id : str
        Which vessel.
    hours : sequence of float
        `round_hours` of the study.
    """
    own = sorted((s for s in study.sessions if s.vessel == vessel_id), key=lambda s: s.loaded_h)
    if study.schedule.mode == "session":
        at = [bisect_left(hours, session.loaded_h) for session in own]
        return [Stay(session.id, k, k + 1) for session, k in zip(own, at, strict=True)]
    if not own:
        return [Stay("", 0, len(hours))]
    found = []
    for session, after in zip(own, [*own[1:], None], strict=True):
        until = session.removed_h
        if until is None and after is not None:
            until = after.loaded_h
        stop = len(hours) if until is None else bisect_left(hours, until)
        found.append(Stay(session.id, bisect_left(hours, session.loaded_h), stop))
    return [stay for stay in found if stay.stop > stay.start]


def stretches(study: Declaration) -> list[Stretch]:
    """Return what is visited, by vessel and then by time; costs nothing per round."""
    hours = round_hours(study)
    found = []
    for vessel in study.vessels:
        windows = _Windows(study, vessel, hours)
        for stay in stays(study, vessel.id, hours):
            for start, stop in pairwise(_cuts(study, stay, windows, hours)):
                wells = windows.open_at(start)
                if wells:
                    acquisition = study.optics.acquisition_at(hours[start])
                    found.append(Stretch(vessel.id, stay.session, acquisition, start, stop, wells))
    return found


def _cuts(study: Declaration, stay: Stay, windows: "_Windows", hours: Sequence[float]) -> list[int]:
    """Return the rounds at which what is visited changes, with both ends of the stay."""
    changes = (bisect_left(hours, change.at_h) for change in study.optics.changes)
    inner = {k for k in (*changes, *windows.cuts()) if stay.start < k < stay.stop}
    return [stay.start, *sorted(inner), stay.stop]


class _Windows:
    """In which rounds each well of a vessel is visited; a well without a window always is."""

    def __init__(self, study: Declaration, vessel: Vessel, hours: Sequence[float]) -> None:
        self._wells = study.wells(vessel.id)
        self._ranges: dict[str, list[tuple[int, int]]] = {}
        for window in study.schedule.windows:
            if concerns(window.vessel, vessel.id):
                stop = len(hours) if window.to_h is None else bisect_right(hours, window.to_h)
                for well in vessel.expand(window.wells):
                    ranges = self._ranges.setdefault(well, [])
                    ranges.append((bisect_left(hours, window.from_h), stop))

    def cuts(self) -> Iterator[int]:
        """Yield the rounds at which a window opens or closes."""
        for well in self._wells:
            for bounds in self._ranges.get(well, ()):
                yield from bounds

    def open_at(self, k: int) -> tuple[str, ...]:
        """Return the wells that are visited in a round."""
        return tuple(
            well
            for well in self._wells
            if well not in self._ranges
            or any(start <= k < stop for start, stop in self._ranges[well])
        )


def n_visits(study: Declaration) -> int:
    """Return how many visits a study has, without making one of them."""
    total = 0
    for stretch in stretches(study):
        vessel = study.vessel(stretch.vessel)
        total += stretch.n_rounds * sum(vessel.n_fields(well) for well in stretch.wells)
    return total


def overlay(found: list[Stretch]) -> Iterator[tuple[int, int, list[Stretch]]]:
    """Yield runs of rounds in which all vessels' stretches stay the same, in time order.

    Yields
    ------
    start, stop : int
        Rounds; ``stop`` is exclusive.
    under_way : list of Stretch
        What is visited in each of them, in the order given; never empty.
    """
    cuts = sorted({k for stretch in found for k in (stretch.start, stretch.stop)})
    for start, stop in pairwise(cuts):
        under_way = [one for one in found if one.start <= start and stop <= one.stop]
        if under_way:
            yield start, stop, under_way


def channels_in(study: Declaration, vessel: Vessel, well: str) -> tuple[Channel, ...]:
    """Return the channels that are taken in a well, whatever their cadence."""
    return tuple(c for c in study.channels if not c.wells or well in vessel.has(c.wells))
