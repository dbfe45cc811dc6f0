"""Outlines and tracks by the Cell Tracking Challenge: label images go in, DET SEG TRA LNK out.

The counting is py-ctcmetrics'; matching is done here in memory by the challenge's rule (more
than half of a true outline covered), because py-ctcmetrics only matches files. Tracks without gaps:
after a gap a track goes on under a new label whose parent is the old one, on both sides.

What is not asked for is taken out of both sides, visit by visit: true somata that touch the
frame's border, corpses that have lost half of their light, and the outlines that lie on them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from ctc_metrics.metrics import det, lnk, seg, tra
from ctc_metrics.utils.representations import count_acyclic_graph_correction_operations
from numpy.typing import NDArray

Labels = NDArray[np.int32]
Ids = NDArray[np.int64]


@dataclass
class Score:
    """Counts of several fields together: operations on graphs, and overlaps of outlines."""

    operations: dict[str, int] = field(default_factory=dict)
    overlaps: list[float] = field(default_factory=list)
    outlines: int = 0

    def figures(self) -> dict[str, float]:
        """Return DET, SEG, TRA and LNK, and how many true outlines there were."""
        ops = self.operations
        return {
            "DET": det(**ops),
            "SEG": seg([range(self.outlines)], [self.overlaps]),
            "TRA": tra(**ops)[0],
            "LNK": lnk(**ops),
            "outlines": self.outlines,
            **{name: int(ops[name]) for name in ("NS", "FN", "FP", "ED", "EA", "EC")},
        }


@dataclass
class Pair:
    """One visit: true and found labels, how many pixels each has, and the pairs that overlap."""

    true: Ids
    found: Ids
    true_px: Ids
    found_px: Ids
    of_true: Ids
    of_found: Ids
    both_px: Ids


def overlaps(true: Labels, found: Labels) -> Pair:
    """Count the pixels of labels and of their overlaps; 0 is no label."""
    names_t, sizes_t = np.unique(true[true > 0], return_counts=True)
    names_f, sizes_f = np.unique(found[found > 0], return_counts=True)
    both = (true > 0) & (found > 0)
    pairs, counts = np.unique(np.stack([true[both], found[both]]), axis=1, return_counts=True)
    return Pair(names_t, names_f, sizes_t, sizes_f, pairs[0], pairs[1], counts)


def at_border(labels: Labels) -> set[int]:
    """Return the labels that touch the border of an image."""
    sides = labels[0], labels[-1], labels[:, 0], labels[:, -1]
    return set(np.unique(np.concatenate(sides)).tolist()) - {0}


def not_asked(pair: Pair, ignored: set[int], found_at_border: set[int]) -> set[int]:
    """Return the found labels that lie most on what is ignored, or at the border on nothing."""
    best: dict[int, tuple[int, int]] = {}
    for true, found, px in zip(pair.of_true, pair.of_found, pair.both_px, strict=True):
        best[int(found)] = max(best.get(int(found), (0, 0)), (int(px), int(true)))
    out = {name for name, (_, true) in best.items() if true in ignored}
    return out | (found_at_border - set(best))


class Tracks:
    """Labels without gaps: names of a visit go in, labels come out; a table at the end."""

    def __init__(self, parent_of: Mapping[int, int]) -> None:
        self._parent_of = parent_of
        self._last: dict[int, int] = {}
        self.table: list[list[int]] = []

    def push(self, t: int, names: Iterable[int]) -> list[int]:
        """Return the labels of a visit's names, in their order."""
        labels = []
        for name in names:
            label = self._last.get(name)
            if label is None or self.table[label - 1][2] != t - 1:
                parent = self._parent_of.get(name, 0) if label is None else name
                self.table.append([len(self.table) + 1, t, t, self._last.get(parent, 0)])
                label = self._last[name] = len(self.table)
            self.table[label - 1][2] = t
            labels.append(label)
        return labels


class Sequence:
    """One field's movie against its truth.

    Parameters
    ----------
    parent_of_true, parent_of_found : mapping of int to int
        The mothers of those that a division made.
    """

    def __init__(
        self,
        parent_of_true: Mapping[int, int] | None = None,
        parent_of_found: Mapping[int, int] | None = None,
    ) -> None:
        self._true = Tracks(parent_of_true or {})
        self._found = Tracks(parent_of_found or {})
        self._visits: list[tuple[list[int], list[int], list[int], list[int]]] = []
        self._overlaps: list[float] = []

    def push(self, true: Labels, found: Labels, ignored: set[int]) -> None:
        """Take one visit; ``ignored`` are true labels that are not asked for."""
        pair = overlaps(true, found)
        ignored = ignored | at_border(true)
        out = not_asked(pair, ignored, at_border(found))
        t = len(self._visits)
        kept_t = [int(name) for name in pair.true if int(name) not in ignored]
        kept_f = [int(name) for name in pair.found if int(name) not in out]
        labels_t = dict(zip(kept_t, self._true.push(t, kept_t), strict=True))
        labels_f = dict(zip(kept_f, self._found.push(t, kept_f), strict=True))
        size_t = dict(zip(pair.true.tolist(), pair.true_px.tolist(), strict=True))
        size_f = dict(zip(pair.found.tolist(), pair.found_px.tolist(), strict=True))
        matched_t, matched_f = [], []
        for a, b, px in zip(
            pair.of_true.tolist(), pair.of_found.tolist(), pair.both_px.tolist(), strict=True
        ):
            if a in labels_t and b in labels_f and px > 0.5 * size_t[a]:
                matched_t.append(labels_t[a])
                matched_f.append(labels_f[b])
                self._overlaps.append(px / (size_t[a] + size_f[b] - px))
        self._visits.append(
            (sorted(labels_t.values()), sorted(labels_f.values()), matched_t, matched_f)
        )

    def add_to(self, score: Score) -> None:
        """Add the finished movie to a score."""
        ref, comp, mapped_ref, mapped_comp = (
            list(column) for column in zip(*self._visits, strict=True)
        )
        score.outlines += sum(len(visit) for visit in ref)
        score.overlaps += self._overlaps
        if not self._true.table:
            return
        tables = [
            np.array(side.table or np.zeros((0, 4)), int) for side in (self._true, self._found)
        ]
        counted = count_acyclic_graph_correction_operations(
            tables[0], tables[1], ref, comp, mapped_ref, mapped_comp
        )
        for name, value in counted.items():
            if isinstance(value, (int, np.integer)):
                score.operations[name] = score.operations.get(name, 0) + int(value)
