"""What every declared value has in common: frozen, validated, unknown keys refused.

What a person wrote goes in, a value comes out, or one sentence: where, what was given, what is
allowed, what to do.
"""

import difflib
import re
import typing
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from livedeath.errors import StudyError

T = TypeVar("T", bound=BaseModel)

MOST_NAMED = 12
"""So many known names are listed in a sentence; a plate of doses has dozens of arms."""

_WORDS = {
    "greater_than": "it must be more than {gt:g}",
    "greater_than_equal": "it must be {ge:g} or more",
    "less_than": "it must be less than {lt:g}",
    "less_than_equal": "it must be at most {le:g}",
    "finite_number": "write a number that is finite",
    "float_type": "write a number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "string_type": "write a text in quotes",
    "too_long": "write {max_length} of them",
    "too_short": "write at least {min_length}",
    "string_too_short": "write something",
}
"""What is allowed, by the kind of pydantic's fault; its context fills the braces."""

_MOST_HOMES = 2
"""A key that more tables than these know is not sent to one of them."""

_NAMES = ("id", "name", "arm", "compound")
"""Keys by which a person knows a table of a list, the best one first."""

_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()

_AMOUNT = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)?")
"""A number that begins a word, as a dose does; not the one in ``plate2``."""

_UNKNOWN_KEY = "unknown_key"
_OWN = ("value_error", _UNKNOWN_KEY)


class Declared(BaseModel):
    """A frozen value that a person wrote; refuses what it does not know."""

    # Built at the first use: the command line's help declares nothing.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    _not_here: ClassVar[Mapping[str, str]] = {}
    """Keys that people look for here in vain, and what to do instead."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_is_not_meant(cls, data: Any) -> Any:  # noqa: ANN401 - pydantic hands anything in
        """Name the nearest known key, and refuse texts and truth values where numbers belong.

        Pydantic alone would read the text ``"0.5"`` and the word ``true`` as numbers.
        """
        if isinstance(data, dict):
            for key, value in data.items():
                if key not in cls.model_fields:
                    instead = cls._not_here.get(str(key), "")
                    known = instead or known_names(str(key), cls.model_fields)
                    raise PydanticCustomError(
                        _UNKNOWN_KEY,
                        "unknown key {key}; {known}",
                        {"key": repr(key), "known": known, "instead": instead},
                    )
                annotation = cls.model_fields[key].annotation
                if _is_numeric(annotation):
                    _refuse_words(key, value, several=typing.get_origin(annotation) is tuple)
        return data

    def replace(self, **changes: Any) -> Self:  # noqa: ANN401 - any field of any subclass
        """Return a copy with some fields changed, validated anew.

        Raises
        ------
        StudyError
            If the changed value is not allowed.
        """
        return validate(type(self), self.model_dump() | changes, where=type(self).__name__)


def _is_numeric(annotation: Any) -> bool:  # noqa: ANN401 - any type form
    """Say whether only numbers belong here, alone, in a list, or per name."""
    parts = typing.get_args(annotation)
    if typing.get_origin(annotation) is dict:
        return _is_numeric(parts[1])
    inner = [part for part in parts if part not in (type(None), Ellipsis)]
    if inner and typing.get_origin(annotation) is not typing.Literal:
        return all(_is_numeric(part) for part in inner)
    return annotation in (int, float)


def _refuse_words(key: str, value: object, *, several: bool) -> None:
    if several and isinstance(value, str):
        raise ValueError(
            f"{key} is the text {value!r}; write a list of numbers without quotes, like [0, 24]"
        )
    for name, item in _leaves(key, value):
        if isinstance(item, str):
            raise ValueError(
                f"{name} is the text {item!r}; write the number alone, without quotes and unit"
            )
        if isinstance(item, (bool, date, time)):
            raise ValueError(f"{name} is {written(item)}; write a number")


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(f"{name}.{key}", item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(name, item)
    else:
        yield name, value


def written(value: object) -> str:
    """Return a value about as it stands in a declaration, for a message."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(written(item) for item in value)}]"
    return repr(value)


def nearest(given: str, known: Iterable[str], *, alike: float = 0.6) -> str:
    """Return the known name that was probably meant; empty if none is near.

    Parameters
    ----------
    given : str
        What was written.
    known : iterable of str
        What could have been; case, blanks and hyphens count for little. One with another
        amount in it is never meant: 10 uM and 100 uM are two doses.
    alike : float
        How alike the two must be, 0 to 1.
    """
    amounts = _amounts(given)
    plain = {_plain(name): name for name in known if _amounts(name) == amounts}
    near = difflib.get_close_matches(_plain(given), list(plain), n=1, cutoff=alike)
    return plain[near[0]] if near else ""


def _amounts(name: str) -> list[float]:
    return [float(found.replace(",", ".")) for found in _AMOUNT.findall(name)]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", name).casefold())


def known_names(given: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about a name that is not known.

    Parameters
    ----------
    given : str
        What was written.
    known : iterable of str
        What is allowed.
    """
    names = list(dict.fromkeys(known))
    near = nearest(given, names)
    listed = f"known are {listing(names)}" if names else "none is declared"
    return f"perhaps {near!r} is meant; {listed}" if near else listed


def decimal_point(said: str) -> str:
    """Return a number that was written with a comma as it is written with a point.

    Parameters
    ----------
    said : str
        Like ``0,5``; ``1,000`` may mean two numbers, and both are returned with an ``or``.

    Returns
    -------
    str
        Empty if it is no number with one comma.
    """
    found = re.fullmatch(r"([+-]?\d+),(\d+)", said.strip())
    if found is None:
        return ""
    point = f"{found[1]}.{found[2]}"
    thousands = len(found[2]) == 3 and int(found[1]) != 0
    return f"{point} or {found[1]}{found[2]}" if thousands else point


def listing(names: Sequence[str]) -> str:
    """Return names in quotes with commas between them; of many only the first."""
    shown = ", ".join(repr(name) for name in names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"


def validate(model: type[T], data: object, *, where: str) -> T:
    """Build a declared value, turning pydantic's report into one sentence.

    Parameters
    ----------
    model : type
        The class to build.
    data : object
        What was written, usually a dict from TOML.
    where : str
        File or place named in the message.

    Raises
    ------
    StudyError
        With the first fault: where, what was given, what is allowed.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise StudyError(explain(error, where, model, data)) from None


def explain(
    error: ValidationError,
    where: str,
    model: type[BaseModel] | None = None,
    data: object = None,
) -> str:
    """Say the first fault of a validation in one sentence.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    where : str
        File or place named in the message.
    model : type, optional
        What was to be built; with it, a key in the wrong table is sent to its own.
    data : object, optional
        What was written; with it, the tables of a list are told by their names.
    """
    faults = _independent(error.errors(include_url=False))
    first = faults[0]
    place = _place(first["loc"], data)
    sentence = _sentence(first, place)
    if first["type"] == _UNKNOWN_KEY and model is not None and not first["ctx"]["instead"]:
        key = str(first["ctx"]["key"]).strip("'")
        homes = [home for home, part in _tables(model) if home and key in part.model_fields]
        if 0 < len(homes) <= _MOST_HOMES and not nearest(key, _fields_at(model, first["loc"])):
            sentence += f"; {key} belongs in {' or '.join(homes)}"
    more = len(faults) - 1
    tail = f" (and {more} more)" if more else ""
    return f"{where}: {sentence}{tail}."


def _sentence(fault: ErrorDetails, place: str) -> str:
    kind, given = fault["type"], fault.get("input")
    said = str(fault["msg"]).removeprefix("Value error, ")
    if kind in _OWN:
        return f"{place}: {said}" if place else said
    if kind == "missing":
        return f"{place} is missing; add it"
    if kind == "tuple_type" and isinstance(given, dict):
        return f"{place} is one table, and may be several; write [[{place}]] with two brackets"
    if kind in ("model_type", "model_attributes_type") and isinstance(given, list):
        return f"{place} is a list, and there is one only; write [{place}] with one bracket"
    return f"{place} is {written(given)}; {_allowed(kind, given, fault.get('ctx', {}), said)}"


def _allowed(kind: str, given: object, context: Mapping[str, Any], said: str) -> str:
    """Say what is allowed, in plain words where pydantic has its own."""
    if kind == "literal_error":
        found = re.findall(r"'([^']*)'|(\d+)", str(context["expected"]))
        if any(number for _, number in found):
            return f"allowed are {', '.join(number for _, number in found)}"
        return known_names(str(given), [text for text, _ in found])
    if kind == "tuple_type":
        one = f'"{given}"' if isinstance(given, str) else f"{written(given)}, {written(given)}"
        return f"write a list, like [{one}]"
    words = _WORDS.get(kind)
    if words is None:
        return _lower(said).replace("input should be", "it must be")
    return words.format(**context)


def _lower(said: str) -> str:
    return said[:1].lower() + said[1:]


def _independent(faults: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out that a list is too short where only its faulty items were taken away."""
    return [
        fault
        for fault in faults
        if fault["type"] != "too_short"
        or not any(_lies_in(other["loc"], fault["loc"]) for other in faults)
    ]


def _lies_in(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _place(loc: tuple[int | str, ...], data: object) -> str:
    place, here = "", data
    for part in loc:
        here = _inside(here, part)
        if isinstance(part, int):
            place = numbered(place, part, name_of(here))
        else:
            place += f".{part}" if place else str(part)
    return place


def _inside(data: object, part: int | str) -> object:
    """Return what stands at a key or position; None where nothing does."""
    if isinstance(data, Mapping):
        return data.get(part)
    if isinstance(data, (list, tuple)) and isinstance(part, int) and part < len(data):
        return data[part]
    return getattr(data, str(part), None)


def name_of(table: object) -> str:
    """Return by what a person knows one table of a list; empty if it has no name."""
    found = (_inside(table, key) for key in _NAMES)
    return next((str(name) for name in found if name), "")


def numbered(where: str, number: int, name: str = "") -> str:
    """Return the place of one item of a list, as a message names it.

    Parameters
    ----------
    where : str
        The list, like ``comparisons``.
    number : int
        Position from 0, as in a program; the rest says it for a person.
    name : str
        By which a person knows the item.

    Returns
    -------
    str
        Like ``comparisons[0] ('glutamate')``, or ``comparisons[0] (the first)``.
    """
    return f"{where}[{number}] ({repr(name) if name else f'the {_ordinal(number + 1)}'})"


def _ordinal(count: int) -> str:
    if count <= len(_ORDINALS):
        return _ORDINALS[count - 1]
    ending = {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{'th' if count % 100 in (11, 12, 13) else ending}"


def _tables(
    model: type[BaseModel], path: str = "", marks: str = "[{}]"
) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield every table that may be written below a model, as ``[schedule]``, and its model."""
    yield (marks.format(path) if path else ""), model
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None:
            several = typing.get_origin(field.annotation) is tuple
            below = f"{path}.{name}" if path else name
            yield from _tables(inner, below, "[[{}]]" if several else "[{}]")


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type form
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(part) for part in typing.get_args(annotation))
    return next((model for model in inner if model is not None), None)


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys that are known in the table at a place."""
    for part in loc:
        inner = _model_in(model.model_fields[part].annotation) if isinstance(part, str) else model
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)
