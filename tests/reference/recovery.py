"""Readable twin of `livedeath.kernels.recovery`: every course filters the trace by itself."""

import math

import numpy as np

from reference.baseline import LEVEL_FLOOR, begin, normal, predict, unusual, variance

CHANGE, UNEVEN, SETTLES, STILL_CHANGED = 0.5, 0.1, 0.2, 0.5


def density(e, s, level, noise):
    good = (1 - noise.tail - noise.outlier) * normal(e, noise.scale * s)
    bad = unusual(e, noise.scale * s, level, noise.tail, noise.outlier)
    return math.log(good + bad), good / (good + bad)


def see(m, v, zero, visit, noise):
    """Take one value of a changed signal in."""
    value, fill, fixed, slope, relative = visit
    s = v + variance(zero + m, value, fixed, slope, relative, noise.white)
    e = value - fill * (zero + m)
    ll, trust = density(e, s, max(abs(zero + m), LEVEL_FLOOR), noise)
    return ll, m + trust * v / s * e, v - trust * v**2 / s


def live(x, p, visit, noise):
    """Take one value of a living neuron in."""
    value, fill, fixed, slope, relative = visit
    c = np.array([1.0, 0.0, 1.0])
    s = c @ p @ c + variance(c @ x, value, fixed, slope, relative, noise.white)
    e = value - fill * (c @ x)
    ll, trust = density(e, s, max(x[0], LEVEL_FLOOR), noise)
    gain = trust * (p @ c) / s
    return ll, x + gain * e, p - np.outer(gain, p @ c)


def live_with(x, p, m, v, visit, noise):
    """Take one value of a living neuron in, on whose baseline m +- v is left of a transient."""
    value, fill, fixed, slope, relative = visit
    c = np.array([1.0, 0.0, 1.0])
    y = c @ x + m
    s = c @ p @ c + v + variance(y, value, fixed, slope, relative, noise.white)
    e = value - fill * y
    ll, trust = density(e, s, max(x[0], LEVEL_FLOOR), noise)
    gain = trust * (p @ c) / s
    over = m**2 <= noise.scale * s
    near = abs(value - fill * (c @ x)) <= 3 * math.sqrt(noise.scale * s)
    x, p = x + gain * e, p - np.outer(gain, p @ c)
    return ll, x, p, m + trust * v / s * e, v - trust * v**2 / s, over, near


def baseline_before(visits, time_h, noise, first):
    """Return the living filter after visit ``first - 1``, and the log density of 1..first-1."""
    value, fill, fixed, _, relative = visits[0]
    x, p = begin(value, fill, fixed, relative, noise, noise.white, noise.drift)
    past = 0.0
    for i in range(1, first):
        x, p = predict(x, p, time_h[i] - time_h[i - 1], noise, noise.drift)
        ll, x, p = live(x, p, visits[i], noise)
        past += ll
    return x, p, past


def walk(visits, time_h, noise, zero, first, x):
    """Return log density, mean and variance of the random walk after each visit from first."""
    m, v = x[0] + x[2] - zero, (3 * max(x[0], LEVEL_FLOOR)) ** 2
    out, total = [], 0.0
    for i in range(first, len(time_h)):
        v += (CHANGE * max(abs(m), LEVEL_FLOOR)) ** 2 * (time_h[i] - time_h[i - 1])
        ll, m, v = see(m, v, zero, visits[i], noise)
        total += ll
        out.append((total, m, v))
    return out


def change_likelihood(time_h, value, fill, fixed, slope, relative, noise, zero, earliest):
    visits = list(zip(value, fill, fixed, slope, relative, strict=True))
    out = np.full(len(time_h), -np.inf)
    for i in range(earliest, len(time_h)):
        x, _, past = baseline_before(visits, time_h, noise, i)
        out[i] = past + walk(visits, time_h, noise, zero, i, x)[-1][0]
    return out


def weigh_return(
    time_h, value, fill, fixed, slope, relative, noise, zero, first, call, leak_h, decay_h
):
    n = len(time_h)
    visits = list(zip(value, fill, fixed, slope, relative, strict=True))
    x0, p0, _ = baseline_before(visits, time_h, noise, first)
    walked = dict(enumerate(walk(visits, time_h, noise, zero, first, x0), start=first))
    base = x0[0] + x0[2] - zero
    change = {i: abs(m - base) for i, (_, m, _) in walked.items()}
    out = np.full((n, 4), np.nan)
    for end in range(call + 1, n):
        died = [walked[end][0] + (end - call) * math.log(1 - SETTLES)]
        came_back = []
        for start in range(call + 1, end + 1):
            before, m0, v0 = walked[start - 1]
            before += (start - 1 - call) * math.log(1 - SETTLES) + math.log(SETTLES)
            largest = max(change[i] for i in range(first, start))
            if change[start - 1] >= STILL_CHANGED * largest:
                for tau in leak_h:
                    m, v, total = m0, v0, before - math.log(len(leak_h))
                    for i in range(start, end + 1):
                        dt = time_h[i] - time_h[i - 1]
                        m *= math.exp(-dt / tau)
                        phi = math.exp(-dt / noise.drift_tau_h)
                        strays = (noise.drift * m) ** 2 * (1 - phi**2) + UNEVEN**2 * dt / tau * m**2
                        v = v * math.exp(-2 * dt / tau) + strays
                        ll, m, v = see(m, v, zero, visits[i], noise)
                        total += ll
                    died.append(total)
            for tau in decay_h:
                x, p, total, near = x0, p0, before - math.log(len(decay_h)), 0
                back, m, v = start, 0.0, 0.0
                for i in range(first, end + 1):
                    dt = time_h[i] - time_h[i - 1]
                    x, p = predict(x, p, dt, noise, noise.drift)
                    if i < start:
                        continue
                    if i == start:
                        m, v = m0 + zero - x[0] - x[2], v0
                    stays = math.exp(-dt / tau) if tau > 0 else 0.0
                    m, v = stays * m, stays**2 * v
                    v += UNEVEN**2 * dt / tau * m**2 if tau > 0 else 0.0
                    ll, x, p, m, v, over, inside = live_with(x, p, m, v, visits[i], noise)
                    total, near = total + ll, near + inside
                    if not (over or inside):
                        back, near = i + 1, 0
                came_back.append((total, back, near))
        best = max(came_back)
        out[end] = (
            np.logaddexp.reduce(died),
            np.logaddexp.reduce([total for total, _, _ in came_back]),
            best[1],
            best[2],
        )
    return out
