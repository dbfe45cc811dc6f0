"""``livedeath doctor``: what is installed, what fits together, what is missing."""

import contextlib
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from livedeath.cli.common import JsonOption, compiling, emit

if TYPE_CHECKING:
    from livedeath.installation import Finding

_MARKS = {"ok": "ok     ", "missing": "MISSING", "wrong": "WRONG  "}
_WIDEST = 30
"""Longest name that the column of names makes room for, characters."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor")(doctor)


def doctor(
    warm_up: Annotated[
        bool, typer.Option("--warm-up", help="Compile now what the first score compiles, once.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what is installed, what fits together and what is missing."""
    from livedeath.installation import doctor as examined

    with contextlib.redirect_stdout(sys.stderr):  # drivers print
        findings = examined()
    if warm_up:
        findings.append(_warmed_up())
    is_ok = all(finding.state != "wrong" for finding in findings)
    emit(
        {"ok": is_ok, "findings": [asdict(finding) for finding in findings]},
        as_json=as_json,
        text=_text(findings),
    )


def _warmed_up() -> "Finding":
    from livedeath.installation import Finding
    from livedeath.kernels.compiled import folder
    from livedeath.run.warm_up import warm_up

    with compiling() as tell:
        n = warm_up(tell)
    said = f"{n} functions compiled" if n else "all were there"
    return Finding("compiled", "ok", f"{said}, in {folder()}")


def _text(findings: "list[Finding]") -> str:
    width = max(len(finding.what) for finding in findings if len(finding.what) < _WIDEST)
    return "\n".join(f"{_MARKS[f.state]} {f.what:{width}}  {f.said}" for f in findings)
