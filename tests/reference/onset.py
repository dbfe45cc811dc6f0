"""Readable twin of `livedeath.kernels.onset`: every onset filters the whole trace anew."""

import math

import numpy as np

from reference.baseline import LEVEL_FLOOR, begin, normal, unusual, variance


def onset_likelihood(
    time_h, value, fill, fixed, slope, relative, noise, onset_h, tau_h, amplitude, amplitude_sd
):
    out = np.zeros((len(onset_h), len(tau_h)))
    for a, onset in enumerate(onset_h):
        for b, tau in enumerate(tau_h):
            out[a, b] = one(
                time_h, value, fill, fixed, slope, relative, noise, onset, tau,
                amplitude, amplitude_sd,
            )  # fmt: skip
    return out


def one(time_h, value, fill, fixed, slope, relative, noise, onset, tau, amplitude, amplitude_sd):
    x3, p3 = begin(value[0], fill[0], fixed[0], relative[0], noise, noise.white, noise.drift)
    x, p = np.append(x3, 0.0), np.zeros((4, 4))
    p[:3, :3] = p3
    dying = False
    total = 0.0
    for i in range(len(time_h)):
        last_before = i + 1 == len(time_h) or time_h[i + 1] > onset
        if i > 0:
            dt = time_h[i] - time_h[i - 1]
            phi = math.exp(-dt / noise.drift_tau_h)
            f = np.diag([1.0, 1.0, phi, 1.0])
            f[0, 1] = dt
            x = f @ x
            level = max(x[0], LEVEL_FLOOR)
            q = np.zeros(4)
            q[0] = (level * noise.walk_per_sqrt_h) ** 2 * dt
            q[2] = (noise.drift * level) ** 2 * (1 - phi**2)
            p = f @ p @ f.T + np.diag(q)
            height = 1 - math.exp(-max(time_h[i] - onset, 0) / tau) if dying else 0.0
            c = np.array([1, 0, 1, height])
            y = c @ x
            v = variance(y, value[i], fixed[i], slope[i], relative[i], noise.white)
            s = c @ p @ c + v
            e = value[i] - fill[i] * y
            good = (1 - noise.tail - noise.outlier) * normal(e, noise.scale * s)
            bad = unusual(e, noise.scale * s, level, noise.tail, noise.outlier)
            total += math.log(good + bad)
            gain = good / (good + bad) * (p @ c) / s
            x, p = x + gain * e, p - np.outer(gain, p @ c)
        if not dying and last_before:
            dying = True
            level = max(x[0], LEVEL_FLOOR)
            x[3], p[3, 3] = amplitude * level, (amplitude_sd * level) ** 2
    return total
