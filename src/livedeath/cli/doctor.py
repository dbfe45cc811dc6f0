"""``livedeath doctor``: what is installed, what fits together, what is missing."""

import contextlib
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from livedeath.cli.common import JsonOption, emit

if TYPE_CHECKING:
    from livedeath.installation import Finding

_MARKS = {"ok": "ok     ", "missing": "MISSING", "wrong": "WRONG  "}
_WIDEST = 30
"""Longest name that the column of names makes room for, characters."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor")(doctor)


def doctor(as_json: JsonOption = False) -> None:
    """Say what is installed, what fits together and what is missing."""
    from livedeath.installation import doctor as examined

    with contextlib.redirect_stdout(sys.stderr):  # drivers print
        findings = examined()
    is_ok = all(finding.state != "wrong" for finding in findings)
    emit(
        {"ok": is_ok, "findings": [asdict(finding) for finding in findings]},
        as_json=as_json,
        text=_text(findings),
    )


def _text(findings: "list[Finding]") -> str:
    width = max(len(finding.what) for finding in findings if len(finding.what) < _WIDEST)
    return "\n".join(f"{_MARKS[f.state]} {f.what:{width}}  {f.said}" for f in findings)
