"""Templates of deaths and of transients under way: opened, merged, weighed, dropped.

A template is an onset, a time constant and an amplitude. It is pushed through the neuron's
own baseline filter, so that its innovation response times the amplitude is what it would add
to the innovations. Its weight is its prior mass in neuron-days times its likelihood ratio.

Every function takes the neurons of a visit and loops over them inside: what numba does to
count references is then done once a visit, and not once a template. For the same reason what is
called for each neuron is compiled into its caller (``forceinline``), and the templates of all
slots of a neuron are weighed in one loop.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from livedeath.kernels.baseline import LEVEL_FLOOR
from livedeath.kernels.elementary import exp_below_zero

NEGLIGIBLE = 1e-2
"""Likelihood ratio below which a template is given up; a later onset takes over."""
TIE = 1e-3
"""Slots whose weights differ by less than this part are equally heavy."""
HEAVIEST = 1e30
"""Largest weight of a template in one visit; single precision ends near."""
HEAVY = 1e12
"""Above this all weights of a neuron are brought down together."""
LANES = {"reassoc", "contract"}
"""What the compiler may do to sums over templates, so that it can work on several at a time."""

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
f4 = np.float32


class Bank(NamedTuple):
    """Templates under way: (neuron, onset, time constant x amplitude); changed in place.

    ``order`` says which slots are in use, oldest onset first; a slot stands for the onsets
    from ``from_h`` to ``until_h``; ``fade`` is exp(-age / tau) of an onset, ``response`` what
    the baseline has taken of it up.
    """

    used: Ints
    order: Ints
    onset_h: Floats
    from_h: Floats
    until_h: Floats
    mass: Floats
    fade: Floats
    weight: Singles
    mean: Singles
    var: Singles
    response: Floats


class Shapes(NamedTuple):
    """Templates: time constants, h, each with several amplitudes, in baselines.

    ``mean``, ``var``, the ``least`` that an amplitude may become and ``prior`` have one number
    per template, those of the first time constant first.
    """

    tau_h: Floats
    mean: Singles
    var: Singles
    least: Singles
    prior: Singles
    recovers: bool


class Innovations(NamedTuple):
    """The values of a visit beside what the baselines foretold, one number per neuron."""

    dt_h: Floats
    value: Floats
    fixed: Floats
    slope: Floats
    excess: Floats
    rest: Floats
    level: Floats
    predicted: Floats
    e: Floats
    s: Floats
    scale: Floats
    usual: Floats
    bad: Floats
    density: Floats
    gain: Floats


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def drop(order: Ints, used: Ints, r: int, at: int) -> None:
    """Take the slot at place ``at`` out of use; later ones move up, its room goes last.

    Parameters
    ----------
    order, used : (N, s) int64, (N,) int64
        As in `Bank`, changed in place.
    r, at : int
        Neuron, and place in its order of onsets, below ``used[r]``.
    """
    slot = order[r, at]
    last = used[r] - 1
    for k in range(at, last):
        order[r, k] = order[r, k + 1]
    order[r, last] = slot
    used[r] = last


@njit(cache=True, nogil=True, error_model="numpy", fastmath=LANES, forceinline=True)
def _weight(weight: Singles, r: int, s: int) -> float:
    """Return the weight of a slot, neuron-days."""
    total = 0.0
    for k in range(weight.shape[2]):
        total += weight[r, s, k]
    return total


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _merge(bank: Bank, r: int, time_h: float) -> None:
    """Join the two neighbours that are closest for their age; weights and masses add.

    The heavier slot's onset, amplitudes and response live on, of two equally heavy ones the
    newer's; the sum of the weights keeps its expectation. The slot that is left stands for the
    onsets of both and those between, of slots given up.
    """
    best = 0
    smallest = math.inf
    for k in range(bank.used[r] - 1):
        newer_h = bank.onset_h[r, bank.order[r, k + 1]]
        gap = newer_h - bank.onset_h[r, bank.order[r, k]]
        closeness = gap / (time_h - newer_h + 0.1)
        if closeness < smallest:
            smallest = closeness
            best = k
    place = best
    goes = bank.order[r, best]
    stays = bank.order[r, best + 1]
    # Equal weights are common: a wild value multiplies all by 1. Rounding must not choose.
    if _weight(bank.weight, r, goes) > (1.0 + TIE) * _weight(bank.weight, r, stays):
        place = best + 1
        goes, stays = stays, goes
    for k in range(bank.weight.shape[2]):
        bank.weight[r, stays, k] += bank.weight[r, goes, k]
    bank.mass[r, stays] += bank.mass[r, goes]
    bank.from_h[r, stays] = min(bank.from_h[r, stays], bank.from_h[r, goes])
    bank.until_h[r, stays] = max(bank.until_h[r, stays], bank.until_h[r, goes])
    drop(bank.order, bank.used, r, place)


@njit(cache=True, nogil=True, error_model="numpy")
def age(bank: Bank, rows: Ints, seen: NDArray[np.bool_], dt_h: Floats, shapes: Shapes) -> None:
    """Let the onsets under way of the neurons ``seen`` before grow older by ``dt_h``."""
    used, order, fade, tau_h = bank.used, bank.order, bank.fade, shapes.tau_h
    by = np.ones(tau_h.size)
    interval = 0.0
    for i in range(rows.size):
        if not seen[i]:
            continue
        r = rows[i]
        if dt_h[i] != interval:
            interval = dt_h[i]
            for j in range(tau_h.size):
                by[j] = math.exp(-interval / tau_h[j])
        for k in range(used[r]):
            for j in range(tau_h.size):
                fade[r, order[r, k], j] *= by[j]


@njit(cache=True, nogil=True, error_model="numpy")
def open_slots(
    bank: Bank,
    rows: Ints,
    seen: NDArray[np.bool_],
    time_h: float,
    age_h: Floats,
    days: Floats,
    alive: Floats,
    shapes: Shapes,
) -> None:
    """Open a slot for an onset ``age_h`` ago with a prior mass of ``days`` around it.

    Parameters
    ----------
    bank, shapes : Bank, Shapes
        Where, and which templates.
    rows, seen : (n,) int64, (n,) bool
        Neurons of the visit; only those seen before get a slot.
    time_h : float
        Time of the visit, h.
    age_h, days : (n,) float64
        Age of the onset, h, and its prior mass, neuron-days; 0 days opens none.
    alive : (N,) float64
        Weight of each neuron's having been alive so far.
    """
    used, order, onset_h, mass = bank.used, bank.order, bank.onset_h, bank.mass
    from_h, until_h = bank.from_h, bank.until_h
    fade, weight, mean, var, response = bank.fade, bank.weight, bank.mean, bank.var, bank.response
    tau_h, first, spread, prior = shapes.tau_h, shapes.mean, shapes.var, shapes.prior
    begun = np.ones(tau_h.size)
    known = 0.0
    for i in range(rows.size):
        if not seen[i] or days[i] == 0.0:
            continue
        r = rows[i]
        if used[r] == onset_h.shape[1]:
            _merge(bank, r, time_h)
        if age_h[i] != known:
            known = age_h[i]
            for j in range(tau_h.size):
                begun[j] = math.exp(-known / tau_h[j])
        s = order[r, used[r]]
        used[r] += 1
        onset_h[r, s] = time_h - known
        from_h[r, s] = time_h - known - 12.0 * days[i]
        until_h[r, s] = time_h - known + 12.0 * days[i]
        mass[r, s] = days[i] * alive[r]
        for j in range(tau_h.size):
            fade[r, s, j] = begun[j]
            for c in range(3):
                response[r, s, j, c] = 0.0
        for k in range(prior.size):
            weight[r, s, k] = f4(mass[r, s]) * prior[k]
            mean[r, s, k] = first[k]
            var[r, s, k] = spread[k]


@njit(cache=True, nogil=True, error_model="numpy")
def _for_each_slot(one: Singles, slots: int) -> Singles:
    """Return what all slots have in common once for each of them."""
    out = np.empty(slots * one.size, np.float32)
    for s in range(slots):
        for c in range(one.size):
            out[s * one.size + c] = one[c]
    return out


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _respond(
    used: Ints,
    order: Ints,
    mass: Floats,
    fade: Floats,
    response: Floats,
    r: int,
    recovers: bool,
    prior: Singles,
    dt_h: float,
    phi: float,
    to_level: float,
    to_trend: float,
    to_drift: float,
    heights: Singles,
    absorbed: Singles,
    smallest: Singles,
) -> None:
    """Push a neuron's onsets through its baseline filter; write down what its templates ask for.

    That is what is new of each, what the baseline has taken up, and the weight below which it
    goes. Templates of slots that are not in use have no height and are never heavy enough.
    """
    taus, templates, under_way = fade.shape[2], prior.size, used[r]
    n = templates // taus
    for k in range(order.shape[1]):
        s = order[r, k]
        least = f4(NEGLIGIBLE * mass[r, s]) if k < under_way else f4(math.inf)
        for c in range(templates):
            smallest[s * templates + c] = least * prior[c]
        for j in range(taus):
            height, taken = 0.0, 0.0
            if k < under_way:
                taken = response[r, s, j, 0] + dt_h * response[r, s, j, 1]
                drifted = phi * response[r, s, j, 2]
                height = fade[r, s, j] if recovers else 1.0 - fade[r, s, j]
                height -= taken + drifted
                response[r, s, j, 0] = taken + to_level * height
                response[r, s, j, 1] += to_trend * height
                response[r, s, j, 2] = drifted + to_drift * height
            high, low = f4(height), f4(taken)
            at = s * templates + j * n
            heights[at + n - 1], absorbed[at + n - 1] = high, low
            for c in range(at, at + n - 1, 2):
                heights[c], heights[c + 1] = high, high
                absorbed[c], absorbed[c + 1] = low, low


@njit(cache=True, nogil=True, error_model="numpy", fastmath=LANES)
def weigh(
    bank: Bank, rows: Ints, seen: NDArray[np.bool_], shapes: Shapes, phi: Floats, v: Innovations
) -> Floats:
    """Multiply every template's weight by its likelihood ratio; return each neuron's sum.

    Slots whose templates were all given up are left with weight 0.

    Parameters
    ----------
    bank, shapes : Bank, Shapes
        Weighed in place.
    rows, seen : (n,) int64, (n,) bool
        Neurons of the visit; only those seen before are weighed.
    phi : (n,) float64
        What is left of a neuron's drift after its interval.
    v : Innovations
        What was measured beside what was foretold.

    Returns
    -------
    (n,) float64
        Sum of the weights, neuron-days.

    Notes
    -----
    An innovation against the template's direction is judged without the amplitude's
    variance: the density then sums to less than one, and a fall never speaks for a rise.
    Single precision: a likelihood ratio is exact to 2e-5, so that the logarithm of a weight
    stays within 0.01 of its double-precision twin over 10,000 visits (tests).
    """
    neurons, slots, prior = bank.used.size, bank.onset_h.shape[1], shapes.prior
    weights = bank.weight.reshape(neurons, slots * prior.size)
    means, spreads = bank.mean.reshape(weights.shape), bank.var.reshape(weights.shape)
    least, gain = _for_each_slot(shapes.least, slots), v.gain
    heights = np.zeros(least.size, np.float32)
    absorbed, smallest = np.zeros_like(heights), np.zeros_like(heights)
    out = np.zeros(rows.size)
    for i in range(rows.size):
        if not seen[i]:
            continue
        r = rows[i]
        _respond(
            bank.used, bank.order, bank.mass, bank.fade, bank.response, r, shapes.recovers, prior,
            v.dt_h[i], phi[i], gain[i, 0], gain[i, 1], gain[i, 2], heights, absorbed, smallest,
        )  # fmt: skip
        value, fixed, slope, e = f4(v.value[i]), f4(v.fixed[i]), f4(v.slope[i]), f4(v.e[i])
        excess, rest, least_photons = f4(v.excess[i]), f4(v.rest[i]), f4(0.1) * f4(v.fixed[i])
        predicted, scale, level = f4(v.predicted[i]), f4(v.scale[i]), f4(v.level[i])
        most, bad = f4(v.usual[i] / math.sqrt(2.0 * math.pi)), f4(v.bad[i])
        rarity, floor = f4(1.0 / v.density[i]), f4(LEVEL_FLOOR)
        total = f4(0.0)
        for c in range(least.size):
            a, spread = means[r, c], spreads[r, c]
            g = max(level / max(f4(1.0) + a * absorbed[c], f4(0.1)), floor) * heights[c]
            at = predicted + g * a
            photons = max(fixed + slope * (at - value), least_photons)
            along = g * g * spread if e * g * a > f4(0.0) else f4(0.0)
            inverse = f4(1.0) / (scale * (rest + photons + at * at * excess) + along)
            b = e - g * a
            good = most * math.sqrt(inverse) * exp_below_zero(f4(-0.5) * b * b * inverse)
            both = good + bad
            weight = min(weights[r, c] * (both * rarity), f4(HEAVIEST))
            weight = weight if weight > smallest[c] else f4(0.0)
            weights[r, c] = weight
            total += weight
            move = good / both * spread * g * inverse
            low = least[c]
            a += move * b
            means[r, c] = max(a, low) if low > f4(0.0) else min(a, low)
            spreads[r, c] = max(spread * (f4(1.0) - move * g), f4(0.0))
        out[i] = total
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def forget(bank: Bank, rows: Ints) -> None:
    """Drop the slots whose templates were all given up."""
    used, order, weight = bank.used, bank.order, bank.weight
    for r in rows:
        for k in range(used[r] - 1, -1, -1):
            if _weight(weight, r, order[r, k]) == 0.0:
                drop(order, used, r, k)


@njit(cache=True, nogil=True, error_model="numpy")
def scale(bank: Bank, r: int, after_h: float, factor: float) -> None:
    """Multiply the weights and masses of a neuron's onsets after ``after_h``."""
    for k in range(bank.used[r]):
        s = bank.order[r, k]
        if bank.onset_h[r, s] > after_h:
            bank.mass[r, s] = min(bank.mass[r, s] * factor, HEAVIEST)
            for c in range(bank.weight.shape[2]):
                bank.weight[r, s, c] = f4(min(float(bank.weight[r, s, c]) * factor, HEAVIEST))
