"""A death that is called too early, by what passes, is dated by what stays."""

import numpy as np
import pytest

from livedeath.detection import score_traces
from livedeath.detection.accidents import Accidents, Seen

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
