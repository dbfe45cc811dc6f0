"""What is kept of a neuron that is followed, and the lengths that following goes by."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Rows = NDArray[Any]

TRACK = np.dtype(
    [
        ("y", "f8"), ("x", "f8"), ("variance", "f8"), ("radius", "f8"), ("light", "f8"),
        ("seen_h", "f8"), ("began_h", "f8"),
        ("unseen", "i8"), ("away", "i8"), ("sightings", "i8"), ("missed", "i8"), ("astray", "i8"),
        ("parent", "i8"),
        ("blended", "?"), ("mixed", "?"), ("moved", "?"), ("ended", "?"), ("cut", "?"),
    ]
)  # fmt: skip
"""A neuron: place and its variance, radius and light of its last outline, hours of its last and
first sighting; visits since it was seen, those of them that showed others, all with and without
it; how long its outline has stood elsewhere with nobody near, the row of who divided into it;
whether it may be mistaken for a lost neighbour, for a neighbour that is found, may be a newcomer
elsewhere, is no more, and was only seen cut by the border."""

LEAST_GATE = 0.75
"""However short the interval, a neuron may be found this far away, in soma diameters:
outlines of the same soma differ from visit to visit."""

OFF = 0.25
"""A neuron farther from its place than this, in soma diameters, has taken a step."""

ALIKE = 1.1
"""Two are alike if ln(area) and ln(light) differ by less than this: a factor of three."""


class Laws(NamedTuple):
    """Lengths of a field, working px.

    A soma's diameter, the farthest way of a day, the usual way of a day per axis; and the visits
    of a gap.
    """

    soma: float
    gate: float
    motion: float
    gap_visits: int
