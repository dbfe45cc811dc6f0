"""Readable twin of `livedeath.kernels.detect`: one neuron, one slot, one template at a time."""

import math
from itertools import pairwise

import numpy as np

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


def read(bank, r):
    """Return a neuron's slots as dicts."""
    return [
        {
            "onset": float(bank.onset_h[r, s]),
            "mass": float(bank.mass[r, s]),
            "weight": bank.weight[r, s].astype(float),
            "mean": bank.mean[r, s].astype(float),
            "var": bank.var[r, s].astype(float),
            "response": bank.response[r, s].astype(float),
        }
        for s in range(bank.used[r])
    ]


def write(bank, r, slots):
    bank.used[r] = len(slots)
    for s, slot in enumerate(slots):
        bank.onset_h[r, s] = slot["onset"]
        bank.mass[r, s] = slot["mass"]
        for name in ("weight", "mean", "var", "response"):
            getattr(bank, name)[r, s] = slot[name]


def open_slot(slots, room, time_h, onset, mass, shapes):
    if len(slots) == room:
        closeness = [
            (b["onset"] - a["onset"]) / (time_h - b["onset"] + 0.1) for a, b in pairwise(slots)
        ]
        k = int(np.argmin(closeness))
        older, newer = slots[k], slots[k + 1]
        older_stays = older["weight"].sum() > 1.001 * newer["weight"].sum()
        stays, goes = (older, newer) if older_stays else (newer, older)
        stays["weight"] = stays["weight"] + goes["weight"]
        stays["mass"] += goes["mass"]
        slots[k : k + 2] = [stays]
    box = shapes.prior.shape
    slots.append({
        "onset": onset,
        "mass": mass,
        "weight": mass * shapes.prior,
        "mean": np.broadcast_to(shapes.mean, box).copy(),
        "var": np.broadcast_to(shapes.var, box).copy(),
        "response": np.zeros((len(shapes.tau_h), 3)),
    })  # fmt: skip


def weigh(slots, shapes, time_h, dt, phi, level, y, e, s, scale, photon, usual, bad, gain):
    density = usual * normal(e, scale * s) + bad
    value, fixed, slope, relative, white = photon
    v0 = variance(y, value, fixed, slope, relative, white)
    total = 0.0
    for slot in slots:
        age = max(time_h - slot["onset"], 0)
        for j, tau in enumerate(shapes.tau_h):
            height = math.exp(-age / tau) if shapes.recovers else 1 - math.exp(-age / tau)
            f = np.array([[1, dt, 0], [0, 1, 0], [0, 0, phi]])
            response = f @ slot["response"][j]
            d = height - SEES @ response
            for c in range(len(shapes.mean)):
                if slot["weight"][j, c] == 0:
                    continue
                a, spread = slot["mean"][j, c], slot["var"][j, c]
                baseline = max(level / max(1 + a * response[0], 0.1), LEVEL_FLOOR)
                g = baseline * d
                v1 = variance(y + g * a, value, fixed, slope, relative, white)
                s1 = scale * (s - v0 + v1)
                if e * g * a > 0:
                    s1 += g**2 * spread
                good = usual * normal(e - g * a, s1)
                weight = slot["weight"][j, c] * (good + bad) / density
                total += weight
                least = 1e-3 * slot["mass"] * shapes.prior[j, c]
                slot["weight"][j, c] = weight if weight > least else 0
                move = good / (good + bad) * spread * g / s1
                a += move * (e - g * a)
                low = 0.3 * shapes.mean[c]
                slot["mean"][j, c] = max(a, low) if low > 0 else min(a, low)
                slot["var"][j, c] = max(spread * (1 - move * g), 0)
            slot["response"][j] = response + gain * d
    return total


def settle(deaths, transients, time_h, before_h, x, rate, total, share, rates, out):
    while transients and time_h - transients[0]["onset"] > 3:
        slot = transients.pop(0)
        excess = slot["weight"].sum() - slot["mass"]
        for k, other in enumerate(rates):
            out[k] += math.log(max(1 + other * excess * share, 0.01))
        level = x[0]
        for j in range(slot["mean"].shape[0]):
            for c in range(slot["mean"].shape[1]):
                part = rate * slot["weight"][j, c] / total * level
                x -= part * slot["mean"][j, c] * slot["response"][j]
        for other in deaths + transients:
            if other["onset"] < before_h:
                other["weight"] = other["weight"] / max(1 + rate * excess, 0.01)


def score_visit(
    rows, time_h, value, fill, fixed, slope, relative,
    base, deaths, transients, noise, death_shapes, transient_shapes, outliers, rates,
):  # fmt: skip
    out = np.zeros((len(rows), 5 + len(outliers) + len(rates)))
    for i, r in enumerate(rows):
        dt, before = time_h - base.last_h[r], base.last_h[r]
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
        usual = 1 - noise.tail - noise.outlier
        bad = unusual(e, scale * s, level, noise.tail, noise.outlier)
        density = usual * normal(e, scale * s) + bad
        trust = usual * normal(e, scale * s) / density
        gain = trust * (p @ SEES) / s
        x, p = x + gain * e, p - np.outer(gain, SEES @ p)

        dying, passing = read(deaths, r), read(transients, r)
        phases = (0.75, 0.25) if dt > 1 / 6 else (0.5,)
        for phase in phases:
            open_slot(
                dying, deaths.onset_h.shape[1], time_h, time_h - phase * dt,
                dt / 24 / len(phases), death_shapes,
            )  # fmt: skip
        reach = min(dt, 1.0)
        open_slot(
            passing,
            transients.onset_h.shape[1],
            time_h,
            time_h - reach / 2,
            reach / 24,
            transient_shapes,
        )
        phi = math.exp(-dt / noise.drift_tau_h)
        common = (time_h, dt, phi, level, y, e, s, scale, photon, usual, bad, gain)
        r_dying = weigh(dying, death_shapes, *common)
        r_passing = weigh(passing, transient_shapes, *common)
        dying = [slot for slot in dying if slot["weight"].sum() > 0]
        living = 1 + noise.transients_per_day * r_passing
        total = living + noise.deaths_per_day * r_dying
        out[i, :5] = [
            math.log(max(r_dying, 1e-30) / living), r_passing, trust, e * e / s, 1 / total,
        ]  # fmt: skip
        for k, (tail, outlier) in enumerate(outliers):
            other = (1 - tail - outlier) * normal(e, scale * s)
            other += tail * normal(e, 9 * scale * s) + outlier * cauchy(
                e, math.hypot(0.7 * level, 3 * math.sqrt(scale * s))
            )
            out[i, 5 + k] = math.log((living * other / density + total - living) / total)
        settle(
            dying, passing, time_h, before, x, noise.transients_per_day, total,
            1 / (1 + total - living), rates, out[i, 5 + len(outliers) :],
        )  # fmt: skip
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
