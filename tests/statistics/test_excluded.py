"""An exclusion has one answer, whether it was declared at first or logged after the scoring."""

import numpy as np
import polars as pl
import pytest

from livedeath.detection import Scorer
from livedeath.model.events import Events
from livedeath.model.flags import Flag
from livedeath.model.study import Study
from livedeath.statistics.study import StudyCalls, joined_calls

STUDY = """
title = "excluded"
vessels = [{ id = "p1", wells = ["B2"] }]
channels = [
  { name = "RFP", role = "fill", exposure_ms = 50 },
  { name = "GEDI", role = "indicator", exposure_ms = 50 },
]
optics = { pixel_size_um = 0.65, image_shape_px = [48, 48] }
schedule = { interval_h = 2, duration_h = 48 }
"""
EXCLUDED_H = 30.0
LAST_SEEN_H = (16.0, 18.0, 20.0, 22.0, 24.0, 26.0)
"""Of neurons 100, 101, ...: then out of sight, until and after the exclusion."""
DYING = 200
"""A neuron that rises from 26 h on, slowly."""
EXCLUSION = {
    "kind": "log",
    "what": "exclude",
    "vessel": "p1",
    "wells": ["B2"],
    "at_h": EXCLUDED_H,
    "why": "mould",
}


def movie(until_h):
    """Score the visits of one well before an hour; return its traces and its calls."""
    rng = np.random.default_rng(4)
    scorer, parts = Scorer(), []
    ids = np.array([*range(30), *range(100, 100 + len(LAST_SEEN_H)), DYING])
    for t, hour in enumerate(np.arange(0.0, 49.0, 2.0)):
        signal = np.exp(rng.normal(0, 0.05, ids.size))
        signal[-1] *= np.exp(0.22 * max(0.0, hour - 26.0))
        if hour >= until_h:
            break
        seen = np.ones(ids.size, bool)
        seen[30:-1] = hour <= np.array(LAST_SEEN_H)
        flags = np.where(seen, 0, int(Flag.MASK_LOST)).astype(np.uint32)
        place = np.full(ids.size, "p1/B2")
        scorer.push(hour, ids, signal, seen=seen, flags=flags, well=place, field=place)
        own = {"neuron_id": ids, "time_h": np.full(ids.size, hour), "signal": signal}
        parts.append(own | {"flags": flags, "t": np.full(ids.size, t)})
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    m = columns["neuron_id"].size
    columns |= {"vessel": np.full(m, "p1"), "well": np.full(m, "B2")}
    columns |= {"field": np.zeros(m, np.int64), "acquisition": np.zeros(m, np.int64)}
    return pl.DataFrame(columns), pl.DataFrame(scorer.calls(columns)).fill_nan(None)


def joined(study, traces, calls, log=()):
    acquisition = pl.lit(0, dtype=pl.Int64).alias("acquisition")
    calls = joined_calls(study, calls.with_columns(acquisition), traces)
    return StudyCalls(study, Events(study, log), calls, traces).joined


@pytest.fixture(scope="module")
def declared():
    """Scored without the visits that do not count."""
    rule = f'exclusions = [{{ wells = ["B2"], from_h = {EXCLUDED_H}, why = "mould" }}]\n'
    return joined(Study.from_toml(rule + STUDY), *movie(EXCLUDED_H))


@pytest.fixture(scope="module")
def logged():
    """Scored with all visits, and excluded when that was done."""
    return joined(Study.from_toml(STUDY), *movie(99.0), [EXCLUSION])


@pytest.mark.parametrize("way", ["declared", "logged"])
def test_lost_is_who_was_sought_for_long_enough_before_the_exclusion(way, request):
    calls = request.getfixturevalue(way)
    gone = calls.filter(pl.col("neuron_id").is_between(100, 199)).sort("neuron_id")
    assert gone["outcome"].to_list() == ["lost"] * 3 + ["alive"] * 3
    assert gone["last_alive_h"].to_list() == list(LAST_SEEN_H)
    assert gone["p_lost"].gt(0.5).to_list() == [True] * 3 + [False] * 3


@pytest.mark.parametrize("way", ["declared", "logged"])
def test_dead_is_who_was_called_before_the_exclusion(way, request):
    calls = request.getfixturevalue(way)
    assert calls.filter(pl.col("neuron_id") == DYING)["outcome"].item() == "alive"
    assert calls.filter(pl.col("neuron_id") == DYING)["last_alive_h"].item() == 28.0


def test_without_the_exclusion_they_are_lost_and_dead():
    calls = joined(Study.from_toml(STUDY), *movie(99.0)).sort("neuron_id")
    assert calls["outcome"].to_list()[30:] == ["lost"] * 6 + ["dead"]
