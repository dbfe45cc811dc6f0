"""Learn the score of outlines from images with true ones; writes ``outline_score.csv``.

    python tools/train_outlines.py FOLDER

FOLDER holds ``NN.tif`` and ``NN_labels.tif``: the fluorescence images of nuclei of the 2018
Data Science Bowl (BBBC038, CC0), with the outlines corrected by ``lopuhin``. Each image is used
three times: as it is, with a size told that is wrong by a third, and resampled, with noise and
another brightness. Drawn fields (`benchmarks/outlines`) show what these images lack: somata
with neurites, debris, few photons, coarse grains, and noise without somata; the simulator's
worlds (`benchmarks/frames`), under a seed of their own, show neurons. Each candidate
outline is one row, what it looks like and the largest overlap (IoU) that it has with a true
one; boosted trees learn the one from the other. The result depends on nothing but the images
and the seed. Needs scikit-learn (extra ``train``).
"""

import argparse
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.ensemble import HistGradientBoostingRegressor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from frames.cases import CASES
from frames.movies import rendered, visits_of
from livedeath.analysis import correct, outline, segment
from livedeath.kernels import outlines
from livedeath.model.optics import Camera
from livedeath.simulation.outlines import Register
from outlines.images import Field, Image, Neurons, empty_image, real

TREES = 90
LEAVES = 32
RATE = 0.12
DRAWN_WEIGHT = 0.5
"""Weight of all drawn rows together, in that of the real ones."""

WRONG = 0.35
"""Log-sd of the size told with the second copy of each real image."""

WORLD_WEIGHT = 0.6
"""Weight of all rows of the simulator's worlds together."""

WORLD_SEED = 707
"""No benchmark's."""

WORLDS = (
    "dense", "crowded", "thin", "10x", "40x", "textured", "round", "flat", "touching",
    "neurites", "focus", "vignetted", "debris", "corpses", "glia", "clipped", "bytes",
)  # fmt: skip

PART = 0.5
"""Part of the rows that is learnt from: neighbouring levels are nearly alike."""

OUTPUT = Path(outline.__file__).with_name(outline.TABLE)

SEEDS = 2
DRAWN = (
    Field(debris=20, n=50),
    Field(touching=1.0),
    Field(touching=0.5, ball=True),
    Field(texture=0.7),
    Field(texture=0.4, touching=0.7),
    Field(ball=True),
    Field(neurite_px=200.0, n=40),
    Field(neurite_px=60.0, n=40, debris=40),
    Field(neurite_px=120.0, texture=0.4, n=30, debris=30, touching=0.3),
    Field(snr=(1.0, 3.0), n=40),
    Field(snr=(2.0, 8.0), n=40, touching=0.4, debris=20),
    Field(touching=0.6, texture=0.5, radius=(16, 28), n=40, side=700),
    Field(n=30, radius=(4, 6), touching=0.5, side=256, debris=30),
    Field(snr=(1.5, 15.0), n=40, neurite_px=60.0, debris=20),
    Neurons(),
    Neurons(n=80, pixel_um=1.3, electrons=(1e3, 5e4)),
    Neurons(soma_cv=0.7, n=25, pixel_um=0.45, side=500),
    Neurons(electrons=(1e3, 1e4)),
    Field(texture=0.5, ball=True, touching=0.4, grain=(0.05, 0.12)),
)

Rows = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]


@njit(cache=True)
def best_overlaps(
    outlines: NDArray[np.int32],
    basins: NDArray[np.int32],
    places: NDArray[np.int32],
    levels: NDArray[np.uint8],
    parents: NDArray[np.int32],
    truth: NDArray[np.int32],
    n_levels: int,
) -> NDArray[np.float32]:
    """Return for each candidate the largest IoU with a true outline; cost pixels x depth."""
    n_truth = truth.max()
    area = np.zeros(n_truth + 1)
    for name in truth.ravel():
        area[name] += 1
    basin, level, true = basins.ravel(), levels.ravel(), truth.ravel()
    starts = np.zeros(parents.size + 1, np.int64)
    for at in places:
        node = basin[at] - 1
        while node >= 0:
            starts[node + 1] += 1
            node = parents[node]
    starts = np.cumsum(starts)
    pixels, filled = np.empty(starts[-1], np.int64), starts.copy()
    for at in places:
        node = basin[at] - 1
        while node >= 0:
            pixels[filled[node]] = at
            filled[node] += 1
            node = parents[node]
    rows = np.full((parents.size, n_levels + 1), -1, np.int64)
    for i in range(outlines.shape[0]):
        rows[outlines[i, 0], outlines[i, 1]] = i
    best = np.zeros(outlines.shape[0], np.float32)
    counts, totals = np.zeros((n_levels + 2, n_truth + 1)), np.zeros(n_levels + 2)
    for node in range(parents.size):
        counts[:], totals[:] = 0, 0
        for j in range(starts[node], starts[node + 1]):
            totals[level[pixels[j]]] += 1
            counts[level[pixels[j]], true[pixels[j]]] += 1
        for k in range(n_levels, 0, -1):
            totals[k] += totals[k + 1]
            counts[k] += counts[k + 1]
            row = rows[node, k]
            if row >= 0:
                for name in range(1, n_truth + 1):
                    both = counts[k, name]
                    overlap = both / (totals[k] + area[name] - both)
                    best[row] = max(best[row], overlap)
    return best


def rows_of(image: Image, soma_px: float) -> Rows:
    """Return numbers, overlap and weight of every candidate of an image."""
    frame = correct.level(correct.correct(image.pixels, Camera()), soma_px)
    found = segment.fine_candidates(frame, soma_px / frame.binning)
    half = frame.binning // 2
    small = image.labels[half :: frame.binning, half :: frame.binning]
    truth = np.zeros(frame.image.shape, np.int32)
    truth[: small.shape[0], : small.shape[1]] = small[: truth.shape[0], : truth.shape[1]]
    rows, numbers = outlines.features(*found.measured)
    overlaps = best_overlaps(
        rows,
        found.basins,
        found.places,
        found.levels,
        found.parents,
        truth,
        outline.LEVELS,
    )
    # A crowded image counts for more, but not in proportion.
    return numbers, overlaps, np.full(overlaps.size, 1.0 / (1.0 + overlaps.size**0.5))


def varied(image: Image, rng: np.random.Generator) -> Iterator[tuple[Image, float]]:
    """Yield the image in three ways, each with the size that is told."""
    yield image, image.soma_px
    yield image, image.soma_px * math.exp(rng.normal(0, WRONG))
    zoom = math.exp(rng.uniform(math.log(0.6), math.log(1.6)))
    zoom = zoom if zoom * image.soma_px >= 7 else 1.5
    light = ndimage.zoom(image.pixels.astype(float), zoom, order=1)
    light = (light - light.min()) * 800.0 / max(np.ptp(light), 1.0) + 10.0
    light += rng.normal(0, rng.uniform(0, 25), light.shape)
    pixels = np.clip(light, 0, 65535).astype(np.uint16)
    labels = ndimage.zoom(image.labels, zoom, order=0)
    yield (
        Image(image.name, pixels, labels, image.soma_px * zoom),
        image.soma_px * zoom * math.exp(rng.normal(0, 0.1)),
    )


def drawn(rng: np.random.Generator) -> Iterator[tuple[Image, float]]:
    """Draw the fields and empty frames, each with a size that is a little wrong."""
    for seed in range(SEEDS):
        for i, kind in enumerate(DRAWN):
            image = kind.image("drawn", np.random.default_rng(900 + i + 50 * seed))
            yield image, image.soma_px * math.exp(rng.normal(0, 0.1))
        for soma_px in (8.0, 16.0, 40.0):
            yield empty_image(512, rng.uniform(1, 30), rng), soma_px


def simulated() -> Iterator[tuple[Image, float]]:
    """Render two visits of a well of each of the simulator's worlds, under a seed of their own."""
    for name in WORLDS:
        case = CASES[name]
        world = case.world(WORLD_SEED)
        visits = visits_of(case, world, 1)
        chosen = [visits[len(visits) // 6], visits[-1]]
        register = Register(world, (chosen[0].field,))
        soma_px = world.parameters.culture.soma_diameter_um / world.optics_at(0.0).pixel_size_um
        for visit, pair in zip(chosen, rendered(world, chosen), strict=True):
            labels = np.asarray(register.image(visit), np.int32)
            names = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
            yield Image(name, pair[0], names.astype(np.int32), soma_px), soma_px


def together(rows: Iterable[Rows], rng: np.random.Generator) -> Rows:
    """Put a part of all rows together; their weights sum up to 1."""
    numbers, overlaps, weights = (np.concatenate(column) for column in zip(*rows, strict=True))
    kept = rng.random(overlaps.size) < PART
    return numbers[kept], overlaps[kept], weights[kept] / weights[kept].sum()


def learn(sets: dict[float, Rows]) -> HistGradientBoostingRegressor:
    """Return the boosted trees."""
    model = HistGradientBoostingRegressor(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        max_depth=outlines.DEPTH,
        learning_rate=RATE,
        min_samples_leaf=200,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=0,
    )
    numbers = np.concatenate([rows[0] for rows in sets.values()])
    overlaps = np.concatenate([rows[1] for rows in sets.values()])
    weights = np.concatenate([weight * rows[2] for weight, rows in sets.items()])
    return model.fit(numbers, overlaps, sample_weight=weights / weights.mean())


def table_of(model: HistGradientBoostingRegressor) -> str:
    """Write the trees as text, one a row: what is asked, the limits, and what answers add.

    Each is written in full depth; the mean of all overlaps is added to the first.
    """
    asked = 2**outlines.DEPTH - 1
    names = [f"{what}{k}" for what in ("feature", "limit") for k in range(asked)]
    lines = [",".join([*names, *(f"leaf{k}" for k in range(asked + 1))])]
    mean = float(np.ravel(model._baseline_prediction)[0])
    for (tree,) in model._predictors:
        feature, limit = np.zeros(asked, int), np.full(asked, np.inf)
        leaf = np.zeros(asked + 1)
        pending = [(0, 0)]
        while pending:
            at, node = pending.pop()
            if at >= asked:
                leaf[at - asked] = tree.nodes[node]["value"] + mean
                continue
            row = tree.nodes[node]
            if not row["is_leaf"]:
                feature[at], limit[at] = row["feature_idx"], row["num_threshold"]
            below = (node, node) if row["is_leaf"] else (row["left"], row["right"])
            pending += [(2 * at + 1, below[0]), (2 * at + 2, below[1])]
        mean = 0.0
        limits = [str(np.float32(v)) for v in limit]
        lines.append(",".join([*map(str, feature), *limits, *(f"{v:.5g}" for v in leaf)]))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Learn and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=("odd", "even"), help="images to learn from")
    parser.add_argument("--out", type=Path, default=OUTPUT)
    args = parser.parse_args()
    rng = np.random.default_rng(5)
    remainder = None if args.only is None else int(args.only == "odd")
    one = [rows_of(*each) for im in real(args.folder, remainder) for each in varied(im, rng)]
    other = [rows_of(*each) for each in drawn(rng)]
    worlds = [rows_of(*each) for each in simulated()]
    sets = {1.0: one, DRAWN_WEIGHT: other, WORLD_WEIGHT: worlds}
    model = learn({weight: together(rows, rng) for weight, rows in sets.items()})
    args.out.write_text(table_of(model), encoding="utf-8")


if __name__ == "__main__":
    main()
