"""How long linking a visit takes and how rightly it links, beside other trackers.

Outlines of simulated neurons go through livedeath's register and tracker and through trackpy,
laptrack and, where ``--btrack`` names an interpreter that has it, btrack 0.6.5. Neurons wander,
some are not found, some not for several visits, debris is found, the frame drifts. Everybody may
look equally far, and over as many missed visits.

Timed is what turns the outlines of a visit into ids; making them, tables for the peers and
compiling are not. Processor time of one thread, all visits from the second on over their number;
livedeath's at the fastest of several runs. An edge goes from one sighting of a neuron to its next;
recall: true edges whose two ends have one id, precision: edges of the ids that are true.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np
import scipy
from numpy.typing import NDArray

import livedeath
from link import peers
from livedeath.analysis import register, track
from livedeath.model.measures import Detections, Placing
from livedeath.model.settings import AnalysisSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SOMA_PX = 16.0
AREA_PX = 2048.0**2 / 800
"""Pixels for each neuron: 800 on a frame of 2048 x 2048."""
WANDER_PX = 0.7
"""Way of a neuron from visit to visit, sd per axis."""
DRIFT_PX = 1.0
"""Way of the frame, sd per axis."""
MISSED, LONGER = 0.02, 0.002
"""Part of the neurons not found in a visit; of those that go unseen for as long as is allowed."""
DEBRIS = 0.01
"""Outlines that are no neuron, as a part of the neurons."""
MARGIN_PX = 32.0
"""Neurons stay so far from the border at first, or drift would take them out of view."""
REACH_PX = 12.0
"""How far the peers look: as far as livedeath does within an hour."""
REPEATS = 3


@dataclass(frozen=True)
class Movie:
    """Outlines of all visits, one row each; ``true`` is the neuron, -1 for none."""

    t: Ints
    y: Floats
    x: Floats
    area: Floats
    light: Floats
    true: Ints
    side: int


def simulate(neurons: int, visits: int, *, crowd: float, seed: int) -> Movie:
    """Return a movie; ``crowd`` times as many neurons stand on an area."""
    rng = np.random.default_rng(seed)
    side = int(np.sqrt(neurons * AREA_PX / crowd))
    places = spread(rng, neurons, side)
    area, light = np.exp(rng.normal(5.3, 0.4, neurons)), np.exp(rng.normal(9.0, 0.7, neurons))
    drift, until, rows = np.zeros(2), np.zeros(neurons), []
    for t in range(visits):
        places += rng.normal(0, WANDER_PX, places.shape)
        drift += rng.normal(0, DRIFT_PX, 2)
        until[rng.random(neurons) < LONGER] = t + peers.GAP
        seen = np.flatnonzero((rng.random(neurons) >= MISSED) & (until <= t))
        m = int(DEBRIS * neurons)
        points = np.vstack([places[seen] + drift, rng.uniform(0, side, (m, 2))])
        noise = np.exp(rng.normal(0, 0.15, (2, len(points))))
        row = np.empty((len(points), 6))
        row[:, 0], row[:, 1:3] = t, points
        row[:, 3] = np.append(area[seen], np.exp(rng.normal(4.5, 0.4, m))) * noise[0]
        row[:, 4] = np.append(light[seen], np.exp(rng.normal(8.0, 0.7, m))) * noise[1]
        row[:, 5] = np.append(seen, np.full(m, -1))
        rows.append(rng.permutation(row))
    t, y, x, area, light, true = np.concatenate(rows).T.copy()
    return Movie(t.astype(np.int64), y, x, area, light, true.astype(np.int64), side)


def spread(rng: np.random.Generator, neurons: int, side: int) -> Floats:
    """Return places that are mostly a soma apart."""
    places = rng.uniform(MARGIN_PX, side - MARGIN_PX, (neurons, 2))
    for _ in range(20):
        near = scipy.spatial.cKDTree(places).query_pairs(SOMA_PX, output_type="ndarray")
        if near.size == 0:
            break
        again = np.unique(near[:, 1])
        places[again] = rng.uniform(MARGIN_PX, side - MARGIN_PX, (again.size, 2))
    return places


def ours(movie: Movie) -> peers.Linked:
    """Link with livedeath: register each visit, then follow."""
    tracker = track.Tracker(AnalysisSettings(), soma_px=SOMA_PX, pixel_um=1.0)
    placing, shape, ids = Placing(), (movie.side, movie.side), []
    starts = np.searchsorted(movie.t, np.arange(movie.t[-1] + 2))
    visits = []
    for a, b in pairwise(starts.tolist()):
        n = b - a
        visits.append(
            Detections(
                np.arange(1, n + 1, dtype=np.int32), movie.y[a:b], movie.x[a:b], movie.area[a:b],
                movie.light[a:b], np.full(n, 30.0), np.ones(n, np.bool_), np.zeros(n, np.bool_),
            )
        )  # fmt: skip
    seconds = 0.0
    for visit, found in enumerate(visits):
        start = time.process_time()
        somata = np.column_stack([found.y, found.x])
        told = register.place(
            placing, tracker.landmarks(), somata, found.light, soma_px=SOMA_PX, shape=shape
        )
        seen = tracker.push(
            found, time_h=float(visit), placing=told.placing, certain=told.certain, trusted=True
        )
        seconds += time.process_time() - start if visit else 0.0
        placing = told.placing
        ids.append(seen.neuron)
    return np.concatenate(ids), seconds


def edges(t: Ints, name: Ints) -> set[tuple[int, int]]:
    """Return pairs of rows that follow each other under one name, at most the gap apart."""
    named = np.flatnonzero(name >= 0)
    order = named[np.lexsort((t[named], name[named]))]
    one, other = order[:-1], order[1:]
    follows = (name[one] == name[other]) & (t[other] - t[one] <= peers.GAP + 1)
    return set(zip(one[follows].tolist(), other[follows].tolist(), strict=True))


def quality(movie: Movie, name: Ints) -> tuple[float, float, int]:
    """Return recall and precision of edges, and how often the id of a neuron changes."""
    true, said = edges(movie.t, movie.true), edges(movie.t, name)
    both = len(true & said)
    switches = sum(name[a] != name[b] and name[a] >= 0 and name[b] >= 0 for a, b in true)
    return both / max(len(true), 1), both / max(len(said), 1), int(switches)


def run(movie: Movie, link: Callable[[], peers.Linked], repeats: int) -> dict[str, float]:
    """Return the milliseconds of a visit and how right the links are."""
    timed = [link() for _ in range(repeats)]
    recall, precision, switches = quality(movie, timed[0][0])
    ms = 1e3 * min(seconds for _, seconds in timed) / max(int(movie.t[-1]), 1)
    return {"ms": ms, "recall": recall, "precision": precision, "switches": switches}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--neurons", type=int, nargs="+", default=[100, 800, 20000])
    parser.add_argument("--visits", type=int, default=60)
    parser.add_argument("--crowd", type=float, default=1.0, help="times as many on an area")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--btrack", metavar="PYTHON", help="interpreter that has btrack 0.6.5")
    parser.add_argument("--alone", action="store_true", help="livedeath alone")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--smoke", action="store_true", help="toy size, a few seconds")
    chosen = parser.parse_args(arguments)
    if chosen.smoke:
        chosen.neurons, chosen.visits, chosen.alone = [60], 8, True
    header = {
        "livedeath": livedeath.__version__, "python": platform.python_version(),
        "numpy": np.__version__, "numba": numba.__version__, "system": platform.platform(),
        "threads": 1,
    }  # fmt: skip
    if not chosen.json:
        print("  ".join(f"{k} {v}" for k, v in header.items()))
    ours(simulate(50, 6, crowd=1.0, seed=0))  # compiles
    others = {} if chosen.alone else {"trackpy": peers.trackpy, "laptrack": peers.laptrack}
    if chosen.btrack:
        others["btrack"] = peers.btrack(chosen.btrack)
    results = []
    for neurons in chosen.neurons:
        # What takes minutes is timed on fewer visits.
        visits = chosen.visits if neurons <= 2000 else max(chosen.visits // 6, 4)
        movie = simulate(neurons, visits, crowd=chosen.crowd, seed=chosen.seed)
        one = run(movie, lambda movie=movie: ours(movie), REPEATS)
        results.append({"neurons": neurons, "visits": visits, "tracker": "livedeath", **one})
        for name, peer in others.items():
            told = (movie.t, movie.y, movie.x, REACH_PX)
            other = run(movie, lambda peer=peer, told=told: peer(*told), 1)
            other["times"] = other["ms"] / one["ms"]
            results.append({"neurons": neurons, "visits": visits, "tracker": name, **other})
        if not chosen.json:
            for r in results[-1 - len(others) :]:
                print(
                    f"{r['neurons']:6d} neurons, {r['visits']} visits  {r['tracker']:10s} "
                    f"{r['ms']:10.3f} ms a visit ({r.get('times', 1.0):8.1f} x)  edges found "
                    f"{r['recall']:.5f}, right {r['precision']:.5f}, switches {r['switches']}",
                    flush=True,
                )
    if chosen.json:
        json.dump({"header": header, "results": results}, sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
