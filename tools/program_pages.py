"""Pages made from the program itself: its commands, its Python names, its flags."""

import re

import typer
from typer.cli import get_docs_for_click

import livedeath
from livedeath.cli.main import build_app
from livedeath.model.flags import DESCRIPTIONS

RECORDS = (
    "livedeath.review.strip.Strip",
    "livedeath.store.folder.Run",
    "livedeath.run.status.Status",
    "livedeath.installation.Finding",
    "livedeath.statistics.compare.Contrast",
    "livedeath.model.settings.AnalysisSettings",
    "livedeath.simulation.parameters.WorldParameters",
)
"""What the functions of the API take and give beside their own names."""


def commands() -> str:
    """Return every command with its arguments and options, as Markdown."""
    program = typer.main.get_command(build_app())
    context = program.make_context("livedeath", [], resilient_parsing=True)
    text = get_docs_for_click(obj=program, ctx=context, name="livedeath")
    text = re.sub(
        r"^\* `(--help|--install-completion|--show-completion)`.*\n", "", text, flags=re.M
    )
    if "Not available here" in text:
        raise RuntimeError(
            "a command cannot be loaded; build the site where everything is installed"
        )
    # Its list of the commands cuts their sentences short; each command says its own below.
    return text[text.index("\n## ") :].replace("```console\n$ ", "```text\n")


def names() -> str:
    """Return a directive of mkdocstrings for each name of ``livedeath.__all__``."""
    found = [name for name in livedeath.__all__ if name != "__version__"]
    functions = [name for name in found if not isinstance(getattr(livedeath, name), type)]
    kinds = [name for name in found if name not in functions]
    parts = ["## Functions", *map(_directive, functions), "## Classes", *map(_directive, kinds)]
    return "\n\n".join([*parts, "## Records", *map(_plain_directive, RECORDS)])


def _directive(name: str) -> str:
    where = getattr(livedeath, name).__module__
    return f"::: {where}.{name}\n    options:\n      heading: livedeath.{name}"


def _plain_directive(path: str) -> str:
    return f"::: {path}\n    options:\n      heading: {path.rpartition('.')[2]}"


def flags() -> str:
    """Return the table of the flags."""
    rows = [f"| {int(flag)} | `{flag.name}` | {says} |" for flag, says in DESCRIPTIONS.items()]
    return "\n".join(["| bit | flag | means |", "|---|---|---|", *rows])
