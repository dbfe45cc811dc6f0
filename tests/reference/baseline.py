"""Readable twins of `livedeath.kernels.baseline`."""

import math

import numpy as np

LEVEL_FLOOR = 0.02
SEES = np.array([1.0, 0.0, 1.0])


def matrix(six):
    a, b, c, d, e, f = six
    return np.array([[a, b, c], [b, d, e], [c, e, f]])


def six(p):
    return np.array([p[0, 0], p[0, 1], p[0, 2], p[1, 1], p[1, 2], p[2, 2]])


def variance(level, value, fixed, slope, relative, white):
    photons = max(fixed + slope * (level - value), 0.1 * fixed)
    return photons + level**2 * (relative**2 + white**2) + 1e-12


def normal(e, s):
    return math.exp(-(e**2) / (2 * s)) / math.sqrt(2 * math.pi * s)


def unusual(e, s, level, tail, outlier):
    return tail * normal(e, 9 * s) + outlier * cauchy(e, math.hypot(0.7 * level, 3 * math.sqrt(s)))


def cauchy(e, width):
    return 1 / (math.pi * width * (1 + (e / width) ** 2))


def begin(value, fill, fixed, relative, noise, white, drift):
    value = value / max(fill, 0.3)
    m, v, w = noise.population, noise.spread**2, drift**2
    rel_var = fixed / (value**2 + 1e-12) + relative**2
    if value > 0 and rel_var < 0.25:
        d, r = math.log(value / m), rel_var + white**2
    else:
        d, r = (value - m) / m, rel_var * (value**2 + 1e-12) / m**2 + white**2
    s = v + w + r
    grown = math.exp(v / s * d) if value > 0 and rel_var < 0.25 else 1 + v / s * d
    level = max(m * grown, LEVEL_FLOOR)
    size = level if value > 0 and rel_var < 0.25 else m
    x = np.array([level, 0.0, size * np.clip(w / s * d, -2 * drift, 2 * drift)])
    p = np.array([
        [v - v * v / s, 0, -v * w / s],
        [0, noise.trend_per_h**2, 0],
        [-v * w / s, 0, w - w * w / s],
    ])  # fmt: skip
    return x, size**2 * p


def predict(x, p, dt_h, noise, drift):
    phi = math.exp(-dt_h / noise.drift_tau_h)
    f = np.array([[1, dt_h, 0], [0, 1, 0], [0, 0, phi]])
    x = f @ x
    level = max(x[0], LEVEL_FLOOR)
    walk = (level * noise.walk_per_sqrt_h) ** 2 * dt_h
    return x, f @ p @ f.T + np.diag([walk, 0, (drift * level) ** 2 * (1 - phi**2)])


def predict_visit(rows, time_h, value, fill, fixed, slope, relative, base, noise):
    out = []
    for i, r in enumerate(rows):
        if base.visits[r] == 0:
            out.append([np.nan] * 3)
            continue
        x, p = predict(
            base.state[r], matrix(base.cov[r]), time_h - base.last_h[r], noise, noise.drift
        )
        y = SEES @ x
        v = variance(y, value[i], fixed[i], slope[i], relative[i], noise.white)
        out.append([y, SEES @ p @ SEES + v, max(x[0], LEVEL_FLOOR)])
    return np.array(out).reshape(-1, 3)


def model_visit(
    rows, time_h, value, fill, fixed, slope, relative, base, noise, white, drift, state, cov
):
    out = np.zeros((len(rows), len(white)))
    for i, r in enumerate(rows):
        for m in range(len(white)):
            if base.visits[r] == 0:
                x, p = begin(value[i], fill[i], fixed[i], relative[i], noise, white[m], drift[m])
            else:
                x, p = predict(
                    state[r, :, m], matrix(cov[r, :, m]), time_h - base.last_h[r], noise, drift[m]
                )
                y = SEES @ x
                v = variance(y, value[i], fixed[i], slope[i], relative[i], white[m])
                s = SEES @ p @ SEES + v
                e = value[i] - fill[i] * y
                good = (1 - noise.tail - noise.outlier) * normal(e, s)
                level = max(x[0], LEVEL_FLOOR)
                bad = unusual(e, s, level, noise.tail, noise.outlier)
                out[i, m] = math.log(good + bad)
                gain = good / (good + bad) * (p @ SEES) / s
                x, p = x + gain * e, p - np.outer(gain, SEES @ p)
            state[r, :, m], cov[r, :, m] = x, six(p)
        out[i] -= out[i, len(white) // 2]
    return out
