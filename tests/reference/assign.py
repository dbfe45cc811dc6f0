"""Readable twins of `livedeath.kernels.assign`."""

from itertools import permutations

import numpy as np


def clear_pairs(first, second, costs, sizes, alone, clearly):
    links = np.full(sizes[0], -1)
    for i, j, cost in zip(first, second, costs, strict=True):
        rivals = [
            other for a, b, other in zip(first, second, costs, strict=True) if (a == i) != (b == j)
        ]
        if cost <= alone and all(cost <= clearly * other and cost < other for other in rivals):
            links[i] = j
    return links


def assign(first, second, costs, sizes, alone, clearly):
    """Try every way to link the rest; return the cheapest links and what they cost."""
    n, m = sizes
    links = clear_pairs(first, second, costs, sizes, alone, clearly)
    price = {(i, j): c for i, j, c in zip(first, second, costs, strict=True)}
    rest = [i for i in range(n) if links[i] < 0]
    free = [j for j in range(m) if j not in links] + [-1] * len(rest)
    best, cheapest = links, np.inf
    for partners in set(permutations(free, len(rest))):
        pairs = list(zip(rest, partners, strict=True))
        if any(j >= 0 and (i, j) not in price for i, j in pairs):
            continue
        total = sum(alone if j < 0 else price[i, j] for i, j in pairs)
        if total < cheapest:
            cheapest, best = total, links.copy()
            for i, j in pairs:
                best[i] = j
    return best, 0.0 if not rest else cheapest
