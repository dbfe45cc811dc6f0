"""Readable twin of `livedeath.kernels.bank`: the slots of one neuron, as dicts."""

import math
from itertools import pairwise

import numpy as np

from reference.baseline import LEVEL_FLOOR, SEES, normal, variance


def read(bank, r):
    """Return a neuron's slots as dicts, oldest onset first."""
    return [
        {
            "onset": float(bank.onset_h[r, s]),
            "from": float(bank.from_h[r, s]),
            "until": float(bank.until_h[r, s]),
            "mass": float(bank.mass[r, s]),
            "weight": bank.weight[r, s].astype(float),
            "mean": bank.mean[r, s].astype(float),
            "var": bank.var[r, s].astype(float),
            "response": bank.response[r, s].copy(),
        }
        for s in bank.order[r, : bank.used[r]]
    ]


def write(bank, r, slots):
    bank.used[r] = len(slots)
    bank.order[r] = np.arange(bank.order.shape[1])
    for s, slot in enumerate(slots):
        bank.onset_h[r, s] = slot["onset"]
        bank.from_h[r, s], bank.until_h[r, s] = slot["from"], slot["until"]
        bank.mass[r, s] = slot["mass"]
        for name in ("weight", "mean", "var", "response"):
            getattr(bank, name)[r, s] = slot[name]


def open_slots(slots, room, time_h, cell, mass, shapes):
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
        stays["from"], stays["until"] = older["from"], newer["until"]
        slots[k : k + 2] = [stays]
    slots.append({
        "onset": sum(cell) / 2,
        "from": cell[0],
        "until": cell[1],
        "mass": mass,
        "weight": mass * shapes.prior.astype(float),
        "mean": shapes.mean.astype(float),
        "var": shapes.var.astype(float),
        "response": np.zeros((len(shapes.tau_h), 3)),
    })  # fmt: skip


def weigh(slots, shapes, time_h, dt, phi, level, y, e, s, scale, photon, usual, bad, gain):
    density = usual * normal(e, scale * s) + bad
    value, fixed, slope, relative, white = photon
    v0 = variance(y, value, fixed, slope, relative, white)
    total = 0.0
    f = np.array([[1, dt, 0], [0, 1, 0], [0, 0, phi]])
    per_tau = len(shapes.prior) // len(shapes.tau_h)
    for slot in slots:
        for j, tau in enumerate(shapes.tau_h):
            left = age(slot["onset"], time_h, tau)
            height = left if shapes.recovers else 1 - left
            response = f @ slot["response"][j]
            d = height - SEES @ response
            for c in range(j * per_tau, (j + 1) * per_tau):
                a, spread = slot["mean"][c], slot["var"][c]
                baseline = max(level / max(1 + a * response[0], 0.1), LEVEL_FLOOR)
                g = baseline * d
                v1 = variance(y + g * a, value, fixed, slope, relative, white)
                s1 = scale * (s - v0 + v1)
                if e * g * a > 0:
                    s1 += g**2 * spread
                good = usual * normal(e - g * a, s1)
                weight = min(slot["weight"][c] * (good + bad) / density, 1e30)
                slot["weight"][c] = weight if weight > 1e-2 * slot["mass"] * shapes.prior[c] else 0
                total += slot["weight"][c]
                move = good / (good + bad) * spread * g / s1
                a += move * (e - g * a)
                low = shapes.least[c]
                slot["mean"][c] = max(a, low) if low > 0 else min(a, low)
                slot["var"][c] = max(spread * (1 - move * g), 0)
            slot["response"][j] = response + gain * d
    return total


def scale(slots, after_h, factor):
    for slot in slots:
        if slot["onset"] > after_h:
            slot["weight"] = slot["weight"] * factor
            slot["mass"] *= factor


def age(onset_h, time_h, tau_h):
    """Return how much is left of what decays since an onset."""
    return math.exp(-(time_h - onset_h) / tau_h)


def forget(slots):
    return [slot for slot in slots if slot["weight"].sum() > 0]


def drop(order, used, r, at):
    in_use = order[r, : used[r]].tolist()
    slot = in_use.pop(at)
    order[r, : used[r]] = [*in_use, slot]
    used[r] -= 1
