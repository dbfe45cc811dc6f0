"""From the journal to visits: entries go in, complete visits come out in a fixed order.

A visit is complete when every frame planned for it was saved, missed or taken off the plan;
its place in the order is that of the line which completed it. So whoever reads the same
journal, at once or as it grows, sees the same visits in the same order, each with what was
known by then.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from livedeath.errors import StoreError
from livedeath.model.events import Events
from livedeath.model.frame import FieldKey, FrameKey
from livedeath.model.plan import Plan, PlannedVisit
from livedeath.model.study import Study
from livedeath.store.journal import ENDS, FINISH, SETTLED, Entry, frame_key

NEVER_JOURNALED = "the acquisition ended without it"


@dataclass(frozen=True)
class CompleteVisit:
    """A visit of which every frame is settled.

    Parameters
    ----------
    field, t, session : FieldKey, int, str
        Which visit.
    time_h : float
        Hour of its first saved frame; as planned if none was saved.
    saved : tuple of FrameKey
        Frames to read, in the order of the plan.
    missing : dict of str to str
        Channel to the reason why it is not whole.
    x_um, y_um, z_um : float
        Where the stage stood.
    intervened : bool
        Whether something was done to the well since the field's last visit with an image.
    excluded : str
        Why the declaration takes the well out by this hour; empty if it does not.
    too_late : bool
        Whether a visit of a later hour was complete before: what is called online cannot
        be revised, so this one is not analysed.
    """

    field: FieldKey
    t: int
    session: str
    time_h: float
    saved: tuple[FrameKey, ...]
    missing: dict[str, str] = dataclasses.field(default_factory=dict)
    x_um: float = 0.0
    y_um: float = 0.0
    z_um: float = 0.0
    intervened: bool = False
    excluded: str = ""
    too_late: bool = False

    @property
    def skipped(self) -> str:
        """Why there is nothing to analyse; empty if there is something."""
        if self.excluded:
            return f"excluded: {self.excluded}"
        if self.too_late and self.saved:
            return "it was complete only after a later visit"
        return "" if self.saved else "; ".join(dict.fromkeys(self.missing.values()))


class Sequence:
    """Turns a growing journal into visits.

    Parameters
    ----------
    study : Study
        The declaration.
    plan : Plan
        Its plan.
    """

    def __init__(self, study: Study, plan: Plan) -> None:
        self.events = Events(study)
        # A logged exclusion may be retracted, so it takes nothing out of the analysis; it
        # counts where calls are joined (`livedeath.statistics.study`).
        self._declared = Events(study)
        self._planned = {(visit.field, visit.t): visit for visit in plan.visits}
        self._last_planned = {visit.field: visit for visit in plan.visits}
        self._open: dict[tuple[FieldKey, int], dict[FrameKey, Entry]] = {}
        self._done: set[tuple[FieldKey, int]] = set()
        self._last: dict[FieldKey, CompleteVisit] = {}
        self._time_h = float("-inf")
        self._said = ""

    def feed(self, entries: Iterable[Entry]) -> Iterator[CompleteVisit]:
        """Yield the visits that these entries complete, in order.

        Parameters
        ----------
        entries : iterable of dict
            The journal's next entries.
        """
        for entry in entries:
            kind = entry.get("kind")
            if kind == "frame":
                yield from self._frame(entry)
            elif kind == "log":
                self.events.add(entry)
            elif kind == "acquisition":
                self._said = str(entry.get("what"))
                if self._said == FINISH:
                    yield from self._flush()

    @property
    def begun(self) -> bool:
        """Whether the journal says that an acquisition began."""
        return bool(self._said)

    @property
    def ended(self) -> bool:
        """Whether the acquisition ended, as far as the journal says: finished or interrupted."""
        return self._said in ENDS

    def _frame(self, entry: Entry) -> Iterator[CompleteVisit]:
        key = frame_key(entry)
        visit = (key.field_key, key.t)
        if visit in self._done:
            return
        frames = self._open.setdefault(visit, {})
        before = frames.get(key)
        if before is None or entry.get("attempt", 0) >= before.get("attempt", 0):
            frames[key] = entry
        wanted = list(self._of_plan(*visit).frames())
        if all(k in frames and frames[k].get("status") in SETTLED for k in wanted):
            yield self._complete(visit)

    def _flush(self) -> Iterator[CompleteVisit]:
        """Complete what a finished acquisition left half done, in the order it was begun."""
        for visit in list(self._open):
            yield self._complete(visit)

    def _of_plan(self, place: FieldKey, t: int) -> PlannedVisit:
        """Return what is planned for a visit; one added later is like the field's last."""
        if (place, t) in self._planned:
            return self._planned[place, t]
        if place not in self._last_planned:
            raise StoreError(
                f"the journal speaks of field {place.name}, which study.toml does not declare; "
                "restore the study.toml that the study was acquired with."
            )
        return self._last_planned[place]._replace(t=t)

    def _complete(self, visit: tuple[FieldKey, int]) -> CompleteVisit:
        frames = self._open.pop(visit)
        self._done.add(visit)
        planned = self._of_plan(*visit)
        complete = self._describe(planned, frames)
        if not complete.skipped:
            self._last[complete.field] = complete
            self._time_h = complete.time_h
        return complete

    def _describe(self, planned: PlannedVisit, frames: dict[FrameKey, Entry]) -> CompleteVisit:
        saved, missing = _sorted_out(planned, frames)
        said = [frames[key] for key in saved] or list(frames.values())
        hours = [float(e["time_h"]) for e in said if e.get("time_h") is not None]
        time_h = min(hours, default=planned.planned_h)
        session = str(said[0].get("session") or planned.session)
        place = planned.field
        last = self._last.get(place)
        changed = last is not None and (
            last.session != session
            or self.events.between(place.vessel, place.well, last.time_h, time_h)
        )
        return CompleteVisit(
            place,
            planned.t,
            session,
            time_h,
            saved,
            missing,
            x_um=_number(said[0], "x_um", planned.x_um),
            y_um=_number(said[0], "y_um", planned.y_um),
            z_um=_number(said[0], "z_um", planned.z_um[0]),
            intervened=changed,
            excluded=self._declared.excluded(place.vessel, place.well, time_h),
            too_late=time_h < self._time_h or (last is not None and time_h <= last.time_h),
        )


def _sorted_out(
    planned: PlannedVisit, frames: dict[FrameKey, Entry]
) -> tuple[tuple[FrameKey, ...], dict[str, str]]:
    """Return the frames to read and, per channel with a frame missing, the reason."""
    missing: dict[str, str] = {}
    for key in planned.frames():
        entry = frames.get(key, {"reason": NEVER_JOURNALED})
        if entry.get("status") != "saved":
            missing.setdefault(key.channel, str(entry.get("reason") or entry.get("status")))
    saved = tuple(key for key in planned.frames() if key.channel not in missing)
    return saved, missing


def _number(entry: Entry, name: str, default: float) -> float:
    value = entry.get(name)
    return default if value is None else float(value)
