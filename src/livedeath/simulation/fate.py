"""Who dies when: the draws of neurons and a study go in, hours come out.

Each neuron has one unit-exponential lifetime. The onset of its death is the hour at which
its cumulative hazard reaches that number: the baseline before an intervention starts, the
baseline times the arm's hazard ratio after, both times the frailty of its unit and well.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.model.biology import Intervention
from livedeath.model.study import UNTREATED, Study
from livedeath.simulation.culture import Draws, Neurons
from livedeath.simulation.parameters import DeathParameters, WorldParameters
from livedeath.simulation.streams import generator

CAUSES = ("baseline", "treatment", "kill")
"""Why a neuron died; the code in `Fates.cause` is the place in this tuple."""

NEUTRAL = frozenset({"vehicle", UNTREATED, "transfection"})
"""Arms whose hazard ratio is 1 unless the parameters say otherwise."""

LAG_LOG_SD = 0.5
"""Log-sd of the lags from onset to rupture, floating and clearing; chosen."""


class Fates(NamedTuple):
    """Hours since the study's start, one per neuron; inf where it does not happen."""

    death_h: Draws
    cause: NDArray[np.int64]
    rupture_h: Draws
    detach_h: Draws
    cleared_h: Draws


class Hazard(NamedTuple):
    """A hazard that is constant between ``starts_h`` (first 0); per hour."""

    starts_h: Draws
    per_h: Draws
    ratio: Draws


class Mortality:
    """The hazards and kills of a study's wells.

    Parameters
    ----------
    study : Study
        Says who is in which arm and unit, and when what is done.
    parameters : WorldParameters
        Hazards, frailties and lags.
    """

    def __init__(self, study: Study, parameters: WorldParameters) -> None:
        self._study = study
        self._seed = parameters.seed
        self._p: DeathParameters = parameters.death
        self._arms = study.arms()
        self._units = study.units()

    def fates(self, vessel: str, well: str, neurons: Neurons) -> Fates:
        """Return what becomes of the neurons of one well."""
        p = self._p
        death, cause = self._deaths(vessel, well, neurons)
        floats = neurons.detach_u < p.detached_fraction
        return Fates(
            death_h=death,
            cause=cause,
            rupture_h=death + _lag(p.rupture_h, neurons.rupture_z),
            detach_h=np.where(floats, death + _lag(p.detach_h, neurons.detach_z), np.inf),
            cleared_h=death + _lag(p.clearing_h, neurons.clearing_z),
        )

    def _deaths(self, vessel: str, well: str, neurons: Neurons) -> tuple[Draws, NDArray[np.int64]]:
        """Return onset and cause: dead on arrival, of the hazard, or of a kill."""
        p = self._p
        death, ratio = onset(neurons.lifetime, self.hazard(vessel, well))
        cause = (neurons.cause_u < 1.0 - 1.0 / np.maximum(ratio, 1.0)).astype(np.int64)
        if p.dead_on_arrival > 0:
            early = neurons.early_u < p.dead_on_arrival
            death = np.where(early, -24.0 * neurons.early_u / p.dead_on_arrival, death)
            cause[early] = CAUSES.index("baseline")
        killed = kill_h(self._study, vessel, well) + p.kill_lag_h * np.exp(
            p.kill_lag_log_sd * neurons.kill_z
        )
        cause[killed < death] = CAUSES.index("kill")
        return np.minimum(death, killed), cause

    def hazard(self, vessel: str, well: str) -> Hazard:
        """Return the hazard of a well's neurons, before any kill."""
        effects = self._effects(vessel, well)
        edges = {0.0, *(t for start, end, _ in effects for t in (max(start, 0.0), end))}
        starts = np.array(sorted(t for t in edges if np.isfinite(t)))
        ratio = np.ones(starts.size)
        for start, end, times in effects:
            ratio[(starts >= start) & (starts < end)] *= times
        base = self._p.hazard_per_day / 24.0 * self.frailty(vessel, well)
        return Hazard(starts, base * ratio, ratio)

    def frailty(self, vessel: str, well: str) -> float:
        """Return the factor on the hazard that a well has from its culture and by itself.

        Wells of one entity (its nearest: the culture, the slice, the animal) share a
        factor; where no entity is declared, wells of one unit do.
        """
        kin = self._study.ancestry(vessel, well)
        unit = kin[0].id if kin else self._units[vessel, well]
        of_unit = generator(self._seed, "frailty", "unit", unit).standard_normal()
        of_well = generator(self._seed, "frailty", "well", vessel, well).standard_normal()
        p = self._p
        return float(np.exp(p.unit_frailty_log_sd * of_unit + p.well_frailty_log_sd * of_well))

    def _effects(self, vessel: str, well: str) -> list[tuple[float, float, float]]:
        """Return (start, end, hazard ratio) of what was done to a well."""
        done = [i for i in self._study.interventions_in(vessel, well) if i.makes_arm]
        arm = self._arms[vessel, well]
        if arm in self._p.hazard_ratio:
            start = min((i.start_of(well) for i in done), default=0.0)
            end = max((_end(i) for i in done), default=np.inf)
            return [(start, end, self._p.hazard_ratio[arm])]
        return [(i.start_of(well), _end(i), self._ratio(i)) for i in done]

    def _ratio(self, intervention: Intervention) -> float:
        neutral = intervention.label in NEUTRAL or intervention.kind in NEUTRAL
        default = 1.0 if neutral else self._p.default_hazard_ratio
        return self._p.hazard_ratio.get(intervention.label, default)


def kill_h(study: Study, vessel: str, well: str) -> float:
    """Return the hour at which a well is killed; inf if it never is."""
    done = study.interventions_in(vessel, well)
    hours = [i.start_of(well) for i in done if i.kind == "kill"]
    end = study.end_kill
    if end is not None and end.vessel in (None, vessel):
        wells = study.vessel(vessel).expand(end.wells)
        hours += [end.at_h] if not wells or well in wells else []
    return min(hours, default=np.inf)


def onset(lifetime: Draws, hazard: Hazard) -> tuple[Draws, Draws]:
    """Return the hour at which the cumulative hazard reaches each lifetime, and the ratio then.

    Parameters
    ----------
    lifetime : (n,) float64
        Unit-exponential draws.
    hazard : Hazard
        Constant between its starts; a hazard of 0 for ever gives inf.
    """
    spent = np.concatenate([[0.0], np.cumsum(np.diff(hazard.starts_h) * hazard.per_h[:-1])])
    last = np.searchsorted(spent, lifetime, side="right") - 1
    with np.errstate(divide="ignore"):
        wait = (lifetime - spent[last]) / hazard.per_h[last]
    return hazard.starts_h[last] + wait, hazard.ratio[last]


def _end(intervention: Intervention) -> float:
    if intervention.actual_end_h is not None:
        return intervention.actual_end_h
    return np.inf if intervention.end_h is None else intervention.end_h


def _lag(median_h: float, z: Draws) -> Draws:
    return np.asarray(median_h * np.exp(LAG_LOG_SD * z))
