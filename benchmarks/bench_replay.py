"""How fast a finished study is scored again, with one thread and with two.

A made-up study (several fields, two channels, round somata that stay, some of which die) lies
on disk as any study does. It is scored as `livedeath score` does it, from the journal to the
tables, with one thread and with more; the peer is decoding alone, which reads every frame and
does nothing with it. Making the study and compiling are not timed. Runs with one thread, with
more and of decoding take turns; stated are the least and the median of each.

Beside the times stands whether the results were the same to the last bit.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np

import livedeath
from livedeath.model.study import Study
from livedeath.run.follow import follow
from livedeath.run.warm_up import warm_up
from livedeath.store.folder import Run, StudyFolder
from livedeath.store.journal import frame_entry

OFFSET_ADU, SOMA_PX = 100.0, 16.0

STUDY = """
title = "replay"
vessels = [{{ id = "plate", wells = {wells} }}]
channels = [
  {{ name = "fill", role = "fill", exposure_ms = 50 }},
  {{ name = "indicator", role = "indicator", exposure_ms = 50 }},
]
optics = {{ pixel_size_um = 1.0, image_shape_px = [{side}, {side}] }}
schedule = {{ interval_h = 2, duration_h = {hours} }}
[analysis]
soma_diameter_um = {soma}
"""


def make(place: Path, *, fields: int, side: int, visits: int, density: float) -> StudyFolder:
    """Write a study to disk; ``density`` is neurons per 1000 x 1000 px."""
    wells = [f"{'ABCDEFGH'[k // 12]}{k % 12 + 1}" for k in range(fields)]
    text = STUDY.format(wells=wells, side=side, hours=2 * (visits - 1), soma=SOMA_PX)
    folder = StudyFolder.create(place, Study.from_toml(text))
    folder.images.create(folder.plan)
    n = max(round(density * side**2 / 1e6), 4)
    light = {field: somata(n, side, seed=k) for k, field in enumerate(folder.plan.fields)}
    for number, visit in enumerate(folder.plan.visits):
        rng = np.random.default_rng([7, number])
        living, dying = light[visit.field]
        for key in visit.frames():
            image = 60.0 + living + dying
            if key.channel == "indicator":
                image = 60.0 + 0.15 * (living + dying * (4.0 if 2 * visit.t > visits else 1.0))
            noisy = image + np.sqrt(image) * rng.standard_normal(image.shape, np.float32)
            folder.images.write(key, (OFFSET_ADU + noisy).astype(np.uint16))
            hour = visit.planned_h
            folder.journal.append(frame_entry(key, "saved", time_h=hour, planned_h=hour))
    folder.journal.append({"kind": "acquisition", "what": "finish"})
    return folder


def somata(n: int, side: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the light of somata that live and of those that die, (Y, X) float32.

    They stand near the nodes of a grid, so that few touch.
    """
    rng = np.random.default_rng(seed)
    images = np.zeros((2, side, side), np.float32)
    half = round(1.5 * SOMA_PX)
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    apart = (side - 2 * half) / max(round(n**0.5), 1)
    nodes = np.arange(half + 0.5 * apart, side - half, apart)
    for k, node in enumerate((y0, x0) for y0 in nodes for x0 in nodes):
        wander = rng.uniform(-0.2, 0.2, 2) * apart
        row, col = np.clip(np.rint(node + wander), half, side - half - 1).astype(np.int64)
        r = np.hypot(y, x) / (0.5 * SOMA_PX * np.exp(0.2 * rng.standard_normal()))
        disc = np.exp(rng.uniform(5.0, 7.5)) / (1.0 + np.exp(np.minimum(8.0 * (r - 1.0), 50.0)))
        part = (slice(row - half, row + half + 1), slice(col - half, col + half + 1))
        images[(int(k % 5 == 0), *part)] += disc
    return images[0], images[1]


def decode(folder: StudyFolder) -> None:
    """Read every frame."""
    for key in folder.plan.frames():
        folder.images.read(key)


def score(folder: StudyFolder, workers: int) -> Run:
    """Score the study anew."""
    shutil.rmtree(folder.analysis_dir, ignore_errors=True)
    return follow(folder, workers=workers)


def seconds(work: Callable[[], object]) -> float:
    """Return how long work takes by the clock."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def case(place: Path, *, fields: int, side: int, visits: int, density: float, repeats: int,
         workers: int) -> dict[str, object]:  # fmt: skip
    """Measure one study."""
    folder = make(place, fields=fields, side=side, visits=visits, density=density)
    tables = []
    for n in (1, workers):
        run = score(folder, n)
        tables.append((run.traces(), run.calls()))
    same = all(a.equals(b, null_equal=True) for a, b in zip(*tables, strict=True))
    times: dict[str, list[float]] = {"decoding": [], "one": [], "more": []}
    for _ in range(repeats):
        times["decoding"].append(seconds(lambda: decode(folder)))
        times["one"].append(seconds(lambda: score(folder, 1)))
        times["more"].append(seconds(lambda: score(folder, workers)))
    least = {name: min(values) for name, values in times.items()}
    return {
        "fields": fields, "side": side, "visits": visits, "workers": workers,
        "neurons": tables[0][1].height, "frames": folder.plan.n_frames,
        "least_s": least,
        "median_s": {name: statistics.median(values) for name, values in times.items()},
        "speed_up": least["one"] / least["more"],
        "times_decoding": least["more"] / least["decoding"],
        "same": same,
    }  # fmt: skip


def header() -> dict[str, object]:
    """Return what the figures were measured on."""
    return {
        "livedeath": livedeath.__version__, "python": platform.python_version(),
        "numpy": np.__version__, "numba": numba.__version__, "machine": platform.machine(),
        "cores": os.cpu_count(),
    }  # fmt: skip


def show(found: dict[str, object]) -> None:
    """Print one study's figures."""
    least = found["least_s"]
    print(
        f"{found['fields']} fields of {found['side']} px, {found['neurons']} neurons, "
        f"{found['frames']} frames: decoding {least['decoding']:.2f} s, one thread "
        f"{least['one']:.2f} s, {found['workers']} threads {least['more']:.2f} s: "
        f"{found['speed_up']:.2f} x, {found['times_decoding']:.1f} x decoding, results "
        f"{'the same' if found['same'] else 'NOT THE SAME'}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; status 1 if the results differ."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--fields", type=int, default=8)
    parser.add_argument("--side", type=int, default=1024, help="side of a frame, px")
    parser.add_argument("--visits", type=int, default=12, help="visits of each field")
    parser.add_argument("--density", type=float, default=191.0, help="neurons per 1000 x 1000 px")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--smoke", action="store_true", help="toy size, a few seconds")
    chosen = vars(parser.parse_args(arguments))
    as_json, smoke = chosen.pop("json"), chosen.pop("smoke")
    if smoke:
        chosen |= {"fields": 2, "side": 128, "visits": 3, "repeats": 1}
    top = header()
    if not as_json:
        print("  ".join(f"{k} {v}" for k, v in top.items()))
    warm_up()
    with tempfile.TemporaryDirectory() as place:
        found = case(Path(place) / "study", **chosen)
    if as_json:
        json.dump({"header": top, "results": [found]}, sys.stdout, indent=1)
    else:
        show(found)
    return 0 if found["same"] else 1


if __name__ == "__main__":
    sys.exit(main())
