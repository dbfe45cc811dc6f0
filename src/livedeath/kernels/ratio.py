"""Signal and reference of a visit in, values in the detector's unit out, with their noise.

The denominator of a ratio is the reference smoothed over the neuron's visits. Units and what
is learnt of noise are the caller's.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

REFERENCE_WALK = 0.15
"""Change of the reference between two visits, fraction."""
REFERENCE_SD_MAX = 0.4
"""A smoothed reference less certain than this, fraction, says nothing about a ratio."""
UNSTATED_SD_MAX = 0.35
"""Largest deviation, fraction, that a reference is given whose own is not stated."""
MERGED_SD = 0.2
"""Extra noise of a value measured on a soma merged with a neighbour, fraction."""


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _follow(level: Floats, var: Floats, r: int, reference: float, sd: float) -> float:
    """Take a reference into the smoothed one of row ``r``; return the latter's deviation."""
    noise = sd * sd
    far = abs(reference - level[r])
    ahead = var[r] + (REFERENCE_WALK * level[r]) ** 2
    if var[r] < 0.0 or (far > 0.3 * abs(level[r]) and far > 4.0 * math.sqrt(ahead + noise)):
        level[r] = reference
        var[r] = noise
    else:
        gain = ahead / (ahead + noise + 1e-300)
        if noise == 0.0:
            gain = 1.0
        level[r] += gain * (reference - level[r])
        var[r] = (1.0 - gain) * ahead
    return math.sqrt(max(var[r], 0.0))


@njit(cache=True, nogil=True, error_model="numpy")
def follow_reference(
    rows: NDArray[np.int64],
    reference: NDArray[np.float64],
    sd: NDArray[np.float64],
    level: NDArray[np.float64],
    var: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Smooth each neuron's reference over its visits; return them with their sd.

    Parameters
    ----------
    rows : (n,) int64
        Rows of ``level``; a row may stand several times, its visits in time order.
    reference, sd : (n,) float64
        Measured reference and its standard deviation, finite, ``sd >= 0``; with ``sd``
        0 the reference is returned as it is.
    level, var : (N,) float64
        Smoothed reference and its variance, changed in place; ``var < 0`` marks a
        neuron without a value yet.

    Returns
    -------
    (n, 2) float64
        Smoothed reference of each row, and its standard deviation.

    Notes
    -----
    A random walk of 15 % per visit (focus; soma means of rat cortical neurons change
    by 13 % a day); a value farther off than 4 sd and 30 % starts anew.
    """
    out = np.empty((rows.size, 2))
    for i in range(rows.size):
        out[i, 1] = _follow(level, var, rows[i], reference[i], sd[i])
        out[i, 0] = level[rows[i]]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def in_unit(
    at: Ints,
    rows: Ints,
    signal: Floats,
    signal_sd: Floats,
    reference: Floats,
    reference_sd: Floats,
    merged: Truths,
    divides: bool,
    variance: Floats,
    level: Floats,
    level_var: Floats,
    scale: float,
    offset: float,
) -> tuple[Ints, Floats, Floats, Floats, Floats, Floats, Floats]:
    """Bring the values of a visit to the detector's unit; leave out what no ratio can be made of.

    Parameters
    ----------
    at : (m,) int64
        Places in the visit of the values that count, finite with their reference.
    rows : (n,) int64
        Neurons of the visit, each at most once.
    signal, signal_sd, reference, reference_sd : (n,) float64
        As measured; a deviation is NaN where it is not stated.
    merged : (n,) bool
        Whose soma is merged with a neighbour.
    divides : bool
        Whether the reference is one; without, it is not looked at.
    variance : (m,) float64
        Variance in the unit of the values whose deviation is not stated.
    level, level_var : (N,) float64
        As in `follow_reference`, changed in place.
    scale, offset : float
        The unit: a value is ``signal / (scale * smoothed reference) + offset``.

    Returns
    -------
    (k,) int64, then six of (k,) float64
        Places in the visit; values; references over the smoothed ones; variances; relative
        deviations of the references; units; variances of the signals as they were measured.
    """
    n = at.size
    kept, out = np.empty(n, np.int64), np.empty((6, n))
    k = 0
    for q in range(n):
        i = at[q]
        r, smooth, fill, relative = rows[i], 1.0, 1.0, 0.0
        if divides:
            sd = reference_sd[i]
            if math.isnan(sd):
                usual = abs(reference[i]) if level_var[r] < 0.0 else level[r]
                sd = min(math.sqrt(0.5 * variance[q]), UNSTATED_SD_MAX) * usual
            error = _follow(level, level_var, r, reference[i], sd)
            smooth = level[r]
            if not (smooth > 0.0 and error <= REFERENCE_SD_MAX * smooth):
                continue
            fill, relative = reference[i] / smooth, sd / smooth
        unit = smooth * scale
        value = signal[i] / unit + offset * fill
        stated = not math.isnan(signal_sd[i])
        var = signal_sd[i] * signal_sd[i] if stated else 0.0
        fixed = var / (unit * unit) if stated else variance[q]
        if merged[i]:
            fixed += (MERGED_SD * value) ** 2
        kept[k] = i
        out[0, k], out[1, k], out[2, k] = value, fill, fixed
        out[3, k], out[4, k], out[5, k] = relative if stated else 0.0, unit, var
        k += 1
    return kept[:k], out[0, :k], out[1, :k], out[2, :k], out[3, :k], out[4, :k], out[5, :k]
