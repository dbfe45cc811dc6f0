"""The benchmark from frames counts rightly where the truth is made by hand."""

import numpy as np
import pytest

from frames.cases import CASES
from frames.faults import FAULTS
from frames.tally import Tally, count_field, figures, flagged, poisson_limits, who_is_where
from frames.truth import Truth, bound_h
from livedeath.model.flags import Flag
from livedeath.model.frame import FieldKey

KEY = FieldKey("plate1", 0, "A1", 0)
HOURS = np.arange(0.0, 40.0, 1.0)
PLACES = np.array([(60.0, 60.0), (60.0, 160.0), (60.0, 260.0), (300.0, 300.0)])


def truth(death_h=(10.0, np.inf, 20.0, np.inf)):
    n, m = len(PLACES), HOURS.size
    return Truth(
        radius_px=np.full(n, 10.0), area_um2=np.full(n, 200.0),
        death_h=np.array(death_h), fold=np.full(n, 4.0), rise_h=np.full(n, 0.3), time_h=HOURS,
        y_px=np.repeat(PLACES[:, :1], m, 1), x_px=np.repeat(PLACES[:, 1:], m, 1),
        fill=np.full((n, m), 4000.0), indicator=np.full((n, m), 600.0),
        signal=np.full((n, m), 600.0), present=np.ones((n, m), bool), side=512,
    )  # fmt: skip


def traces(paths):
    """Return rows of ids at places, one per visit; None where the id is not found."""
    rows = [
        (name, t, *(place or (0.0, 0.0)), 200.0 if place else np.nan)
        for name, path in paths.items()
        for t, place in enumerate(path)
    ]
    columns = zip(*rows, strict=True)
    names = ("neuron_id", "t", "y_px", "x_px", "area_um2")
    return {name: np.array(column) for name, column in zip(names, columns, strict=True)}


def stays(k, n=HOURS.size, off=1.0):
    return [(PLACES[k][0] + off, PLACES[k][1])] * n


def calls(rows):
    """Return calls of (id, outcome, called_at_h, last_alive_h, reason)."""
    ids, outcome, called, last, reason = zip(*rows, strict=True)
    n = len(rows)
    return {
        "neuron_id": np.array(ids), "outcome": np.array(outcome, object),
        "called_at_h": np.array(called), "last_alive_h": np.array(last),
        "loss_reason": np.array(reason, object), "entry_h": np.zeros(n),
        "evidence": np.zeros(n), "flags": np.zeros(n, int),
        "vessel": np.full(n, "plate1"), "well": np.full(n, "A1"), "field": np.zeros(n, int),
    }  # fmt: skip


def counted(paths, said, **more):
    tally = Tally()
    known = truth(**more)
    count_field(tally, KEY, known, traces(paths), calls(said), np.full(4, 1.0))
    return figures(tally)


ALL = {1: stays(0), 2: stays(1), 3: stays(2), 4: stays(3)}
GOOD = [(1, "dead", 12.0, 10.0, ""), (2, "alive", np.nan, 39.0, ""),
        (3, "dead", 21.0, 20.0, ""), (4, "alive", np.nan, 39.0, "")]  # fmt: skip


def test_deaths_delays_and_days_are_as_the_truth_has_them():
    said = counted(ALL, GOOD)
    assert (said["deaths"], said["called"], said["false"]) == (2, 2, 0)
    assert said["mean_delay_h"] == pytest.approx((2.0 + 1.0) / 2)
    assert said["ratio_to_bound"] == pytest.approx(1.5)
    assert said["neuron_days"] == pytest.approx((10 + 39 + 20 + 39) / 24)
    assert (said["alive_unmatched"], said["switches_per_1000"]) == (0.0, 0.0)


def test_a_missed_death_counts_as_a_day():
    missed = [*GOOD[:2], (3, "lost", np.nan, 25.0, "mask lost"), GOOD[3]]
    said = counted(ALL, missed)
    assert said["sensitivity"] == 0.5
    assert said["not_called"] == {"lost": 1}
    assert said["mean_delay_h"] == pytest.approx((2.0 + 24.0) / 2)


@pytest.mark.parametrize(
    ("call", "more"),
    [((1, "dead", 9.0, 8.0, ""), {}), ((2, "dead", 30.0, 29.0, ""), {})],
    ids=["early", "of a survivor"],
)
def test_a_call_of_the_living_is_false_and_left_out_of_the_delay(call, more):
    said = counted(ALL, [call, *[row for row in GOOD if row[0] != call[0]]], **more)
    assert said["false"] == 1
    assert said["mean_delay_h"] == pytest.approx(1.0 if call[0] == 1 else 1.5)


def test_a_call_that_is_taken_back_is_false_and_no_death():
    back = [(1, "alive", 12.0, 39.0, ""), (2, "alive", 30.0, 39.0, ""), *GOOD[2:]]
    said = counted(ALL, back)
    assert (said["called"], said["false"], said["false_to_the_end"]) == (1, 1, 0)
    stays = [(1, "alive", 12.0, 39.0, ""), (2, "dead", 30.0, 29.0, ""), *GOOD[2:]]
    assert counted(ALL, stays)["false_to_the_end"] == 1


def test_what_is_no_neuron_is_told_apart():
    paths = ALL | {7: [(400.0, 100.0)] * HOURS.size, 8: [(100.0, 400.0)] * HOURS.size}
    strangers = [(7, "dead", 5.0, 4.0, ""), (8, "lost", np.nan, 0.0, "not_shown_a_neuron")]
    said = counted(paths, GOOD + strangers)
    assert (said["false"], said["not_neurons"]) == (1, 2)
    assert said["not_neurons_by_outcome"] == {"dead": 1, "not_at_risk": 1}


def test_an_id_that_goes_over_to_another_neuron_is_a_switch():
    swapped = ALL | {2: stays(1, 20) + stays(3, 20), 4: stays(3, 20) + stays(1, 20)}
    days = (10 + 39 + 20 + 39) / 24
    assert counted(swapped, GOOD)["switches_per_1000"] == pytest.approx(2000 / days)
    gap = ALL | {2: [*stays(1, 20), *[None] * 10, *stays(1, 10)]}
    assert counted(gap, GOOD)["switches_per_1000"] == 0.0
    assert counted(gap, GOOD)["alive_unmatched"] == pytest.approx(
        10 / (10 + 40 + 20 + 40), abs=0.01
    )


def test_two_ids_within_one_gate_keep_their_neurons():
    known = truth()
    known.x_px[1] = known.x_px[0] + 8.0
    near = traces({1: [(60.0, 60.0 + 5.0 * (t % 2)) for t in range(40)],
                   2: [(60.0, 68.0 - 5.0 * (t % 2)) for t in range(40)]})  # fmt: skip
    found = who_is_where(known, near)
    assert set(found[1].values()) == {0}
    assert set(found[2].values()) == {1}


def test_the_bound_is_the_next_visit_of_a_bright_death_and_never_without_a_rise():
    world = CASES["demo"].world(None)
    known = truth(death_h=(10.5, np.inf, 20.25, 12.5))
    known.fold[:] = (30.0, 30.0, 30.0, 1.0)
    known.rise_h[:] = 0.01
    delay = bound_h(known, world)
    assert delay[[0, 2]] == pytest.approx([0.5, 0.75])
    assert np.isinf(delay[[1, 3]]).all()
    faint = truth(death_h=(10.5, np.inf, 20.25, 12.5))
    faint.indicator[:] = 20.0
    assert (bound_h(faint, world)[[0, 2]] > 2.0).all()


def test_poisson_limits_are_those_of_the_tables():
    assert poisson_limits(0) == pytest.approx((0.0, 3.689), abs=1e-3)
    assert poisson_limits(10) == pytest.approx((4.795, 18.390), abs=1e-3)


def quiet_frames(light_e=8.0):
    rng = np.random.default_rng(2)
    electrons = rng.poisson(light_e, (2, 128, 128)) + 1.6 * rng.normal(size=(2, 128, 128))
    return np.rint(electrons / 0.46 + 100).astype(np.uint16)


def light(frames):
    return (frames.astype(float) - 100) * 0.46


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_begins_at_its_visit_and_leaves_the_frames_given_alone(name):
    frames, rng = quiet_frames(), np.random.default_rng(1)
    kept = frames.copy()
    np.testing.assert_array_equal(FAULTS[name](rng, 5, frames), kept)
    changed = [not np.array_equal(FAULTS[name](rng, t, frames), kept) for t in range(5, 30)]
    assert any(changed)
    np.testing.assert_array_equal(frames, kept)


def test_faults_take_and_add_the_light_that_they_say():
    frames, rng = quiet_frames(), np.random.default_rng(1)
    half = light(FAULTS["half-blocked"](rng, 15, frames))
    assert half[:, :, :64].mean() == pytest.approx(0.24, abs=0.1)
    assert half[:, :, 64:].mean() == pytest.approx(8.0, abs=0.2)
    dim = light(FAULTS["fill-lamp"](rng, 20, frames))
    assert dim.mean(axis=(1, 2)) == pytest.approx([3.2, 8.0], abs=0.2)
    assert dim[0].var() == pytest.approx(3.2 + 1.6**2 + 0.46**2 / 12, rel=0.06)
    lit = light(FAULTS["room-light"](rng, 15, frames))
    assert lit.mean(axis=(1, 2)) == pytest.approx([8.0, 58.0], abs=0.5)


def test_rows_of_bad_frames_and_faults_are_counted():
    flags = np.array([0, Flag.BAD_FRAME, Flag.BAD_FRAME | Flag.FIELD_FAULT, 0], np.uint32)
    said = flagged({"flags": flags})
    assert said == {"rows_bad_frame": 0.5, "rows_field_fault": 0.25}
