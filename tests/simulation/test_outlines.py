import numpy as np
import polars as pl
import pytest

from livedeath.simulation.census import census
from livedeath.simulation.outlines import Outline, Register, label_image, outlines
from livedeath.simulation.world import World
from simulation.small_world import still, study, take

FLAT = {"soma_dome": 0.0, "soma_cv": 0.0, "soma_aspect": 1.0, "soma_corners": 0.0,
        "soma_diameter_log_sd": 0.0, "debris_per_mm2": 0.0, "neurite_fraction": 0.0}  # fmt: skip
WIDE = {"pixel_size_um": 0.65, "image_shape_px": (300, 360)}


def world_of(**groups):
    culture = FLAT | groups.pop("culture", {})
    return World(study(optics=WIDE), still(culture=culture, **groups))


def whole(of, labels, visit=None):
    """Return the rows of the census that are wholly in view, and their outlines' areas."""
    own = census(of, ((visit or of.plan.visits[0]).field,)).filter("in_view")
    return own, np.array([(labels == number).sum() for number in own["neuron_id"]])


def test_a_flat_round_soma_has_its_own_area_under_its_number():
    of = world_of()
    field = of.plan.visits[0].field
    labels = Register(of, (field,)).image(of.plan.visits[0])
    own, area = whole(of, labels)
    assert own.height > 10
    radius = np.sqrt(area / np.pi) * 0.65
    np.testing.assert_allclose(radius, own["radius_um"], rtol=0.04)
    y, x = own["y_px"].round().cast(int), own["x_px"].round().cast(int)
    np.testing.assert_array_equal(labels[y, x], own["neuron_id"])


def test_half_the_plateau_of_a_sphere_lies_where_the_formula_says():
    """A sphere's plateau has its median at 1/sqrt(2) of its height, half of that at .935 R."""
    of = world_of(culture={"soma_dome": 0.5, "soma_diameter_um": 40.0})
    labels = Register(of, (of.plan.visits[0].field,)).image(of.plan.visits[0])
    own, area = whole(of, labels)
    radius = np.sqrt(area / np.pi) * 0.65 / own["radius_um"].to_numpy()
    assert np.median(radius) == pytest.approx(np.sqrt(1 - 0.125), abs=0.02)


def test_outlines_lie_on_the_light():
    of = world_of(culture={"soma_cv": 0.4, "granules": 1.0}, signal={"fill_electrons": 40000.0})
    visit = of.plan.visits[0]
    labels = Register(of, (visit.field,)).image(visit)
    frame = take(of, visit).astype(float)
    assert np.median(frame[labels > 0]) > np.percentile(frame[labels == 0], 99)
    assert np.median(frame[np.roll(labels, 60, 1) > 0]) < np.percentile(frame[labels == 0], 99)


def test_neither_focus_nor_brightness_moves_an_outline():
    sharp, blurred = (world_of(stage={"focus_swing_um": um, "focus_swing_h": 4.0}) for um in (0, 8))
    visit = next(v for v in sharp.plan.visits if v.planned_h == 1.0)
    found = [Register(of, (visit.field,)).image(visit) for of in (sharp, blurred)]
    np.testing.assert_array_equal(*found)
    assert not np.array_equal(take(sharp, visit), take(blurred, visit))


def test_a_turned_view_turns_the_outlines():
    straight = world_of(culture={"soma_aspect": 0.5})
    turned = World(
        straight.study, straight.parameters.replace(stage={"turn_deg": 20.0, "error_um": 0.0})
    )
    visit = straight.plan.visits[2]
    assert abs(turned.first_sight(visit)[1].turn) > 0.2
    labels = Register(turned, (visit.field,)).image(visit)
    own, _ = whole(turned, labels, visit)
    y, x = own["y_px"].round().cast(int), own["x_px"].round().cast(int)
    np.testing.assert_array_equal(labels[y, x], own["neuron_id"])


def test_corpses_have_an_outline_until_they_are_gone():
    of = world_of(death={"hazard_per_day": 20.0, "detached_fraction": 1.0, "detach_h": 0.5})
    register = Register(of, (of.plan.visits[0].field,))
    own = [v for v in of.plan.visits if v.field == of.plan.visits[0].field]
    first, last = (np.unique(register.image(v)).size for v in (own[0], own[-1]))
    assert first > 10
    assert last < first / 2


def test_the_brighter_of_two_has_the_shared_pixels_and_the_frame_cuts():
    square = np.ones((3, 3), bool)
    keys = [("p", "B2", 0, 0, k) for k in (0, 1)]
    pair = [
        Outline(keys[0], False, -1, -1, square, 1.0),
        Outline(keys[1], False, 1, 0, square, 2.0),
    ]
    numbers = {(keys[0], False): 7, (keys[1], False): 8}
    expected = [[7, 7, 0, 0], [8, 8, 8, 0], [8, 8, 8, 0], [8, 8, 8, 0]]
    np.testing.assert_array_equal(label_image(pair, numbers, (4, 4)), expected)
    np.testing.assert_array_equal(label_image(pair[::-1], numbers, (4, 4)), expected)
    alone = label_image(pair, {(keys[0], False): 7}, (4, 4))
    assert (alone == 7).sum() == 4
    assert (alone == 8).sum() == 0


def test_glia_get_numbers_after_the_neurons_and_their_mothers():
    many = {"glia_per_mm2": 400.0, "glia_divisions_per_day": 2.0}
    of = World(study(optics=WIDE), still(culture=FLAT | many))
    field = of.plan.visits[0].field
    register = Register(of, (field,))
    for visit in of.plan.visits:
        if visit.field == field:
            register.image(visit)
    table = register.table()
    neurons, cells = table.filter(kind="neuron"), table.filter(kind="glia")
    assert neurons["label"].max() < cells["label"].min()
    assert (neurons["parent"] == 0).all()
    born = cells.filter(pl.col("parent") > 0)
    assert born.height >= 2
    assert born["parent"].is_in(cells["label"].implode()).all()
    assert (born["parent"] < born["label"]).all()


def test_every_soma_in_the_frame_is_iterated_once():
    of = world_of()
    keys = [(one.key, one.is_glia) for one in outlines(of, of.plan.visits[0])]
    assert len(keys) == len(set(keys)) > 10
