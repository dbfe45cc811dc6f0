"""What R's survival package finds in the same rows; tests/data/r_survival/README.md."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import restricted_mean_survival_time
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import survdiff

from livedeath.statistics.compare import compare, hazard_ratio, unit_rates
from livedeath.statistics.estimate import (
    at_risk,
    count_units,
    estimate,
    neurons_error,
    step_at,
    t_quantile,
)
from livedeath.statistics.table import from_frame

DATA = Path(__file__).resolve().parents[1] / "data/r_survival"

# R writes numbers with 15 digits; Cox models are stopped where their package stops.
CLOSE = {"rtol": 1e-9, "atol": 1e-12}
COX = {"rtol": 1e-6, "atol": 1e-9}


def expected(name):
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))["cases"]


def cases(found):
    return pytest.mark.parametrize("case", found, ids=[case["id"] for case in found])


KM = expected("km")
GIVEN = [case for case in KM if case["lost"] == "as given"]
LOGRANK = expected("logrank")
COXPH = expected("cox")
RMST = expected("rmst")
UNITS = expected("units")["tests"]
ALIKE = expected("units")["alike"]


def numbers(values):
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def table_of(name, *, block=None, covariates=()):
    frame = pl.read_csv(DATA / f"{name}.csv")
    return from_frame(frame, "arm", unit="unit", block=block, covariates=covariates)


def arm_of(case):
    table = table_of(case["dataset"])
    return table.take(table.group == case["arm"])


def plain_rows(name):
    """Rows as lifelines and statsmodels take them."""
    table = table_of(name)
    frame = pl.read_csv(DATA / f"{name}.csv").filter(pl.Series(table.at_risk)).to_pandas()
    rows = table.take(table.at_risk)
    return frame.assign(
        entry_h=rows.entry_h,
        time_h=rows.exit_h,
        event=rows.event.astype(int),
        drug=(rows.group != "vehicle").astype(float),
    )


# Kaplan-Meier


def main_counts(case):
    """Return deaths and neurons at risk per hour, of the curve that the case asks for."""
    counts = count_units(arm_of(case))
    more = {"as given": 0.0, "all dead": counts.lost, "weighted": counts.lost_dead}[case["lost"]]
    return counts.times_h, (counts.deaths + more).sum(axis=0), counts.risk.sum(axis=0)


@cases(KM)
def test_the_curve_is_that_of_survfit(case):
    curve = estimate(arm_of(case))[0].curve
    which = {"as given": "no_lost_dead", "all dead": "all_lost_dead", "weighted": "survival"}
    values = getattr(curve, which[case["lost"]])
    found = [step_at(curve.times_h, values, hour) for hour in case["time_h"]]
    np.testing.assert_allclose(found, case["survival"], **CLOSE)


@cases(GIVEN)
def test_the_neurons_at_risk_are_those_of_survfit(case):
    assert at_risk(arm_of(case), case["time_h"]) == case["n_risk"]


@cases(KM)
def test_the_error_of_independent_neurons_is_greenwoods(case):
    hours, deaths, risk = main_counts(case)
    at = np.flatnonzero(np.isin(case["time_h"], hours))
    assert len(at) == len(hours)
    np.testing.assert_allclose(
        neurons_error(deaths, risk), np.array(case["greenwood"])[at], **CLOSE
    )


# The stated band is that of the main curve, in which a lost neuron counts as p_dead.
BANDS = [c for c in KM if c["lost"] == ("weighted" if c["dataset"] == "intervals" else "as given")]


def band(case):
    curve = estimate(arm_of(case))[0].curve
    hours = numbers(case["time_h"])
    kept = np.isin(hours, curve.times_h)
    at = np.searchsorted(curve.times_h, hours[kept])
    inside = (curve.survival[at] > 0) & (curve.survival[at] < 1)
    return curve.low[at][inside], curve.high[at][inside], np.flatnonzero(kept)[inside]


@cases(BANDS)
def test_the_band_is_what_r_gets_by_leaving_out_each_unit(case):
    low, high, at = band(case)
    np.testing.assert_allclose(low, numbers(case["unit_lower"])[at], **CLOSE)
    np.testing.assert_allclose(high, numbers(case["unit_upper"])[at], **CLOSE)


def test_where_units_agree_the_band_is_the_log_log_interval_of_survfit():
    seen = 0
    for case in BANDS:
        low, high, at = band(case)
        t = t_quantile(estimate(arm_of(case))[0].n_units - 1)
        jackknife, alone = (numbers(case[n])[at] for n in ("unit_jackknife", "greenwood"))
        agree = t * jackknife < 1.95 * alone
        np.testing.assert_allclose(low[agree], numbers(case["lower"])[at][agree], **CLOSE)
        np.testing.assert_allclose(high[agree], numbers(case["upper"])[at][agree], **CLOSE)
        seen += agree.sum()
    assert seen > 10


# Where the curve lies flat at one half, R states the middle of the flat, and the project,
# like lifelines, its first hour.
FLAT = {"first_censored, vehicle, as given", "exact_half, vehicle, as given"}
FLAT |= {"exact_half, drug, as given"}


@cases(BANDS)
def test_the_median_is_the_first_hour_at_which_half_are_dead(case):
    median = estimate(arm_of(case))[0].median_h
    assert median.value == case["first_half"]
    assert (case["first_half"] == case["median"]) == (case["id"] not in FLAT)


@cases(BANDS)
def test_the_interval_of_the_median_is_where_the_band_crosses(case):
    median = estimate(arm_of(case))[0].median_h
    assert median.low == case["unit_median_lower"]
    assert median.high == case["unit_median_upper"]


@cases(GIVEN)
def test_the_curve_of_lifelines_is_that_of_survfit(case):
    rows = arm_of(case)
    rows = rows.take(rows.at_risk)
    fitter = KaplanMeierFitter().fit(rows.exit_h, rows.event, entry=rows.entry_h)
    found = fitter.survival_function_at_times(case["time_h"]).to_numpy()
    np.testing.assert_allclose(found, case["survival"], **CLOSE)
    band = fitter.confidence_interval_.loc[case["time_h"]].to_numpy()
    inside = (found > 0) & (found < 1)
    np.testing.assert_allclose(band[inside, 0], numbers(case["lower"])[inside], **CLOSE)
    np.testing.assert_allclose(band[inside, 1], numbers(case["upper"])[inside], **CLOSE)


# Restricted means


@cases(RMST["arms"])
def test_restricted_means_and_their_intervals_are_those_of_r(case):
    arms = estimate(table_of(case["dataset"]), horizon_h=case["horizon_h"], landmarks_h=())
    assert [arm.group for arm in arms] == [arm["arm"] for arm in case["arms"]]
    for found, arm in zip(arms, case["arms"], strict=True):
        assert found.n_units == arm["units"]
        assert found.rmst_h.value == pytest.approx(arm["rmst"], rel=1e-9)
        error = max(arm["se"], arm["unit_jackknife"])
        assert found.rmst_error_h == pytest.approx(error, rel=1e-9, abs=1e-12)
        assert (found.rmst_h.low is None) == (arm["lower"] is None)
        if arm["lower"] is not None:
            assert found.rmst_h.low == pytest.approx(arm["lower"], rel=1e-9)
            assert found.rmst_h.high == pytest.approx(arm["upper"], rel=1e-9)


@cases(RMST["arms"])
def test_the_default_horizon_is_that_of_the_arm_that_ends_first(case):
    ends = plain_rows(case["dataset"]).groupby("arm")["time_h"].max()
    assert case["horizon_h"] <= ends.min()
    if case["horizon_h"] == ends.min():
        assert estimate(table_of(case["dataset"]))[0].horizon_h == case["horizon_h"]


@cases(RMST["differences"])
def test_differences_of_restricted_means_are_those_of_r(case):
    found = {c.group: c for c in compare(table_of(case["dataset"]), "vehicle", hazard=False)}
    one = found[case["arm"]]
    assert one.rmst_difference_h == pytest.approx(case["difference"], rel=1e-9)
    np.testing.assert_allclose(one.rmst_interval_h, [case["lower"], case["upper"]], **CLOSE)


@cases([c for c in RMST["arms"] if c["dataset"] in ("ties", "first_censored", "blocks")])
def test_the_restricted_mean_of_lifelines_is_that_of_r(case):
    rows = plain_rows(case["dataset"])
    for arm in case["arms"]:
        part = rows[rows["arm"] == arm["arm"]]
        fitter = KaplanMeierFitter().fit(part["time_h"], part["event"])
        found = restricted_mean_survival_time(fitter, t=case["horizon_h"])
        assert found == pytest.approx(arm["rmst"], rel=1e-6)


# Tests on units


@cases(UNITS)
def test_log_death_rates_of_units_are_those_of_r(case):
    table = table_of(case["dataset"])
    for one in case["comparisons"]:
        two = table.take(np.isin(table.group, ["vehicle", one["arm"]]))
        rates = unit_rates(two, one["horizon_h"])
        order = [list(rates.unit).index(unit) for unit in one["unit"]]
        assert len(order) == len(rates.unit)
        np.testing.assert_allclose(rates.deaths[order], one["deaths"], **CLOSE)
        np.testing.assert_allclose(rates.neuron_hours[order], one["neuron_hours"], **CLOSE)
        np.testing.assert_allclose(rates.log_rate[order], one["log_rate"], **CLOSE)


@cases(UNITS)
def test_the_headline_is_the_t_test_of_r(case):
    table = table_of(case["dataset"], block="block" if case["paired"] else None)
    found = {c.group: c for c in compare(table, "vehicle", hazard=False)}
    assert list(found) == [one["arm"] for one in case["comparisons"]]
    for one in case["comparisons"]:
        ours = found[one["arm"]]
        assert f"{one['df']} degrees of freedom" in ours.method
        assert ours.effect == pytest.approx(one["effect"], rel=1e-9)
        np.testing.assert_allclose(ours.interval, [one["lower"], one["upper"]], **CLOSE)
        assert ours.p == pytest.approx(one["p"], rel=1e-9)
        assert ours.p_adjusted == pytest.approx(one["p_adjusted"], rel=1e-9)


def test_units_that_are_all_alike_give_no_p_value_here_nor_in_r():
    assert ALIKE["refused"] == "data are essentially constant"
    (found,) = compare(table_of("alike"), "vehicle", hazard=False)
    assert found.p is None
    assert found.interval is None
    assert found.refused is not None


# Log-rank tests: on neurons, so never the project's headline; of the packages beside it.


def logrank_of(case):
    """Return chi square by the package that offers this test."""
    rows = plain_rows(case["dataset"])
    if case["test"] in ("plain", "rho = 1"):
        more = (
            {} if case["test"] == "plain" else {"weightings": "fleming-harrington", "p": 1, "q": 0}
        )
        result = multivariate_logrank_test(rows["time_h"], rows["arm"], rows["event"], **more)
        return result.test_statistic, result.p_value
    return survdiff(
        rows["time_h"].to_numpy(),
        rows["event"].to_numpy(),
        rows["arm"].to_numpy(),
        strata=rows["block"].to_numpy() if case["test"] == "stratified" else None,
        entry=rows["entry_h"].to_numpy() if case["test"] == "late entry" else None,
    )


@cases(LOGRANK)
def test_log_rank_tests_are_those_of_r(case):
    statistic, p = logrank_of(case)
    assert statistic == pytest.approx(case["chisq"], rel=1e-9)
    assert p == pytest.approx(case["p"], rel=1e-9)


# Cox models

PLAIN = [case for case in COXPH if case["model"] in ("plain", "covariates", "strata")]
OURS = [case for case in COXPH if case["model"].startswith("clustered")]


@cases([case for case in PLAIN if case["ties"] == "efron"])
def test_efron_models_of_lifelines_are_those_of_coxph(case):
    rows = plain_rows(case["dataset"])
    strata = ["block"] if case["model"] == "strata" else None
    # As it stands lifelines stops up to 2e-4 of the coefficient too early.
    tight = {"precision": 1e-12, "r_precision": 1e-15}
    kept = rows[["time_h", "event", "entry_h", *case["names"], *(strata or [])]]
    fitter = CoxPHFitter().fit(
        kept, "time_h", "event", entry_col="entry_h", strata=strata, fit_options=tight
    )
    np.testing.assert_allclose(fitter.params_[case["names"]], case["coef"], **COX)
    np.testing.assert_allclose(fitter.standard_errors_[case["names"]], case["se"], **COX)
    assert fitter.log_likelihood_ == pytest.approx(case["loglik"][1], rel=1e-9)


# With late entry PHReg finds other coefficients than R and lifelines, which agree.
@cases([case for case in PLAIN if "entry" not in case["dataset"]])
def test_models_of_statsmodels_are_those_of_coxph(case):
    rows = plain_rows(case["dataset"])
    model = PHReg(
        rows["time_h"],
        rows[case["names"]],
        status=rows["event"],
        strata=rows["block"] if case["model"] == "strata" else None,
        ties=case["ties"],
    )
    found = model.fit()
    np.testing.assert_allclose(found.params, case["coef"], **COX)
    np.testing.assert_allclose(found.bse, case["se"], **COX)


def hazard_of(case, order=None):
    block = "block" if "strata" in case["model"] else None
    table = table_of(case["dataset"], block=block, covariates=case["names"][1:])
    two = table.take(np.isin(table.group, ["vehicle", case["arm"]]))
    two = two if order is None else two.take(order(len(two)))
    ratio, interval, _ = hazard_ratio(two, case["arm"], "vehicle", horizon_h=case["horizon_h"])
    degrees = len(set(two.unit)) - 2 if block is None else len(set(two.block)) - 1
    half = np.diff(np.log(interval))[0] / 2
    return np.log(ratio), half / t_quantile(degrees)


@cases(OURS)
def test_the_hazard_ratio_is_that_of_coxph(case):
    log_ratio, _ = hazard_of(case)
    assert log_ratio == pytest.approx(case["coef"][0], rel=1e-6)


@cases(OURS)
def test_the_clustered_error_is_that_of_coxph(case):
    _, error = hazard_of(case)
    assert error == pytest.approx(case["robust_se"][0], rel=1e-6)


@cases(OURS)
def test_the_clustered_error_does_not_depend_on_the_order_of_the_rows(case):
    _, error = hazard_of(case)
    _, shuffled = hazard_of(case, np.random.default_rng(1).permutation)
    assert shuffled == pytest.approx(error, rel=1e-6)
