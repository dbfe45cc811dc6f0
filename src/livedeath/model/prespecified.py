"""What a comparison resolves to, and what was changed in a declaration.

A declaration goes in; out come the groups, wells, units, blocks and origins that a comparison
means, by which it is known whether it was fixed before the first frame, and a list of what is
different between two declarations, in plain words.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from livedeath.model.base import name_of, numbered, written
from livedeath.model.comparison import STUDY_START, Comparison
from livedeath.model.declaration import EVERYONE, Declaration, Place

_KEYS = ("id", "name")
"""Keys by which the tables of a list are told apart in a message."""


def known_groups(study: Declaration, factor: str) -> tuple[str, ...]:
    """Return the groups that a comparison by a factor may name, in the order of the plate."""
    held = study.groups(factor).values()
    names = tuple(dict.fromkeys(name for groups in held for name in groups))
    return (*names, EVERYONE) if factor == "population" and EVERYONE not in names else names


def treated_groups(study: Declaration, comparison: Comparison) -> tuple[str, ...]:
    """Return the groups that are compared with the control; without any named, all others."""
    if comparison.treated:
        return comparison.treated
    known = known_groups(study, comparison.factor)
    return tuple(name for name in known if name not in (comparison.control, EVERYONE))


def compared_places(study: Declaration, comparison: Comparison) -> dict[Place, tuple[str, ...]]:
    """Return the (vessel, well) that a comparison is about, each with its groups.

    Neurons of no declared population are everywhere, so a comparison with them is about
    every well.
    """
    wanted = {comparison.control, *treated_groups(study, comparison)}
    found = {}
    for place, groups in study.groups(comparison.factor).items():
        here = (*groups, EVERYONE) if comparison.factor == "population" else groups
        met = tuple(name for name in here if name in wanted)
        if met:
            found[place] = met
    return found


def lives_in_shared_wells(study: Declaration, comparison: Comparison) -> bool:
    """Return whether a well holds several of the groups: populations side by side."""
    return any(len(groups) > 1 for groups in compared_places(study, comparison).values())


def origin_hours(study: Declaration, comparison: Comparison) -> dict[Place, float | None]:
    """Return the planned hour that counts as 0 in each compared well; None: the arm's first.

    Planned, not actual: when something really happened is a fact and no choice.
    """
    places = compared_places(study, comparison)
    if comparison.origin == STUDY_START:
        return dict.fromkeys(places, 0.0)
    return {place: _planned_start(study, place) for place in places}


def origin_hour(study: Declaration, comparison: Comparison) -> float | None:
    """Return the first planned hour of the arm that a comparison counts from; None without one."""
    arms = study.arms()
    starts = [_planned_start(study, p) for p, arm in arms.items() if arm == comparison.origin]
    return min((hour for hour in starts if hour is not None), default=None)


def _planned_start(study: Declaration, place: Place) -> float | None:
    done = [i for i in study.interventions_in(*place) if i.makes_arm]
    return done[-1].planned_start_of(place[1]) if done else None


def resolved(study: Declaration, comparison: Comparison) -> dict[str, Any]:
    """Return all that a comparison depends on, as JSON values.

    Its groups by name, the wells of each with their unit, block and origin, and how it is
    computed. Not in it: names of comparisons, notes, lots, exclusions, the end-kill and the
    hours at which things really happened; a change of those leaves it the same comparison.

    Parameters
    ----------
    study : Declaration
        What else is declared.
    comparison : Comparison
        One of its comparisons.
    """
    units = study.units(comparison.unit)
    blocks = study.units(comparison.block) if comparison.block else {}
    origins = origin_hours(study, comparison)
    gates = [p.model_dump(mode="json") for p in study.populations]
    return {
        **comparison.model_dump(mode="json", exclude={"name", "family"}),
        "treated": sorted(treated_groups(study, comparison)),
        "covariates": sorted(comparison.covariates),
        "wells": [
            ["/".join(place), sorted(groups), units[place], blocks.get(place), origins[place]]
            for place, groups in sorted(compared_places(study, comparison).items())
        ],
        "gates": gates if comparison.factor == "population" else [],
    }


def changes(before: Declaration, after: Declaration) -> list[str]:
    """Return what is different between two declarations, one sentence each.

    Parameters
    ----------
    before, after : Declaration
        The same study at two times.

    Returns
    -------
    list of str
        Like ``interventions[1] ('drug').lot: 'L1' became 'L2'``; empty if both say the same.
        Where a table was put into a list or taken out of it, the others keep what they say.
    """
    return list(_changes("", _said(before), _said(after)))


def _said(study: Declaration) -> dict[str, Any]:
    return study.model_dump(mode="json")


def _changes(path: str, before: Any, after: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            below = f"{path}.{key}" if path else str(key)
            yield from _changes(below, before.get(key), after.get(key))
    elif _are_tables(before, after):
        yield from _changed_tables(path, before, after)
    elif before in (None, "", []):
        yield f"{path}: {_short(after)} was added"
    elif after in (None, "", []):
        yield f"{path}: {_short(before)} was taken out"
    else:
        yield f"{path}: {_short(before)} became {_short(after)}"


def _are_tables(before: object, after: object) -> bool:
    both = (before, after)
    return all(isinstance(one, list) for one in both) and any(
        isinstance(item, Mapping)
        for one in both
        for item in one  # type: ignore[attr-defined]
    )


def _changed_tables(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[str]:
    """Compare two lists of tables; what stands in both is not told however it moved along."""
    texts = [[json.dumps(item, sort_keys=True) for item in one] for one in (before, after)]
    matcher = SequenceMatcher(a=texts[0], b=texts[1], autojunk=False)
    for _, i, i_end, j, j_end in matcher.get_opcodes():
        old, new = list(before[i:i_end]), list(after[j:j_end])
        if old == new:
            continue
        for old_item, number, new_item in _paired(old, new, j):
            yield from _changes(numbered(path, number, name_of(new_item)), old_item, new_item)
        for item in old:
            yield f"{path}: {_short(item)} was taken out"
        for item in new:
            yield f"{path}: {_short(item)} was added"


def _paired(old: list[Any], new: list[Any], first: int) -> Iterator[tuple[Any, int, Any]]:
    """Yield tables that are one table changed, and take them out of both lists."""
    numbers = list(range(first, first + len(new)))
    for item in list(old):
        at = next((k for k, one in enumerate(new) if _is_same(item, one)), None)
        if at is None and len(old) == len(new):
            at = 0
        if at is not None:
            old.remove(item)
            yield item, numbers.pop(at), new.pop(at)


def _is_same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Say whether two tables bear the same name."""
    return any(old.get(key) and old.get(key) == new.get(key) for key in _KEYS)


def _short(value: object) -> str:
    """Return a value as it is declared; of a table only what it says."""
    if isinstance(value, Mapping):
        said = {key: item for key, item in value.items() if item not in (None, "", [], {})}
        return ", ".join(f"{key} {_short(item)}" for key, item in said.items())
    return written(value)
