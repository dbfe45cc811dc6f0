"""The detector on cultures whose laws it does not share."""

import numpy as np
import pytest

import other_family
from livedeath.detection import Scorer
from livedeath.model.settings import AnalysisSettings

ASKED = 10.0
"""False deaths per 1,000 neuron-days."""


def called_at(plate, asked=ASKED):
    scorer = Scorer(AnalysisSettings(false_alarms_per_1000_neuron_days=asked))
    ids = np.arange(plate.onset_h.size)
    called = np.full(ids.size, np.nan)
    for k, now in enumerate(plate.time_h):
        told = {"reference": plate.reference[:, k], "reference_sd": plate.reference_sd[:, k]}
        called[scorer.push(now, ids, plate.signal[:, k], plate.signal_sd[:, k], **told)] = now
    return called


def own_fold(plate, fold=1.8):
    """Call at the first ratio of ``fold`` times the mean of the first eight, as is practised."""
    ratio = plate.signal / plate.reference
    above = ratio > fold * ratio[:, :8].mean(axis=1, keepdims=True)
    above[:, :8] = False
    return np.where(above.any(axis=1), plate.time_h[above.argmax(axis=1)], np.nan)


def holds_the_rate(plate, called):
    """Say whether so many calls of the living are expected once in 1,000 at 1.5 x the rate."""
    days = np.where(np.isnan(called), plate.time_h[-1], called).sum() / 24.0
    expected = 1.5 * ASKED * days / 1000.0
    return np.isfinite(called).sum() <= expected + 3.1 * np.sqrt(expected)


@pytest.fixture(scope="module")
def living():
    return other_family.plate(1, neurons=300, days=6.0, dying=0.0)


@pytest.fixture(scope="module")
def dying():
    return other_family.plate(2)


def test_the_rate_asked_for_holds(living):
    assert holds_the_rate(living, called_at(living))


def test_a_rule_of_thumb_does_not_hold_it(living):
    assert not holds_the_rate(living, own_fold(living))


def test_deaths_are_found_soon(dying):
    called, dead = called_at(dying, 1.0), np.isfinite(dying.onset_h)
    delay = (called - dying.onset_h)[dead]
    found = (delay >= 0.0) & (delay <= 24.0)
    assert found.mean() >= 0.97
    assert np.median(delay[found]) <= 1.25


def test_deaths_that_raise_nothing_are_not_found():
    flat = other_family.plate(2, height=0.0)
    assert np.isfinite(called_at(flat, 1.0)).mean() <= 0.03
