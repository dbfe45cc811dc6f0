"""Who lives in the wells and what is done to them."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from livedeath.model.base import Declared
from livedeath.model.doses import DoseUnit, plain_micro, refuse_half_a_dose
from livedeath.model.vessels import Wells, canonical_well

EntityKind = Literal[
    "dam", "donor", "line", "animal", "differentiation", "culture", "slice", "batch"
]
InterventionKind = Literal["compound", "vehicle", "toxin", "medium_change", "transfection", "kill"]

ARM_KINDS: frozenset[str] = frozenset({"compound", "vehicle", "toxin", "transfection"})
"""Interventions that make an arm; a medium change and a kill do not."""


class Entity(Declared):
    """Something that lives or comes from something that lived.

    The tree of parents says what is independent of what; ``wells`` says where it ended up.
    """

    id: str
    kind: EntityKind
    parent: str | None = None
    vessel: str | None = None
    wells: Wells = ()
    species: str = ""
    strain: str = ""
    sex: Literal["", "female", "male", "mixed", "unknown"] = ""
    genotype: str = ""
    age_at_collection_days: float | None = Field(default=None, ge=-30)
    days_in_vitro: float | None = Field(default=None, ge=0)
    note: str = ""


class Population(Declared):
    """Neurons told apart by a marker or a construct; the default is all of them."""

    name: str
    marker: str | None = Field(default=None, description="Name of the channel of the gate.")
    gate: Literal["positive", "negative"] = "positive"
    construct_name: str = ""
    wells: Wells = ()


class Intervention(Declared):
    """Something done to wells, planned; the journal holds what really happened."""

    kind: InterventionKind
    wells: Wells
    vessel: str | None = None
    compound: str = ""
    dose: float | None = Field(default=None, ge=0)
    unit: DoseUnit = ""
    lot: str = ""
    arm: str = Field(default="", description="Name of the arm; made from the rest if empty.")
    start_h: float | None = None
    starts_h: dict[str, float] = Field(default={}, description="Start per well, well by well.")
    end_h: float | None = None
    actual_start_h: float | None = None
    actual_end_h: float | None = None
    population: str | None = None
    note: str = ""

    @field_validator("arm", "compound")
    @classmethod
    def _as_arms_are_named(cls, name: str) -> str:
        return plain_micro(name)

    @field_validator("starts_h")
    @classmethod
    def _by_plain_names(cls, starts_h: dict[str, float]) -> dict[str, float]:
        plain = {canonical_well(well): hour for well, hour in starts_h.items()}
        if len(plain) < len(starts_h):
            raise ValueError("one well has two hours; leave one of them out")
        return plain

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.wells:
            raise ValueError(f"{self.label!r} has no wells; name at least one, like ['A1:A4']")
        try:
            refuse_half_a_dose(self.dose, self.unit)
        except ValueError as error:
            raise ValueError(f"{self.arm or self.compound or self.kind!r}: {error}") from None
        return self

    @property
    def makes_arm(self) -> bool:
        """Whether wells with and without this intervention are different arms."""
        return self.kind in ARM_KINDS

    @property
    def label(self) -> str:
        """What stands for this intervention in the name of an arm."""
        if self.arm:
            return self.arm
        if self.kind == "vehicle":
            return "vehicle"
        dose = "" if self.dose is None else f" {self.dose:g} {self.unit}"
        return f"{self.compound or self.kind}{dose}"

    def planned_start_of(self, well: str) -> float:
        """Return the hour at which it is to reach a well, by the plan."""
        return self.starts_h.get(well, self.start_h or 0.0)

    def start_of(self, well: str) -> float:
        """Return the hour at which it reached (or is to reach) a well."""
        if self.actual_start_h is not None:
            return self.actual_start_h
        return self.planned_start_of(well)

    @property
    def ends_h(self) -> float | None:
        """The hour at which it ended (or is to end), if it does."""
        return self.actual_end_h if self.actual_end_h is not None else self.end_h
