import numpy as np
import pytest

from livedeath.simulation import signal
from livedeath.simulation.culture import Culture, Tile, join
from livedeath.simulation.fate import Fates
from livedeath.simulation.parameters import SignalParameters
from simulation.small_world import parameters, study


def neurons(reach=5):
    given = parameters()
    span = range(-reach, reach + 1)
    culture = Culture(given, "p", "96-well")
    return join([culture.neurons(Tile("B2", i, j)) for i in span for j in span])


def fates(n, death_h):
    death = np.full(n, death_h)
    never = np.full(n, np.inf)
    return Fates(death, np.zeros(n, np.int64), death + 1, never, never)


def test_a_wandering_value_has_the_declared_memory():
    all_of = neurons()
    values = [signal.drift(all_of, t, tau_h=10.0, which=1) for t in (0.0, 10.0, 40.0)]
    assert np.std(values[0]) == pytest.approx(1.0, rel=0.05)
    assert np.corrcoef(values[0], values[1])[0, 1] == pytest.approx(np.exp(-1), abs=0.08)
    assert np.corrcoef(values[0], values[2])[0, 1] == pytest.approx(0.0, abs=0.1)


def test_neurons_move_as_measured():
    all_of = neurons()
    p = parameters().stage
    living = fates(all_of.number.size, np.inf)
    y0, x0 = signal.place_um(all_of, living, 0.0, p)
    y1, x1 = signal.place_um(all_of, living, 24.0, p)
    moved = np.hypot(y1 - y0, x1 - x0)
    np.testing.assert_array_equal(y0, all_of.y_um)
    assert np.median(moved) == pytest.approx(1.6, rel=0.2)
    assert np.percentile(moved, 95) == pytest.approx(11, rel=0.25)


def test_the_dead_stay_where_they_died():
    all_of = neurons(1)
    p = parameters().stage
    dead = fates(all_of.number.size, 5.0)
    at_death, later = (signal.place_um(all_of, dead, hour, p) for hour in (5.0, 50.0))
    np.testing.assert_array_equal(at_death, later)
    assert not np.array_equal(at_death, signal.place_um(all_of, dead, 4.0, p))


def test_the_live_ratio_differs_between_neurons_as_measured():
    ratio = signal.live_ratio(neurons(), 0.0, SignalParameters(transients_per_day=0))
    assert np.std(np.log(ratio)) == pytest.approx(np.hypot(0.31, 0.08), rel=0.1)


def test_the_fold_rises_from_the_onset_on():
    all_of = neurons(1)
    p = SignalParameters()
    dying = fates(all_of.number.size, 5.0)
    np.testing.assert_array_equal(signal.death_fold(all_of, dying, 5.0, p), 1.0)
    late = signal.death_fold(all_of, dying, 200.0, p)
    np.testing.assert_allclose(late, signal.fold(all_of, p))
    assert (signal.death_fold(all_of, dying, 5.5, p) < late).all()


def test_the_mean_fold_is_the_declared_one():
    assert signal.fold(neurons(), SignalParameters(fold=3)).mean() == pytest.approx(3, rel=0.05)


def test_transients_rise_and_pass():
    all_of = neurons()
    p = SignalParameters(transients_per_day=1.0)
    rises = np.array([signal.transients(all_of, t, p) for t in np.arange(0, 48, 0.25)])
    assert rises.min() >= 0
    assert np.mean(rises.max(0) > 0.1) > 0.5
    assert np.mean(rises) == pytest.approx(0.3 * 0.5 / 24, rel=0.3)


def test_without_transients_there_are_none():
    assert signal.transients(neurons(1), 30.0, SignalParameters(transients_per_day=0)).max() == 0


def test_the_fill_leaks_after_rupture_only():
    p = parameters().death
    dying = fates(4, 5.0)
    np.testing.assert_array_equal(signal.retained(dying, 6.0, p), 1.0)
    assert signal.retained(dying, 12.0, p) == pytest.approx([0.04 + 0.96 * np.exp(-1)] * 4)


def test_what_floated_away_or_was_cleared_gives_no_light():
    gone = fates(2, 1.0)._replace(detach_h=np.array([4.0, np.inf]), cleared_h=np.array([99, 8.0]))
    np.testing.assert_array_equal(signal.present(gone, 3.0), [1, 1])
    np.testing.assert_array_equal(signal.present(gone, 4.0), [0, 1])
    np.testing.assert_array_equal(signal.present(gone, 11.0), [0, 0])


@pytest.mark.parametrize(("role", "rises"), [("indicator", True), ("dye", True), ("fill", False)])
def test_each_role_shows_death_in_its_way(role, rises):
    all_of = neurons(1)
    channel = study().channels[0].replace(role=role)
    given = parameters()
    light = [
        signal.electrons(
            channel,
            all_of,
            fates(all_of.number.size, 5.0),
            hour,
            signal=given.signal,
            death=given.death,
            median_radius_um=8.1,
        )
        for hour in (4.9, 8.0)
    ]
    assert (np.median(light[1]) > np.median(light[0])) == rises
