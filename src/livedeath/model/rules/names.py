"""Names: each given once, each parent there, nobody its own ancestor."""

from collections.abc import Sequence

from livedeath.errors import StudyError
from livedeath.model.base import known_names, numbered
from livedeath.model.declaration import Declaration


def check(study: Declaration) -> None:
    """Refuse names that stand twice, and parents that are not there."""
    for where, names in (
        ("vessels", [vessel.id for vessel in study.vessels]),
        ("channels", [channel.name for channel in study.channels]),
        ("entities", [entity.id for entity in study.entities]),
        ("sessions", [session.id for session in study.sessions]),
        ("populations", [population.name for population in study.populations]),
        ("comparisons", [one.name for one in study.comparisons if one.name]),
    ):
        _once(where, names)
    _parents(study)


def _once(where: str, names: Sequence[str]) -> None:
    """Refuse a name that stands twice; case does not tell names apart on every disk."""
    seen: dict[str, str] = {}
    for name in names:
        before = seen.get(name.casefold())
        if before == name:
            raise StudyError(f"{where}: two are called {name!r}; give each its own name")
        if before is not None:
            raise StudyError(
                f"{where}: {before!r} and {name!r} differ by case only; give them names that "
                f"differ otherwise"
            )
        seen[name.casefold()] = name


def _parents(study: Declaration) -> None:
    parents = {entity.id: entity.parent for entity in study.entities}
    for number, (name, parent) in enumerate(parents.items()):
        if parent is not None and parent not in parents:
            raise StudyError(
                f"{numbered('entities', number, name)}.parent is {parent!r}, which is no entity; "
                f"{known_names(parent, [other for other in parents if other != name])}"
            )
    for start in parents:
        seen, at = {start}, parents[start]
        while at is not None:
            if at in seen:
                raise StudyError(
                    f"entities: {start!r} is its own ancestor by its parents; mend the parents"
                )
            seen.add(at)
            at = parents[at]
