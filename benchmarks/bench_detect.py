"""How soon and how reliably deaths are called from traces, beside what could be known.

Row by row: the mean delay of the deaths found over the mean information bound (early calls
are false and left out of both; a miss counts as 24 h, five days for visits 4 h apart or
more), the false deaths seen over those asked for where nobody dies, and what else a row asks.
Each plate has a detector of its own, as a laboratory's would. Standard errors are those of
the simulation; limits of rates are exact Poisson limits.
"""

import argparse
import fnmatch
import json
import platform
import sys
import time
from dataclasses import asdict, replace

import numba
import numpy as np

import livedeath
from detect.figures import KINDS, Figure, Row, Size
from detect.rows import ROWS
from detect.scored import score
from detect.traces import Law, simulate

QUICK = ("reference", "null-clean")
"""What toy size runs when no rows are named."""


def header() -> dict[str, object]:
    """Return what the figures were measured on."""
    return {
        "livedeath": livedeath.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "machine": platform.machine(),
        "system": platform.platform(),
        "threads": 1,
    }


def measured(row: Row, seed: int, size: Size, asked: list[float]) -> list[Figure]:
    """Return the figures of one row; nulls once per rate asked for."""
    if row.kind == "null":
        return [fig for rate in asked for fig in KINDS["null"](row, seed, size, rate)]
    return KINDS[row.kind](row, seed, size)


def show(row: Row, figures: list[Figure], seconds: float) -> None:
    """Print the figures of one row."""
    verdicts = {None: "", True: "reached", False: "NOT reached"}
    for figure in figures:
        print(
            f"{row.name:22s} {figure.name:24s} {figure.value:8.3f} +- {figure.error:.3f}  "
            f"{figure.reach:9s} {verdicts[figure.reached]:11s} "
            f"{'was ' + figure.today if figure.today else ''}".rstrip()
        )
        if figure.more:
            print("    " + "  ".join(f"{k} {v:.4g}" for k, v in figure.more.items()))
    print(f"    {seconds:.0f} s", flush=True)


def chosen_rows(patterns: list[str] | None, *, toy: bool) -> list[Row]:
    """Return the rows whose names match; all without patterns."""
    patterns = patterns or (list(QUICK) if toy else ["*"])
    return [row for name, row in ROWS.items() if any(fnmatch.fnmatch(name, p) for p in patterns)]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="names or patterns; default all")
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    parser.add_argument("--deaths", type=int, default=4000, help="deaths per row of delays")
    parser.add_argument("--events", type=float, default=28.0, help="false deaths expected per null")
    parser.add_argument("--asked", type=float, nargs="+", default=[10.0, 1.0, 0.1],
                        help="false deaths per 1,000 neuron-days, of the nulls")  # fmt: skip
    parser.add_argument("--neurons", type=int, help="neurons of a plate; small ones teach little")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--smoke", "--quick", action="store_true", help="toy size, a few seconds")
    chosen = parser.parse_args(arguments)
    rows = chosen_rows(chosen.rows, toy=chosen.smoke)
    if not rows:
        parser.error(f"--rows: none is named {' '.join(chosen.rows)}; --list names them all.")
    if chosen.list:
        print("\n".join(row.name for row in rows))
        return 0
    if chosen.neurons:
        rows = [replace(row, law=replace(row.law, neurons=chosen.neurons)) for row in rows]
    size = Size(chosen.deaths, chosen.events, chosen.smoke)
    score(simulate(replace(Law(), neurons=12, days=2.5), 0), 1.0, dated=True)  # compiles, untimed
    if not chosen.json:
        print("  ".join(f"{k} {v}" for k, v in header().items()))
    results = []
    for row in rows:
        start = time.perf_counter()
        figures = measured(row, chosen.seed, size, chosen.asked)
        if not chosen.json:
            show(row, figures, time.perf_counter() - start)
        told = [asdict(figure) | {"reached": figure.reached} for figure in figures]
        results.append({"row": row.name, "law": asdict(row.law), "figures": told})
    if chosen.json:
        json.dump(
            {"header": header(), "seed": chosen.seed, "results": results}, sys.stdout, indent=1
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
