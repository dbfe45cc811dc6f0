"""What the study asks: what is compared with what, which wells do not count, and the end-kill.

Declared before the first frame; nothing here is computed.
"""

from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from livedeath.model.base import Declared
from livedeath.model.doses import DoseUnit, plain_micro, refuse_half_a_dose
from livedeath.model.vessels import Wells

STUDY_START = "study"
"""Origin of a comparison that counts from hour 0."""

FILL_AT_ENTRY = "fill_at_entry"
"""Covariate: the fill of the neuron at its first visit."""


class EndKill(Declared):
    """At the end every well is killed, and the study measures its own sensitivity."""

    at_h: float = Field(gt=0)
    compound: str = ""
    dose: float | None = Field(default=None, ge=0)
    unit: DoseUnit = ""
    wells: Wells = ()
    vessel: str | None = None

    @model_validator(mode="after")
    def _whole_dose(self) -> Self:
        refuse_half_a_dose(self.dose, self.unit)
        return self


class Exclusion(Declared):
    """Wells that count no longer, from an hour on, with the reason."""

    wells: Wells = Field(min_length=1)
    vessel: str | None = None
    from_h: float = Field(default=0.0, ge=0)
    why: str = Field(min_length=1)

    _not_here: ClassVar[dict[str, str]] = dict.fromkeys(
        ("to_h", "end_h", "until_h"),
        "an exclusion has no end, the wells count no more from from_h on; leave it out",
    )

    @field_validator("why")
    @classmethod
    def _says_something(cls, why: str) -> str:
        if not why.strip():
            raise ValueError("the reason is blank; say why these wells do not count")
        return why


class Comparison(Declared):
    """What is compared with what, decided before the first call."""

    name: str = ""
    factor: Literal["arm", "population", "genotype"] = "arm"
    control: str
    treated: tuple[str, ...] = ()
    unit: str = "well"
    block: str | None = None
    origin: str = Field(
        default=STUDY_START, description="'study', or the arm whose start counts as 0."
    )
    endpoint: Literal["indicator_rise", "loss_of_fill", "permeabilisation"] = "indicator_rise"
    horizon_h: float | None = Field(default=None, gt=0)
    covariates: tuple[str, ...] = ()
    family: str = ""

    @field_validator("control", "origin")
    @classmethod
    def _as_arms_are_named(cls, name: str) -> str:
        return plain_micro(name)

    @field_validator("treated")
    @classmethod
    def _all_as_arms_are_named(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(plain_micro(name) for name in names)
