"""The comparisons that a study declared, computed; without any, all arms, said to be post hoc.

Whether a comparison was fixed beforehand is read from the journal: the declaration stands at
the start of the acquisition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from livedeath.errors import LivedeathError
from livedeath.model.comparison import Comparison as Declared
from livedeath.model.study import Study
from livedeath.statistics.compare import Comparison, compare, default_control
from livedeath.statistics.study import StudyCalls, origin_hours
from livedeath.statistics.table import SurvivalTable
from livedeath.store.declared import AtStart, declared_at_start


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
    results: tuple[Comparison, ...]


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
    return [
        Shown(
            name=f"Each arm against {control}",
            standing="post hoc: the study declares no comparison",
            details=f"unit: {unit}; time from the study's start",
            refused="",
            results=compare(calls.table, control),
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


def _standing(study: Study, declared: Declared, start: AtStart | None) -> str:
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


def _declared(calls: StudyCalls, declared: Declared, start: AtStart | None) -> Shown:
    name = (
        declared.name or f"{', '.join(declared.treated) or 'each arm'} against {declared.control}"
    )
    results: tuple[Comparison, ...] = ()
    refused = ""
    try:
        results = _computed(calls, declared)
    except LivedeathError as error:
        refused = str(error)
    except Exception as error:  # noqa: BLE001 - one comparison must not take the report with it
        refused = f"This comparison could not be computed ({type(error).__name__}: {error})."
    return Shown(
        name, _standing(calls.study, declared, start), _details(declared), refused, results
    )


def _details(declared: Declared) -> str:
    parts = [f"unit: {declared.unit}"]
    if declared.block:
        parts.append(f"within each {declared.block}")
    origin = (
        "the study's start" if declared.origin == "study" else f"the start of {declared.origin}"
    )
    parts.append(f"time from {origin}")
    if declared.horizon_h is not None:
        parts.append(f"up to {declared.horizon_h:g} h")
    if declared.covariates:
        parts.append(f"hazard adjusted for {', '.join(declared.covariates)}")
    return "; ".join(parts)


def _computed(calls: StudyCalls, declared: Declared) -> tuple[Comparison, ...]:
    if calls.endpoint != declared.endpoint:
        raise LivedeathError(
            f"Declared for the endpoint {declared.endpoint}, but this run sensed "
            f"{calls.endpoint}; endpoints are not exchanged for one another."
        )
    table = comparison_table(calls, declared)
    wanted = {declared.control, *declared.treated} if declared.treated else set(table.groups)
    kept = table.take(np.isin(table.group, list(wanted)) & table.at_risk)
    missing = sorted(wanted - set(kept.groups))
    if missing:
        raise LivedeathError(f"No neuron was followed in {', '.join(missing)}.")
    return compare(kept, declared.control, horizon_h=declared.horizon_h)


def comparison_table(calls: StudyCalls, declared: Declared) -> SurvivalTable:
    """Return the survival table of a declared comparison: its group, unit, block, origin."""
    table = calls.survival(
        group=declared.factor,
        unit=declared.unit,
        block=declared.block,
        covariates=_covariates(calls.study, declared),
    )
    if declared.origin == "study":
        return table
    return table.since(origin_hours(calls.study, declared.origin, calls.joined, calls.events))


def _covariates(study: Study, declared: Declared) -> list[str]:
    """Return the covariates' columns; ``fill_at_entry`` is the fill at the first visit."""
    return [
        study.fill.name if name == "fill_at_entry" and study.fill is not None else name
        for name in declared.covariates
    ]
