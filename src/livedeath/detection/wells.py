"""Steps common to a well's neurons: found, taken out within a budget, remembered.

A medium change or a fluorescent compound moves all neurons of a well alike; dying neurons
differ in onset and fold. So a step is taken out only where the neurons agree, freely
right after an intervention and within a small budget otherwise: a well that dies at once
is never hidden.
"""

import numpy as np
from numpy.typing import NDArray

from livedeath.detection.names import Names
from livedeath.kernels.levels import group_medians

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEURONS = 8
"""Fewest living neurons that show a step common to a well."""
BUDGET = 0.15
"""Largest common step, ln, taken out between two journaled interventions."""
FREE = 1.4
"""Largest common step, ln, taken out right after an intervention."""


class Wells:
    """Names and common steps of the wells."""

    def __init__(self) -> None:
        self._names = Names()
        self.gain = np.zeros((0, 2))
        self.log = np.zeros((0, 3))

    def code(self, names: NDArray[np.str_]) -> Ints:
        """Return the number of each well; an unknown one gets the next."""
        codes = self._names.code(names)
        new = len(self._names) - len(self.gain)
        if new:
            self.gain = np.vstack([self.gain, np.zeros((new, 2))])
        return codes

    def steps(
        self, time_h: float, codes: Ints, off: Floats, sd: Floats, intervened: NDArray[np.bool_]
    ) -> Floats:
        """Return the new step, ln, that each row shares with its well; 0 where none.

        ``off`` is the deviation from the prediction in levels, NaN where there is none,
        and ``sd`` its standard deviation.
        """
        part = np.isfinite(off)
        enough = np.bincount(codes[part], minlength=len(self.gain)) >= NEURONS
        wells = np.flatnonzero(enough)
        if wells.size == 0:
            return np.zeros(codes.size)
        free = (np.bincount(codes[intervened], minlength=len(self.gain)) > 0)[wells]
        gain, mark = self.gain[wells].T
        bound = np.where(free, FREE, BUDGET)
        after = gain + common(off, sd, part, codes, wells)
        after = np.clip(after, mark - bound, mark + bound)
        step = np.zeros(len(self.gain))
        step[wells] = after - gain
        self.gain[wells] = np.column_stack([after, np.where(free, after, mark)])
        for k in np.flatnonzero(after != gain).tolist():
            self.log = np.vstack([self.log, [time_h, wells[k], after[k]]])
        return step[codes]

    def gain_at(self, time_h: Floats, well: int) -> Floats:
        """Return the ln of all that was taken out of a well by each time."""
        log = self.log[self.log[:, 1] == well]
        when = np.searchsorted(log[:, 0], time_h, side="right")
        return np.concatenate([[0.0], log[:, 2]])[when]

    def state(self) -> dict[str, NDArray[np.float64] | NDArray[np.str_]]:
        """Return everything known of the wells."""
        return {
            "names": self._names.known(),
            "gain": self.gain.copy(),
            "log": self.log.copy(),
        }

    def restore(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned."""
        self._names = Names(state["names"].tolist())
        self.gain = np.array(state["gain"], dtype=np.float64).reshape(-1, 2)
        self.log = np.array(state["log"], dtype=np.float64).reshape(-1, 3)


def common(off: Floats, sd: Floats, part: NDArray[np.bool_], codes: Ints, wells: Ints) -> Floats:
    """Return the step, ln, common to the neurons of each of some wells.

    It is 0 where they differ or none is sure: dying neurons differ in onset and fold, a step
    of the medium is the same for all. ``part`` says whose deviations count, ``codes`` which
    well each neuron is in.
    """
    all_wells = int(codes.max(initial=0)) + 1
    n = np.bincount(codes[part], minlength=all_wells)[wells]
    middle = group_medians(off, part, codes, all_wells)
    error = 1.2533 * group_medians(sd, part, codes, all_wells)[wells] / np.sqrt(n)
    step = middle[wells]
    sure = (np.abs(step) >= 4.0 * error) & (step >= -0.9)
    if sure.any():
        apart = np.abs(off - middle[codes]) / (sd * np.maximum(1.0 + middle[codes], 0.1))
        spread = 1.4826 * group_medians(apart, part, codes, all_wells)[wells]
        sure &= spread <= 1.0 + 1.8 / np.sqrt(n)
    return np.asarray(np.where(sure, np.log1p(np.where(sure, step, 0.0)), 0.0))
