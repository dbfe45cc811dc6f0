"""How the detector keeps its neurons: one row per neuron in each array, grown in blocks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.kernels.baseline import Baselines
from livedeath.kernels.detect import Bank, Shapes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Book(NamedTuple):
    """What is kept of each neuron beside its filters."""

    neuron_id: Ints
    well: Ints
    entry_h: Floats
    row_h: Floats
    seen_h: Floats
    visits: Ints
    called_h: Floats
    evidence: Floats
    odds: Floats
    arrived: NDArray[np.int8]
    flags: NDArray[np.uint32]
    last_flags: NDArray[np.uint32]
    reference: Floats
    reference_var: Floats

    def taken(self, rows: Ints) -> "Book":
        """Return a copy of some rows."""
        return Book._make(column[rows] for column in self)


class Measured(NamedTuple):
    """The rows of a visit that can be scored, in detector units."""

    at: Ints
    rows: Ints
    value: Floats
    fill: Floats
    fixed: Floats
    slope: Floats
    relative: Floats


def empty_bank(n: int, slots: int, shapes: Shapes) -> Bank:
    """Return a bank of ``n`` neurons without a template."""
    taus, amplitudes = shapes.prior.shape
    box = (n, slots, taus, amplitudes)
    return Bank(
        np.zeros(n, np.int64), np.zeros((n, slots)), np.zeros((n, slots)),
        np.zeros(box, np.float32), np.zeros(box, np.float32), np.zeros(box, np.float32),
        np.zeros((n, slots, taus, 3), np.float32),
    )  # fmt: skip


def empty_baselines(n: int) -> Baselines:
    """Return filters of ``n`` neurons that have seen nothing."""
    return Baselines(
        np.zeros(n, np.int64), np.zeros(n), np.zeros((n, 3)), np.zeros((n, 6)),
        np.zeros((n, 2)), np.zeros(n, np.int64),
    )  # fmt: skip


def empty_book(n: int) -> Book:
    """Return the book of ``n`` neurons not met yet."""
    nan = np.full(n, np.nan)
    return Book(
        np.zeros(n, np.int64), np.zeros(n, np.int64), nan, nan.copy(), nan.copy(),
        np.zeros(n, np.int64), nan.copy(), np.full(n, -np.inf), np.zeros(n),
        np.zeros(n, np.int8), np.zeros(n, np.uint32), np.zeros(n, np.uint32),
        np.zeros(n), np.full(n, -1.0),
    )  # fmt: skip


def first_scale(values: Floats) -> float:
    """Return the scale of a study's signal: the median of its first visit."""
    positive = values[values > 0]
    scale = float(np.median(positive if positive.size else np.abs(values)))
    return scale if scale > 0 else 1.0


def divided(measured: Measured, step: Floats) -> Measured:
    """Take a step, ln, out of the values."""
    if not step.any():
        return measured
    by = np.exp(step)
    return measured._replace(
        value=measured.value / by, fixed=measured.fixed / by**2, slope=measured.slope / by
    )
