"""From frames to deaths: how soon and how rightly, counted against the true neurons.

Simulated plates are rendered frame by frame and go through the real pipeline, in process.
In every visit the somata that were found are matched, here and by nothing of the project, to
the true neurons that stand there; so it is known at every hour who is who, who is nobody,
and whose death a call is.

* A death counts if its neuron was wholly in view and alive at the first visit and four hours
  were left after the onset. A missed one counts as 24 h of delay.
* A call is false before the onset, of a neuron that does not die, or of what is no neuron;
  it is false to the end if it was not taken back. A death whose call was taken back is missed.
* The information bound is the first visit at which a detector that knows the neuron's
  electrons, fold, rise and noise could have ln(1 / (rate * interval)) of evidence from the
  indicator; whoever is called falsely is left out of both delay and bound.
* An identity switch is an id that goes on to another true neuron.
* Rows are flagged wrongly where no fault was asked for (``--fault``) and a bad frame or a fault of
  the field was seen.
"""

import argparse
import json
import platform
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numba
import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2

import livedeath
from frames.faults import FAULTS, Fault
from frames.truth import Truth, bound_h, truth_of
from livedeath.analysis.pipeline import Pipeline, join_traces
from livedeath.model.flags import Flag
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.light import LightLedger
from livedeath.model.plan import PlannedVisit
from livedeath.model.study import Study
from livedeath.simulation.demo import demo_parameters, demo_study
from livedeath.simulation.parameters import WorldParameters
from livedeath.simulation.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GATE_PX = 12.0
"""A soma farther from a true neuron than this, or its radius, is not it."""

LEFT_H = 4.0
"""Hours left after an onset without which its death does not count."""

MISSED_H = 24.0
"""Delay counted for a missed death."""

IS_NEURON = 0.5
"""An id is a neuron if it stood on a true one in this part of its sightings."""

FAR = 1e6
"""Cost of a pair beyond the gate."""

STAYS = 1e3
"""Taken off the cost of a pair that was one before."""

STUDY = """
schema_version = 1
title = "{name}"
channels = [
  {{ name = "fill", role = "fill", exposure_ms = 100.0 }},
  {{ name = "indicator", role = "indicator", exposure_ms = 100.0 }},
]
vessels = [{{ id = "plate1", format = "96-well", wells = ["A1:H12"] }}]

[optics]
objective = "20x/0.75"
pixel_size_um = 0.65
image_shape_px = [{side}, {side}]
bit_depth = 16
camera = {{ offset_adu = 100.0, gain_e_per_adu = 0.46, read_noise_e = 1.6 }}

[schedule]
interval_h = {interval_h}
duration_h = {duration_h}
"""


@dataclass(frozen=True)
class Case:
    """One simulated plate; ``changes`` are parameters of the world that are not the default."""

    name: str
    says: str
    changes: dict[str, dict[str, float]] = field(default_factory=dict)
    interval_h: float = 0.5
    duration_h: float = 19.0
    wells: int = 12
    side: int = 512
    seed: int = 20

    def world(self, seed: int | None) -> World:
        """Return the plate, with another seed where one is given."""
        if self.name == DEMONSTRATION:
            world = demo_parameters()
            return World(demo_study(), world if seed is None else world.replace(seed=seed))
        study = Study.from_toml(STUDY.format_map(asdict(self)))
        told = {"seed": self.seed if seed is None else seed, **self.changes}
        return World(study, WorldParameters.model_validate(told))


DEMONSTRATION = "demonstration"
CROWDED = {"density_per_mm2": 320.0, "debris_per_mm2": 20.0}
GOOD = {"fold": 4.0, "fold_log_sd": 0.3, "fold_min": 1.8}
DYING = {"hazard_per_day": 0.7}
STEADY = {"error_um": 1.0, "focus_drift_um_per_h": 0.05}
MOVING = {"error_um": 4.0, "focus_drift_um_per_h": 0.4, "motion_um": 4.5}
HEAPED = {"density_per_mm2": 800.0, "debris_per_mm2": 100.0}

CASES = {
    case.name: case
    for case in (
        Case("demo", "320 neurons per mm2, good indicator: fold 4 from 1.8",
             {"culture": CROWDED, "signal": GOOD, "death": DYING, "stage": STEADY}),
        Case("weak", "the same, fold 3 from 1.3",
             {"culture": CROWDED, "death": DYING, "stage": STEADY}),
        Case("drift", "fold 4; neurons move three times as far, stage and focus drift",
             {"culture": CROWDED, "signal": GOOD, "death": DYING, "stage": MOVING}),
        Case("dense", "fold 4; 800 neurons and 100 bits of debris per mm2",
             {"culture": HEAPED, "signal": GOOD, "death": DYING, "stage": STEADY}),
        Case("sparse", "the simulator's defaults: 40 neurons and 20 bits of debris per mm2, fold 3",
             {}, 1.0, 72.0, wells=96, seed=5),
        Case(DEMONSTRATION, "what `livedeath demo` shows, up to its kill", duration_h=19.25),
    )
}  # fmt: skip


def visits_of(case: Case, world: World, wells: int) -> list[PlannedVisit]:
    """Return the planned visits of some wells, up to the hour at which the case ends."""
    named = list(dict.fromkeys(visit.field.well for visit in world.plan.visits))[:wells]
    return [
        visit
        for visit in world.plan.visits
        if visit.field.well in named and visit.planned_h <= case.duration_h
    ]


def rendered(world: World, visits: list[PlannedVisit]) -> Iterator[NDArray[np.uint16]]:
    """Iterate over the visits' two frames, (2, Y, X); light adds up and bleaches."""
    light = LightLedger(world.study)
    for visit in visits:
        pair = []
        for key in visit.frames():
            channel = world.study.channel(key.channel)
            pair.append(
                world.render(
                    vessel=key.vessel, x_um=visit.x_um, y_um=visit.y_um, z_um=visit.z_um[key.z],
                    planned_h=visit.planned_h, channel=key.channel,
                    exposure_ms=channel.exposure_ms, session=visit.session,
                    light_ms=light.given_ms(visit.field),
                )
            )  # fmt: skip
            light.add(key)
        yield np.stack(pair).astype(np.uint16)


def movie(
    case: Case, world: World, visits: list[PlannedVisit], cache: Path | None
) -> Iterator[NDArray[np.uint16]]:
    """Iterate over the visits' frames: rendered, or kept by an earlier run in ``cache``."""
    if cache is None:
        yield from rendered(world, visits)
        return
    cache.mkdir(parents=True, exist_ok=True)
    shape = (len(visits), 2, *world.study.optics.image_shape_px)
    told = f"{case.name}-{world.parameters.seed}-{shape[0]}-{shape[-1]}"
    path, partial = cache / f"{told}.npy", cache / f"{told}.partial.npy"
    if not path.exists():
        kept = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint16, shape=shape)
        for k, pair in enumerate(rendered(world, visits)):
            kept[k] = pair
        kept.flush()
        partial.rename(path)
    yield from np.load(path, mmap_mode="r")


def analyse(
    case: Case,
    world: World,
    visits: list[PlannedVisit],
    cache: Path | None,
    fault: Fault | None = None,
) -> tuple[dict[str, Any], dict[str, Any], float]:
    """Put a plate through the pipeline; return traces, calls and milliseconds per visit."""
    study = world.study
    pipeline = Pipeline(study)
    blocks, spent, rng = [], 0.0, np.random.default_rng(world.parameters.seed)
    for visit, pair in zip(visits, movie(case, world, visits, cache), strict=True):
        shown = np.array(pair) if fault is None else fault(rng, visit.t, np.array(pair))
        images = dict(zip(visit.channels, shown, strict=True))
        start = time.process_time()
        blocks.append(
            pipeline.push(
                Visit(
                    visit.field, visit.t, visit.planned_h, visit.session, images,
                    x_um=visit.x_um, y_um=visit.y_um, z_um=visit.z_um[0],
                )
            ).traces
        )  # fmt: skip
        spent += time.process_time() - start
    traces = join_traces(blocks, pipeline.channels)
    return traces, pipeline.calls(traces), 1e3 * spent / len(visits)


def who_is_where(truth: Truth, traces: dict[str, Any]) -> dict[int, dict[int, int]]:
    """Match one field, visit by visit: id to {visit: true neuron, or -1 for none}.

    Only somata that were found are matched, one to one. Whoever stood on a true neuron before
    stays on it while it is within the gate, as in CLEAR MOT (Bernardin and Stiefelhagen
    2008); the others are matched at the least total distance.
    """
    found: dict[int, dict[int, int]] = defaultdict(dict)
    last: dict[int, int] = {}
    for k in range(truth.time_h.size):
        rows = np.flatnonzero((traces["t"] == k) & np.isfinite(traces["area_um2"]))
        ids = traces["neuron_id"][rows].tolist()
        there = np.flatnonzero(truth.inside(k))
        apart = np.hypot(
            truth.y_px[there, k, np.newaxis] - traces["y_px"][rows],
            truth.x_px[there, k, np.newaxis] - traces["x_px"][rows],
        )
        gate = np.maximum(GATE_PX, truth.radius_px[there])[:, np.newaxis]
        before = there[:, np.newaxis] == np.array([last.get(name, -1) for name in ids])
        cost = np.where(apart <= gate, apart - STAYS * before, FAR)
        for name in ids:
            found[name][k] = -1
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if cost[i, j] < FAR:
                found[ids[j]][k] = last[ids[j]] = int(there[i])
    return found


@dataclass
class Tally:
    """What is counted over the fields of a plate."""

    counts: Counter[str] = field(default_factory=Counter)
    days: float = 0.0
    delay_h: list[float] = field(default_factory=list)
    bound_h: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    missed: list[dict[str, Any]] = field(default_factory=list)
    false: list[dict[str, Any]] = field(default_factory=list)


def owners(found: dict[int, dict[int, int]], n: int) -> tuple[dict[int, int], dict[int, int]]:
    """Return the true neuron of each id, -1 for none, and the id of each true neuron.

    An id is the neuron on which it stood most often before others; of several ids of one
    neuron the one that stood there most often is its own.
    """
    true_of: dict[int, int] = {}
    shares: dict[int, tuple[int, int]] = {}
    for name, places in found.items():
        often = Counter(place for place in places.values() if place >= 0).most_common(1)
        near = sum(place >= 0 for place in places.values())
        if not often or near < IS_NEURON * len(places):
            true_of[name] = -1
            continue
        true, times = often[0]
        true_of[name] = true
        if times > shares.get(true, (0, 0))[1]:
            shares[true] = (name, times)
    return true_of, {true: name for true, (name, _) in shares.items() if true < n}


def count_field(
    tally: Tally, key: FieldKey, truth: Truth, traces: dict[str, Any], calls: dict[str, Any],
    bound: Floats,
) -> None:  # fmt: skip
    """Add one field to the counts."""
    found = who_is_where(truth, traces)
    true_of, id_of = owners(found, truth.death_h.size)
    row_of = {int(name): k for k, name in enumerate(calls["neuron_id"])}
    _count_switches(tally, found)
    _count_unmatched(tally, truth, found)
    early = _count_false(tally, key, truth, calls, true_of, row_of)
    end_h = float(truth.time_h[-1])
    for k in np.flatnonzero(truth.in_view & (truth.death_h > truth.time_h[0])).tolist():
        tally.counts["neurons"] += 1
        row = row_of.get(id_of.get(k, -1))
        death = float(truth.death_h[k])
        outcome = "never_found" if row is None else str(calls["outcome"][row])
        if row is not None:
            _count_days(tally, calls, row, min(death, end_h))
        if death > end_h:
            tally.counts["alive"] += 1
            tally.counts["lost_but_alive"] += outcome == "lost"
            tally.counts["alive_not_found"] += row is None
        elif death <= end_h - LEFT_H:
            tally.counts["deaths"] += 1
            called_at = np.nan if row is None else float(calls["called_at_h"][row])
            hit = called_at >= death and outcome == "dead"
            tally.counts["called"] += hit
            tally.counts[f"death_{outcome}"] += not hit
            if not hit:
                tally.missed.append(_example(key, id_of.get(k), calls, row))
            if k not in early:
                tally.delay_h.append(min(called_at - death, MISSED_H) if hit else MISSED_H)
                tally.bound_h.append(min(float(bound[k]), MISSED_H))


def _example(
    key: FieldKey, name: int | None, calls: dict[str, Any], row: int | None
) -> dict[str, Any]:
    """Return where to look: a death that was not called, or a call that is false."""
    said: dict[str, Any] = {"field": key.name, "id": name}
    if row is not None:
        columns = ("outcome", "loss_reason", "called_at_h", "entry_h", "evidence", "flags")
        said |= {column: str(calls[column][row]) for column in columns}
    return said


def _count_days(tally: Tally, calls: dict[str, Any], row: int, until_h: float) -> None:
    """Add the live time that was watched: from entry to death, loss, call or the end."""
    stop = until_h
    if calls["outcome"][row] == "lost":
        stop = min(stop, float(calls["last_alive_h"][row]))
    if np.isfinite(calls["called_at_h"][row]):
        stop = min(stop, float(calls["called_at_h"][row]))
    tally.days += max(stop - float(calls["entry_h"][row]), 0.0) / 24.0


def _count_switches(tally: Tally, found: dict[int, dict[int, int]]) -> None:
    for places in found.values():
        seen = [place for _, place in sorted(places.items()) if place >= 0]
        tally.counts["switches"] += sum(a != b for a, b in pairwise(seen))


def _count_unmatched(tally: Tally, truth: Truth, found: dict[int, dict[int, int]]) -> None:
    """Count visits of living neurons, wholly in view at first, at which none was found."""
    seen = np.zeros((truth.death_h.size, truth.time_h.size), np.bool_)
    for places in found.values():
        for k, true in places.items():
            if true >= 0:
                seen[true, k] = True
    for k, now in enumerate(truth.time_h):
        here = truth.in_view & (truth.death_h > now) & truth.inside(k)
        tally.counts["alive_visits"] += int(here.sum())
        tally.counts["alive_unmatched"] += int((here & ~seen[:, k]).sum())


def _count_false(
    tally: Tally, key: FieldKey, truth: Truth, calls: dict[str, Any], true_of: dict[int, int],
    row_of: dict[int, int],
) -> set[int]:  # fmt: skip
    """Count false deaths and what became of ids that are nobody; return who was called early."""
    early = set()
    for name, row in row_of.items():
        if (calls["well"][row], calls["field"][row]) != (key.well, key.field):
            continue
        true = true_of.get(name, -1)
        outcome, called_at = str(calls["outcome"][row]), float(calls["called_at_h"][row])
        tally.counts["reported"] += 1
        if true < 0:
            reason = str(calls["loss_reason"][row])
            unproven = outcome == "lost" and reason == "not_shown_a_neuron"
            tally.outcomes["not_at_risk" if unproven else outcome] += 1
        elif outcome == "dead_on_arrival" and truth.death_h[true] > truth.time_h[0]:
            tally.counts["alive_but_dead_on_arrival"] += 1
        elif outcome == "lost" and str(calls["loss_reason"][row]) == "not_shown_a_neuron":
            tally.counts["neurons_not_at_risk"] += bool(truth.in_view[true])
        if np.isfinite(called_at) and (true < 0 or called_at < truth.death_h[true]):
            tally.counts["false"] += 1
            tally.counts["false_to_the_end"] += outcome == "dead"
            early.add(true)
            tally.false.append(_example(key, name, calls, row))
    return early


def poisson_limits(events: int) -> tuple[float, float]:
    """Return the exact 95 % limits of an expected count."""
    low = 0.5 * chi2.ppf(0.025, 2 * events) if events else 0.0
    return float(low), float(0.5 * chi2.ppf(0.975, 2 * events + 2))


def figures(tally: Tally) -> dict[str, Any]:
    """Return the figures of a plate."""
    c, days = tally.counts, max(tally.days, 1e-9)
    low, high = poisson_limits(c["false"])
    delay, bound = np.array(tally.delay_h), np.array(tally.bound_h)
    ratio = float(delay.mean() / bound.mean()) if delay.size and bound.mean() else None
    missed = {k.removeprefix("death_"): n for k, n in c.items() if k.startswith("death_") and n}
    return {
        "neurons": c["neurons"],
        "neuron_days": days,
        "deaths": c["deaths"],
        "called": c["called"],
        "sensitivity": c["called"] / c["deaths"] if c["deaths"] else None,
        "not_called": missed,
        "false": c["false"],
        "false_to_the_end": c["false_to_the_end"],
        "false_per_1000": 1e3 * c["false"] / days,
        "false_per_1000_low": 1e3 * low / days,
        "false_per_1000_high": 1e3 * high / days,
        "mean_delay_h": float(delay.mean()) if delay.size else None,
        "median_delay_h": float(np.median(delay)) if delay.size else None,
        "mean_bound_h": float(bound.mean()) if bound.size else None,
        "ratio_to_bound": ratio,
        "switches_per_1000": 1e3 * c["switches"] / days,
        "alive_unmatched": c["alive_unmatched"] / max(c["alive_visits"], 1),
        "alive": c["alive"],
        "lost_but_alive": c["lost_but_alive"],
        "never_found_alive": c["alive_not_found"],
        "alive_but_dead_on_arrival": c["alive_but_dead_on_arrival"],
        "neurons_not_at_risk": c["neurons_not_at_risk"],
        "reported": c["reported"],
        "not_neurons": sum(tally.outcomes.values()),
        "not_neurons_by_outcome": dict(tally.outcomes),
    }


def counted(
    world: World, visits: list[PlannedVisit], traces: dict[str, Any], calls: dict[str, Any]
) -> Tally:
    """Count a plate against its truth."""
    tally = Tally()
    by_field: dict[FieldKey, list[PlannedVisit]] = defaultdict(list)
    for visit in visits:
        by_field[visit.field].append(visit)
    for key, own in by_field.items():
        truth = truth_of(world, own)
        here = (traces["well"] == key.well) & (traces["field"] == key.field)
        part = {name: values[here] for name, values in traces.items()}
        count_field(tally, key, truth, part, calls, bound_h(truth, world))
    return tally


def run(
    case: Case,
    *,
    wells: int,
    seed: int | None = None,
    cache: Path | None = None,
    fault: str = "",
) -> dict[str, Any]:
    """Render, analyse and count one plate."""
    world = case.world(seed)
    visits = visits_of(case, world, wells)
    traces, calls, per_visit = analyse(case, world, visits, cache, FAULTS.get(fault))
    tally = counted(world, visits, traces, calls)
    return {
        "world": case.name,
        "says": case.says,
        "fault": fault,
        "wells": wells,
        "seed": world.parameters.seed,
        "interval_h": world.study.schedule.interval_h,
        "ms_per_visit": per_visit,
        **figures(tally),
        **flagged(traces),
        "missed_deaths": tally.missed,
        "false_deaths": tally.false,
    }


def flagged(traces: dict[str, Any]) -> dict[str, float]:
    """Return the parts of all rows that say nothing for a fault of frame or field."""
    flags = (Flag.BAD_FRAME, Flag.FIELD_FAULT)
    return {
        f"rows_{one.name.lower()}": float(np.mean((traces["flags"] & one) > 0)) for one in flags
    }


def header() -> dict[str, object]:
    """Return what the figures were measured on, with one thread."""
    versions = {module.__name__: module.__version__ for module in (livedeath, np, numba, scipy)}
    return {**versions, "python": platform.python_version(), "system": platform.platform()}


def _text(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def show(r: dict[str, Any]) -> None:
    """Print one plate as text."""
    fault = f"; {r['fault']}" if r["fault"] else ""
    print(f"\n{r['world']}: {r['says']}; {r['wells']} wells, seed {r['seed']}{fault}")
    print(
        f"  deaths {r['called']}/{r['deaths']} = {_text(r['sensitivity'], 3)}, the others "
        f"{r['not_called'] or 'none'}\n"
        f"  false {r['false']}, {r['false_to_the_end']} to the end, in "
        f"{r['neuron_days']:.0f} neuron-days = "
        f"{r['false_per_1000']:.1f} per 1,000 ({r['false_per_1000_low']:.1f}-"
        f"{r['false_per_1000_high']:.1f})\n"
        f"  delay {_text(r['mean_delay_h'])} h (median {_text(r['median_delay_h'])}) / bound "
        f"{_text(r['mean_bound_h'])} h = {_text(r['ratio_to_bound'])}\n"
        f"  switches {r['switches_per_1000']:.1f} per 1,000 neuron-days; alive and unmatched "
        f"{100 * r['alive_unmatched']:.2f} %; lost but alive {r['lost_but_alive']}/{r['alive']}; "
        f"never found {r['never_found_alive']}; alive but dead on arrival "
        f"{r['alive_but_dead_on_arrival']}; neurons not at risk {r['neurons_not_at_risk']}\n"
        f"  reported {r['reported']}, no neurons {r['not_neurons']}: "
        f"{r['not_neurons_by_outcome'] or 'none'}; {r['ms_per_visit']:.1f} ms a visit\n"
        f"  rows in bad frames {100 * r['rows_bad_frame']:.2f} %, in faults of the field "
        f"{100 * r['rows_field_fault']:.2f} %"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--world", action="append", choices=list(CASES), help="default: all")
    parser.add_argument("--wells", type=int, help="wells of each plate, from its first")
    parser.add_argument("--seed", type=int, help="another world of the same kind")
    parser.add_argument("--fault", choices=list(FAULTS), default="", help="happens to every field")
    parser.add_argument("--cache", type=Path, help="folder that keeps frames for a later run")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--smoke", action="store_true", help="toy size, a few seconds")
    chosen = parser.parse_args(arguments)
    cases = [CASES[name] for name in chosen.world or CASES]
    if chosen.smoke:
        cases = [Case("toy", "a corner of a plate", CASES["demo"].changes, 1.0, 12.0, 1, 256)]
    top = header()
    if not chosen.json:
        print("  ".join(f"{k} {v}" for k, v in top.items()))
    results = []
    for case in cases:
        wells = min(chosen.wells or case.wells, case.wells)
        results.append(
            run(case, wells=wells, seed=chosen.seed, cache=chosen.cache, fault=chosen.fault)
        )
        if not chosen.json:
            show(results[-1])
    if chosen.json:
        json.dump({"header": top, "results": results}, sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
