"""A study as it is declared: ``study.toml``, schema version 1, frozen and validated."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

import tomli_w
from pydantic import Field, model_validator

from livedeath.errors import StudyError
from livedeath.model.base import Declared, read_toml_file, validate
from livedeath.model.biology import Entity, Intervention, Population
from livedeath.model.optics import Channel, Optics
from livedeath.model.settings import AnalysisSettings
from livedeath.model.timing import (
    Comparison,
    EndKill,
    Exclusion,
    Focus,
    Light,
    Policies,
    Schedule,
)
from livedeath.model.vessels import Session, Vessel

UNTREATED = "untreated"
"""The arm of a well to which nothing that makes an arm was done."""

SCHEMA_VERSION = 1

_DECIDES_FRAMES = ("vessels", "optics", "channels", "schedule", "sessions", "focus")


class Study(Declared):
    """Everything that is declared before the first frame."""

    schema_version: Literal[1] = 1
    title: str = Field(min_length=1)
    description: str = ""
    vessels: tuple[Vessel, ...] = Field(min_length=1)
    optics: Optics
    channels: tuple[Channel, ...] = Field(min_length=1)
    schedule: Schedule
    sessions: tuple[Session, ...] = ()
    entities: tuple[Entity, ...] = ()
    populations: tuple[Population, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    focus: Focus = Focus()
    policies: Policies = Policies()
    light: Light = Light()
    comparisons: tuple[Comparison, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    end_kill: EndKill | None = None
    analysis: AnalysisSettings = AnalysisSettings()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse what contradicts itself, before the first frame."""
        try:
            _check_names(self)
            _check_wells(self)
            _check_channels(self)
            _check_comparisons(self)
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
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise StudyError(f"{where}: this is not valid TOML: {error}.") from None
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

    def vessel(self, vessel_id: str) -> Vessel:
        """Return a vessel by its id.

        Raises
        ------
        StudyError
            If there is none of that id.
        """
        for vessel in self.vessels:
            if vessel.id == vessel_id:
                return vessel
        known = ", ".join(vessel.id for vessel in self.vessels)
        raise StudyError(f"there is no vessel {vessel_id!r}; the study has {known}")

    def channel(self, name: str) -> Channel:
        """Return a channel by its name.

        Raises
        ------
        StudyError
            If there is none of that name.
        """
        for channel in self.channels:
            if channel.name == name:
                return channel
        known = ", ".join(channel.name for channel in self.channels)
        raise StudyError(f"there is no channel {name!r}; the study has {known}")

    @property
    def fill(self) -> Channel | None:
        """The channel that shows the whole soma, if there is one."""
        return next((c for c in self.channels if c.role == "fill"), None)

    @property
    def indicators(self) -> tuple[Channel, ...]:
        """The channels of the death indicator."""
        return tuple(c for c in self.channels if c.role == "indicator")

    @property
    def sensed(self) -> Channel:
        """The channel that death is read from: the indicator, else the fill, else the first."""
        return next(iter(self.indicators), None) or self.fill or self.channels[0]

    @property
    def reference(self) -> Channel | None:
        """The channel that the sensed one is divided by: the fill beside an indicator."""
        return self.fill if self.indicators else None

    @property
    def endpoint(self) -> str:
        """What is sensed: ``indicator_rise`` with an indicator, else ``loss_of_fill``."""
        return "indicator_rise" if self.indicators else "loss_of_fill"

    def wells(self, vessel_id: str) -> tuple[str, ...]:
        """Return the wells of a vessel that are visited, in plate order.

        Declared wells and sites come first; without them, all wells that an intervention
        or an entity names; without those, A1.
        """
        vessel = self.vessel(vessel_id)
        if vessel.wells:
            return vessel.expand(vessel.wells)
        if vessel.sites:
            return vessel.expand(tuple(site.well for site in vessel.sites))
        named: list[Intervention | Entity] = [*self.interventions, *self.entities]
        patterns = [p for item in named if _concerns(item.vessel, vessel_id) for p in item.wells]
        return vessel.expand(tuple(patterns or ["A1"]))

    def interventions_in(self, vessel_id: str, well: str) -> tuple[Intervention, ...]:
        """Return what is done to one well, in order of its start."""
        vessel = self.vessel(vessel_id)
        found = [
            i
            for i in self.interventions
            if _concerns(i.vessel, vessel_id) and well in vessel.expand(i.wells)
        ]
        return tuple(sorted(found, key=lambda i: i.start_of(well)))

    def arms(self) -> dict[tuple[str, str], str]:
        """Return the arm of every visited (vessel, well), derived from its interventions."""
        return {place: self._arm(*place) for place in self.places()}

    def _arm(self, vessel_id: str, well: str) -> str:
        done = [i.label for i in self.interventions_in(vessel_id, well) if i.makes_arm]
        tested = [label for label in done if label != "vehicle"]
        names = list(dict.fromkeys(tested or done))
        genotypes = {e.genotype for e in self.ancestry(vessel_id, well) if e.genotype}
        differs = len({e.genotype for e in self.entities if e.genotype}) > 1
        return " + ".join([*names, *(sorted(genotypes) if differs else [])]) or UNTREATED

    def places(self) -> tuple[tuple[str, str], ...]:
        """Return every visited (vessel, well), in plate order."""
        return tuple((v.id, well) for v in self.vessels for well in self.wells(v.id))

    def ancestry(self, vessel_id: str, well: str) -> tuple[Entity, ...]:
        """Return the entities of a well and all their ancestors, nearest first."""
        by_id = {entity.id: entity for entity in self.entities}
        vessel = self.vessel(vessel_id)
        line = [
            e
            for e in self.entities
            if _concerns(e.vessel, vessel_id) and e.wells and well in vessel.expand(e.wells)
        ]
        for entity in line:
            parent = by_id.get(entity.parent or "")
            if parent is not None and parent not in line:
                line.append(parent)
        return tuple(line)

    def units(self, kind: str | None = None) -> dict[tuple[str, str], str]:
        """Return the unit of every visited (vessel, well).

        Parameters
        ----------
        kind : str, optional
            ``well``, ``vessel`` or a kind of entity; default: the unit of the first
            comparison, else ``well``.
        """
        wanted = kind or (self.comparisons[0].unit if self.comparisons else "well")
        return {place: self._unit(*place, wanted) for place in self.places()}

    def _unit(self, vessel_id: str, well: str, kind: str) -> str:
        if kind == "vessel":
            return vessel_id
        found = [e.id for e in self.ancestry(vessel_id, well) if e.kind == kind]
        if kind == "well" or not found:
            return well if len(self.vessels) == 1 else f"{vessel_id}/{well}"
        return found[0]


def _digest(said: dict[str, Any]) -> str:
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _concerns(vessel: str | None, vessel_id: str) -> bool:
    return vessel is None or vessel == vessel_id


def _check_names(study: Study) -> None:
    for what, names in (
        ("vessel", [v.id for v in study.vessels]),
        ("channel", [c.name for c in study.channels]),
        ("entity", [e.id for e in study.entities]),
        ("session", [s.id for s in study.sessions]),
        ("population", [p.name for p in study.populations]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise StudyError(f"two things are called {what} {twice[0]!r}; give each its own name")
    known = {entity.id for entity in study.entities}
    for entity in study.entities:
        if entity.parent is not None and entity.parent not in known:
            raise StudyError(f"entity {entity.id!r} has the unknown parent {entity.parent!r}")
    _check_no_circle(study)


def _check_no_circle(study: Study) -> None:
    parents = {entity.id: entity.parent for entity in study.entities}
    for start in parents:
        seen, at = {start}, parents[start]
        while at is not None:
            if at in seen:
                raise StudyError(f"entity {start!r} is its own ancestor; mend the parents")
            seen.add(at)
            at = parents[at]


def _check_wells(study: Study) -> None:
    named: list[tuple[str, Any]] = [
        *(("interventions", item) for item in study.interventions),
        *(("entities", item) for item in study.entities),
        *(("exclusions", item) for item in study.exclusions),
        *(("schedule.windows", item) for item in study.schedule.windows),
        *((("end_kill", study.end_kill),) if study.end_kill else ()),
    ]
    for where, item in named:
        vessels = [study.vessel(item.vessel)] if item.vessel else list(study.vessels)
        for vessel in vessels:
            try:
                wells = vessel.expand(item.wells)
            except StudyError as error:
                raise StudyError(f"{where}: {error}") from None
            _check_imaged(study, vessel, wells, where=where)
    for session in study.sessions:
        study.vessel(session.vessel)
    if study.schedule.mode == "session" and not study.sessions:
        raise StudyError("schedule.mode is 'session' but there are no [[sessions]]; add them")


def _check_imaged(study: Study, vessel: Vessel, wells: tuple[str, ...], *, where: str) -> None:
    """Refuse an arm or rule that no visited well belongs to."""
    visited = study.wells(vessel.id)
    if wells and not set(wells) & set(visited):
        raise StudyError(
            f"{where}: wells {', '.join(wells[:4])} of vessel {vessel.id!r} are never visited, so "
            f"this has no wells; its visited wells are {visited[0]} to {visited[-1]}"
        )


def _check_channels(study: Study) -> None:
    if not any(c.role in ("fill", "indicator", "nucleus") for c in study.channels):
        raise StudyError(
            "no channel has the role fill, indicator or nucleus, so no neuron can be found; "
            "give one of them that role"
        )
    for population in study.populations:
        if population.marker is not None:
            study.channel(population.marker)
    for file in study.optics.files:
        study.channel(file.channel)
    if study.focus.channel is not None:
        study.channel(study.focus.channel)


def _check_comparisons(study: Study) -> None:
    arms = sorted(set(study.arms().values()))
    for comparison in study.comparisons:
        if comparison.factor != "arm":
            continue
        for name in (comparison.control, *comparison.treated):
            if name not in arms:
                raise StudyError(
                    f"comparison {comparison.name!r} names the arm {name!r}, which has no wells; "
                    f"the study's arms are {', '.join(arms)}"
                )
