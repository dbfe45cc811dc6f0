"""``livedeath survival``: survival statistics of a study or of any table of neurons."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit

if TYPE_CHECKING:
    from livedeath.statistics.compare import Contrast
    from livedeath.statistics.declared import Shown
    from livedeath.statistics.estimate import ArmEstimate
    from livedeath.statistics.survival import Survival


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("survival")(survival)


def survival(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="Folder of a study, or a CSV or Parquet table.")
    ],
    group: Annotated[str | None, typer.Option(help="Column of the groups [default: arm].")] = None,
    unit: Annotated[
        str | None,
        typer.Option(
            help="Column of the experimental unit (animal, culture, well) [default: what the "
            "study declares; of a table, unit]."
        ),
    ] = None,
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
    run: Annotated[str | None, typer.Option(help="Name of the run; default: the latest.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="New or empty folder for arms.csv and survival.csv.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Survival per group with intervals and p-values that come from the units.

    The comparisons of a study are those that it declares, as in its report, unless a group,
    unit, block, covariate, control or horizon is named here.
    """
    from livedeath.statistics.survival import survival as estimated

    found = estimated(
        source,
        group=group,
        unit=unit,
        block=block,
        covariates=covariate or (),
        control=control,
        horizon_h=horizon_h,
        endpoint=endpoint,
        run=run,
    )
    result: dict[str, Any] = {"input": source, "run": found.run or None, **found.to_dict()}
    if out is not None:
        result["tables"] = _write(found, out)
    emit(result, as_json=as_json, text=_text(found))


def _write(found: "Survival", folder: Path) -> list[Path]:
    from livedeath.store import durable
    from livedeath.store.tables import write_table

    folder = durable.new_folder(folder)
    durable.make_folder(folder)
    written = [folder / "arms.csv", folder / "survival.csv"]
    write_table(found.arms, written[0])
    write_table(found.curves, written[1])
    return written


def _text(found: "Survival") -> str:
    arms = found.groups
    width = max([5, *(len(arm.group) for arm in arms)]) + 2
    lines = [f"{'group':{width}}units neurons   dead   lost  alive at the end (95 %)"]
    lines += [
        f"{arm.group:{width}}{arm.n_units:5d} {arm.n_neurons:7d} {arm.n_dead:6d} "
        f"{arm.n_lost:6d}  {_said(arm)}"
        for arm in arms
    ]
    for shown in found.comparisons:
        lines += ["", *_comparison(shown)]
    if found.run:
        lines += ["", f"Run {found.run}"]
    return "\n".join(lines)


def _comparison(shown: "Shown") -> list[str]:
    head = f"{shown.name} ({shown.standing}; {shown.details})"
    if shown.refused:
        return [head, f"  {shown.refused}"]
    return [head, *(f"  {_sentence(one)}" for one in shown.results)]


def _said(arm: "ArmEstimate") -> str:
    if not arm.landmarks:
        return "nobody was watched"
    last = arm.landmarks[-1]
    value = last.survival
    interval = "" if value.low is None else f" ({value.low:.3f} to {value.high:.3f})"
    bounds = f", lost dead or not: {last.all_lost_dead:.3f} to {last.no_lost_dead:.3f}"
    return f"{value.value:.3f}{interval} at {last.hours:g} h{bounds if arm.n_lost else ''}"


def _sentence(one: "Contrast") -> str:
    effect = "unknown" if one.effect is None else f"{one.effect:.2f}"
    start = f"{one.group} against {one.control}: death rate x {effect}"
    if one.interval is None or one.p is None:
        return f"{start}. {one.refused}"
    low, high = one.interval
    return f"{start} (95 % interval {low:.2f} to {high:.2f}), p = {one.p:.3g}; {one.method}."
