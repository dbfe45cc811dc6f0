"""Plan minus journal: what is still to be taken, in which order, and until when.

In go the plan and the journal's frames, out come the visits that are due. Nothing here
touches hardware or disk.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from livedeath.model.frame import FieldKey, FrameKey
from livedeath.model.light import LightLedger
from livedeath.model.plan import Plan, PlannedVisit
from livedeath.model.study import Study
from livedeath.store.journal import SETTLED, frame_key

Entry = Mapping[str, Any]


class DueVisit(NamedTuple):
    """A visit with the frames that it still lacks.

    ``until_h`` is the hour from which it is too late: when the field's next visit is due.
    """

    visit: PlannedVisit
    frames: tuple[FrameKey, ...]
    until_h: float


def due_visits(plan: Plan, settled: Mapping[FrameKey, Entry]) -> list[DueVisit]:
    """Return every visit that lacks a frame, in the plan's order.

    Parameters
    ----------
    plan : Plan
        What was declared.
    settled : mapping of FrameKey to journal entry
        The journal's latest line per frame.
    """
    done = {key for key, entry in settled.items() if entry["status"] in SETTLED}
    ends = _ends(plan)
    due = []
    for visit in plan.visits:
        lacking = tuple(key for key in visit.frames() if key not in done)
        if lacking:
            due.append(DueVisit(visit, lacking, ends[visit.field, visit.t]))
    return due


def _ends(plan: Plan) -> dict[tuple[FieldKey, int], float]:
    """Return until when each visit may start: the last one as long as the one before."""
    hours: dict[FieldKey, list[float]] = {}
    for visit in plan.visits:
        hours.setdefault(visit.field, []).append(visit.planned_h)
    ends = {}
    for field, planned in hours.items():
        last_gap = planned[-1] - planned[-2] if len(planned) > 1 else math.inf
        following = [*planned[1:], planned[-1] + last_gap]
        ends.update({(field, t): end for t, end in enumerate(following)})
    return ends


def choose_round(due: list[DueVisit], now_h: float) -> tuple[list[DueVisit], list[DueVisit]]:
    """Split off the round that is nearest to now, for a vessel that was brought.

    Parameters
    ----------
    due : list of DueVisit
        In the plan's order.
    now_h : float
        Hours since the study's start.

    Returns
    -------
    round, missed : list of DueVisit
        The visits of the nearest round, and those of its vessel's earlier rounds, which
        can no longer be made.
    """
    if not due:
        return [], []
    nearest = min(due, key=lambda one: abs(one.visit.planned_h - now_h)).visit
    own = [one for one in due if one.visit.field.vessel == nearest.field.vessel]
    chosen = [one for one in own if one.visit.planned_h == nearest.planned_h]
    missed = [one for one in own if one.visit.planned_h < nearest.planned_h]
    return chosen, missed


def light_given(study: Study, entries: Iterable[Entry]) -> LightLedger:
    """Return the light that every field was given, by the journal.

    Parameters
    ----------
    study : Study
        The declaration.
    entries : iterable of journal entries
        In their order, which is that of the exposures.
    """
    ledger = LightLedger(study)
    for entry in entries:
        if entry.get("kind") == "frame" and entry.get("status") == "saved":
            ledger.add(frame_key(dict(entry)))
    return ledger
