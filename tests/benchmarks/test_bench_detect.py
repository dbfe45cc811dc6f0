"""What the benchmark of the detector measures with: its limits, its bound, its seam."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from detect.bound import information_bound
from detect.figures import limits
from detect.judge import Tally, first_above, poisson_limits, ratio_of_means, threshold_at
from detect.scored import columns_of, score
from detect.traces import Law, simulate
from livedeath.cli import main

SMALL = Law(neurons=30, days=3.0, interval_min=30.0)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)]
)
def test_limits_are_those_of_the_tables(count, low, high):
    """Garwood's exact limits, as printed in tables of the Poisson law."""
    np.testing.assert_allclose(poisson_limits(count), (low, high), rtol=1e-3)


def test_the_error_of_a_ratio_is_what_repeating_shows():
    rng = np.random.default_rng(3)
    drawn = rng.gamma(2.0, 1.0, (2000, 50))
    above = 1.3 * drawn + rng.normal(0.0, 0.5, drawn.shape)
    seen = [ratio_of_means(a, b) for a, b in zip(above, drawn, strict=True)]
    ratio, error = np.array(seen).T
    assert ratio.mean() == pytest.approx(1.3, abs=0.01)
    assert error.mean() == pytest.approx(ratio.std(), rel=0.1)


def test_early_calls_are_false_and_leave_the_delay():
    traces = simulate(replace(SMALL, neurons=4, dying=1.0), 1)
    onset = traces.onset_h
    called = onset + np.array([-5.0, 1.0, 3.0, np.nan])
    tally = Tally()
    tally.add(traces, called, np.full(4, 2.0))
    assert tally.false == 1
    assert tally.days == pytest.approx((onset.sum() - 5.0) / 24.0)
    assert tally.sensitivity()[0] == pytest.approx(2 / 3)
    assert tally.ratio()[0] == pytest.approx((1.0 + 3.0 + 24.0) / 6.0)


def test_the_bound_of_a_slow_ramp_is_the_textbook_one():
    """White noise s, slope b per visit: visits n with b^2 n^3 / 6 s^2 = ln(1 / (rate dt))."""
    law = replace(
        SMALL, neurons=1, dying=1.0, electrons=1e9, ratio_sd=1e-4, wander=1e-6,
        trend_per_day=1e-6, white=0.05,
    )  # fmt: skip
    traces = simulate(law, 1)
    first = int(np.searchsorted(traces.time_h, traces.onset_h[0]))
    slope = 0.002
    # A rise of a million hours is a straight line.
    traces = replace(
        traces,
        onset_h=traces.time_h[first - 1 : first],
        fold=np.array([1.0 + slope / 0.5 * 1e6]),
        rise_h=np.array([1e6]),
    )
    needed = np.log(1.0 / (1e-3 * 0.5 / 24.0))
    visits = (6.0 * law.white**2 * needed / slope**2) ** (1.0 / 3.0)
    assert information_bound(traces, 1e-3)[0] == pytest.approx(0.5 * visits, rel=0.03)


def test_less_light_and_missing_visits_make_the_bound_later():
    law = replace(SMALL, neurons=200, dying=1.0)
    bound = [
        information_bound(simulate(replace(law, **kw), 1), 1e-3).mean()
        for kw in ({}, {"electrons": 50.0}, {"missing": 0.3})
    ]
    assert bound[1] > 2.0 * bound[0]
    assert 1.05 * bound[0] < bound[2] < 2.0 * bound[0]


def test_a_threshold_is_reached_as_often_as_allowed():
    rng = np.random.default_rng(0)
    statistic = rng.gumbel(size=(1000, 20))
    threshold = threshold_at(statistic.max(axis=1), 7000.0, 2.0)
    assert np.isfinite(first_above(statistic, np.arange(20.0), threshold)).sum() == 14


def test_targets_are_ranges():
    assert limits(">= 0.97") == (0.97, np.inf)
    assert limits("0.93-0.97") == (0.93, 0.97)


@pytest.mark.parametrize(
    "kw",
    [
        {},
        {"sd_given": False},
        {"schedule": "adaptive"},
        {"wells": 2, "well_steps_per_day": 2.0},
        {"further": ("dye", "shape")},
    ],
    ids=["reference", "no-sd", "adaptive", "well-steps", "further"],
)
def test_the_command_line_calls_what_the_benchmark_calls(kw, tmp_path, capfd):
    traces = simulate(replace(SMALL, **kw), 5)
    pushed = score(traces, 1.0)
    assert np.isfinite(pushed.called_h).any()
    table = columns_of(traces)
    pl.DataFrame(table).write_csv(tmp_path / "traces.csv")
    told = ["score", str(tmp_path / "traces.csv"), "--out", str(tmp_path / "out"), "--json"]
    assert main.run(told) == 0
    capfd.readouterr()
    calls = pl.read_parquet(next((tmp_path / "out").rglob("calls.parquet"))).sort("neuron_id")
    np.testing.assert_array_equal(calls["called_at_h"].to_numpy(), pushed.called_h)
