"""Who is at risk: what is like the culture from the start, and what has shown itself later."""

import numpy as np
import pytest

from livedeath.analysis import risk

RNG = np.random.default_rng(3)
AREA = 140.0 * np.exp(RNG.normal(0.0, 0.3, 20))
LIGHT = 20.0 * AREA * np.exp(RNG.normal(0.0, 0.2, 20))
IDS = np.arange(1, 21)


def begun():
    """Return one that has met a culture of twenty."""
    made = risk.AtRisk(16.0)
    assert not push(made, IDS, AREA, LIGHT, first=True).any()
    return made


def push(made, ids, area, light, *, first=False, **more):
    whole = np.ones(len(ids), np.bool_)
    return made.push(np.asarray(ids), np.asarray(area), np.asarray(light), first=first,
                     **{"whole": whole} | more)  # fmt: skip


def later(made, area, light, visits):
    """Return, visit by visit, whether a newcomer waits; NaN where it is not found."""
    return [bool(push(made, [99], [area if seen else np.nan], [light])[0]) for seen in visits]


def test_whoever_is_like_the_culture_from_the_start_is_at_risk_at_once():
    begun()


@pytest.mark.parametrize(
    ("area", "light"),
    [(2400.0, 1500.0), (150.0, 60.0), (3.0, 60.0), (140.0, 2e5)],
    ids=["ghost", "shadow", "speck", "blaze"],
)
def test_what_differs_in_size_light_or_brightness_never_is(area, light):
    made = begun()
    waits = [push(made, [50], [area], [light], first=t == 0)[0] for t in range(40)]
    assert all(waits)


def test_a_small_soma_is_no_speck():
    assert not push(begun(), [50], [60.0], [900.0], first=True)[0]


def test_a_newcomer_waits_until_it_was_found_steadily():
    waits = later(begun(), 140.0, 2800.0, [True] * 8)
    assert waits == [True] * (risk.SHOWN_VISITS - 1) + [False] * (9 - risk.SHOWN_VISITS)


def test_what_comes_and_goes_waits_for_ever():
    assert all(later(begun(), 140.0, 2800.0, [True, False] * 40))


def test_who_is_at_risk_stays_so():
    waits = later(begun(), 140.0, 2800.0, [True] * 6 + [False] * 60)
    assert not any(waits[6:])


def test_outlines_made_elsewhere_are_trusted():
    assert not push(begun(), [50], [2400.0], [1500.0], trusted=True)[0]


def test_while_few_are_known_the_declared_soma_says_what_is_ordinary():
    made = risk.AtRisk(16.0)
    waits = push(made, [1, 2, 3], [140.0, 200.0, 3000.0], [3e3, 4e3, 2e3], first=True)
    assert waits.tolist() == [False, False, True]
    small = risk.AtRisk(60.0)
    assert push(small, [1, 2, 3], [140.0, 200.0, 3000.0], [3e3, 4e3, 2e3], first=True).tolist() == [
        True, True, False,
    ]  # fmt: skip


def test_an_early_ghost_does_not_move_what_is_ordinary():
    made = risk.AtRisk(16.0)
    ids = np.arange(1, 26)
    area = np.concatenate([AREA, np.full(5, 2400.0)])
    light = np.concatenate([LIGHT, np.full(5, 1500.0)])
    waits = push(made, ids, area, light, first=True)
    assert waits.tolist() == [False] * 20 + [True] * 5


def test_a_visit_that_shows_nobody_counts_for_nothing():
    made = begun()
    later(made, 140.0, 2800.0, [True] * 3)
    assert all(made.waiting(np.array([99]))[0] for _ in range(20))
    assert later(made, 140.0, 2800.0, [True, True]) == [True, False]


def test_a_restart_changes_nothing():
    made, other = begun(), risk.AtRisk(16.0)
    later(made, 140.0, 2800.0, [True] * 3)
    other.restore(made.state())
    for seen in (True, False, True, True):
        assert later(made, 140.0, 2800.0, [seen]) == later(other, 140.0, 2800.0, [seen])
    for name, values in made.state().items():
        np.testing.assert_array_equal(values, other.state()[name])
