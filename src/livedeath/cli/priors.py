"""``livedeath priors``: what a study learnt, for the next one."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit
from livedeath.errors import StudyError


class What(StrEnum):
    """What can be done with priors."""

    export = "export"
    show = "show"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("priors")(priors)


def priors(
    what: Annotated[What, typer.Argument(help="Write a file, or say what is known.")],
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|FILE", help="Folder of a scored study or table; to show, also a file."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="export: file to write, new; default: NAME-priors.json, here."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write what a study learnt to a file for the next one, or show it."""
    from livedeath.run.priors import export_priors, read_priors

    if what is What.export:
        written = export_priors(source, out=out)
        text = (
            f"{written} is written; name it as priors under [analysis] of the next study, or with "
            "'livedeath score … --priors'."
        )
        emit({"study": source, "priors": written}, as_json=as_json, text=text)
        return
    if out is not None:
        raise StudyError(f"{source}: --out belongs to 'livedeath priors export'; leave it out.")
    found = read_priors(source)
    emit(found, as_json=as_json, text=_text(found))


def _text(found: dict[str, Any]) -> str:
    rows = [
        ("Endpoint", found["endpoint"].replace("_", " ")),
        ("Rests on", f"{found['neuron_days']:.0f} neuron-days, {found['deaths']:.0f} deaths"),
        ("Noise", f"{found['noise_percent']:.1f} % of the level, beyond photons"),
        (
            "Drift",
            f"{found['drift_percent']:.1f} % of the level over {found['drift_memory_h']:g} h",
        ),
        ("Outliers", f"{found['outliers_per_1000_values']:.2g} per 1,000 values"),
        ("Deaths", f"to {found['fold']:.2g} times the level in {found['rise_h']:.2g} h, typically"),
        *(("Transients", _transient(one)) for one in found["transients"]),
    ]
    return "\n".join(f"{name:12}{said}" for name, said in rows)


def _transient(one: dict[str, float]) -> str:
    return (
        f"{one['per_neuron_day']:.2g} per neuron-day of {100 * one['height']:+.0f} %, "
        f"decaying in {one['decay_h']:g} h"
    )
