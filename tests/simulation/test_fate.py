import numpy as np
import pytest

from livedeath.simulation.culture import Culture, Tile, join
from livedeath.simulation.fate import CAUSES, Hazard, Mortality, kill_h, onset
from simulation.small_world import KILL, parameters, study

QUIET = {"unit_frailty_log_sd": 0.0, "well_frailty_log_sd": 0.0, "dead_on_arrival": 0.0}


def fates(well, more="", **death):
    given = parameters(death={"hazard_per_day": 0.5, **QUIET, **death})
    span = range(-4, 5)
    culture = Culture(given, "p", "96-well")
    neurons = join([culture.neurons(Tile(well, i, j)) for i in span for j in span])
    return Mortality(study(more), given).fates("p", well, neurons)


def test_a_constant_hazard_gives_exponential_onsets():
    rate = Hazard(np.array([0.0]), np.array([0.5]), np.array([1.0]))
    assert onset(np.array([1.0]), rate)[0] == pytest.approx([2.0])


def test_the_hazard_changes_when_the_intervention_starts():
    rate = Hazard(np.array([0.0, 10.0]), np.array([0.1, 0.5]), np.array([1.0, 5.0]))
    at, ratio = onset(np.array([0.5, 1.0, 2.0]), rate)
    np.testing.assert_allclose(at, [5.0, 10.0, 12.0])
    np.testing.assert_array_equal(ratio, [1.0, 5.0, 5.0])


def test_without_hazard_nobody_dies():
    rate = Hazard(np.array([0.0]), np.array([0.0]), np.array([1.0]))
    assert np.isinf(onset(np.array([1.0]), rate)[0]).all()


def test_the_treated_die_by_their_ratio_and_say_why():
    treated = fates("C3", hazard_ratio={"toxin 1 uM": 4.0})
    within_day = np.mean((treated.death_h > 1.5) & (treated.death_h < 13.5))
    assert within_day == pytest.approx(1 - np.exp(-0.5 * 4 * 0.5), abs=0.05)
    after = treated.cause[treated.death_h > 1.5]
    assert np.mean(after == CAUSES.index("treatment")) == pytest.approx(0.75, abs=0.05)


def test_before_the_start_the_treated_die_like_the_others():
    treated = fates("C3", hazard_ratio={"toxin 1 uM": 100.0})
    assert np.mean(treated.death_h < 1.5) == pytest.approx(1 - np.exp(-0.5 / 24 * 1.5), abs=0.02)


def test_vehicle_has_the_baseline_unless_named():
    assert (fates("B2").cause == CAUSES.index("baseline")).all()
    named = fates("B2", hazard_ratio={"vehicle": 3.0})
    assert (named.cause == CAUSES.index("treatment")).any()


def test_a_kill_kills_everyone_left_soon_after():
    found = fates("B2", KILL)
    killed = found.cause == CAUSES.index("kill")
    assert found.death_h.max() < 9.5 + 4
    assert (found.death_h[killed] > 9.5).all()
    assert 0.3 < killed.mean() < 1


def test_without_a_kill_some_outlive_the_study():
    assert fates("B2").death_h.max() > 48
    assert kill_h(study(), "p", "B2") == np.inf


def test_frailty_is_shared_by_the_wells_of_a_culture():
    entities = """
[[entities]]
id = "c1"
kind = "culture"
wells = ["B2", "C2"]
[[entities]]
id = "c2"
kind = "culture"
wells = ["B3", "C3"]
"""
    shared = parameters(death={"well_frailty_log_sd": 0.0, "unit_frailty_log_sd": 0.5})
    of = Mortality(study(entities), shared)
    assert of.frailty("p", "B2") == of.frailty("p", "C2") != of.frailty("p", "B3")
    alone = parameters(death={"well_frailty_log_sd": 0.5, "unit_frailty_log_sd": 0.0})
    of = Mortality(study(entities), alone)
    assert of.frailty("p", "B2") != of.frailty("p", "C2")


def test_some_are_dead_on_arrival_when_declared():
    early = fates("B2", dead_on_arrival=0.3)
    assert np.mean(early.death_h < 0) == pytest.approx(0.3, abs=0.05)
    assert (fates("B2").death_h > 0).all()
