"""Neurons of a visit with size and light go in; who of them is not at risk yet comes out.

Bits of debris, ghosts out of focus and what drifts in at the border are found like somata. A
watch over them would end in false deaths: so whoever begins after its field's first visit, or
differs from the culture in size, light or brightness, is not at risk until it was found
steadily. Only visits so far are looked at, and nothing of life and death: neither the
indicator nor any arm. Who is at risk stays so.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ORDINARY = 4.0
"""Who begins in the first visit and lies within this many log-sds is at risk at once."""

STRANGE = 5.0
"""Who lies beyond this many log-sds is no neuron of this culture, however steady."""

SHOWN_VISITS = 5
"""The others are at risk once they were found so often,"""

STEADY = 0.7
"""and in this part of the visits since they began: debris comes and goes, somata stay."""

AREA_LOG_SD = 0.48
"""Log-sd of the soma's area: twice that of its diameter, from the quartiles 14.1-19.4 um of
268 rat cortical neurons (eLife 35977)."""

LIGHT_LOG_SD = 0.73
"""Log-sd of a soma's light (ibid.)."""

BRIGHTNESS_LOG_SD = 0.38
"""Log-sd of a soma's mean (ibid.)."""

OUTLINE = 0.7
"""Area of an outline at half of the peak, in that of the soma; it only counts while few
neurons are known."""

ENOUGH = 10
"""Neurons whose median and spread say what is ordinary."""

LEAST_LOG_SDS = np.array([AREA_LOG_SD, LIGHT_LOG_SD, BRIGHTNESS_LOG_SD])


class AtRisk:
    """Says who is at risk among the neurons of one acquisition, all its fields together.

    Parameters
    ----------
    soma_um : float
        Diameter of a typical soma, as it is known when the acquisition begins.

    Notes
    -----
    Memory is a few numbers per neuron. Results depend on the visits and their order alone.
    """

    def __init__(self, soma_um: float) -> None:
        self._usual_area = math.log(OUTLINE * math.pi / 4.0 * soma_um**2)
        self._rows: dict[int, int] = {}
        self._at_risk = np.empty(0, np.bool_)
        self._first = np.empty(0, np.bool_)
        self._visits = np.empty((0, 2), np.int64)
        self._sums = np.empty((0, 3))
        self._culture = np.empty((0, 2))

    def push(
        self,
        neuron_id: NDArray[np.int64],
        area_um2: Floats,
        light: Floats,
        *,
        first: bool,
        whole: NDArray[np.bool_],
        trusted: bool = False,
    ) -> NDArray[np.bool_]:
        """Take the neurons of one visit in which somata could be looked for.

        Parameters
        ----------
        neuron_id : (n,) int64
            All neurons of the field so far.
        area_um2 : (n,) float64
            Area of the outline; NaN where none was found.
        light : (n,) float64
            Light of the channel that shows somata; NaN where unknown.
        first : bool
            Whether this is the field's first visit that shows anybody.
        whole : (n,) bool
            Whether size and light are those of the whole soma and of no other; only such
            neurons say what is ordinary.
        trusted : bool
            The outlines were made elsewhere: whoever has one is at risk.

        Returns
        -------
        (n,) bool
            Who is not at risk yet.
        """
        at = self._enter(neuron_id, first=first)
        found = np.isfinite(area_um2)
        self._visits[at] += np.column_stack([found, np.ones_like(found)])
        with np.errstate(invalid="ignore", divide="ignore"):
            size = np.log(np.column_stack([area_um2, light]))
        measured = found & np.isfinite(size).all(axis=1)
        self._sums[at[measured]] += np.column_stack([size[measured], np.ones(int(measured.sum()))])
        if first:
            self._culture = np.vstack([self._culture, size[measured & whole]])
        waiting = ~self._at_risk[at]
        if trusted:
            self._at_risk[at[found]] = True
        elif waiting.any():
            who = at[waiting]
            self._at_risk[who] = self._shown(who)
        return ~self._at_risk[at]

    def waiting(self, neuron_id: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return who is not at risk yet, of neurons in a visit that shows no somata."""
        at = self._enter(neuron_id, first=False)
        return ~self._at_risk[at]

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that the next visit depends on."""
        return {
            "usual_area": np.array(self._usual_area),
            "neuron_id": np.fromiter(self._rows, np.int64, len(self._rows)),
            "at_risk": self._at_risk.copy(),
            "first": self._first.copy(),
            "visits": self._visits.copy(),
            "sums": self._sums.copy(),
            "culture": self._culture.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._usual_area = float(state["usual_area"])
        ids = np.asarray(state["neuron_id"], np.int64).tolist()
        self._rows = {neuron: row for row, neuron in enumerate(ids)}
        self._at_risk = np.array(state["at_risk"], np.bool_)
        self._first = np.array(state["first"], np.bool_)
        self._visits = np.array(state["visits"], np.int64).reshape(-1, 2)
        self._sums = np.array(state["sums"], np.float64).reshape(-1, 3)
        self._culture = np.array(state["culture"], np.float64).reshape(-1, 2)

    def _enter(self, neuron_id: NDArray[np.int64], *, first: bool) -> NDArray[np.int64]:
        """Return the neurons' rows; unknown neurons get one."""
        new = [i for i in neuron_id.tolist() if i not in self._rows]
        for i in new:
            self._rows[i] = len(self._rows)
        n = len(new)
        self._at_risk = np.concatenate([self._at_risk, np.zeros(n, np.bool_)])
        self._first = np.concatenate([self._first, np.full(n, first)])
        self._visits = np.vstack([self._visits, np.zeros((n, 2), np.int64)])
        self._sums = np.vstack([self._sums, np.zeros((n, 3))])
        return np.array([self._rows[i] for i in neuron_id.tolist()], np.int64)

    def _shown(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell who has shown by now to be a neuron."""
        away = self._away(rows)
        times, visits = self._visits[rows].T
        steady = (times >= SHOWN_VISITS) & (times >= STEADY * visits)
        at_once = self._first[rows] & (away <= ORDINARY)
        return np.asarray(at_once | (steady & (away <= STRANGE)), np.bool_)

    def _away(self, rows: NDArray[np.int64]) -> Floats:
        """Return how far neurons lie from the culture, in log-sds of what differs most.

        Before a whole soma was measured nothing is known: infinitely far.
        """
        n = self._sums[rows, 2]
        with np.errstate(invalid="ignore", divide="ignore"):
            area, light = (self._sums[rows, k] / n for k in (0, 1))
        values = np.column_stack([area, light, light - area])
        middle, sds = self._ordinary()
        away = np.abs(values - middle) / sds
        return np.where(n > 0, np.nan_to_num(away, nan=0.0).max(axis=1), np.inf)

    def _ordinary(self) -> tuple[Floats, Floats]:
        """Return the medians and log-sds of area, light and brightness; NaN: nothing known.

        While few neurons are known their area is that of the declared soma.
        """
        if len(self._culture) < ENOUGH:
            return np.array([self._usual_area, np.nan, np.nan]), LEAST_LOG_SDS
        area, light = self._culture.T
        values = np.column_stack([area, light, light - area])
        middle = np.median(values, axis=0)
        spread = 1.4826 * np.median(np.abs(values - middle), axis=0)
        return middle, np.maximum(spread, LEAST_LOG_SDS)
