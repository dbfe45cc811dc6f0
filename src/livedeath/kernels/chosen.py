"""Which of the outlines in a tree are taken, and a label image of them.

Scores of outlines go in (`livedeath.kernels.outlines`); the best ones that exclude each other
are chosen in one pass from the leaves to the roots (`choose`) and painted, each in one part and
without holes.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def choose(
    parents: NDArray[np.int32], best: NDArray[np.float64], least: float, weakest: float
) -> NDArray[np.int32]:
    """Choose nodes that exclude each other and whose scores above ``least`` sum up highest.

    What is then left of the tree is looked through once more, by what scores are above
    ``weakest``.

    Parameters
    ----------
    parents : (m,) int32
        From `livedeath.kernels.outlines.merge_tree`; parents come after their children.
    best : (m,) float64
        Score of each node's best outline, 0 where it has none.
    least, weakest : float
        A node counts by what its score is above this. Where two ways are equally good, the
        smaller ones are taken.

    Returns
    -------
    (m,) int32
        The chosen node that each node is part of, -1 if none.
    """
    m = parents.size
    owners = np.full(m, -1, np.int32)
    closed = np.zeros(m, np.bool_)
    for threshold in (least, weakest):
        below = np.zeros(m)
        for node in range(m):
            worth = 0.0 if closed[node] else max(best[node] - threshold, 0.0)
            if parents[node] >= 0:
                below[parents[node]] += max(worth, below[node])
        for node in range(m - 1, -1, -1):
            if closed[node]:
                continue
            if parents[node] >= 0 and owners[parents[node]] >= 0:
                owners[node] = owners[parents[node]]
            elif best[node] - threshold > below[node]:
                owners[node] = node
        # Closed is what was taken and what holds something that was.
        for node in range(m):
            closed[node] = closed[node] or owners[node] >= 0
            if closed[node] and parents[node] >= 0:
                closed[parents[node]] = True
    return owners


@njit(cache=True, nogil=True)
def brightest(
    image: NDArray[np.float32],
    basins: NDArray[np.int32],
    places: NDArray[np.int32],
    owners: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Return the flat index of the brightest pixel that each chosen node owns, else -1.

    Parameters
    ----------
    image : (Y, X) float32
        Intensity.
    basins : (Y, X) int32
        1..n at the places: leaf ``k - 1`` of the tree.
    places : (N,) int32
        Flat indices of the foreground; of equally bright ones the first is taken.
    owners : (m,) int32
        From `choose`.

    Returns
    -------
    (m,) int32
        One for each node.
    """
    values, basin = image.ravel(), basins.ravel()
    tops = np.full(owners.size, -1, np.int32)
    for at in places:
        owner = owners[basin[at] - 1]
        if owner >= 0 and (tops[owner] < 0 or values[at] > values[tops[owner]]):
            tops[owner] = at
    return tops


@njit(cache=True, nogil=True)
def paint_chosen(
    basins: NDArray[np.int32],
    places: NDArray[np.int32],
    levels: NDArray[np.uint8],
    owners: NDArray[np.int32],
    lowest: NDArray[np.int32],
    names: NDArray[np.int32],
    labels: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Paint the chosen outlines, in place.

    Parameters
    ----------
    basins : (Y, X) int32
        1..n at the places: leaf ``k - 1`` of the tree.
    places : (N,) int32
        Flat indices of the foreground.
    levels : (Y, X) uint8
        Brightness in steps.
    owners : (m,) int32
        From `choose`.
    lowest : (m,) int32
        Level of each node's outline.
    names : (m,) int32
        Label of each node, 0 for none.
    labels : (Y, X) int32
        Zero at the places; changed in place.

    Returns
    -------
    (P,) int32
        Flat indices of all pixels painted; each outline is in one part and without holes.
    """
    width = basins.shape[1]
    basin, level, flat = basins.ravel(), levels.ravel(), labels.ravel()
    n_names = np.int32(0)
    for name in names:
        n_names = max(n_names, name)
    boxes = np.empty((n_names + 1, 4), np.int32)
    boxes[:, 0], boxes[:, 1] = basins.shape[0], -1
    boxes[:, 2], boxes[:, 3] = width, -1
    for at in places:
        owner = owners[basin[at] - 1]
        if owner < 0 or level[at] < lowest[owner]:
            continue
        name = names[owner]
        flat[at] = name
        y, x = at // width, at % width
        box = boxes[name]
        box[0], box[1] = min(box[0], y), max(box[1], y)
        box[2], box[3] = min(box[2], x), max(box[3], x)
    painted = np.empty(1 + places.size, np.int32)
    n = 0
    for name in range(1, boxes.shape[0]):
        box = boxes[name]
        if box[1] < 0:
            continue
        make_whole(labels, box, name)
        for y in range(box[0], box[1] + 1):
            for x in range(box[2], box[3] + 1):
                if labels[y, x] == name:
                    if n == painted.size:
                        painted = np.concatenate((painted, np.empty_like(painted)))
                    painted[n] = y * width + x
                    n += 1
    return painted[:n].copy()


@njit(cache=True, nogil=True)
def make_whole(labels: NDArray[np.int32], box: NDArray[np.int32], name: int) -> int:
    """Fill the holes of an outline and keep its largest part, in place.

    Parameters
    ----------
    labels : (Y, X) int32
        Outlines; only this one is changed. A hole is what is enclosed by it (of four
        neighbours) and belongs to no other.
    box : (4,) int32
        First and last row, first and last column.
    name : int
        The outline's label.

    Returns
    -------
    int
        Pixels of the outline.
    """
    top, left = box[0] - 1, box[2] - 1
    height, width = box[1] - box[0] + 3, box[3] - box[2] + 3
    # One pixel wider than the box: what is reached from its corner is outside.
    part = np.zeros((height, width), np.int32)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            part[y, x] = -1 if labels[top + y, left + x] == name else 0
    stack = np.empty(part.size, np.int32)
    n_parts, largest, size = 0, 0, 0
    for start in range(part.size):
        if part[start // width, start % width] == -1:
            n_parts += 1
            count = _flood(part, start, -1, n_parts, stack)
            if count > size:
                largest, size = n_parts, count
    for y in range(height):
        for x in range(width):
            part[y, x] = largest if part[y, x] == largest else 0
    _flood(part, 0, 0, -2, stack)
    total = 0
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            here = labels[top + y, left + x]
            own = part[y, x] == largest or (part[y, x] == 0 and here in (0, name))
            if own:
                labels[top + y, left + x] = name
                total += 1
            elif here == name:
                labels[top + y, left + x] = 0
    return total


@njit(cache=True, nogil=True)
def _flood(
    part: NDArray[np.int32], start: int, kind: int, number: int, stack: NDArray[np.int32]
) -> int:
    """Give a number to all pixels of a kind that hang together with the start; count them."""
    height, width = part.shape
    part[start // width, start % width] = number
    stack[0] = start
    count, n = 0, 1
    while n > 0:
        n -= 1
        at = stack[n]
        count += 1
        y, x = at // width, at % width
        for k in range(4):
            v, u = y + (k == 1) - (k == 3), x + (k == 0) - (k == 2)
            if 0 <= v < height and 0 <= u < width and part[v, u] == kind:
                part[v, u] = number
                stack[n] = v * width + u
                n += 1
    return count


@njit(cache=True, nogil=True)
def mark_refused(
    image: NDArray[np.float32],
    floors: NDArray[np.float32],
    labels: NDArray[np.int32],
    n_sure: int,
) -> NDArray[np.int32]:
    """Tell apart what has an outline (1), what is bright without one (2), and the rest (0).

    Parameters
    ----------
    image : (Y, X) float32
        Intensity.
    floors : (R, C) float32
        What a bright pixel exceeds in each tile; tiles share the frame evenly.
    labels : (Y, X) int32
        Outlines, 0 elsewhere.
    n_sure : int
        Outlines with larger labels count as none.

    Returns
    -------
    (Y, X) int32
        0, 1 or 2.
    """
    height, width = image.shape
    n_rows, n_cols = floors.shape
    kinds = np.zeros(image.shape, np.int32)
    for y in range(height):
        row = y * n_rows // height
        for col in range(n_cols):
            floor = floors[row, col]
            for x in range(-(-col * width // n_cols), -(-(col + 1) * width // n_cols)):
                if 0 < labels[y, x] <= n_sure:
                    kinds[y, x] = 1
                elif image[y, x] > floor:
                    kinds[y, x] = 2
    return kinds
