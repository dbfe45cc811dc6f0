"""The comparisons that a study declared, computed; without any, one that says post hoc.

Whether a comparison was fixed beforehand is read from the journal: the study's fingerprint
stands at the start of the acquisition.
"""

from dataclasses import dataclass

import numpy as np

from livedeath.errors import LivedeathError
from livedeath.model.timing import Comparison as Declared
from livedeath.reporting.material import Material
from livedeath.reporting.sensitivity import control_arm
from livedeath.statistics import study as joined
from livedeath.statistics.compare import Comparison, compare
from livedeath.statistics.table import SurvivalTable


@dataclass(frozen=True)
class Shown:
    """One comparison of the report.

    ``standing`` says pre-specified or post hoc and why; ``refused`` why nothing could be
    computed; ``results`` is empty then.
    """

    name: str
    standing: str
    details: str
    refused: str
    results: tuple[Comparison, ...]


def shown_comparisons(material: Material) -> list[Shown]:
    """Compute every declared comparison; without any, all arms against the control."""
    declared = material.study.comparisons
    if declared:
        standing = _standing(material)
        return [_declared(material, one, standing) for one in declared]
    arms = material.table.take(material.table.at_risk).groups
    if len(arms) < 2:
        return []
    control = control_arm(material)
    return [
        Shown(
            name=f"Each arm against {control}",
            standing="post hoc: the study declares no comparison",
            details=f"unit: {_unit_of(material)}; time from the study's start",
            refused="",
            results=compare(material.table, control),
        )
    ]


def _unit_of(material: Material) -> str:
    return "as the table says" if material.from_table else "well"


def _standing(material: Material) -> str:
    started = [
        entry.get("fingerprint")
        for entry in material.entries
        if entry.get("kind") == "acquisition" and entry.get("fingerprint")
    ]
    if started and started[0] == material.study.fingerprint:
        return "pre-specified: declared before the first frame"
    if started:
        return "post hoc: study.toml was changed after the first frame"
    return "declared in study.toml; the journal does not say since when"


def _declared(material: Material, declared: Declared, standing: str) -> Shown:
    name = (
        declared.name or f"{', '.join(declared.treated) or 'each arm'} against {declared.control}"
    )
    try:
        results = _computed(material, declared)
        refused = ""
    except LivedeathError as error:
        results, refused = (), str(error)
    return Shown(name, standing, _details(declared), refused, results)


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


def _computed(material: Material, declared: Declared) -> tuple[Comparison, ...]:
    if material.endpoint != declared.endpoint:
        raise LivedeathError(
            f"Declared for the endpoint {declared.endpoint}, but this run sensed "
            f"{material.endpoint}; endpoints are not exchanged for one another."
        )
    table = comparison_table(material, declared)
    wanted = {declared.control, *declared.treated} if declared.treated else set(table.groups)
    kept = table.take(np.isin(table.group, list(wanted)) & table.at_risk)
    missing = sorted(wanted - set(kept.groups))
    if missing:
        raise LivedeathError(f"No neuron was followed in {', '.join(missing)}.")
    return compare(kept, declared.control, horizon_h=declared.horizon_h)


def comparison_table(material: Material, declared: Declared) -> SurvivalTable:
    """Return the survival table of a declared comparison: its group, unit, block, origin."""
    base = material.calls.drop("arm", "unit", "block", "genotype")
    calls = joined.joined_calls(
        material.study, base, material.traces, unit=declared.unit, block=declared.block
    )
    table = joined.ended(
        calls,
        material.traces,
        material.happened,
        group=declared.factor,
        block="block" if declared.block else None,
        covariates=_covariates(material, declared),
    )
    origin = joined.origin_hours(material.study, declared, calls, material.happened)
    return table.since(origin) if declared.origin != "study" else table


def _covariates(material: Material, declared: Declared) -> list[str]:
    """Return the covariates' columns; ``fill_at_entry`` is the fill at the first visit."""
    fill = material.study.fill
    return [
        fill.name if name == "fill_at_entry" and fill is not None else name
        for name in declared.covariates
    ]
