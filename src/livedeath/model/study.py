"""A study as it is declared: ``study.toml``, schema version 1, frozen and checked.

Text or values go in; a `Study` comes out, or one sentence that says what is wrong.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Self

import tomli_w
from pydantic import model_validator

from livedeath.errors import StudyError
from livedeath.model.base import validate
from livedeath.model.declaration import UNTREATED, Declaration
from livedeath.model.prespecified import resolved
from livedeath.model.rules import refuse_contradictions
from livedeath.model.toml import parse_toml, read_toml_file

__all__ = ["SCHEMA_VERSION", "UNTREATED", "Study"]

SCHEMA_VERSION = 1

_DECIDES_FRAMES = ("vessels", "optics", "channels", "schedule", "sessions", "focus")


class Study(Declaration):
    """A declaration whose parts fit one another."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse what contradicts itself, before the first frame."""
        try:
            refuse_contradictions(self)
        except StudyError as error:
            raise ValueError(str(error)) from None
        return self

    @classmethod
    def from_toml(cls, text: str, *, where: str = "study.toml") -> Self:
        """Read a study from TOML text.

        Raises
        ------
        StudyError
            If the text is no TOML, of another schema, or not allowed.
        """
        data = parse_toml(text, where=where)
        if not data:
            raise StudyError(f"{where}: the file is empty; start one with 'livedeath new'.")
        version = data.get("schema_version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION:
            raise StudyError(
                f"{where}: schema_version is {version!r}, this program reads {SCHEMA_VERSION}; "
                f"install the version of livedeath that wrote it."
            )
        return validate(cls, data, where=where)

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """Read a study from a TOML file.

        Raises
        ------
        StoreError
            If there is no such file or it cannot be read.
        StudyError
            If what it says is not allowed.
        """
        text = read_toml_file(path, missing="start one with 'livedeath new'")
        return cls.from_toml(text, where=str(path))

    def to_toml(self) -> str:
        """Write what differs from the defaults as TOML."""
        data = self.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        return tomli_w.dumps({"schema_version": SCHEMA_VERSION, **data})

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the study says, defaults included, whatever its layout."""
        return _digest(self.model_dump(mode="json"))

    @property
    def camera_fingerprint(self) -> str:
        """SHA-256 of what decides which frames are taken, and how."""
        return _digest(self.model_dump(mode="json", include=set(_DECIDES_FRAMES)))

    @property
    def comparison_fingerprints(self) -> tuple[str, ...]:
        """SHA-256 of what each comparison compares; see `livedeath.model.prespecified`."""
        return tuple(_digest(resolved(self, one)) for one in self.comparisons)

    @property
    def comparisons_fingerprint(self) -> str:
        """SHA-256 of what all comparisons compare, in whatever order they are written."""
        return _digest({"comparisons": sorted(self.comparison_fingerprints)})


def _digest(said: dict[str, Any]) -> str:
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
