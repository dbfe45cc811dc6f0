"""Further channels beside the one that calls: sooner together, never against the rate."""

import numpy as np
import pytest

from livedeath.detection import Scorer, further, score_traces
from livedeath.detection.further import Together
from livedeath.errors import TableError
from livedeath.model.flags import Flag
from livedeath.model.settings import AnalysisSettings

N, HOURS = 60, np.arange(0.0, 48.0, 0.5)
ENDPOINTS = {"dye": "indicator_rise", "shape": "loss_of_fill"}
NOISE = 0.12
"""Of each value of the indicator and of the area, fraction."""


def plate(seed, *, dying=0.4, rise=1.0, alike=0.0, shared=0.0, n=N):
    """Return (indicator, dye, area), each (neuron, visit), and onsets.

    ``alike`` is the correlation of the indicator's noise with the others', towards death, and
    ``shared`` the share of visits at which something befalls all three of a neuron.
    """
    rng = np.random.default_rng(seed)
    onset_h = np.where(np.arange(n) < dying * n, rng.uniform(24.0, 40.0, n), np.inf)
    age = np.clip(HOURS - onset_h[:, None], 0.0, None)
    died = -np.expm1(-age / 1.5)
    shape = (n, HOURS.size)
    common = rng.normal(size=shape)
    own = np.sqrt(1.0 - alike**2) * rng.normal(size=(2, *shape))
    noise = [common, *(alike * common + own)]
    struck = 0.8 * (rng.random(shape) < shared)
    level = np.exp(rng.normal(0.0, 0.3, n))[:, None]
    indicator = 900.0 * level * (1.0 + rise * died) * np.exp(NOISE * noise[0] + struck)
    dye = 100.0 * (0.7 * died + 0.15 * noise[1] + 0.5 * struck)
    area = 150.0 * level * (1.0 - 0.7 * died) * np.exp(-NOISE * noise[2] - struck)
    return indicator, dye, area, onset_h


def scored(channels, names, *, rate=1.0, hours=HOURS, change=None, restart=None, scorer=None):
    """Return who was called when, and the scorer; ``change`` alters one visit's channels."""
    indicator, dye, area, _ = channels
    endpoints = {name: ENDPOINTS[name] for name in names}
    settings = AnalysisSettings(false_alarms_per_1000_neuron_days=rate)
    one = scorer or Scorer(settings, further=endpoints)
    ids, called = np.arange(indicator.shape[0]), np.full(indicator.shape[0], np.nan)
    for k, now in enumerate(hours):
        given = {"dye": (dye[:, k], np.full(ids.size, 15.0)), "shape": (area[:, k], None)}
        given = {name: given[name] for name in names}
        if change is not None:
            given = change(k, given)
        if k == restart:
            state, one = one.state(), Scorer(settings, further=endpoints)
            one.restore(state)
        signal = indicator[:, k]
        who = one.push(now, ids, signal, NOISE / 2 * np.abs(signal), further=given)
        called[who] = now
    return called, one


def delay_h(called, onset_h):
    dying = np.isfinite(onset_h) & ~(called < onset_h)
    return float(np.nan_to_num(called - onset_h, nan=12.0)[dying].mean())


def test_together_channels_call_a_fifth_sooner_than_the_best_alone():
    n = 120
    channels = plate(1, rise=0.6, n=n)
    _, dye, area, onset_h = channels
    alone = [delay_h(scored(channels, ())[0], onset_h)]
    for values, sd, endpoint in ((dye, 15.0, "indicator_rise"), (area, np.nan, "loss_of_fill")):
        one, called = Scorer(endpoint=endpoint), np.full(n, np.nan)
        for k, now in enumerate(HOURS):
            called[one.push(now, np.arange(n), values[:, k], np.full(n, sd))] = now
        alone.append(delay_h(called, onset_h))
    called, _ = scored(channels, tuple(ENDPOINTS))
    assert delay_h(called, onset_h) < 0.8 * min(alone)
    assert not (called < onset_h).any()


@pytest.mark.parametrize(
    "law", [{}, {"alike": 0.7}, {"shared": 0.01}], ids=["independent", "alike", "accidents"]
)
def test_the_living_are_called_at_no_more_than_the_rate_asked(law):
    channels = plate(2, dying=0.0, n=600, **law)
    called, _ = scored(channels, tuple(ENDPOINTS), rate=10.0)
    assert np.isfinite(called).sum() <= 1.5 * 10.0 * 600 * 2.0 / 1000.0


def test_accidents_that_channels_share_would_be_deaths_if_nobody_learnt_of_them(monkeypatch):
    monkeypatch.setattr(Together, "accidents_per_day", 0.0)
    channels = plate(2, dying=0.0, n=600, shared=0.01)
    called, _ = scored(channels, tuple(ENDPOINTS), rate=10.0)
    assert np.isfinite(called).sum() > 1.5 * 10.0 * 600 * 2.0 / 1000.0


def test_correlation_and_accidents_are_learnt_from_the_living():
    _, apart = scored(plate(3), tuple(ENDPOINTS))
    _, alike = scored(plate(3, alike=0.7, n=200), tuple(ENDPOINTS))
    assert apart._further._together.correlation[0, 1] < 0.2
    assert 0.5 < alike._further._together.correlation[0, 1] < 0.8
    _, calm = scored(plate(4, n=200), tuple(ENDPOINTS))
    _, wild = scored(plate(4, n=200, shared=0.01), tuple(ENDPOINTS))
    assert calm._further._together.accidents[0] < 5
    assert wild._further._together.accidents[0] > 40


def test_a_silent_channel_costs_little():
    channels = plate(5)
    living = plate(6, dying=0.0)
    onset_h = channels[3]
    alone = delay_h(scored(channels, ())[0], onset_h)
    silent = (channels[0], living[1], living[2], onset_h)
    called, _ = scored(silent, tuple(ENDPOINTS))
    assert delay_h(called, onset_h) < 1.25 * alone + 0.25
    assert np.isfinite(called[np.isfinite(onset_h)]).all()


def test_a_channel_that_is_never_given_changes_no_call():
    channels = plate(7)
    without, plain = scored(channels, ())
    never, one = scored(channels, tuple(ENDPOINTS), change=lambda k, given: {})
    np.testing.assert_array_equal(without, never)
    ids = np.flatnonzero(np.isnan(without))
    np.testing.assert_allclose(one.evidence_of(ids), plain.evidence_of(ids), atol=1e-3)


def test_channels_may_come_at_visits_of_their_own_and_lack_values():
    channels = plate(8)

    def sometimes(k, given):
        values = given["dye"][0].copy()
        values[::7] = np.nan
        given["dye"] = (values, given["dye"][1])
        return {name: pair for name, pair in given.items() if name == "dye" or k % 3 == 0}

    called, _ = scored(channels, tuple(ENDPOINTS), change=sometimes)
    onset_h = channels[3]
    assert delay_h(called, onset_h) < delay_h(scored(channels, ())[0], onset_h)
    assert not (called < onset_h).any()


def test_a_visit_of_a_further_channel_alone_can_call():
    indicator, dye, area, onset_h = plate(9)
    late = HOURS > 24.0
    every_other = np.where(late & (np.arange(HOURS.size) % 2 == 1), np.nan, indicator)
    called, _ = scored((every_other, dye, area, onset_h), tuple(ENDPOINTS))
    assert np.isin(called[np.isfinite(called)], HOURS[np.isnan(every_other[0])]).any()


def test_what_was_called_depends_on_visits_up_to_then():
    channels = plate(10)
    whole, _ = scored(channels, tuple(ENDPOINTS))
    for upto in (60, 75):
        part, _ = scored(channels, tuple(ENDPOINTS), hours=HOURS[:upto])
        expected = np.where(whole <= HOURS[upto - 1], whole, np.nan)
        np.testing.assert_array_equal(part, expected)


def test_a_restart_equals_none():
    channels = plate(11, shared=0.01)
    whole, one = scored(channels, tuple(ENDPOINTS))
    for restart in (1, 58, 70):
        again, other = scored(channels, tuple(ENDPOINTS), restart=restart)
        np.testing.assert_array_equal(whole, again)
        np.testing.assert_array_equal(
            one.evidence_of(np.arange(N)), other.evidence_of(np.arange(N))
        )


def test_who_was_called_is_called_in_every_channel():
    channels = plate(12)
    called, one = scored(channels, tuple(ENDPOINTS))
    dead = np.flatnonzero(np.isfinite(called))
    assert dead.size
    for channel in one._further._channels.values():
        records = channel._records
        np.testing.assert_array_equal(
            np.isfinite(records.called_h[channel._index.find(np.arange(N))[0]]), np.isfinite(called)
        )


def test_other_channels_are_refused():
    with pytest.raises(TableError, match="'dye' were given; declared are: none"):
        Scorer().push(0.0, np.arange(2), np.ones(2), further={"dye": (np.ones(2), None)})
    with pytest.raises(TableError, match="at most 4"):
        Scorer(further={f"dye_{k}": "indicator_rise" for k in range(5)})
    with pytest.raises(TableError, match="endpoint: 'rise'"):
        Scorer(further={"dye": "rise"})
    with pytest.raises(TableError, match="further channels"):
        Scorer().restore(Scorer(further={"dye": "indicator_rise"}).state())


def test_a_refused_visit_leaves_nothing_behind():
    one = Scorer(further={"dye": "indicator_rise"})
    with pytest.raises(TableError, match="'area'"):
        one.push(0.0, np.arange(2), np.ones(2), further={"area": (np.ones(2), None)})
    one.push(0.0, np.arange(2), np.ones(2), further={"dye": (np.ones(2), None)})


def table(channels):
    indicator, dye, area, _ = channels
    at = np.nonzero(np.isfinite(indicator))
    return {
        "neuron_id": at[0], "time_h": HOURS[at[1]], "signal": indicator[at],
        "signal_sd": NOISE / 2 * indicator[at], "dye": dye[at],
        "dye_sd": np.full(at[0].size, 15.0), "shape": area[at],
    }  # fmt: skip


def test_columns_of_a_table_are_the_same_channels():
    channels = plate(13)
    pushed, _ = scored(channels, tuple(ENDPOINTS))
    _, calls = score_traces(table(channels))
    np.testing.assert_array_equal(calls["called_at_h"], pushed)
    without = {k: v for k, v in table(channels).items() if not k.startswith(("dye", "shape"))}
    assert (score_traces(without)[1]["called_at_h"] != pushed).any()
    assert (calls["outcome"][np.isfinite(channels[3])] == "dead").all()


HIT = HOURS > 20.0
ACCIDENTS = {
    "a leak of light": (lambda dye: np.where(HIT, dye + 500.0, dye), 10),
    "an exposure ten times as long": (lambda dye: np.where(HIT, 10.0 * dye + 200.0, dye), 10),
    "the same of fields of one neuron": (lambda dye: np.where(HIT, 10.0 * dye + 200.0, dye), 1),
    "a compound that glows": (lambda dye: dye + 60.0 * np.clip(HOURS - 20.0, 0.0, None), 10),
}


@pytest.mark.parametrize(("change", "per_field"), ACCIDENTS.values(), ids=ACCIDENTS)
def test_what_befalls_a_channel_of_all_neurons_is_no_death(change, per_field, monkeypatch):
    indicator, dye, area, _ = plate(21, dying=0.0, n=30)
    struck = (indicator, change(dye), area)
    assert _called(struck, per_field) <= 3
    monkeypatch.setattr(further, "MANY", 10**6)
    assert _called(struck, per_field) > 10


def _called(channels, per_field):
    """Return how many are called, one field after the other at each visit."""
    indicator, dye, area = channels
    one, called = Scorer(further=ENDPOINTS), 0
    for k, now in enumerate(HOURS[HOURS < 24.0]):
        for first in range(0, 30 if per_field > 1 else 15, per_field):
            at = np.arange(first, first + per_field)
            given = {"dye": (dye[at, k], np.full(at.size, 15.0)), "shape": (area[at, k], None)}
            called += one.push(
                now, at, indicator[at, k], NOISE / 2 * indicator[at, k], further=given,
                field=np.full(at.size, f"f{first}"), well=np.full(at.size, f"w{first}"),
            ).size  # fmt: skip
    return called


def test_a_well_that_dies_at_once_is_called():
    onset_h = np.full(N, 30.2)
    age = np.clip(HOURS - onset_h[:, None], 0.0, None)
    died, rng = -np.expm1(-age / 0.5), np.random.default_rng(0)
    fold = np.exp(rng.normal(0.0, 0.35, N))[:, None]
    level = np.exp(rng.normal(0.0, 0.3, N))[:, None]
    noise = np.exp(NOISE * rng.normal(size=died.shape))
    indicator = 900.0 * level * (1.0 + 2.0 * fold * died) * noise
    dye = 100.0 * (fold * died + 0.15 * rng.normal(size=died.shape))
    area = 150.0 * (1.0 - 0.7 * died) * np.exp(NOISE * rng.normal(size=died.shape))
    called, _ = scored((indicator, dye, area, onset_h), tuple(ENDPOINTS))
    assert np.mean((called > 30.2) & (called < 32.0)) > 0.95


def test_a_neighbours_dye_is_no_evidence():
    channels = plate(23, dying=0.0)
    indicator, dye = channels[:2]
    bright = np.where(HIT, dye + 300.0, dye)
    bright[2:] = dye[2:]
    counts = []
    for bits in (Flag.MERGED, Flag(0)):
        one, called = Scorer(further={"dye": "indicator_rise"}), 0
        for k, now in enumerate(HOURS):
            flags = np.where((np.arange(N) < 2) & HIT[k], np.uint32(bits), np.uint32(0))
            called += one.push(
                now, np.arange(N), indicator[:, k], NOISE / 2 * indicator[:, k], flags=flags,
                further={"dye": (bright[:, k], np.full(N, 15.0))},
            ).size  # fmt: skip
        counts.append(called)
    assert counts == [0, 2]
