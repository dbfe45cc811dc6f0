"""Wells: whatever names one names one that exists in its vessel and that is visited."""

from collections.abc import Iterator
from typing import NamedTuple

from livedeath.errors import StudyError
from livedeath.model.base import known_names
from livedeath.model.declaration import Declaration, concerns

MOST_WELLS = 6
"""So many wells are named in a sentence."""


class Named(NamedTuple):
    """A part of the declaration that names wells; ``vessel`` None is every vessel."""

    where: str
    vessel: str | None
    wells: tuple[str, ...]


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
            raise StudyError(f"vessels[{number}] ({vessel.id!r}): {error}") from None


def _all_named(study: Declaration) -> Iterator[Named]:
    for number, done in enumerate(study.interventions):
        yield Named(f"interventions[{number}] ({done.label!r})", done.vessel, done.wells)
    for number, entity in enumerate(study.entities):
        yield Named(f"entities[{number}] ({entity.id!r})", entity.vessel, entity.wells)
    for number, rule in enumerate(study.exclusions):
        yield Named(f"exclusions[{number}]", rule.vessel, rule.wells)
    for number, window in enumerate(study.schedule.windows):
        yield Named(f"schedule.windows[{number}]", window.vessel, window.wells)
    for number, channel in enumerate(study.channels):
        yield Named(f"channels[{number}] ({channel.name!r})", None, channel.wells)
    for number, population in enumerate(study.populations):
        yield Named(f"populations[{number}] ({population.name!r})", None, population.wells)
    for number, session in enumerate(study.sessions):
        yield Named(f"sessions[{number}] ({session.id!r})", session.vessel, ())
    if study.end_kill is not None:
        yield Named("end_kill", study.end_kill.vessel, study.end_kill.wells)


def _refuse_outside(study: Declaration, item: Named) -> None:
    for vessel in study.vessels:
        if concerns(item.vessel, vessel.id):
            try:
                vessel.expand(item.wells)
            except StudyError as error:
                raise StudyError(f"{item.where}.wells: {error}; {_way_out(study, item)}") from None


def _way_out(study: Declaration, item: Named) -> str:
    if len(study.vessels) == 1 or item.vessel is not None:
        return "mend the well, or the vessel's format"
    if item.where.startswith(("channels", "populations")):
        return "name wells that every vessel has"
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
