"""What the world may be told of somata, neurites, stage and camera does what it says."""

import numpy as np
import pytest

from livedeath.model.optics import Camera
from livedeath.simulation import shapes
from livedeath.simulation.camera import Sensor
from livedeath.simulation.parameters import CameraParameters, CultureParameters
from livedeath.simulation.signal import debris_um
from livedeath.simulation.world import World
from simulation.small_world import SESSIONS, parameters, still, study

ROUND = {"soma_cv": 0.0, "soma_dome": 0.0, "soma_aspect": 1.0, "soma_corners": 0.0}


def cloud(seed=1, radius_um=10.0, **told):
    p = CultureParameters(**told)
    return shapes.neuron(np.random.default_rng(seed), radius_um, p, grain_um=0.4)


def middle_over_rim(c, radius_um=10.0):
    rho = np.hypot(c.soma_y, c.soma_x) / radius_um
    return c.soma_w[rho < 0.3].mean() / c.soma_w[(rho > 0.85) & (rho < 0.95)].mean()


def test_a_sphere_is_brighter_in_its_middle_than_at_its_rim_and_a_flat_top_less():
    # The nucleus is a fifth darker, in both.
    assert middle_over_rim(cloud(**ROUND)) == pytest.approx(0.8, abs=0.05)
    sphere = middle_over_rim(cloud(**(ROUND | {"soma_dome": 0.5})))
    assert sphere == pytest.approx(0.8 * np.sqrt(1 - 0.05) / np.sqrt(1 - 0.81), rel=0.1)


def test_granules_vary_the_light_within_a_soma_and_keep_its_sum():
    smooth, grainy = cloud(**ROUND), cloud(**ROUND, granules=2.0)
    assert grainy.soma_w.sum() == pytest.approx(1.0, abs=1e-4)
    spread = [np.std(c.soma_w) / np.mean(c.soma_w) for c in (smooth, grainy)]
    assert spread[1] > 3 * spread[0]
    np.testing.assert_array_equal(smooth.neurite_y, grainy.neurite_y)


def test_round_somata_are_round():
    radius = np.hypot(*cloud(**ROUND)[:2])
    assert radius.max() == pytest.approx(10.0, abs=0.5)
    assert np.hypot(*cloud(soma_aspect=0.5)[:2]).max() > 12.0


@pytest.mark.parametrize(
    ("told", "far"), [({}, (0, 110)), ({"neurite_reach_um": 250.0}, (110, 250))]
)
def test_neurites_end_where_they_are_told_to(told, far):
    c = cloud(neurite_length_um=280.0, **told)
    longest = np.hypot(c.neurite_y, c.neurite_x).max()
    assert far[0] < longest <= far[1]


def test_half_of_the_neurons_lie_against_one_neighbour_where_told():
    def touching(fraction):
        culture = {"paired_fraction": fraction, "touching_fraction": 0.0, "density_per_mm2": 200.0}
        of = World(study(), parameters(culture=culture))
        own = [of.cultures["p"].neurons(t) for t in of.cultures["p"].tiles("B2", *AT, (800, 800))]
        y, x, r = (
            np.concatenate([getattr(n, k) for n in own]) for k in ("y_um", "x_um", "radius_um")
        )
        apart = np.hypot(y[:, None] - y, x[:, None] - x) - (r[:, None] + r)
        np.fill_diagonal(apart, np.inf)
        return y.size, (apart < 0.0).sum(1)

    number, none = touching(0.0)
    paired_number, one = touching(0.5)
    assert none.max() == 0
    assert one.max() == 1
    assert np.mean(one) == pytest.approx(0.5, abs=0.08)
    assert paired_number == pytest.approx(number, rel=0.15)


AT = (9000.0, 9000.0)


def test_debris_floats_as_far_as_told_and_rests_by_default():
    of = world_with_debris = World(study(), parameters(culture={"debris_per_mm2": 100.0}))
    scene, _ = world_with_debris.first_sight(of.plan.visits[0])
    p = of.parameters.culture
    np.testing.assert_array_equal(debris_um(scene.debris, 5.0, p)[0], scene.debris.y_um)
    floats = p.replace(debris_motion_um=8.0)
    y = np.array([debris_um(scene.debris, h, floats)[0] for h in np.arange(0, 200, 10.0)])
    assert np.std(y - scene.debris.y_um) == pytest.approx(8.0, rel=0.15)


def views(**stage):
    of = World(study(SESSIONS), still(stage=stage))
    first = next(v for v in of.plan.visits if v.session == "s0")
    second = next(v for v in of.plan.visits if v.session == "s1" and v.field == first.field)
    return first, [of.first_sight(v)[1] for v in (first, second)]


def test_a_corrected_stage_leaves_the_turn_and_a_small_shift():
    told = {"reseat_turn_deg": 5.0, "reseat_um": 20.0}
    first, (before, after) = views(**told, reseat_corrected=True)
    assert (before.y_um, before.x_um, before.turn) == (first.y_um, first.x_um, 0.0)
    assert abs(after.turn) > 0.01
    assert np.hypot(after.y_um - first.y_um, after.x_um - first.x_um) < 100.0
    _, (_, far) = views(**told)
    assert np.hypot(far.y_um - first.y_um, far.x_um - first.x_um) > 100.0


def test_turns_of_visits_have_the_spread_that_is_told():
    of = World(study(), still(stage={"turn_deg": 4.0}))
    turns = [of.first_sight(v)[1].turn for v in of.plan.visits]
    assert np.rad2deg(np.std(turns)) == pytest.approx(4.0, rel=0.25)
    level = World(study(), still())
    assert {level.first_sight(v)[1].turn for v in level.plan.visits} == {0.0}


def test_a_hunting_focus_comes_back_after_its_period_also_when_held():
    held = {"method": "hardware"}
    of = World(study(focus=held), still(stage={"focus_swing_um": 3.0, "focus_swing_h": 4.0}))
    off = {v.planned_h: of.first_sight(v)[1].defocus_um for v in of.plan.visits}
    assert off[1.0] == pytest.approx(-3.0)
    assert off[3.0] == pytest.approx(3.0)
    assert off[4.0] == pytest.approx(0.0, abs=1e-9)


def exposed(bit_depth=16, **told):
    camera = CameraParameters(gain_e_per_adu=0.5, offset_adu=100.0, hot_fraction=0.0, **told)
    sensor = Sensor(camera, Camera(), shape=(80, 80), bit_depth=bit_depth, seed=1)
    light = np.full((80, 80), 5.0, np.float32)
    return sensor.expose(light, exposure_ms=100.0, rng=np.random.default_rng(1))


def test_what_is_subtracted_is_cut_at_nothing():
    raw, cut = exposed(), exposed(subtracted_adu=110.0)
    np.testing.assert_array_equal(cut, np.maximum(raw.astype(int) - 110, 0))
    assert 0.3 < np.mean(cut == 0) < 0.7


def test_a_conversion_to_bytes_divides_and_rounds_down():
    raw, said = exposed(), exposed(8, subtracted_adu=90.0, divided_by=4.0)
    assert said.dtype == np.uint8
    np.testing.assert_array_equal(said, np.clip((raw.astype(int) - 90) // 4, 0, 255))
