import pytest

from livedeath.simulation.census import census
from livedeath.simulation.demo import demo_parameters, demo_study
from livedeath.simulation.parameters import WorldParameters
from livedeath.simulation.world import World


@pytest.fixture(scope="module")
def world():
    return World(demo_study(), demo_parameters())


def test_the_plan_fits_the_time_of_a_demonstration(world):
    assert 1_000 <= world.plan.n_frames <= 1_300
    assert len(world.plan.fields) == 12
    assert len(set(world.study.arms().values())) == 3


def test_enough_neurons_live_and_die(world):
    truth = census(world)
    seen = truth.filter("in_view")
    assert seen.height >= 180
    before = seen.filter(seen["cause"] != "kill")
    assert 55 <= before.height <= 100
    assert set(before["arm"]) == set(world.study.arms().values())


def test_it_is_the_default_culture_and_its_debris_with_the_default_indicator(world):
    default = WorldParameters()
    assert world.parameters.culture == default.culture
    assert world.parameters.signal == default.signal
    assert default.culture.debris_per_mm2 >= 20
    assert default.signal.fold_min <= 1.3


def test_visits_go_on_after_the_kill(world):
    kill = world.study.end_kill
    after = {v.planned_h for v in world.plan.visits if v.planned_h > kill.at_h}
    assert len(after) == 8


def test_the_camera_is_declared_as_it_is(world):
    assert world.study.optics.camera.gain_e_per_adu == pytest.approx(0.46)
    assert world.parameters.camera.gain_e_per_adu is None
