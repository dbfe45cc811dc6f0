"""Channels: what finds the neurons, what their names collide with, and who speaks of them."""

from collections.abc import Iterable, Iterator

from livedeath.errors import StudyError
from livedeath.model.base import known_names, listing, numbered
from livedeath.model.comparison import FILL_AT_ENTRY
from livedeath.model.declaration import Declaration
from livedeath.model.tables import CALLS, FURTHER, JOINED, SCORED, TRACES

FINDERS = ("fill", "indicator", "nucleus")
"""Roles of the channels in which somata are looked for."""

_TAKEN = {
    name.casefold(): name
    for name in (*(column.name for column in (*TRACES, *CALLS)), *JOINED, *SCORED, FILL_AT_ENTRY)
}


def check(study: Declaration) -> None:
    """Refuse channels by which no neuron is found, and names that mean two things."""
    _one_fill(study)
    _names_are_free(study)
    _further_are_dyes(study)
    _exist(study)
    _populations(study)
    _neurons_are_found_everywhere(study)


def _one_fill(study: Declaration) -> None:
    fills = [channel.name for channel in study.channels if channel.role == "fill"]
    if len(fills) > 1:
        raise StudyError(
            f"channels: {listing(fills)} have the role 'fill', and neurons are outlined in one "
            f"channel; give the others another role, like 'marker'"
        )
    if not any(channel.role in FINDERS for channel in study.channels):
        raise StudyError(
            "channels: none has the role 'fill', 'indicator' or 'nucleus', so no neuron can be "
            "found; give one of them that role"
        )


def _names_are_free(study: Declaration) -> None:
    """Refuse a channel named like a column of the tables that it becomes a column of."""
    names = [channel.name for channel in study.channels]
    for number, name in enumerate(names):
        column = column_taken(name, names)
        if column:
            raise StudyError(
                f"{numbered('channels', number, name)}.name is {name!r}, which is {column} "
                f"already; choose another name, like {name + '_light'!r}"
            )


def _further_are_dyes(study: Declaration) -> None:
    """Refuse a channel named like what is scored beside the signal, if it is something else."""
    for number, channel in enumerate(study.channels):
        if channel.name in FURTHER and (channel.role != "dye" or channel.name == "shape"):
            raise StudyError(
                f"{numbered('channels', number, channel.name)}.name is {channel.name!r}, which a "
                f"table of traces holds another channel in; choose another name, like "
                f"{channel.name + '_light'!r}"
            )


def column_taken(name: str, names: Iterable[str]) -> str:
    """Say which column of the tables a channel would take; empty if it takes none.

    Parameters
    ----------
    name : str
        Of the channel.
    names : iterable of str
        Of all channels; each has columns ``<channel>_sd`` and ``<channel>_background`` beside
        its own.
    """
    for ending, what in (("_sd", "standard deviation"), ("_background", "background")):
        others = {f"{other}{ending}".casefold(): other for other in names}
        if name.casefold() in others:
            return f"the column of the {what} of {others[name.casefold()]!r}"
    taken = _TAKEN.get(name.casefold())
    return f"the column {taken!r} of the tables" if taken else ""


def _exist(study: Declaration) -> None:
    names = [channel.name for channel in study.channels]
    for where, said in _named(study):
        if said not in names:
            raise StudyError(
                f"{where} is {said!r}, which is no channel; {known_names(said, names)}"
            )


def _named(study: Declaration) -> Iterator[tuple[str, str]]:
    for number, population in enumerate(study.populations):
        if population.marker is not None:
            yield f"{numbered('populations', number, population.name)}.marker", population.marker
    for number, file in enumerate(study.optics.files):
        yield f"{numbered('optics.files', number)}.channel", file.channel
    if study.focus.channel is not None:
        yield "focus.channel", study.focus.channel


def _populations(study: Declaration) -> None:
    names = [population.name for population in study.populations]
    for number, done in enumerate(study.interventions):
        if done.population is not None and done.population not in names:
            raise StudyError(
                f"{numbered('interventions', number, done.label)}.population is "
                f"{done.population!r}, which is none; {known_names(done.population, names)}"
            )
    seen: dict[tuple[object, ...], str] = {}
    for number, one in enumerate(study.populations):
        gate = (one.marker, one.gate if one.marker else "", one.wells)
        before = seen.setdefault(gate, one.name)
        if before != one.name:
            raise StudyError(
                f"{numbered('populations', number, one.name)} has the marker, gate and wells of "
                f"{before!r}, so every neuron would be {before!r}; tell them apart"
            )


def _neurons_are_found_everywhere(study: Declaration) -> None:
    finders = [channel for channel in study.channels if channel.role in FINDERS]
    if any(not channel.wells for channel in finders):
        return
    seen = {p for channel in finders for p in study.places_of(None, channel.wells)}
    blind = [place for place in study.places() if place not in seen]
    if blind:
        raise StudyError(
            f"channels: no fill, indicator or nucleus is taken in {blind[0][1]} of vessel "
            f"{blind[0][0]!r}, so no neuron can be found there; widen the wells of one"
        )
