"""Readable twins of `livedeath.kernels.register`."""

import numpy as np


def vertex(left, centre, right):
    a, b, _ = np.polyfit([-1, 0, 1], [left, centre, right], 2)
    return float(np.clip(-b / (2 * a), -0.5, 0.5)) if a < 0 else 0.0


def peak_offset(correlation, reach, apart):
    shifts = range(-reach, reach + 1)
    values = {(y, x): float(correlation[y, x]) for y in shifts for x in shifts}
    y, x = max(values, key=values.__getitem__)
    far = [v for (r, c), v in values.items() if abs(r - y) >= apart or abs(c - x) >= apart]

    def at(r, c):
        return float(correlation[r % correlation.shape[0], c % correlation.shape[1]])

    dy = vertex(at(y - 1, x), at(y, x), at(y + 1, x))
    dx = vertex(at(y, x - 1), at(y, x), at(y, x + 1))
    return y + dy, x + dx, values[y, x], max(far, default=-np.inf)
