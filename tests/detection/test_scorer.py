"""The detector as its users meet it: causal, exact, calibrated on known truth."""

from dataclasses import dataclass

import numpy as np
import pytest

from livedeath.detection import Scorer, score_traces
from livedeath.errors import TableError
from livedeath.model.flags import Flag
from livedeath.model.settings import AnalysisSettings
from livedeath.model.tables import CALLS, OUTCOMES


@dataclass(frozen=True)
class Culture:
    """Simulated ratios, (neuron, visit), and the truth."""

    time_h: np.ndarray
    signal: np.ndarray
    onset_h: np.ndarray

    def columns(self, *, until_h=np.inf, ids=None):
        n, m = self.signal.shape
        ids = np.arange(n) if ids is None else ids
        rows = {
            "neuron_id": np.repeat(ids, m),
            "time_h": np.tile(self.time_h, n),
            "signal": self.signal.ravel(),
        }
        kept = rows["time_h"] <= until_h
        return {name: values[kept] for name, values in rows.items()}


def culture(seed=1, n=60, hours=60.0, dt=0.5, dying=0.3, noise=0.06, fold=3.0):
    rng = np.random.default_rng(seed)
    time_h = np.arange(0.0, hours, dt)
    onset = np.where(rng.random(n) < dying, rng.uniform(12.0, hours - 15.0, n), np.nan)
    age = np.clip(time_h - np.nan_to_num(onset, nan=1e9)[:, None], 0.0, None)
    level = np.exp(rng.normal(0.0, 0.31, n))[:, None]
    drift = np.zeros((n, time_h.size))
    for k in range(1, time_h.size):
        drift[:, k] = 0.96 * drift[:, k - 1] + rng.normal(0.0, 0.08 * 0.28, n)
    white = rng.normal(0.0, noise, (n, time_h.size))
    rise = 1.0 + (fold - 1.0) * (1.0 - np.exp(-age / 0.5))
    return Culture(time_h, level * rise * np.exp(drift + white), onset)


def called(calls):
    return dict(zip(calls["neuron_id"].tolist(), calls["called_at_h"].tolist(), strict=True))


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.fixture(scope="module")
def scored():
    known = culture()
    return known, *score_traces(known.columns())


def test_deaths_are_found_and_the_living_left_alone(scored):
    known, _, calls = scored
    dying = np.isfinite(known.onset_h)
    dead = calls["outcome"] == "dead"
    assert dying.sum() > 10
    np.testing.assert_array_equal(dead, dying)
    delay = (calls["called_at_h"] - known.onset_h)[dying]
    assert delay.min() >= 0.0
    assert delay.mean() < 2.5


def test_nobody_is_called_in_a_living_culture():
    _, calls = score_traces(culture(seed=2, n=80, dying=0.0).columns())
    assert (calls["outcome"] == "dead").sum() == 0
    assert np.isnan(calls["called_at_h"]).all()


def test_onsets_are_dated_with_intervals_that_hold_them(scored):
    known, _, calls = scored
    dead = calls["outcome"] == "dead"
    truth = known.onset_h[dead]
    assert np.sqrt(np.mean((calls["death_h"][dead] - truth) ** 2)) < 0.3
    inside = (calls["death_low_h"][dead] <= truth) & (truth <= calls["death_high_h"][dead])
    assert inside.mean() > 0.8
    assert (calls["last_alive_h"][dead] <= calls["death_h"][dead]).all()
    assert (calls["death_h"][dead] <= calls["first_dead_h"][dead]).all()
    assert (calls["first_dead_h"][dead] - calls["last_alive_h"][dead] < 0.51).all()


def test_calls_hold_the_promised_columns(scored):
    *_, calls = scored
    assert {column.name for column in CALLS} <= calls.keys()
    assert set(calls["outcome"]) <= set(OUTCOMES)
    total = calls["p_alive"] + calls["p_dead"] + calls["p_lost"]
    np.testing.assert_allclose(total, 1.0)


@pytest.mark.parametrize("until_h", [20.2, 33.0, 47.5])
def test_calls_are_causal(scored, until_h):
    known, _, whole = scored
    _, cut = score_traces(known.columns(until_h=until_h))
    full, part = called(whole), called(cut)
    for neuron, at_h in full.items():
        if at_h <= until_h:
            assert part[neuron] == at_h
        else:
            assert np.isnan(part.get(neuron, np.nan))


def test_visit_by_visit_equals_at_once(scored):
    known, _, calls = scored
    scorer = Scorer()
    ids = np.arange(known.signal.shape[0])
    spoken, flags = {}, np.zeros(known.signal.shape, np.uint32)
    for k, now in enumerate(known.time_h):
        for neuron in scorer.push(now, ids, known.signal[:, k]).tolist():
            assert neuron not in spoken
            spoken[neuron] = now
        flags[:, k] = scorer.last_flags
    same(scorer.calls(known.columns() | {"flags": flags.ravel()}), calls)
    assert spoken == {k: v for k, v in called(calls).items() if np.isfinite(v)}


@pytest.mark.parametrize("at", [1, 40, 77])
def test_a_restart_from_state_changes_nothing(scored, at):
    known, _, calls = scored
    ids = np.arange(known.signal.shape[0])
    flags = np.zeros(known.signal.shape, np.uint32)
    scorer = Scorer()
    for k in range(known.time_h.size):
        if k == at:
            before, scorer = scorer, Scorer()
            scorer.restore(before.state())
        scorer.push(known.time_h[k], ids, known.signal[:, k])
        flags[:, k] = scorer.last_flags
    same(scorer.calls(known.columns() | {"flags": flags.ravel()}), calls)


def test_a_state_of_another_endpoint_is_refused():
    with pytest.raises(TableError, match="loss_of_fill"):
        Scorer().restore(Scorer(endpoint="loss_of_fill").state())


def test_the_order_of_rows_does_not_matter(scored):
    known, _, calls = scored
    columns = known.columns()
    order = np.random.default_rng(5).permutation(columns["signal"].size)
    _, shuffled = score_traces({name: values[order] for name, values in columns.items()})
    same(shuffled, calls)


def test_the_names_of_neurons_do_not_matter(scored):
    known, _, calls = scored
    ids = np.random.default_rng(6).permutation(1000)[: known.signal.shape[0]]
    _, renamed = score_traces(known.columns(ids=ids))
    by_name = called(renamed)
    for neuron, at_h in called(calls).items():
        np.testing.assert_equal(by_name[int(ids[neuron])], at_h)


@pytest.mark.parametrize("scale", [1e-3, 1000.0])
def test_the_unit_of_the_signal_does_not_matter(scored, scale):
    known, _, calls = scored
    columns = known.columns()
    columns["signal"] = columns["signal"] * scale
    _, scaled = score_traces(columns)
    np.testing.assert_array_equal(scaled["called_at_h"], calls["called_at_h"])
    np.testing.assert_allclose(scaled["death_h"], calls["death_h"], atol=1e-3)


def test_a_reference_takes_changes_of_both_channels_out():
    known = culture(seed=3, n=40)
    rng = np.random.default_rng(3)
    fill = (
        1000.0
        * np.exp(rng.normal(0, 0.7, 40))[:, None]
        * np.exp(rng.normal(0.0, 0.3, known.signal.shape))
    )
    columns = known.columns()
    columns["signal"] = (known.signal * fill).ravel()
    columns["reference"] = fill.ravel()
    _, with_reference = score_traces(columns)
    np.testing.assert_array_equal(with_reference["outcome"] == "dead", np.isfinite(known.onset_h))
    del columns["reference"]
    _, without = score_traces(columns)
    late = without["called_at_h"] - with_reference["called_at_h"]
    assert np.isnan(late[np.isfinite(known.onset_h)]).any() or np.nanmean(late) > 0


def test_missing_and_irregular_visits_are_accepted():
    known = culture(seed=4)
    rng = np.random.default_rng(4)
    columns = known.columns()
    kept = rng.random(columns["signal"].size) < 0.7
    columns = {name: values[kept] for name, values in columns.items()}
    columns["time_h"] = columns["time_h"] * 1.1
    columns["signal"] = np.where(rng.random(kept.sum()) < 0.1, np.nan, columns["signal"])
    _, calls = score_traces(columns)
    np.testing.assert_array_equal(calls["outcome"] == "dead", np.isfinite(known.onset_h))


def test_nan_visits_equal_absent_visits():
    known = culture(seed=4, n=30)
    columns = known.columns()
    rng = np.random.default_rng(1)
    gone = (rng.random(columns["signal"].size) < 0.2) & (columns["time_h"] > 1.0)
    absent = {name: values[~gone] for name, values in columns.items()}
    columns["signal"] = np.where(gone, np.nan, columns["signal"])
    np.testing.assert_array_equal(
        score_traces(columns)[1]["called_at_h"], score_traces(absent)[1]["called_at_h"]
    )


def test_one_wild_value_is_no_death_but_a_lasting_rise_is():
    known = culture(seed=7, n=40, dying=0.0)
    wild = known.signal.copy()
    wild[3, 60] *= 4.0
    once = Culture(known.time_h, wild, known.onset_h)
    traces, calls = score_traces(once.columns())
    assert (calls["outcome"] == "dead").sum() == 0
    row = (traces["neuron_id"] == 3) & (traces["time_h"] == known.time_h[60])
    assert traces["flags"][row] & Flag.OUTLIER
    wild[3, 60:] *= 4.0
    _, calls = score_traces(Culture(known.time_h, wild, known.onset_h).columns())
    assert np.flatnonzero(calls["outcome"] == "dead").tolist() == [3]


def test_wild_values_are_learnt_also_where_many_die():
    """Right after a wild value death is the likelier, most of all where many die."""
    known = culture(seed=3, n=150, hours=30.0, dying=0.0, noise=0.04)
    onset = np.random.default_rng(5).uniform(1.0, 29.0, 150)
    age = np.clip(known.time_h - onset[:, np.newaxis], 0.0, None)
    wild = (age == 0.0) & (np.random.default_rng(6).random(age.shape) < 0.004)
    signal = known.signal * (3.0 - 2.0 * np.exp(-age / 0.5)) * np.where(wild, 2.6, 1.0)
    _, calls = score_traces(Culture(known.time_h, signal, onset).columns())
    assert wild.sum() > 15
    assert (calls["called_at_h"] < onset).sum() <= 3
    assert (calls["outcome"] == "dead")[onset < 25.0].mean() > 0.97


def test_a_transient_that_recovers_is_no_death():
    known = culture(seed=8, n=40, dying=0.0)
    signal = known.signal.copy()
    signal[5, 60:] *= 1.0 + 1.5 * np.exp(-np.arange(signal.shape[1] - 60) * 0.5 / 0.5)
    _, calls = score_traces(Culture(known.time_h, signal, known.onset_h).columns())
    assert (calls["outcome"] == "dead").sum() == 0


@pytest.mark.parametrize("fold", [8.0, 300.0])
def test_a_dye_that_is_dark_in_the_living_is_scored(fold):
    rng = np.random.default_rng(17)
    known = culture(seed=17, n=60)
    signal = rng.normal(0.0, 1.0, known.signal.shape)
    age = known.time_h - np.nan_to_num(known.onset_h, nan=1e9)[:, None]
    signal += fold * (1.0 - np.exp(-np.clip(age, 0.0, None) / 0.5))
    _, calls = score_traces(Culture(known.time_h, signal, known.onset_h).columns())
    np.testing.assert_array_equal(calls["outcome"] == "dead", np.isfinite(known.onset_h))


@pytest.mark.parametrize("fold", [10.0, 37.0])
def test_the_largest_steps_on_record_are_deaths(fold):
    known = culture(seed=18, fold=fold, n=40)
    _, calls = score_traces(known.columns())
    np.testing.assert_array_equal(calls["outcome"] == "dead", np.isfinite(known.onset_h))


def _wells(known):
    return np.where(np.arange(known.signal.shape[0]) % 2, "B2", "B3")


def _push_all(known, *, intervened_at=None):
    scorer = Scorer()
    n = known.signal.shape[0]
    flags = np.zeros(known.signal.shape, np.uint32)
    for k, now in enumerate(known.time_h):
        touched = np.full(n, intervened_at == k) & (_wells(known) == "B2")
        scorer.push(now, np.arange(n), known.signal[:, k], well=_wells(known), intervened=touched)
        flags[:, k] = scorer.last_flags
    return scorer.calls(known.columns() | {"flags": flags.ravel()})


def test_a_journaled_medium_step_is_not_called_and_later_deaths_are():
    known = culture(seed=9, dying=0.3)
    signal = known.signal.copy()
    in_b2 = _wells(known) == "B2"
    signal[in_b2, 30:] *= 1.5
    stepped = Culture(known.time_h, signal, known.onset_h)
    calls = _push_all(stepped, intervened_at=30)
    later = known.onset_h > known.time_h[31]
    assert (calls["outcome"][np.isnan(known.onset_h)] != "dead").all()
    assert (calls["outcome"][later & in_b2] == "dead").all()
    assert (calls["flags"][in_b2 & np.isnan(known.onset_h)] & Flag.COMMON_STEP).all()


def test_a_small_step_nobody_journaled_is_not_called():
    known = culture(seed=9, dying=0.0)
    signal = known.signal.copy()
    signal[_wells(known) == "B2", 30:] *= 1.14
    calls = _push_all(Culture(known.time_h, signal, known.onset_h))
    assert (calls["outcome"] == "dead").sum() == 0


@pytest.mark.parametrize("intervened_at", [None, 60])
def test_a_well_that_dies_at_once_is_not_hidden(intervened_at):
    known = culture(seed=10, dying=0.0)
    rng = np.random.default_rng(10)
    in_b2 = _wells(known) == "B2"
    age = np.clip(known.time_h - known.time_h[59] - 0.1, 0.0, None)
    rise = 2.0 * np.exp(rng.normal(0.0, 0.35, in_b2.sum()))[:, None] * (1 - np.exp(-age / 0.5))
    signal = known.signal.copy()
    signal[in_b2] *= 1.0 + rise
    calls = _push_all(Culture(known.time_h, signal, known.onset_h), intervened_at=intervened_at)
    np.testing.assert_array_equal(calls["outcome"] == "dead", in_b2)
    assert (calls["called_at_h"][in_b2] < known.time_h[59] + 4.0).all()


def test_neurons_dead_before_the_first_visit_are_named_and_never_called():
    known = culture(seed=11, n=60, dying=0.0)
    signal = known.signal.copy()
    signal[:3] *= 4.5 / signal[:3, :4].mean(axis=1, keepdims=True)
    _, calls = score_traces(Culture(known.time_h, signal, known.onset_h).columns())
    assert (calls["outcome"][:3] == "dead_on_arrival").all()
    assert np.isnan(calls["called_at_h"][:3]).all()
    assert (calls["outcome"][3:] == "alive").all()


def test_a_merely_bright_neuron_is_alive_and_its_death_is_called():
    known = culture(seed=12, n=60, dying=0.0)
    signal = known.signal.copy()
    signal[0] *= 1.7 / signal[0].mean()
    signal[0, 80:] *= 3.0
    _, calls = score_traces(Culture(known.time_h, signal, known.onset_h).columns())
    assert calls["outcome"][0] == "dead"
    assert calls["called_at_h"][0] >= known.time_h[80]


def test_a_neuron_whose_rows_end_is_lost_not_dead():
    known = culture(seed=16, n=30, dying=0.0)
    columns = known.columns()
    kept = (columns["neuron_id"] != 4) | (columns["time_h"] < 20.0)
    _, calls = score_traces({name: values[kept] for name, values in columns.items()})
    assert calls["outcome"][4] == "lost"
    assert calls["loss_reason"][4] == "no more rows"
    assert calls["last_alive_h"][4] == 19.5
    assert calls["p_lost"][4] > 0.9
    assert (np.delete(calls["outcome"], 4) == "alive").all()


def _fill(*, flag_after=None):
    """A fill that vanishes in neuron 0 at hour 30; also unseen from then on."""
    known = culture(seed=14, n=30, dying=0.0, noise=0.08)
    signal = 1000.0 * known.signal
    gone = known.time_h >= 30.0
    signal[0, gone] = np.random.default_rng(1).normal(0.0, 30.0, gone.sum())
    scorer = Scorer(AnalysisSettings(), endpoint="loss_of_fill")
    ids = np.arange(30)
    columns = {name: [] for name in ("neuron_id", "time_h", "signal", "signal_sd", "flags")}
    for k, now in enumerate(known.time_h):
        seen = ~((ids == 0) & gone[k])
        bits = np.where(seen, 0, int(flag_after or Flag.MASK_LOST)).astype(np.uint32)
        sd = np.full(30, 30.0)
        scorer.push(now, ids, signal[:, k], sd, seen=seen, flags=bits)
        values = (ids, np.full(30, now), signal[:, k], sd, bits)
        for column, part in zip(columns.values(), values, strict=True):
            column.append(part)
    return scorer.calls({name: np.concatenate(parts) for name, parts in columns.items()})


def test_a_fill_that_vanishes_at_its_place_is_a_death():
    calls = _fill()
    assert calls["outcome"][0] == "dead"
    assert calls["endpoint"][0] == "loss_of_fill"
    assert 30.0 <= calls["called_at_h"][0] < 33.0
    assert abs(calls["death_h"][0] - 30.0) < 0.6
    assert (calls["outcome"][1:] == "alive").all()


def test_a_neuron_outside_the_common_area_is_lost():
    calls = _fill(flag_after=Flag.OUTSIDE_COMMON_AREA)
    assert calls["outcome"][0] == "lost"
    assert calls["loss_reason"][0] == "outside the common area"


def test_fewer_false_alarms_allowed_means_later_calls():
    known = culture(seed=15, noise=0.15)
    _, eager = score_traces(
        known.columns(), AnalysisSettings(false_alarms_per_1000_neuron_days=50.0)
    )
    _, wary = score_traces(
        known.columns(), AnalysisSettings(false_alarms_per_1000_neuron_days=0.05)
    )
    both = (eager["outcome"] == "dead") & (wary["outcome"] == "dead")
    assert both.sum() > 5
    assert (eager["called_at_h"][both] <= wary["called_at_h"][both]).all()
    assert (eager["called_at_h"][both] < wary["called_at_h"][both]).any()


def test_time_that_runs_backwards_is_refused():
    scorer = Scorer()
    scorer.push(1.0, np.array([1]), np.array([1.0]))
    with pytest.raises(TableError, match="time order"):
        scorer.push(0.5, np.array([1]), np.array([1.0]))


def test_a_neuron_twice_in_a_visit_is_refused():
    with pytest.raises(TableError, match="neuron 7 was already given"):
        Scorer().push(0.0, np.array([7, 7]), np.array([1.0, 1.0]))


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match="'signal' is missing"):
        score_traces({"neuron_id": np.zeros(1, int), "time_h": np.zeros(1)})


@pytest.mark.parametrize("signal", [[], [np.nan], [0.0], [-3.0, 0.0, 2.0], [5.0]])
def test_tiny_tables_give_a_row_per_neuron(signal):
    n = len(signal)
    _, calls = score_traces(
        {"neuron_id": np.arange(n), "time_h": np.zeros(n), "signal": np.array(signal, float)}
    )
    assert calls["neuron_id"].size == n
    assert set(calls["outcome"]) <= {"alive"}


@pytest.mark.parametrize("name", ["signal_sd", "reference_sd"])
def test_a_deviation_of_zero_is_one_that_is_not_stated(name):
    columns = culture(seed=8, n=30, hours=40.0).columns()
    columns["reference"] = np.full(columns["signal"].size, 5.0)
    zeros = columns | {name: np.zeros(columns["signal"].size)}
    unknown = columns | {name: np.full(columns["signal"].size, np.nan)}
    same(score_traces(zeros)[1], score_traces(unknown)[1])


def test_who_has_no_reference_is_lost_at_the_first_visit_and_not_alive():
    known = culture(seed=8, n=30, hours=40.0)
    columns = known.columns()
    without = columns["neuron_id"] < 10
    columns["reference"] = np.where(without, np.nan, 5.0)
    _, calls = score_traces(columns)
    assert set(calls["outcome"][:10]) == {"lost"}
    assert set(calls["loss_reason"][:10]) == {"channel missing"}
    np.testing.assert_array_equal(calls["last_alive_h"][:10], 0.0)
    np.testing.assert_array_equal(calls["outcome"][10:] == "dead", np.isfinite(known.onset_h[10:]))


def test_a_reference_that_is_missing_now_and_then_loses_nobody():
    known = culture(seed=8, n=30, hours=40.0)
    columns = known.columns()
    every_fourth = np.round(columns["time_h"] / 0.5).astype(int) % 4 == 0
    columns["reference"] = np.where(every_fourth, 5.0, np.nan)
    _, calls = score_traces(columns)
    assert "lost" not in calls["outcome"]


def test_who_has_no_value_that_can_be_scored_is_lost_as_never_measured():
    columns = culture(seed=8, n=30, hours=40.0, dying=0.0).columns()
    columns["reference"] = np.where(columns["neuron_id"] == 3, 0.0, 5.0)
    _, calls = score_traces(columns)
    assert calls["outcome"][3] == "lost"
    assert calls["loss_reason"][3] == "never measured"
    assert calls["last_alive_h"][3] == calls["entry_h"][3]
    assert set(np.delete(calls["outcome"], 3)) == {"alive"}
