"""Neurons from frames: outlines, identities and deaths, counted against the truth.

Simulated plates are rendered frame by frame and go through the real pipeline, in process.

On some (`frames.cases.DEATHS`, visits every half hour) it is counted how soon and how rightly
deaths are called (`frames.tally`):

* A death counts if its neuron was wholly in view and alive at the first visit and four hours
  were left after the onset. A missed one counts as 24 h of delay.
* A call is false before the onset, of a neuron that does not die, or of what is no neuron;
  it is false to the end if it was not taken back. A death whose call was taken back is missed.
* The information bound is the first visit at which a detector that knows the neuron's
  electrons, fold, rise and noise could have ln(1 / (rate * interval)) of evidence from the
  indicator; whoever is called falsely is left out of both delay and bound.
* Rows are flagged wrongly where no fault was asked for (``--fault``) and a bad frame or a fault of
  the field was seen.

On the others (`frames.cases.DAYS`, six days, every four hours) neurons live longer, and more can
go wrong with who is who. On all of them outlines and tracks of the first wells are judged by
the measures of the Cell Tracking Challenge (`frames.challenge`), beside what is usually done
(`frames.peer`, told the size), and switches, losses and phantoms are counted (`frames.identity`).
``--data DIR`` adds real images (`frames.real`).
"""

import argparse
import json
import platform
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numba
import numpy as np
import scipy
import skimage

import livedeath
from frames import identity, peer, real, tally
from frames.cases import CASES, Case
from frames.challenge import Labels, Score, Sequence
from frames.faults import FAULTS, Fault
from frames.ideal import ideal_figures
from frames.movies import movie, visits_of
from frames.truth import bound_h, glia_of, truth_of
from livedeath.analysis.pipeline import Pipeline, join_traces
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.plan import PlannedVisit
from livedeath.simulation import signal
from livedeath.simulation.outlines import Register
from livedeath.simulation.world import World

JUDGED_WELLS = 2
"""Wells of each plate whose outlines are judged and given to the peer."""

FADED = 0.5
"""A corpse with less of its light than this is not asked for."""

ASKED = {"DET": 0.98, "TRA": 0.97, "LNK": 0.97}
"""Asked on every plate; SEG is asked by the plate."""

MEASURES = ("DET", "SEG", "TRA", "LNK")

By = dict[FieldKey, list[PlannedVisit]]


def by_field(visits: list[PlannedVisit]) -> By:
    """Return the visits of each field, in order."""
    fields: By = defaultdict(list)
    for visit in visits:
        fields[visit.field].append(visit)
    return fields


class Analysed:
    """A plate that went through the pipeline: traces, calls, labels and what it cost."""

    def __init__(
        self,
        case: Case,
        world: World,
        visits: list[PlannedVisit],
        *,
        cache: Path | None,
        judged: set[FieldKey],
        fault: Fault | None = None,
        given: bool = False,
    ) -> None:
        pipeline = Pipeline(world.study)
        truths = {key: Register(world, (key,)) for key in by_field(visits)} if given else {}
        blocks, spent, rng = [], 0.0, np.random.default_rng(world.parameters.seed)
        self.fills: dict[FieldKey, list[Any]] = defaultdict(list)
        self.labels: dict[FieldKey, list[Labels]] = defaultdict(list)
        for visit, pair in zip(visits, movie(case, world, visits, cache), strict=True):
            shown = np.array(pair) if fault is None else fault(rng, visit.t, np.array(pair))
            images = dict(zip(visit.channels, shown, strict=True))
            looked_at = Visit(
                visit.field, visit.t, visit.planned_h, visit.session, images,
                x_um=visit.x_um, y_um=visit.y_um, z_um=visit.z_um[0],
            )  # fmt: skip
            labels = truths[visit.field].image(visit) if given else None
            start = time.process_time()
            result = pipeline.push(looked_at, labels)
            spent += time.process_time() - start
            blocks.append(result.traces)
            if visit.field in judged:
                self.fills[visit.field].append(shown[0])
                self.labels[visit.field].append(np.asarray(result.labels, np.int32))
        self.traces = join_traces(blocks, pipeline.channels)
        self.calls = pipeline.calls(self.traces)
        self.ms_per_visit = 1e3 * spent / len(visits)


def deaths(world: World, visits: list[PlannedVisit], done: Analysed) -> tally.Tally:
    """Count a plate's deaths and calls against its truth."""
    counts = tally.Tally()
    for key, own in by_field(visits).items():
        truth = truth_of(world, own)
        part = of_field(done.traces, key)
        tally.count_field(counts, key, truth, part, done.calls, bound_h(truth, world))
    return counts


def identities(world: World, visits: list[PlannedVisit], done: Analysed) -> identity.Held:
    """Count a plate's switches, losses and phantoms."""
    held = identity.Held()
    for key, own in by_field(visits).items():
        identity.count_identities(
            held, key.name, truth_of(world, own), of_field(done.traces, key),
            of_field(done.calls, key), glia_of(world, own),
        )  # fmt: skip
    return held


def of_field(table: dict[str, Any], key: FieldKey) -> dict[str, Any]:
    """Return the rows of one field."""
    here = (table["well"] == key.well) & (table["field"] == key.field)
    return {name: values[here] for name, values in table.items()}


def judged_outlines(world: World, visits: list[PlannedVisit], done: Analysed) -> dict[str, Any]:
    """Judge outlines and tracks of the fields whose labels were kept, and the peers'."""
    scores = {name: Score() for name in ("livedeath", *peer.THRESHOLDS)}
    pixel_um = world.optics_at(0.0).pixel_size_um
    diameter_px = world.parameters.culture.soma_diameter_um / pixel_um
    divide = world.parameters.culture.glia_per_mm2 > 0
    mother = parents(done.calls)
    for key, own in by_field(visits).items():
        if key not in done.labels:
            continue
        register = Register(world, (key,))
        truths = [(register.image(visit), faded(world, register, visit)) for visit in own]
        parent_of = {k: p for k, _, p in register.table().iter_rows() if p}
        found = {"livedeath": (done.labels[key], mother)}
        shifts = peer.shifts_of(done.fills[key], diameter_px)
        for name in peer.THRESHOLDS:
            outlines = [peer.outlined(frame, diameter_px, name) for frame in done.fills[key]]
            found[name] = peer.linked(outlines, shifts, diameter_px, divide=divide)
        for name, (labels, parent_of_found) in found.items():
            sequence = Sequence(parent_of, parent_of_found)
            for (true, ignored), one in zip(truths, labels, strict=True):
                sequence.push(true, one, ignored)
            sequence.add_to(scores[name])
    return {name: score.figures() for name, score in scores.items() if score.outlines}


def parents(calls: dict[str, Any]) -> dict[int, int]:
    """Return the mother of each neuron that a division made, where the analysis says so."""
    if "parent_id" not in calls:
        return {}
    pairs = zip(calls["neuron_id"].tolist(), calls["parent_id"].tolist(), strict=True)
    return {int(child): int(mother) for child, mother in pairs if mother and mother > 0}


def faded(world: World, register: Register, visit: PlannedVisit) -> set[int]:
    """Return the true numbers of corpses that have lost too much light to be asked for."""
    scene, _ = world.first_sight(visit)
    left = signal.retained(scene.fates, visit.planned_h, world.parameters.death)
    place = visit.field.vessel, visit.field.well
    names = (
        register.number_of.get(((*place, *name), False))
        for name, share in zip(scene.ids(), left, strict=True)
        if share < FADED
    )
    return {name for name in names if name is not None}


def run(
    case: Case,
    *,
    wells: int,
    judged_wells: int = JUDGED_WELLS,
    seed: int | None = None,
    cache: Path | None = None,
    fault: str = "",
    given: bool = False,
) -> dict[str, Any]:
    """Render, analyse and count one plate; with ``given`` the true outlines are told."""
    start = time.process_time()
    world = case.world(seed)
    visits = visits_of(case, world, wells)
    named = list(dict.fromkeys(visit.field.well for visit in visits))[:judged_wells]
    judged = {visit.field for visit in visits if visit.field.well in named}
    done = Analysed(
        case, world, visits, cache=cache, judged=judged, fault=FAULTS.get(fault), given=given
    )
    counts = deaths(world, visits, done)
    return {
        "world": case.name,
        "says": case.says,
        "fault": fault,
        "wells": wells,
        "seed": world.parameters.seed,
        "interval_h": world.study.schedule.interval_h,
        "asked_seg": case.seg,
        "ms_per_visit": done.ms_per_visit,
        **tally.figures(counts),
        "ideal": ideal_figures(world, visits),
        **tally.flagged(done.traces),
        "identity": identity.figures(identities(world, visits, done)),
        "challenge": judged_outlines(world, visits, done),
        "missed_deaths": counts.missed,
        "false_deaths": counts.false,
        "seconds": time.process_time() - start,
    }


def header() -> dict[str, object]:
    """Return what the figures were measured on, with one thread."""
    modules = livedeath, np, numba, scipy, skimage
    versions = {module.__name__: module.__version__ for module in modules}
    return {**versions, "python": platform.python_version(), "system": platform.platform()}


def _text(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def show(r: dict[str, Any]) -> None:
    """Print one plate as text."""
    fault = f"; {r['fault']}" if r["fault"] else ""
    print(
        f"\n{r['world']}: {r['says']}; {r['wells']} wells, seed {r['seed']}{fault}; "
        f"{r['seconds']:.0f} s"
    )
    show_challenge(r["challenge"], ASKED | {"SEG": r["asked_seg"]})
    show_identity(r["identity"])
    show_deaths(r)


def show_challenge(figures: dict[str, dict[str, float]], asked: dict[str, float]) -> None:
    """Print the measures of the Cell Tracking Challenge, each with what is asked."""
    others = [scores for name, scores in figures.items() if name != "livedeath"]
    for name, scores in figures.items():
        said = []
        for measure, least in asked.items():
            value, verdict = scores[measure], ""
            if name == "livedeath":
                behind = any(other[measure] > value for other in others)
                verdict = f" (asked {least:.2f}{'' if value >= least else ', NOT reached'}" + (
                    ", BEHIND a peer)" if behind else ")"
                )
            said.append(f"{measure} {value:.3f}{verdict}")
        print(
            f"  {name:10s} {'; '.join(said)}; {scores['outlines']} outlines, not found "
            f"{scores['FN']}, nothing {scores['FP']}, merged {scores['NS']}"
        )


def show_identity(r: dict[str, Any]) -> None:
    """Print how ids held."""
    said = [
        f"{name.replace('_', ' ')} {r[name]} = {r[f'{name}_percent']:.2f} % "
        f"({r[f'{name}_percent_limits'][0]:.2f}-{r[f'{name}_percent_limits'][1]:.2f})"
        for name in ("switches", "losses", "false_by_switch")
    ]
    print(
        f"  in {r['identity_days']:.0f} neuron-days: {'; '.join(said)}; at the border "
        f"{r['switches_at_border']} of the switches\n"
        f"  {r['seen_neurons']} neurons, {r['ids']} ids, phantoms {r['phantoms']} = "
        f"{r['phantoms_percent']:.1f} %, at risk {r['phantoms_at_risk_percent']:.1f} %"
    )


def show_deaths(r: dict[str, Any]) -> None:
    """Print what became of deaths."""
    print(
        f"  deaths {r['called']}/{r['deaths']} = {_text(r['sensitivity'], 3)}, the others "
        f"{r['not_called'] or 'none'}\n"
        f"  false {r['false']}, {r['false_to_the_end']} to the end, in "
        f"{r['neuron_days']:.0f} neuron-days = "
        f"{r['false_per_1000']:.1f} per 1,000 ({r['false_per_1000_low']:.1f}-"
        f"{r['false_per_1000_high']:.1f})\n"
        f"  delay {_text(r['mean_delay_h'])} h (median {_text(r['median_delay_h'])}) / bound "
        f"{_text(r['mean_bound_h'])} h = {_text(r['ratio_to_bound'])}\n"
        f"  the detector on true light: delay {_text(r['ideal']['delay_h'])} h, found "
        f"{r['ideal']['found']:.3f}, false {r['ideal']['false']}\n"
        f"  alive and unmatched "
        f"{100 * r['alive_unmatched']:.2f} %; lost but alive {r['lost_but_alive']}/{r['alive']}; "
        f"never found {r['never_found_alive']}; alive but dead on arrival "
        f"{r['alive_but_dead_on_arrival']}; neurons not at risk {r['neurons_not_at_risk']}\n"
        f"  reported {r['reported']}, no neurons {r['not_neurons']}: "
        f"{r['not_neurons_by_outcome'] or 'none'}; {r['ms_per_visit']:.1f} ms a visit\n"
        f"  rows in bad frames {100 * r['rows_bad_frame']:.2f} %, in faults of the field "
        f"{100 * r['rows_field_fault']:.2f} %"
    )


def table(results: list[dict[str, Any]]) -> str:
    """Return one line per plate, in the markup of the README; the peer is the better of two."""
    lines = [
        "| world | DET | SEG | TRA | LNK | the usual way | neuron-days | switches % (95 %) | "
        "losses % | phantoms % (at risk) | asked and not reached, or behind |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        figures, held = dict(r["challenge"]), r["identity"]
        own = figures.pop("livedeath")
        best = {name: max(other[name] for other in figures.values()) for name in MEASURES}
        asked = ASKED | {"SEG": r["asked_seg"]}
        short = [name for name in MEASURES if own[name] < max(asked[name], best[name])]
        low, high = held["switches_percent_limits"]
        cells = [
            r["world"],
            *(f"{own[name]:.3f}" for name in MEASURES),
            " ".join(f"{best[name]:.3f}" for name in MEASURES),
            f"{held['identity_days']:.0f}",
            f"{held['switches_percent']:.2f} ({low:.2f}-{high:.2f})",
            f"{held['losses_percent']:.2f}",
            f"{held['phantoms_percent']:.1f} ({held['phantoms_at_risk_percent']:.1f})",
            ", ".join(short) or "none",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--world", action="append", choices=list(CASES), help="default: all")
    parser.add_argument("--wells", type=int, help="wells of each plate, from its first")
    parser.add_argument(
        "--judged-wells", type=int, default=JUDGED_WELLS, help="wells whose outlines are judged"
    )
    parser.add_argument("--seed", type=int, help="another world of the same kind")
    parser.add_argument("--fault", choices=list(FAULTS), default="", help="happens to every field")
    parser.add_argument(
        "--true-outlines", action="store_true", help="tell them: what is left is linking's"
    )
    parser.add_argument("--cache", type=Path, help="folder that keeps frames for a later run")
    parser.add_argument("--data", type=Path, help="folder of real images, judged after the plates")
    parser.add_argument("--only-data", action="store_true", help="real images and no plates")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--smoke", action="store_true", help="toy size, a few seconds")
    chosen = parser.parse_args(arguments)
    cases = [CASES[name] for name in ([] if chosen.only_data else chosen.world or CASES)]
    if chosen.smoke:
        cases = [Case("toy", "a corner of a plate", CASES["demo"].changes, 1.0, 12.0, 1, 256)]
    top = header()
    if not chosen.json:
        print("  ".join(f"{k} {v}" for k, v in top.items()))
    results = []
    for case in cases:
        wells = min(chosen.wells or case.wells, case.wells)
        results.append(
            run(
                case, wells=wells, judged_wells=chosen.judged_wells, seed=chosen.seed,
                cache=chosen.cache, fault=chosen.fault, given=chosen.true_outlines,
            )
        )  # fmt: skip
        if not chosen.json:
            show(results[-1])
            sys.stdout.flush()
    images = real.rows(chosen.data) if chosen.data else []
    if chosen.json:
        json.dump({"header": top, "results": results, "images": images}, sys.stdout, indent=1)
    else:
        for row in images:
            real.show(row)
        if results:
            print(f"\n{table(results)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
