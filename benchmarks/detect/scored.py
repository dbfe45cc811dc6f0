"""Traces in, calls of the detector out: the only place that speaks to livedeath."""

import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.traces import Traces
from detect.witnesses import ENDPOINTS
from livedeath.detection import Scorer
from livedeath.detection.priors import export
from livedeath.model.priors import Priors
from livedeath.model.settings import AnalysisSettings

Floats = NDArray[np.float64]


class Scored(NamedTuple):
    """What the detector said of one plate."""

    called_h: Floats
    calls: dict[str, NDArray[np.generic]] | None
    seconds: float
    values: int
    scorer: Scorer


def columns_of(traces: Traces) -> dict[str, NDArray[np.generic]]:
    """Return the plate as the table that `livedeath score` takes."""
    at = np.nonzero(traces.looked)
    table: dict[str, NDArray[np.generic]] = {
        "neuron_id": at[0],
        "time_h": traces.time_h[at[1]],
        "signal": _signal(traces)[at],
        "well": traces.well[at[0]],
    }
    if traces.law.sd_given:
        table["signal_sd"] = _signal_sd(traces)[at]
    if traces.law.endpoint == "indicator_rise":
        table["reference"] = traces.reference[at]
        if traces.law.sd_given:
            table["reference_sd"] = traces.reference_sd[at]
    for name, (values, sd) in traces.further.items():
        table[name], table[f"{name}_sd"] = values[at], sd[at]
    if traces.intervened.any():
        table["intervened"] = traces.intervened[_well_rows(traces)][at]
    return table


def score(
    traces: Traces, rate: float, *, dated: bool = False, priors: Priors | None = None
) -> Scored:
    """Push a plate visit by visit; ``rate`` is in false deaths per 1,000 neuron-days."""
    law = traces.law
    settings = AnalysisSettings(false_alarms_per_1000_neuron_days=rate)
    further = {name: ENDPOINTS[name] for name in traces.further}
    scorer = Scorer(settings, law.endpoint, priors, further=further)
    witnesses = {k: (v.T.copy(), sd.T.copy()) for k, (v, sd) in traces.further.items()}
    n = traces.onset_h.size
    ids, called = np.arange(n), np.full(n, np.nan)
    signal, signal_sd = _signal(traces).T.copy(), _signal_sd(traces).T.copy()
    reference, reference_sd = traces.reference.T.copy(), traces.reference_sd.T.copy()
    wells = _well_rows(traces)
    start = time.process_time()
    for k, now in enumerate(traces.time_h):
        there = traces.looked[:, k]
        at = slice(None) if there.all() else np.flatnonzero(there)
        if isinstance(at, np.ndarray) and at.size == 0:
            continue
        optional: dict[str, Any] = {}
        if law.sd_given:
            optional["signal_sd"] = signal_sd[k, at]
        if law.endpoint == "indicator_rise":
            optional["reference"] = reference[k, at]
            if law.sd_given:
                optional["reference_sd"] = reference_sd[k, at]
        if traces.intervened.any():
            optional["intervened"] = traces.intervened[wells, k][at]
        if witnesses:
            optional["further"] = {x: (v[k, at], sd[k, at]) for x, (v, sd) in witnesses.items()}
        who = scorer.push(float(now), ids[at], signal[k, at], well=traces.well[at], **optional)
        called[who] = now
    seconds = time.process_time() - start
    calls = scorer.calls(columns_of(traces)) if dated else None
    return Scored(called, calls, seconds, int(traces.looked.sum()), scorer)


def learnt(traces: Traces, rate: float) -> Priors:
    """Return what a plate teaches the next one."""
    return export(score(traces, rate).scorer.learning.state(), traces.law.endpoint)


def alone(traces: Traces, name: str, rate: float) -> Floats:
    """Return when a detector of one further channel alone calls each neuron."""
    settings = AnalysisSettings(false_alarms_per_1000_neuron_days=rate)
    scorer = Scorer(settings, ENDPOINTS[name])
    values, sd = (array.T.copy() for array in traces.further[name])
    ids, called = np.arange(values.shape[1]), np.full(values.shape[1], np.nan)
    for k, now in enumerate(traces.time_h):
        called[scorer.push(float(now), ids, values[k], sd[k], well=traces.well)] = now
    return called


def _signal(traces: Traces) -> Floats:
    """Return the channel that is scored: the indicator, or the fill that is lost."""
    return traces.reference if traces.law.endpoint == "loss_of_fill" else traces.signal


def _signal_sd(traces: Traces) -> Floats:
    return traces.reference_sd if traces.law.endpoint == "loss_of_fill" else traces.signal_sd


def _well_rows(traces: Traces) -> NDArray[np.int64]:
    return np.unique(traces.well, return_inverse=True)[1]
