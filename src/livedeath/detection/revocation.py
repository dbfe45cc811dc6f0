"""Whether a call of death stands once everything was seen, or the neuron came back.

A called neuron's whole trace goes in; out comes whether its call stands, on which trace it is
dated, or at which visit the evidence took it back. A call itself is never changed, and nobody
is called here who was not called online.

A neuron that died and whose indicator leaks away passes its own baseline on the way to zero;
one that lived through a transient returns to that baseline and stays. The two are compared as
likelihoods, with the neuron's own noise, and a call is taken back only where the return is a
thousand times likelier and the fill that shows the neuron is still there.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.kernels import onset
from livedeath.kernels.baseline import Noise
from livedeath.kernels.onset import Trace
from livedeath.kernels.recovery import change_likelihood, weigh_return

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REVOKED_ODDS = np.log(1000.0)
"""Evidence, ln, that takes a call back. If the neuron died as the model says, it is reached at
some visit with a probability of at most 1 in 1,000 (Ville's inequality): ten times less than
the 1 % of true deaths that may be lost so, for the leaks that the model does not know."""
LEAK_H = np.array([np.inf, *np.geomspace(1.0, 40.0, 20), 0.3, 0.1])
"""Time constants of a leak, h: 1 to 24 h are expected after rupture; 0.1 h is a corpse cleared."""
ONSET_VISITS = 24
"""Visits before a call among which the change began."""
ONSET_SURE = 3.0
"""The change is taken to begin at the first visit whose likelihood, ln, is so near the best."""
DECAY_H = np.array([0.0, 0.5, 1.0, 2.0, 4.0, 8.0])
"""Time constants of a transient's return, h: at once, or in hours."""
FILL_THERE = 0.5
"""Least share of its own fill at which a neuron is still there."""
ALONE_VISITS = 15
"""Visits at the baseline before a call is taken back where no fill stands beside the signal."""
ALONE_NEAR = 0.8
"""Share of them that must lie within three standard deviations of the baseline."""
UNDONE = 0.5
"""Least part of what a neuron had risen by, or lost, that a return undoes."""
AGAIN_VISITS = 12
"""Onsets of a second death that are weighed at a time, visits; as many as the detector's."""
AGAIN_LASTS = 3
"""Visits in a row that must speak for a second death: an outlier alone does not."""


class Death(NamedTuple):
    """What a death looks like and how it is dated; see `livedeath.kernels.onset.date_onset`."""

    amplitude: float
    amplitude_sd: float
    tau_h: Floats
    tau_prior: Floats


class Verdict(NamedTuple):
    """What became of a call.

    Attributes
    ----------
    revoked_h : float
        The visit at which the evidence took the call back; NaN where it stands.
    came_back : float
        Probability, 0..1, by the whole trace, that the neuron was back at its baseline; at most
        a half where the call stands, and 0 where its fill went away.
    trace, called_h : Trace, float
        What a call that stands is dated with. Where the first call was of a transient and the
        neuron died later: the trace without the transient, and the hour at which the same
        evidence would have called it again.
    """

    revoked_h: float
    came_back: float
    trace: Trace
    called_h: float


def judge(
    trace: Trace,
    reference: Floats | None,
    called_h: float,
    noise: Noise,
    death: Death,
    threshold: float,
    *,
    zero: float = 0.0,
) -> Verdict:
    """Say whether a call stands, from the neuron's whole trace.

    Parameters
    ----------
    trace : Trace
        The neuron's measured visits, (m,) arrays, later ones too.
    reference : (m,) float64 or None
        The fill at these visits, in any unit; None where the table has none.
    called_h : float
        The visit at which the neuron was called, h.
    noise : Noise
        Noise of living neurons; ``scale`` is this neuron's own.
    death : Death
        What a death looks like.
    threshold : float
        Evidence, ln of days, at which the detector calls.
    zero : float
        The value of a neuron without any signal.

    Notes
    -----
    A neuron whose call was of a transient may die later, when the detector no longer looks:
    it was called once. It counts as dead, with the later onset, where the visits after the
    return would have been called by the same evidence; so the rate of false deaths holds, and
    nobody is dead who was not called. Were it left alive, a neuron seen dying would be counted
    as living to the end.
    """
    while True:
        weights, first = _weigh(trace, called_h, noise, zero)
        odds = weights[:, 1] - weights[:, 0]
        came_back = _probability(odds[-1]) if odds.size and np.isfinite(odds[-1]) else 0.0
        stands = Verdict(np.nan, min(came_back, 0.5), trace, called_h)
        sure = np.flatnonzero(_is_sure(weights, odds))
        if not sure.size:
            return stands
        kept = np.ones(trace.time_h.size, np.bool_)
        kept[first : int(weights[sure[0], 2])] = False
        healed = Trace(*(column[kept] for column in trace))
        again_h = _called_again(healed, first, noise, death, threshold)
        if np.isnan(again_h):
            back = np.flatnonzero(_is_back(trace, reference, weights, odds, first))
            if not back.size:
                return stands if reference is None else stands._replace(came_back=0.0)
            # What follows may fit a death better after all: then it had never come back.
            if odds[-1] < 0.0:
                return stands
            return Verdict(float(trace.time_h[back[0]]), came_back, trace, called_h)
        reference = None if reference is None else reference[kept]
        trace, called_h = healed, again_h


def _weigh(trace: Trace, called_h: float, noise: Noise, zero: float) -> tuple[Floats, int]:
    """Return the weights of `weigh_return`, and the first visit that may be changed."""
    call = int(np.searchsorted(trace.time_h, called_h, side="right")) - 1
    if call < 1:
        return np.zeros((0, 4)), max(call, 0)
    seen = Trace(*(column[: call + 1] for column in trace))
    changed = change_likelihood(*seen, noise, zero, max(1, call - ONSET_VISITS))
    if not np.isfinite(changed).any():  # Numbers beyond all measure tell nothing.
        return np.zeros((0, 4)), call
    first = int(np.flatnonzero(changed >= np.nanmax(changed) - ONSET_SURE)[0])
    return weigh_return(*trace, noise, zero, first, call, LEAK_H, DECAY_H), first


def _is_sure(weights: Floats, odds: Floats) -> NDArray[np.bool_]:
    """Return (m,) at which visits a return was sure, and over."""
    over = weights[:, 2] <= np.arange(odds.size)
    return np.asarray((np.nan_to_num(odds, nan=-np.inf) >= REVOKED_ODDS) & over)


def _is_undone(trace: Trace, since: Ints, first: int) -> NDArray[np.bool_]:
    """Return (m,) at which visits most of the change is undone, in plain numbers.

    The likelihoods cannot tell: where a neuron's baseline is small beside the noise expected of
    it, a signal that stays changed is a drift that lasts, and a death too small to be likely.
    """
    ratio = trace.value / np.maximum(trace.fill, 0.3)
    usual = float(np.median(ratio[:first]))
    out = np.zeros(since.size, np.bool_)
    for k in np.flatnonzero(since > first).tolist():
        most = np.abs(np.median(ratio[first : since[k]]) - usual)
        out[k] = np.abs(np.median(ratio[since[k] : k + 1]) - usual) <= (1.0 - UNDONE) * most
    return out


def _is_back(
    trace: Trace, reference: Floats | None, weights: Floats, odds: Floats, first: int
) -> NDArray[np.bool_]:
    """Return (m,) at which visits a call would be taken back by what was known then."""
    sure = _is_sure(weights, odds)
    since = np.where(sure, weights[:, 2], 0.0).astype(np.int64)
    sure &= _is_undone(trace, since, first)
    visits = np.arange(odds.size) + 1 - since
    if reference is None:
        return np.asarray(sure & (visits >= ALONE_VISITS) & (weights[:, 3] >= ALONE_NEAR * visits))
    own = float(np.median(reference[:first]))
    there = [
        bool(at) and np.median(reference[start : k + 1]) >= FILL_THERE * own
        for k, (at, start) in enumerate(zip(sure.tolist(), since.tolist(), strict=True))
    ]
    return np.array(there, np.bool_)


def _called_again(trace: Trace, start: int, noise: Noise, death: Death, threshold: float) -> float:
    """Return the first visit, from ``start`` on, at which a second death would have been called.

    The detector's own statistic: over onsets since the return, R = sum of dt x likelihood
    ratio, against ``threshold``. NaN where it would not have been.
    """
    few = np.arange(1, death.tau_h.size, 3)
    prior = np.log(death.tau_prior[few] / death.tau_prior[few].sum())
    lasts = 0
    for k in range(start, trace.time_h.size):
        if _is_quiet(trace, k, threshold):
            lasts = 0
            continue
        low = max(0, k - onset.VISITS_BEFORE)
        part = Trace(*(column[low : k + 1] for column in trace))
        edges = part.time_h[max(max(start - 1, k - AGAIN_VISITS) - low, 0) :]
        onsets = np.append(0.5 * (edges[1:] + edges[:-1]), edges[-1])
        likely = onset.onset_likelihood(
            *part, noise, onsets, death.tau_h[few], death.amplitude, death.amplitude_sd
        )
        ratios = likely[:-1] - likely[-1, 0] + prior
        days = np.log(np.diff(edges) / 24.0)[:, None]
        total = float(np.logaddexp.reduce(ratios + days, axis=None))
        lasts = lasts + 1 if total >= threshold else 0
        if lasts == AGAIN_LASTS:
            return float(trace.time_h[k])
    return np.nan


def _is_quiet(trace: Trace, k: int, threshold: float) -> bool:
    """Return whether the last visits lie so near those before that nothing could be called.

    No onset among them gains more than half the sum of their squared deviations.
    """
    first = max(0, k + 1 - AGAIN_VISITS)
    before = slice(max(0, first - 2 * AGAIN_VISITS), first)
    ratio = trace.value[before.start : k + 1] / np.maximum(trace.fill[before.start : k + 1], 0.3)
    n = first - before.start
    if n < AGAIN_VISITS:
        return False
    noise = float(np.median(np.abs(np.diff(ratio)))) / 0.954  # of the difference of two
    days = (trace.time_h[k] - trace.time_h[first - 1]) / 24.0
    squares = float(((ratio[n:] - np.median(ratio[:n])) ** 2).sum())
    return bool(squares < 2.0 * noise**2 * (threshold - np.log(days)))


def _probability(log_odds: float) -> float:
    return float(1.0 / (1.0 + np.exp(-np.clip(log_odds, -700.0, 700.0))))
