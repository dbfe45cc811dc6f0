from dataclasses import replace

import numpy as np
import polars as pl
import pytest

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
    assert sensitivity.wilson(found, of) == pytest.approx((low, high), abs=5e-5)
    turned = sensitivity.wilson(of - found, of)
    assert turned == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_nothing_of_nothing_has_no_interval():
    assert np.isnan(sensitivity.wilson(0, 0)).all()


# Garwood 1936, doi:10.1093/biomet/28.3-4.437, and any table of Poisson limits since.
@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390)]
)
def test_the_interval_of_a_count_is_exact(count, low, high):
    assert sensitivity.poisson_interval(count) == pytest.approx((low, high), abs=5e-4)


def test_a_well_excluded_before_its_kill_measures_nothing(tmp_path):
    wells = ("B2", "B3", "C2", "C3", "D2")
    early = '[[exclusions]]\nwells = ["B2", "B3", "C2", "C3", "D2"]\nfrom_h = 5.0\nwhy = "fungus"\n'
    make_study(tmp_path / "s", images=False, extra=early)
    found = sensitivity.sensitivity(gather(tmp_path / "s"))
    assert found.n_wells == 6 - len(wells)
    late = early.replace("5.0", "12.5")
    make_study(tmp_path / "late", images=False, extra=late)
    assert sensitivity.sensitivity(gather(tmp_path / "late")).n_wells == 6


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
