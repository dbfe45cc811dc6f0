"""Real images: a folder of them goes in, what livedeath and the usual way make of them comes out.

The folder holds, each part of it optional:

* ``nuclei_many_labs/NN.tif`` and ``NN_labels.tif``: nuclei of many laboratories with hand-made
  outlines (BBBC038). The even numbers judge; the odd ones are for tuning. Those that
  touch the border are left out on both sides.
* ``mitocheck_movie.tif``: dividing nuclei, without a truth: what divided is counted.
* ``barmada_A01_labels.tif``, ``barmada_A02_labels.tif``: outlines of living neurons at ten
  visits whose values are the source's neurons; livedeath is given where, and says who.

Everything goes through `livedeath.score`, as a user's recording does.
"""

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

import livedeath
from frames import peer
from frames.challenge import Labels, at_border, overlaps
from livedeath.run.score import Scored

OVERLAPS = (0.5, 0.7)
"""An outline is found if one overlaps it (IoU) by more than this."""

SOMA_UM = 16.0
"""livedeath's default soma; a pixel size that makes it so tells the size."""

PIXEL_UM = 0.65
"""Pixel size said where none is known."""

MITOCHECK_UM, MITOCHECK_H = 0.645, 0.5

BARMADA_UM = 1.3
BARMADA_H = (24, 47, 71, 107, 131, 143, 167, 191, 215, 239)

DRAWN_ONCE = 0.8
"""A source's outline counts where this part of it is not covered by another one."""


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the figures of every part that the folder holds."""
    made = [nuclei(folder), mitocheck(folder), *barmada(folder)]
    return [row for row in made if row]


def labels_of(
    image: NDArray[Any], *, pixel_um: float, times_h: tuple[float, ...], **told: Any  # noqa: ANN401
) -> tuple[Labels, Scored]:  # fmt: skip
    """Score one recording; return its labels (T, Y, X) and what was scored."""
    with tempfile.TemporaryDirectory() as kept:
        source = Path(kept) / "recording.tif"
        tifffile.imwrite(source, image, metadata={"axes": "TYX"})
        done = livedeath.score(
            source, out=Path(kept) / "out", pixel_size_um=pixel_um, times_h=times_h, **told
        )
        study = livedeath.open_study(done.path)
        (field,) = study.folder.plan.fields
        found = done.run.labels(field)
        labels = np.stack([np.asarray(found[t], np.int32) for t in range(len(times_h))])
        done.traces, done.calls  # noqa: B018 - read while the folder is there
    return labels, done


class Matches:
    """Outlines found, missed and invented, pooled over images."""

    def __init__(self) -> None:
        self._found = dict.fromkeys(OVERLAPS, 0)
        self._all = 0

    def add(self, true: Labels, found: Labels) -> None:
        """Take one image; what touches the border is left out on both sides."""
        pair = overlaps(true, found)
        out_t, out_f = at_border(true), at_border(found)
        size_t = dict(zip(pair.true.tolist(), pair.true_px.tolist(), strict=True))
        size_f = dict(zip(pair.found.tolist(), pair.found_px.tolist(), strict=True))
        self._all += len(set(size_t) - out_t) + len(set(size_f) - out_f)
        for a, b, px in zip(
            pair.of_true.tolist(), pair.of_found.tolist(), pair.both_px.tolist(), strict=True
        ):
            if a in out_t or b in out_f:
                continue
            share = px / (size_t[a] + size_f[b] - px)
            for least in OVERLAPS:
                self._found[least] += share > least

    def figures(self) -> dict[str, float]:
        """Return F1 at each overlap."""
        return {f"f1_{least}": 2 * n / max(self._all, 1) for least, n in self._found.items()}


def nuclei(folder: Path) -> dict[str, Any]:
    """Judge the outlines of single images of nuclei, the size told and not told."""
    paths = sorted((folder / "nuclei_many_labs").glob("[0-9][0-9].tif"))
    paths = [path for path in paths if int(path.stem) % 2 == 0]
    if not paths:
        return {}
    ways = {name: Matches() for name in ("livedeath told", "livedeath", *peer.THRESHOLDS)}
    for path in paths:
        image = tifffile.imread(path)
        true = tifffile.imread(path.with_name(f"{path.stem}_labels.tif")).astype(np.int32)
        diameter_px = float(2 * np.sqrt(np.median(np.bincount(true[true > 0])[1:]) / np.pi))
        told, _ = labels_of(image[np.newaxis], pixel_um=SOMA_UM / diameter_px, times_h=(0.0,))
        ways["livedeath told"].add(true, told[0])
        untold, _ = labels_of(image[np.newaxis], pixel_um=PIXEL_UM, times_h=(0.0,))
        ways["livedeath"].add(true, untold[0])
        for name in peer.THRESHOLDS:
            ways[name].add(true, peer.outlined(image, diameter_px, name))
    figures = {name: one.figures() for name, one in ways.items()}
    return {"what": "nuclei of many laboratories", "images": len(paths), **figures}


def mitocheck(folder: Path) -> dict[str, Any]:
    """Count who began and who divided in the movie of dividing nuclei."""
    path = folder / "mitocheck_movie.tif"
    if not path.exists():
        return {}
    movie = tifffile.imread(path)
    times = tuple(MITOCHECK_H * t for t in range(len(movie)))
    labels, done = labels_of(movie, pixel_um=MITOCHECK_UM, times_h=times)
    outlines = [peer.outlined(one, SOMA_UM / MITOCHECK_UM, "otsu") for one in movie]
    shifts = [np.zeros(2)] * len(movie)
    linked, mothers = peer.linked(outlines, shifts, SOMA_UM / MITOCHECK_UM, divide=True)
    calls = done.calls
    parents = calls["parent_id"].drop_nulls() if "parent_id" in calls.columns else []
    return {
        "what": "dividing nuclei (mitocheck)",
        "livedeath": _counted(labels, divisions=len(set(parents)))
        | dict(calls["outcome"].value_counts().iter_rows()),
        "otsu": _counted(np.stack(linked), divisions=len(set(mothers.values()))),
    }


def _counted(labels: Labels, *, divisions: int) -> dict[str, int]:
    first, last = (np.unique(labels[t][labels[t] > 0]).size for t in (0, -1))
    ids = np.unique(labels[labels > 0]).size
    return {"first_visit": first, "last_visit": last, "ids": ids, "divisions": divisions}


def barmada(folder: Path) -> list[dict[str, Any]]:
    """Count how often real neurons keep their id, the outlines given."""
    found = []
    for path in sorted(folder.glob("barmada_*_labels.tif")):
        given = tifffile.imread(path)
        image = np.where(given > 0, 3000, 100).astype(np.uint16)
        image += np.random.default_rng(1).poisson(20, image.shape).astype(np.uint16)
        with tempfile.TemporaryDirectory() as kept:
            outlines = Path(kept) / "labels.tif"
            tifffile.imwrite(outlines, given, metadata={"axes": "TYX"})
            labels, _ = labels_of(
                image, pixel_um=BARMADA_UM, times_h=tuple(map(float, BARMADA_H)), labels=outlines
            )
        found.append({"what": path.stem, "livedeath": ids_kept(given.astype(np.int32), labels)})
    return found


def ids_kept(given: Labels, labels: Labels) -> dict[str, float]:
    """Return the share of a source's neurons that keep their id from a visit to the next.

    Outlines that the source drew over each other are left out.
    """
    kept = total = 0
    names = [names_of(a, b) for a, b in zip(given, labels, strict=True)]
    for before, now in pairwise(names):
        both = set(before) & set(now)
        total += len(both)
        kept += sum(before[one] == now[one] for one in both)
    return {"pairs": total, "kept": kept / max(total, 1)}


def names_of(given: Labels, labels: Labels) -> dict[int, int]:
    """Return the id that covers each of the source's outlines, where one covers enough of it."""
    pair = overlaps(given, labels)
    size = dict(zip(pair.true.tolist(), pair.true_px.tolist(), strict=True))
    named = zip(pair.of_true.tolist(), pair.of_found.tolist(), pair.both_px.tolist(), strict=True)
    return {a: b for a, b, px in named if px >= DRAWN_ONCE * size[a]}


def show(row: dict[str, Any]) -> None:
    """Print one row as text."""
    images = f": {row['images']} images" if "images" in row else ""
    print(f"\n{row['what']}{images}")
    for name, said in row.items():
        if isinstance(said, dict):
            values = "; ".join(
                f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in said.items()
            )
            print(f"  {name:15s} {values}")
