"""What a study will cost, before the first frame: frames, hours, gigabytes, light, errors."""

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass

from livedeath.model.frame import FieldKey
from livedeath.model.plan import Plan, plan
from livedeath.model.study import Study

NEURONS_PER_MM2 = 37.0
"""Labelled neurons per mm2: 67 per well over four tiles of 0.67 mm (eLife 35977 data)."""

DEATHS_PER_NEURON_DAY = 0.14
"""Middle of 0.12 to 0.16 per day, transfected cortical neurons after day 1 (same data)."""

OVERHEAD_S_PER_FRAME = 0.1
"""Read-out, filter wheel and durable write of one frame; 16 to 25 frames/s at 2048 px measured."""


@dataclass(frozen=True)
class DryRun:
    """The cost of a study; ``kept`` says whether each round ends before the next begins."""

    frames: int
    fields: int
    rounds: int
    hours: float
    gigabytes: float
    round_s: float
    interval_s: float | None
    light_ms_per_field: float
    neuron_days: float
    expected_deaths: float
    expected_false_deaths: float

    @property
    def kept(self) -> bool:
        """Whether the longest round fits into the shortest interval."""
        return self.interval_s is None or self.round_s <= self.interval_s


def dry_run(study: Study) -> DryRun:
    """Work out what a study costs, uncompressed and without retries.

    Neurons and deaths are those of transfected cortical neurons in 96-well plates, so
    they are a guide to the order of magnitude, not a forecast.
    """
    planned = plan(study)
    rounds = _round_seconds(study, planned)
    hours = sorted({visit.planned_h for visit in planned.visits})
    gaps = [after - before for before, after in itertools.pairwise(hours)]
    days = _neuron_days(study, planned)
    false_rate = study.analysis.false_alarms_per_1000_neuron_days / 1000.0
    return DryRun(
        frames=planned.n_frames,
        fields=len(planned.fields),
        rounds=len(hours),
        hours=hours[-1] - hours[0] if hours else 0.0,
        gigabytes=_bytes(study, planned) / 1e9,
        round_s=max(rounds.values(), default=0.0),
        interval_s=min(gaps) * 3600.0 if gaps else None,
        light_ms_per_field=max(_light_ms(study, planned).values(), default=0.0),
        neuron_days=days,
        expected_deaths=days * DEATHS_PER_NEURON_DAY,
        expected_false_deaths=days * false_rate,
    )


def _round_seconds(study: Study, planned: Plan) -> dict[float, float]:
    seconds: dict[float, float] = defaultdict(float)
    exposure_s = {c.name: c.exposure_ms / 1000.0 for c in study.channels}
    move_s = study.policies.move_s + study.policies.settle_ms / 1000.0
    for visit in planned.visits:
        frames_s = sum(exposure_s[name] + OVERHEAD_S_PER_FRAME for name in visit.channels)
        seconds[visit.planned_h] += move_s + frames_s * len(visit.z_um)
    return seconds


def _bytes(study: Study, planned: Plan) -> float:
    taken = Counter(visit.field.acquisition for visit in planned.visits for _ in visit.frames())
    return float(sum(n * study.optics.of(which).frame_bytes for which, n in taken.items()))


def _light_ms(study: Study, planned: Plan) -> dict[FieldKey, float]:
    """Return the exposure of each field over the whole study, weighted by the lamp's power."""
    light: dict[FieldKey, float] = defaultdict(float)
    dose_ms = {c.name: c.exposure_ms * c.light_percent / 100.0 for c in study.channels}
    for visit in planned.visits:
        light[visit.field] += sum(dose_ms[name] for name in visit.channels) * len(visit.z_um)
    return light


def _neuron_days(study: Study, planned: Plan) -> float:
    """Return neurons times days, as if none died."""
    last: dict[FieldKey, float] = {}
    first: dict[FieldKey, float] = {}
    for visit in planned.visits:
        first.setdefault(visit.field, visit.planned_h)
        last[visit.field] = visit.planned_h
    days = 0.0
    for field in planned.fields:
        height_um, width_um = study.optics.of(field.acquisition).frame_um
        neurons = NEURONS_PER_MM2 * height_um * width_um / 1e6
        days += neurons * (last[field] - first[field]) / 24.0
    return days
