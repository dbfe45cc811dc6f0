"""How bright each neuron is at an hour: draws and fates go in, electrons per soma come out.

Pure in the hour: a drifting value is a sum of sinusoids whose frequencies follow the
spectrum of an Ornstein-Uhlenbeck process (a Lorentzian), so it has that process's
autocovariance and can be asked for any hour in any order.
"""

import numpy as np
from numpy.typing import NDArray

from livedeath.model.optics import Channel
from livedeath.simulation.culture import Debris, Draws, Neurons
from livedeath.simulation.fate import Fates
from livedeath.simulation.glia import Glia, is_there
from livedeath.simulation.parameters import (
    CultureParameters,
    DeathParameters,
    SignalParameters,
    StageParameters,
)
from livedeath.simulation.streams import wander

FADE_H = 2.0
"""Hours over which a corpse is cleared; chosen."""

MOTION_Z = 2.5
"""Most mobile neuron, in standard deviations: 99 % stay within 28 um a day."""


def drift(neurons: Neurons, time_h: float | Draws, *, tau_h: float, which: int) -> Draws:
    """Return a value of unit variance per neuron that drifts with a time constant.

    Parameters
    ----------
    neurons : Neurons
        Their waves, drawn once.
    time_h : float or (n,) float64
        Hours since the study's start, for all or for each.
    tau_h : float
        Lag at which the autocorrelation is 1/e.
    which : int
        0 brightness, 1 ratio, 2 and 3 the place along y and x.
    """
    return wander(neurons.waves, neurons.phases, time_h, tau_h=tau_h, which=which)


def debris_um(debris: Debris, time_h: float, p: CultureParameters) -> tuple[Draws, Draws]:
    """Return (y, x) of each bit of debris in the vessel's frame at an hour, micrometres."""
    if p.debris_motion_um == 0:
        return debris.y_um, debris.x_um
    own = debris.waves, debris.phases
    y, x = (wander(*own, time_h, tau_h=p.debris_motion_h, which=axis) for axis in (0, 1))
    return debris.y_um + p.debris_motion_um * y, debris.x_um + p.debris_motion_um * x


def place_um(
    neurons: Neurons, fates: Fates, time_h: float, p: StageParameters
) -> tuple[Draws, Draws]:
    """Return (y, x) of each soma in the vessel's frame at an hour, micrometres.

    Living neurons drift; the dead stay where they died.
    """
    scale = p.motion_um * np.exp(p.motion_log_sd * np.minimum(neurons.motion_z, MOTION_Z))
    alive_until = np.minimum(time_h, np.maximum(fates.death_h, 0.0))
    moved = [
        drift(neurons, alive_until, tau_h=p.motion_h, which=axis)
        - drift(neurons, 0.0, tau_h=p.motion_h, which=axis)
        for axis in (2, 3)
    ]
    return neurons.y_um + scale * moved[0], neurons.x_um + scale * moved[1]


def brightness(
    neurons: Neurons, time_h: float, p: SignalParameters, *, median_radius_um: float
) -> Draws:
    """Return each living neuron's light relative to the median neuron's, both channels."""
    slow = p.brightness_wander_log_sd * drift(neurons, time_h, tau_h=p.brightness_wander_h, which=0)
    area = (neurons.radius_um / median_radius_um) ** 2
    return np.asarray(area * np.exp(p.brightness_log_sd * neurons.brightness_z + slow))


def live_ratio(neurons: Neurons, time_h: float, p: SignalParameters) -> Draws:
    """Return the indicator/fill ratio relative to the median, as if the neuron lived."""
    log = (
        p.ratio_log_sd * neurons.ratio_z
        + p.wander_log_sd * drift(neurons, time_h, tau_h=p.wander_h, which=1)
        + p.trend_log_sd_per_day * neurons.trend_z * time_h / 24.0
        + transients(neurons, time_h, p)
    )
    return np.asarray(np.exp(log))


def transients(neurons: Neurons, time_h: float, p: SignalParameters) -> Draws:
    """Return the sum of the passing rises of the log ratio that are still decaying."""
    if p.transients_per_day == 0:
        return np.zeros(neurons.number.size)
    at = np.cumsum(neurons.transient_gap, axis=1) * 24.0 / p.transients_per_day
    since = (time_h - at) / p.transient_h
    passing = np.where(since >= 0, np.exp(-np.maximum(since, 0.0)), 0.0)
    return np.asarray(p.transient_log * (neurons.transient_size * passing).sum(1))


def fold(neurons: Neurons, p: SignalParameters) -> Draws:
    """Return each neuron's dead/live fold; lognormal with the declared mean."""
    median = p.fold * np.exp(-0.5 * p.fold_log_sd**2)
    return np.asarray(np.maximum(median * np.exp(p.fold_log_sd * neurons.fold_z), p.fold_min))


def rise_h(neurons: Neurons, p: SignalParameters) -> Draws:
    """Return the time constant with which each dying neuron's ratio rises, hours."""
    return np.asarray(p.rise_h * np.exp(p.rise_log_sd * neurons.rise_z))


def death_fold(neurons: Neurons, fates: Fates, time_h: float, p: SignalParameters) -> Draws:
    """Return the factor that dying puts on the ratio: 1 until the onset, then up to the fold."""
    since = np.maximum(time_h - fates.death_h, 0.0)
    return np.asarray(1.0 + (fold(neurons, p) - 1.0) * -np.expm1(-since / rise_h(neurons, p)))


def retained(fates: Fates, time_h: float, p: DeathParameters) -> Draws:
    """Return the share of the label still in the soma: leaked, floated away or cleared."""
    since = np.maximum(time_h - fates.rupture_h, 0.0)
    left = p.leak_floor + (1.0 - p.leak_floor) * np.exp(-since / p.leak_h)
    return np.asarray(left * present(fates, time_h))


def present(fates: Fates, time_h: float) -> Draws:
    """Return 1 while the neuron or its corpse is there, falling to 0 as it is cleared."""
    clearing = np.clip(1.0 - (time_h - fates.cleared_h) / FADE_H, 0.0, 1.0)
    return np.asarray(np.where(time_h < fates.detach_h, clearing, 0.0))


def progress(fates: Fates, time_h: float, duration_h: float) -> Draws:
    """Return how far a change that begins at the onset has come: 0 before, 1 at its end."""
    return np.asarray(np.clip((time_h - fates.death_h) / duration_h, 0.0, 1.0))


def soma_scale(fates: Fates, time_h: float, p: DeathParameters) -> Draws:
    """Return the length of each soma relative to its length in life."""
    return np.asarray(np.sqrt(1.0 - p.shrink_area * progress(fates, time_h, p.shrink_h)))


def electrons(
    channel: Channel,
    neurons: Neurons,
    fates: Fates,
    time_h: float,
    *,
    signal: SignalParameters,
    death: DeathParameters,
    median_radius_um: float,
    noise: NDArray[np.float64] | None = None,
) -> Draws:
    """Return photo-electrons per soma at the reference exposure, without bleaching.

    Parameters
    ----------
    channel : Channel
        Its role says what it shows.
    neurons, fates : Neurons, Fates
        Of one well, the same length n.
    time_h : float
        Hours since the study's start.
    signal, death : SignalParameters, DeathParameters
        What the world is made of.
    median_radius_um : float
        Radius of the soma that the declared electrons hold for.
    noise : (n,) float64, optional
        Log-noise of this visit's ratio; None for the expected value.
    """
    if channel.role == "dye":
        since = np.maximum(time_h - fates.rupture_h, 0.0)
        entered = -np.expm1(-since / signal.dye_h) * present(fates, time_h)
        return np.asarray(signal.dye_electrons * entered)
    size = brightness(neurons, time_h, signal, median_radius_um=median_radius_um)
    light = size * retained(fates, time_h, death)
    if channel.role == "indicator":
        ratio = live_ratio(neurons, time_h, signal) * death_fold(neurons, fates, time_h, signal)
        spoilt = 1.0 if noise is None else np.exp(noise)
        own = signal.indicator_electrons * light * ratio * spoilt
        return np.asarray(own + signal.crosstalk * signal.fill_electrons * light)
    if channel.role == "payload":
        light = light * np.exp(0.5 * neurons.payload_z)
    return np.asarray(signal.fill_electrons * light)


def glia_electrons(
    channel: Channel,
    glia: Glia,
    time_h: float,
    culture: CultureParameters,
    p: SignalParameters,
    median_radius_um: float,
) -> Draws:
    """Return photo-electrons per glial cell at the reference exposure, without bleaching."""
    size = (glia.radius_um / median_radius_um) ** 2 * np.exp(0.3 * glia.brightness_z)
    level = p.indicator_electrons if channel.role == "indicator" else p.fill_electrons
    return np.asarray(level * culture.glia_light * size * is_there(glia, time_h))
