"""The comparisons that a study declared, computed; without any, all arms, said to be post hoc.

Whether a comparison was fixed beforehand is read from the journal: the declaration stands at
the start of the acquisition.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from livedeath.errors import LivedeathError
from livedeath.model.comparison import FILL_AT_ENTRY, STUDY_START, Comparison
from livedeath.model.prespecified import lives_in_shared_wells, treated_groups
from livedeath.model.study import Study
from livedeath.statistics.compare import Contrast, compare, default_control
from livedeath.statistics.study import StudyCalls, assigned, origin_hours
from livedeath.statistics.table import SurvivalTable
from livedeath.store.declared import AtStart, declared_at_start

_WHOLE, _SHARE = "_whole_unit", "_share_of_unit"
"""Columns of a unit, and of its share of one population."""


@dataclass(frozen=True)
class Shown:
    """One comparison as it is shown.

    ``standing`` says pre-specified or post hoc and why; ``refused`` why nothing could be
    computed; ``results`` is empty then.
    """

    name: str
    standing: str
    details: str
    refused: str
    results: tuple[Contrast, ...]


def shown_comparisons(
    calls: StudyCalls, entries: Sequence[Mapping[str, Any]], *, unit: str = "well"
) -> list[Shown]:
    """Compute every declared comparison; without any, all arms against the control.

    Parameters
    ----------
    calls : StudyCalls
        A run's calls.
    entries : sequence of dict
        The journal, which says what was declared at the start.
    unit : str
        What the unit is called where the study declares no comparison.
    """
    declared = calls.study.comparisons
    if declared:
        start = declared_at_start(entries)
        return [_declared(calls, one, start) for one in declared]
    arms = calls.table.take(calls.table.at_risk).groups
    if len(arms) < 2:
        return []
    control = control_arm(calls)
    results, refused = _answered(lambda: compare(calls.table, control))
    return [
        Shown(
            name=f"Each arm against {control}",
            standing="post hoc: the study declares no comparison",
            details=f"unit: {unit}; time from the study's start",
            refused=refused,
            results=results,
        )
    ]


def arms_in_order(calls: StudyCalls) -> tuple[str, ...]:
    """Return the arms that have a neuron, control first, then as declared."""
    present = list(dict.fromkeys(calls.joined["arm"].to_list()))
    declared = [arm for arm in dict.fromkeys(calls.study.arms().values()) if arm in present]
    control = control_arm(calls)
    rest = [arm for arm in dict.fromkeys([*declared, *present]) if arm != control]
    return (*([control] if control in present else []), *rest)


def control_arm(calls: StudyCalls) -> str:
    """Return the control: of the first declared comparison, else the one named so."""
    declared = [c for c in calls.study.comparisons if c.factor == "arm"]
    arms = list(dict.fromkeys(calls.calls["arm"].to_list()))
    if declared and declared[0].control in arms:
        return declared[0].control
    return default_control(arms)


def _standing(study: Study, declared: Comparison, start: AtStart | None) -> str:
    """Say whether a comparison was fixed before anything was seen.

    A correction of the declaration that leaves groups, wells, units, blocks and origins of
    this comparison as they were leaves it pre-specified.
    """
    if start is None:
        return "declared in study.toml; the journal does not say since when"
    first = "the first frame"
    if start.by_recording:
        first = "the recording was first scored, after its frames were taken"
    if start.compared(study, declared):
        return f"pre-specified: declared before {first}"
    return f"post hoc: not declared so before {first}"


def _declared(calls: StudyCalls, declared: Comparison, start: AtStart | None) -> Shown:
    return shown_as(calls, declared, _standing(calls.study, declared, start))


def shown_as(calls: StudyCalls, declared: Comparison, standing: str) -> Shown:
    """Compute one comparison, and say of it what it is.

    Parameters
    ----------
    calls : StudyCalls
        A run's calls.
    declared : Comparison
        What is compared, and how.
    standing : str
        Whether it was fixed beforehand.
    """
    name = (
        declared.name or f"{', '.join(declared.treated) or 'each arm'} against {declared.control}"
    )
    results, refused = _answered(lambda: _computed(calls, declared))
    details = _details(calls.study, declared)
    if results and declared.horizon_h is not None:
        last = comparison_table(calls, declared).last_h
        details += f"; watched to {last:g} h" if last < declared.horizon_h else ""
    return Shown(
        name=name,
        standing=standing,
        details=details,
        refused=refused,
        results=results,
    )


def _answered(
    compute: Callable[[], tuple[Contrast, ...]],
) -> tuple[tuple[Contrast, ...], str]:
    """Return the results and an empty text, or none and the reason why."""
    try:
        return compute(), ""
    except LivedeathError as error:
        return (), str(error)
    except Exception as error:  # noqa: BLE001 - one comparison must not take the report with it
        return (), f"This comparison could not be computed ({type(error).__name__}: {error})."


def _details(study: Study, declared: Comparison) -> str:
    parts = [f"unit: {declared.unit}"]
    if declared.block:
        parts.append(f"within each {declared.block}")
    elif lives_in_shared_wells(study, declared):
        parts.append(f"within each {declared.unit}")
    origin = (
        "the study's start" if declared.origin == STUDY_START else f"the start of {declared.origin}"
    )
    parts.append(f"time from {origin}")
    if declared.horizon_h is not None:
        parts.append(f"up to {declared.horizon_h:g} h")
    if declared.covariates:
        parts.append(f"hazard adjusted for {', '.join(declared.covariates)}")
    return "; ".join(parts)


def _computed(calls: StudyCalls, declared: Comparison) -> tuple[Contrast, ...]:
    if calls.endpoint != declared.endpoint:
        raise LivedeathError(
            f"Declared for the endpoint {declared.endpoint}, but this run sensed "
            f"{calls.endpoint}; endpoints are not exchanged for one another."
        )
    table = comparison_table(calls, declared)
    named = {declared.control, *declared.treated}
    wanted = named | set(treated_groups(calls.study, declared))
    kept = table.take(np.isin(table.group, list(wanted)) & table.at_risk)
    missing = sorted(named - set(kept.groups))
    if missing:
        raise LivedeathError(f"No neuron was followed in {', '.join(missing)}.")
    horizon = declared.horizon_h
    if horizon is not None:
        # Nothing is known after a kill, nor after the last visit: no mean is drawn out over it.
        horizon = min(horizon, table.last_h)
    return compare(kept, declared.control, horizon_h=horizon)


def comparison_table(calls: StudyCalls, declared: Comparison) -> SurvivalTable:
    """Return the survival table of a declared comparison: its group, unit, block, origin.

    Populations that live in the same units are compared within them: each unit's share of a
    population counts as a unit, and the unit as the block, unless another is declared.
    """
    unit, block = declared.unit, declared.block
    if lives_in_shared_wells(calls.study, declared):
        whole = assigned(calls.study, calls.calls, unit, _WHOLE)
        share = (whole + "/" + calls.calls["population"]).rename(_SHARE)
        calls = replace(calls, calls=calls.calls.with_columns(whole, share))
        unit, block = _SHARE, block or _WHOLE
    table = calls.survival(
        group=declared.factor,
        unit=unit,
        block=block,
        covariates=_covariates(calls.study, declared),
    )
    if declared.origin == STUDY_START:
        return table
    return table.since(origin_hours(calls.study, declared.origin, calls.joined, calls.events))


def _covariates(study: Study, declared: Comparison) -> list[str]:
    """Return the covariates' columns; ``fill_at_entry`` is the fill at the first visit."""
    return [
        study.fill.name if name == FILL_AT_ENTRY and study.fill is not None else name
        for name in declared.covariates
    ]
