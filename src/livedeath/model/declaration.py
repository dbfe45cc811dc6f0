"""What a study declares, and what follows from it: its wells, arms, genotypes and units.

Each part is right by itself; whether the parts fit one another is asked in
`livedeath.model.rules`, and answered by `livedeath.model.study.Study`.
"""

from typing import Literal

from pydantic import Field

from livedeath.errors import StudyError
from livedeath.model.base import Declared, known_names
from livedeath.model.biology import Entity, Intervention, Population
from livedeath.model.comparison import Comparison, EndKill, Exclusion
from livedeath.model.optics import Channel, Optics
from livedeath.model.settings import AnalysisSettings
from livedeath.model.tables import FURTHER
from livedeath.model.timing import Focus, Light, Policies, Schedule
from livedeath.model.vessels import Session, Vessel

Place = tuple[str, str]
"""A vessel and one of its wells."""

UNTREATED = "untreated"
"""The arm of a well to which nothing that makes an arm was done."""

EVERYONE = "all"
"""The population of neurons that are of no declared one."""

WELL, VESSEL = "well", "vessel"
"""Units and blocks that need no entity."""


class Declaration(Declared):
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
    focus: Focus = Field(default_factory=Focus)
    policies: Policies = Field(default_factory=Policies)
    light: Light = Field(default_factory=Light)
    comparisons: tuple[Comparison, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    end_kill: EndKill | None = None
    analysis: AnalysisSettings = Field(default_factory=AnalysisSettings)

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
        known = known_names(vessel_id, [vessel.id for vessel in self.vessels])
        raise StudyError(f"there is no vessel {vessel_id!r}; {known}")

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
        known = known_names(name, [channel.name for channel in self.channels])
        raise StudyError(f"there is no channel {name!r}; {known}")

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
    def further(self) -> dict[str, Channel]:
        """Dyes that are scored beside the sensed channel, by their column of `FURTHER`.

        One that is named like a column of it has that column, others have what is free, in the
        order they were declared; further dyes are measured and not scored.
        """
        dyes = [c for c in self.channels if c.role == "dye" and c != self.sensed]
        columns = [name for name, endpoint in FURTHER.items() if endpoint == "indicator_rise"]
        named = {c.name: c for c in dyes if c.name in columns}
        others = iter([c for c in dyes if c.name not in named])
        filled = {name: named.get(name) or next(others, None) for name in columns}
        return {name: channel for name, channel in filled.items() if channel is not None}

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
        patterns = [p for item in named if concerns(item.vessel, vessel_id) for p in item.wells]
        return vessel.expand(tuple(patterns or ["A1"]))

    def places(self) -> tuple[Place, ...]:
        """Return every visited (vessel, well), in plate order."""
        return tuple((v.id, well) for v in self.vessels for well in self.wells(v.id))

    def places_of(self, vessel_id: str | None, patterns: tuple[str, ...]) -> tuple[Place, ...]:
        """Return the (vessel, well) that are meant, visited or not.

        Parameters
        ----------
        vessel_id : str or None
            None means every vessel.
        patterns : tuple of str
            Wells; none means the visited wells of the vessel. Where every vessel is meant,
            those that one does not have are left out there.
        """

        def named(vessel: Vessel) -> tuple[str, ...]:
            return vessel.has(patterns) if vessel_id is None else vessel.expand(patterns)

        return tuple(
            (vessel.id, well)
            for vessel in self.vessels
            if concerns(vessel_id, vessel.id)
            for well in (named(vessel) if patterns else self.wells(vessel.id))
        )

    def interventions_in(self, vessel_id: str, well: str) -> tuple[Intervention, ...]:
        """Return what is done to one well, in order of its start."""
        vessel = self.vessel(vessel_id)
        found = [
            i
            for i in self.interventions
            if concerns(i.vessel, vessel_id) and well in vessel.expand(i.wells)
        ]
        return tuple(sorted(found, key=lambda i: i.start_of(well)))

    def arms(self) -> dict[Place, str]:
        """Return the arm of every visited (vessel, well).

        It is made of what was done there, and of the genotype where genotypes differ.
        """
        genotypes = self.genotypes()
        differ = len(set(genotypes.values()) - {""}) > 1
        return {
            place: _arm(self.interventions_in(*place), genotype if differ else "")
            for place, genotype in genotypes.items()
        }

    def genotypes(self) -> dict[Place, str]:
        """Return the genotype of every visited (vessel, well); empty where none is declared.

        It is that of the entity in the well, else of its nearest ancestor that has one; with
        several entities in a well, their genotypes joined.
        """
        found = {}
        for place, lines in self._lines().items():
            own = {next((e.genotype for e in line if e.genotype), "") for line in lines}
            found[place] = " + ".join(sorted(own - {""}))
        return found

    def ancestry(self, vessel_id: str, well: str) -> tuple[Entity, ...]:
        """Return the entities of a well and all their ancestors, nearest first."""
        vessel = self.vessel(vessel_id)
        line = [
            e
            for e in self.entities
            if e.wells and concerns(e.vessel, vessel_id) and well in vessel.expand(e.wells)
        ]
        by_id = self._entities_by_id()
        for entity in line:
            parent = by_id.get(entity.parent or "")
            if parent is not None and parent not in line:
                line.append(parent)
        return tuple(line)

    def _lines(self) -> dict[Place, list[list[Entity]]]:
        """Return each entity of every visited (vessel, well) with its ancestors, nearest first."""
        by_id = self._entities_by_id()
        found: dict[Place, list[list[Entity]]] = {place: [] for place in self.places()}
        for entity in self.entities:
            line = _line(entity, by_id) if entity.wells else []
            for place in self.places_of(entity.vessel, entity.wells) if line else ():
                if place in found:
                    found[place].append(line)
        return found

    def _entities_by_id(self) -> dict[str, Entity]:
        return {entity.id: entity for entity in self.entities}

    @property
    def unit_kinds(self) -> tuple[str, ...]:
        """What a comparison may name as its unit or block."""
        return (WELL, VESSEL, *dict.fromkeys(entity.kind for entity in self.entities))

    def members(self, kind: str) -> dict[Place, tuple[str, ...]]:
        """Return which units of a kind every visited (vessel, well) belongs to.

        Parameters
        ----------
        kind : str
            One of `unit_kinds`. A well and a vessel are one unit; of a kind of entity a well
            may have none, or several.
        """
        if kind == VESSEL:
            return {place: (place[0],) for place in self.places()}
        if kind == WELL:
            return {place: (self.well_name(*place),) for place in self.places()}
        return {
            place: tuple(dict.fromkeys(e.id for line in lines for e in _first(line, kind)))
            for place, lines in self._lines().items()
        }

    def well_name(self, vessel_id: str, well: str) -> str:
        """Return what a well is called in this study: with its vessel where there are several."""
        return well if len(self.vessels) == 1 else f"{vessel_id}/{well}"

    def units(self, kind: str | None = None) -> dict[Place, str]:
        """Return the unit of every visited (vessel, well).

        Parameters
        ----------
        kind : str, optional
            ``well``, ``vessel`` or a kind of entity; default: `arm_unit`. A well without an
            entity of the kind, which no comparison by that kind has, is a unit by itself.
        """
        members = self.members(kind or self.arm_unit)
        return {
            place: members[place][0] if members[place] else self.well_name(*place)
            for place in members
        }

    @property
    def arm_unit(self) -> str:
        """The kind of unit that arms are counted by: the first compared one that is of one arm.

        A comparison of genotypes by the animal says nothing of arms that each animal's wells
        are divided over; those are counted by the well.
        """
        arms = self.arms()
        for kind in dict.fromkeys(one.unit for one in self.comparisons):
            pairs = {(unit, arms[p]) for p, units in self.members(kind).items() for unit in units}
            if len(pairs) == len({unit for unit, _ in pairs}):
                return kind
        return WELL

    def groups(self, factor: str) -> dict[Place, tuple[str, ...]]:
        """Return the groups of a comparison that every visited (vessel, well) holds.

        Parameters
        ----------
        factor : str
            ``arm`` and ``genotype`` give each well one group, or none where no genotype is
            declared; ``population`` may give it several.
        """
        if factor == "arm":
            return {place: (arm,) for place, arm in self.arms().items()}
        if factor == "genotype":
            return {place: (name,) if name else () for place, name in self.genotypes().items()}
        held: dict[Place, list[str]] = {place: [] for place in self.places()}
        for population in self.populations:
            for place in self.places_of(None, population.wells):
                if place in held:
                    held[place].append(population.name)
        return {place: tuple(names) for place, names in held.items()}


def concerns(vessel: str | None, vessel_id: str) -> bool:
    """Say whether what names a vessel, or none for all of them, is about this one."""
    return vessel is None or vessel == vessel_id


def _arm(done: tuple[Intervention, ...], genotype: str) -> str:
    labels = [i.label for i in done if i.makes_arm]
    tested = [label for label in labels if label != "vehicle"]
    names = list(dict.fromkeys(tested or labels))
    return " + ".join([*names, *([genotype] if genotype else [])]) or UNTREATED


def _line(entity: Entity, by_id: dict[str, Entity]) -> list[Entity]:
    """Return an entity and its ancestors, nearest first."""
    line = [entity]
    while (parent := by_id.get(line[-1].parent or "")) is not None:
        line.append(parent)
    return line


def _first(line: list[Entity], kind: str) -> list[Entity]:
    return [entity for entity in line if entity.kind == kind][:1]
