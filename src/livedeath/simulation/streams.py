"""Random numbers that depend on their name alone: a key goes in, a generator comes out.

Everything random in the simulated world is drawn from a generator named by (seed, what,
where, when). Nothing depends on what was drawn before, so a frame taken again after a
restart, or alone, shows the same pixels.
"""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WAVES = 12
"""Sinusoids that stand for one slowly wandering value."""

MILLISECONDS_PER_HOUR = 3_600_000


def generator(*key: int | str) -> np.random.Generator:
    """Return the generator of a key; the same key always gives the same numbers.

    Parameters
    ----------
    *key : int or str
        The seed first, then the name of what is drawn.
    """
    digest = hashlib.blake2b("\x1f".join(map(str, key)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.SFC64(int.from_bytes(digest, "little")))


class Waves(NamedTuple):
    """Values that wander: (n, values * WAVES) frequencies (1/time constant) and phases."""

    waves: NDArray[np.float64]
    phases: NDArray[np.float64]


def draw_waves(rng: np.random.Generator, n: int, *, values: int = 2) -> Waves:
    """Draw the sinusoids of ``values`` slowly wandering values of n things.

    Frequencies follow the spectrum of an Ornstein-Uhlenbeck process, a Lorentzian.
    """
    waves = np.clip(np.tan(np.pi * (rng.random((n, values * WAVES)) - 0.5)), -40, 40)
    return Waves(waves, rng.uniform(0, 2 * np.pi, (n, values * WAVES)))


def wander(
    waves: NDArray[np.float64],
    phases: NDArray[np.float64],
    time_h: float | NDArray[np.float64],
    *,
    tau_h: float,
    which: int,
) -> NDArray[np.float64]:
    """Return one wandering value of n things at an hour, or at an hour of each.

    Parameters
    ----------
    waves, phases : (n, values * WAVES) float64
        As `draw_waves` gives them.
    time_h : float or (n,) float64
        Hours since the study's start.
    tau_h : float
        Lag at which the autocorrelation is 1/e.
    which : int
        Which of the values.
    """
    part = slice(which * WAVES, (which + 1) * WAVES)
    hours = np.reshape(time_h, (-1, 1)) / tau_h
    angle = waves[:, part] * hours + phases[:, part]
    return np.asarray(np.cos(angle).sum(1) * np.sqrt(2.0 / WAVES))


def when(time_h: float) -> int:
    """Return a time as a key, whole milliseconds, so that rounding cannot change it."""
    return round(time_h * MILLISECONDS_PER_HOUR)


def where(x_um: float, y_um: float, z_um: float) -> str:
    """Return a place as a key; x and y to one micrometre, z to a tenth."""
    return f"{round(x_um)}/{round(y_um)}/{round(10 * z_um)}"
