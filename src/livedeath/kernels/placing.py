"""How a pattern of points was shifted and turned: fitted from pairs, or found without any.

Points (y, x) in; shift, turn and scale out. A turn by ``t`` takes (y, x) to
(y cos t - x sin t, y sin t + x cos t).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS = 8
"""Rounds of the robust fit at most;"""

SETTLED = 0.01
"""and none after one that moved no pair farther than about this, px."""

OUTLIER = 4.7
"""Robust sds beyond which a pair has no say (Tukey's biweight, 95 % efficient)."""

LEAST_SD = 0.05
"""A pair is believed to this, px: outlines lie on pixels."""


@njit(cache=True, nogil=True)
def moved(points: Floats, turn: float, scale: float, y: float, x: float) -> Floats:
    """Turn points about the origin, scale, then shift them.

    Parameters
    ----------
    points : (N, 2) float64
        Places (y, x).
    turn, scale, y, x : float
        Turn (rad), scale, and shift.

    Returns
    -------
    (N, 2) float64
        Where they are then.
    """
    out = np.empty_like(points)
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    for k in range(len(points)):
        out[k, 0] = cos * points[k, 0] - sin * points[k, 1] + y
        out[k, 1] = sin * points[k, 0] + cos * points[k, 1] + x
    return out


@njit(cache=True, nogil=True)
def n_inside(points: Floats, height: float, width: float) -> int:
    """Count the points (N, 2) from 0 to below a height in y and a width in x."""
    n = 0
    for k in range(len(points)):
        n += 0.0 <= points[k, 0] < height and 0.0 <= points[k, 1] < width
    return n


@njit(cache=True, nogil=True)
def fit_placing(before: Floats, after: Floats, turn_sd: float, scale_sd: float) -> Floats:
    """Fit shift, turn and scale to pairs of points, some of which moved by themselves.

    Parameters
    ----------
    before, after : (N, 2) float64
        Places (y, x) of the same points; at least one.
    turn_sd, scale_sd : float
        What turn (rad) and ln(scale) are expected to be, one sd about none. What is measured
        beyond three of its own standard errors is taken as it is.

    Returns
    -------
    (7,) float64
        Turn (rad), scale, centre y and x about which both are meant, shift in y and x of that
        centre, and the robust sd of a coordinate.

    Notes
    -----
    Weighted least squares in closed form (Umeyama 1991, in the plane), reweighted by Tukey's
    biweight about residuals whose sd is 1.4826 times their median. It begins at the median
    displacement, which a minority cannot move. Two parameters below three points.
    """
    n = len(before)
    way = after - before
    dy, dx = float(np.median(way[:, 0])), float(np.median(way[:, 1]))
    turn, scale, cy, cx, sd = 0.0, 1.0, 0.0, 0.0, LEAST_SD
    away, weight = np.empty(n), np.empty(n)
    cos, sin = 1.0, 0.0
    was_cos, was_sin, was_y, was_x = cos, sin, dy, dx
    for _ in range(ROUNDS):
        for k in range(n):
            y, x = before[k, 0] - cy, before[k, 1] - cx
            off_y = after[k, 0] - (cos * y - sin * x + cy + dy)
            off_x = after[k, 1] - (sin * y + cos * x + cx + dx)
            away[k] = math.sqrt(off_y * off_y + off_x * off_x)
        # The median of the length of two normal coordinates is 1.1774 sds.
        sd = max(float(np.median(away)) / 1.1774, LEAST_SD)
        total, sy, sx, ty, tx = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(n):
            part = away[k] / (OUTLIER * sd)
            w = (1.0 - part * part) ** 2 if part < 1.0 else 0.0
            weight[k] = w
            total += w
            sy, sx = sy + w * before[k, 0], sx + w * before[k, 1]
            ty, tx = ty + w * after[k, 0], tx + w * after[k, 1]
        cy, cx = sy / total, sx / total
        dy, dx = ty / total - cy, tx / total - cx
        if n < 3:
            break
        spread, along, across = 0.0, 0.0, 0.0
        for k in range(n):
            y, x = before[k, 0] - cy, before[k, 1] - cx
            v, u = after[k, 0] - cy - dy, after[k, 1] - cx - dx
            spread += weight[k] * (y * y + x * x)
            along += weight[k] * (y * v + x * u)
            across += weight[k] * (y * u - x * v)
        if spread <= 0.0 or along <= 0.0:
            turn, scale = 0.0, 1.0
            break
        error2 = sd * sd / spread
        turn = math.atan2(across, along)
        change = math.log(math.sqrt(along * along + across * across) / spread)
        if turn * turn < 9.0 * error2:
            turn *= turn_sd * turn_sd / (turn_sd * turn_sd + error2)
        if change * change < 9.0 * error2:
            change *= scale_sd * scale_sd / (scale_sd * scale_sd + error2)
        scale = math.exp(change)
        cos, sin = scale * math.cos(turn), scale * math.sin(turn)
        far = math.sqrt(spread / total) * (abs(cos - was_cos) + abs(sin - was_sin))
        if far + abs(dy - was_y) + abs(dx - was_x) < SETTLED:
            break
        was_cos, was_sin, was_y, was_x = cos, sin, dy, dx
    return np.array([turn, scale, cy, cx, dy, dx, sd])


@njit(cache=True, nogil=True)
def vote(before: Floats, after: Floats, turns: Floats, reach: float, bin_: float) -> Floats:
    """Count, for each turn, how many pairs of points agree on one shift.

    Parameters
    ----------
    before, after : (N, 2), (M, 2) float64
        Two patterns (y, x); neither needs all points of the other.
    turns : (T,) float64
        Turns that are tried, rad, about the patterns' origin.
    reach : float
        Largest shift that is tried in y and in x, px.
    bin_ : float
        Shifts within two bins of this width, each way, agree; px.

    Returns
    -------
    (T, 3) float64
        For each turn the number of pairs that agree on its best shift, and that shift in y and
        in x, to about a bin; the first of equals.

    Notes
    -----
    A Hough transform; cost T * N * M.
    """
    side = int(2.0 * reach / bin_) + 2
    counts = np.zeros((side, side), np.int32)
    out = np.zeros((turns.size, 3))
    for t in range(turns.size):
        counts[:] = 0
        cos, sin = math.cos(turns[t]), math.sin(turns[t])
        for i in range(len(before)):
            y = cos * before[i, 0] - sin * before[i, 1]
            x = sin * before[i, 0] + cos * before[i, 1]
            for j in range(len(after)):
                dy, dx = after[j, 0] - y, after[j, 1] - x
                if abs(dy) <= reach and abs(dx) <= reach:
                    counts[int((dy + reach) / bin_), int((dx + reach) / bin_)] += 1
        best = 0
        for r in range(side - 1):
            for c in range(side - 1):
                n = counts[r, c] + counts[r, c + 1] + counts[r + 1, c] + counts[r + 1, c + 1]
                if n > best:
                    best = n
                    out[t, 0] = n
                    out[t, 1] = (r + 1) * bin_ - reach
                    out[t, 2] = (c + 1) * bin_ - reach
    return out


@njit(cache=True, nogil=True)
def turned(patches: NDArray[np.float32], turn: float) -> NDArray[np.float32]:
    """Turn patches about their middle.

    Parameters
    ----------
    patches : (N, P, P) float32
        P is odd.
    turn : float
        Angle, rad; y to x is positive.

    Returns
    -------
    (N, P, P) float32
        Between pixels by bilinear interpolation, zero outside; each with the sum it had.
    """
    n, side = patches.shape[0], patches.shape[1]
    half = side // 2
    out = np.zeros_like(patches)
    cos, sin = math.cos(turn), math.sin(turn)
    for i in range(n):
        before, after = 0.0, 0.0
        for v in range(side):
            for u in range(side):
                before += patches[i, v, u]
                y, x = v - half, u - half
                from_y, from_x = cos * y + sin * x + half, -sin * y + cos * x + half
                top, left = math.floor(from_y), math.floor(from_x)
                fy, fx = from_y - top, from_x - left
                value = 0.0
                for a in range(2):
                    for b in range(2):
                        if 0 <= top + a < side and 0 <= left + b < side:
                            weight = (fy if a else 1.0 - fy) * (fx if b else 1.0 - fx)
                            value += weight * patches[i, top + a, left + b]
                out[i, v, u] = np.float32(value)
                after += value
        if after > 0.0:
            for v in range(side):
                for u in range(side):
                    out[i, v, u] *= np.float32(before / after)
    return out
