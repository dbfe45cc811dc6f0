"""Where the peak of a correlation lies, between pixels and against its rivals."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def vertex(left: float, centre: float, right: float) -> float:
    """Return where the parabola through three equidistant values has its top.

    Parameters
    ----------
    left, centre, right : float
        Values at -1, 0 and 1; the centre is the largest.

    Returns
    -------
    float
        Between -0.5 and 0.5; 0 for a flat top.
    """
    bend = left - 2.0 * centre + right
    if bend >= 0.0:
        return 0.0
    return min(max(0.5 * (left - right) / bend, -0.5), 0.5)


@njit(cache=True, nogil=True)
def peak_offset(
    correlation: NDArray[np.float32], reach: int, apart: int
) -> tuple[float, float, float, float]:
    """Find the shift at which a circular correlation is largest.

    Parameters
    ----------
    correlation : (Y, X) float32
        Circular cross-correlation with shift 0 at index (0, 0).
    reach : int
        Largest shift considered in y and in x, px; below half the array's sides.
    apart : int
        A rival lies at least this far from the peak in y or x, px.

    Returns
    -------
    dy, dx : float
        Shift of the peak, px, refined by a parabola in y and in x.
    height : float
        Value at the peak.
    rival : float
        Largest value that is not near the peak; minus infinity if there is none.
    """
    rows, cols = correlation.shape
    best_y, best_x, height = 0, 0, -np.inf
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            value = correlation[y % rows, x % cols]
            if value > height:
                best_y, best_x, height = y, x, value
    rival = -np.inf
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            if abs(y - best_y) >= apart or abs(x - best_x) >= apart:
                rival = max(rival, correlation[y % rows, x % cols])
    dy = vertex(
        correlation[(best_y - 1) % rows, best_x % cols],
        height,
        correlation[(best_y + 1) % rows, best_x % cols],
    )
    dx = vertex(
        correlation[best_y % rows, (best_x - 1) % cols],
        height,
        correlation[best_y % rows, (best_x + 1) % cols],
    )
    return best_y + dy, best_x + dx, height, rival
