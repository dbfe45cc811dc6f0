"""What happens to all neurons of a field is told from deaths, in tables without any frame."""

import numpy as np
import pytest

from detect.rows import ROWS
from detect.scored import score
from detect.traces import simulate
from field_faults import EVERY_H, VISITS, WHEN, between, table
from livedeath.detection import Scorer, accidents, alike, score_traces
from livedeath.model.flags import Flag

FOR_GOOD = VISITS
WITH_INDICATOR = {
    "both channels dark once": between(0.0),
    "both channels dark for three visits": between(0.0, visits=3),
    "lamp at 40 % for good": between(0.4, visits=FOR_GOOD),
    "both channels x 60 once": between(60.0),
    "indicator x 1.5 for three visits": between(1.5, visits=3, reference=False),
    "indicator x 10 for two visits": between(10.0, visits=2, reference=False),
    "indicator x 1.3 for good": between(1.3, visits=FOR_GOOD, reference=False),
    "indicator x 1.6 for good": between(1.6, visits=FOR_GOOD, reference=False),
    "fill at half for good": between(0.5, visits=FOR_GOOD, signal=False),
    "fill dark once": between(0.0, signal=False),
}
FILL_ONLY = {
    "dark once": between(0.0),
    "dark for good": between(0.0, visits=FOR_GOOD),
    "lamp at 40 % for good": between(0.4, visits=FOR_GOOD),
    "lamp at 20 % for two visits": between(0.2, visits=2),
    "exposure x 2 for good": between(2.0, visits=FOR_GOOD),
}
CASES = {
    **{f"with an indicator: {name}": (True, light) for name, light in WITH_INDICATOR.items()},
    **{f"fill only: {name}": (False, light) for name, light in FILL_ONLY.items()},
}


def scored(columns, *, indicator):
    endpoint = "indicator_rise" if indicator else "loss_of_fill"
    return score_traces(columns, endpoint=endpoint)


@pytest.mark.parametrize("sd", [True, False], ids=["with sd", "without sd"])
@pytest.mark.parametrize(("indicator", "light"), CASES.values(), ids=CASES)
def test_an_accident_kills_nobody(indicator, light, sd):
    columns, _ = table(5, indicator=indicator, light=light, sd=sd)
    _, calls = scored(columns, indicator=indicator)
    assert not np.isfinite(calls["called_at_h"]).any()


@pytest.mark.parametrize("neurons", [20, 36])
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("indicator", "sd", "least"), [(True, True, 0.85), (False, True, 0.95), (False, False, 0.9)]
)
def test_a_field_that_dies_at_once_is_called_within_three_visits(
    indicator, sd, least, seed, neurons
):
    columns, onset = table(seed, neurons=neurons, fields=3, indicator=indicator, sd=sd, dies=1)
    _, calls = scored(columns, indicator=indicator)
    dies = np.array([np.isfinite(onset[n]) for n in calls["neuron_id"].tolist()])
    visits_later = (calls["called_at_h"] - EVERY_H * WHEN - 0.01) / EVERY_H
    assert np.mean(visits_later[dies] < 2.5) >= least
    assert not np.isfinite(calls["called_at_h"][~dies]).any()


@pytest.mark.parametrize("plate", [2, 4, 7])
def test_no_field_of_a_plate_that_is_killed_is_taken_for_an_accident(plate):
    """In one of eight wells the folds happen to be alike; the others, which die, speak for it."""
    traces = simulate(ROWS["killed-plate"].law, [33, plate])
    kill_h = float(traces.onset_h[0])
    assert (traces.onset_h == kill_h).all()
    called = score(traces, 1.0).called_h
    soon = (called >= kill_h) & (called <= kill_h + 3.0)
    for well in np.unique(traces.well):
        assert soon[traces.well == well].mean() > 0.9, well


def test_who_cannot_be_told_is_lost_by_name_and_censored_at_the_last_good_visit():
    dark = between(0.0, visits=FOR_GOOD)
    traces, calls = scored(table(5, indicator=False, light=dark)[0], indicator=False)
    assert set(calls["outcome"]) == {"lost"}
    assert set(calls["loss_reason"]) == {"field_fault"}
    assert (calls["last_alive_h"] == EVERY_H * (WHEN - 1)).all()
    doubted = (traces["flags"] & Flag.FIELD_FAULT) > 0
    assert (doubted == (traces["time_h"] >= EVERY_H * WHEN)).all()


def test_when_light_returns_neurons_are_judged_again():
    dark = {10, 11, 12}
    columns, onset = table(
        7, indicator=False, dies=0, light=lambda k: (0.0, 0.0) if k in dark else (1.0, 1.0)
    )
    _, calls = scored(columns, indicator=False)
    assert len(onset) == 36
    assert np.mean(calls["outcome"] == "dead") >= 0.97


def test_few_neurons_are_helped_by_the_fields_seen_just_before():
    light = between(3.0, visits=2, reference=False)
    columns, _ = table(11, neurons=4, fields=12, light=light)
    _, calls = scored(columns, indicator=True)
    assert not np.isfinite(calls["called_at_h"]).any()
    columns, onset = table(11, neurons=4, fields=12, dies=6)
    _, calls = scored(columns, indicator=True)
    dies = np.array([np.isfinite(onset[n]) for n in calls["neuron_id"].tolist()])
    assert np.isfinite(calls["called_at_h"][dies]).sum() >= 3
    assert not np.isfinite(calls["called_at_h"][~dies]).any()


@pytest.mark.parametrize(("kept", "outcome"), [(1.0, "dead"), (0.1, "lost")])
def test_the_background_tells_neurons_that_vanish_from_light_that_does(kept, outcome):
    columns, _ = table(5, neurons=12, indicator=False, light=between(0.02, visits=FOR_GOOD))
    later = columns["time_h"] >= EVERY_H * WHEN
    columns["signal_background"] = 40.0 * np.where(later, kept, 1.0)
    _, calls = scored(columns, indicator=False)
    assert np.mean(calls["outcome"] == outcome) > 0.9


def test_an_indicator_frame_that_shows_the_fill_is_no_evidence():
    columns, _ = table(3)
    wrong = np.abs(columns["time_h"] - EVERY_H * WHEN) < 0.5
    rng = np.random.default_rng(1)
    columns["signal"][wrong] = columns["reference"][wrong] * np.exp(
        0.03 * rng.normal(size=int(wrong.sum()))
    )
    traces, calls = scored(columns, indicator=True)
    assert ((traces["flags"][np.abs(traces["time_h"] - EVERY_H * WHEN) < 0.5] & 16384) > 0).all()
    assert not np.isfinite(calls["called_at_h"]).any()


@pytest.mark.parametrize("deaths", [0, 4])
def test_channels_that_stay_exchanged_kill_nobody_also_where_some_die(deaths):
    columns, _ = table(3)
    time_h, ids = columns["time_h"], columns["neuron_id"]
    later = time_h >= EVERY_H * WHEN - 1e-9
    swapped = {
        f"{name}{end}": np.where(later, columns[f"{other}{end}"], columns[f"{name}{end}"])
        for name, other in (("signal", "reference"), ("reference", "signal"))
        for end in ("", "_sd")
    }
    dead = (time_h >= EVERY_H * (WHEN + 4)) & (ids < deaths)
    swapped["reference"][dead] *= 4.0  # where the indicator is now
    _, calls = scored(columns | swapped, indicator=True)
    assert not (calls["outcome"] == "dead").any()
    assert (calls["loss_reason"] == "field_fault").mean() > 0.8


def test_exchanged_channels_are_so_until_neurons_go_with_what_they_were():
    rng = np.random.default_rng(1)
    before = rng.normal(0.0, 0.4, 30)
    some_die = -before + np.where(np.arange(30) < 8, 1.2 + before, 0.0)
    assert alike.is_other_channel(before, -before, 0.05)
    assert not alike.is_other_channel(before, some_die, 0.05)
    assert alike.is_other_channel(before, some_die, 0.05, already=True)
    for back in (before, before + np.log(3.0) + rng.normal(0.0, 0.2, 30)):
        assert not alike.is_other_channel(before, back, 0.05, already=True)


@pytest.mark.parametrize("light", [None, between(0.4, visits=FOR_GOOD), between(0.0, visits=3)])
def test_a_restart_is_exact_and_a_table_cut_short_gives_the_same_calls(light):
    columns, _ = table(9, neurons=20, fields=2, indicator=False, dies=1, light=light)
    _, whole = scored(columns, indicator=False)
    short = columns["time_h"] < EVERY_H * 22
    _, cut = scored({k: v[short] for k, v in columns.items()}, indicator=False)
    early = np.where(whole["called_at_h"] < EVERY_H * 22, whole["called_at_h"], np.nan)
    np.testing.assert_array_equal(early, cut["called_at_h"])
    one, again = Scorer(None, "loss_of_fill"), Scorer(None, "loss_of_fill")
    for k in range(VISITS):
        for field in range(2):
            rows = (columns["field"] == field) & (
                np.abs(columns["time_h"] - EVERY_H * k - 0.01 * field) < 0.004
            )
            given = {n: columns[n][rows] for n in ("neuron_id", "signal", "signal_sd")}
            where = np.full(int(rows.sum()), f"/{field}")
            called = [
                s.push(float(columns["time_h"][rows][0]), **given, well=where, field=where)
                for s in (one, again)
            ]
            np.testing.assert_array_equal(*called)
            fresh = Scorer(None, "loss_of_fill")
            fresh.restore(again.state())
            again = fresh


def test_channels_that_were_exchanged_and_are_back_leave_nothing_behind():
    """Few are left, and die: they are believed as if no channels had ever been exchanged."""
    doubts = []
    for exchanged in (False, True):
        rng, light = np.random.default_rng(2), accidents.Accidents(rises=True)
        ratio = np.exp(rng.normal(0.0, 0.4, 12))
        fold = np.exp(rng.normal(np.log(3.0), 0.35, 12))
        for visit in range(16):
            noise = np.exp(0.03 * rng.normal(size=12))
            signal, fill = 300.0 * ratio * noise, np.full(12, 300.0)
            if exchanged and visit == 8:
                signal, fill = fill, signal
            if visit == 15:
                signal *= fold
            living = np.arange(12) < (12 if visit < 12 else 5)
            sd, nan = np.full(12, 9.0), np.full(12, np.nan)
            rows = np.arange(12)
            seen = accidents.Seen(rows, 0 * rows, living, signal, sd, fill, sd, nan, nan)
            verdict = light.judge(EVERY_H * visit, seen)
            assert not (visit == 8 and exchanged) or verdict.doubt.all()
        doubts.append(verdict.doubt[:5].any())
    assert doubts == [False, False]
