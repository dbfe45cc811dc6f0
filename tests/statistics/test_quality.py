from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from livedeath.detection.null import Null
from livedeath.statistics import quality
from livedeath.statistics.study import read_calls
from made_study import make_study


def calls_of(folder):
    return read_calls(folder, folder.run())


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    return calls_of(make_study(tmp_path_factory.mktemp("cards") / "s", images=False))


def spoilt(called, **columns):
    """Return the calls with some columns changed."""
    return replace(called, calls=called.calls.with_columns(**columns))


def silent(called, who):
    """Return the calls with some neurons not called."""
    unknown = ("called_at_h", "death_h", "death_low_h", "death_high_h", "first_dead_h")
    return spoilt(
        called,
        outcome=pl.when(who).then(pl.lit("alive")).otherwise("outcome"),
        **{name: pl.when(who).then(None).otherwise(name) for name in unknown},
    )


# Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I.
@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_share_is_that_of_wilson(found, of, low, high):
    assert quality.wilson(found, of) == pytest.approx((low, high), abs=5e-5)
    turned = quality.wilson(of - found, of)
    assert turned == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_nothing_of_nothing_has_no_interval():
    assert np.isnan(quality.wilson(0, 0)).all()


# Garwood 1936, doi:10.1093/biomet/28.3-4.437, and any table of Poisson limits since.
@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390)]
)
def test_the_interval_of_a_count_is_exact(count, low, high):
    assert quality.poisson_interval(count) == pytest.approx((low, high), abs=5e-4)


def test_a_well_excluded_before_its_kill_measures_nothing(tmp_path):
    wells = ("B2", "B3", "C2", "C3", "D2")
    early = '[[exclusions]]\nwells = ["B2", "B3", "C2", "C3", "D2"]\nfrom_h = 5.0\nwhy = "fungus"\n'
    found = quality.sensitivity(calls_of(make_study(tmp_path / "s", images=False, extra=early)))
    assert found.n_wells == 6 - len(wells)
    late = early.replace("5.0", "12.5")
    later = calls_of(make_study(tmp_path / "late", images=False, extra=late))
    assert quality.sensitivity(later).n_wells == 6


def test_every_neuron_alive_at_the_kill_is_counted_once(called):
    card = quality.sensitivity(called)
    natural = int(called.table.event.sum())
    lost = int(called.table.lost.sum())
    assert card.n_alive == called.joined.height - natural - lost
    assert card.share == 1.0
    assert card.low < 1.0
    assert card.n_wells == 6
    assert 0.0 < card.onset_h < card.delay_h < 2.0


def test_deaths_that_were_not_called_lower_the_share(called):
    half = (pl.col("called_at_h") > 12.25) & (pl.col("neuron_id") % 2 == 0)
    card = quality.sensitivity(silent(called, half))
    assert 0.3 < card.share < 0.7
    assert card.n_missed > 10


def test_without_a_kill_there_is_no_sensitivity(tmp_path):
    bare = make_study(tmp_path / "s", images=False, kill=False)
    assert quality.sensitivity(calls_of(bare)) is None


def killed_and_watched(called, hours, *, never=0.0, seed=4):
    """Return the calls of neurons that die, as a watch of some hours after the kill shows them.

    A third dies before the kill. Onsets come half an hour after the kill, calls an hour after
    the onset on average; a share ``never`` is never called.
    """
    rng = np.random.default_rng(seed)
    calls = pl.concat([called.calls] * 18).with_columns(
        neuron_id=pl.int_range(18 * called.calls.height)
    )
    n, kill = calls.height, float(np.min(called.kill_h))
    early = rng.random(n) < 1 / 3
    onset = np.where(early, rng.uniform(0.5, kill - 1.0, n), kill + 0.5 * rng.lognormal(0, 0.3, n))
    call = onset + rng.exponential(1.0, n)
    seen = (call <= kill + hours) & (rng.random(n) >= never)
    hide = np.where(seen, 0.0, np.nan)
    spoken = calls.with_columns(
        outcome=pl.Series(np.where(seen, "dead", "alive")),
        entry_h=pl.lit(0.0),
        last_alive_h=pl.lit(kill + hours),
        death_h=pl.Series(onset + hide, nan_to_null=True),
        death_high_h=pl.Series(onset + 0.1 + hide, nan_to_null=True),
        called_at_h=pl.Series(call + hide, nan_to_null=True),
        loss_reason=pl.lit(""),
    ).filter(pl.Series(~early | seen))
    places = called.traces.select("vessel", "well", "field", "acquisition").unique()
    end = pl.DataFrame({"time_h": [0.0, kill - 0.5, kill + hours]})
    return replace(called, calls=spoken, traces=places.join(end, how="cross"))


@pytest.mark.parametrize("hours", [2.0, 3.0, 9.0])
def test_a_short_watch_after_the_kill_is_corrected_for(called, hours):
    card = quality.sensitivity(killed_and_watched(called, hours))
    raw = 1.0 - np.exp(0.52 - hours)
    assert card.found_so_far == pytest.approx(raw, abs=0.04)
    assert abs(card.share - 1.0) < max(0.01, 0.25 * (1.0 - raw))
    assert card.found_so_far <= card.share <= card.high


def test_what_is_never_called_stays_missed_however_long_the_watch(called):
    card = quality.sensitivity(killed_and_watched(called, 6.0, never=0.2))
    assert card.share == pytest.approx(0.8, abs=0.04)
    assert card.low < 0.8 < card.high


def test_delays_cut_off_by_the_watch_are_reckoned_with():
    rng = np.random.default_rng(2)
    delay, limit = rng.exponential(1.0, 20_000), rng.uniform(0.0, 6.0, 20_000)
    seen = delay <= limit
    at = np.array([0.5, 1.0, 2.0, 4.0])
    true = (1.0 - np.exp(-at)) / (1.0 - np.exp(-6.0))
    found = quality.delay_distribution(delay[seen], limit[seen], at)
    np.testing.assert_allclose(found, true, atol=0.02)
    naive = np.array([np.mean(delay[seen] <= hour) for hour in at])
    assert (naive[:3] > true[:3] + 0.03).all()
    whole = quality.delay_distribution(delay, np.full(delay.size, np.inf), at)
    np.testing.assert_allclose(whole, [np.mean(delay <= hour) for hour in at])


def test_the_interval_of_a_share_is_on_wells():
    found = np.array([1.0] * 90 + [0.0] * 10)
    mixed, apart = np.arange(100) % 10, np.arange(100) // 10
    share, low, high = quality.share_of_units(found, mixed)
    assert share == 0.9
    own = quality.wilson(90, 100)
    assert low <= own[0]
    assert high >= own[1]
    clustered = quality.share_of_units(found, apart)
    assert clustered[1] < low - 0.05
    assert quality.share_of_units(found, np.zeros(100))[1:] == pytest.approx(own)


def test_alarms_and_what_is_left_of_them_are_two_rates(called):
    card = quality.false_alarms(called, 1.0)
    assert card.taken_back == 0
    assert card.alarms == card.deaths == called.table.event[called.table.at_risk].sum()
    vehicle = called.calls.filter((pl.col("arm") == "vehicle") & (pl.col("death_h") > 12.25))
    back = pl.col("neuron_id").is_in(vehicle["neuron_id"][:3].implode())
    alarmed = silent(called, back)
    alarmed = spoilt(
        alarmed,
        called_at_h=pl.when(back).then(4.0).otherwise("called_at_h"),
        revoked_at_h=pl.when(back).then(7.0).otherwise("revoked_at_h"),
        last_alive_h=pl.when(back).then(15.0).otherwise("last_alive_h"),
    )
    found = quality.false_alarms(alarmed, 1.0)
    assert (found.alarms, found.taken_back, found.deaths) == (card.alarms + 3, 3, card.deaths)
    assert found.control_alarms.n == card.control_alarms.n + 3
    assert found.control_deaths == card.control_deaths


def test_false_alarms_are_bounded_by_the_control(called):
    card = quality.false_alarms(called, 1.0)
    own = (called.table.group == "vehicle") & called.table.at_risk
    assert card.arm == "vehicle"
    assert card.control_deaths.n == called.table.event[own].sum()
    assert card.expected_false == pytest.approx(card.neuron_days / 1000)
    assert card.control_deaths.low <= card.control_deaths.rate <= card.control_deaths.high


def test_the_null_stands_beside_the_rate_asked_for_with_exact_limits(called):
    assert quality.false_alarms(called, 1.0).null is None
    card = quality.false_alarms(called, 1.0, Null(50, 200.0, 1, 0))
    assert (card.null.n, card.null.rate, card.null_neurons) == (1, 5.0, 50)
    # Garwood's limits of one event are 0.0253 and 5.572.
    assert (card.null.low, card.null.high) == pytest.approx((0.1266, 27.86), abs=5e-3)
    assert card.null_deaths.n == 0
