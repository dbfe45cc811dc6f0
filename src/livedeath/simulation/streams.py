"""Random numbers that depend on their name alone: a key goes in, a generator comes out.

Everything random in the simulated world is drawn from a generator named by (seed, what,
where, when). Nothing depends on what was drawn before, so a frame taken again after a
restart, or alone, shows the same pixels.
"""

import hashlib

import numpy as np

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


def when(time_h: float) -> int:
    """Return a time as a key, whole milliseconds, so that rounding cannot change it."""
    return round(time_h * MILLISECONDS_PER_HOUR)


def where(x_um: float, y_um: float, z_um: float) -> str:
    """Return a place as a key; x and y to one micrometre, z to a tenth."""
    return f"{round(x_um)}/{round(y_um)}/{round(10 * z_um)}"
