"""What is allowed and still doubtful: said by ``livedeath check``, never refused.

A study and its dry run go in, sentences come out; none if nothing is doubtful.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from livedeath.model.base import listing, name_of, numbered, written
from livedeath.model.declaration import Place
from livedeath.model.dry_run import DryRun
from livedeath.model.light import frame_light_ms
from livedeath.model.prespecified import compared_places
from livedeath.model.rounds import round_hours
from livedeath.model.rules.wells import some
from livedeath.model.study import Study

SMALLEST_SOMA_PX = 4.0
"""Pixels across a soma below which it is rather the camera's own pixel that was declared."""

_ATE_A_BACKSLASH = re.compile(r"[A-Za-z]:[\t\n\r\b\f]")
"""What becomes of a Windows path in double quotes: C:\\new has a line end in it."""


def doubts(study: Study, cost: DryRun) -> list[str]:
    """Return what a person should look at again before the first frame.

    Parameters
    ----------
    study : Study
        The declaration.
    cost : DryRun
        Of the same study.
    """
    found = [
        *_few_units(study),
        *_wells_of_one_animal(study),
        *_nothing_left(study),
        *_measurement(study),
        *_light(study, cost),
        *_stage(study),
        *_paths("", study.model_dump(mode="json")),
    ]
    if cost.expected_false_deaths > 0.1 * max(cost.expected_deaths, 1e-9):
        found.append("more than a tenth of the deaths may be false; ask for fewer false alarms")
    return found


def disk_doubt(cost: DryRun, free_gb: float, floor_gb: float) -> str:
    """Say that the frames will not fit on the disk; empty if they will.

    Parameters
    ----------
    cost : DryRun
        Before compression.
    free_gb, floor_gb : float
        What is free where the study lies, and what must stay free (``policies.disk_floor_gb``).
    """
    if cost.gigabytes <= free_gb - floor_gb:
        return ""
    return (
        f"the frames take {cost.gigabytes:,.1f} GB before compression, and {free_gb:,.1f} GB are "
        f"free on this disk, of which {floor_gb:g} GB stay free; make room, or visit less"
    )


def _wells_of_one_animal(study: Study) -> Iterator[str]:
    """Doubt genotypes compared by well: it is the animal that has one, not its wells."""
    for one in study.comparisons:
        if one.factor != "genotype" or one.unit != "well":
            continue
        wells: dict[tuple[str, str], list[Place]] = defaultdict(list)
        for place in compared_places(study, one):
            owner = next((e for e in study.ancestry(*place) if e.genotype), None)
            if owner is not None:
                wells[owner.kind, owner.id].append(place)
        shared = [(kind, name) for (kind, name), places in wells.items() if len(places) > 1]
        if shared:
            kind, name = shared[0]
            yield (
                f"the comparison {one.name or one.control!r} of genotypes takes wells as units, "
                f"and {len(wells[kind, name])} wells are of one {kind} ({name!r}), so they are no "
                f"independent units; write unit = {kind!r}"
            )


def _few_units(study: Study) -> Iterator[str]:
    if not study.comparisons:
        return
    units = study.units()
    wells: dict[str, list[Place]] = defaultdict(list)
    for place, arm in study.arms().items():
        wells[arm].append(place)
    few = [
        f"{arm} ({some(tuple(well for _, well in places))})"
        for arm, places in wells.items()
        if len({units[place] for place in places}) < 2
    ]
    if few:
        yield f"fewer than two units in {', '.join(few)}: no p-value can be given"


def _nothing_left(study: Study) -> Iterator[str]:
    """Name groups of a comparison whose every well is excluded from the first visit on."""
    first = round_hours(study)[0]
    out = {
        place
        for rule in study.exclusions
        if rule.from_h <= first
        for place in study.places_of(rule.vessel, rule.wells)
    }
    for number, one in enumerate(study.comparisons if out else ()):
        places = compared_places(study, one)
        left = {group for place, groups in places.items() if place not in out for group in groups}
        gone = [g for groups in places.values() for g in groups if g not in left]
        if gone:
            yield (
                f"the exclusions leave no well of {listing(list(dict.fromkeys(gone)))}, so "
                f"{numbered('comparisons', number, one.name)} cannot be computed"
            )


def _measurement(study: Study) -> Iterator[str]:
    if study.optics.camera.gain_e_per_adu is None:
        yield "the camera is not calibrated: intensities will not be electrons"
    if study.end_kill is None:
        yield "no end-kill: the study will not know its own sensitivity"
    soma_um = study.analysis.expected_soma_um
    for pixel_um in sorted({study.optics.of(k).pixel_size_um for k in _acquisitions(study)}):
        if soma_um / pixel_um < SMALLEST_SOMA_PX:
            yield (
                f"a soma of {soma_um:g} um is {soma_um / pixel_um:.1f} pixels of {pixel_um:g} um; "
                f"pixel_size_um is the size in the specimen, not on the camera's chip"
            )
    if len(study.indicators) > 1:
        names = [channel.name for channel in study.indicators]
        yield f"of the indicators {listing(names)} deaths are called by {names[0]!r} only"
    yield from _objectives(study)


def _acquisitions(study: Study) -> range:
    return range(len(study.optics.changes) + 1)


def _objectives(study: Study) -> Iterator[str]:
    for before, after in pairwise(study.optics.of(k) for k in _acquisitions(study)):
        changed = before.objective and before.objective != after.objective
        if changed and before.pixel_size_um == after.pixel_size_um:
            yield (
                f"the objective becomes {after.objective} and pixel_size_um stays "
                f"{after.pixel_size_um:g}; give the new one if it differs"
            )


def _light(study: Study, cost: DryRun) -> Iterator[str]:
    budget = study.light.budget_ms_per_field
    if budget is None or cost.light_ms_per_field <= budget:
        return
    visit = sum(map(frame_light_ms, study.channels)) * len(study.focus.planes_um)
    none = f", less than the {visit:g} ms of one visit" if budget < visit else ""
    yield (
        f"light of {cost.light_ms_per_field:.0f} ms per field is over the budget of {budget:g} ms"
        f"{none}; {cost.frames_beyond_light} of {cost.frames} frames will be missed"
    )


def _stage(study: Study) -> Iterator[str]:
    loaded = {session.vessel for session in study.sessions}
    for vessel in study.vessels:
        if not vessel.sites and vessel.origin_um == (0.0, 0.0):
            yield (
                f"{vessel.id} has no origin_um: on a microscope the stage must read (0, 0) at "
                f"A1's centre"
            )
        if loaded and vessel.id not in loaded:
            yield f"{vessel.id} has no session, so it counts as on the stage all the time"


def _paths(where: str, said: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Find texts in which a backslash became a tab or a line end without anyone noticing."""
    if isinstance(said, Mapping):
        for key, item in said.items():
            yield from _paths(f"{where}.{key}" if where else key, item)
    elif isinstance(said, list):
        for number, item in enumerate(said):
            yield from _paths(numbered(where, number, name_of(item)), item)
    elif isinstance(said, str) and _ATE_A_BACKSLASH.search(said):
        yield (
            f"{where} reads {written(said)}: a backslash was taken for a control character; write "
            f"paths in single quotes"
        )
