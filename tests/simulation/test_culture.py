import numpy as np
import pytest

from livedeath.simulation.culture import TILE_UM, Culture, Tile, join
from simulation.small_world import parameters


def culture(seed=3, vessel="p", **groups):
    return Culture(parameters(seed, **groups), vessel, "96-well")


def block(of, well="C3", reach=3):
    span = range(-reach, reach + 1)
    return join([of.neurons(Tile(well, i, j)) for i in span for j in span])


def test_a_tile_is_the_same_whatever_was_drawn_before():
    one, other = culture(), culture()
    block(other)
    for a, b in zip(one.neurons(Tile("C3", 0, 1)), other.neurons(Tile("C3", 0, 1)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("other", [culture(seed=4), culture(vessel="q")], ids=["seed", "vessel"])
def test_another_seed_or_vessel_has_other_neurons(other):
    assert not np.array_equal(block(culture()).y_um[:20], block(other).y_um[:20])


def test_density_is_as_declared():
    found = block(culture())
    per_mm2 = found.y_um.size / (7 * TILE_UM / 1000) ** 2
    assert per_mm2 == pytest.approx(300, rel=0.1)


def test_somata_keep_apart_also_across_tiles():
    found = block(culture(culture={"touching_fraction": 0.0, "min_gap_um": 3.0}))
    apart = np.hypot(found.y_um[:, None] - found.y_um, found.x_um[:, None] - found.x_um)
    gap = apart - found.radius_um[:, None] - found.radius_um
    assert gap[~np.eye(gap.shape[0], dtype=bool)].min() >= 3.0


def test_a_few_touch_where_they_may():
    found = block(culture(culture={"touching_fraction": 0.3}))
    apart = np.hypot(found.y_um[:, None] - found.y_um, found.x_um[:, None] - found.x_um)
    gap = (apart - found.radius_um[:, None] - found.radius_um)[np.triu_indices(found.y_um.size, 1)]
    assert 0 < np.count_nonzero(gap < 1.0) < 0.3 * found.y_um.size


def test_nobody_lives_outside_the_well():
    rim = int(3_200 / TILE_UM) + 2
    assert culture().neurons(Tile("C3", rim, 0)).y_um.size == 0
    assert culture().neurons(Tile("C3", rim - 4, 0)).y_um.size > 0


def test_soma_diameters_are_those_measured():
    diameter = 2 * block(culture(culture={"density_per_mm2": 40.0}), reach=8).radius_um
    assert np.median(diameter) == pytest.approx(16.2, rel=0.05)
    assert np.diff(np.percentile(diameter, [25, 75]))[0] == pytest.approx(5.3, rel=0.2)


def test_tiles_about_a_place_cover_it():
    tiles = culture().tiles("C3", 18_000.0, 18_000.0, (130.0, 10.0))
    assert {(t.row, t.column) for t in tiles} == {(-1, 0), (0, 0), (1, 0)}
