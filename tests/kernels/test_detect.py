"""The detector's kernels against their readable twins."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from livedeath.detection.learning import ENDPOINTS, OUTLIERS, TRANSIENT_RATES
from livedeath.detection.record import empty_bank, empty_baselines
from livedeath.kernels import bank as templates
from livedeath.kernels import baseline, detect, onset
from reference import bank as slow_bank
from reference import baseline as slow_baseline
from reference import detect as slow_detect
from reference import onset as slow_onset

NOISE = baseline.Noise(
    0.05, 0.08, 12.0, 0.004, 0.00125, 1.0, 0.31, 0.01, 1e-3,
    np.linspace(0.05, 0.4, 8), 0.05, 1.1, 100.0, 4e-5,
)  # fmt: skip
SLOTS = 5
GIVEN_UP = 0.1
SINGLES = ("weight", "mean", "var")


def _state(n, endpoint):
    base = empty_baselines(n)
    return (
        base,
        empty_bank(n, SLOTS, endpoint.deaths),
        empty_bank(n, 3, endpoint.transients),
    )


def _lessons(n, endpoint):
    return np.zeros((n, len(OUTLIERS) + endpoint.transients.prior.size * TRANSIENT_RATES.size))


def _visits(seed, n, times, jump):
    """Return random visits: values about 1, one neuron that changes, one wild value."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(0.0, 0.3, n))
    for k, time_h in enumerate(times):
        rows = np.sort(rng.choice(n, rng.integers(1, n + 1), replace=False))
        value = level * np.exp(rng.normal(0.0, 0.1, n))
        if k > len(times) // 2:
            value[0] *= jump
        if k == 3:
            value[-1] *= rng.choice([-1.0, 0.1, 6.0])
        fixed = (0.05 + 0.1 * rng.random(n)) ** 2
        fill = np.exp(rng.normal(0.0, 0.05, n))
        columns = (value, fill, fixed, 0.5 * fixed, 0.1 * rng.random(n))
        yield rows, time_h, tuple(column[rows] for column in columns)


def _times(draw):
    steps = draw(st.lists(st.sampled_from([0.05, 0.25, 1.0, 4.0, 13.0]), min_size=5, max_size=9))
    return np.cumsum(steps).tolist()


@st.composite
def _cases(draw):
    name = draw(st.sampled_from(sorted(ENDPOINTS)))
    jump = draw(st.sampled_from([0.05, 0.7, 1.5, 4.0]))
    return draw(st.integers(0, 2**32 - 1)), ENDPOINTS[name], _times(draw), jump


def _slots(bank, name, r):
    """Return one array of a neuron's slots that are in use; what lies behind is left over."""
    return getattr(bank, name)[r, bank.order[r, : bank.used[r]]]


def _assert_same_banks(fast, slow):
    """Compare every template of every neuron: onset, weight, amplitude and response."""
    np.testing.assert_array_equal(fast.used, slow.used)
    for r in range(fast.used.size):
        for name in ("onset_h", "from_h", "until_h"):
            np.testing.assert_allclose(
                _slots(fast, name, r), _slots(slow, name, r), rtol=1e-12, atol=1e-12
            )
        np.testing.assert_allclose(_slots(fast, "mass", r), _slots(slow, "mass", r), rtol=2e-3)
        # Templates are kept in single precision: a weight is told to a part of its mass.
        mass = _slots(slow, "mass", r)[:, None]
        np.testing.assert_allclose(
            _slots(fast, "weight", r) / mass, _slots(slow, "weight", r) / mass, rtol=2e-3, atol=2e-3
        )
        for name in ("mean", "var", "response"):
            np.testing.assert_allclose(
                _slots(fast, name, r), _slots(slow, name, r), rtol=2e-3, atol=2e-3, err_msg=name
            )


def _assert_same_baselines(fast, slow):
    for name in fast._fields:
        np.testing.assert_allclose(
            getattr(fast, name), getattr(slow, name), rtol=1e-3, atol=1e-6, err_msg=name
        )


TIED = (479001600, ENDPOINTS["loss_of_fill"], [0.05, 0.1, 1.1, 1.35, 1.6], 0.05)
"""A wild value leaves two slots equally heavy just before one of them must go."""


@settings(max_examples=25, deadline=None)
@given(_cases())
@example(TIED)
def test_score_visit_equals_its_twin(case):
    seed, endpoint, times, jump = case
    fast, slow = _state(4, endpoint), _state(4, endpoint)
    told = _lessons(4, endpoint), _lessons(4, endpoint)
    for rows, time_h, columns in _visits(seed, 4, times, jump):
        shapes = (NOISE, endpoint.deaths, endpoint.transients, OUTLIERS, TRANSIENT_RATES)
        a = detect.score_visit(rows, time_h, *columns, *fast, *shapes, told[0])
        b = slow_detect.score_visit(rows, time_h, *columns, *slow, *shapes, told[1])
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-3)
        np.testing.assert_allclose(told[0], told[1], rtol=2e-3, atol=1e-3)
        _assert_same_baselines(fast[0], slow[0])
        for mine, theirs in zip(fast[1:], slow[1:], strict=True):
            _assert_same_banks(mine, theirs)


@pytest.mark.parametrize("name", ["weight", "mean", "var", "response", "onset_h", "mass"])
def test_a_template_that_differs_is_found_out(name):
    endpoint = ENDPOINTS["indicator_rise"]
    fast, slow = _state(2, endpoint), _state(2, endpoint)
    shapes = (NOISE, endpoint.deaths, endpoint.transients, OUTLIERS, TRANSIENT_RATES)
    for rows, time_h, columns in _visits(1, 2, [0.0, 0.5, 1.0, 1.5, 2.0], 1.5):
        detect.score_visit(rows, time_h, *columns, *fast, *shapes, _lessons(2, endpoint))
        detect.score_visit(rows, time_h, *columns, *slow, *shapes, _lessons(2, endpoint))
    _assert_same_banks(fast[1], slow[1])
    neuron = int(np.flatnonzero(slow[1].used)[0])
    getattr(slow[1], name)[neuron, slow[1].order[neuron, 0]] += 0.05
    with pytest.raises(AssertionError):
        _assert_same_banks(fast[1], slow[1])


@settings(max_examples=25, deadline=None)
@given(_cases())
def test_predict_visit_and_model_visit_equal_their_twins(case):
    seed, endpoint, times, jump = case
    base, *banks = _state(4, endpoint)
    white, drift = np.array([0.03, 0.1]), np.array([0.08, 0.05])
    fast = (np.zeros((4, 3, 2)), np.zeros((4, 6, 2)))
    slow = (np.zeros((4, 3, 2)), np.zeros((4, 6, 2)))
    for rows, time_h, columns in _visits(seed, 4, times, jump):
        arguments = (rows, time_h, *columns, base, NOISE)
        before = [column.copy() for column in base]
        np.testing.assert_allclose(
            baseline.predict_visit(*arguments), slow_baseline.predict_visit(*arguments), rtol=1e-9
        )
        np.testing.assert_allclose(
            baseline.model_visit(*arguments, white, drift, *fast),
            slow_baseline.model_visit(*arguments, white, drift, *slow),
            rtol=1e-7, atol=1e-7,
        )  # fmt: skip
        for mine, theirs in zip(fast, slow, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-12)
        for now, then in zip(base, before, strict=True):
            np.testing.assert_array_equal(now, then)
        shapes = (NOISE, endpoint.deaths, endpoint.transients, OUTLIERS, TRANSIENT_RATES)
        detect.score_visit(rows, time_h, *columns, base, *banks, *shapes, _lessons(4, endpoint))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.2, 1.0, 3.0]))
def test_onset_likelihood_equals_its_twin(seed, jump):
    rng = np.random.default_rng(seed)
    n = 12
    time_h = np.cumsum(rng.choice([0.25, 0.5, 2.0], n))
    value = np.where(np.arange(n) > 6, jump, 1.0) * np.exp(rng.normal(0, 0.1, n))
    columns = (
        np.exp(rng.normal(0, 0.05, n)), np.full(n, 0.01), np.zeros(n), np.full(n, 0.05),
    )  # fmt: skip
    onsets = rng.uniform(time_h[0], time_h[-1], 5)
    arguments = (time_h, value, *columns, NOISE, onsets, np.array([0.1, 1.0]), 2.0, 1.0)
    np.testing.assert_allclose(
        onset.onset_likelihood(*arguments), slow_onset.onset_likelihood(*arguments),
        rtol=1e-7, atol=1e-7,
    )  # fmt: skip


def test_weights_keep_their_expectation_when_slots_merge():
    """Values that say nothing (no light) leave R at the time watched."""
    endpoint = ENDPOINTS["indicator_rise"]
    base, deaths, transients = _state(1, endpoint)
    one = np.ones(1)
    for k in range(60):
        out = detect.score_visit(
            np.zeros(1, np.int64), 0.5 * k, one, one, 1e12 * one, 0 * one, 0 * one, base,
            deaths, transients, NOISE, endpoint.deaths, endpoint.transients, OUTLIERS,
            TRANSIENT_RATES, _lessons(1, endpoint),
        )  # fmt: skip
    assert deaths.used[0] == SLOTS
    assert deaths.weight[0].sum() == pytest.approx(59 * 0.5 / 24.0, rel=1e-3)
    assert out[0, 2] > 0.5


def test_a_bright_value_adds_weight_and_a_dark_one_takes_it():
    endpoint = ENDPOINTS["indicator_rise"]
    weights = {}
    for last in (0.9, 1.0, 2.0):
        base, deaths, transients = _state(1, endpoint)
        for k in range(20):
            value = np.array([last if k == 19 else 1.0])
            out = detect.score_visit(
                np.zeros(1, np.int64), 0.25 * k, value, np.ones(1), np.full(1, 1e-3),
                np.zeros(1), np.zeros(1), base, deaths, transients, NOISE, endpoint.deaths,
                endpoint.transients, OUTLIERS, TRANSIENT_RATES, _lessons(1, endpoint),
            )  # fmt: skip
        weights[last] = out[0, 0]
    assert weights[0.9] < weights[1.0] < weights[2.0]


EXTREMES = [-1e300, -1e30, -1.0, -1e-300, 0.0, 1e-300, 1e-12, 0.5, 1.0, 2.0, 1e6, 1e30, 1e300]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(ENDPOINTS)),
    st.lists(
        st.tuples(
            st.sampled_from(EXTREMES), st.sampled_from(EXTREMES),
            st.sampled_from([0.0, 1e-300, 1e-12, 1e-3, 1.0, 1e12, 1e300]),
            st.sampled_from([0.0, 1e-12, 1.0, 1e300]), st.sampled_from([0.0, 1e-9, 0.1, 1e12]),
            st.sampled_from([1e-9, 0.25, 12.0, 1e5]),
        ),
        min_size=2, max_size=12,
    ),
)  # fmt: skip
def test_no_finite_value_makes_a_result_that_is_not(name, values):
    endpoint = ENDPOINTS[name]
    base, deaths, transients = _state(1, endpoint)
    white, drift = np.array([0.03, 0.1]), np.array([0.08, 0.05])
    filters = (np.zeros((1, 3, 2)), np.zeros((1, 6, 2)))
    lessons, noise_lessons = _lessons(1, endpoint), np.zeros((1, 4))
    time_h, row = 0.0, np.zeros(1, np.int64)
    for value, fill, fixed, slope, relative, later in values:
        time_h += later
        columns = [np.full(1, v) for v in (value, fill, fixed, slope, relative)]
        models = baseline.model_visit(row, time_h, *columns, base, NOISE, white, drift, *filters)
        out = detect.score_visit(
            row, time_h, *columns, base, deaths, transients, NOISE, endpoint.deaths,
            endpoint.transients, OUTLIERS, TRANSIENT_RATES, lessons,
        )  # fmt: skip
        told = detect.release(row, out, models, 0.15, lessons, noise_lessons)
        assert np.isfinite(models).all()
        assert np.isfinite(out[:, 1:]).all()
        assert not np.isnan(out).any()
        assert all(np.isfinite(part).all() for part in told)
    for bank in (deaths, transients):
        for name in ("weight", "mean", "var", "response", "mass"):
            assert np.isfinite(_slots(bank, name, 0)).all(), name
    assert np.isfinite(base.state).all()
    assert np.isfinite(base.cov).all()


def test_twenty_precise_neurons_that_double_once_and_decay_end_no_run():
    """A difference of weights cancelled to 0 and was divided by."""
    endpoint = ENDPOINTS["indicator_rise"]
    n = 20
    base, deaths, transients = _state(n, endpoint)
    rows, lessons = np.arange(n), _lessons(n, endpoint)
    for k in range(80):
        value = np.full(n, 1.0 + np.exp(-(k - 40) / 4.0) if k >= 40 else 1.0)
        out = detect.score_visit(
            rows, 0.25 * k, value, np.ones(n), np.full(n, 0.005**2), np.zeros(n), np.zeros(n),
            base, deaths, transients, NOISE, endpoint.deaths, endpoint.transients, OUTLIERS,
            TRANSIENT_RATES, lessons,
        )  # fmt: skip
        assert not np.isnan(out).any()
        assert np.isfinite(lessons).all()


@pytest.mark.parametrize("factor", [1e60, 1e300])
def test_weights_that_grow_beyond_single_precision_stay_numbers(factor):
    """A neuron that comes back had been all but dead: 1e60 is more than single precision has."""
    endpoint = ENDPOINTS["indicator_rise"]
    bank = empty_bank(1, SLOTS, endpoint.deaths)
    bank.used[0], bank.mass[0], bank.weight[0, 0] = 1, 1e-3, 1e-20
    bank.weight[0, 0, 0] = 0.0
    templates.scale(bank, 0, -1.0, factor)
    assert bank.weight[0, 0, 0] == 0.0
    assert np.isfinite(bank.mass).all()
    assert bank.weight[0, 0, 1:] == pytest.approx(templates.HEAVIEST)


@pytest.mark.parametrize("gone_visits", [2, 6, 40, 120])
def test_a_neuron_that_comes_back_from_the_dead_ends_no_run(gone_visits):
    """Being alive weighs next to nothing while it is dead, and all again when it is back."""
    endpoint = ENDPOINTS["indicator_rise"]
    base, deaths, transients = _state(1, endpoint)
    lessons, row, one = _lessons(1, endpoint), np.zeros(1, np.int64), np.ones(1)
    weighed = []
    for k in range(400):
        gone = 100 <= k % 200 < 100 + gone_visits
        out = detect.score_visit(
            row, 0.25 * k, (6.0 if gone else 1.0) * one, one, 1e-4 * one, 0 * one, 0 * one, base,
            deaths, transients, NOISE, endpoint.deaths, endpoint.transients, OUTLIERS,
            TRANSIENT_RATES, lessons,
        )  # fmt: skip
        weighed.append(out[0, 4])
        assert np.isfinite(lessons).all()
        assert np.isfinite(base.alive).all()
    assert np.isfinite(weighed).all()
    assert weighed[99] > 0.9
    assert weighed[101] < 0.1


def test_single_precision_stays_by_its_twin_over_ten_thousand_visits():
    """The ln of the statistic stays within 0.01 of the twin's, which is in double precision."""
    endpoint, n_visits = ENDPOINTS["loss_of_fill"], 10_000
    value = np.random.default_rng(5).normal(1.0, 0.7, n_visits)
    said = []
    for score in (detect.score_visit, slow_detect.score_visit):
        base = empty_baselines(1)
        banks = empty_bank(1, 2, endpoint.deaths), empty_bank(1, 2, endpoint.transients)
        if score is slow_detect.score_visit:
            banks = [
                bank._replace(**{k: getattr(bank, k).astype(float) for k in SINGLES})
                for bank in banks
            ]
        lessons, one, row = _lessons(1, endpoint), np.ones(1), np.zeros(1, np.int64)
        said.append([
            score(
                row, 0.25 * k, value[k : k + 1], one, 0.5 * one, 0 * one, 0 * one, base, *banks,
                NOISE, endpoint.deaths, endpoint.transients, OUTLIERS[:1], TRANSIENT_RATES[:1],
                lessons,
            )[0, 0]
            for k in range(n_visits)
        ])  # fmt: skip
    singly, doubly = np.array(said)
    # Where nothing speaks for death all templates are given up, one of the two a visit sooner.
    weighed = doubly > np.log(GIVEN_UP * 0.25 / 24.0)
    weighed[0] = False
    assert weighed.mean() > 0.9
    np.testing.assert_allclose(singly[weighed], doubly[weighed], atol=0.01)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_release_and_shares_equal_their_twins(seed):
    rng = np.random.default_rng(seed)
    rows, out = np.array([2, 0]), np.abs(rng.normal(size=(2, 5)))
    out[:, 4] = rng.random(2)
    models = rng.normal(size=(2, 3))
    fast = rng.normal(size=(4, 6)), rng.normal(size=(4, 5))
    slow = tuple(part.copy() for part in fast)
    a = detect.release(rows, out, models, 0.15, *fast)
    b = slow_detect.release(rows, out, models, 0.15, *slow)
    for mine, theirs in zip((*a, *fast), (*b, *slow), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)
    endpoint = ENDPOINTS["indicator_rise"]
    bank = empty_bank(3, SLOTS, endpoint.deaths)
    bank.used[:] = 0, 2, SLOTS
    bank.weight[:] = rng.random(bank.weight.shape)
    rows = np.arange(3)
    np.testing.assert_allclose(
        detect.share_of_templates(bank, rows), slow_detect.share_of_templates(bank, rows), rtol=1e-5
    )
    assert detect.share_of_templates(bank, rows).sum() == pytest.approx(2.0)


def _transients(seed, n=3):
    """Return a bank of transients of which some slots are in use, in any order."""
    rng = np.random.default_rng(seed)
    bank = empty_bank(n, SLOTS, ENDPOINTS["indicator_rise"].transients)
    bank.used[:] = rng.integers(0, SLOTS + 1, n)
    bank.order[:] = rng.permuted(bank.order, axis=1)
    bank.weight[:] = rng.random(bank.weight.shape)
    return bank


@pytest.mark.parametrize("seed", range(5))
def test_passing_equals_its_twin(seed):
    bank, rows = _transients(seed), np.array([2, 0, 1])
    mine = detect.passing(rows, bank, NOISE.transients_per_day)
    theirs = slow_detect.passing(rows, bank, NOISE.transients_per_day)
    np.testing.assert_allclose(mine, theirs, rtol=1e-6)


@pytest.mark.parametrize("at", range(SLOTS))
def test_drop_equals_its_twin(at):
    mine, theirs = _transients(1), _transients(1)
    for bank, module in ((mine, templates), (theirs, slow_bank)):
        bank.used[:] = SLOTS
        module.drop(bank.order, bank.used, 1, at)
    np.testing.assert_array_equal(mine.order, theirs.order)
    np.testing.assert_array_equal(mine.used, [SLOTS, SLOTS - 1, SLOTS])
