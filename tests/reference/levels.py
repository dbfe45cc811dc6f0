"""Readable twin of `livedeath.kernels.levels`."""

import numpy as np


def group_medians(values, use, group, groups):
    out = np.full(groups, np.nan)
    for k in range(groups):
        members = values[use & (group == k)]
        if members.size:
            out[k] = np.median(members)
    return out


def remember(
    rows, value, measured, use, which, level, var, past, visits, away,
    first_sd, away_visits, memory_visits,
):  # fmt: skip
    for r, now, noise in zip(rows[use], value[use], measured[use], strict=True):
        at = r, which
        if visits[at] == 0:
            level[at], var[at], past[at], away[at], visits[at] = now, first_sd**2, noise, 0, 1
            continue
        reach = 3 * np.sqrt(var[at]) * abs(level[at])
        away[at] = away[at] + 1 if abs(now - level[at]) > reach else 0
        if away[at] >= away_visits:
            away[at], level[at] = 0, now
        off = np.clip(now - level[at], -reach, reach)
        relative = off / level[at] if level[at] != 0 else off
        share = max(1 / (visits[at] + 3), 0.5 / memory_visits)
        var[at] += share * (relative**2 * visits[at] / (visits[at] + 1) - var[at])
        past[at] += share * (noise - past[at])
        level[at] += off / min(visits[at] + 1, memory_visits)
        visits[at] += 1
