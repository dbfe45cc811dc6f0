"""Outlines of one visit go in; those that are pieces of one soma come out as one.

A large soma with an uneven light is easily cut in two, and then one death would be two.
Two somata are round and touch at a point, with a waist between them; pieces of one soma
share a cut as long as they are wide and make up a convex whole. Only outlines are looked
at: nothing here knows brightness, time or who is who.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from livedeath.kernels import runs
from livedeath.kernels.near import near_pairs
from livedeath.model.measures import Detections, Runs, Segmentation

GAP = 1 / 12
"""Outlines this near to each other, each side, touch; in soma diameters."""

LONG_CONTACT = 0.75
"""Pieces touch along this part of the smaller one's diameter; on 4 simulated plates (1,500
somata) pieces of one soma along more than 0.9, two somata along less than 0.55."""

CONVEX = 0.75
"""And together fill this part of their convex hull; the same pieces filled 0.79 and more,
two somata 0.77 and less."""

LARGEST = 2.2
"""No soma is larger, in diameters of the typical one: ln 2.2 is 3.3 log-sds (eLife 35977)."""

REACH = 1.5
"""Centres farther apart than this part of the sum of their radii do not touch so."""


class _Renamed(NamedTuple):
    """Labels (Y, X) int32 in 1..m, and the new label of each old one, (n + 1,) int64."""

    labels: NDArray[np.int32]
    names: NDArray[np.int64]


def join(found: Segmentation, *, soma_px: float) -> Segmentation:
    """Join the outlines that are pieces of one soma.

    Parameters
    ----------
    found : Segmentation
        Outlines of one visit.
    soma_px : float
        Diameter of a typical soma, working px.

    Returns
    -------
    Segmentation
        New labels in the order of the old ones; what lies between joined pieces is part
        of the whole. Without pieces it is the one given.
    """
    rows, labels = found.detections, found.labels
    joined = _join(labels, np.column_stack([rows.y, rows.x]), rows.area, soma_px)
    if joined.labels is labels:
        return found
    outlines = Runs(runs.runs_of(joined.labels), found.runs.shape)
    return Segmentation(outlines, combine(rows, joined.names))


def _join(
    labels: NDArray[np.int32],
    points: NDArray[np.float64],
    areas: NDArray[np.float64],
    soma_px: float,
) -> _Renamed:
    """Join outlines, then what came of them, until nothing is a piece any more."""
    n = areas.size
    pairs = _pieces(labels, points, areas, soma_px)
    if not pairs:
        return _Renamed(labels, np.arange(n + 1))
    first, second = np.array(pairs, np.int64).T
    part = _renamed(labels, first, second, soma_px)
    # A whole may be a piece of a larger one; each round leaves fewer outlines.
    count = np.bincount(part.names[1:] - 1, areas).astype(np.float64)
    centres = [np.bincount(part.names[1:] - 1, axis * areas) / count for axis in points.T]
    rest = _join(part.labels, np.column_stack(centres), count, soma_px)
    return _Renamed(rest.labels, rest.names[part.names])


def combine(detections: Detections, names: NDArray[np.int64]) -> Detections:
    """Return the rows of the joined outlines.

    Parameters
    ----------
    detections : Detections
        Rows of the outlines before.
    names : (n + 1,) int64
        New label of each old one; 0 stays 0.

    Returns
    -------
    Detections
        Areas and light add up, centres are means by area, the best peak counts, and one
        piece at the border is enough.
    """
    at = names[1:] - 1
    m = int(names.max(initial=0))
    area = np.asarray(np.bincount(at, detections.area, m), np.float64)
    best = np.zeros(m)
    np.maximum.at(best, at, detections.snr)
    return Detections(
        label=np.arange(1, m + 1, dtype=np.int32),
        y=np.bincount(at, detections.y * detections.area, m) / area,
        x=np.bincount(at, detections.x * detections.area, m) / area,
        area=area,
        light=np.asarray(np.bincount(at, detections.light, m), np.float64),
        snr=best,
        strong=np.bincount(at, detections.strong, m) > 0,
        border=np.bincount(at, detections.border, m) > 0,
    )


def _pieces(
    labels: NDArray[np.int32],
    points: NDArray[np.float64],
    areas: NDArray[np.float64],
    soma_px: float,
) -> list[tuple[int, int]]:
    """Return the pairs of outlines, as indices, that are pieces of one soma."""
    if areas.size < 2:
        return []
    radii = np.sqrt(areas / np.pi)
    first, second, squares = near_pairs(points, points, REACH * (radii + radii.max()))
    near = (first < second) & (squares < (REACH * (radii[first] + radii[second])) ** 2)
    near &= areas[first] + areas[second] < np.pi / 4.0 * (LARGEST * soma_px) ** 2
    boxes = ndimage.find_objects(labels) if near.any() else []
    return [
        (a, b)
        for a, b in zip(first[near].tolist(), second[near].tolist(), strict=True)
        if _one_soma(*_masks(labels, a + 1, b + 1, boxes, soma_px), soma_px)
    ]


def _masks(
    labels: NDArray[np.int32], a: int, b: int, boxes: list[Any], soma_px: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cut two outlines out of the frame, with a margin."""
    margin = 2 * _gap_px(soma_px) + 1
    spans = [
        slice(max(min(p.start, q.start) - margin, 0), max(p.stop, q.stop) + margin)
        for p, q in zip(boxes[a - 1], boxes[b - 1], strict=True)
    ]
    part = labels[spans[0], spans[1]]
    return part == a, part == b


def _gap_px(soma_px: float) -> int:
    return max(round(GAP * soma_px), 1)


def _one_soma(one: NDArray[np.bool_], other: NDArray[np.bool_], soma_px: float) -> bool:
    """Tell whether two outlines share a long cut and are convex together."""
    gap = _gap_px(soma_px)
    contact = ndimage.binary_dilation(one, iterations=gap)
    contact &= ndimage.binary_dilation(other, iterations=gap)
    if contact.sum() < 3:
        return False
    whole = _closed(one | other, gap)
    width = 2.0 * np.sqrt(min(one.sum(), other.sum()) / np.pi)
    if _extent(contact & whole) < LONG_CONTACT * width:
        return False
    return bool(_solidity(whole) >= CONVEX)


def _closed(mask: NDArray[np.bool_], gap: int) -> NDArray[np.bool_]:
    """Return a mask with its narrow gaps filled."""
    return np.asarray(
        mask | ndimage.binary_closing(np.pad(mask, gap), iterations=gap)[gap:-gap, gap:-gap],
        np.bool_,
    )


def _extent(mask: NDArray[np.bool_]) -> float:
    """Return the length of a mask along its longest axis, px."""
    points = np.argwhere(mask).astype(np.float64)
    if len(points) < 2:
        return 0.0
    _, axes = np.linalg.eigh(np.cov(points.T))
    return float(np.ptp(points @ axes[:, 1]))


def _solidity(mask: NDArray[np.bool_]) -> float:
    """Return the part of its convex hull that a mask fills."""
    points = np.argwhere(mask).astype(np.float64)
    offsets = np.array([(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)])
    corners = (points[:, np.newaxis] + offsets).reshape(-1, 2)
    return len(points) / float(ConvexHull(corners).volume)


def _renamed(
    labels: NDArray[np.int32], first: NDArray[np.int64], second: NDArray[np.int64], soma_px: float
) -> _Renamed:
    """Give the pieces of each soma the name of the first, and fill what lies between."""
    n = int(labels.max())
    root = np.arange(n + 1)
    for a, b in zip((first + 1).tolist(), (second + 1).tolist(), strict=True):
        low, high = sorted((int(root[a]), int(root[b])))
        root[root == high] = low
    _, names = np.unique(root, return_inverse=True)
    new = names.astype(np.int32)[labels]
    for name in np.unique(names[first + 1]).tolist():
        gap = _gap_px(soma_px)
        whole = _closed(new == name, gap)
        new[whole & (new == 0)] = name
    return _Renamed(new, names.astype(np.int64))
