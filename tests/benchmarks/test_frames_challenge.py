"""The measures of the challenge, fed in memory, are those that py-ctcmetrics reads from files."""

import contextlib
import io

import numpy as np
import pytest
import tifffile
from ctc_metrics import evaluate_sequence

from frames.challenge import Score, Sequence, Tracks, at_border, not_asked, overlaps

SHAPE = (60, 60)
PLACES = {1: (10, 10), 2: (10, 30), 3: (30, 20), 4: (45, 45)}


def disc(labels, y, x, number, radius=5):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    labels[np.hypot(yy - y, xx - x) <= radius] = number


def movie(visits=6, off=0, radius=5, names=None):
    """Return label images of four somata that stand still."""
    frames = []
    for t in range(visits):
        labels = np.zeros(SHAPE, np.int32)
        for number, (y, x) in PLACES.items():
            name = number if names is None else names(t, number)
            if name:
                disc(labels, y + off, x, name, radius)
        frames.append(labels)
    return frames


def scored(true, found, ignored=frozenset(), **parents):
    sequence, score = Sequence(**parents), Score()
    for a, b in zip(true, found, strict=True):
        sequence.push(a, b, set(ignored))
    sequence.add_to(score)
    return score.figures()


def written(folder, frames, table, name, track_file):
    folder.mkdir(parents=True)
    for t, frame in enumerate(frames):
        tifffile.imwrite(folder / f"{name}{t:03d}.tif", frame.astype(np.uint16))
    (folder / track_file).write_text("".join(" ".join(map(str, row)) + "\n" for row in table))


def from_files(tmp_path, true, found, true_table, found_table):
    written(tmp_path / "01_RES", found, found_table, "mask", "res_track.txt")
    written(tmp_path / "01_GT/TRA", true, true_table, "man_track", "man_track.txt")
    written(tmp_path / "01_GT/SEG", true, true_table, "man_seg", "none.txt")
    with contextlib.redirect_stdout(io.StringIO()):
        return evaluate_sequence(
            str(tmp_path / "01_RES"), str(tmp_path / "01_GT"), ["SEG", "DET", "TRA", "LNK"], 1
        )


def test_the_truth_itself_scores_one():
    said = scored(movie(), movie(names=lambda t, k: k + 10))
    assert [said[name] for name in ("DET", "SEG", "TRA", "LNK")] == [1.0, 1.0, 1.0, 1.0]
    assert said["outlines"] == 24


def test_figures_are_those_that_are_read_from_files(tmp_path):
    """One soma lost in half the visits, one swapped, one merged, outlines a pixel off."""

    def names(t, k):
        if k == 3 and t in (2, 3):
            return 0
        if k in (1, 2) and t >= 3:
            return 3 - k
        return k

    true, found = movie(), movie(off=1, names=names)
    for frame in found[:2]:
        frame[frame == 4] = 3
    relabelled = [np.where(f == 3, 5, f) if t > 3 else f for t, f in enumerate(found)]
    table = [(1, 0, 5, 0), (2, 0, 5, 0), (3, 0, 1, 0), (4, 2, 5, 0), (5, 4, 5, 3)]
    reference = [(k, 0, 5, 0) for k in PLACES]
    expected = from_files(tmp_path, true, relabelled, reference, table)
    said = scored(true, found)
    for name in ("DET", "SEG", "TRA", "LNK"):
        assert said[name] == pytest.approx(expected[name]), name
    assert 0.5 < said["LNK"] < 0.9


def test_a_division_is_right_with_its_mother_and_wrong_without():
    def names(t, k):
        return {1: 1 if t < 3 else 11, 2: 0 if t < 3 else 12}.get(k, k)

    true = movie(names=names)
    parents = {11: 1, 12: 1}
    right = scored(true, true, parent_of_true=parents, parent_of_found=parents)
    wrong = scored(true, true, parent_of_true=parents)
    assert right["LNK"] == 1.0
    assert wrong["LNK"] < 1.0
    assert wrong["EA"] == 2


def test_a_swap_of_ids_costs_links_and_no_detection():
    def swapped(t, k):
        return 3 - k if k < 3 and t >= 3 else k

    said = scored(movie(), movie(names=swapped))
    assert (said["DET"], said["SEG"]) == (1.0, 1.0)
    assert (said["EA"], said["ED"]) == (2, 2)


def test_what_touches_the_border_and_what_is_ignored_costs_nothing_on_either_side():
    true, found = movie(), movie()
    for frame in true:
        disc(frame, 30, 57, 9)
    assert at_border(true[0]) == {9}
    for frame in found:
        disc(frame, 30, 55, 9)
        disc(frame, 2, 50, 8)  # at the border, on nothing
    assert scored(true, found)["DET"] == 1.0
    without = [np.where(frame == 4, 0, frame) for frame in found]
    assert scored(true, without, ignored={4})["DET"] == 1.0
    assert scored(true, without)["DET"] < 1.0
    inside = [frame.copy() for frame in found]
    for frame in inside:
        disc(frame, 45, 15, 7)
    assert scored(true, inside)["FP"] == 6


def test_an_outline_belongs_to_what_it_covers_most():
    true, found = (np.zeros(SHAPE, np.int32) for _ in range(2))
    true[10:20, 10:20], true[10:20, 20:24] = 1, 2
    found[10:20, 12:24] = 5
    pair = overlaps(true, found)
    assert not_asked(pair, {1}, set()) == {5}
    assert not_asked(pair, {2}, set()) == set()


def test_a_gap_begins_a_new_label_with_its_parent():
    tracks = Tracks({})
    visits = [[7, 8], [8], [7, 8], [7]]
    assert [tracks.push(t, names) for t, names in enumerate(visits)] == [[1, 2], [2], [3, 2], [3]]
    assert tracks.table == [[1, 0, 0, 0], [2, 0, 2, 0], [3, 2, 3, 1]]
