"""What was done to wells and when: declared interventions and the journal's log go in.

One answer for all who ask: scoring (was something done to this well between two hours),
review, survival and report (when was it killed, from when on does it not count, when was it
dosed). What was logged counts more than what was planned, and an entry that was retracted
counts no more. It knows only what it was told so far.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any, NamedTuple

from livedeath.model.declaration import Place
from livedeath.model.study import Study

CHANGES = frozenset({"dose", "media", "load", "unload", "kill"})
"""Log entries after which a step common to a well's neurons is expected."""

RETRACT = "retract"
"""What a log entry does that voids an earlier one; it names that one's id in ``voids``."""


class Exclusion(NamedTuple):
    """From which hour on a well does not count, and why."""

    from_h: float
    why: str


class End(NamedTuple):
    """Until when the neurons of a well are watched: hours, and what ended it."""

    at_h: float
    by: str


class Events:
    """What is known to have been done to the wells of a study.

    Parameters
    ----------
    study : Study
        Its planned interventions, kills and exclusions are known from the start.
    entries : iterable of dict
        Entries of the journal; those of another kind than ``log`` are passed over.
    """

    def __init__(self, study: Study, entries: Iterable[Mapping[str, Any]] = ()) -> None:
        self._study = study
        self._log: list[Mapping[str, Any]] = []
        self._begin()
        for entry in entries:
            if entry.get("kind") == "log":
                self.add(entry)

    def _begin(self) -> None:
        """Know no more than what was declared."""
        self._hours: dict[Place, list[float]] = defaultdict(list)
        self._planned_kill: dict[Place, float] = {}
        self._logged_kill: dict[Place, float] = {}
        self._exclusions: dict[Place, Exclusion] = {}
        self._doses: dict[Place, float] = {}
        for place in self._study.places():
            self._declare(place)
        kill = self._study.end_kill
        if kill is not None:
            for place in self._study.places_of(kill.vessel, kill.wells):
                insort(self._hours[place], kill.at_h)
                _keep_first(self._planned_kill, place, kill.at_h)
        for rule in self._study.exclusions:
            for place in self._study.places_of(rule.vessel, rule.wells):
                self._exclude(place, Exclusion(rule.from_h, rule.why))

    def _declare(self, place: Place) -> None:
        for done in self._study.interventions_in(*place):
            start_h = done.start_of(place[1])
            insort(self._hours[place], start_h)
            end_h = done.actual_end_h if done.actual_end_h is not None else done.end_h
            if end_h is not None:
                insort(self._hours[place], end_h)
            if done.kind == "kill":
                _keep_first(self._planned_kill, place, start_h)

    def add(self, entry: Mapping[str, Any]) -> None:
        """Take in an entry of kind ``log``; one that retracts another undoes it."""
        if entry.get("what") == RETRACT:
            self._log = [old for old in self._log if old.get("id") != entry.get("voids")]
            self._begin()
            for old in self._log:
                self._take(old)
        else:
            self._log.append(entry)
            self._take(entry)

    def _take(self, entry: Mapping[str, Any]) -> None:
        what, hour = entry.get("what"), entry.get("at_h")
        if hour is None:
            return
        hour = float(hour)
        vessel, wells = entry.get("vessel") or None, tuple(entry.get("wells") or ())
        for place in self._study.places_of(vessel, wells):
            if what in CHANGES:
                insort(self._hours[place], hour)
            if what == "kill":
                _keep_first(self._logged_kill, place, hour)
            elif what == "exclude":
                self._exclude(place, Exclusion(hour, str(entry.get("why") or "no reason given")))
            elif what == "dose":
                self._doses[place] = hour

    def _exclude(self, place: Place, rule: Exclusion) -> None:
        before = self._exclusions.get(place)
        if before is None or rule.from_h < before.from_h:
            self._exclusions[place] = rule

    @property
    def log(self) -> tuple[Mapping[str, Any], ...]:
        """The log entries that count: those retracted are not among them."""
        return tuple(self._log)

    @property
    def changes_h(self) -> dict[Place, tuple[float, ...]]:
        """The hours at which something was done to each well, in order; see `between`."""
        return {place: tuple(hours) for place, hours in self._hours.items() if hours}

    def between(self, vessel: str, well: str, after_h: float, until_h: float) -> bool:
        """Return whether something was done to a well after one hour and not after another."""
        hours = self._hours.get((vessel, well), [])
        return bisect_right(hours, after_h) < bisect_right(hours, until_h)

    def kill_h(self, vessel: str, well: str) -> float:
        """Return the hour at which a well was killed, logged before planned; else infinite."""
        place = (vessel, well)
        return self._logged_kill.get(place, self._planned_kill.get(place, inf))

    def exclusion(self, vessel: str, well: str) -> Exclusion | None:
        """Return from when on a well does not count, and why; None if it does."""
        return self._exclusions.get((vessel, well))

    @property
    def exclusions(self) -> dict[Place, Exclusion]:
        """Every well that does not count from some hour on."""
        return dict(self._exclusions)

    def excluded(self, vessel: str, well: str, time_h: float) -> str:
        """Return why a well does not count at an hour; empty if it does."""
        rule = self.exclusion(vessel, well)
        return (rule.why or "excluded") if rule and rule.from_h <= time_h else ""

    def end(self, vessel: str, well: str) -> End:
        """Return what ends the watch over a well's neurons first: its kill, or an exclusion.

        Returns
        -------
        End
            ``at_h`` is infinite and ``by`` empty where nothing does.
        """
        kill_h = self.kill_h(vessel, well)
        rule = self.exclusion(vessel, well)
        if rule is not None and rule.from_h <= kill_h:
            return End(rule.from_h, "exclusion")
        return End(kill_h, "kill" if kill_h < inf else "")

    def treated_h(self, vessel: str, well: str) -> float | None:
        """Return when a well got what makes its arm: as logged, else as planned.

        Returns
        -------
        float or None
            Hours; None if nothing that makes an arm was done to it.
        """
        if (vessel, well) in self._doses:
            return self._doses[vessel, well]
        done = [i for i in self._study.interventions_in(vessel, well) if i.makes_arm]
        return done[-1].start_of(well) if done else None


def _keep_first(hours: dict[Place, float], place: Place, hour: float) -> None:
    hours[place] = min(hour, hours.get(place, inf))
