"""A table cut at any hour gives the calls that the whole table had made by then."""

from dataclasses import replace

import numpy as np
import pytest

from detect.rows import ROWS
from detect.scored import columns_of
from detect.traces import Law, simulate
from livedeath.detection import score_traces, table
from livedeath.detection.scorer import Scorer

KINDS = [
    "reference", "60min", "12h", "50e", "fold1.6", "missing-30%", "outliers+transients", "t4",
    "fill-loss", "null-irregular", "null-well-steps", "null-no-sd", "fault-x1.6-for-good",
    "fault-both-x60-1-visit", "fault-transient-6-visits", "killed-plate",
]  # fmt: skip
"""Kinds of traces: laws of noise, of schedules, of accidents and of mass deaths."""


def _plate(kind: str) -> tuple[dict[str, np.ndarray], str]:
    law = ROWS[kind].law
    few = 20 if law.wells < 2 else 6 * law.wells
    days = law.days if law.interval_min > 60.0 else 4.0
    traces = simulate(replace(law, neurons=few, days=days), [77, 1])
    return columns_of(traces), law.endpoint


def _until(columns: dict[str, np.ndarray], hour: float) -> dict[str, np.ndarray]:
    return {name: values[columns["time_h"] <= hour] for name, values in columns.items()}


def _called(columns: dict[str, np.ndarray], endpoint: str) -> dict[int, float]:
    calls = score_traces(columns, endpoint=endpoint)[1]
    return dict(zip(calls["neuron_id"].tolist(), calls["called_at_h"].tolist(), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_later_changes_no_call(kind):
    columns, endpoint = _plate(kind)
    whole = _called(columns, endpoint)
    made = np.array([hour for hour in whole.values() if np.isfinite(hour)])
    # At a call, and between two: what stands by then must stand in the whole table too.
    hours = [*np.quantile(made, [0.3, 0.8]), 0.6 * columns["time_h"].max()] if made.size else [9.0]
    for hour in hours:
        part = _called(_until(columns, hour), endpoint)
        expected = {i: whole[i] if whole[i] <= hour else np.nan for i in part}
        np.testing.assert_equal(part, expected)


def test_a_detector_that_knew_the_end_would_be_found_out(monkeypatch):
    """The twin that must fail: a detector that sets its threshold by how long the table is."""
    columns, endpoint = _plate("reference")

    class Foresees(Scorer):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)
            self.threshold += 0.2 * ends["h"]

    ends = {"h": columns["time_h"].max()}
    monkeypatch.setattr(table, "Scorer", Foresees)
    whole = _called(columns, endpoint)
    ends["h"] = 0.6 * columns["time_h"].max()
    part = _called(_until(columns, ends["h"]), endpoint)
    assert any(part[i] != whole[i] and np.isfinite(part[i]) for i in part)


def test_the_kinds_are_of_every_family():
    laws = [ROWS[kind].law for kind in KINDS]
    assert len({law.endpoint for law in laws}) == 2
    assert sum(law != Law() for law in laws) >= 10
