"""Readable twin of `livedeath.kernels.ratio`."""

import math

import numpy as np


def follow_reference(rows, reference, sd, level, var):
    out = []
    for r, value, error in zip(rows, reference, sd, strict=True):
        ahead = var[r] + (0.15 * level[r]) ** 2
        far = abs(value - level[r])
        new = var[r] < 0
        if not new:
            new = far > 0.3 * abs(level[r]) and far > 4 * math.sqrt(ahead + error**2)
        if new:
            level[r], var[r] = value, error**2
        else:
            gain = 1.0 if error == 0 else ahead / (ahead + error**2)
            level[r] += gain * (value - level[r])
            var[r] = (1 - gain) * ahead
        out.append([level[r], math.sqrt(max(var[r], 0))])
    return np.array(out).reshape(-1, 2)


def in_unit(
    at, rows, signal, signal_sd, reference, reference_sd, merged, divides, variance,
    level, level_var, scale, offset,
):  # fmt: skip
    kept, columns = [], []
    for i, unstated in zip(at, variance, strict=True):
        r, smooth, fill, relative = rows[i], 1.0, 1.0, 0.0
        if divides:
            sd = reference_sd[i]
            if np.isnan(sd):
                usual = abs(reference[i]) if level_var[r] < 0 else level[r]
                sd = min(math.sqrt(unstated / 2), 0.35) * usual
            [[smooth, error]] = follow_reference([r], [reference[i]], [sd], level, level_var)
            if smooth <= 0 or error > 0.4 * smooth:
                continue
            fill, relative = reference[i] / smooth, sd / smooth
        unit = smooth * scale
        value = signal[i] / unit + offset * fill
        var = 0.0 if np.isnan(signal_sd[i]) else signal_sd[i] ** 2
        fixed = unstated if np.isnan(signal_sd[i]) else var / unit**2
        if merged[i]:
            fixed += (0.2 * value) ** 2
        if np.isnan(signal_sd[i]):
            relative = 0.0
        kept.append(i)
        columns.append([value, fill, fixed, relative, unit, var])
    return np.array(kept, np.int64), *np.array(columns).reshape(-1, 6).T
