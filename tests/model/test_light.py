"""What a frame costs in light, and when a field has had enough."""

import pytest

from livedeath.model.frame import FrameKey
from livedeath.model.light import LightLedger, frame_light_ms
from livedeath.model.study import Study

STUDY = """
title = "light"
vessels = [{ id = "p1", wells = ["B2:B3"] }]
channels = [
  { name = "RFP", role = "fill", exposure_ms = 80, light_percent = 25 },
  { name = "GEDI", role = "indicator", exposure_ms = 0.1 },
]
optics = { pixel_size_um = 0.65 }
schedule = { interval_h = 1, duration_h = 3 }
"""


def study(budget_ms=None):
    declared = Study.from_toml(STUDY)
    return (
        declared
        if budget_ms is None
        else declared.replace(light={"budget_ms_per_field": budget_ms})
    )


def key(channel="RFP", *, well="B2", field=0, t=0, acquisition=0):
    return FrameKey("p1", acquisition, well, field, t, channel, 0)


def test_a_frame_costs_its_exposure_times_the_lamps_share():
    assert [frame_light_ms(channel) for channel in study().channels] == [20.0, 0.1]


def test_light_adds_up_per_field_and_through_a_change_of_optics():
    ledger = LightLedger(study())
    frames = (key(), key("GEDI"), key(t=0, acquisition=1), key(well="B3"), key(field=1))
    for frame in frames:
        ledger.add(frame)
    assert ledger.given_ms(key().field_key) == pytest.approx(40.1)
    assert ledger.given_ms(key(well="B3").field_key) == 20.0
    assert ledger.given_ms(key(field=1).field_key) == 20.0
    assert ledger.most_ms == pytest.approx(40.1)


def test_nothing_was_given_before_the_first_frame():
    ledger = LightLedger(study())
    assert (ledger.given_ms(key().field_key), ledger.most_ms) == (0.0, 0.0)


@pytest.mark.parametrize(("budget_ms", "taken"), [(39.9, 1), (40.0, 2), (59.9, 2), (60.0, 3)])
def test_a_frame_fits_as_long_as_its_field_stays_within_the_budget(budget_ms, taken):
    ledger = LightLedger(study(budget_ms))
    for t in range(taken):
        assert ledger.allows(key(t=t))
        ledger.add(key(t=t))
    assert not ledger.allows(key(t=taken))
    assert ledger.allows(key(well="B3"))


def test_the_rounding_of_a_sum_is_no_light():
    # 0.1 + 0.1 + 0.1 is more than 0.3 in double precision.
    ledger = LightLedger(study(0.3))
    for t in range(3):
        assert ledger.allows(key("GEDI", t=t))
        ledger.add(key("GEDI", t=t))
    assert not ledger.allows(key("GEDI", t=3))


def test_without_a_budget_everything_is_allowed():
    ledger = LightLedger(study())
    for t in range(1000):
        ledger.add(key(t=t))
    assert ledger.allows(key(t=1000))
