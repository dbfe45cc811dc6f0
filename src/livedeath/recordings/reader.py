"""What the readers of recordings have in common, whatever the file's format.

A reader gives the contents of its file and one frame at a time; it does not judge whether a
study can be made of them.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Position:
    """One place that a recording looks at.

    Parameters
    ----------
    name : str
        As the file calls it.
    well : str
        Name of the well if the file says one, else empty.
    """

    name: str = ""
    well: str = ""


@dataclass(frozen=True)
class Contents:
    """What a file says of itself.

    Parameters
    ----------
    shape : tuple of int
        (t, c, z, y, x).
    dtype : numpy dtype
        Of the pixels.
    channel_names : tuple of str
        One per channel, or empty.
    pixel_size_um : float or None
        Side of a pixel, micrometres.
    z_step_um : float or None
        Distance of planes, micrometres.
    times_h : tuple of float or None
        Hours of the visits since the first.
    positions : tuple of Position
        At least one.
    bits : int or None
        Bits that the camera fills.
    """

    shape: tuple[int, int, int, int, int]
    dtype: np.dtype[Any]
    channel_names: tuple[str, ...] = ()
    pixel_size_um: float | None = None
    z_step_um: float | None = None
    times_h: tuple[float, ...] | None = None
    positions: tuple[Position, ...] = field(default=(Position(),))
    bits: int | None = None


class Reader(Protocol):
    """One file format."""

    @property
    def contents(self) -> Contents:
        """What the file holds; known once it is open."""
        ...

    def read(self, t: int, c: int, z: int, position: int) -> NDArray[Any]:
        """Return one frame (Y, X); may be called from several threads, in any order."""
        ...

    def has(self, t: int, c: int, z: int, position: int) -> bool:
        """Return whether the file holds this frame at all."""
        ...

    def close(self) -> None:
        """Let go of the file; nothing is read afterwards."""
        ...
