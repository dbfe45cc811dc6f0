"""Which points of one set are near which of another, and which belong together.

Points in, candidate pairs and their groups out; who is linked to whom is decided by the
caller, group by group. SciPy does both; here the answer gets a fixed order.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

ROUNDING = 1e-9
"""The tree is asked for a little more than the reach; what is too far is left out exactly."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def pairs_within(points: Floats, others: Floats, reaches: Floats) -> tuple[Ints, Ints, Floats]:
    """List all pairs no farther apart than the first one's reach.

    Parameters
    ----------
    points : (N, 2) float64
        Finite (y, x).
    others : (M, 2) float64
        Finite (y, x).
    reaches : (N,) float64
        How far each point reaches; same unit, >= 0.

    Returns
    -------
    first, second : (K,) int64
        Indices into ``points`` and ``others``, sorted by both.
    squares : (K,) float64
        Squared distances.
    """
    if not len(points) or not len(others):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    farthest = float(reaches.max()) * (1.0 + ROUNDING) + ROUNDING
    # Points lie evenly, so a plain tree is as good as a balanced one and quicker to build.
    trees = [cKDTree(p, balanced_tree=False, compact_nodes=False) for p in (points, others)]
    near = trees[0].sparse_distance_matrix(trees[1], farthest, output_type="ndarray")
    first, second = near["i"].astype(np.int64), near["j"].astype(np.int64)
    squares = ((others[second] - points[first]) ** 2).sum(axis=1)
    kept = np.flatnonzero(squares <= reaches[first] ** 2)
    kept = kept[np.lexsort((second[kept], first[kept]))]
    return first[kept], second[kept], squares[kept]


def groups(first: Ints, second: Ints, n_first: int, n_second: int) -> Ints:
    """Find the connected groups of a two-sided graph; one number per pair.

    Parameters
    ----------
    first, second : (K,) int64
        The pairs.
    n_first, n_second : int
        Number of points on either side.

    Returns
    -------
    (K,) int64
        Group of each pair, numbered from 0 in the order of their first pair.
    """
    size = n_first + n_second
    pairs = (np.ones(first.size, np.int8), (first, second + n_first))
    _, names = connected_components(coo_array(pairs, shape=(size, size)), directed=False)
    _, at, numbers = np.unique(names[first], return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(at))[numbers], np.int64)
