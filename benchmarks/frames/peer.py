"""What is usually done: frames and the size of a soma go in, outlines with ids come out.

scikit-image finds somata (Gaussian, threshold, opening against neurites, holes filled, small
things removed, watershed of the distance transform), its phase correlation takes the stage's
shifts out, and laptrack links the centres (Jaqaman et al. 2008). They are told the soma's
diameter; so the smoothing, the opening, the least area, the least distance of two peaks and the
farthest step follow from it. Two thresholds are tried: Otsu's of the whole frame, and a local one.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from laptrack import LapTrack
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_local, threshold_otsu
from skimage.measure import regionprops_table
from skimage.morphology import isotropic_opening, remove_small_objects
from skimage.registration import phase_cross_correlation
from skimage.segmentation import watershed

Labels = NDArray[np.int32]
Floats = NDArray[np.float64]

SMOOTH = 1 / 12
"""Sigma of the smoothing, in diameters."""

OPENED = 1 / 8
"""Radius of the opening, in diameters: neurites are thinner."""

LEAST_AREA = 0.25
"""Least area, in that of a soma."""

PEAKS_APART = 0.4
"""Least distance of two peaks of the distance transform, in diameters."""

BLOCK = 4.0
"""Side of the local threshold's neighbourhood, in diameters."""

LOCAL_SDS = 2.0
"""How far the local threshold lies above the mean around, in noise of the smoothed frame."""

STEP = 1.0
"""Farthest step between two visits, in diameters."""

GAP_VISITS = 3
"""Visits that a gap may last."""


def _otsu(smooth: Floats, diameter_px: float) -> NDArray[np.bool_]:
    del diameter_px
    return np.asarray(smooth > threshold_otsu(smooth))


def _local(smooth: Floats, diameter_px: float) -> NDArray[np.bool_]:
    block = 2 * int(BLOCK * diameter_px / 2) + 1
    noise = 1.4826 * float(np.median(np.abs(smooth - np.median(smooth))))
    return np.asarray(smooth > threshold_local(smooth, block, "mean") + LOCAL_SDS * noise)


THRESHOLDS: dict[str, Callable[[Floats, float], NDArray[np.bool_]]] = {
    "otsu": _otsu, "local": _local,
}  # fmt: skip


def outlined(frame: NDArray[Any], diameter_px: float, threshold: str) -> Labels:
    """Return the outlines of one frame as labels from 1."""
    smooth = gaussian(frame.astype(float), max(SMOOTH * diameter_px, 0.7), preserve_range=True)
    mask = ndimage.binary_fill_holes(THRESHOLDS[threshold](smooth, diameter_px))
    mask = isotropic_opening(mask, OPENED * diameter_px)
    least = LEAST_AREA * np.pi * (diameter_px / 2) ** 2
    mask = remove_small_objects(mask, max_size=int(least))
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1.0)
    apart = max(int(PEAKS_APART * diameter_px), 1)
    peaks = peak_local_max(distance, min_distance=apart, labels=ndimage.label(mask)[0])
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return np.asarray(watershed(-distance, seeds, mask=mask), np.int32)


def shifts_of(frames: list[NDArray[Any]], diameter_px: float) -> list[Floats]:
    """Return how far each frame of a movie lies from the first, (y, x) px."""
    smooth = [gaussian(one.astype(float), diameter_px / 4, preserve_range=True) for one in frames]
    total, all_of_them = np.zeros(2), [np.zeros(2)]
    for before, now in pairwise(smooth):
        total = total - phase_cross_correlation(before, now, normalization=None)[0]
        all_of_them.append(total)
    return all_of_them


def linked(
    outlines: list[Labels], shifts: list[Floats], diameter_px: float, *, divide: bool
) -> tuple[list[Labels], dict[int, int]]:
    """Return the outlines of a movie under lasting ids, and the mother of each that has one.

    Parameters
    ----------
    outlines : list of (Y, X) int32
        One per visit.
    shifts : list of (2,) float64
        From `shifts_of`.
    diameter_px : float
        Of a soma.
    divide : bool
        Whether cells of this movie divide.
    """
    tables = [regionprops_table(one, properties=("label", "centroid")) for one in outlines]
    places = [
        np.column_stack([t["centroid-0"], t["centroid-1"]]) - shift
        for t, shift in zip(tables, shifts, strict=True)
    ]
    cutoff = (STEP * diameter_px) ** 2
    tracker = LapTrack(
        cutoff=cutoff, gap_closing_cutoff=cutoff, gap_closing_max_frame_count=GAP_VISITS,
        splitting_cutoff=cutoff if divide else False,
    )  # fmt: skip
    tree = tracker.predict(places) if any(len(p) for p in places) else None
    ids: dict[tuple[int, int], int] = {}
    parent: dict[int, int] = {}
    count = 0
    for node in sorted(tree.nodes) if tree is not None else ():
        before = next(iter(tree.predecessors(node)), None)
        if before is not None and tree.out_degree(before) == 1:
            ids[node] = ids[before]
            continue
        count += 1
        ids[node] = count
        if before is not None:
            parent[ids[node]] = ids[before]
    movie = []
    for t, (one, table) in enumerate(zip(outlines, tables, strict=True)):
        names = np.zeros(int(one.max()) + 1, np.int32)
        for k, label in enumerate(table["label"].tolist()):
            names[label] = ids.get((t, k), 0)
        movie.append(names[one])
    return movie, parent
