"""How a study stands: a folder goes in, what is done and what is still to come comes out.

It reads the declaration, the journal, who holds the locks and how far each run came; no
image, no table. It changes nothing, so it may be asked while others work.
"""

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias

from livedeath.model.frame import FrameKey
from livedeath.model.plan import Plan, PlannedVisit
from livedeath.run.checkpoint import Checkpoint
from livedeath.run.coverage import NOT_YET, lacking
from livedeath.run.follow import LOCK_FILE
from livedeath.run.visits import CompleteVisit, Sequence
from livedeath.store import durable
from livedeath.store.declared import takes_other_frames
from livedeath.store.folder import Run, StudyFolder
from livedeath.store.journal import FINISH, SETTLED, Entry, frames_of, last_word, zero_of

GB = 1e9

STILL_CLOCKS = ("simulated", "replay")
"""Microscopes whose clock stands while nobody acquires; the others' runs on."""

State: TypeAlias = Literal["never begun", "acquiring", "interrupted", "finished", "recorded"]
"""``recorded``: made from a recording, so that there is nothing to acquire."""


@dataclass(frozen=True)
class Moment:
    """A visit, or a frame of it, at its hour.

    Parameters
    ----------
    vessel, well, field, t : str, str, int, int
        Which visit.
    time_h : float
        Hour of the study.
    at : str or None
        The time of day, UTC, ISO 8601; None where no clock runs or no microscope is.
    """

    vessel: str
    well: str
    field: int
    t: int
    time_h: float
    at: str | None


@dataclass(frozen=True)
class RunStatus:
    """How far a run came.

    Parameters
    ----------
    run : str
        Its name.
    started : str
        UTC, ISO 8601.
    complete : bool
        Whether it has seen the whole journal that it was started on.
    running : str or None
        Who works on it now.
    visits : int
        Visits that it has seen; of a run under way, up to its last checkpoint.
    not_scored : int
        Visits that are complete in the journal, hold an image, and that it has not seen.
    bad_frames : dict of str to int
        Reason to number of frames that were judged bad in those visits, the commonest first.
    """

    run: str
    started: str
    complete: bool
    running: str | None
    visits: int
    not_scored: int
    bad_frames: dict[str, int]


@dataclass(frozen=True)
class Status:
    """How a study stands.

    Parameters
    ----------
    study : Path
        Its folder.
    title : str
        Its title.
    state : str
        One of `State`.
    changed : bool
        Whether other frames are declared than when the acquisition began: it cannot go on.
    holder : str or None
        Who acquires it now.
    microscope : str or None
        As written after ``--microscope``.
    now_h : float or None
        Hour that it is; of a microscope whose clock stands still, that of the last frame.
    last, next : Moment or None
        The last frame that was settled; the first visit that lacks a frame.
    ends_h, ends_at : float, str or None
        When the last visit is planned.
    frames : dict of str to int
        ``planned``, ``saved``, ``missed`` and ``due`` (neither yet).
    missed : dict of str to int
        Reason to number of frames, the commonest first.
    visits : dict of str to int
        ``planned``, and ``complete`` (every frame settled).
    overdue : int
        Visits that lack a frame although their hour has passed.
    disk : dict of str to float
        Gigabytes ``free``, ``needed`` for what is due (uncompressed), ``floor`` as declared.
    runs : tuple of RunStatus
        Oldest first.
    not_scored : int
        Visits that are complete in the journal, hold an image, and that no run has seen.
    """

    study: Path
    title: str
    state: State
    changed: bool
    holder: str | None
    microscope: str | None
    now_h: float | None
    last: Moment | None
    next: Moment | None
    ends_h: float
    ends_at: str | None
    frames: dict[str, int]
    missed: dict[str, int]
    visits: dict[str, int]
    overdue: int
    disk: dict[str, float]
    runs: tuple[RunStatus, ...]
    not_scored: int


def status(folder: StudyFolder | Path | str, *, now: datetime | None = None) -> Status:
    """Return how a study stands.

    Parameters
    ----------
    folder : StudyFolder or path
        The study.
    now : datetime, optional
        The time of day; default: the machine's.

    Raises
    ------
    StoreError
        If the journal cannot be read, or speaks of a field that is not declared.
    """
    if not isinstance(folder, StudyFolder):
        folder = StudyFolder.open(Path(folder))
    entries, plan = folder.journal.read(), folder.plan
    frames = frames_of(entries)
    holder = durable.holder(folder.acquire_lock)
    due = _due(plan, frames)
    clock = _Clock.of(folder, entries, now or datetime.now(UTC))
    complete = list(Sequence(folder.study, plan).feed(entries))
    runs = tuple(_run(run, complete) for run in folder.runs())
    ends_h = plan.visits[-1].planned_h if plan.visits else 0.0
    return Status(
        study=folder.path,
        title=folder.study.title,
        state=_state(folder, entries, holder),
        changed=takes_other_frames(folder.study, entries),
        holder=holder,
        microscope=clock.microscope,
        now_h=clock.now_h,
        last=clock.last(entries),
        next=clock.moment(due[0]) if due else None,
        ends_h=ends_h,
        ends_at=clock.time_of_day(ends_h),
        frames=_counts(plan, frames),
        missed=_reasons(frames),
        visits={"planned": len(plan.visits), "complete": len(complete)},
        overdue=sum(clock.is_past(visit.planned_h) for visit in due),
        disk=_disk(folder, due, frames),
        runs=runs,
        not_scored=min((run.not_scored for run in runs), default=_not_scored(complete, 0)),
    )


def _state(folder: StudyFolder, entries: list[Entry], holder: str | None) -> State:
    if folder.source is not None:
        return "recorded"
    if holder is not None:
        return "acquiring"
    said = last_word(entries)
    if said == FINISH:
        return "finished"
    begun = said != "" or any(entry.get("kind") == "frame" for entry in entries)
    return "interrupted" if begun else "never begun"


def _due(plan: Plan, frames: Mapping[FrameKey, Entry]) -> list[PlannedVisit]:
    """Return the planned visits that lack a frame."""
    settled = {key for key, entry in frames.items() if entry.get("status") in SETTLED}
    return [visit for visit in plan.visits if not settled.issuperset(visit.frames())]


def _counts(plan: Plan, frames: Mapping[FrameKey, Entry]) -> dict[str, int]:
    found = Counter(entry.get("status") for entry in frames.values())
    settled = {key for key, entry in frames.items() if entry.get("status") in SETTLED}
    due = sum(key not in settled for key in plan.frames())
    return {
        "planned": plan.n_frames,
        "saved": found["saved"],
        "missed": found["missed"],
        "due": due,
    }


def _reasons(frames: Mapping[FrameKey, Entry]) -> dict[str, int]:
    missed = (entry for entry in frames.values() if entry.get("status") == "missed")
    return dict(Counter(str(entry.get("reason", "")) for entry in missed).most_common())


def _disk(
    folder: StudyFolder, due: list[PlannedVisit], frames: Mapping[FrameKey, Entry]
) -> dict[str, float]:
    optics = folder.study.optics
    n_bytes = {a: optics.of(a).frame_bytes for a in {visit.field.acquisition for visit in due}}
    lacking = Counter(v.field.acquisition for v in due for key in v.frames() if key not in frames)
    return {
        "free_gb": shutil.disk_usage(folder.path).free / GB,
        "needed_gb": sum(n * n_bytes[acquisition] for acquisition, n in lacking.items()) / GB,
        "floor_gb": folder.study.policies.disk_floor_gb,
    }


def _not_scored(complete: list[CompleteVisit], seen: int) -> int:
    """Count the visits with something to score that come after the first few."""
    return sum(one.visits for one in lacking(complete, seen) if one.why == NOT_YET)


def _run(run: Run, complete: list[CompleteVisit]) -> RunStatus:
    said, checkpoint = run.provenance(), Checkpoint.in_run(run.path)
    seen = int(said.get("visits", 0)) if run.complete else checkpoint.visits()
    bad = said.get("bad_frames", {}) if run.complete else checkpoint.bad_frames()
    return RunStatus(
        run=run.name,
        started=run.started,
        complete=run.complete,
        running=durable.holder(run.path / LOCK_FILE),
        visits=seen,
        not_scored=_not_scored(complete, seen),
        bad_frames=dict(Counter(bad).most_common()),
    )


@dataclass(frozen=True)
class _Clock:
    """Hours of the study and the time of day."""

    microscope: str | None
    zero: datetime | None
    now_h: float | None
    runs: bool

    @classmethod
    def of(cls, folder: StudyFolder, entries: list[Entry], now: datetime) -> "_Clock":
        said = [entry for entry in entries if entry.get("kind") == "acquisition"]
        named = [str(entry["microscope"]) for entry in said if "microscope" in entry]
        zero = zero_of(entries) or folder.study.schedule.start
        microscope = named[-1] if named else None
        still = folder.source is not None or (microscope or "").startswith(STILL_CLOCKS)
        runs = zero is not None and not still
        hours = [float(e["time_h"]) for e in entries if e.get("kind") == "frame" and "time_h" in e]
        now_h = hours[-1] if hours else None
        if runs and zero is not None:
            now_h = (now - zero).total_seconds() / 3600.0
        return cls(microscope, zero, now_h, runs)

    def time_of_day(self, hour: float) -> str | None:
        if self.zero is None or not self.runs:
            return None
        at = self.zero + timedelta(hours=hour)
        return at.astimezone(UTC).isoformat(timespec="seconds")

    def is_past(self, hour: float) -> bool:
        return self.runs and self.now_h is not None and hour < self.now_h

    def moment(self, visit: PlannedVisit) -> Moment:
        place, hour = visit.field, visit.planned_h
        at = self.time_of_day(hour)
        return Moment(place.vessel, place.well, place.field, visit.t, hour, at)

    def last(self, entries: list[Entry]) -> Moment | None:
        settled = [e for e in entries if e.get("kind") == "frame" and "time_h" in e]
        if not settled:
            return None
        one = settled[-1]
        place = (one["vessel"], one["well"], int(one["field"]), int(one["t"]))
        return Moment(*place, float(one["time_h"]), one.get("wall") if self.microscope else None)
