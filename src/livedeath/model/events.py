"""What was done to wells and when: declared interventions and the journal's log go in.

Answers two questions about a well: was something done to it between two hours, and does it
still count at an hour. It knows only what it was told so far.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from livedeath.model.study import Study

CHANGES = frozenset({"dose", "media", "load", "unload", "kill"})
"""Log entries after which a step common to a well's neurons is expected."""


class Events:
    """What is known to have been done to the wells of a study.

    Parameters
    ----------
    study : Study
        Its planned interventions, end-kill and exclusions are known from the start.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._hours: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._exclusions: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
        for vessel, well in study.places():
            for done in study.interventions_in(vessel, well):
                insort(self._hours[vessel, well], done.start_of(well))
                end_h = done.actual_end_h if done.actual_end_h is not None else done.end_h
                if end_h is not None:
                    insort(self._hours[vessel, well], end_h)
        self._declared_kill()
        for rule in study.exclusions:
            for place in self._places(rule.vessel, rule.wells):
                insort(self._exclusions[place], (rule.from_h, rule.why))

    def _declared_kill(self) -> None:
        kill = self._study.end_kill
        if kill is not None:
            for place in self._places(kill.vessel, kill.wells):
                insort(self._hours[place], kill.at_h)

    def _places(self, vessel: str | None, wells: tuple[str, ...]) -> list[tuple[str, str]]:
        """Return the (vessel, well) that are meant; no wells means all of the vessel."""
        found = []
        for known in self._study.vessels:
            if vessel in (None, "", known.id):
                named = known.expand(wells) if wells else self._study.wells(known.id)
                found += [(known.id, well) for well in named]
        return found

    def add(self, entry: Mapping[str, Any]) -> None:
        """Take in an entry of kind ``log``."""
        what = entry.get("what")
        places = self._places(entry.get("vessel"), tuple(entry.get("wells") or ()))
        hour = float(entry.get("at_h") or 0.0)
        for place in places:
            if what in CHANGES:
                insort(self._hours[place], hour)
            elif what == "exclude":
                insort(self._exclusions[place], (hour, str(entry.get("why", ""))))

    def between(self, vessel: str, well: str, after_h: float, until_h: float) -> bool:
        """Return whether something was done to a well after one hour and not after another."""
        hours = self._hours.get((vessel, well), [])
        return bisect_right(hours, after_h) < bisect_right(hours, until_h)

    def excluded_from(self, vessel: str, well: str) -> tuple[float, str] | None:
        """Return the hour from which a well does not count, and why; None if it does."""
        rules = self._exclusions.get((vessel, well))
        return rules[0] if rules else None

    def excluded(self, vessel: str, well: str, time_h: float) -> str:
        """Return why a well does not count at an hour; empty if it does."""
        rule = self.excluded_from(vessel, well)
        return (rule[1] or "excluded") if rule and rule[0] <= time_h else ""
