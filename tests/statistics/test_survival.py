"""Survival by one path, whoever asks: a study, a scored table, a table from elsewhere."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from livedeath.errors import StoreError, TableError
from livedeath.reporting.html import report
from livedeath.run.score import score
from livedeath.statistics.compare import unit_rates
from livedeath.statistics.study import read_calls
from livedeath.statistics.survival import survival
from made_study import make_study

PAIRED = """
[[entities]]
id = "one"
kind = "culture"
wells = ["B2", "C2", "D2"]
[[entities]]
id = "two"
kind = "culture"
wells = ["B3", "C3", "D3"]
[[comparisons]]
control = "vehicle"
block = "culture"
"""


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "s"
    return make_study(path, images=False, compared=False, extra=PAIRED)


def only(found):
    return {one.group: one for one in found.comparisons[0].results}


# What is asked for by name takes its place in the first declared comparison


def test_a_horizon_leaves_the_declared_pairs(paired):
    found = survival(paired.path, horizon_h=8.0)
    pair = only(found)["glutamate 50 uM"]
    assert pair.n_blocks == 2
    rates = unit_rates(read_calls(paired, paired.run()).survival(unit="well"), 8.0)
    by_well = dict(zip(rates.unit, rates.log_rate, strict=True))
    differences = [by_well["C2"] - by_well["B2"], by_well["C3"] - by_well["B3"]]
    # The pooled rate in the half death is that of the pair; it moves both wells alike.
    assert pair.p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=0.1)
    assert "within each culture" in found.comparisons[0].details
    assert "up to 8 h" in found.comparisons[0].details
    assert found.comparisons[0].standing.startswith("post hoc")


def test_a_covariate_changes_the_hazard_model_alone(paired):
    declared, asked = survival(paired.path), survival(paired.path, covariates="RFP")
    for group, one in only(declared).items():
        assert only(asked)[group].p == one.p
        assert only(asked)[group].interval == one.interval
        assert "hazard adjusted for RFP" in asked.comparisons[0].details


def test_another_unit_brings_no_block_of_the_old_one(paired):
    assert only(survival(paired.path, unit="well"))["glutamate 50 uM"].n_blocks is None
    named = survival(paired.path, unit="well", block="culture")
    assert only(named)["glutamate 50 uM"].n_blocks == 2


def test_hours_still_count_from_the_declared_origin(tmp_path):
    late = '[[comparisons]]\ncontrol = "vehicle"\norigin = "glutamate 50 uM"\n'
    folder = make_study(tmp_path / "s", images=False, compared=False, extra=late)
    folder.journal.append_all(
        [
            {"kind": "log", "what": "dose", "vessel": "plate1", "wells": ["C2", "C3"], "at_h": 4.0}
            | {"compound": "glutamate", "dose": 50.0, "unit": "uM", "why": "late"}
        ]
    )
    declared, asked = survival(folder.path), survival(folder.path, control="vehicle")
    assert only(asked) == only(declared)
    assert "time from the start of glutamate 50 uM" in asked.comparisons[0].details


def test_groups_may_be_cultures_or_wells_of_their_vessel(paired):
    assert {arm.group for arm in survival(paired.path, group="culture").groups} == {"one", "two"}


# Where nothing is known


@pytest.mark.parametrize("hours", [0.0, -1.0, float("nan"), float("inf")])
def test_a_horizon_is_an_hour_after_the_start(paired, hours):
    with pytest.raises(TableError, match="give an hour after 0"):
        survival(paired.path, horizon_h=hours)


def test_nothing_is_said_of_hours_after_the_last_visit(paired):
    # The last visit before the kill at 12.25 h is at 12 h.
    with pytest.raises(TableError, match=r"is 14 h, but nobody was watched after 12 h"):
        survival(paired.path, horizon_h=14.0)
    assert survival(paired.path, horizon_h=12.0).groups[0].horizon_h == 12.0


def test_a_declared_horizon_after_the_kill_draws_nothing_out(paired, tmp_path):
    late = make_study(
        tmp_path / "s", images=False, compared=False, extra=PAIRED + "horizon_h = 14.0\n"
    )
    found, to_the_end = survival(late.path), survival(paired.path, horizon_h=12.0)
    assert only(found) == only(to_the_end)
    assert found.comparisons[0].details.endswith("up to 14 h; watched to 12 h")
    assert not to_the_end.comparisons[0].details.endswith("watched to 12 h")


def test_a_study_whose_wells_are_all_excluded_says_so(tmp_path):
    everything = '[[exclusions]]\nwells = ["all"]\nwhy = "fungus"\n'
    folder = make_study(tmp_path / "s", images=False, extra=everything)
    with pytest.raises(StoreError, match="first seen after its well was excluded"):
        survival(folder.path)
    with pytest.raises(StoreError, match="first seen after its well was excluded"):
        report(folder.path)


# Tables from elsewhere


TABLE = pl.DataFrame(
    {
        "arm": ["v", "v", "d", "d"],
        "unit": ["a", "b", "c", "e"],
        "time_h": [5.0, 9.0, 3.0, 9.0],
        "event": [1, 0, 1, 0],
    }
)


def test_blanks_around_a_word_make_no_arm():
    blanks = TABLE.with_columns(arm=pl.Series(["v", " v", "d", "d "]))
    assert [arm.group for arm in survival(blanks).groups] == ["v", "d"]


def test_seconds_are_no_hours():
    with pytest.raises(TableError, match="240000 h, which is 27 years; give hours, not seconds"):
        survival(TABLE.with_columns(time_h=pl.Series([1.2e5, 2.4e5, 1.2e5, 2.4e5])))


@pytest.mark.parametrize("source", [None, 3, TABLE.lazy()])
def test_what_is_neither_path_nor_table_is_named(source):
    with pytest.raises(TableError, match=type(source).__name__):
        survival(source)


# A scored table of traces


def traces(tmp_path, **columns):
    """Two vessels with a well of the same name; half of the neurons die."""
    rng = np.random.default_rng(2)
    rows = [
        {"neuron_id": n, "vessel": f"plate{n % 2}", "well": "A1", "time_h": float(hour)}
        | {"signal": (1 + 3 * (n % 4 > 1 and hour > 12)) * 100 * rng.lognormal(0, 0.04)}
        | {name: value(n) for name, value in columns.items()}
        for n in range(12)
        for hour in range(0, 30, 2)
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "traces.csv")
    return score(tmp_path / "traces.csv", out=tmp_path / "scored").path


def test_wells_of_two_vessels_are_two_units_in_report_and_survival(tmp_path):
    path = traces(tmp_path)
    found, reported = survival(path), report(path)
    assert (found.groups[0].group, found.groups[0].n_units) == ("all neurons", 2)
    assert found.groups[0].n_dead == 6
    assert reported["groups"] == found.to_dict()["groups"]
    assert reported["n_units"] == 2


def test_report_and_survival_of_a_scored_table_compare_alike(tmp_path):
    path = traces(tmp_path, arm=lambda n: "drug" if n % 3 else "vehicle", unit=lambda n: f"m{n}")
    found, reported = survival(path).to_dict(), report(path)
    assert reported["groups"] == found["groups"]
    same = {k: v for k, v in found["comparisons"][0].items() if k not in SAID}
    assert {k: v for k, v in reported["comparisons"][0].items() if k not in SAID} == same


SAID = ("name", "standing", "details")


def test_the_report_of_a_table_says_what_its_signal_is(tmp_path):
    path = traces(tmp_path, endpoint=lambda n: "loss_of_fill", flags=lambda n: 256)
    reported = report(path)
    assert (reported["has_indicator"], reported["calibrated"]) == (False, False)
    page = reported["report"].read_text(encoding="utf-8")
    assert "No death indicator was imaged" in page
    assert "The camera is not calibrated" in page
