"""Faults of the command line: what Click found goes in, one sentence in plain words comes out."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from livedeath.errors import command
from livedeath.model.base import decimal_point, known_names

_EXTRA = re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", re.DOTALL)
_CHOICES = re.compile(r"is not one of ('.*')", re.DOTALL)

_NO_END = "an entry has no end: wells that are excluded count no more from --at on"
_INSTEAD = {
    "log": {
        "--from": "the hour is given with --at",
        "--to": _NO_END,
        "--until": _NO_END,
        "--end": _NO_END,
    }
}
"""Options that people look for in vain, by command, and what to do instead."""


def sentence(error: Any, given: Sequence[str]) -> str:  # noqa: ANN401 - Typer's own or Click's
    """Say what is wrong with a command line.

    Parameters
    ----------
    error : ClickException
        As Typer raised it.
    given : sequence of str
        The words of the command line after ``livedeath``.
    """
    cause, option = error.__cause__, getattr(error, "param", None)
    context = getattr(error, "ctx", None)
    if isinstance(cause, ValidationError) and option is not None:
        name = option.opts[0] if option.opts[0].startswith("-") else option.name
        fault = cause.errors(include_url=False)[0]
        return f"{name} is {fault['input']!r}; {_allowed(fault, name, context)}."
    said = str(error.format_message())
    extra = _EXTRA.fullmatch(said)
    if extra:
        return _together(extra[1].split(" "), list(given), context)
    if not said:
        return str(context.get_help()) if context is not None else "see 'livedeath --help'"
    missed = getattr(error, "option_name", "")
    instead = _INSTEAD.get(getattr(context, "info_name", ""), {}).get(missed)
    return f"there is no option {missed}; {instead}." if instead else said


def _allowed(fault: Any, name: str, context: Any) -> str:  # noqa: ANN401 - pydantic's and Click's
    said = str(fault["msg"]).removeprefix("Value error, ").partition(", unable")[0]
    choices = _CHOICES.search(said)
    if choices:
        return known_names(str(fault["input"]), re.findall(r"'([^']*)'", choices[1]))
    if fault["type"] in ("int_parsing", "int_from_float"):
        return "write a whole number"
    if fault["type"] != "float_parsing":
        return f"{said[0].lower()}{said[1:].rstrip('.')}"
    text = str(fault["input"]).strip()
    found = re.fullmatch(r"([+-]?[\d.,]+)\s*([^\d\s.,].*)", text)
    number = found[1] if found else text
    if found and name == "--dose" and "--unit" in _options(context):
        return f"write --dose {decimal_point(number) or number} --unit {_quoted(found[2])}"
    if found:
        return "write the number alone, without unit"
    meant = decimal_point(number)
    return f"write a decimal point: {meant}" if meant else "write a number"


def _quoted(unit: str) -> str:
    """Return a unit as one word of a command line."""
    return command("", unit).split(maxsplit=1)[1]


def _options(context: Any) -> dict[str, Any]:  # noqa: ANN401 - Click's
    return {name: one for one in context.command.params for name in one.opts}


def _together(words: list[str], given: list[str], context: Any) -> str:  # noqa: ANN401 - Click's
    """Say how words are written that stand alone because of a blank."""
    before = given[: given.index(words[0])] if words[0] in given else []
    several = f"'{' '.join(words)}' stands alone"
    option = _options(context).get(before[-2]) if len(before) > 1 else None
    if option is not None and option.multiple:
        each = " ".join(f"{before[-2]} {word}" for word in (before[-1], *words))
        return f"{several}; for more than one repeat the option: {each}."
    whole = " ".join([*before[-1:], *words])
    return f'{several}; put in quotes what belongs together, like "{whole}".'
