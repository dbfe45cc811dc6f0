"""Real images are judged rightly where the answer is made by hand."""

import numpy as np
import pytest
import tifffile

from frames import real

SHAPE = (60, 60)


def squares(places, side=10):
    labels = np.zeros(SHAPE, np.int32)
    for name, (y, x) in places.items():
        labels[y : y + side, x : x + side] = name
    return labels


def test_f1_counts_overlaps_misses_and_inventions_and_leaves_out_the_border():
    true = squares({1: (5, 5), 2: (5, 30), 3: (30, 5), 4: (50, 50)})
    # One exact, one a fifth off (80 of 120 px shared), one missed, one invented, one at the border.
    found = squares({1: (5, 5), 2: (7, 30), 5: (30, 30), 6: (50, 20)})
    matches = real.Matches()
    matches.add(true, found)
    assert matches.figures() == {"f1_0.5": 2 * 2 / (3 + 3), "f1_0.7": 2 * 1 / (3 + 3)}


def test_ids_kept_sees_an_exchange_and_leaves_out_what_is_drawn_over():
    given = np.stack([squares({1: (5, 5), 2: (5, 30), 3: (30, 5)})] * 3)
    same = np.stack([squares({11: (5, 5), 12: (5, 30), 13: (30, 5)})] * 3)
    assert real.ids_kept(given, same) == {"pairs": 6, "kept": 1.0}
    exchanged = same.copy()
    exchanged[1][same[1] == 11], exchanged[1][same[1] == 12] = 12, 11
    assert real.ids_kept(given, exchanged) == {"pairs": 6, "kept": pytest.approx(2 / 6)}
    covered = same.copy()
    covered[1][5:10, 5:15] = 0
    assert real.ids_kept(given, covered)["pairs"] == 4


def test_a_folder_without_real_images_has_no_rows(tmp_path):
    assert real.rows(tmp_path) == []


def test_the_even_numbers_judge(tmp_path, monkeypatch):
    folder = tmp_path / "nuclei_many_labs"
    folder.mkdir()
    true = squares({1: (5, 5), 2: (5, 30), 3: (30, 5), 4: (30, 30)}).astype(np.uint16)
    rng = np.random.default_rng(1)
    for number in ("01", "02"):
        light = rng.poisson(20 + 150 * (true > 0)).astype(np.uint8)
        tifffile.imwrite(folder / f"{number}.tif", light)
        tifffile.imwrite(folder / f"{number}_labels.tif", true)
    monkeypatch.setattr(real, "labels_of", lambda image, **told: (true[np.newaxis], None))
    row = real.nuclei(tmp_path)
    assert row["images"] == 1
    assert row["livedeath"] == {"f1_0.5": 1.0, "f1_0.7": 1.0}
    assert row["otsu"]["f1_0.5"] == 1.0
