"""Readable twin of `livedeath.kernels.fuse`: step functions asked at single onsets."""

import math
from itertools import pairwise

import numpy as np


def by_onset(bank, rows, living, law):
    out = np.full((len(rows), bank.order.shape[1], 3), np.inf)
    for i, r in enumerate(rows):
        for k, s in enumerate(bank.order[r, : bank.used[r]] if r >= 0 else []):
            days = (bank.until_h[r, s] - bank.from_h[r, s]) / 24
            ratio = law @ bank.weight[r, s] / living[i] / days
            ln = min(math.log(ratio), 100.0) if ratio > 0 else -np.inf
            out[i, k] = bank.from_h[r, s], bank.until_h[r, s], ln
    return out


def said(cells, watched, between, onset_h):
    """Return the logarithm of one channel's ratio at an onset; None where it says nothing."""
    if not watched[0] <= onset_h < watched[1]:
        return None
    for begins, ends, ln in cells:
        if begins <= onset_h < ends:
            return ln
    return between


def fuse(steps, start_h, end_h, groups, powers):
    n = len(start_h)
    out = np.full((n, len(groups)), -np.inf)
    for i in range(n):
        edges = np.concatenate([steps.cells[:, i, :, :2].ravel(), steps.watched[:, i].ravel()])
        inside = edges[(edges > start_h[i]) & (edges < end_h[i])]
        edges = np.unique(np.concatenate([[start_h[i]], inside, [end_h[i]]]))
        for g, group in enumerate(groups):
            total = 0.0
            for a, b in pairwise(edges):
                lns = {
                    c: said(steps.cells[c, i], steps.watched[c, i], steps.between, (a + b) / 2)
                    for c in range(len(steps.cells))
                    if group >> c & 1
                }
                lns = {c: ln for c, ln in lns.items() if ln is not None}
                power = powers[sum(1 << c for c in lns)]
                total += (b - a) / 24 * math.exp(min(power * sum(lns.values()), 600.0))
            if total > 1e-300 and start_h[i] < end_h[i]:
                out[i, g] = math.log(total)
    return out
