"""How well somata are outlined: real nuclei of many laboratories, and drawn fields.

F1 at two overlaps, pooled over the images of a set, beside Otsu's threshold with a watershed
that is told the true size. The real images are those with even numbers (``--tune``: with odd
ones). The score that is shipped has learnt from all of them; ``tools/train_outlines.py FOLDER
--only odd`` writes one that has not, for figures on images never seen.
"""

import argparse
import functools
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_otsu
from skimage.segmentation import watershed

from livedeath.analysis import correct, diameter, segment
from livedeath.model.optics import Camera
from livedeath.model.settings import AnalysisSettings
from outlines.images import FIELDS, Field, Image, draw, real
from outlines.judged import Score, score

Outline = Callable[[Image], NDArray[np.int32]]
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "nuclei_many_labs"


def told(image: Image) -> NDArray[np.int32]:
    """Outline with livedeath, told the size."""
    return outline(image.pixels, image.soma_px)


def estimated(image: Image) -> NDArray[np.int32]:
    """Outline with livedeath, the size estimated from the image."""
    corrected = correct.correct(image.pixels, Camera())
    size = diameter.estimate(functools.partial(correct.level, corrected))
    return outline(image.pixels, size.px if size.n else 16.0)


def outline(pixels: NDArray[np.generic], soma_px: float) -> NDArray[np.int32]:
    """Correct, level and segment one image; labels of the camera's size."""
    frame = correct.level(correct.correct(pixels, Camera()), soma_px)
    found = segment.segment(
        frame, soma_px=soma_px / frame.binning, snr=AnalysisSettings().detection_snr
    )
    kept = np.concatenate([[False], found.detections.strong])
    labels = found.labels
    labels = np.where(kept[labels], labels, 0)
    wide = np.repeat(np.repeat(labels, frame.binning, 0), frame.binning, 1)
    return wide[: pixels.shape[0], : pixels.shape[1]].astype(np.int32)


def otsu(image: Image) -> NDArray[np.int32]:
    """Outline as is usual: smooth, Otsu, distance transform, watershed; told the size."""
    smooth = gaussian(image.pixels.astype(float), image.soma_px / 20)
    mask = ndimage.binary_fill_holes(smooth > threshold_otsu(smooth))
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), image.soma_px / 20)
    peaks = peak_local_max(
        distance, min_distance=max(int(0.35 * image.soma_px), 1), labels=mask.astype(int)
    )
    seeds = np.zeros(mask.shape, int)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-distance, seeds, mask=mask)
    small = np.bincount(labels.ravel()) < 0.1 * np.pi / 4 * image.soma_px**2
    return np.where(small[labels], 0, labels).astype(np.int32)


WAYS: dict[str, Outline] = {
    "livedeath": estimated,
    "livedeath, told": told,
    "Otsu + watershed, told": otsu,
}


def judge(images: Iterable[Image], ways: dict[str, Outline]) -> dict[str, dict[str, object]]:
    """Return the pooled figures of each way, and its worst images."""
    pooled = dict.fromkeys(ways, Score())
    single: dict[str, list[tuple[float, str]]] = {way: [] for way in ways}
    taken = dict.fromkeys(ways, 0.0)
    for image in images:
        for way, run in ways.items():
            begun = time.perf_counter()
            one = score(image.labels, run(image))
            taken[way] += time.perf_counter() - begun
            pooled[way] += one
            single[way].append((one.f1[0], image.name))
    return {
        way: {
            "f1": [round(v, 3) for v in pooled[way].f1],
            "true": pooled[way].true,
            "found": pooled[way].found,
            "worst": [f"{name} {f1:.2f}" for f1, name in sorted(single[way])[:5]],
            "seconds": round(taken[way], 1),
        }
        for way in ways
    }


def empty(mpx: int, seed: int) -> dict[str, int]:
    """Count somata in noise clipped at 0, per size and noise."""
    rng = np.random.default_rng(seed)
    counts = {}
    for soma_px in (8.0, 16.0, 40.0):
        for sd in (1.0, 3.0, 30.0):
            noise = rng.normal(0, sd, (mpx, 1000, 1000)).clip(0, None).round().astype(np.uint16)
            found = sum(int(outline(frame, soma_px).max() > 0) for frame in noise)
            counts[f"{soma_px:.0f} px, noise {sd:.0f}"] = found
    return counts


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--tune", action="store_true", help="the odd images instead of the even")
    parser.add_argument("--only", default="", help="names of rows that contain this")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    args = parser.parse_args()
    rows: dict[str, Iterable[Image]] = {}
    if args.data.is_dir():
        which = "odd" if args.tune else "even"
        rows[f"nuclei of many laboratories, {which}"] = real(args.data, int(args.tune))
    for name, kind in FIELDS.items():
        rows[name] = draw(kind, name)
    if args.smoke:
        rows = {"plain": draw(Field(n=6, side=128), "plain")}
    table = {name: judge(images, WAYS) for name, images in rows.items() if args.only in name}
    if not args.only and not args.smoke:
        table["empty frames clipped at 0, somata"] = {"livedeath": empty(4, 1)}
    if args.json:
        json.dump(table, sys.stdout)
        return
    for name, ways in table.items():
        print(name)
        for way, figures in ways.items():
            print(f"    {way:24} {figures}")


if __name__ == "__main__":
    main()
