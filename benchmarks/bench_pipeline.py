"""How fast and how well a visit becomes a table of neurons, beside the usual pipelines.

Two channels of simulated camera frames (somata of different size and brightness, some
touching, neurites, debris, uneven background, photons and read noise; the frame drifts and
2 % of the somata are dark in each visit) go through
livedeath's image core and through two peers written for the same job: background,
threshold, opening, labels, light of both channels per soma, nearest-neighbour linking.
The peers know the camera's noise and their thresholds are tuned on this scene.

Timed is what turns the two frames of a visit into rows; making the frames, compiling and
painting label images are not. The visits are a ring larger than the processor's cache. The time is
stated by the clock and as processor time of the one thread; the latter is compared with the
fastest of the copies of the same bytes that are made between the visits (30 at least).
Recall and precision are against the true outlines at an overlap (IoU) of one half, in the last
visit.
"""

import argparse
import json
import math
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numba
import numpy as np
import scipy
import skimage
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage import feature, measure, morphology, segmentation

import livedeath
from livedeath.analysis.field import FieldPipeline
from livedeath.analysis.judge import Judge
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.optics import Camera, Optics
from livedeath.model.settings import AnalysisSettings

try:
    import cv2
except ImportError:  # a peer that need not be there
    cv2 = None

Frame = NDArray[np.uint16]
Labels = NDArray[np.int32]
Pair = tuple[Frame, Frame]

OFFSET_ADU, GAIN, READ_NOISE_E = 100.0, 0.46, 1.6
SOMA_PX = 16.0
THRESHOLD = 5.0
"""Of the peers, in noises of the smoothed image; the best of 3 to 9 on this scene."""

LEAST_COPIES = 30
"""Of them the fastest is what times are compared with."""

DRIFT_PX, DARK = 1.5, 0.02
"""Drift from visit to visit (sd, whole pixels), and the part of the somata that is dark in each."""

KEY = FieldKey("plate1", 0, "A1", 0)


@dataclass(frozen=True)
class Scene:
    """Frames of one field and the true outlines."""

    visits: list[Pair]
    truths: list[Labels]

    @property
    def nbytes(self) -> int:
        """Bytes of one visit."""
        return sum(frame.nbytes for frame in self.visits[0])


def simulate(side: int, neurons: int, visits: int, *, seed: int) -> Scene:
    """Return a scene: somata of 6-10 px radius, 5 % touching, neurites, debris, a slope."""
    rng = np.random.default_rng(seed)
    places = list(spread(rng, side, neurons))
    truth = np.zeros((side, side), np.int32)
    fill = np.zeros((side, side), np.float32)
    for number, (y, x, radius) in enumerate(places, start=1):
        light = math.exp(rng.uniform(math.log(2e3), math.log(4e4)))
        draw_soma(fill, truth, number, (y, x, radius), light)
        for angle in rng.uniform(0, 2 * math.pi, 3):
            peak = light / (math.pi * radius**2)
            draw_neurite(fill, (y, x), angle, rng.uniform(20, 60), 0.15 * peak)
    for y, x in rng.uniform(3, side - 4, (neurons // 3, 2)):
        draw_speck(fill, (y, x), rng.uniform(20, 150))
    dead = rng.random(neurons + 1) < 0.2
    fold = np.where(dead[truth], 1.2, 0.12).astype(np.float32)
    yy, xx = np.mgrid[:side, :side].astype(np.float32) / side
    base = (50 + 40 * yy * xx + 10 * xx).astype(np.float32)
    made, truths, place = [], [], np.zeros(2)
    for _ in range(visits):
        place += rng.normal(0, DRIFT_PX, 2)
        shown = rng.random(neurons + 1) >= DARK
        shown[0] = True
        light, outlines = fill * shown[truth], np.where(shown[truth], truth, 0)
        by = tuple(np.rint(place).astype(int).tolist())
        light, part, outlines = (np.roll(one, by, (0, 1)) for one in (light, fold, outlines))
        made.append((camera(rng, base + light), camera(rng, base + light * part)))
        truths.append(outlines)
    return Scene(made, truths)


def spread(
    rng: np.random.Generator, side: int, neurons: int
) -> Iterator[tuple[float, float, float]]:
    """Draw places that do not overlap; one in twenty touches the one before."""
    taken = np.zeros((side, side), np.bool_)
    last = (side / 2, side / 2, 0.0)
    made = 0
    while made < neurons:
        radius = rng.uniform(6, 10)
        y, x = rng.uniform(16, side - 16, 2)
        if made % 20 == 19:
            angle = rng.uniform(0, 2 * math.pi)
            reach = last[2] + radius
            y, x = last[0] + reach * math.sin(angle), last[1] + reach * math.cos(angle)
            last = (side / 2, side / 2, 0.0) if made % 2 else last
        if not (16 <= y < side - 16 and 16 <= x < side - 16):
            continue
        free = made % 20 == 19 or not taken[int(y), int(x)]
        if free:
            window(taken, (y, x), 24)[...] = True
            last = (y, x, radius)
            made += 1
            yield last


def window(image: NDArray[np.generic], place: tuple[float, float], reach: int) -> NDArray:
    """Return the part of an image around a place."""
    y, x = int(place[0]), int(place[1])
    return image[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]


def grid(
    image: NDArray[np.generic], place: tuple[float, float], reach: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates of `window` relative to the place."""
    y, x = int(place[0]), int(place[1])
    part = window(image, place, reach)
    rows = np.arange(part.shape[0])[:, np.newaxis] + max(y - reach, 0) - place[0]
    cols = np.arange(part.shape[1])[np.newaxis] + max(x - reach, 0) - place[1]
    return rows.astype(float), cols.astype(float)


def draw_soma(
    image: NDArray[np.float32],
    truth: Labels,
    number: int,
    soma: tuple[float, float, float],
    light: float,
) -> None:
    """Add a soma that is brighter in its middle."""
    place, radius = soma[:2], soma[2]
    dy, dx = grid(image, place, 16)
    r = np.hypot(dy, dx) / radius
    dome = (1 - 0.35 * np.minimum(r, 1) ** 2) / (1 + np.exp(np.minimum((r - 1) * 2 * radius, 50)))
    window(image, place, 16)[...] += (light * dome / dome.sum()).astype(np.float32)
    part = window(truth, place, 16)
    part[(r <= 1) & (part == 0)] = number


def draw_neurite(
    image: NDArray[np.float32],
    place: tuple[float, float],
    angle: float,
    length: float,
    height: float,
) -> None:
    """Add a straight neurite of 1 px sd."""
    dy, dx = grid(image, place, int(length) + 1)
    along = math.sin(angle) * dy + math.cos(angle) * dx
    across = math.cos(angle) * dy - math.sin(angle) * dx
    line = height * np.exp(-0.5 * across**2) * ((along > 0) & (along < length))
    window(image, place, int(length) + 1)[...] += line.astype(np.float32)


def draw_speck(image: NDArray[np.float32], place: tuple[float, float], height: float) -> None:
    """Add a bit of debris."""
    dy, dx = grid(image, place, 5)
    window(image, place, 5)[...] += (height * np.exp(-0.35 * (dy**2 + dx**2))).astype(np.float32)


def camera(rng: np.random.Generator, photons: NDArray[np.float32]) -> Frame:
    """Return the camera's frame."""
    electrons = rng.poisson(photons) + rng.normal(0, READ_NOISE_E, photons.shape)
    return np.clip(np.rint(electrons / GAIN + OFFSET_ADU), 0, 65535).astype(np.uint16)


class Livedeath:
    """The image core: correct, segment, join pieces, register, track and trace."""

    name = "livedeath"

    def __init__(self, side: int) -> None:
        known = Camera(offset_adu=OFFSET_ADU, gain_e_per_adu=GAIN, read_noise_e=READ_NOISE_E)
        optics = Optics(pixel_size_um=1.0, image_shape_px=(side, side), camera=known)
        settings = AnalysisSettings(soma_diameter_um=SOMA_PX)
        channels = ("fill", "indicator")
        self._field = FieldPipeline(settings, optics, shown_by="fill", channels=channels)
        self._t = 0

    def __call__(self, fill: Frame, indicator: Frame) -> Labels:
        """Take one visit."""
        images = {"fill": fill, "indicator": indicator}
        visit = Visit(KEY, self._t, float(self._t), "s1", images)
        self._t += 1
        return self._field.push(visit)


class Linker:
    """Nearest-neighbour linking of the peers."""

    def __init__(self) -> None:
        self._places = np.empty((0, 2))

    def link(self, places: NDArray[np.float64]) -> None:
        """Link to the visit before, within three quarters of a soma."""
        if len(self._places) and len(places):
            cKDTree(self._places).query(places, distance_upper_bound=0.75 * SOMA_PX)
        self._places = places


class OpenCV(Linker):
    """OpenCV's filters and components on 16-bit pixels, NumPy's sums over the foreground only."""

    name = "OpenCV + NumPy, tuned"

    def __init__(self, side: int) -> None:
        super().__init__()
        self._side = side
        self._disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))

    def _mesh(self, frame: Frame) -> NDArray[np.uint16]:
        """Return the background of tiles of 32 x 32 pixels: of the darker ones nearby."""
        small = cv2.resize(frame, None, fx=1 / 32, fy=1 / 32, interpolation=cv2.INTER_AREA)
        return cv2.erode(cv2.medianBlur(small, 5), np.ones((3, 3), np.uint8))

    def __call__(self, fill: Frame, indicator: Frame) -> Labels:
        """Take one visit."""
        mesh, other = self._mesh(fill), self._mesh(indicator)
        size = (self._side, self._side)
        base = cv2.resize(mesh, size, interpolation=cv2.INTER_LINEAR)
        smooth = cv2.GaussianBlur(fill, (0, 0), 1.5)
        part = smooth[::8, ::8].astype(np.float32) - base[::8, ::8]
        noise = 1.4826 * np.median(np.abs(part))
        mask = cv2.compare(smooth, cv2.add(base, int(THRESHOLD * noise)), cv2.CMP_GT)
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, self._disc)
        n, labels = cv2.connectedComponents(mask, connectivity=8)
        where = np.flatnonzero(mask.ravel().view(np.bool_))
        names = labels.ravel()[where]
        light = smooth.ravel()[where].astype(np.float32) - base.ravel()[where]
        top = np.zeros(n, np.float32)
        np.maximum.at(top, names, light)
        kept = light >= 0.5 * top[names]
        labels.ravel()[where[~kept]] = 0
        where, names = where[kept], names[kept]
        y, x = np.divmod(where, self._side)
        area = np.maximum(np.bincount(names, minlength=n), 1)
        for frame, level in ((fill, mesh), (indicator, other)):
            np.bincount(names, frame.ravel()[where] - level[y >> 5, x >> 5].astype(np.float32), n)
        self.link(np.column_stack([np.bincount(names, v, n) / area for v in (y, x)])[1:])
        return labels


class Usual(Linker):
    """scikit-image and SciPy as they are usually put together."""

    name = "scikit-image + SciPy"

    def __init__(self, side: int) -> None:
        super().__init__()
        self._sigma = 2.0

    def __call__(self, fill: Frame, indicator: Frame) -> Labels:
        """Take one visit."""
        image, other = (
            f.astype(np.float32)
            - ndimage.median_filter(f[::16, ::16], 9)
            .repeat(16, 0)
            .repeat(16, 1)[: f.shape[0], : f.shape[1]]
            for f in (fill, indicator)
        )
        smooth = ndimage.gaussian_filter(image, self._sigma)
        noise = 1.4826 * np.median(np.abs(smooth - np.median(smooth)))
        mask = morphology.opening(smooth > THRESHOLD * noise, morphology.disk(3))
        peaks = feature.peak_local_max(
            ndimage.gaussian_filter(smooth, self._sigma), min_distance=6, labels=measure.label(mask)
        )
        seeds = np.zeros(image.shape, np.int32)
        seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        labels = segmentation.watershed(-smooth, seeds, mask=mask).astype(np.int32)
        labels = halve(labels, smooth, len(peaks) + 1)
        table = measure.regionprops_table(
            labels, np.dstack([image, other]), properties=("centroid", "area", "mean_intensity")
        )
        self.link(np.column_stack([table["centroid-0"], table["centroid-1"]]))
        return labels


def halve(labels: Labels, smooth: NDArray[np.float32], n: int) -> Labels:
    """Keep of each region what is above half of its own maximum."""
    where = np.flatnonzero(labels)
    names, values = labels.ravel()[where], smooth.ravel()[where]
    top = np.zeros(max(n, 1), np.float32)
    np.maximum.at(top, names, values)
    kept = labels.copy()
    kept.ravel()[where[values < 0.5 * top[names]]] = 0
    return kept


def sums(
    labels: Labels, where: NDArray[np.int64], n: int, *images: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Sum the images per label; return the centres."""
    names = labels.ravel()[where]
    area = np.maximum(np.bincount(names, minlength=n), 1)
    for image in images:
        np.bincount(names, image.ravel()[where], n)
    y, x = np.divmod(where, labels.shape[1])
    centres = [np.bincount(names, v, n) / area for v in (y, x)]
    return np.column_stack(centres)[1:]


def overlap(labels: Labels, truth: Labels) -> tuple[float, float]:
    """Return recall and precision at an IoU of one half."""
    both = (labels > 0) & (truth > 0)
    pairs, shared = np.unique(
        np.column_stack([labels[both], truth[both]]), axis=0, return_counts=True
    )
    size, true = np.bincount(labels.ravel()), np.bincount(truth.ravel())
    hits = shared >= 0.5 * (size[pairs[:, 0]] + true[pairs[:, 1]] - shared)
    found = max(int((size[1:] > 0).sum()), 1)
    return hits.sum() / (true[1:] > 0).sum(), hits.sum() / found


def milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return how long something takes, by the clock and of this thread's processor time."""
    start, busy = time.perf_counter(), time.thread_time()
    work()
    return 1e3 * (time.perf_counter() - start), 1e3 * (time.thread_time() - busy)


class Copies:
    """Copies of a visit's bytes, from and to memory that is not cached; the fastest counts."""

    def __init__(self, scene: Scene) -> None:
        self._visits = scene.visits
        self._targets = [np.empty_like(f) for _ in range(4) for f in scene.visits[0]]
        self._made = 0
        self.fastest_ms = math.inf

    def make(self) -> None:
        """Make one more."""
        visit = self._visits[self._made % len(self._visits)]
        pair = self._targets[2 * (self._made % 4) :][:2]
        self._made += 1
        took = milliseconds(lambda: list(map(np.copyto, pair, visit)))[1]
        self.fastest_ms = min(self.fastest_ms, took)


def judge_ms(scene: Scene, repeats: int) -> float:
    """Return the processor time in which the frames of a visit are judged, before any stage."""
    known = Camera(offset_adu=OFFSET_ADU, gain_e_per_adu=GAIN, read_noise_e=READ_NOISE_E)
    judges = [Judge(known, 16, SOMA_PX) for _ in scene.visits[0]]
    times = []
    for k in range(repeats * len(scene.visits) + 1):
        visit = scene.visits[k % len(scene.visits)]
        pairs = list(zip(judges, visit, strict=True))
        times.append(milliseconds(lambda p=pairs: [judge.push(frame) for judge, frame in p]))
    return statistics.median(busy for _, busy in times[1:])


def run(scene: Scene, kind: type, side: int, repeats: int, copies: Copies) -> dict[str, object]:
    """Time one pipeline over the visits; the first pass is not counted."""
    pipeline = kind(side)
    for visit in scene.visits:
        pipeline(*visit)
    times: list[tuple[float, float]] = []
    found: list[object] = []
    for _ in range(repeats):
        for visit in scene.visits:
            copies.make()
            times.append(milliseconds(lambda v=visit: found.append(pipeline(*v))))
            del found[:-1]
    labels = found[-1] if isinstance(found[-1], np.ndarray) else found[-1].outlines.image()
    recall, precision = overlap(labels, scene.truths[-1])
    clock, busy = np.array(times).T
    low, middle, high = np.percentile(clock, [10, 50, 90])
    return {
        "pipeline": kind.name,
        "median_ms": float(middle),
        "p10_ms": float(low),
        "p90_ms": float(high),
        "cpu_ms": float(np.median(busy)),
        "visits_per_s": 1e3 / float(middle),
        "recall": float(recall),
        "precision": float(precision),
    }


def header() -> dict[str, object]:
    """Return what the figures were measured on."""
    if cv2 is not None:
        cv2.setNumThreads(1)
    return {
        "livedeath": livedeath.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "scipy": scipy.__version__,
        "scikit-image": skimage.__version__,
        "opencv": cv2.__version__ if cv2 is not None else "absent",
        "machine": platform.machine(),
        "system": platform.platform(),
        "threads": 1,
    }


def show(result: dict[str, object]) -> None:
    """Print one case as text."""
    print(
        f"\n{result['side']} x {result['side']} px, 2 channels, {result['neurons']} neurons; "
        f"copy of the same bytes {result['copy_ms']:.3f} ms, judging the frames "
        f"{result['judge_ms']:.3f} ms ({result['judge_ms'] / result['copy_ms']:.2f} x copy)"
    )
    print(
        f"{'pipeline':22} {'ms':>8} {'10-90 %':>15} {'cpu ms':>8} {'x copy':>8} {'ns/px':>6} "
        f"{'recall':>7} {'precision':>9}"
    )
    for row in result["pipelines"]:
        spread_ms = f"{row['p10_ms']:.1f}-{row['p90_ms']:.1f}"
        print(
            f"{row['pipeline']:22} {row['median_ms']:8.1f} {spread_ms:>15} "
            f"{row['cpu_ms']:8.1f} "
            f"{row['times_copy']:8.1f} {row['ns_per_pixel']:6.2f} "
            f"{row['recall']:7.3f} {row['precision']:9.3f}"
        )


def case(side: int, neurons: int, *, visits: int, repeats: int, seed: int) -> dict[str, object]:
    """Measure all pipelines on one scene."""
    scene = simulate(side, neurons, visits, seed=seed)
    copies, judged = Copies(scene), judge_ms(scene, repeats)
    for _ in range(LEAST_COPIES):
        copies.make()
    kinds = [Livedeath, *([OpenCV] if cv2 is not None else []), Usual]
    rows = [run(scene, kind, side, repeats, copies) for kind in kinds]
    copied = copies.fastest_ms
    for row in rows:
        row["times_copy"] = row["cpu_ms"] / copied
        row["ns_per_pixel"] = 1e6 * row["cpu_ms"] / (2 * side**2)
    sizes = {"side": side, "neurons": neurons}
    return sizes | {"copy_ms": copied, "judge_ms": judged, "pipelines": rows}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--side", type=int, action="append", help="side of a frame, px")
    parser.add_argument("--density", type=float, default=191.0, help="neurons per 1000 x 1000 px")
    parser.add_argument("--visits", type=int, default=12, help="different visits")
    parser.add_argument("--repeats", type=int, default=2, help="passes over the visits")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--smoke", action="store_true", help="toy size, a few seconds")
    chosen = parser.parse_args(arguments)
    sides = [256] if chosen.smoke else chosen.side or [512, 2048]
    visits, repeats = (2, 1) if chosen.smoke else (chosen.visits, chosen.repeats)
    top = header()
    if not chosen.json:
        print("  ".join(f"{k} {v}" for k, v in top.items()))
    results = []
    for side in sides:
        neurons = max(round(chosen.density * side**2 / 1e6), 1)
        results.append(case(side, neurons, visits=visits, repeats=repeats, seed=chosen.seed))
        if not chosen.json:
            show(results[-1])
    if chosen.json:
        json.dump({"header": top, "results": results}, sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
