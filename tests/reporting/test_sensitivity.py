from dataclasses import replace

import polars as pl
import pytest
from scipy.stats import binomtest

from livedeath.reporting import sensitivity
from livedeath.reporting.material import gather
from made_study import make_study


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    path = tmp_path_factory.mktemp("cards") / "s"
    make_study(path, images=False)
    return gather(path)


def spoilt(material, **columns):
    """Return the material with some columns of its calls changed."""
    called = material.called
    return replace(material, called=replace(called, calls=called.calls.with_columns(**columns)))


@pytest.mark.parametrize(("found", "of"), [(0, 10), (7, 10), (10, 10), (302, 310)])
def test_wilson_is_that_of_scipy(found, of):
    expected = binomtest(found, of).proportion_ci(method="wilson")
    assert sensitivity.wilson(found, of) == pytest.approx((expected.low, expected.high))


def test_poisson_interval_of_nothing_reaches_three():
    assert sensitivity.poisson_interval(0) == pytest.approx((0.0, 3.689), abs=1e-3)


def test_every_neuron_alive_at_the_kill_is_counted_once(material):
    card = sensitivity.sensitivity(material)
    natural = int(material.table.event.sum())
    lost = int(material.table.lost.sum())
    assert card.n_alive == material.calls.height - natural - lost
    assert card.share == 1.0
    assert card.low < 1.0
    assert card.n_wells == 6
    assert 0.0 < card.onset_h < card.delay_h < 2.0


def test_deaths_that_were_not_called_lower_the_share(material):
    silent = (pl.col("called_at_h") > 12.25) & (pl.col("neuron_id") % 2 == 0)
    card = sensitivity.sensitivity(
        spoilt(
            material,
            outcome=pl.when(silent).then(pl.lit("alive")).otherwise("outcome"),
            called_at_h=pl.when(silent).then(None).otherwise("called_at_h"),
            death_high_h=pl.when(silent).then(None).otherwise("death_high_h"),
        )
    )
    assert 0.3 < card.share < 0.7
    assert card.n_missed > 10


def test_without_a_kill_there_is_no_sensitivity(tmp_path):
    make_study(tmp_path / "s", images=False, kill=False)
    assert sensitivity.sensitivity(gather(tmp_path / "s")) is None


def test_false_alarms_are_bounded_by_the_control(material):
    card = sensitivity.false_alarms(material)
    own = (material.table.group == "vehicle") & material.table.at_risk
    assert card.arm == "vehicle"
    assert card.n_calls == material.table.event[own].sum()
    assert card.expected_false == pytest.approx(card.all_neuron_days / 1000)
    assert card.low <= card.rate <= card.high
