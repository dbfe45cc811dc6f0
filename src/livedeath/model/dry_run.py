"""What a study will cost, before the first frame: frames, hours, gigabytes, light, errors.

Worked out by arithmetic from the stretches of its schedule, never visit by visit, so that a
schedule of millions of visits is answered at once.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from livedeath.errors import StudyError
from livedeath.model.light import fits, frame_light_ms
from livedeath.model.optics import Channel
from livedeath.model.rounds import Stretch, channels_in, overlay, round_hours, stretches
from livedeath.model.study import Study

NEURONS_PER_MM2 = 37.0
"""Labelled neurons per mm2: 67 per well over four tiles of 0.67 mm (eLife 35977 data)."""

DEATHS_PER_NEURON_DAY = 0.14
"""Middle of 0.12 to 0.16 per day, transfected cortical neurons after day 1 (same data)."""

OVERHEAD_S_PER_FRAME = 0.1
"""Read-out, filter wheel and durable write of one frame; 16 to 25 frames/s at 2048 px measured."""

SURE = 0.999
"""Share of the light budget up to which a sum of exposures surely fits, whatever its rounding."""

Fields = tuple[str, int, str]
"""Vessel, acquisition and well: fields that are visited alike."""

Place = tuple[str, str]
"""Vessel and well."""


@dataclass(frozen=True)
class DryRun:
    """The cost of a study; ``kept`` says whether each round ends before the next begins.

    ``light_ms_per_field`` is what the whole plan would cost, ``frames_beyond_light`` how many
    of its frames the light budget refuses.
    """

    frames: int
    fields: int
    rounds: int
    hours: float
    gigabytes: float
    round_s: float
    interval_s: float | None
    light_ms_per_field: float
    frames_beyond_light: int
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

    Notes
    -----
    The longest round is an upper bound: channels of different cadence are taken as due in the
    same round if each is due in one of a run of like rounds.
    """
    sums = _Sums(study)
    days = sums.neuron_days()
    false_rate = study.analysis.false_alarms_per_1000_neuron_days / 1000.0
    hours = sums.hours
    return DryRun(
        frames=sums.frames(),
        fields=sum(sums.n_fields(fields) for fields in sums.visits),
        rounds=sum(stop - start for start, stop, _ in sums.runs),
        hours=hours[sums.runs[-1][1] - 1] - hours[sums.runs[0][0]] if sums.runs else 0.0,
        gigabytes=sums.pixel_bytes() / 1e9,
        round_s=sums.longest_round_s(),
        interval_s=sums.shortest_interval_s(),
        light_ms_per_field=max(sums.light_ms.values(), default=0.0),
        frames_beyond_light=sums.frames_beyond_light(),
        neuron_days=days,
        expected_deaths=days * DEATHS_PER_NEURON_DAY,
        expected_false_deaths=days * false_rate,
    )


def refuse_what_cannot_be_kept(cost: DryRun, *, where: str) -> None:
    """Refuse a study whose rounds last longer than the time between them.

    Raises
    ------
    StudyError
        With both times.
    """
    if not cost.kept:
        raise StudyError(
            f"{where}: schedule: one round takes {cost.round_s:.0f} s but the next begins after "
            f"{cost.interval_s:.0f} s; visit fewer fields, expose shorter, or wait longer."
        )


class _Sums:
    """Adds up over the stretches of a study."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.hours = round_hours(study)
        self._stretches = stretches(study)
        self.runs = list(overlay(self._stretches))
        self._vessels = {vessel.id: vessel for vessel in study.vessels}
        self._planes = len(study.focus.planes_um)

    @cached_property
    def visits(self) -> dict[Fields, int]:
        """How often each field of a well is visited, by well and acquisition."""
        counts: dict[Fields, int] = {}
        for stretch in self._stretches:
            for fields in _fields(stretch):
                counts[fields] = counts.get(fields, 0) + stretch.n_rounds
        return counts

    def n_fields(self, fields: Fields) -> int:
        """Return how many fields the well has."""
        return self._vessels[fields[0]].n_fields(fields[2])

    @cached_property
    def _channels(self) -> dict[tuple[str, str], tuple[Channel, ...]]:
        places = {(vessel, well) for vessel, _, well in self.visits}
        return {p: channels_in(self.study, self._vessels[p[0]], p[1]) for p in places}

    def channels(self, fields: Fields) -> tuple[Channel, ...]:
        """Return the channels taken in the well."""
        return self._channels[fields[0], fields[2]]

    def _frames_per_field(self, fields: Fields) -> int:
        n = self.visits[fields]
        return self._planes * sum(_times_due(channel, n) for channel in self.channels(fields))

    def frames(self) -> int:
        """Return the number of frames."""
        return sum(self._frames_per_field(f) * self.n_fields(f) for f in self.visits)

    def pixel_bytes(self) -> float:
        """Return the size of all frames, uncompressed."""
        return float(
            sum(
                self._frames_per_field(fields)
                * self.n_fields(fields)
                * self.study.optics.of(fields[1]).frame_bytes
                for fields in self.visits
            )
        )

    @cached_property
    def light_ms(self) -> dict[Place, float]:
        """The light of one field of each well, milliseconds at full power.

        A field keeps its sum when the optics are changed: the neurons are the same.
        """
        light: dict[Place, float] = {}
        for fields, n in self.visits.items():
            place = (fields[0], fields[2])
            light[place] = light.get(place, 0.0) + self._planes * sum(
                _times_due(channel, n) * frame_light_ms(channel)
                for channel in self.channels(fields)
            )
        return light

    def frames_beyond_light(self) -> int:
        """Return how many frames the light budget will refuse, in the order of the plan."""
        budget_ms = self.study.light.budget_ms_per_field
        if budget_ms is None:
            return 0
        given_ms: dict[Place, float] = {}
        refused = 0
        for fields, n in self.visits.items():
            place = (fields[0], fields[2])
            lit = [c for c in self.channels(fields) if frame_light_ms(c) > 0]
            if lit and self.light_ms[place] > SURE * budget_ms:
                before = given_ms.get(place, 0.0)
                beyond, given_ms[place] = self._beyond(lit, n, budget_ms, before)
                refused += beyond * self.n_fields(fields)
        return refused

    def _beyond(
        self, lit: list[Channel], n: int, budget_ms: float, given_ms: float
    ) -> tuple[int, float]:
        """Return how many frames of one field are refused, and the light it has then.

        What surely fits, and what no longer can, is worked out; only near the budget frame
        after frame is weighed, as the microscope does.
        """
        left_ms = SURE * budget_ms - given_ms
        visits = range(n + 1)
        first = max(0, bisect_right(visits, left_ms, key=lambda t: self._light_after(lit, t)) - 1)
        given_ms += self._light_after(lit, first)
        smallest_ms = min(map(frame_light_ms, lit))
        refused = 0
        for t in range(first, n):
            if not fits(given_ms + smallest_ms, budget_ms):
                left = sum(_times_due(c, n) - _times_due(c, t) for c in lit)
                return refused + self._planes * left, given_ms
            due = [frame_light_ms(channel) for channel in lit if t % channel.every == 0]
            for frame_ms in due * self._planes:
                if fits(given_ms + frame_ms, budget_ms):
                    given_ms += frame_ms
                else:
                    refused += 1
        return refused, given_ms

    def _light_after(self, channels: list[Channel], n_visits: int) -> float:
        return self._planes * sum(_times_due(c, n_visits) * frame_light_ms(c) for c in channels)

    def longest_round_s(self) -> float:
        """Return how long the longest round takes, at most."""
        policies = self.study.policies
        move_s = policies.move_s + policies.settle_ms / 1000.0
        done: dict[Fields, int] = {}
        longest = 0.0
        for start, stop, under_way in self.runs:
            seconds = 0.0
            for fields in (fields for stretch in under_way for fields in _fields(stretch)):
                first = done.get(fields, 0)
                done[fields] = first + stop - start
                frame_s = sum(
                    channel.exposure_ms / 1000.0 + OVERHEAD_S_PER_FRAME
                    for channel in self.channels(fields)
                    if _times_due(channel, done[fields]) > _times_due(channel, first)
                )
                seconds += self.n_fields(fields) * (move_s + frame_s * self._planes)
            longest = max(longest, seconds)
        return longest

    def shortest_interval_s(self) -> float | None:
        """Return the shortest time from one round to the next; None with one round only."""
        gaps = [
            self.hours[after[0]] - self.hours[before[1] - 1]
            for before, after in pairwise(self.runs)
        ]
        listed = self.study.schedule.mode != "interval"
        for start, stop, _ in self.runs:
            last = stop - 1 if listed else min(start + 1, stop - 1)
            gaps += [self.hours[k + 1] - self.hours[k] for k in range(start, last)]
        return min(gaps) * 3600.0 if gaps else None

    def neuron_days(self) -> float:
        """Return neurons times days, as if none died."""
        first: dict[Fields, int] = {}
        last: dict[Fields, int] = {}
        for stretch in self._stretches:
            for fields in _fields(stretch):
                first[fields] = min(first.get(fields, stretch.start), stretch.start)
                last[fields] = max(last.get(fields, 0), stretch.stop - 1)
        days = 0.0
        for fields in self.visits:
            height_um, width_um = self.study.optics.of(fields[1]).frame_um
            neurons = NEURONS_PER_MM2 * height_um * width_um / 1e6 * self.n_fields(fields)
            days += neurons * (self.hours[last[fields]] - self.hours[first[fields]]) / 24.0
        return days


def _fields(stretch: Stretch) -> Iterator[Fields]:
    for well in stretch.wells:
        yield stretch.vessel, stretch.acquisition, well


def _times_due(channel: Channel, n_visits: int) -> int:
    """Return at how many of a field's first visits a channel is taken."""
    return -(-n_visits // channel.every)
