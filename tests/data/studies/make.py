"""Write the studies that every later version must open: ``python tests/data/studies/make.py``.

Both come about as a user's do, through the commands: ``plate`` is acquired on the simulated
microscope, with entries of a person in its journal, a comparison and an end-kill; ``recording``
is scored from a file. Both are scored and reviewed. Each is packed beside this file with the
numbers that the writing version reads in it. Until a version is released it may be run again;
what a released version wrote stays, and a format that changes gets studies of other names.

Images, tables and verdicts are the same at each run of one version; times of day, and so the
digests of the reviews' chain, are not.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import tifffile

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import stored_studies  # noqa: E402 - found by the line above
from livedeath.model.study import Study  # noqa: E402
from livedeath.review.journal import ReviewJournal  # noqa: E402
from livedeath.review.queue import build_queue  # noqa: E402
from livedeath.review.session import ReviewSession  # noqa: E402
from livedeath.simulation.parameters import WorldParameters  # noqa: E402
from livedeath.simulation.render import write_truth  # noqa: E402
from livedeath.simulation.world import World  # noqa: E402
from livedeath.statistics.study import read_calls  # noqa: E402
from livedeath.store.folder import StudyFolder  # noqa: E402

MOST_BYTES = 300_000
"""Of a packed study: the repository keeps every one that was ever written."""

LEFT_OUT = ("logs", "checkpoint", "reports")
"""Folders of no study's substance; locks are left out, too."""

SAME_TIME = (2026, 1, 1, 0, 0, 0)

PLATE = """
title = "A plate kept to be opened"
description = "Four wells, two arms, killed at the end; 80 pixels, simulated."

[[vessels]]
id = "plate1"
wells = ["B2:C3"]

[optics]
objective = "10x/0.45"
pixel_size_um = 2.0
image_shape_px = [80, 80]
bit_depth = 8
camera = { offset_adu = 10.0, gain_e_per_adu = 8.0, read_noise_e = 1.6 }

[[channels]]
name = "RFP"
role = "fill"
exposure_ms = 100

[[channels]]
name = "GEDI"
role = "indicator"
exposure_ms = 100

[schedule]
interval_h = 1.0
duration_h = 7.0

[[entities]]
id = "culture2"
kind = "culture"
wells = ["B2", "C2"]

[[entities]]
id = "culture3"
kind = "culture"
wells = ["B3", "C3"]

[[interventions]]
kind = "vehicle"
wells = ["B2:B3"]

[[interventions]]
kind = "compound"
compound = "glutamate"
dose = 50.0
unit = "uM"
wells = ["C2:C3"]

[light]
budget_ms_per_field = 1500.0

[[comparisons]]
name = "glutamate against vehicle"
control = "vehicle"
unit = "well"
block = "culture"

[end_kill]
at_h = 5.5
compound = "sodium azide"
"""

WORLD = """
seed = 12

[culture]
density_per_mm2 = 350.0
neurite_fraction = 0.1

[signal]
fold = 4.0
fold_min = 2.0

[death]
hazard_per_day = 0.6
default_hazard_ratio = 6.0

[stage]
error_um = 1.0
focus_drift_um_per_h = 0.05
"""

VERDICTS = ("dead", "alive", "unsure", "dead", "lost", "alive")


def main() -> None:
    """Write both studies and their numbers, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[[], *MAKERS], help="default: all")
    for name in parser.parse_args().names or MAKERS:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            study = MAKERS[name](root)
            said = {"facts": stored_studies.facts(study), "columns": stored_studies.columns(study)}
            if (root / stored_studies.RECORDING).is_file():
                stored_studies.relink(study, stored_studies.RECORDING)
            size = pack(root, HERE / f"{name}.zip")
        text = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
        (HERE / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}.zip: {size / 1000:.0f} kB")  # noqa: T201 - a script


def make_plate(root: Path) -> Path:
    """Acquire, log, score and review a plate."""
    world = World(Study.from_toml(PLATE), WorldParameters.from_toml(WORLD))
    folder = StudyFolder.create(root / "plate", world.study, text=PLATE)
    write_truth(world, folder.path)
    study = str(folder.path)
    livedeath("log", study, "dose", "--wells", "C2:C3", "--at", "0", "--compound", "glutamate",
              "--dose", "50", "--unit", "uM", "--why", "as planned")  # fmt: skip
    livedeath("acquire", study, "--microscope", "simulated", "--no-score")
    livedeath("log", study, "note", "--at", "2.5", "--why", "the door stood open for a minute")
    livedeath("log", study, "exclude", "--wells", "B3", "--at", "4.5", "--why", "a bubble")
    livedeath("score", study)
    review(folder.path, "Ada")
    return folder.path


def make_recording(root: Path) -> Path:
    """Score and review a small TIFF of two channels."""
    recording = root / stored_studies.RECORDING
    tifffile.imwrite(recording, frames(), metadata={"axes": "TCYX"}, compression="zlib")
    study = root / "recording"
    livedeath("score", str(recording), "--out", str(study), "--pixel-size-um", "1.0",
              "--interval-h", "0.5", "--fill", "0", "--indicator", "1")  # fmt: skip
    review(study, "Grace")
    return study


MAKERS = {"plate": make_plate, "recording": make_recording}


def frames(visits: int = 14, side: int = 96) -> np.ndarray:
    """Return (t, c, y, x) uint8 frames of four somata, of which the first dies at visit 8."""
    y, x = np.mgrid[:side, :side]
    places = ((24, 24), (24, 70), (70, 26), (68, 68))
    somata = [np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 5.0**2)) for cy, cx in places]
    rng = np.random.default_rng(2026)
    movie = np.zeros((visits, 2, side, side), np.uint8)
    for t in range(visits):
        for c, height in enumerate((60.0, 18.0)):
            fold = [3.5 if c == 1 and k == 0 and t >= 8 else 1.0 for k in range(len(places))]
            light = 6.0 + height * sum(f * soma for f, soma in zip(fold, somata, strict=True))
            movie[t, c] = rng.poisson(light).clip(0, 255)
    return movie


def review(study: Path, reviewer: str) -> None:
    """Judge the first neurons of the queue, and take one verdict back."""
    folder = StudyFolder.open(study)
    run = folder.run()
    queue = build_queue(read_calls(folder, run).joined, reviewer=reviewer, run=run.name)
    with ReviewJournal.in_folder(folder.reviews_dir, reviewer) as journal:
        session = ReviewSession(queue, journal, run=run.name)
        for verdict in VERDICTS[: session.total]:
            session.judge(verdict, time_h=2.0, t=2, duration_ms=1500.0)
        session.undo()


def livedeath(*arguments: str) -> None:
    """Run a command of livedeath as a user does."""
    subprocess.run(
        [sys.executable, "-m", "livedeath", *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONHASHSEED": "0"},
    )


def pack(root: Path, target: Path) -> int:
    """Pack what was written, in the order of the names; return the size, bytes."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and kept(path, root)]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in files:
            data = path.read_bytes()
            if str(root).encode() in data:
                raise SystemExit(f"{path.relative_to(root)} names a folder of this machine")
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), SAME_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, data)
    size = target.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{target.name} is {size} bytes; {MOST_BYTES} are the most")
    return size


def kept(path: Path, root: Path) -> bool:
    """Say whether a file belongs to the study and not to the process that made it."""
    parts = path.relative_to(root).parts
    return path.suffix != ".lock" and not set(parts) & set(LEFT_OUT)


if __name__ == "__main__":
    main()
