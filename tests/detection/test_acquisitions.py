"""A change of optics: each acquisition has a detector of its own, and no neuron is lost by it."""

import numpy as np
import pytest

from livedeath.detection import Scorer, Scorers, score_traces
from livedeath.errors import TableError

N, VISITS, BRIGHTER = 40, 12, 4.0
DIES, AT_H = 7, 5.0


def table(seed=5):
    """Return traces of a well before and after a brighter objective; one neuron dies in each."""
    rng = np.random.default_rng(seed)
    parts = []
    for acquisition, gain in enumerate((1.0, BRIGHTER)):
        t = np.arange(VISITS)
        hours = 1.0 * t + acquisition * VISITS
        level = gain * 500.0 * np.exp(rng.normal(0, 0.3, N))
        dead = (np.arange(N)[:, None] == DIES) & (t >= AT_H)
        signal = (
            level[:, None] * np.where(dead, 4.0, 1.0) * (1 + 0.05 * rng.normal(size=(N, VISITS)))
        )
        ids = np.arange(N) + 1 + acquisition * N
        parts.append(
            {
                "neuron_id": np.repeat(ids, VISITS),
                "time_h": np.tile(hours, N),
                "signal": signal.ravel(),
                "well": np.full(N * VISITS, "B2"),
                "field": np.zeros(N * VISITS, np.int64),
                "acquisition": np.full(N * VISITS, acquisition),
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@pytest.fixture(scope="module")
def scored():
    return score_traces(table())


def test_only_who_dies_is_called_and_nobody_is_lost(scored):
    calls = scored[1]
    assert calls["neuron_id"].tolist() == list(range(1, 2 * N + 1))
    expected = ["dead" if n % N == DIES else "alive" for n in range(2 * N)]
    assert calls["outcome"].tolist() == expected
    np.testing.assert_array_equal(calls["acquisition"], np.repeat([0, 1], N))


def test_the_living_are_watched_to_the_last_visit_of_their_acquisition(scored):
    calls = scored[1]
    alive = calls["outcome"] == "alive"
    for acquisition, (first, last) in enumerate(((0, 11), (12, 23))):
        own = calls["acquisition"] == acquisition
        assert set(calls["last_alive_h"][own & alive]) == {last}
        assert set(calls["entry_h"][own]) == {first}


def test_without_the_column_the_change_looks_like_mass_loss():
    blind = {name: values for name, values in table().items() if name != "acquisition"}
    outcome = score_traces(blind)[1]["outcome"]
    assert (outcome[:N] == "lost").sum() == N - 1


def test_visits_are_counted_anew(scored):
    traces = scored[0]
    assert np.all(np.diff(traces["time_h"]) >= 0)
    np.testing.assert_array_equal(traces["t"], traces["time_h"] % VISITS)


def noisier(seed):
    """Return traces of 60 living neurons, seven times the noise after the change of optics."""
    rng = np.random.default_rng(seed)
    n, visits = 60, 60
    level = 500.0 * np.exp(rng.normal(0, 0.3, (2, n, 1)))
    noise = np.array([0.04, 0.3])[:, None, None] * rng.normal(size=(2, n, visits))
    hours = np.arange(2.0 * visits).reshape(2, 1, visits)
    ids = np.arange(2 * n).reshape(2, n, 1) + 1
    shape = (2, n, visits)
    columns = {
        "neuron_id": np.broadcast_to(ids, shape),
        "time_h": np.broadcast_to(hours, shape),
        "signal": level * np.exp(noise),
        "acquisition": np.broadcast_to(np.arange(2)[:, None, None], shape),
    }
    return {name: values.ravel() for name, values in columns.items()}


def false_deaths(columns):
    return int(np.isfinite(score_traces(columns)[1]["called_at_h"]).sum())


def test_what_was_learnt_with_other_optics_calls_nobody_dead():
    tables = [noisier(seed) for seed in (1, 2, 3)]
    blind = [{name: v for name, v in c.items() if name != "acquisition"} for c in tables]
    assert sum(map(false_deaths, tables)) <= 1  # 900 neuron-days at one per thousand
    assert sum(map(false_deaths, blind)) > 4


def push(scorers, columns, hours):
    """Push the visits of some hours; return who is called."""
    called = []
    for hour in hours:
        rows = columns["time_h"] == hour
        acquisition = int(columns["acquisition"][rows][0])
        named = {name: columns[name][rows] for name in ("neuron_id", "signal", "well")}
        called += scorers.of(acquisition).push(float(hour), **named).tolist()
    return called


@pytest.mark.parametrize("cut", [0, 9, 12, 15])
def test_a_restart_changes_nothing(cut):
    columns, hours = table(), np.arange(2 * VISITS)
    whole, first, second = (Scorers(Scorer) for _ in range(3))
    expected = push(whole, columns, hours)
    called = push(first, columns, hours[:cut])
    second.restore(first.state())
    assert called + push(second, columns, hours[cut:]) == expected == [DIES + 1, N + DIES + 1]
    one, other = whole.calls(columns), second.calls(columns)
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def test_streaming_equals_the_table(scored):
    scorers = Scorers(Scorer)
    push(scorers, table(), np.arange(2 * VISITS))
    for name, values in scorers.calls(scored[0]).items():
        np.testing.assert_array_equal(values, scored[1][name], err_msg=name)


@pytest.mark.parametrize("way", ["table", "stream"])
def test_calls_are_in_order_of_neurons_whatever_their_acquisition(way):
    columns = table()
    columns["neuron_id"] = 2 * N + 1 - columns["neuron_id"]
    scorers = Scorers(Scorer)
    push(scorers, columns, np.arange(2 * VISITS))
    calls = score_traces(columns)[1] if way == "table" else scorers.calls(columns)
    assert calls["neuron_id"].tolist() == list(range(1, 2 * N + 1))
    assert np.flatnonzero(calls["outcome"] == "dead").tolist() == [N - 1 - DIES, 2 * N - 1 - DIES]


def test_nothing_pushed_is_nothing_called():
    empty = {name: values[:0] for name, values in table().items()}
    assert Scorers(Scorer).calls(empty)["neuron_id"].size == 0


def test_a_wrong_table_is_refused_in_any_acquisition():
    columns = table()
    with pytest.raises(TableError, match="already given"):
        score_traces({name: np.concatenate([v, v[-1:]]) for name, v in columns.items()})
