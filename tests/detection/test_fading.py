"""A neuron that loses its fill in a sound field has died; a field that goes dim has not."""

import numpy as np
import pytest

from livedeath.detection import Scorer
from livedeath.detection.fading import Levels
from livedeath.model.flags import Flag

VISITS, N = 60, 12
HOURS = 0.5 * np.arange(VISITS)


def culture(seed=1, *, n=N):
    """Return fill and indicator (neuron, visit) of a living culture with a poor indicator."""
    rng = np.random.default_rng(seed)
    fill = (
        4000.0
        * np.exp(rng.normal(0.0, 0.5, n))[:, None]
        * np.exp(rng.normal(0.0, 0.04, (n, VISITS)))
    )
    ratio = 0.15 * np.exp(rng.normal(0.0, 0.06, (n, VISITS)))
    return fill, ratio


def scored(fill, ratio, *, flags=None, seen=None, restart=None, field=None):
    """Score visit by visit; return the calls."""
    n = len(fill)
    ids = np.arange(1, n + 1)
    rng = np.random.default_rng(9)
    signal = fill * ratio + rng.normal(0.0, 50.0, fill.shape)
    flags = np.zeros(fill.shape, np.uint32) if flags is None else flags
    seen = np.ones(fill.shape, np.bool_) if seen is None else seen
    one = Scorer()
    sds = {"signal_sd": np.full(n, 60.0), "reference_sd": np.full(n, 70.0)}
    for k, hour in enumerate(HOURS):
        one.push(
            float(hour), ids, signal[:, k], reference=fill[:, k], seen=seen[:, k],
            flags=flags[:, k], well=np.full(n, "A1"), field=field, **sds,
        )  # fmt: skip
        if k == restart:
            state, one = one.state(), Scorer()
            one.restore(state)
    table = {
        "neuron_id": np.repeat(ids, VISITS), "time_h": np.tile(HOURS, n),
        "signal": signal.ravel(), "signal_sd": np.full(signal.size, 60.0),
        "reference": fill.ravel(), "reference_sd": np.full(signal.size, 70.0),
        "flags": flags.ravel(),
    }  # fmt: skip
    return one.calls(table)


def gone(fill, who, at_h, *, left=0.02):
    """Return the fill with some neurons faded from an hour on."""
    out = fill.copy()
    out[who] *= np.where(at_h <= HOURS, left, 1.0)
    return out


def test_a_living_culture_is_left_alone():
    assert set(scored(*culture())["outcome"]) == {"alive"}


def test_a_neuron_that_detaches_is_dead_not_lost():
    fill, ratio = culture()
    fill = gone(fill, [3], 15.0)
    seen = np.ones(fill.shape, np.bool_)
    seen[3, HOURS >= 15.0] = False
    calls = scored(fill, ratio, seen=seen)
    assert calls["outcome"].tolist() == ["alive"] * 3 + ["dead"] + ["alive"] * 8
    assert 15.0 <= calls["called_at_h"][3] <= 18.0
    assert calls["death_low_h"][3] - 0.5 <= 15.0 <= calls["death_high_h"][3] + 0.5
    assert calls["endpoint"][3] == "indicator_rise"


def test_a_neuron_that_fades_over_hours_is_dead():
    fill, ratio = culture(2)
    fill[5] *= np.exp(-np.maximum(HOURS - 8.0, 0.0) / 4.0)
    calls = scored(fill, ratio)
    assert [k for k, said in enumerate(calls["outcome"]) if said == "dead"] == [5]


@pytest.mark.parametrize("left", [0.4, 0.02], ids=["lamp at 40 %", "lamp out"])
def test_what_all_lose_together_is_nobodys_death(left):
    fill, ratio = culture()
    assert "dead" not in scored(gone(fill, slice(None), 15.0, left=left), ratio)["outcome"]


def test_all_going_unseen_together_is_nobodys_death():
    fill, ratio = culture()
    fill = gone(fill, slice(None), 15.0)
    seen = np.broadcast_to(HOURS < 15.0, fill.shape)
    assert "dead" not in scored(fill, ratio, seen=seen)["outcome"]


@pytest.mark.parametrize("flag", [Flag.MERGED, Flag.TOUCHES_BORDER, Flag.DOUBTED])
def test_a_fill_that_is_not_the_neurons_own_is_no_evidence(flag):
    fill, ratio = culture()
    fill = gone(fill, [3], 15.0)
    flags = np.zeros(fill.shape, np.uint32)
    flags[3, HOURS >= 15.0] = int(flag)
    assert scored(fill, ratio, flags=flags)["outcome"][3] != "dead"


def test_a_dimmer_neuron_is_not_dead():
    fill, ratio = culture()
    assert scored(gone(fill, [3], 15.0, left=0.6), ratio)["outcome"][3] == "alive"


def test_a_restart_changes_nothing():
    fill, ratio = culture()
    fill = gone(fill, [3], 15.0)
    whole = scored(fill, ratio)
    for at in (0, 20, 31):
        again = scored(fill, ratio, restart=at)
        for name, values in whole.items():
            np.testing.assert_array_equal(values, again[name], err_msg=name)


class Field:
    """A field of two neurons and one of five, visited one after the other."""

    def __init__(self):
        self.levels, self.hour = Levels(), 0.0

    def push(self, first, fill, seen, field):
        rows = first + np.arange(len(fill))
        return self.levels.push(
            rows, np.full(len(fill), field), np.array(fill, float), np.array(seen),
            np.full(len(fill), True), time_h=self.hour,
        )  # fmt: skip

    def pair(self, *fill, seen=(True, True)):
        """Take a visit of the small field; return the part of the fill that is the neurons'."""
        self.hour += 0.5
        return self.push(0, fill, seen, 0)

    def five(self, light):
        """Take a visit of the large field."""
        return self.push(2, [light] * 5, [True] * 5, 1)


def test_a_field_of_few_shares_the_light_of_the_plate():
    one = Field()
    for _ in range(5):
        one.five(1000.0), one.pair(500.0, 600.0)
    one.five(400.0)
    assert one.pair(200.0, 240.0) == pytest.approx([500.0, 600.0])
    one.five(400.0)
    assert one.pair(8.0, 240.0) == pytest.approx([20.0, 600.0])


def test_nobody_vouches_for_itself():
    one = Field()
    for _ in range(5):
        one.pair(500.0, 600.0)
    gone = one.pair(0.0, 600.0, seen=(False, True))
    assert (gone[0], np.isnan(gone[1])) == (0.0, True)
    assert np.isnan(one.pair(0.0, 0.0, seen=(False, False))).all()
    alone = Field()
    for _ in range(5):
        assert np.isnan(alone.push(0, [500.0], [True], 0)).all()


def test_who_goes_at_one_stroke_with_others_shares_an_accident():
    fill, ratio = culture()
    fill = gone(fill, [2, 3, 4], 15.0)
    seen = np.ones(fill.shape, np.bool_)
    seen[2:5, HOURS >= 15.0] = False
    assert "dead" not in scored(fill, ratio, seen=seen)["outcome"]
    apart, _ = culture()
    for k, at_h in ((2, 12.0), (3, 15.0), (4, 18.0)):
        apart = gone(apart, [k], at_h)
        seen[k] = at_h > HOURS
    assert (scored(apart, ratio, seen=seen)["outcome"] == "dead").nonzero()[0].tolist() == [2, 3, 4]


def test_who_comes_back_from_an_accident_is_watched_again():
    fill, ratio = culture()
    blocked = (HOURS >= 10.0) & (HOURS < 12.0)
    fill[2:5, blocked] *= 0.02
    fill = gone(fill, [3], 20.0)
    seen = np.ones(fill.shape, np.bool_)
    seen[2:5, blocked] = False
    seen[3, HOURS >= 20.0] = False
    calls = scored(fill, ratio, seen=seen)
    assert (calls["outcome"] == "dead").nonzero()[0].tolist() == [3]
    assert calls["called_at_h"][3] >= 20.0
