"""When each field was looked at: visits go in; first and last hour and their number are kept.

Fields are watched at hours of their own, several in a well, and one may be missed while the
others are not. So whether a neuron has been missing for long is judged by the visits of its
own field.
"""

import numpy as np
from numpy.typing import NDArray

from livedeath.detection.names import Names

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Fields:
    """Names and visits of the fields.

    Attributes
    ----------
    time_h : (F, 3) float64
        First visit, last visit, h, and number of visits of each field; NaN, NaN and 0 before
        its first.
    """

    def __init__(self) -> None:
        self._names = Names()
        self.time_h: Floats = np.zeros((0, 3))

    def code(self, names: NDArray[np.str_]) -> Ints:
        """Return the number of each field; an unknown one gets the next."""
        codes = self._names.code(names)
        new = len(self._names) - len(self.time_h)
        if new:
            self.time_h = np.vstack([self.time_h, np.tile([np.nan, np.nan, 0.0], (new, 1))])
        return codes

    def visit(self, codes: Ints, time_h: float) -> None:
        """Note one visit of each field that stands in ``codes``."""
        here = np.flatnonzero(np.bincount(codes, minlength=len(self.time_h)))
        new = here[self.time_h[here, 2] == 0]
        self.time_h[new, 0] = time_h
        self.time_h[here, 1] = time_h
        self.time_h[here, 2] += 1.0

    def state(self) -> dict[str, NDArray[np.float64] | NDArray[np.str_]]:
        """Return everything known of the fields."""
        return {"names": self._names.known(), "time_h": self.time_h.copy()}

    def restore(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned."""
        self._names = Names(state["names"].tolist())
        self.time_h = np.array(state["time_h"], dtype=np.float64).reshape(-1, 3)
