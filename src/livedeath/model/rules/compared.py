"""Comparisons: every name in them exists, and unit, block and origin mean what they say.

A comparison that could only be refused, or computed on the wrong unit, when the report is
made is refused here.
"""

from collections import defaultdict
from collections.abc import Iterable

from livedeath.errors import StudyError
from livedeath.model.base import known_names, listing, numbered
from livedeath.model.comparison import FILL_AT_ENTRY, STUDY_START, Comparison
from livedeath.model.declaration import EVERYONE, VESSEL, WELL, Declaration, Place
from livedeath.model.prespecified import (
    compared_places,
    known_groups,
    origin_hour,
    treated_groups,
)
from livedeath.model.rounds import end_h
from livedeath.model.rules.advice import another_block, another_unit
from livedeath.model.rules.wells import some

OTHER_COVARIATES = (FILL_AT_ENTRY, "entry_h")
"""Covariates beside the channels, of which each neuron has a number before it can die."""


def check(study: Declaration) -> None:
    """Refuse comparisons that do not hold for the wells of the study."""
    for number, one in enumerate(study.comparisons):
        where = numbered("comparisons", number, one.name)
        _groups(study, one, where)
        _unit_and_block(study, one, where)
        _origin(study, one, where)
        _endpoint(study, one, where)
        _covariates(study, one, where)


def _groups(study: Declaration, one: Comparison, where: str) -> None:
    known = known_groups(study, one.factor)
    if not set(known) - {EVERYONE}:
        needs = {"genotype": "an entity with wells a genotype", "population": "[[populations]]"}
        raise StudyError(
            f"{where}.factor is {one.factor!r}, but the study declares none; give "
            f"{needs.get(one.factor, 'wells an intervention')}, or compare by 'arm'"
        )
    if one.factor == "genotype":
        _refuse_no_genotype(study, one, where)
    for key, names in (("control", (one.control,)), ("treated", one.treated)):
        for name in names:
            if name not in known:
                raise StudyError(
                    f"{where}.{key} is {name!r}, which is no {one.factor} of this study; "
                    f"{known_names(name, known)}"
                )
    if one.control in one.treated:
        raise StudyError(
            f"{where}.treated names {one.control!r}, which is the control; leave it out there"
        )
    twice = [name for name in one.treated if one.treated.count(name) > 1]
    if twice:
        raise StudyError(f"{where}.treated names {twice[0]!r} twice; leave one out")
    if not treated_groups(study, one):
        raise StudyError(
            f"{where}: {one.control!r} is the only {one.factor}, so there is nothing to compare it "
            f"with; declare another"
        )


def _refuse_no_genotype(study: Declaration, one: Comparison, where: str) -> None:
    """Refuse that a well stays out of a comparison of genotypes because nobody named it."""
    without = [place for place, groups in study.groups("genotype").items() if not groups]
    if without:
        kind = one.unit if one.unit not in (WELL, VESSEL) else "entity"
        raise StudyError(
            f"{where}.factor is 'genotype', but none is declared for "
            f"{some(_names(study, without))}; add them to the wells of the {kind} they are from, "
            f"or give that one a genotype"
        )


def _names(study: Declaration, places: Iterable[Place]) -> tuple[str, ...]:
    return tuple(study.well_name(*place) for place in places)


def _unit_and_block(study: Declaration, one: Comparison, where: str) -> None:
    places = compared_places(study, one)
    units = _assigned(study, one.unit, places, f"{where}.unit")
    blocks = None if one.block is None else _assigned(study, one.block, places, f"{where}.block")
    if one.factor != "population":
        _refuse_units_of_two_groups(study, one, places, units, where)
    if blocks is not None:
        _refuse_units_of_two_blocks(one, units, blocks, where)
        _refuse_blocks_of_one_group(study, one, places, blocks, where)


def _assigned(
    study: Declaration, kind: str, places: dict[Place, tuple[str, ...]], where: str
) -> dict[Place, str]:
    """Return which unit of a kind each compared well is of; refuse where that is not one."""
    if kind not in study.unit_kinds:
        raise StudyError(
            f"{where} is {kind!r}, which is no kind of unit here{_what_it_is(study, kind)}; "
            f"{known_names(kind, study.unit_kinds)}"
        )
    key = where.rpartition(".")[2]
    members = study.members(kind)
    without = _names(study, [place for place in places if not members[place]])
    if without:
        ids = [entity.id for entity in study.entities if entity.kind == kind]
        raise StudyError(
            f"{where} is {kind!r}, but none is declared for {some(without)}, so each well would "
            f"count as one of its own; add them to the wells of {listing(ids)} or another one, or "
            f"give the entities there a parent"
        )
    for place in places:
        if len(members[place]) > 1:
            raise StudyError(
                f"{where} is {kind!r}, but by the entities {study.well_name(*place)} is of "
                f"{listing(members[place])}; give each well one {kind}, or declare what was pooled "
                f"as an entity of its own, like a {_pool(kind)}, and write {key} = {_pool(kind)!r}"
            )
    return {place: members[place][0] for place in places}


def _pool(kind: str) -> str:
    """Return the kind of entity as which a pool of others is declared."""
    return "batch" if kind == "culture" else "culture"


def _what_it_is(study: Declaration, name: str) -> str:
    """Say what was named in place of its kind; empty if nothing is called so."""
    kinds = {entity.id: entity.kind for entity in study.entities}
    if name in kinds:
        return f", but the name of one {kinds[name]}"
    return ", but the name of a vessel" if name in [v.id for v in study.vessels] else ""


def _refuse_units_of_two_groups(
    study: Declaration,
    one: Comparison,
    places: dict[Place, tuple[str, ...]],
    units: dict[Place, str],
    where: str,
) -> None:
    held: dict[str, dict[str, str]] = defaultdict(dict)
    for place, groups in places.items():
        for group in groups:
            held[units[place]].setdefault(group, study.well_name(*place))
    for unit, groups_of_unit in held.items():
        if len(groups_of_unit) > 1:
            (first, at), (second, there) = list(groups_of_unit.items())[:2]
            raise StudyError(
                f"{where}.unit is {one.unit!r}, but {unit!r} lies in two {one.factor}s: {first!r} "
                f"in {at} and {second!r} in {there}; a unit is of one {one.factor} as a whole, so "
                f"{another_unit(study, one, places, {first, second})}"
            )


def _refuse_units_of_two_blocks(
    one: Comparison, units: dict[Place, str], blocks: dict[Place, str], where: str
) -> None:
    seen: dict[str, str] = {}
    for place, unit in units.items():
        before = seen.setdefault(unit, blocks[place])
        if before != blocks[place]:
            raise StudyError(
                f"{where}.block is {one.block!r}, but {one.unit} {unit!r} lies in two of them, "
                f"{before!r} and {blocks[place]!r}; a block must hold its units whole, so leave "
                f"block out"
            )


def _refuse_blocks_of_one_group(
    study: Declaration,
    one: Comparison,
    places: dict[Place, tuple[str, ...]],
    blocks: dict[Place, str],
    where: str,
) -> None:
    held: dict[str, set[str]] = defaultdict(set)
    for place, groups in places.items():
        held[blocks[place]].update(groups)
    for block, groups_of_block in held.items():
        if one.control not in groups_of_block or len(groups_of_block) < 2:
            only = listing(sorted(groups_of_block))
            raise StudyError(
                f"{where}.block is {one.block!r}, but {block!r} holds only {only} of what is "
                f"compared, {another_block(study, one, places)}"
            )


def _origin(study: Declaration, one: Comparison, where: str) -> None:
    origin_h = 0.0
    if one.origin != STUDY_START:
        arms = tuple(dict.fromkeys(study.arms().values()))
        if one.origin not in arms:
            raise StudyError(
                f"{where}.origin is {one.origin!r}, which is neither the study's start nor an "
                f"arm; {known_names(one.origin, (STUDY_START, *arms))}"
            )
        found = origin_hour(study, one)
        if found is None:
            raise StudyError(
                f"{where}.origin is {one.origin!r}, an arm without an intervention, so it has no "
                f"start; write 'study', or the arm whose start counts as hour 0"
            )
        origin_h = found
    left_h = end_h(study) - origin_h
    if one.horizon_h is not None and one.horizon_h > left_h:
        since = "" if origin_h == 0 else f", {left_h:g} h after the start of {one.origin!r}"
        raise StudyError(
            f"{where}.horizon_h is {one.horizon_h:g}, but the study ends at {end_h(study):g} h"
            f"{since}; shorten it, or leave it out"
        )


def _endpoint(study: Declaration, one: Comparison, where: str) -> None:
    sensed = study.endpoint
    if one.endpoint != sensed:
        shown = "has an indicator" if study.indicators else "has no channel of role 'indicator'"
        raise StudyError(
            f"{where}.endpoint is {one.endpoint!r}, but the study {shown} and senses {sensed!r}; "
            f"write endpoint = {sensed!r}"
        )


def _covariates(study: Declaration, one: Comparison, where: str) -> None:
    channels = {channel.name: channel for channel in study.channels}
    known = (*OTHER_COVARIATES, *channels)
    for name in one.covariates:
        if name not in known:
            raise StudyError(
                f"{where}.covariates names {name!r}, of which no neuron has a number; "
                f"{known_names(name, known)}"
            )
        if one.covariates.count(name) > 1:
            raise StudyError(f"{where}.covariates names {name!r} twice; leave one out")
        channel = study.fill if name == FILL_AT_ENTRY else channels.get(name)
        if name == FILL_AT_ENTRY and channel is None:
            raise StudyError(
                f"{where}.covariates names {name!r}, but no channel has the role 'fill'; leave it "
                f"out"
            )
        if channel is not None and channel.wells:
            taken = set(study.places_of(None, channel.wells))
            blind = _names(study, [p for p in compared_places(study, one) if p not in taken])
            if blind:
                raise StudyError(
                    f"{where}.covariates names {name!r}, but {channel.name!r} is not taken in "
                    f"{some(blind)}; take it there, or leave the covariate out"
                )
