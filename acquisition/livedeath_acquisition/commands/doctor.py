"""``livedeath doctor``: what is installed, what fits together, what is missing."""

import contextlib
import sys
from dataclasses import asdict

import typer

from livedeath.cli.common import JsonOption, emit
from livedeath_acquisition.doctor import Finding, examine

_MARKS = {"ok": "ok     ", "missing": "MISSING", "wrong": "WRONG  "}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("doctor")(doctor)


def doctor(as_json: JsonOption = False) -> None:
    """Say what is installed, what fits together and what is missing."""
    with contextlib.redirect_stdout(sys.stderr):  # drivers print
        findings = examine()
    is_ok = all(finding.state != "wrong" for finding in findings)
    emit(
        {"ok": is_ok, "findings": [asdict(finding) for finding in findings]},
        as_json=as_json,
        text=_text(findings),
    )


def _text(findings: list[Finding]) -> str:
    width = max(len(finding.what) for finding in findings if len(finding.what) < 30)
    return "\n".join(f"{_MARKS[f.state]} {f.what:{width}}  {f.said}" for f in findings)
