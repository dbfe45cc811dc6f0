"""How long the detector takes for a visit, per neuron, and where the time goes.

Traces of one plate are pushed through a detector, once per kind of table and number of
neurons a visit has. Timed is `Scorer.push` and nothing else; making the traces, compiling and
the first visits, at which the neurons are met, are not. Processor time of the one thread; each
visit at its fastest of several runs, since other processes share the machine.

The kernels' part is the time of filters and templates (`livedeath.kernels.baseline` and
`detect`), in runs of their own.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

import livedeath
from detect.traces import Law, Traces, simulate
from livedeath.detection import Scorer
from livedeath.kernels import baseline, detect

Floats = NDArray[np.float64]

BACKGROUND_PER_PX = 40.0
"""Light beneath the neurons, electrons per pixel."""
FIELD = 50
"""Neurons of a field; four fields are a well."""
MET = 8
"""Visits before the clock runs."""


class Table:
    """Visits of one plate, each as the keywords of `Scorer.push`."""

    def __init__(self, traces: Traces, *, wide: bool, seen: bool = False) -> None:
        n = traces.onset_h.size
        rng = np.random.default_rng(n)
        self.time_h, self.n = traces.time_h, n
        self.ids = np.arange(n)
        self._visits = []
        field = np.char.add("f", (np.arange(n) // FIELD).astype(str))
        well = np.char.add("w", (np.arange(n) // (4 * FIELD)).astype(str))
        for k in range(traces.time_h.size):
            one: dict[str, Any] = {
                "signal": traces.signal[:, k].copy(),
                "signal_sd": traces.signal_sd[:, k].copy(),
            }
            if wide:
                one |= {
                    "reference": traces.reference[:, k].copy(),
                    "reference_sd": traces.reference_sd[:, k].copy(),
                    "well": well,
                    "field": field,
                    "signal_background": rng.normal(BACKGROUND_PER_PX, 1.0, n),
                    "reference_background": rng.normal(4 * BACKGROUND_PER_PX, 2.0, n),
                }
            if seen:
                one |= {"seen": np.ones(n, np.bool_), "flags": np.zeros(n, np.uint32)}
            self._visits.append(one)

    def __iter__(self) -> Iterator[tuple[float, dict[str, Any]]]:
        return zip(self.time_h.tolist(), self._visits, strict=True)


TABLES = {
    "signal": (False, False),
    "signal, fill, backgrounds, wells, fields": (True, False),
    "the same and seen, as from frames": (True, True),
}
"""Kinds of table by name: whether they have all columns, and whether they say who was seen.

Who says so has the loss of the fill weighed too, by a second detector.
"""


def _timed(
    kernel: Callable[..., object], name: str, spent: dict[str, float]
) -> Callable[..., object]:
    def timed(*args: object) -> object:
        start = time.process_time_ns()
        result = kernel(*args)
        spent[name] = spent.get(name, 0.0) + 1e-3 * (time.process_time_ns() - start)
        return result

    return timed


@contextmanager
def clocked() -> Iterator[dict[str, float]]:
    """Sum up the processor time inside kernels while it is open."""
    spent: dict[str, float] = {}
    kept: list[tuple[object, str, Callable[..., object]]] = []
    for module in (baseline, detect):
        for name, kernel in list(vars(module).items()):
            if isinstance(kernel, numba.core.dispatcher.Dispatcher) and name[0] != "_":
                kept.append((module, name, kernel))

                setattr(module, name, _timed(kernel, name, spent))
    try:
        yield spent
    finally:
        for module, name, kernel in kept:
            setattr(module, name, kernel)


def visits_us(table: Table) -> Floats:
    """Return the processor time of each visit, us."""
    scorer, spent = Scorer(), []
    for time_h, visit in table:
        start = time.process_time_ns()
        scorer.push(time_h, table.ids, **visit)
        spent.append(1e-3 * (time.process_time_ns() - start))
    return np.array(spent)


def kernels_us(table: Table) -> Floats:
    """Return the processor time inside kernels of each visit, us."""
    scorer, total = Scorer(), []
    with clocked() as spent:
        for time_h, visit in table:
            scorer.push(time_h, table.ids, **visit)
            total.append(sum(spent.values()))
    return np.diff(total, prepend=0.0)


def measured(table: Table, repeats: int) -> dict[str, float]:
    """Return us per neuron and visit: of the whole, of the kernels, of the rest."""
    whole, kernels = (
        float(np.min([one(table) for _ in range(repeats)], axis=0)[MET:].mean()) / table.n
        for one in (visits_us, kernels_us)
    )
    return {"us": whole, "kernels_us": kernels, "rest_us": whole - kernels}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--neurons", type=int, nargs="+", default=[50, 400, 2000])
    parser.add_argument("--visits", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--smoke", "--quick", action="store_true", help="toy size, a few seconds")
    chosen = parser.parse_args(arguments)
    if chosen.smoke:
        chosen.neurons, chosen.visits, chosen.repeats = [50], 2 * MET, 1
    header = {
        "livedeath": livedeath.__version__, "python": platform.python_version(),
        "numpy": np.__version__, "numba": numba.__version__, "system": platform.platform(),
        "threads": 1,
    }  # fmt: skip
    if not chosen.json:
        print("  ".join(f"{k} {v}" for k, v in header.items()))
    few = simulate(Law(neurons=50, days=2.5), 1)
    few = replace(few, time_h=few.time_h[: MET + 1])
    visits_us(Table(few, wide=True, seen=True))  # compiles
    results = []
    for neurons in chosen.neurons:
        traces = simulate(Law(neurons=neurons, days=4.0, dying=0.1), 1)
        traces = replace(traces, time_h=traces.time_h[: chosen.visits])
        for name, (wide, seen) in TABLES.items():
            table = Table(traces, wide=wide, seen=seen)
            one = {"neurons": neurons, "table": name} | measured(table, chosen.repeats)
            results.append(one)
            if not chosen.json:
                print(
                    f"{neurons:6d} neurons  {name:42s} {one['us']:6.2f} us per neuron and visit: "
                    f"kernels {one['kernels_us']:5.2f}, the rest {one['rest_us']:5.2f}",
                    flush=True,
                )
    if chosen.json:
        json.dump({"header": header, "results": results}, sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
