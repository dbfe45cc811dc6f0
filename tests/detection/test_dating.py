"""A death that is called too early, by what passes, is dated by what stays."""

import numpy as np
import pytest

from livedeath.detection import Scorer, Scorers, afterwards, score_traces
from livedeath.detection.accidents import Accidents, Seen
from livedeath.model.settings import AnalysisSettings

VISITS, EVERY_H, NEURONS, SD = 120, 0.5, 30, 0.15
FLASHES, RETURNS = 60, 8


def _table(*, dies: int | None, flash: float, seed: int) -> dict[str, np.ndarray]:
    """Return a plate of which the first neuron flashes for two visits and may die later."""
    rng = np.random.default_rng(seed)
    time_h = EVERY_H * np.arange(VISITS)
    level = np.exp(rng.normal(0.0, 0.3, (NEURONS, 1))) * np.ones(VISITS)
    level[0, FLASHES : FLASHES + 2] *= flash
    if dies is not None:
        onset_h = time_h[dies] - 0.2
        level[0, dies:] *= 1.0 + 2.0 * (1.0 - np.exp(-(time_h[dies:] - onset_h) / 0.5))
    value = level * (1.0 + SD * rng.normal(size=level.shape))
    return {
        "neuron_id": np.repeat(np.arange(NEURONS), VISITS),
        "time_h": np.tile(time_h, NEURONS),
        "signal": 1000.0 * value.ravel(),
        "signal_sd": np.full(value.size, 1000.0 * SD),
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("flash", [4.0, 10.0])
def test_a_death_after_a_flash_is_dated_after_it(flash, seed):
    dies = FLASHES + 2 + RETURNS
    _, calls = score_traces(_table(dies=dies, flash=flash, seed=seed))
    onset_h = EVERY_H * dies - 0.2
    assert calls["called_at_h"][0] < onset_h - 2.0  # the flash was called, causally
    assert calls["outcome"][0] == "dead"
    assert abs(calls["death_h"][0] - onset_h) < 0.5
    assert calls["last_alive_h"][0] >= EVERY_H * (dies - 2)


def test_a_death_without_a_flash_is_dated_as_before():
    dies = FLASHES + 10
    _, calls = score_traces(_table(dies=dies, flash=1.0, seed=1))
    assert abs(calls["death_h"][0] - (EVERY_H * dies - 0.2)) < 0.5


@pytest.mark.parametrize(
    ("neurons", "left", "gain"),
    [(2, (0.45, 0.55), 0.0), (4, (0.45, 0.7), 0.0), (8, (0.45, 0.55), np.log(0.5))],
)
def test_few_neurons_that_fall_back_together_are_no_measure_of_the_light(neurons, left, gain):
    """Transients of a few neurons may end at one visit; those of eight are the lamp."""
    light = Accidents(rises=True)
    rows = np.arange(neurons)
    alive, nan = np.ones(neurons, np.bool_), np.full(neurons, np.nan)
    rng = np.random.default_rng(4)
    for visit in range(20):
        level = np.linspace(*left, neurons) if visit >= 15 else 1.0
        value = level * (1.0 + 0.06 * rng.normal(size=neurons))
        seen = Seen(rows, 0 * rows, alive, value, 0.06 * alive, None, nan, nan, nan)
        verdict = light.judge(EVERY_H * visit, seen)
    np.testing.assert_allclose(verdict.signal, gain, atol=0.1)


def _pushed(fields, visits):
    """Return detectors and all rows of fields of a plate in which half of the neurons die."""
    scorers = Scorers(lambda: Scorer(AnalysisSettings(), "indicator_rise", None))
    rng = np.random.default_rng(8)
    parts = []
    for t in range(visits):
        for field in range(fields):
            ids = 20 * field + np.arange(20)
            fold = np.where((np.arange(20) < 10) & (t > 20 + np.arange(20)), 3.0, 1.0)
            _push(scorers, parts, field, ids, t, 1000.0 * fold * (1.0 + 0.1 * rng.normal(size=20)))
    return scorers, parts


def _push(scorers, parts, field, ids, t, signal):
    rows = {"neuron_id": ids, "signal": signal, "signal_sd": np.full(ids.size, 100.0)}
    place = np.full(ids.size, f"p/A{field}", object)
    flags = np.zeros(ids.size, np.uint32)
    hour = EVERY_H * t + 0.01 * field
    scorers.of(0).push(
        hour, ids, signal=signal, signal_sd=rows["signal_sd"], well=place, field=place, flags=flags
    )
    more = {"time_h": np.full(ids.size, hour), "acquisition": np.zeros(ids.size, np.int64)}
    parts.append(rows | more | {"flags": flags})


def _table_of(parts):
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def test_while_a_study_is_followed_only_neurons_with_new_rows_are_dated_anew(monkeypatch):
    scorers, parts = _pushed(3, 60)
    dated = []
    real = afterwards.revocation.judge

    def judge(trace, *more, **named):
        dated.append(trace.time_h.size)
        return real(trace, *more, **named)

    monkeypatch.setattr(afterwards.revocation, "judge", judge)
    whole = scorers.calls(_table_of(parts))
    n = int(np.isfinite(whole["called_at_h"]).sum())
    assert n >= 25
    assert len(dated) == n
    dated.clear()
    again = scorers.calls(_table_of(parts), final=False)
    assert dated == []
    for name, column in whole.items():
        np.testing.assert_array_equal(again[name], column, err_msg=name)
    _push(scorers, parts, 1, 20 + np.arange(20), 60, np.full(20, 1000.0))
    provisional = scorers.calls(_table_of(parts), final=False)
    assert 0 < len(dated) <= 20
    assert set(dated) == {61}
    dated.clear()
    final = scorers.calls(_table_of(parts))
    assert len(dated) >= n
    np.testing.assert_allclose(provisional["death_h"], final["death_h"], atol=0.05)
    fresh = scorers.of(0)
    fresh.dated = afterwards.Dated()
    for name, column in scorers.calls(_table_of(parts)).items():
        np.testing.assert_array_equal(final[name], column, err_msg=name)
