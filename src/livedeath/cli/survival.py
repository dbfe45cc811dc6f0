"""``livedeath survival``: survival statistics of a study or of any table of neurons."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, check_output_folder, emit

if TYPE_CHECKING:
    from livedeath.statistics.compare import Comparison
    from livedeath.statistics.estimate import ArmEstimate, Estimate
    from livedeath.statistics.table import SurvivalTable


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("survival")(survival)


def survival(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="Folder of a study, or a CSV or Parquet table.")
    ],
    group: Annotated[str, typer.Option(help="Column of the groups.")] = "arm",
    unit: Annotated[
        str, typer.Option(help="Column of the experimental unit (animal, culture, well).")
    ] = "unit",
    block: Annotated[
        str | None, typer.Option(help="Column of what was randomised within; pairs the test.")
    ] = None,
    covariate: Annotated[
        list[str] | None, typer.Option(help="Numeric column for the hazard model; repeatable.")
    ] = None,
    control: Annotated[str | None, typer.Option(help="Name of the control group.")] = None,
    horizon_h: Annotated[
        float | None, typer.Option(min=0.0, help="Hour up to which deaths count.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Which endpoint, where there are several.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="New or empty folder for arms.csv and survival.csv.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Survival per group with intervals and p-values that come from the units."""
    from livedeath.statistics.compare import compare
    from livedeath.statistics.estimate import estimate

    columns = {"group": group, "unit": unit, "block": block, "covariates": covariate or []}
    table = _read(source, columns, endpoint)
    target = check_output_folder(out) if out else None
    arms = estimate(table, horizon_h=horizon_h)
    watched = table.take(table.at_risk)
    found = compare(watched, control, horizon_h=horizon_h) if len(watched.groups) > 1 else ()
    result: dict[str, Any] = {
        "input": source,
        **columns,
        "endpoint": table.endpoint,
        "n_neurons": int(table.at_risk.sum()),
        "n_units": len(set(watched.unit)),
        "groups": {arm.group: _group(arm) for arm in arms},
        "comparison": asdict(found[0]) if found else None,
        "comparisons": [asdict(one) for one in found],
    }
    if target is not None:
        result["tables"] = _write(arms, target)
    emit(result, as_json=as_json, text=_text(arms, found))


def _read(source: Path, columns: dict[str, Any], endpoint: str | None) -> "SurvivalTable":
    from livedeath.errors import TableError
    from livedeath.statistics.study import survival_table
    from livedeath.statistics.table import from_frame
    from livedeath.store.folder import StudyFolder
    from livedeath.store.tables import read_table

    calls = source / "calls.parquet"
    scored_table = calls.is_file() and not (source / "study.toml").is_file()
    if scored_table or not source.is_dir():
        named = dict(columns)
        table = read_table(calls if scored_table else source)
        try:
            return from_frame(table, named.pop("group"), **named, endpoint=endpoint)
        except TableError as error:
            raise TableError(f"{source}: {error}") from None
    folder = StudyFolder.open(source)
    return survival_table(folder, folder.run(), **columns, endpoint=endpoint)


def _group(arm: "ArmEstimate") -> dict[str, Any]:
    return {
        "n_units": arm.n_units,
        "n_neurons": arm.n_neurons,
        "n_dead": arm.n_dead,
        "n_lost": arm.n_lost,
        "n_alive": arm.n_alive,
        "n_dead_on_arrival": arm.n_dead_on_arrival,
        "n_without_time": arm.n_without_time,
        "neuron_hours": arm.neuron_hours,
        "horizon_h": arm.horizon_h,
        "survival": [
            {
                "time_h": m.hours,
                **_estimate(m.survival),
                "all_lost_dead": m.all_lost_dead,
                "no_lost_dead": m.no_lost_dead,
                "at_risk": m.at_risk,
            }
            for m in arm.landmarks
        ],
        "rmst_h": _estimate(arm.rmst_h),
        "median_h": _estimate(arm.median_h),
        "lost_weighted_by_p_dead": arm.lost_weighted,
    }


def _estimate(estimate: "Estimate") -> dict[str, float | None]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _write(arms: "tuple[ArmEstimate, ...]", folder: Path) -> list[Path]:
    from livedeath.statistics.tabulate import arms_table, curve_table
    from livedeath.store.tables import write_table

    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "arms.csv", folder / "survival.csv"]
    write_table(arms_table(arms), written[0])
    write_table(curve_table(arms), written[1])
    return written


def _text(arms: "tuple[ArmEstimate, ...]", found: "tuple[Comparison, ...]") -> str:
    width = max([5, *(len(arm.group) for arm in arms)]) + 2
    lines = [f"{'group':{width}}units neurons   dead   lost  alive at the end (95 %)"]
    lines += [
        f"{arm.group:{width}}{arm.n_units:5d} {arm.n_neurons:7d} {arm.n_dead:6d} "
        f"{arm.n_lost:6d}  {_said(arm)}"
        for arm in arms
    ]
    return "\n".join([*lines, "", *(_sentence(one) for one in found)])


def _said(arm: "ArmEstimate") -> str:
    if not arm.landmarks:
        return "nobody was watched"
    last = arm.landmarks[-1]
    value = last.survival
    interval = "" if value.low is None else f" ({value.low:.3f} to {value.high:.3f})"
    bounds = f", lost dead or not: {last.all_lost_dead:.3f} to {last.no_lost_dead:.3f}"
    return f"{value.value:.3f}{interval} at {last.hours:g} h{bounds if arm.n_lost else ''}"


def _sentence(one: "Comparison") -> str:
    effect = "unknown" if one.effect is None else f"{one.effect:.2f}"
    start = f"{one.group} against {one.control}: death rate x {effect}"
    if one.interval is None or one.p is None:
        return f"{start}. {one.refused}"
    low, high = one.interval
    return f"{start} (95 % interval {low:.2f} to {high:.2f}), p = {one.p:.3g}; {one.method}."
