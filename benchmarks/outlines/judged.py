"""How well outlines fit the true ones: matches at an overlap, pooled over images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AT = (0.5, 0.7)
"""Overlaps (IoU) above which an outline is a match."""


@dataclass(frozen=True)
class Score:
    """Counts of one or several images: true outlines, found ones, and matches at each overlap."""

    true: int = 0
    found: int = 0
    matched: tuple[int, ...] = (0, 0)

    def __add__(self, other: "Score") -> "Score":
        """Return the pooled counts."""
        pairs = zip(self.matched, other.matched, strict=True)
        return Score(self.true + other.true, self.found + other.found, tuple(map(sum, pairs)))

    @property
    def f1(self) -> tuple[float, ...]:
        """F1 at each overlap; 1 where there is nothing and nothing was found."""
        both = self.true + self.found
        return tuple(2 * m / both if both else 1.0 for m in self.matched)


def score(truth: NDArray[np.int32], found: NDArray[np.int32], *, border: bool = False) -> Score:
    """Match outlines one to one; without ``border`` those at the frame's border do not count."""
    t, f = (_without_border(a) if not border else a for a in (truth, found))
    n, m = int(truth.max()) + 1, int(found.max()) + 1
    both = np.bincount(truth.ravel().astype(np.int64) * m + found.ravel(), minlength=n * m)
    both = both.reshape(n, m)
    area_t, area_f = both.sum(1), both.sum(0)
    iou = both / np.maximum(area_t[:, None] + area_f[None] - both, 1)
    kept_t, kept_f = np.unique(t[t > 0]), np.unique(f[f > 0])
    part = iou[np.ix_(kept_t, kept_f)]
    # Above one half no outline can match two.
    matched = tuple(int((part > at).any(1).sum()) if part.size else 0 for at in AT)
    return Score(kept_t.size, kept_f.size, matched)


def _without_border(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    kept = np.ones(int(labels.max()) + 1, np.bool_)
    kept[edge] = False
    return np.where(kept[labels], labels, 0)
