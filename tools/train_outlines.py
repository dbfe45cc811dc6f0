"""Learn the score of outlines from images with true ones; writes ``outline_score.csv``.

    python tools/train_outlines.py FOLDER

FOLDER holds ``NN.tif`` and ``NN_labels.tif``: the fluorescence images of nuclei of the 2018
Data Science Bowl (BBBC038, CC0), with the outlines corrected by ``lopuhin``. Each image is used
three times: as it is, with a size told that is wrong by a third, and resampled, with noise and
another brightness. Drawn fields (`benchmarks/outlines`) show what these images lack: somata
with neurites, debris, few photons, coarse grains, and noise without somata. Each candidate
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

from livedeath.analysis import correct, outline, segment
from livedeath.model.optics import Camera
from outlines.images import Field, Image, Neurons, empty_image, real

TREES = 60
LEAVES = 12
RATE = 0.15
DRAWN_WEIGHT = 0.5
"""Weight of all drawn rows together, in that of the real ones."""

WRONG = 0.35
"""Log-sd of the size told with the second copy of each real image."""

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
    overlaps = best_overlaps(
        found.outlines,
        found.basins,
        found.places,
        found.levels,
        found.parents,
        truth,
        outline.LEVELS,
    )
    # A crowded image counts for more, but not in proportion.
    return found.numbers, overlaps, np.full(overlaps.size, 1.0 / (1.0 + overlaps.size**0.5))


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


def together(rows: Iterable[Rows], rng: np.random.Generator) -> Rows:
    """Put a part of all rows together; their weights sum up to 1."""
    numbers, overlaps, weights = (np.concatenate(column) for column in zip(*rows, strict=True))
    kept = rng.random(overlaps.size) < PART
    return numbers[kept], overlaps[kept], weights[kept] / weights[kept].sum()


def learn(real_rows: Rows, drawn_rows: Rows) -> HistGradientBoostingRegressor:
    """Return the boosted trees."""
    model = HistGradientBoostingRegressor(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        learning_rate=RATE,
        min_samples_leaf=200,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=0,
    )
    numbers = np.concatenate([real_rows[0], drawn_rows[0]])
    overlaps = np.concatenate([real_rows[1], drawn_rows[1]])
    weights = np.concatenate([real_rows[2], DRAWN_WEIGHT * drawn_rows[2]])
    return model.fit(numbers, overlaps, sample_weight=weights / weights.mean())


def table_of(model: HistGradientBoostingRegressor) -> str:
    """Write the trees as text, one node a row; the mean is the first tree."""
    lines = ["tree,feature,threshold,left,right,value"]
    lines.append(f"0,-1,0,0,0,{float(np.ravel(model._baseline_prediction)[0]):.6g}")
    for number, (tree,) in enumerate(model._predictors, start=1):
        for node in tree.nodes:
            if node["is_leaf"]:
                lines.append(f"{number},-1,0,0,0,{node['value']:.5g}")
                continue
            # As float32, so that a row falls to the same side in the kernel.
            at = np.float32(node["num_threshold"])
            where = f"{node['left']},{node['right']}"
            lines.append(f"{number},{node['feature_idx']},{at!s},{where},0")
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
    model = learn(together(one, rng), together(other, rng))
    args.out.write_text(table_of(model), encoding="utf-8")


if __name__ == "__main__":
    main()
