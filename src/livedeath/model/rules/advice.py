"""What a comparison could be made by instead, where its unit or block cannot be.

A declaration and the compared wells go in, words that tell the way out come out. A unit is
what the groups were really given to: wells for what was pipetted into them, but for a
genotype the animal (or culture) that has it, of which every well is only a sample.
"""

from collections.abc import Mapping

from livedeath.model.comparison import Comparison
from livedeath.model.declaration import VESSEL, WELL, Declaration, Place

Groups = Mapping[Place, tuple[str, ...]]
"""The compared wells, each with its groups."""


def another_unit(study: Declaration, one: Comparison, places: Groups, pair: set[str]) -> str:
    """Say by which unit to compare where the declared one lies in two groups.

    Parameters
    ----------
    study : Declaration
        What else is declared.
    one : Comparison
        Its unit lies in two groups.
    places : dict of (vessel, well) to tuple of str
        The compared wells, each with its groups.
    pair : set of str
        Two groups that hold a part of one unit each.
    """
    bred = _genotypes_of_groups(study, places)
    inborn = len(set(bred.values())) > 1
    if inborn and len({bred[group] for group in pair}) == 1:
        return "compare the arms of one genotype at a time: name those with treated"
    kind = _coarsest(study, places, entities_only=inborn)
    if not kind:
        return (
            "declare what has the genotype as entities of one kind, like 'animal', with their "
            "wells, and write that kind as unit"
        )
    block = ""
    if _nested(study, kind, one.unit, places) and _can_block(study, one, one.unit, places):
        block = f" with block = {one.unit!r}"
    return f"write unit = {kind!r}{block}"


def another_block(study: Declaration, one: Comparison, places: Groups) -> str:
    """Say what to do where a declared block holds one of the groups only.

    Parameters
    ----------
    study : Declaration
        What else is declared.
    one : Comparison
        Its block does not hold the control and another group.
    places : dict of (vessel, well) to tuple of str
        The compared wells, each with its groups.
    """
    given = str(one.block)
    usable = [
        kind
        for kind in study.unit_kinds
        if kind not in (WELL, one.unit)
        and _covers(study, kind, places)
        and _nested(study, one.unit, kind, places)
        and _can_block(study, one, kind, places)
    ]
    inborn = len(set(_genotypes_of_groups(study, places).values())) > 1
    if _of_one_group(study, given, places) and not (inborn and given == VESSEL):
        whole = f"as every {given} is of one {one.factor} as a whole; write unit = {given!r}"
        above = [kind for kind in usable if _nested(study, given, kind, places)]
        return f"{whole} with block = {above[0]!r}" if above else f"{whole} and leave block out"
    if usable:
        return f"so nothing can be compared within it; write block = {usable[0]!r}"
    way = (
        "leave block out"
        if one.unit != WELL
        else "give its wells an arm of their own, and name with treated the arms to compare"
    )
    return f"so nothing can be compared within it; declare wells of both for it, or {way}"


def _genotypes_of_groups(study: Declaration, places: Groups) -> dict[str, frozenset[str]]:
    genotypes = study.genotypes()
    names = {group for groups in places.values() for group in groups}
    return {
        name: frozenset(genotypes[place] for place, groups in places.items() if name in groups)
        for name in names
    }


def _coarsest(study: Declaration, places: Groups, *, entities_only: bool) -> str:
    """Return the kind with the fewest units that cover the wells and lie in one group each."""
    # Of two kinds that are the same wells an entity says more than a vessel, and that than a well.
    entities = [kind for kind in study.unit_kinds if kind not in (WELL, VESSEL)]
    kinds = [
        kind
        for kind in (*entities, *(() if entities_only else (VESSEL, WELL)))
        if _covers(study, kind, places) and _of_one_group(study, kind, places)
    ]
    return min(kinds, key=lambda kind: len(set(_units(study, kind, places))), default="")


def _units(study: Declaration, kind: str, places: Groups) -> list[str]:
    members = study.members(kind)
    return [members[place][0] for place in places]


def _covers(study: Declaration, kind: str, places: Groups) -> bool:
    members = study.members(kind)
    return all(len(members[place]) == 1 for place in places)


def _of_one_group(study: Declaration, kind: str, places: Groups) -> bool:
    return all(len(groups) == 1 for groups in _held(study, kind, places).values())


def _can_block(study: Declaration, one: Comparison, kind: str, places: Groups) -> bool:
    """Say whether there are several units of a kind, each with the control and another group."""
    held = _held(study, kind, places).values()
    return len(held) > 1 and all(one.control in groups and len(groups) > 1 for groups in held)


def _held(study: Declaration, kind: str, places: Groups) -> dict[str, set[str]]:
    held: dict[str, set[str]] = {}
    for unit, groups in zip(_units(study, kind, places), places.values(), strict=True):
        held.setdefault(unit, set()).update(groups)
    return held


def _nested(study: Declaration, inner: str, outer: str, places: Groups) -> bool:
    """Say whether each unit of one kind lies whole in one unit of another."""
    pairs = set(zip(_units(study, inner, places), _units(study, outer, places), strict=True))
    return len(pairs) == len({unit for unit, _ in pairs})
