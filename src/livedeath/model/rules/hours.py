"""Hours: nothing after the end, nothing reversed, no vessel loaded twice at once."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

from livedeath.errors import StudyError
from livedeath.model.base import numbered
from livedeath.model.biology import Intervention
from livedeath.model.declaration import Declaration
from livedeath.model.rounds import end_h, round_hours, stays, stretches
from livedeath.model.rules.wells import some
from livedeath.model.vessels import Session


def check(study: Declaration) -> None:
    """Refuse hours that cannot be, or after which nothing is seen."""
    _sessions(study)
    for number, done in enumerate(study.interventions):
        _intervention(study, done, numbered("interventions", number, done.label))
    _windows(study)
    _exclusions(study)
    _changes(study)
    _end_kill(study)


def _end(study: Declaration) -> str:
    return f"the study ends at {end_h(study):g} h"


def _sessions(study: Declaration) -> None:
    by_session = study.schedule.mode == "session"
    if by_session and not study.sessions:
        raise StudyError("schedule.mode is 'session', but there are no [[sessions]]; add them")
    for vessel in study.vessels:
        own = sorted((s for s in study.sessions if s.vessel == vessel.id), key=lambda s: s.loaded_h)
        if by_session and not own:
            raise StudyError(
                f"sessions: vessel {vessel.id!r} has none, so with schedule.mode 'session' it is "
                f"never visited; add one, or leave the vessel out"
            )
        for before, after in pairwise(own):
            _refuse_overlap(vessel.id, before, after)
    if not by_session:
        _refuse_unmet_sessions(study)


def _refuse_overlap(vessel: str, before: Session, after: Session) -> None:
    if before.loaded_h == after.loaded_h:
        raise StudyError(
            f"sessions: {before.id!r} and {after.id!r} both load vessel {vessel!r} at "
            f"{after.loaded_h:g} h; give each its own hour"
        )
    if before.removed_h is not None and before.removed_h > after.loaded_h:
        raise StudyError(
            f"sessions: vessel {vessel!r} is loaded for {after.id!r} at {after.loaded_h:g} h, but "
            f"removed from {before.id!r} only at {before.removed_h:g} h; sessions of one vessel "
            f"may not overlap"
        )


def _refuse_unmet_sessions(study: Declaration) -> None:
    hours = round_hours(study)
    met = {stay.session for v in study.vessels for stay in stays(study, v.id, hours)}
    for number, session in enumerate(study.sessions):
        if session.id not in met:
            until = "" if session.removed_h is None else f" to {session.removed_h:g} h"
            raise StudyError(
                f"{numbered('sessions', number, session.id)} from {session.loaded_h:g}{until}: no "
                f"round falls into it, {_end(study)}; move it, or set schedule.mode to 'session'"
            )


def _intervention(study: Declaration, done: Intervention, where: str) -> None:
    wells = dict.fromkeys(well for _, well in study.places_of(done.vessel, done.wells))
    for name, hour in _hours_of(done):
        if hour > end_h(study):
            raise StudyError(
                f"{where}.{name} is {hour:g}, but {_end(study)}; give an hour up to then, or leave "
                f"it out"
            )
    stray = [well for well in done.starts_h if well not in wells]
    if stray:
        raise StudyError(
            f"{where}.starts_h names {stray[0]}, which is not among its wells, "
            f"{some(tuple(wells))}; add it there or leave it out"
        )
    _refuse_no_start(done, tuple(wells), where)
    for well in wells:
        start, end = done.start_of(well), done.ends_h
        if end is not None and end <= start:
            name = "end_h" if done.actual_end_h is None else "actual_end_h"
            raise StudyError(
                f"{where}.{name} is {end:g}, but in {well} it starts at {start:g} h; the end must "
                f"be later"
            )


def _refuse_no_start(done: Intervention, wells: tuple[str, ...], where: str) -> None:
    """Refuse that wells silently count from hour 0 although others have an hour."""
    if done.actual_start_h is not None or done.start_h is not None:
        return
    without = tuple(well for well in wells if well not in done.starts_h)
    if done.starts_h and without:
        raise StudyError(
            f"{where}.starts_h has no hour for {some(without)}; give each well its hour, or the "
            f"others' as start_h"
        )
    if done.kind == "kill" and without:
        raise StudyError(f"{where} has no hour; give start_h, or starts_h well by well")


def _hours_of(done: Intervention) -> Iterator[tuple[str, float]]:
    for name in ("start_h", "end_h", "actual_start_h", "actual_end_h"):
        hour = getattr(done, name)
        if hour is not None:
            yield name, hour
    for well, hour in done.starts_h.items():
        yield f"starts_h.{well}", hour


def _windows(study: Declaration) -> None:
    hours = round_hours(study)
    for number, window in enumerate(study.schedule.windows):
        where = numbered("schedule.windows", number)
        if window.from_h > end_h(study):
            raise StudyError(
                f"{where}.from_h is {window.from_h:g}, but {_end(study)}; give an hour up to then"
            )
        if window.to_h is not None and window.to_h > end_h(study):
            raise StudyError(
                f"{where}.to_h is {window.to_h:g}, but {_end(study)}; leave to_h out for 'to the "
                f"end'"
            )
        stop = len(hours) if window.to_h is None else bisect_right(hours, window.to_h)
        if bisect_left(hours, window.from_h) >= stop:
            until = "" if window.to_h is None else f" to {window.to_h:g} h"
            raise StudyError(
                f"{where} from {window.from_h:g}{until}: no round falls into it, so its wells "
                f"would not be visited; widen it"
            )


def _exclusions(study: Declaration) -> None:
    last = round_hours(study)[-1]
    for number, rule in enumerate(study.exclusions):
        if rule.from_h > last:
            raise StudyError(
                f"{numbered('exclusions', number)}.from_h is {rule.from_h:g}, after the last "
                f"visit at {last:g} h, so it excludes nothing; give the hour from which the wells "
                f"do not count"
            )


def _changes(study: Declaration) -> None:
    hours = round_hours(study)
    for number, change in enumerate(study.optics.changes):
        where = numbered("optics.changes", number)
        if change.at_h > hours[-1]:
            raise StudyError(
                f"{where}.at_h is {change.at_h:g}, after the last visit at {hours[-1]:g} h, so "
                f"nothing is imaged with it; give an earlier hour, or leave it out"
            )
        if change.at_h <= hours[0]:
            raise StudyError(
                f"{where}.at_h is {change.at_h:g}, but the first visit is at {hours[0]:g} h; write "
                f"these optics into [optics]"
            )


def _end_kill(study: Declaration) -> None:
    kill = study.end_kill
    if kill is None:
        return
    killed = set(study.places_of(kill.vessel, kill.wells))
    hours = round_hours(study)
    rounds = [
        (stretch.start, stretch.stop)
        for stretch in stretches(study)
        if any((stretch.vessel, well) in killed for well in stretch.wells)
    ]
    if not rounds:
        return
    first = hours[min(start for start, _ in rounds)]
    last = hours[max(stop for _, stop in rounds) - 1]
    if kill.at_h >= last:
        end = f", and {_end(study)}" if end_h(study) != last else ""
        raise StudyError(
            f"end_kill.at_h is {kill.at_h:g}, but the last visit of the wells is at {last:g} h"
            f"{end}, so no visit shows who died; kill earlier, or add visits after it"
        )
    if kill.at_h <= first:
        raise StudyError(
            f"end_kill.at_h is {kill.at_h:g}, but the first visit of the wells is at {first:g} h, "
            f"so nobody is seen alive; kill later"
        )
