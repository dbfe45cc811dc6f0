"""A call is taken back where a neuron came back, and nowhere else: known truth."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from livedeath.detection import revocation, score_traces
from livedeath.detection.learning import ENDPOINTS
from livedeath.kernels.baseline import Noise
from livedeath.kernels.onset import Trace

INTERVALS_H = (0.25, 1.0, 6.0)
QUIET_VISITS = 40
AFTER_VISITS = 15
LEAK_H = (1.0, 2.0, 4.0, 8.0, 16.0, 24.0)


@dataclass(frozen=True)
class Course:
    """What one neuron does: the course of its indicator's ratio and of its fill, per visit."""

    ratio: np.ndarray
    fill: np.ndarray
    onset: int

    def ending(self, visits):
        """Return the course as it was when the recording ended."""
        return replace(self, ratio=self.ratio[:visits], fill=self.fill[:visits])


def transient(fold, long, after=AFTER_VISITS, onset=QUIET_VISITS):
    ratio = np.ones(onset + long + after)
    ratio[onset : onset + long] = fold
    return Course(ratio, np.ones(ratio.size), onset)


def death(rng, dt, *, leak_h=np.inf, fill_leak_h=np.inf, cleared=False, visits=None):
    """Rise of fold about 3 within about half an hour; then it leaks, or is cleared."""
    onset = QUIET_VISITS
    visits = visits or onset + max(30, int(72.0 / dt))
    time_h = np.arange(visits) * dt
    start = time_h[onset] - rng.uniform(0.0, dt)
    age = np.maximum(time_h - start, 0.0)
    fold = max(1.5, 3.0 * np.exp(rng.normal(0.0, 0.35)))
    rise = max(0.1, 0.5 * np.exp(rng.normal(0.0, 0.7)))
    wait = rng.choice([0.0, rng.exponential(6.0)])
    leaking = np.maximum(age - wait, 0.0)
    ratio = (1.0 + (fold - 1.0) * (1.0 - np.exp(-age / rise))) * np.exp(-leaking / leak_h)
    fill = np.exp(-leaking / fill_leak_h)
    if cleared:
        fill = fill * (age < rng.uniform(4.0, 24.0))
    return Course(ratio, fill, onset)


def table(courses, dt, *, reference, seed, living=40, sd=True, electrons=300.0):
    """Return the traces of some neurons among quiet ones, with photon and read noise."""
    rng = np.random.default_rng(seed)
    longest = max(course.ratio.size for course in courses)
    quiet = [Course(np.ones(longest), np.ones(longest), 0)] * living
    parts = {name: [] for name in ("neuron_id", "time_h", "signal", "signal_sd")}
    if reference:
        parts |= {"reference": [], "reference_sd": []}
    for neuron, course in enumerate([*courses, *quiet]):
        m = course.ratio.size
        time_h = np.arange(m) * dt
        steps = rng.normal(0.0, 0.08 * np.sqrt(1.0 - np.exp(-dt / 6.0)), m)
        wander = np.zeros(m)
        for k in range(1, m):
            wander[k] = np.exp(-dt / 12.0) * wander[k - 1] + steps[k]
        bright = electrons * max(np.exp(rng.normal(0.0, 0.7)), 0.5)
        focus = np.exp(rng.normal(0.0, 0.1, m)) if reference else np.ones(m)
        level = np.exp(rng.normal(0.0, 0.31) + wander + rng.normal(0.0, 0.05, m))
        # What is cleared or detached takes the indicator with it.
        there = np.where(course.fill > 0.0, 1.0, 0.0)
        light = bright * level * course.ratio * there * focus
        noise = np.sqrt(light + 150.0 + 26.0**2)
        parts["neuron_id"].append(np.full(m, neuron))
        parts["time_h"].append(time_h)
        parts["signal"].append(light + rng.normal(0.0, noise))
        parts["signal_sd"].append(noise)
        if reference:
            light = 4.0 * bright * course.fill * focus
            noise = np.sqrt(light + 150.0 + 26.0**2)
            parts["reference"].append(light + rng.normal(0.0, noise))
            parts["reference_sd"].append(noise)
    columns = {name: np.concatenate(values) for name, values in parts.items()}
    return columns if sd else {k: v for k, v in columns.items() if not k.endswith("_sd")}


def scored(courses, dt, **more):
    """Return the calls of the neurons of some courses, and which were called in time."""
    calls = score_traces(table(courses, dt, **more))[1]
    calls = {name: values[: len(courses)] for name, values in calls.items()}
    onset_h = np.array([course.onset for course in courses]) * dt
    return calls, calls["called_at_h"] >= onset_h - dt


TRANSIENTS = [transient(fold, long) for fold in (2.0, 3.0, 5.0, 10.0) for long in (2, 6)] * 3


@pytest.mark.parametrize("sd", [True, False], ids=["sd", "no sd"])
@pytest.mark.parametrize("reference", [True, False], ids=["fill", "alone"])
@pytest.mark.parametrize("dt", INTERVALS_H)
def test_a_transient_that_recovers_is_taken_back(dt, reference, sd):
    calls, called = scored(TRANSIENTS, dt, reference=reference, sd=sd, electrons=1000.0, seed=3)
    assert called.sum() > 12
    revoked_h, called_h = calls["revoked_at_h"][called], calls["called_at_h"][called]
    back = np.isfinite(revoked_h)
    assert back.mean() >= 0.95
    assert (revoked_h[back] > called_h[back]).all()
    for name in ("death_h", "death_low_h", "death_high_h", "first_dead_h"):
        assert np.isnan(calls[name][called][back]).all()
    assert set(calls["outcome"][called][back]) <= {"alive", "lost"}
    assert (calls["p_dead"][called][back] <= 1e-3).all()
    seen_h = np.array([course.ratio.size - 1 for course in TRANSIENTS]) * dt
    np.testing.assert_allclose(calls["last_alive_h"][called][back], seen_h[called][back])


@pytest.mark.parametrize("reference", [True, False], ids=["fill", "alone"])
@pytest.mark.parametrize("dt", INTERVALS_H)
def test_a_death_is_not_taken_back_whatever_becomes_of_the_corpse(dt, reference):
    rng = np.random.default_rng(int(100 * dt) + reference)
    courses = []
    for leak_h in LEAK_H * 3:
        leaks = (np.inf, leak_h, 2.0 * leak_h, 0.5 * leak_h) if reference else (np.inf,) * 2
        courses += [death(rng, dt, leak_h=leak_h, fill_leak_h=fill) for fill in leaks]
    courses += [death(rng, dt, cleared=True) for _ in range(20)]
    courses += [death(rng, dt) for _ in range(10)]
    # The recording may end at any time after the death.
    courses = [
        course.ending(
            course.onset + int(np.geomspace(2, course.ratio.size - course.onset, 9)[k % 9])
        )
        for k, course in enumerate(courses)
    ]
    calls, called = scored(courses, dt, reference=reference, seed=5)
    assert called.sum() > 30
    assert np.isfinite(calls["revoked_at_h"][called]).sum() <= 0.01 * called.sum()
    assert (calls["outcome"][called] == "dead").mean() >= 0.99


def test_alone_a_signal_must_stay_at_the_baseline_for_fifteen_visits():
    for after, back in ((14, False), (15, True)):
        courses = [transient(4.0, 3, after) for _ in range(10)]
        calls, called = scored(courses, 1.0, reference=False, seed=7)
        assert called.all()
        taken_back = np.isfinite(calls["revoked_at_h"])
        assert (taken_back.mean() > 0.8) == back
        assert (calls["p_dead"][~taken_back] > 0.4).all()


def test_where_the_fill_went_away_a_call_stands():
    there = [transient(4.0, 3, 25) for _ in range(10)]
    gone = [
        replace(c, fill=np.where(np.arange(c.fill.size) < c.onset + 3, 1.0, 0.3)) for c in there
    ]
    kept, called = scored(there, 1.0, reference=True, seed=8)
    assert np.isfinite(kept["revoked_at_h"][called]).all()
    # The ratio is back at the baseline all the same: the indicator went with the fill.
    dimmed = [replace(c, ratio=c.ratio * c.fill) for c in gone]
    calls, called = scored(dimmed, 1.0, reference=True, seed=8)
    assert called.all()
    assert np.isnan(calls["revoked_at_h"]).all()
    assert set(calls["outcome"]) == {"dead"}
    assert (calls["p_dead"] > 0.4).all()
    assert np.median(calls["p_dead"]) > 0.8


def _joined(first, second):
    return Course(
        np.concatenate([first.ratio, second.ratio]),
        np.concatenate([first.fill, second.fill]),
        first.ratio.size + second.onset,
    )


def test_who_dies_after_a_transient_is_dead_with_the_later_onset():
    rng = np.random.default_rng(2)
    courses = [_joined(transient(4.0, 3, 5), death(rng, 1.0, visits=70)) for _ in range(12)]
    calls = score_traces(table(courses, 1.0, reference=True, seed=9))[1]
    first = np.isfinite(calls["called_at_h"][:12])
    assert first.sum() >= 10
    assert (calls["called_at_h"][:12][first] < QUIET_VISITS + 10).all()
    assert (calls["outcome"][:12] == "dead").all()
    onset_h = np.array([course.onset for course in courses])
    np.testing.assert_allclose(calls["death_h"][:12], onset_h, atol=2.5)
    assert np.isnan(calls["revoked_at_h"][:12]).all()


def test_who_has_two_transients_lives():
    courses = [_joined(transient(4.0, 3, 10), transient(3.0, 2, 20)) for _ in range(12)]
    calls, called = scored(courses, 1.0, reference=True, seed=10)
    called = np.isfinite(calls["called_at_h"])
    assert called.sum() >= 10
    assert (calls["outcome"][called] == "alive").mean() > 0.9


def test_later_visits_never_move_a_call():
    courses = [transient(4.0, 3, 25) for _ in range(8)]
    columns = table(courses, 1.0, reference=True, seed=11)
    whole = score_traces(columns)[1]
    until_h = QUIET_VISITS + 5
    cut = {name: values[columns["time_h"] < until_h] for name, values in columns.items()}
    part = score_traces(cut)[1]
    by_then = np.where(whole["called_at_h"] < until_h, whole["called_at_h"], np.nan)
    np.testing.assert_array_equal(part["called_at_h"], by_then)
    assert (part["outcome"][:8] == "dead").all()
    assert (whole["outcome"][:8] == "alive").all()


def test_a_fill_that_comes_back_takes_a_loss_of_fill_back():
    dips = [transient(0.1, 4, 20) for _ in range(10)]
    lost = [
        Course(np.where(np.arange(64) < QUIET_VISITS, 1.0, 0.1), np.ones(64), QUIET_VISITS)
    ] * 10
    columns = table(dips + lost, 1.0, reference=False, seed=12)
    calls = score_traces(columns, endpoint="loss_of_fill")[1]
    called = np.isfinite(calls["called_at_h"])
    assert called[:20].sum() >= 18
    assert np.isfinite(calls["revoked_at_h"][:10]).sum() > 0.8 * called[:10].sum()
    assert np.isnan(calls["revoked_at_h"][10:20]).all()


NOISE = Noise(
    0.05, 0.08, 12.0, 0.004, 0.00125, 1.0, 0.31, 1e-3, 1e-5,
    np.array([0.02]), 0.05, 1.0, 100.0, 4e-5,
)  # fmt: skip
RISE = ENDPOINTS["indicator_rise"]
DEATH = revocation.Death(RISE.amplitude, RISE.amplitude_sd, RISE.tau_h, RISE.tau_prior)


def _verdict(values, called_h, reference=None, noise=NOISE):
    n = len(values)
    rng = np.random.default_rng(0)
    value = np.array(values) * np.exp(rng.normal(0.0, 0.05, n))
    trace = Trace(np.arange(float(n)), value, np.ones(n), np.zeros(n), np.zeros(n), np.zeros(n))
    return revocation.judge(trace, reference, called_h, noise, DEATH, np.log(1000.0))


@pytest.mark.parametrize("called_h", [0.0, 1.0, 11.0])
def test_a_trace_that_tells_nothing_changes_nothing(called_h):
    verdict = _verdict([1.0] * 10 + [3.0, 3.0], called_h)
    assert np.isnan(verdict.revoked_h)
    assert verdict.called_h == called_h
    assert verdict.came_back < 0.5


def test_noise_that_is_no_number_changes_nothing():
    values = [1.0] * 30 + [4.0] * 3 + [1.0] * 20
    assert np.isnan(_verdict(values, 30.0, noise=NOISE._replace(scale=np.nan)).revoked_h)
    assert np.isfinite(_verdict(values, 30.0).revoked_h)


def test_a_return_to_another_level_is_none():
    own, other = ([1.0] * 30 + [4.0] * 3 + [level] * 20 for level in (1.0, 1.8))
    assert np.isfinite(_verdict(own, 30.0).revoked_h)
    assert np.isnan(_verdict(other, 30.0).revoked_h)


def test_a_death_that_stays_stands_also_where_the_living_lie_near_zero():
    # A background of half the median brightness was taken away too much: a sixth are below zero.
    rng = np.random.default_rng(2)
    time_h = np.arange(0.0, 100.0, 0.25)
    light = 300.0 * np.exp(np.clip(rng.normal(0.0, 0.7, (120, 1)), -0.7, None))
    onset_h = np.where(np.arange(120) < 60, rng.uniform(20.0, 40.0, 120), np.inf)[:, np.newaxis]
    age = np.clip(time_h - onset_h, 0.0, None)
    wander = np.zeros((120, time_h.size))
    for k in range(1, time_h.size):
        wander[:, k] = np.exp(-0.25 / 12.0) * wander[:, k - 1] + rng.normal(0.0, 0.012, 120)
    light = light * np.exp(wander) * (1.0 + 2.0 * (1.0 - np.exp(-age / 0.5)))
    signal = rng.poisson(light) + rng.normal(0.0, 30.0, light.shape) - 150.0
    columns = {
        "neuron_id": np.repeat(np.arange(120), time_h.size),
        "time_h": np.tile(time_h, 120),
        "signal": signal.ravel(),
    }
    calls = score_traces(columns)[1]
    called = calls["called_at_h"] >= onset_h[:, 0]
    assert called.sum() >= 50
    assert np.isnan(calls["revoked_at_h"][called]).all()
