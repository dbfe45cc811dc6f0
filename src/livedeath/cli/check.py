"""``livedeath check``: read a study over and say what it will cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit

if TYPE_CHECKING:
    from livedeath.api.check import Checked
    from livedeath.model.dry_run import DryRun
    from livedeath.model.study import Study


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("check")(check)


def check(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of the study, or its study.toml.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Validate DIR/study.toml and make a dry run."""
    from livedeath.api.check import check as checked

    found = checked(folder)
    emit(found.to_dict(), as_json=as_json, text=_text(found))


def _text(found: "Checked") -> str:
    lines = [found.study.title, "", *_cost_lines(found.cost), "", "Arms"]
    for arm, entry in found.arms.items():
        lines.append(f"  {arm:28}{len(entry['wells'])} wells, {len(entry['units'])} units")
    for heading, rows in _sections(found.study):
        if rows:
            lines += ["", heading, *(f"  {row}" for row in rows)]
    lines += ["", *(f"Note: {said}." for said in found.warnings)]
    return "\n".join(lines)


def _cost_lines(cost: "DryRun") -> list[str]:
    pause = "" if cost.interval_s is None else f" of {cost.interval_s:.0f} s"
    return [
        f"Frames            {cost.frames} in {cost.fields} fields, {cost.rounds} rounds",
        f"Duration          {cost.hours:.1f} h; a round takes {cost.round_s:.0f} s{pause}",
        f"Disk              {cost.gigabytes:.2f} GB before compression",
        f"Light             {cost.light_ms_per_field:.0f} ms per field",
        f"Deaths expected   about {cost.expected_deaths:.0f}, "
        f"of them false about {cost.expected_false_deaths:.2g}",
    ]


def _sections(study: "Study") -> list[tuple[str, list[str]]]:
    """List everything else that is declared, also what later parts will use."""
    return [
        ("Vessels", [_said(v) for v in study.vessels]),
        ("Channels", [_said(c) for c in study.channels]),
        ("Sessions", [_said(s) for s in study.sessions]),
        ("Optics changed", [_said(c) for c in study.optics.changes]),
        ("Entities", [_said(e) for e in study.entities]),
        ("Populations", [_said(p) for p in study.populations]),
        ("Interventions", [_said(i) for i in study.interventions]),
        ("Comparisons", [_said(c) for c in study.comparisons]),
        ("Exclusions", [_said(e) for e in study.exclusions]),
        ("End-kill", [_said(study.end_kill)] if study.end_kill else []),
    ]


def _said(declared: Any) -> str:  # noqa: ANN401 - any declared value
    said = declared.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    return ", ".join(f"{key} {_short(value)}" for key, value in said.items())


def _short(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
