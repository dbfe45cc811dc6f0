"""Readable twin of `livedeath.kernels.detect`: one neuron at a time."""

import math
from itertools import pairwise

import numpy as np

from reference.bank import forget, open_slots, read, weigh, write
from reference.bank import scale as scale_after
from reference.baseline import (
    LEVEL_FLOOR,
    SEES,
    begin,
    cauchy,
    matrix,
    normal,
    predict,
    six,
    unusual,
    variance,
)


def settle(transients, time_h, x, alive, per_day, living, dying, rates, lessons):
    """Close transients that are over; return the weight of having been alive."""
    while transients and time_h - transients[0]["onset"] > 9:
        slot = transients.pop(0)
        excess = slot["weight"] - slot["mass"]
        explained = per_day @ excess
        whole = max(alive + dying + explained, 0.01 * (alive + dying))
        for c, rate in enumerate(per_day):
            for k, other in enumerate(rates):
                likelihood = 1 + (other - rate) * excess[c] / whole
                lessons[c * len(rates) + k] += math.log(max(likelihood, 0.01))
        level, per_tau = x[0], len(per_day) // len(slot["response"])
        for c, rate in enumerate(per_day):
            part = rate * slot["weight"][c] / (living + dying) * level * slot["mean"][c]
            x -= part * slot["response"][c // per_tau]
        alive = max(alive + explained, 0.01 * alive)
    return alive


def score_visit(
    rows, time_h, value, fill, fixed, slope, relative,
    base, deaths, transients, noise, death_shapes, transient_shapes, outliers, rates, lessons,
):  # fmt: skip
    out = np.zeros((len(rows), 5))
    for i, r in enumerate(rows):
        dt = time_h - base.last_h[r]
        base.visits[r] += 1
        base.last_h[r] = time_h
        if base.visits[r] == 1:
            x, p = begin(value[i], fill[i], fixed[i], relative[i], noise, noise.white, noise.drift)
            base.state[r], base.cov[r] = x, six(p)
            out[i, 0], out[i, 2], out[i, 4] = -math.inf, 1, 1
            continue
        x, p = predict(base.state[r], matrix(base.cov[r]), dt, noise, noise.drift)
        y, level = SEES @ x, max(x[0], LEVEL_FLOOR)
        photon = (value[i], fixed[i], slope[i], relative[i], noise.white)
        s = SEES @ p @ SEES + variance(y, *photon)
        visits = noise.scale_visits + base.squares[r, 1]
        scale = (noise.scale_visits * noise.scale + base.squares[r, 0]) / visits
        scale *= 1 + math.sqrt(2 / visits)
        e = value[i] - fill[i] * y
        outlier = max(noise.outlier - noise.spared_per_h * dt, 1e-9)
        tail = max(noise.tail - noise.spared_per_h * dt / 0.05, 1e-9)
        usual = 1 - tail - outlier
        bad = unusual(e, scale * s, level, tail, outlier)
        density = usual * normal(e, scale * s) + bad
        trust = usual * normal(e, scale * s) / density
        gain = trust * (p @ SEES) / s
        x, p = x + gain * e, p - np.outer(gain, SEES @ p)

        dying, passing, alive = read(deaths, r), read(transients, r), base.alive[r]
        edges = (1.0, 0.5, 0.0) if dt > 1 / 6 else (1.0, 0.0)
        for begins, ends in pairwise(edges):
            open_slots(
                dying, deaths.onset_h.shape[1], time_h, (time_h - begins * dt, time_h - ends * dt),
                (begins - ends) * dt / 24 * alive, death_shapes,
            )  # fmt: skip
        reach = min(dt, 1.0)
        open_slots(
            passing, transients.onset_h.shape[1], time_h, (time_h - reach, time_h),
            reach / 24 * alive, transient_shapes,
        )  # fmt: skip
        phi = math.exp(-dt / noise.drift_tau_h)
        common = (time_h, dt, phi, level, y, e, s, scale, photon, usual, bad, gain)
        r_dying = weigh(dying, death_shapes, *common)
        r_passing = weigh(passing, transient_shapes, *common)
        dying = forget(dying)
        per_day = noise.transients_per_day
        through = sum(per_day @ slot["weight"] for slot in passing)
        living, dead = alive + through, noise.deaths_per_day * r_dying
        total = living + dead
        out[i] = [
            math.log(max(r_dying / living, 1e-30)), through / living, trust, e * e / s,
            alive / total,
        ]  # fmt: skip
        for k, (tails, outs) in enumerate(outliers):
            other = (1 - tails - outs) * normal(e, scale * s)
            other += tails * normal(e, 9 * scale * s) + outs * cauchy(
                e, math.hypot(0.7 * level, 3 * math.sqrt(scale * s))
            )
            lessons[r, k] += math.log((alive * other / density + through) / living)
        base.alive[r] = settle(
            passing, time_h, x, alive, per_day, living, dead, rates, lessons[r, len(outliers) :]
        )
        for slots in (dying, passing):
            scale_after(slots, time_h - dt, base.alive[r] / alive)
        heaviest = max(r_dying, r_passing, base.alive[r])
        if heaviest > 1e12:
            factor = max(1 / heaviest, 1e-30)
            base.alive[r] *= factor
            for slots in (dying, passing):
                scale_after(slots, -math.inf, factor)
        base.state[r], base.cov[r] = x, six(p)
        base.squares[r] = (1 - 1 / 200) * base.squares[r] + [trust * e * e / s, trust]
        direction = 1 if death_shapes.mean[0] > 0 else -1
        base.streak[r] = base.streak[r] + 1 if trust < 0.1 and e * direction < 0 else 0
        if base.streak[r] >= 3:
            base.cov[r, 0] += (0.5 * base.state[r, 0]) ** 2
            base.streak[r] = 0
        write(deaths, r, dying)
        write(transients, r, passing)
    return out


def release(rows, out, models, pace, lessons, noise_lessons):
    told, told_noise = np.zeros(lessons.shape[1]), np.zeros(noise_lessons.shape[1])
    for i, r in enumerate(rows):
        alive, trust, square = out[i, 4], out[i, 2], out[i, 3]
        seen = [trust * square, trust] if square > 0 else [0, 0]
        noise_lessons[r] += alive * np.concatenate([models[i], seen])
        for kept, sums in ((lessons, told), (noise_lessons, told_noise)):
            sums += pace * alive**6 * kept[r]
            kept[r] *= 1 - pace * alive**6
    return told, told_noise


def share_of_templates(bank, rows):
    out = np.zeros(bank.weight.shape[2])
    for r in rows:
        slots = [slot["weight"] for slot in read(bank, r)]
        if slots and np.sum(slots) > 0:
            out += np.sum(slots, axis=0) / np.sum(slots)
    return out


def passing(rows, transients, per_day):
    return np.array([sum(per_day @ slot["weight"] for slot in read(transients, r)) for r in rows])
