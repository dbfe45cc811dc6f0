import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from livedeath.errors import StudyError
from livedeath.simulation.census import census
from livedeath.simulation.world import World
from simulation.small_world import KILL, SESSIONS, parameters, still, study, take, world


def test_the_same_request_gives_the_same_pixels_in_any_order():
    one, other = world(), world()
    visits = one.plan.visits[:6]
    first = [take(one, v, c) for v in visits for c in ("fill", "indicator")]
    backwards = [take(other, v, c) for v in visits[::-1] for c in ("indicator", "fill")][::-1]
    for a, b in zip(first, backwards, strict=True):
        np.testing.assert_array_equal(a, b)


def test_which_neighbours_were_collected_changes_no_pixel():
    one, other = world(), world()
    visit = one.plan.visits[0]
    take(other, visit, x_um=visit.x_um + 30.0)
    take(other, visit, x_um=visit.x_um - 30.0)
    np.testing.assert_array_equal(take(one, visit), take(other, visit))


@pytest.mark.parametrize(
    "other",
    [
        {"planned_h": 1.0},
        {"x_um": 9_001.5},
        {"z_um": 1.0},
        {"channel": "indicator"},
        {"exposure_ms": 200.0},
        {"light_ms": 50_000.0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_request_gives_other_pixels(other):
    of = world()
    visit = of.plan.visits[0]
    assert not np.array_equal(take(of, visit), take(of, visit, **other))


def test_another_seed_is_another_world():
    frames = [take(World(study(), parameters(seed)), world().plan.visits[0]) for seed in (1, 2)]
    assert not np.array_equal(*frames)


def test_a_closed_shutter_is_dark():
    of = world()
    dark = take(of, of.plan.visits[0], lit=False)
    assert np.median(dark) == 100
    assert np.median(take(of, of.plan.visits[0])) > 103


def test_empty_medium_lies_outside_the_visited_wells():
    of = world(culture={"density_per_mm2": 600.0})
    visit = of.plan.visits[0]
    full, empty = take(of, visit), take(of, visit, x_um=visit.x_um + 45_000.0)
    smooth = [np.percentile(gaussian_filter(f.astype(float), 4), 99) for f in (full, empty)]
    assert smooth[0] > smooth[1] + 10
    assert np.median(empty) > 103


def test_neurons_shine_where_the_truth_says():
    of = World(study(), still(light={"bleaching": 0.0}))
    truth = census(of).filter("in_view")
    visit = of.plan.visits[0]
    own = truth.filter(truth["well"] == visit.field.well)
    smooth = gaussian_filter(take(of, visit).astype(float), 3)
    at = smooth[own["y_px"].round().cast(int), own["x_px"].round().cast(int)]
    assert own.height >= 3
    assert np.mean(at > np.median(smooth) + 5) > 0.9


@pytest.mark.parametrize(
    ("channel", "name"), [("fill", "fill_electrons"), ("indicator", "indicator_electrons")]
)
def test_electrons_of_a_soma_are_those_of_the_truth(channel, name):
    calm = {
        "culture": {"density_per_mm2": 80.0, "neurite_fraction": 0.0, "debris_per_mm2": 0.0},
        "signal": {"background_electrons_per_um2": 0.0, "white_log_sd": 0, "outlier_fraction": 0},
        "camera": {"hot_fraction": 0.0, "read_noise_e": 0.3},
    }
    light = {"vignetting": 0.0, "lamp_flicker": 0.0, "lamp_drift": 0.0}
    wide = {"pixel_size_um": 0.65, "image_shape_px": (400, 400)}
    of = World(study(optics=wide), still(**calm, light=light))
    visit = of.plan.visits[0]
    electrons = (take(of, visit, channel).astype(float) - 100) * 0.46
    y, x = np.mgrid[:400, :400]
    own = census(of, (visit.field,)).filter("in_view")
    alone = own.filter(_nearest(own) > 45)
    ratio = [
        electrons[np.hypot(y - row["y_px"], x - row["x_px"]) < 2 * row["radius_um"] / 0.65].sum()
        / row[name]
        for row in alone.iter_rows(named=True)
    ]
    assert len(ratio) >= 3
    assert np.median(ratio) == pytest.approx(1.0, abs=0.05)


def _nearest(own):
    """Return how far each neuron's nearest neighbour is, micrometres."""
    y, x = own["y_um"].to_numpy(), own["x_um"].to_numpy()
    apart = np.hypot(y[:, None] - y, x[:, None] - x)
    np.fill_diagonal(apart, np.inf)
    return apart.min(1)


def test_light_bleaches():
    of = world(light={"bleaching": 0.01})
    visit = of.plan.visits[0]
    fresh, old = (take(of, visit, light_ms=ms).astype(float).sum() for ms in (0.0, 20_000.0))
    assert old < fresh


def test_a_plate_put_back_shows_another_place_turned():
    of = World(study(SESSIONS), still())
    before = next(v for v in of.plan.visits if v.session == "s0")
    after = next(v for v in of.plan.visits if v.session == "s1")
    assert before.field == after.field
    frames = [gaussian_filter(take(of, v, planned_h=0.5).astype(float), 3) for v in (before, after)]
    assert np.corrcoef(frames[0].ravel(), frames[1].ravel())[0, 1] < 0.8


def test_other_roles_are_rendered_too():
    channels = [
        {"name": role, "role": role, "exposure_ms": 100.0}
        for role in ("fill", "dye", "marker", "payload", "nucleus", "transmitted")
    ]
    of = World(study(channels=channels), parameters(death={"hazard_per_day": 20.0}))
    frames = {c["name"]: take(of, of.plan.visits[-1], c["name"]).astype(float) for c in channels}
    assert frames["transmitted"].mean() > 5 * frames["fill"].mean()
    assert gaussian_filter(frames["dye"], 2).max() > gaussian_filter(frames["fill"], 2).max()
    assert all(frame.std() > 0 for frame in frames.values())


def test_marker_shows_some_of_the_neurons():
    of = world()
    shown = census(of)["marker"].mean()
    assert 0.2 < shown < 0.8


def test_a_changed_objective_is_a_larger_view():
    changed = study().optics.replace(
        changes=[{"at_h": 5.5, "pixel_size_um": 1.3, "image_shape_px": [80, 100]}]
    )
    of = World(study(optics=changed.model_dump()), still())
    first, last = of.plan.visits[0], of.plan.visits[-1]
    assert take(of, first).shape == (160, 200)
    assert take(of, last).shape == (80, 100)


def test_after_a_change_of_optics_the_same_neurons_stand_in_rows_of_their_own():
    changed = study().optics.replace(
        changes=[{"at_h": 5.5, "pixel_size_um": 1.3, "image_shape_px": [80, 100]}]
    )
    truth = census(World(study(optics=changed.model_dump()), still()))
    before, after = truth.partition_by("acquisition")
    assert set(before["first_h"]) == {0.0}
    assert set(before["last_h"]) == {5.0}
    assert set(after["first_h"]) == {6.0}
    assert set(after["last_h"]) == {12.0}
    assert before["neuron_id"].to_list() == list(range(1, before.height + 1))
    both = before.join(after, on="neuron_id", suffix="_after")
    assert both.height > 10
    for name in ("y_um", "x_um"):  # nothing moves in this world, and it is the same neuron
        np.testing.assert_allclose(both[name], both[f"{name}_after"])
    np.testing.assert_allclose(  # twice the pixel, half the distance from the middle
        both["y_px_after"] - 39.5, (both["y_px"] - 79.5) / 2, atol=1e-9
    )
    died = both.filter(both["death_h_after"].is_not_null())
    assert died.filter(died["death_h"].is_not_null())["death_h"].max() <= 5.0
    assert died.filter(died["death_h"].is_null())["death_h_after"].min() > 5.0


def test_eight_bit_frames_are_bytes():
    of = World(
        study(optics={"pixel_size_um": 0.65, "image_shape_px": (64, 64), "bit_depth": 8}),
        parameters(),
    )
    frame = take(of, of.plan.visits[0])
    assert frame.dtype == np.uint8
    assert frame.shape == (64, 64)


def test_unknown_channel_is_refused():
    of = world()
    with pytest.raises(StudyError, match="no channel 'gfp'"):
        take(of, of.plan.visits[0], "gfp")


def test_truth_has_one_row_per_neuron_with_its_fate():
    of = world(KILL)
    truth = census(of)
    assert truth["neuron_id"].to_list() == list(range(1, truth.height + 1))
    assert set(truth["cause"]) <= {"baseline", "treatment", "kill"}
    assert truth["death_h"].null_count() == 0
    assert set(truth["arm"]) == {"vehicle", "toxin 1 uM"}
    late = truth.filter(truth["cause"] == "kill")["death_h"]
    assert late.min() > 9.5


def test_truth_without_a_kill_leaves_survivors_without_a_death():
    truth = census(world(death={"hazard_per_day": 0.1}))
    survivors = truth.filter(truth["death_h"].is_null())
    assert 0 < survivors.height < truth.height
    assert (survivors["cause"] == "").all()


def test_overlapping_fields_count_a_neuron_once():
    vessel = {"id": "p", "wells": ["B2:C3"], "fields_per_well": 4, "field_overlap": 0.4}
    truth = census(World(study(vessels=[vessel]), still()))
    places = truth.select("y_um", "x_um")
    assert places.n_unique() == places.height
    assert truth["field"].n_unique() == 4
