"""What stands out of an image: its foreground, as bright as it is beside its surroundings.

A smooth image without background goes in. What is narrower than a disc is taken away
(`open_disc`), the rest above the floor is listed with its logarithm and level of brightness
(`foreground`), and rated by how far it stands out of what lies around it (`stand_out`).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def open_disc(image: NDArray[np.float32], widths: NDArray[np.int64]) -> NDArray[np.float32]:
    """Take away what is narrower than a disc: the darkest, then the brightest under it.

    Parameters
    ----------
    image : (Y, X) float32
        Any intensity.
    widths : (R + 1,) int64
        Half width of the disc in its middle row and in the rows 1..R away from it.

    Returns
    -------
    (Y, X) float32
        Opened image, nowhere above the image; outside the frame nothing is known.
    """
    return _under_disc(_under_disc(image, widths, np.float32(-1)), widths, np.float32(-1))


@njit(cache=True, nogil=True)
def _under_disc(
    image: NDArray[np.float32], widths: NDArray[np.int64], sign: np.float32
) -> NDArray[np.float32]:
    """Return minus the least value under the disc; twice makes an opening."""
    height, width = image.shape
    reach = widths.size - 1
    span = widths[0]
    out = np.full_like(image, np.float32(-np.inf))
    padded = np.full(width + 2 * span, np.float32(-np.inf), np.float32)
    line = np.empty(width, np.float32)
    for y in range(height):
        source = image[y]
        middle = padded[span : span + width]
        for x in range(width):
            middle[x] = -source[x]
        for x in range(width):
            line[x] = middle[x]
        done = 0
        for k in range(reach, -1, -1):
            for step in range(done + 1, widths[k] + 1):
                left = padded[span - step : span - step + width]
                right = padded[span + step : span + step + width]
                for x in range(width):
                    near = left[x] if left[x] > right[x] else right[x]
                    line[x] = near if near > line[x] else line[x]
            done = widths[k]
            for side in range(2):
                row = y - k if side == 0 else y + k
                if row < 0 or row >= height or (side == 1 and k == 0):
                    continue
                target = out[row]
                for x in range(width):
                    target[x] = line[x] if line[x] > target[x] else target[x]
    return out


@njit(cache=True, nogil=True)
def foreground(
    image: NDArray[np.float32],
    floors: NDArray[np.float32],
    lowest: float,
    per_fold: float,
    levels: NDArray[np.uint8],
    logs: NDArray[np.float32],
) -> NDArray[np.int32]:
    """List the pixels above their tile's floor, and write how bright they are in steps.

    Parameters
    ----------
    image : (Y, X) float32
        Background subtracted.
    floors : (R, C) float32
        Positive floor of each tile; tiles share the frame evenly.
    lowest : float
        Brightness at which level 1 ends as a logarithm of 0; positive.
    per_fold : float
        Levels per e-fold.
    levels : (Y, X) uint8
        Zero everywhere; filled with 1 and more on the foreground, at most 255.
    logs : (Y, X) float32
        Zero everywhere; filled with the logarithm of brightness over ``lowest``, not
        below 0.

    Returns
    -------
    (N,) int32
        Flat indices of the foreground, in raster order.
    """
    height, width = image.shape
    n_rows, n_cols = floors.shape
    places = np.empty(height * width, np.int32)
    n = 0
    for y in range(height):
        row = y * n_rows // height
        for col in range(n_cols):
            floor = floors[row, col]
            for x in range(-(-col * width // n_cols), -(-(col + 1) * width // n_cols)):
                value = image[y, x]
                if value <= floor:
                    continue
                fold = math.log(max(float(value) / lowest, 1.0))
                levels[y, x] = min(1 + int(fold * per_fold), 255)
                logs[y, x] = fold
                places[n] = y * width + x
                n += 1
    return places[:n].copy()


@njit(cache=True, nogil=True)
def stand_out(
    logs: NDArray[np.float32],
    near: NDArray[np.float32],
    far: NDArray[np.float32],
    places: NDArray[np.int32],
    out: NDArray[np.float32],
) -> None:
    """Write how far the foreground stands out from what lies around it, in place.

    Parameters
    ----------
    logs, near, far : (Y, X) float32
        Logarithm of brightness, smoothed a little and more.
    places : (N,) int32
        From `foreground`.
    out : (Y, X) float32
        Zero everywhere; filled with ``near - far`` where that is positive, and hardly more
        than 0 on the rest of the foreground, rising with brightness.
    """
    a, b, c, to = near.ravel(), far.ravel(), logs.ravel(), out.ravel()
    for at in places:
        to[at] = max(a[at] - b[at], np.float32(0)) + np.float32(1e-4) + np.float32(1e-5) * c[at]
