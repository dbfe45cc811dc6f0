import sys

import numpy as np
import polars as pl
import pytest
from scipy import stats

from livedeath.errors import TableError
from livedeath.statistics.compare import compare, default_control, hazard_ratio, unit_rates
from livedeath.statistics.table import SurvivalTable, from_frame
from tables import neurons

# 300 repetitions: the standard error of a rate of 5 % is 1.3 %.
REPETITIONS = 300


def table_of(frame, **more):
    return from_frame(frame, "arm", unit="unit", **more)


def null_table(rng, units=3, per_unit=100, theta=0.3, end_h=100.0):
    """Two arms without any effect; the units differ by a gamma frailty of variance theta."""
    n = 2 * units * per_unit
    frailty = np.repeat(rng.gamma(1 / theta, theta, 2 * units), per_unit)
    death = np.ceil(rng.exponential(1 / (0.01 * frailty)) / 6.0) * 6.0
    dead = death <= end_h
    leave = np.where(dead, death - 3.0, end_h)
    return SurvivalTable(
        group=np.repeat(np.array(["vehicle", "drug"], dtype=object), n // 2),
        unit=np.repeat(np.array([f"u{i}" for i in range(2 * units)], dtype=object), per_unit),
        block=None,
        entry_h=np.zeros(n),
        exit_h=leave,
        low_h=leave,
        high_h=np.where(dead, death, np.inf),
        event=dead,
        lost=np.zeros(n, dtype=bool),
        p_dead=np.full(n, np.nan),
        dead_on_arrival=np.zeros(n, dtype=bool),
    )


def naive_p(table):
    """Treat neurons as replicates: the test that must fail."""
    deaths, hours = (
        np.array([values[table.group == g].sum() for g in ("vehicle", "drug")])
        for values in (table.event, table.exit_h)
    )
    z = np.log(deaths[1] / hours[1] * hours[0] / deaths[0]) / np.sqrt((1 / deaths).sum())
    return 2 * stats.norm.sf(abs(z))


def test_the_test_on_units_errs_one_time_in_twenty_and_the_one_on_neurons_does_not():
    rng = np.random.default_rng(11)
    honest, naive = [], []
    for _ in range(REPETITIONS):
        table = null_table(rng)
        honest.append(compare(table, "vehicle", horizon_h=100.0, hazard=False)[0].p)
        naive.append(naive_p(table))
    assert 0.02 <= np.mean(np.array(honest) < 0.05) <= 0.09
    assert np.mean(np.array(naive) < 0.05) > 0.4


def test_a_real_effect_is_found_and_its_interval_holds_it():
    table = table_of(neurons({"vehicle": 0.02, "drug": 0.06}, per_unit=100, unit_sd=0.1))
    found = compare(table)[0]
    assert (found.control, found.group) == ("vehicle", "drug")
    assert found.p < 0.01
    assert found.interval[0] < 3.0 < found.interval[1]
    assert found.interval[0] > 1.5
    assert found.refused is None
    assert found.n_units == {"vehicle": 4, "drug": 4}


def test_the_hazard_ratio_is_that_of_lifelines_plain_fit():
    table = table_of(neurons({"vehicle": 0.02, "drug": 0.06}, per_unit=100))
    ratio, interval, note = hazard_ratio(table, "drug", "vehicle", horizon_h=24.0)
    assert ratio == pytest.approx(3.0, rel=0.2)
    assert interval[0] < ratio < interval[1]
    assert "Efron" in note
    assert "t(6)" in note


def test_below_two_units_the_p_value_is_refused_and_the_rest_is_given():
    table = table_of(neurons({"vehicle": 0.02, "drug": 0.06}, units=1, per_unit=100))
    found = compare(table)[0]
    assert found.p is None
    assert found.interval is None
    assert "at least 2 units per arm" in found.refused
    assert found.effect == pytest.approx(3.0, rel=0.5)
    assert found.hazard_ratio is not None
    assert found.hazard_interval is None
    assert found.rmst_difference_h < 0


def test_blocks_make_the_test_paired():
    frame = neurons(
        {"vehicle": 0.02, "drug": 0.05}, blocks=["c1", "c2", "c3", "c4"], per_unit=100, unit_sd=0.1
    )
    found = compare(table_of(frame, block="block"))[0]
    assert "paired" in found.method
    assert "3 degrees" in found.method
    assert found.n_blocks == 4
    assert found.p < 0.05


def test_pairing_takes_out_what_cultures_differ_by():
    frame = neurons(
        {"vehicle": 0.02, "drug": 0.045}, blocks=["c1", "c2", "c3", "c4"], per_unit=150, seed=4
    )
    strength = {"c1": 0.3, "c2": 0.8, "c3": 2.0, "c4": 3.0}
    factor = np.array([strength[b] for b in frame["block"]])
    time = np.where(frame["outcome"] == "dead", frame["death_h"].fill_null(0.0), 24.0)
    died = (frame["outcome"] == "dead").to_numpy() & (time / factor < 24)
    frame = frame.select("arm", "unit", "block").with_columns(
        time_h=np.where(died, time / factor, 24.0), event=died.astype(int)
    )
    paired = compare(table_of(frame, block="block"), hazard=False)[0]
    plain = compare(table_of(frame), hazard=False)[0]
    assert paired.p < plain.p / 5


def test_one_block_gives_no_p_value():
    found = compare(table_of(neurons({"vehicle": 0.02, "drug": 0.05}), block="block"))[0]
    assert found.p is None
    assert "1 of 1 blocks" in found.refused


def test_covariates_enter_the_hazard_model():
    frame = neurons({"vehicle": 0.03, "drug": 0.03}, per_unit=150)
    drug = (frame["arm"] == "drug").to_numpy()
    brightness = np.random.default_rng(1).normal(size=frame.height) + drug
    frame = frame.with_columns(brightness=brightness)
    plain = compare(table_of(frame))[0].hazard_ratio
    with_it = compare(table_of(frame, covariates=["brightness"]))[0].hazard_ratio
    assert with_it != pytest.approx(plain, rel=1e-6)


def test_nobody_dead_is_said_and_not_computed():
    frame = pl.DataFrame(
        {"arm": ["v", "v", "d", "d"], "unit": list("abcd"), "time_h": [5.0] * 4, "event": [0] * 4}
    )
    found = compare(table_of(frame))[0]
    assert found.p is None
    assert "nobody died" in found.refused
    assert found.hazard_ratio is None


def three_arms():
    return table_of(neurons({"vehicle": 0.02, "low": 0.03, "high": 0.08}, per_unit=100))


def test_p_values_are_adjusted_over_the_family():
    found = {c.group: c for c in compare(three_arms(), hazard=False)}
    assert found["high"].p_adjusted == pytest.approx(2 * found["high"].p)
    assert found["low"].p_adjusted == pytest.approx(found["low"].p)
    assert {c.adjusted_note for c in found.values()} == {"adjusted over this family after Holm"}


def test_without_the_extra_p_values_stand_and_say_that_they_are_not_adjusted(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.stats.multitest", None)
    for one in compare(three_arms(), hazard=False):
        assert one.p is not None
        assert one.p_adjusted is None
        assert "pip install 'livedeath[survival]'" in one.adjusted_note


def test_a_lone_p_value_needs_no_adjustment(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.stats.multitest", None)
    (one,) = compare(table_of(neurons({"vehicle": 0.02, "drug": 0.03})), hazard=False)
    assert one.p_adjusted == one.p


def test_a_refused_comparison_is_no_member_of_the_family():
    frame = neurons({"vehicle": 0.02, "low": 0.03, "high": 0.08}, per_unit=100)
    lonely = frame.filter((pl.col("arm") != "low") | (pl.col("unit") == "low-0"))
    found = {c.group: c for c in compare(table_of(lonely), hazard=False)}
    assert (found["low"].p, found["low"].p_adjusted) == (None, None)
    assert found["high"].p_adjusted == found["high"].p


def test_a_lost_neuron_counts_as_the_part_of_a_death_it_probably_was():
    frame = pl.DataFrame(
        {
            "arm": ["v"] * 2,
            "unit": ["a"] * 2,
            "time_h": [5.0, 5.0],
            "event": [1, 0],
            "outcome": ["dead", "lost"],
            "p_dead": [1.0, 0.25],
        }
    )
    assert unit_rates(table_of(frame), 10.0).deaths.tolist() == [1.25]


def test_an_unknown_control_is_refused():
    table = table_of(neurons({"vehicle": 0.02, "drug": 0.06}, per_unit=5))
    with pytest.raises(TableError, match="No group is called 'sham'"):
        compare(table, "sham")


@pytest.mark.parametrize(
    ("groups", "expected"),
    [(("drug", "Vehicle"), "Vehicle"), (("b", "a"), "a"), (("DMSO", "x"), "DMSO")],
)
def test_the_control_is_the_one_named_so(groups, expected):
    assert default_control(groups) == expected


def test_units_that_agree_to_the_last_digit_give_a_p_value_without_a_warning():
    frame = pl.DataFrame(
        {
            "arm": ["vehicle"] * 4 + ["drug"] * 4,
            "unit": ["v1", "v1", "v2", "v2", "d1", "d1", "d2", "d2"],
            "time_h": [9.0, 9.0, 9.0, 9.0, 3.0, 9.0, 4.0, 5.0],
            "event": [0, 0, 0, 0, 1, 0, 1, 1],
        }
    )
    (found,) = compare(table_of(frame), "vehicle", hazard=False)
    assert 0.0 < found.p < 1.0
