"""What happens to a whole field, or to a living neuron for a while, as factors on its light.

None of these is a death. A field's fault hits all its neurons in one visit or from one visit
on; a neuron's own transient rises at once, lasts some visits and is gone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FAULT_H = (40.0, 60.0)
"""When a field's fault begins."""


AFTER_VISITS = 15
"""Visits at its baseline that every neuron shows at least after a transient of its own."""


@dataclass(frozen=True)
class Fault:
    """Factors on the light of the indicator and of the fill, from a visit on.

    ``visits`` is how long it lasts, 0 for good; where ``scope`` is 'neuron' each neuron has
    its own time, where 'field' one well does, where 'plate' all wells share one.
    """

    indicator: tuple[float, ...] = (1.0,)
    fill: float = 1.0
    visits: tuple[int, ...] = (1,)
    scope: str = "plate"

    @property
    def returns(self) -> bool:
        """Whether the light comes back."""
        return 0 not in self.visits


INDICATOR_ONLY = {
    "x1.3-for-good": Fault((1.3,), visits=(0,)),
    "x1.6-for-good": Fault((1.6,), visits=(0,)),
    "x1.5-10-for-good": Fault((1.5, 2.0, 3.0, 5.0, 10.0), visits=(0,)),
    "x1.5-10-2-3-visits": Fault((1.5, 2.0, 3.0, 5.0, 10.0), visits=(2, 3)),
    "both-x60-1-visit": Fault((60.0,), 60.0),
    "zeros-1-visit": Fault((0.0,), 0.0),
    "field-x1.6-for-good": Fault((1.6,), visits=(0,), scope="field"),
    "field-x2-10-3-visits": Fault((2.0, 3.0, 5.0, 10.0), visits=(3,), scope="field"),
    "field-zeros-2-visits": Fault((0.0,), 0.0, visits=(2,), scope="field"),
    "transient-2-visits": Fault((2.0, 4.0, 10.0), visits=(2,), scope="neuron"),
    "transient-6-visits": Fault((2.0, 4.0, 10.0), visits=(6,), scope="neuron"),
}
FILL_ONLY = {
    "zeros-1-visit": Fault((1.0,), 0.0),
    "dim-2-visits": Fault((1.0,), 0.3, visits=(2,)),
    "lamp-dead": Fault((1.0,), 0.0, visits=(0,)),
    "lamp-at-40%": Fault((1.0,), 0.4, visits=(0,)),
    "field-zeros-1-visit": Fault((1.0,), 0.0, scope="field"),
    "dip-6-visits": Fault((1.0,), 0.2, visits=(6,), scope="neuron"),
    "field-lamp-at-40%": Fault((1.0,), 0.4, visits=(0,), scope="field"),
}
FAULTS = INDICATOR_ONLY | {f"fill-{name}": fault for name, fault in FILL_ONLY.items()}


def factors(
    fault: Fault, rng: np.random.Generator, time_h: Floats, well: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Return factors of the indicator and of the fill, (neuron, visit), and when it began.

    The last is (neuron,), NaN where the neuron was spared.
    """
    n, m = well.size, time_h.size
    indicator, fill = np.ones((n, m)), np.ones((n, m))
    began = np.full(n, np.nan)
    if fault.scope == "neuron":
        latest = time_h[-1 - AFTER_VISITS - max(fault.visits)]
        groups = [(np.array([i]), rng.uniform(24.0, latest)) for i in range(n)]
    elif fault.scope == "field":
        groups = [(np.flatnonzero(well == rng.choice(np.unique(well))), rng.uniform(*FAULT_H))]
    else:
        groups = [(np.arange(n), rng.uniform(*FAULT_H))]
    for who, start_h in groups:
        first = int(np.searchsorted(time_h, start_h))
        length = int(rng.choice(fault.visits)) or m
        at = np.ix_(who, np.arange(first, min(first + length, m)))
        indicator[at], fill[at] = rng.choice(fault.indicator), fault.fill
        began[who] = time_h[first]
    return indicator, fill, began
