"""What every declared value has in common: frozen, validated, unknown keys refused."""

import difflib
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from livedeath.errors import StoreError, StudyError

T = TypeVar("T", bound=BaseModel)


class Declared(BaseModel):
    """A frozen value that a person wrote; refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:  # noqa: ANN401 - pydantic hands anything in
        """Name the nearest known key, which pydantic's own message does not."""
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    raise ValueError(_unknown_key(str(key), sorted(cls.model_fields)))
        return data

    def replace(self, **changes: Any) -> Self:  # noqa: ANN401 - any field of any subclass
        """Return a copy with some fields changed, validated anew.

        Raises
        ------
        StudyError
            If the changed value is not allowed.
        """
        return validate(type(self), self.model_dump() | changes, where=type(self).__name__)


def _unknown_key(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"perhaps {near[0]!r} is meant" if near else f"known keys are {', '.join(known)}"
    return f"unknown key {key!r}; {hint}"


def read_toml_file(path: Path | str, *, missing: str) -> str:
    """Return the text of a declaration.

    Parameters
    ----------
    path : Path or str
        A UTF-8 file.
    missing : str
        What to do when there is no such file.

    Raises
    ------
    StoreError
        If there is no such file or it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise StoreError(f"{path}: there is no such file; {missing}.") from None
    except UnicodeDecodeError:
        raise StoreError(f"{path}: the file is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}).") from None


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
        raise StudyError(explain(error, where)) from None


def explain(error: ValidationError, where: str) -> str:
    """Say the first fault of a validation in one sentence.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    where : str
        File or place named in the message.
    """
    faults = _independent(error.errors(include_url=False))
    first = faults[0]
    place = _place(first["loc"])
    said = str(first["msg"]).removeprefix("Value error, ")
    given = first.get("input")
    if first["type"] == "value_error":
        sentence = f"{place}: {said}" if place else said
    elif first["type"] == "missing":
        sentence = f"{place} is missing; add it"
    else:
        sentence = f"{place} is {given!r}; {said[0].lower()}{said[1:]}"
    more = len(faults) - 1
    tail = f" (and {more} more)" if more else ""
    return f"{where}: {sentence}{tail}."


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


def _place(loc: tuple[int | str, ...]) -> str:
    place = ""
    for part in loc:
        if isinstance(part, int):
            place += f"[{part}]"
        else:
            place += f".{part}" if place else str(part)
    return place
