"""Priors: right ones make the first visits sharp, wrong ones are unlearnt."""

import numpy as np
import pytest

from livedeath.detection import Scorer
from livedeath.detection.learning import ENDPOINTS, Learning
from livedeath.detection.priors import export, from_text, give, to_text
from livedeath.errors import StoreError
from livedeath.model.priors import Priors
from livedeath.model.settings import AnalysisSettings

N, DT_H = 300, 0.25
NOISE = 0.06


def plate(seed, hours, *, dying=0.0, from_h=0.0, wild=0.0, noise=NOISE):
    """Return signals (neuron, visit) and onsets, h: threefold rises of half an hour."""
    rng = np.random.default_rng(seed)
    time_h = np.arange(0.0, hours, DT_H)
    onset_h = np.where(np.arange(N) < dying * N, rng.uniform(from_h, hours - 3.0, N), np.inf)
    age = np.clip(time_h - onset_h[:, None], 0.0, None)
    ln = rng.normal(0.0, noise, age.shape)
    hit = rng.random(age.shape) < wild
    ln += np.where(hit, rng.normal(0.0, 0.7, age.shape), 0.0)
    level = np.exp(rng.normal(0.0, 0.3, N))
    rise = 1.0 - 2.0 * np.expm1(-age / 0.5)
    return 1000.0 * level[:, None] * rise * np.exp(ln), onset_h


def watched(signal, priors=None, *, asked=1.0, restart=None):
    """Return the detector and the hour of each call."""
    settings = AnalysisSettings(false_alarms_per_1000_neuron_days=asked)
    scorer, called_h = Scorer(settings, priors=priors), np.full(N, np.inf)
    for k in range(signal.shape[1]):
        if k == restart:
            before, scorer = scorer, Scorer(settings)
            scorer.restore(before.state())
        sd = np.full(N, 20.0)
        called_h[scorer.push(k * DT_H, np.arange(N), signal[:, k], sd)] = k * DT_H
    return scorer, called_h


@pytest.fixture(scope="module")
def learnt():
    """Return what a clean study of two days learnt."""
    scorer, _ = watched(plate(1, 48.0, dying=0.4, from_h=12.0)[0])
    return export(scorer.learning.state(), scorer.endpoint)


def test_a_file_gives_back_what_was_written(learnt):
    assert from_text(to_text(learnt), where="here") == learnt
    assert len(to_text(learnt)) < 50_000


def test_what_is_exported_is_what_was_learnt_but_for_a_constant(learnt):
    scorer, _ = watched(plate(1, 6.0)[0])
    state = scorer.learning.state()
    told = export(state, "indicator_rise")
    offset = state["models"] - np.array(told.models)
    np.testing.assert_allclose(offset, offset[0], atol=0.01)
    assert told.neuron_days == pytest.approx(N * 5.75 / 24.0, rel=0.01)


@pytest.mark.parametrize("seed", [3, 4])
def test_right_priors_call_the_first_hours_deaths_sooner(learnt, seed):
    signal, onset_h = plate(seed, 9.0, dying=0.4)
    dying = np.isfinite(onset_h)
    delay_h = [
        np.minimum(watched(signal, given)[1][dying] - onset_h[dying], 6.0).mean()
        for given in (None, learnt)
    ]
    assert delay_h[1] < 0.9 * delay_h[0]


def false_calls(priors, *, wild, noise):
    """Return false calls over those asked for, in 1,200 neuron-days of which no one dies."""
    asked, days, false = 20.0, 0.0, 0
    for seed in (5, 6):
        signal, _ = plate(seed, 48.0, wild=wild, noise=noise)
        _, called_h = watched(signal, priors, asked=asked)
        false += int(np.isfinite(called_h).sum())
        days += float(np.minimum(called_h, 48.0).sum()) / 24.0
    return false / (asked * days / 1000.0)


@pytest.mark.parametrize(("wild", "noise"), [(0.01, NOISE), (0.0, 2.0 * NOISE)])
def test_wrong_priors_keep_the_rate(learnt, wild, noise):
    """They were learnt where nothing is wild; where noise is half."""
    assert false_calls(learnt, wild=wild, noise=noise) <= 1.5


def test_wrong_priors_that_are_believed_break_the_rate(learnt, monkeypatch):
    for name, value in (("WILD_DAYS", 1e9), ("DOUBT", 1e-300)):
        monkeypatch.setattr(f"livedeath.detection.priors.{name}", value)
    assert false_calls(learnt, wild=0.01, noise=NOISE) > 1.5


def test_a_restart_with_priors_changes_nothing(learnt):
    signal, _ = plate(7, 9.0, dying=0.4)
    whole, again = watched(signal, learnt), watched(signal, learnt, restart=4)
    np.testing.assert_array_equal(whole[1], again[1])
    for name, value in whole[0].learning.state().items():
        np.testing.assert_array_equal(value, again[0].learning.state()[name])
    assert not np.array_equal(whole[1], watched(signal)[1])


def test_priors_given_on_count_what_they_rest_on(learnt):
    learning = Learning(ENDPOINTS["indicator_rise"])
    give(learning, learnt)
    told = export(learning.state(), "indicator_rise")
    assert 0.0 < told.neuron_days <= 200.0
    assert 0.0 < told.deaths <= 50.0
    assert told.deaths < learnt.deaths


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.replace(grids=p.grids | {"noise_steps": (1.0, 2.0)}),
        lambda p: p.replace(squares=(1.0, 2.0, 3.0)),
        lambda p: p.replace(transients=p.transients[1:]),
        lambda p: p.replace(law=(-1.0, *p.law[1:])),
    ],
)
def test_other_grids_are_refused(learnt, change):
    with pytest.raises(StoreError, match=r"there: .*other grids"):
        from_text(to_text(change(learnt)), where="there")


def test_another_endpoint_and_no_json_are_refused(learnt):
    with pytest.raises(StoreError, match=r"indicator_rise.*loss_of_fill"):
        from_text(to_text(learnt), where="there", endpoint="loss_of_fill")
    for text in ("", "{", "[]", "null"):
        with pytest.raises(StoreError, match="no file of priors"):
            from_text(text, where="there")
    assert isinstance(from_text(to_text(learnt), where="x", endpoint="indicator_rise"), Priors)
