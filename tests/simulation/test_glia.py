import numpy as np
import pytest

from livedeath.simulation import glia
from livedeath.simulation.parameters import CultureParameters
from livedeath.simulation.world import World
from simulation.small_world import still, study, take

PLACES = np.array([50.0, 150.0, 250.0] * 40), np.repeat(np.arange(40) * 100.0, 3)
FAST = CultureParameters(glia_divisions_per_day=1.0, glia_motion_um=0.0)


def drawn(p=FAST, seed=1):
    return glia.lineages(np.random.default_rng(seed), p, *PLACES)


def test_daughters_come_in_pairs_after_their_mother_and_when_she_divides():
    cells = drawn()
    born = np.flatnonzero(cells.parent >= 0)
    assert born.size > 100
    assert (cells.parent[born] < born).all()
    _, children = np.unique(cells.parent[born], return_counts=True)
    assert set(children) == {2}
    np.testing.assert_array_equal(cells.born_h[born], cells.divides_h[cells.parent[born]])


def test_two_are_there_after_a_division_and_one_before():
    cells = drawn()
    mother = int(cells.parent[cells.parent >= 0][0])
    daughters = np.flatnonzero(cells.parent == mother)
    at = cells.divides_h[mother]
    before, after = glia.is_there(cells, at - 0.01), glia.is_there(cells, at + 0.01)
    assert (before[mother], *before[daughters]) == (True, False, False)
    assert (after[mother], *after[daughters]) == (False, True, True)


def test_daughters_part_about_the_place_of_the_division():
    cells = drawn()
    mother = int(cells.parent[cells.parent >= 0][0])
    pair = np.flatnonzero(cells.parent == mother)
    y, x = glia.place_um(cells, cells.divides_h[mother] + 5.0, FAST)
    assert np.mean(y[pair]) == pytest.approx(y[mother])
    assert np.mean(x[pair]) == pytest.approx(x[mother])
    apart = np.hypot(*(v[pair[0]] - v[pair[1]] for v in (y, x)))
    assert apart == pytest.approx(2 * glia.PARTED * FAST.glia_diameter_um)


def test_as_many_divide_as_the_rate_says():
    slow = CultureParameters(glia_divisions_per_day=0.1)
    cells = glia.lineages(np.random.default_rng(3), slow, np.zeros(4000), np.zeros(4000))
    founders = cells.parent < 0
    divided = np.mean(cells.divides_h[founders] < 5 * 24.0)
    assert divided == pytest.approx(1 - np.exp(-0.5), abs=0.03)


def test_no_rate_no_division():
    never = drawn(CultureParameters(glia_divisions_per_day=0.0))
    assert (never.parent == -1).all()
    assert np.isinf(never.divides_h).all()


def test_glia_shine_in_the_fill_and_lie_beside_neurons():
    many = {"glia_per_mm2": 300.0, "neurite_fraction": 0.0, "debris_per_mm2": 0.0}
    with_glia = World(study(), still(culture=many))
    visit = with_glia.plan.visits[0]
    scene, view = with_glia.first_sight(visit)
    y, x = glia.place_um(scene.glia, 0.0, with_glia.parameters.culture)
    there = glia.is_there(scene.glia, 0.0)
    assert there.sum() > 5
    apart = np.hypot(y[there, None] - scene.neurons.y_um, x[there, None] - scene.neurons.x_um)
    assert (apart > scene.neurons.radius_um).all()
    without = World(study(), still(culture=many | {"glia_per_mm2": 0.0}))
    more = take(with_glia, visit).astype(float) - take(without, visit)
    py, px = (v[there] for v in view.pixels(y, x, pixel_size_um=0.65, shape=(160, 200)))
    inside = (py > 10) & (py < 150) & (px > 10) & (px < 190)
    rows, columns = py[inside].round().astype(int), px[inside].round().astype(int)
    assert inside.any()
    around = [more[r - 3 : r + 4, c - 3 : c + 4].mean() for r, c in zip(rows, columns, strict=True)]
    assert min(around) > 3 * np.abs(np.median(more)) + 3
