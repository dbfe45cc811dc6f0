"""One number for all neurons of a field, or each its own: values in, log odds out.

An accident scales a field's neurons by one number within their noise. Dying neurons differ:
in fold and onset on the rise, in what is left of them on the loss. Nothing here knows what is
done with the answer.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

OWN_EVENTS = 0.05
"""Share of neurons that may do something of their own at an accident."""
ALIKE = 0.05
"""Neurons that one number scales still differ by this fraction."""
MOST_COMPARED = 400
"""Neurons that are compared at most, evenly chosen."""
CLEARLY = 30.0
"""Likelihood ratio from which a neuron is where it was and not where the number would take it."""
SAME = 0.08
"""Neurons whose ratios, ln, differ by less show one channel twice; the dead, whose ratios may
end at one level too, differ by twice that (simulated kill: 0.15 to 0.27)."""
BACK = 0.5
"""Slope of the neurons' ratios, ln, over what they were from which channels are as they were; the
dead, too, keep it."""
LOWEST_LN, HIGHEST_LN = float(np.log(0.02)), float(np.log(150.0))
"""Numbers that are tried, ln."""
NOTHING_LN, NEARLY_LN, AS_WELL = float(np.log(0.05)), float(np.log(0.2)), 2.0
"""Below the first neurons show nothing; up to the second where that explains them as well,
within this log likelihood."""
COARSE_LN, FINE_LN = 0.04, 0.005
"""Steps between them, far from the best one and near it."""
FLAT = 0.2
"""Density of whatever is not explained, per level of the neuron: anything up to five levels."""
CERTAIN = 2.0
"""A level of fewer standard deviations cannot be scaled."""
PARTLY, PARTLY_MORE = 0.3, 0.2
"""A dead neuron's fill is below 30 %; those above are on the way, and differ by that much more
of their common change."""
ADDED_QUARTER = 0.25
"""Part of the neurons, the faintest, that show the noise that does not grow with the light."""


class Neurons(NamedTuple):
    """Neurons of one field at one visit, (n,) each.

    ``value`` is what is seen, ``level`` what was seen before, positive. The variance of a
    value scaled by ``k`` is ``fixed + growing * (k * level)**2``.
    """

    value: Floats
    level: Floats
    fixed: Floats
    growing: Floats


class Common(NamedTuple):
    """What one number does: its ln, that one's error, and the log odds against deaths.

    ``nothing`` says that the neurons may as well be gone altogether; ``n`` were compared,
    ``share`` of them go with the number, and ``stayed`` are where they were before it.
    """

    n: int
    step: float
    error: float
    odds: float
    share: float
    stayed: float
    nothing: bool


def neurons(
    value: Floats, level: Floats, measured: Floats, total: Floats, past: Floats, visits: Floats
) -> Neurons | None:
    """Return the neurons that can be compared, with their noise; None where most cannot.

    Parameters
    ----------
    value, level : (n,) float64
        Seen now and before.
    measured : (n,) float64
        Variance of the value as it was measured, 0 where unknown.
    total : (n,) float64
        Relative variance from visit to visit, as learnt.
    past : (n,) float64
        Measured variance of the visits before, 0 where unknown.
    visits : (n,) float64
        Visits that the level was learnt from.
    """
    clear = level > CERTAIN * np.sqrt(total) * np.abs(level)
    clear &= level > CERTAIN * np.sqrt(past)
    if clear.sum() < max(1, 0.5 * clear.size):
        return None
    at = np.flatnonzero(clear)
    at = at[:: at.size // MOST_COMPARED + 1]
    value, level, measured, total, past = (a[at] for a in (value, level, measured, total, past))
    whole = total * level**2
    faint = whole[level <= np.quantile(level, ADDED_QUARTER)]
    fixed = np.where(measured > 0, measured, np.minimum(whole, np.median(faint)))
    added = np.where(measured > 0, past, fixed) / level**2
    growing = np.maximum(total - added, ALIKE**2) + ALIKE**2 + total / visits[at]
    return Neurons(value, level, fixed + (1e-6 * level) ** 2, growing)


def explain(seen: Neurons, before: float, differ: float) -> Common:
    """Find the number that explains most neurons, and hold it against deaths.

    Parameters
    ----------
    seen : Neurons
        At least one.
    before : float
        The number, ln, that held until now.
    differ : float
        Dying neurons differ by this part of their common change.

    Returns
    -------
    Common
        Positive odds speak for one number.
    """
    steps = np.arange(LOWEST_LN, HIGHEST_LN, COARSE_LN)
    fits = _fit(seen, steps)
    near = steps[fits.argmax()] + np.arange(-1.5 * COARSE_LN, 1.5 * COARSE_LN, FINE_LN)
    step = float(near[int(_fit(seen, near).argmax())])
    nothing = step < NOTHING_LN or (step < NEARLY_LN and fits[0] > fits.max() - AS_WELL)
    one = np.array([step])
    square, var, _ = _spread(seen, one, before, differ)
    alike = float(_explained(seen, square, var)[0])
    square, _, wide = _spread(seen, np.append(steps, step), before, differ)
    apart = float(_explained(seen, square, wide).max())
    sd = np.sqrt(var[0]) / (np.exp(step) * seen.level)
    error = 1.2533 * float(np.median(sd)) / seen.value.size**0.5
    square, var, _ = _spread(seen, one, before, differ)
    own = OWN_EVENTS * FLAT / seen.level
    goes = (1.0 - OWN_EVENTS) * _normal(square, var)[0]
    square, var, _ = _spread(seen, np.array([before]), before, differ)
    stays = (1.0 - OWN_EVENTS) * _normal(square, var)[0] > np.maximum(CLEARLY * goes, own)
    return Common(
        seen.value.size, step, error, alike - apart, float(np.mean(goes > own)),
        float(np.mean(stays)), bool(nothing),
    )  # fmt: skip


def _spread(
    seen: Neurons, steps: Floats, before: float, differ: float
) -> tuple[Floats, Floats, Floats]:
    """Return (steps, n) squared deviations, and their variance when alike and when dying."""
    scaled = np.exp(steps)[:, np.newaxis] * seen.level
    var = seen.fixed + seen.growing * scaled**2
    left = np.exp(steps - before)[:, np.newaxis]
    part = differ + np.where(left < 1.0, np.clip(left - PARTLY, 0.0, PARTLY_MORE), 0.0)
    part += np.where(left > 1.0, np.clip(2.0 - left, 0.0, PARTLY_MORE), 0.0)
    apart = part * np.abs(scaled - np.exp(before) * seen.level)
    return (seen.value - scaled) ** 2, var, var + apart**2


def _fit(seen: Neurons, steps: Floats) -> Floats:
    square, var, _ = _spread(seen, steps, 0.0, 0.0)
    return _explained(seen, square, var)


def _explained(seen: Neurons, square: Floats, var: Floats) -> Floats:
    """Return (steps,) log likelihoods; some neurons do something of their own."""
    own = OWN_EVENTS * FLAT / seen.level
    return np.asarray(np.log((1.0 - OWN_EVENTS) * _normal(square, var) + own).sum(axis=1))


def _normal(square: Floats, var: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * square / var) / np.sqrt(2.0 * np.pi * var))


def is_other_channel(before: Floats, now: Floats, noise: float, *, already: bool = False) -> bool:
    """Tell whether neurons' ratios, ln, no longer go with what they were: channels exchanged.

    With both channels exchanged the slope of now over before is -1; with the same channel
    twice it is 0, and the neurons, which differed, no longer do. The dead may end at one level
    whatever they were, but not at quite one. ``noise`` is the error of ``before``, ln. Once
    they were ``already`` exchanged they are so until the neurons clearly go with what they
    were: some that die meanwhile do not bring them back.
    """
    spread = float(np.var(before)) - noise**2
    if spread < 2.0 * noise**2:
        return already
    off = before - before.mean()
    slope = float(off @ now) / before.size / spread
    if already:
        return slope < BACK
    rest = now - now.mean() - slope * off
    most = slope + 4.0 * max(float(np.std(rest)) / (spread * before.size) ** 0.5, 0.05)
    alike = slope < 0.5 and most < 1.0 and float(np.std(now)) < SAME
    return alike or most < 0.0
