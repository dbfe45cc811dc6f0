"""Wells: whatever names one names one that exists in its vessel and that is visited."""

from collections.abc import Iterator
from typing import NamedTuple

from livedeath.errors import StudyError
from livedeath.model.base import known_names, numbered
from livedeath.model.declaration import Declaration, concerns
from livedeath.model.vessels import Vessel

MOST_WELLS = 6
"""So many wells are named in a sentence."""


class Named(NamedTuple):
    """A part of the declaration that names wells; ``vessel`` None is every vessel."""

    where: str
    vessel: str | None
    wells: tuple[str, ...]
    can_name_vessel: bool = True


def check(study: Declaration) -> None:
    """Refuse vessels that do not exist, wells outside them, and wells never visited."""
    known = [vessel.id for vessel in study.vessels]
    for item in _all_named(study):
        if item.vessel is not None and item.vessel not in known:
            raise StudyError(
                f"{item.where}.vessel is {item.vessel!r}, which is no vessel; "
                f"{known_names(item.vessel, known)}"
            )
        _refuse_outside(study, item)
        _refuse_unvisited(study, item)
    for number, vessel in enumerate(study.vessels):
        try:
            study.wells(vessel.id)
        except StudyError as error:
            raise StudyError(f"{numbered('vessels', number, vessel.id)}: {error}") from None


def _all_named(study: Declaration) -> Iterator[Named]:
    for number, done in enumerate(study.interventions):
        yield Named(numbered("interventions", number, done.label), done.vessel, done.wells)
    for number, entity in enumerate(study.entities):
        yield Named(numbered("entities", number, entity.id), entity.vessel, entity.wells)
    for number, rule in enumerate(study.exclusions):
        yield Named(numbered("exclusions", number), rule.vessel, rule.wells)
    for number, window in enumerate(study.schedule.windows):
        yield Named(numbered("schedule.windows", number), window.vessel, window.wells)
    for number, channel in enumerate(study.channels):
        yield Named(numbered("channels", number, channel.name), None, channel.wells, False)
    for number, population in enumerate(study.populations):
        yield Named(numbered("populations", number, population.name), None, population.wells, False)
    for number, session in enumerate(study.sessions):
        yield Named(numbered("sessions", number, session.id), session.vessel, ())
    if study.end_kill is not None:
        yield Named("end_kill", study.end_kill.vessel, study.end_kill.wells)


def _refuse_outside(study: Declaration, item: Named) -> None:
    """Refuse wells outside a vessel; who cannot name one may mean wells of any of them."""
    vessels = [vessel for vessel in study.vessels if concerns(item.vessel, vessel.id)]
    for pattern in item.wells:
        faults = [fault for vessel in vessels if (fault := _outside(vessel, pattern))]
        if faults and (item.can_name_vessel or len(faults) == len(vessels)):
            raise StudyError(f"{item.where}.wells: {faults[0]}; {_way_out(study, item)}")


def _outside(vessel: Vessel, pattern: str) -> str:
    """Say that a pattern names wells that a vessel does not have; empty if it has them."""
    try:
        vessel.expand((pattern,))
    except StudyError as error:
        return str(error)
    return ""


def _way_out(study: Declaration, item: Named) -> str:
    if len(study.vessels) == 1 or item.vessel is not None:
        return "mend the well, or the vessel's format"
    if not item.can_name_vessel:
        return "name wells that one of the vessels has"
    return "say with vessel which one is meant"


def _refuse_unvisited(study: Declaration, item: Named) -> None:
    """Refuse a well that no camera looks at; ``all`` may name more than are visited."""
    named = tuple(pattern for pattern in item.wells if pattern.strip().lower() != "all")
    if not named:
        return
    visited = set(study.places())
    met = {well for vessel, well in visited if concerns(item.vessel, vessel)}
    unseen = [w for _, w in study.places_of(item.vessel, named) if w not in met]
    if unseen:
        vessel_id = item.vessel or study.vessels[0].id
        raise StudyError(
            f"{item.where}.wells names {some(tuple(dict.fromkeys(unseen)))} of vessel "
            f"{vessel_id!r}, never visited; visited are {some(study.wells(vessel_id))}; leave it "
            f"out here, or add it to the vessel's wells"
        )


def some(wells: tuple[str, ...]) -> str:
    """Return wells with commas between them; of many the first, and how many there are."""
    if len(wells) <= MOST_WELLS:
        return ", ".join(wells)
    return f"{', '.join(wells[: MOST_WELLS - 2])} … {wells[-1]} ({len(wells)} wells)"
