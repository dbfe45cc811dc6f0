"""Switches, losses and phantoms are counted rightly where the truth is made by hand."""

import numpy as np
import pytest

from benchmarks.test_frames_tally import ALL, GOOD, HOURS, PLACES, calls, stays, traces, truth
from frames.identity import Held, count_identities, figures, matched


def counted(paths, said=GOOD, glia=None, **more):
    held = Held()
    count_identities(held, "A1", truth(**more), traces(paths), calls(said), glia)
    return figures(held)


def test_ids_that_hold_switch_never_and_days_are_those_seen():
    said = counted(ALL)
    assert (said["switches"], said["losses"], said["phantoms"]) == (0, 0, 0)
    # Neuron 0 is last seen alive at 9 h, neuron 2 at 19 h, the others at 39 h.
    assert said["identity_days"] == pytest.approx((9 + 39 + 19 + 39) / 24)


def test_two_ids_that_are_exchanged_are_two_switches_and_exchanged_back_four():
    once = ALL | {2: stays(1, 20) + stays(3, 20), 4: stays(3, 20) + stays(1, 20)}
    assert counted(once)["switches"] == 2
    twice = ALL | {
        2: stays(1, 10) + stays(3, 10) + stays(1, 20),
        4: stays(3, 10) + stays(1, 10) + stays(3, 20),
    }
    said = counted(twice)
    assert said["switches"] == 4
    assert said["switches_percent"] == pytest.approx(400 / ((9 + 39 + 19 + 39) / 24))


def test_a_new_id_after_a_gap_is_a_switch_and_the_old_one_is_none():
    gap = ALL | {2: [*stays(1, 20), *[None] * 20], 9: [*[None] * 25, *stays(1, 15)]}
    assert counted(gap, [*GOOD, (9, "alive", np.nan, 39.0, "")])["switches"] == 1
    back = ALL | {2: [*stays(1, 20), *[None] * 5, *stays(1, 15)]}
    assert counted(back)["switches"] == 0


def test_an_exchange_after_a_death_is_none():
    late = ALL | {1: stays(0, 12) + [None] * 28, 9: [None] * 12 + stays(0, 28)}
    assert counted(late, [*GOOD, (9, "alive", np.nan, 39.0, "")])["switches"] == 0


def test_only_who_is_within_one_radius_is_matched():
    near, far = ({1: stays(0, off=off)} for off in (9.0, 11.0))
    assert set(matched(truth(), traces(near))[1].values()) == {0}
    assert set(matched(truth(), traces(far))[1].values()) == {-1}
    assert counted(far, GOOD[:1])["phantoms"] == 1


def test_a_living_neuron_that_is_given_up_is_a_loss_and_a_dead_one_is_none():
    gone = ALL | {2: [*stays(1, 20), *[None] * 20], 1: [*stays(0, 12), *[None] * 28]}
    lost = [(1, "lost", np.nan, 11.0, ""), (2, "lost", np.nan, 19.0, ""), *GOOD[2:]]
    assert counted(gone, lost)["losses"] == 1
    alive = [GOOD[0], (2, "alive", np.nan, 19.0, ""), *GOOD[2:]]
    assert counted(gone, alive)["losses"] == 0


def test_glia_are_no_phantoms_and_no_neurons():
    paths = ALL | {7: [(400.0, 100.0)] * HOURS.size}
    said = [*GOOD, (7, "alive", np.nan, 39.0, "")]
    assert counted(paths, said)["phantoms"] == 1
    place = np.full((1, HOURS.size), 400.0), np.full((1, HOURS.size), 100.0), np.array([10.0])
    with_glia = counted(paths, said, glia=place)
    assert (with_glia["phantoms"], with_glia["seen_neurons"]) == (0, len(PLACES))


def test_a_phantom_that_was_never_at_risk_is_told_apart():
    paths = ALL | {7: [(400.0, 100.0)] * 40, 8: [(100.0, 400.0)] * 40}
    strangers = [(7, "alive", np.nan, 39.0, ""), (8, "lost", np.nan, 0.0, "not_shown_a_neuron")]
    said = counted(paths, GOOD + strangers)
    assert (said["phantoms"], said["phantoms_at_risk"]) == (2, 1)
    assert said["phantoms_percent"] == pytest.approx(50.0)


def test_a_false_death_is_a_switch_s_only_after_one():
    early = [(1, "dead", 9.0, 8.0, ""), *GOOD[1:]]
    said = counted(ALL, early)
    assert said["false_by_switch"] == 0
    over = ALL | {1: stays(0, 8) + stays(1, 32), 2: stays(1, 8) + stays(0, 32)}
    wrong = [(1, "dead", 9.0, 8.0, ""), *GOOD[1:]]
    assert counted(over, wrong)["false_by_switch"] == 1
