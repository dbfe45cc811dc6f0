"""Points of light onto pixels: clouds, places and brightnesses in, an image changed in place."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def add_points(
    image: NDArray[np.float32],
    y: NDArray[np.float32],
    x: NDArray[np.float32],
    weight: NDArray[np.float32],
    owner: NDArray[np.int32],
    places: NDArray[np.float64],
    turn: float,
) -> None:
    """Add the points of many things to an image, each to the four pixels around it.

    Equivalent to placing every point at ``place + scale * R @ (y, x)`` and sharing
    ``light * weight`` among its four neighbours by nearness (bilinear), without the arrays
    in between.

    Parameters
    ----------
    image : (Y, X) float32
        Changed in place. What falls outside is lost.
    y, x : (n,) float32
        Offsets of the points from their owner's centre.
    weight : (n,) float32
        Share of the owner's light.
    owner : (n,) int32
        Row of ``places``.
    places : (m, 4) float64
        Columns: y and x of the centre (pixels), scale (pixels per unit of the offsets)
        and light.
    turn : float
        Angle (radians) by which the offsets are turned from x towards y's negative, as
        a plate on a stage is.

    Notes
    -----
    Points of one pixel are added in the order of the arrays, so points elsewhere change
    nothing, not even the rounding. Cost linear in n; owners without light cost nothing
    but the loop.
    """
    rows, columns = image.shape
    c, s = math.cos(turn), math.sin(turn)
    for i in range(y.size):
        k = owner[i]
        light = places[k, 3] * weight[i]
        if light == 0.0:
            continue
        yy = places[k, 0] + places[k, 2] * (c * y[i] + s * x[i])
        xx = places[k, 1] + places[k, 2] * (c * x[i] - s * y[i])
        if yy <= -1.0 or xx <= -1.0 or yy >= rows or xx >= columns:
            continue
        row, column = math.floor(yy), math.floor(xx)
        down, right = yy - row, xx - column
        if row >= 0 and column >= 0:
            image[row, column] += light * (1.0 - down) * (1.0 - right)
        if row >= 0 and column + 1 < columns:
            image[row, column + 1] += light * (1.0 - down) * right
        if row + 1 < rows and column >= 0:
            image[row + 1, column] += light * down * (1.0 - right)
        if row + 1 < rows and column + 1 < columns:
            image[row + 1, column + 1] += light * down * right
