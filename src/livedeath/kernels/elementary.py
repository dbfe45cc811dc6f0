"""Exponential and logarithm made of sums and products, which a loop over lanes can use.

A call of the C library keeps the compiler from working on several templates at a time;
plain arithmetic does not. Both are as exact as the sums they go into ask for.
"""

import numpy as np
from numba import njit

EXP_FLOOR = -80.0
"""Arguments below this are taken as this: 2e-35, nothing beside any weight."""
LOG_SERIES_TOP = 2.0
"""`log_near_one` is exact to 1e-8 between the inverse of this and this."""


@njit(cache=True, nogil=True, error_model="numpy")
def exp_below_zero(x: np.float32) -> np.float32:
    """Return exp(x) for x <= 0, float32 in and out.

    Taylor's series of order 6 of exp(x / 256), squared eight times: to a part in 50,000
    down to -80, and below that as at -80.
    """
    y = max(x, np.float32(EXP_FLOOR)) * np.float32(1.0 / 256.0)
    e = np.float32(1.0 / 720.0)
    e = e * y + np.float32(1.0 / 120.0)
    e = e * y + np.float32(1.0 / 24.0)
    e = e * y + np.float32(1.0 / 6.0)
    e = e * y + np.float32(0.5)
    e = e * y + np.float32(1.0)
    e = e * y + np.float32(1.0)
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    return e * e


@njit(cache=True, nogil=True, error_model="numpy")
def log_near_one(q: float) -> float:
    """Return ln(q) to 1e-8 for q between a half and two; other q are the caller's to see to.

    The series of the inverse hyperbolic tangent: ln q = 2 atanh((q - 1) / (q + 1)).
    """
    z = (q - 1.0) / (q + 1.0)
    w = z * z
    s = 1.0 / 15.0
    s = s * w + 1.0 / 13.0
    s = s * w + 1.0 / 11.0
    s = s * w + 1.0 / 9.0
    s = s * w + 1.0 / 7.0
    s = s * w + 1.0 / 5.0
    s = s * w + 1.0 / 3.0
    s = s * w + 1.0
    return 2.0 * z * s
