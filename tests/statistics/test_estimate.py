import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.statistics.estimate import (
    at_risk,
    estimate,
    jackknife_error,
    landmark_hours,
    product_limit,
    restricted_mean_h,
    step_at,
)
from livedeath.statistics.table import from_frame
from tables import neurons


def table_of(frame):
    return from_frame(frame, "arm", unit="unit")


def lifelines_curve(rows, hours):
    from lifelines import KaplanMeierFitter

    fitter = KaplanMeierFitter()
    fitter.fit(rows.exit_h, rows.event, entry=rows.entry_h)
    return fitter.survival_function_at_times(hours).to_numpy()


def test_the_curve_with_delayed_entry_is_that_of_lifelines():
    table = table_of(neurons({"drug": 0.06}, lost_per_h=0.02, interval_h=0.5))
    arm = estimate(table)[0]
    hours = np.linspace(0.1, 23.5, 40)
    ours = [step_at(arm.curve.times_h, arm.curve.survival, h) for h in hours]
    np.testing.assert_allclose(ours, lifelines_curve(table, hours), atol=1e-12)


def test_forgetting_delayed_entry_is_seen():
    table = table_of(neurons({"drug": 0.06}, late=0.8))
    arm = estimate(table)[0]
    from lifelines import KaplanMeierFitter

    naive = KaplanMeierFitter().fit(table.exit_h, table.event).predict(12.0)
    right = step_at(arm.curve.times_h, arm.curve.survival, 12.0)
    assert abs(naive - right) > 0.01


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 20), st.booleans(), st.booleans()),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=40, deadline=None)
def test_survival_stays_in_its_bounds_and_never_rises(rows):
    frame = pl.DataFrame(
        {
            "arm": ["a"] * len(rows),
            "unit": [f"u{i % 3}" for i in range(len(rows))],
            "entry_h": [float(e) for e, *_ in rows],
            "time_h": [float(e + d) for e, d, *_ in rows],
            "event": [int(dead) for *_, dead, _ in rows],
            "outcome": ["lost" if lost and not dead else "x" for *_, dead, lost in rows],
            "p_dead": [0.3] * len(rows),
        }
    )
    curve = estimate(table_of(frame))[0].curve
    for values in (curve.survival, curve.all_lost_dead, curve.no_lost_dead):
        assert (np.diff(values) <= 1e-12).all()
        assert ((values >= 0) & (values <= 1)).all()
    assert (curve.all_lost_dead <= curve.survival + 1e-12).all()
    assert (curve.survival <= curve.no_lost_dead + 1e-12).all()


def test_the_bounds_meet_where_nobody_is_lost_and_part_where_some_are():
    whole = estimate(table_of(neurons({"drug": 0.05})))[0].landmarks[-1]
    torn = estimate(table_of(neurons({"drug": 0.05}, lost_per_h=0.03)))[0].landmarks[-1]
    assert whole.all_lost_dead == whole.no_lost_dead
    assert torn.all_lost_dead < torn.no_lost_dead - 0.05


def test_the_weighted_curve_lies_where_the_truth_is():
    """A third of the deaths vanish; with p_dead known, the weighted curve finds S(12 h)."""
    frame = neurons({"drug": 0.05}, per_unit=500, lost_per_h=0.01, late=0.0, seed=3)
    vanish = np.random.default_rng(5).random(frame.height) < 0.34
    gone = (frame["outcome"] == "dead").to_numpy() & vanish
    lost = (frame["outcome"] == "lost").to_numpy() | gone
    share = gone.sum() / lost.sum()
    frame = frame.with_columns(
        outcome=pl.Series(np.where(lost, "lost", frame["outcome"])),
        first_dead_h=pl.Series(np.where(lost, np.nan, frame["first_dead_h"])).fill_nan(None),
        p_dead=pl.Series(np.where(lost, share, np.nan)).fill_nan(None),
    )
    mark = estimate(table_of(frame), landmarks_h=[12.0])[0].landmarks[0]
    truth = np.exp(-0.05 * 12)
    assert mark.survival.value == pytest.approx(truth, abs=0.025)
    assert mark.no_lost_dead > truth + 0.05
    assert mark.all_lost_dead < truth - 0.03


def test_one_unit_gives_a_curve_and_no_interval():
    arm = estimate(table_of(neurons({"drug": 0.05}, units=1)))[0]
    assert arm.rmst_h.value is not None
    assert arm.rmst_h.low is None
    assert arm.landmarks[-1].survival.low is None


def test_the_interval_widens_when_units_differ():
    def width(sd):
        frame = neurons({"drug": 0.05}, units=6, unit_sd=sd, per_unit=100)
        mark = estimate(table_of(frame), landmarks_h=[12.0])[0].landmarks[0].survival
        return mark.high - mark.low

    assert width(0.8) > 2.5 * width(0.0)


def test_the_interval_covers_as_often_as_it_says():
    truth, hits = np.exp(-0.05 * 12), 0
    for seed in range(120):
        frame = neurons({"drug": 0.05}, units=4, per_unit=50, seed=seed, late=0.0)
        mark = estimate(table_of(frame), landmarks_h=[12.0])[0].landmarks[0].survival
        hits += mark.low <= truth <= mark.high
    assert 0.89 <= hits / 120 <= 0.99


def test_counts_add_up_and_the_dead_on_arrival_stand_apart():
    frame = neurons({"drug": 0.05}, lost_per_h=0.02)
    outcome = frame["outcome"].to_list()
    outcome[0] = "dead_on_arrival"
    arm = estimate(table_of(frame.with_columns(outcome=pl.Series(outcome))))[0]
    assert arm.n_dead_on_arrival == 1
    assert arm.n_dead + arm.n_lost + arm.n_alive == arm.n_neurons
    assert arm.n_neurons + arm.n_without_time + arm.n_dead_on_arrival == frame.height


def test_the_median_is_where_half_are_dead():
    arm = estimate(table_of(neurons({"drug": 0.1}, per_unit=200, late=0.0)))[0]
    assert arm.median_h.value == pytest.approx(np.log(2) / 0.1, abs=0.6)
    assert arm.median_h.low < arm.median_h.value < arm.median_h.high


def test_a_median_never_reached_is_none():
    assert estimate(table_of(neurons({"drug": 0.001})))[0].median_h.value is None


def test_the_restricted_mean_is_the_area():
    area = restricted_mean_h(np.array([2.0, 4.0]), np.array([0.5, 0.0]), 10.0)
    assert area == pytest.approx(2.0 + 1.0)
    assert restricted_mean_h(np.array([2.0, 4.0]), np.array([0.5, 0.0]), 1.0) == 1.0


def test_risk_counts_those_under_watch():
    table = table_of(
        pl.DataFrame(
            {
                "arm": ["a"] * 3,
                "unit": ["u"] * 3,
                "entry_h": [0.0, 2.0, 0.0],
                "time_h": [1.0, 4.0, 4.0],
                "event": [1, 0, 0],
            }
        )
    )
    assert at_risk(table, [0.0, 1.0, 2.0, 3.0, 5.0]) == [2, 2, 1, 2, 0]


def test_product_limit_of_nobody_at_risk_stays():
    assert product_limit(np.array([0.0, 1.0]), np.array([0.0, 2.0])).tolist() == [1.0, 0.5]


def test_jackknife_of_a_mean_is_its_standard_error():
    values = np.array([1.0, 2.0, 4.0, 7.0])
    without = (values.sum() - values) / 3
    assert jackknife_error(without) == pytest.approx(values.std(ddof=1) / 2)


@pytest.mark.parametrize(
    ("horizon", "expected"),
    [
        (48.0, (24.0, 48.0)),
        (25.5, (12.0, 25.5)),
        (0.0, ()),
        (240.0, (72.0, 144.0, 240.0)),
    ],
)
def test_landmarks_are_even_hours(horizon, expected):
    assert landmark_hours(horizon) == expected
