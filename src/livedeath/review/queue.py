"""Which neurons a reviewer looks at, and in which order.

In: the calls of a run. Out: a list of items with opaque names. Every call of a death or a
loss is in it, also one that was taken back, every neuron that the machine is unsure about,
and a random sample of the neurons called alive: judging suspected events alone would bias
what is estimated from them. The most uncertain come first; the sample is spread evenly among
the others, so that the part done by whoever stops early is a sample too.

It knows nothing of wells, arms and doses, and nothing of what was judged already; see
`livedeath.review.session`.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from livedeath.model.frame import FieldKey

AUDIT_SHARE = 0.1
"""Share of the neurons surely called alive that is reviewed (1)."""

AUDIT_MINIMUM = 20
"""Neurons: the sample is at least this large, or all there are."""

UNSURE_ABOVE = 0.05
"""Normalised entropy (0..1) from which a neuron called alive is reviewed in any case."""

NAME_LENGTH = 6
"""Characters of an item's opaque name; 2.2e9 names, two equal ones get longer."""

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # without 0, 1, i, l, o: read aloud without error
_PROBABILITIES = ("p_alive", "p_dead", "p_lost")
_NUMBERS = (
    "entry_h",
    "last_alive_h",
    "first_dead_h",
    "death_h",
    "death_low_h",
    "death_high_h",
    "called_at_h",
    "revoked_at_h",
)


class CallsTable(Protocol):
    """What a table of calls must offer: columns by name, as polars frames and dicts do."""

    def __getitem__(self, column: str, /) -> Any:  # noqa: ANN401
        """Return a column as something NumPy makes an array of."""
        ...


@dataclass(frozen=True)
class QueueItem:
    """One neuron to review.

    Attributes
    ----------
    item : str
        Opaque name, the same whenever the same reviewer opens the same run.
    neuron_id : int
        The neuron, unique in the study.
    vessel, well, field, acquisition : str, str, int, int
        Where it lives: to find its images, never to be shown before the verdict.
    outcome : str
        What the machine says: one of `livedeath.model.tables.OUTCOMES`.
    event_h : float or None
        Visit the review is centred on, hours: first seen dead (while its onset
        is not known yet, the visit at which it was called), or last seen alive of a
        lost neuron, or the first visit of one dead on arrival, or the visit of a call that was
        taken back; None for one that was never called.
    low_h, high_h : float or None
        95 % interval of the onset, hours; None where there is none.
    uncertainty : float
        0 (sure) to 1 (all outcomes equally likely); never shown before the verdict.
    audit : bool
        Drawn at random from the neurons surely called alive.
    """

    item: str
    neuron_id: int
    vessel: str
    well: str
    field: int
    acquisition: int
    outcome: str
    event_h: float | None
    low_h: float | None
    high_h: float | None
    uncertainty: float
    audit: bool

    @property
    def field_key(self) -> FieldKey:
        """The field that shows it."""
        return FieldKey(self.vessel, self.acquisition, self.well, self.field)


def build_queue(
    calls: CallsTable,
    *,
    reviewer: str,
    run: str = "",
    seed: int = 0,
    audit_share: float = AUDIT_SHARE,
    audit_minimum: int = AUDIT_MINIMUM,
) -> tuple[QueueItem, ...]:
    """Order a run's neurons for one reviewer.

    Two reviewers get the same neurons, so that they can be compared, in orders and under
    names of their own. The same arguments give the same queue on every machine.

    Parameters
    ----------
    calls : table
        Columns as in `livedeath.model.tables.CALLS`, one row per neuron, as they stood when
        watching ended (`livedeath.statistics.study`): what was killed at the end is alive as
        far as the study asks, and is drawn like the living.
    reviewer : str
        Whose order and names.
    run : str
        Name of the run; with ``seed`` it draws the audit sample.
    seed : int
        Another draw of the sample and the orders.
    audit_share : float
        Share of the neurons surely called alive to add, 0..1.
    audit_minimum : int
        At least so many of them, as far as there are.

    Returns
    -------
    tuple of QueueItem
        Most uncertain first, the sample spread among them; empty for an empty table.
    """
    columns = _columns(calls)
    unsure = uncertainty(*(columns[name] for name in _PROBABILITIES))
    suspect = (columns["outcome"] != "alive") | (unsure > UNSURE_ABOVE)
    suspect |= np.isfinite(columns["revoked_at_h"])
    audit = _sample(
        np.flatnonzero(~suspect),
        share=audit_share,
        minimum=audit_minimum,
        rng=_random(run, seed),
    )
    rng = _random(run, seed, reviewer)
    order = _spread(_most_uncertain(np.flatnonzero(suspect), unsure, rng), rng.permutation(audit))
    names = _opaque_names(columns["neuron_id"][order], f"{reviewer}\n{run}\n{seed}")
    drawn = set(audit.tolist())
    return tuple(
        _item(columns, row, name=name, uncertainty=float(unsure[row]), audit=row in drawn)
        for row, name in zip(order.tolist(), names, strict=True)
    )


def uncertainty(
    p_alive: NDArray[np.float64], p_dead: NDArray[np.float64], p_lost: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how undecided each call is: entropy of its outcomes over that of three equal ones.

    Parameters
    ----------
    p_alive, p_dead, p_lost : (N,) float64
        Probabilities, 0..1; a row with NaN counts as wholly undecided.

    Returns
    -------
    (N,) float64
        0 (sure) .. 1.
    """
    p = np.clip(np.stack([p_alive, p_dead, p_lost]).astype(np.float64), 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, -p * np.log(p), 0.0)
    entropy: NDArray[np.float64] = terms.sum(axis=0) / math.log(3)
    unknown = np.isnan(p).any(axis=0)
    return np.where(unknown, 1.0, np.clip(entropy, 0.0, 1.0))


def _columns(calls: CallsTable) -> dict[str, NDArray[Any]]:
    read = {name: np.asarray(calls[name], np.float64) for name in (*_PROBABILITIES, *_NUMBERS)}
    whole = ("neuron_id", "field", "acquisition")
    read |= {name: np.asarray(calls[name], np.int64) for name in whole}
    read |= {name: np.asarray(calls[name], object) for name in ("vessel", "well", "outcome")}
    by_neuron = np.argsort(read["neuron_id"], kind="stable")
    return {name: values[by_neuron] for name, values in read.items()}


def _random(*parts: object) -> np.random.Generator:
    digest = hashlib.sha256("\n".join(str(part) for part in parts).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def _sample(
    rows: NDArray[np.int64], *, share: float, minimum: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    count = min(len(rows), max(minimum, math.ceil(share * len(rows))))
    return rng.permutation(rows)[:count]


def _most_uncertain(
    rows: NDArray[np.int64], unsure: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    shuffled = rng.permutation(rows)  # ties must not follow the order of wells
    return shuffled[np.argsort(-unsure[shuffled], kind="stable")]


def _spread(queue: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.int64]:
    """Merge two lists so that each stretch holds them in the proportion of the whole."""
    at = np.concatenate(
        [(np.arange(len(part)) + 0.5) / max(1, len(part)) for part in (queue, among)]
    )
    return np.concatenate([queue, among])[np.argsort(at, kind="stable")]


def _opaque_names(neurons: Iterable[int], salt: str) -> list[str]:
    names: set[str] = set()
    ordered = []
    for neuron in neurons:
        digest = hashlib.sha256(f"{salt}\n{int(neuron)}".encode()).digest()
        text = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest)
        length = NAME_LENGTH
        while text[:length] in names:
            length += 1
        names.add(text[:length])
        ordered.append(text[:length])
    return ordered


def _item(
    columns: Mapping[str, Sequence[Any] | NDArray[Any]],
    row: int,
    *,
    name: str,
    uncertainty: float,
    audit: bool,
) -> QueueItem:
    at = {column: values[row] for column, values in columns.items()}
    return QueueItem(
        item=name,
        neuron_id=int(at["neuron_id"]),
        vessel=str(at["vessel"]),
        well=str(at["well"]),
        field=int(at["field"]),
        acquisition=int(at["acquisition"]),
        outcome=str(at["outcome"]),
        event_h=_event_h(at),
        low_h=_known(at["death_low_h"]),
        high_h=_known(at["death_high_h"]),
        uncertainty=uncertainty,
        audit=audit,
    )


def _event_h(call: Mapping[str, Any]) -> float | None:
    wanted = {
        "dead": ("first_dead_h", "death_h", "called_at_h"),
        "lost": ("last_alive_h",),
        "dead_on_arrival": ("first_dead_h", "entry_h"),
    }.get(call["outcome"], ())
    if _known(call["revoked_at_h"]) is not None:
        wanted = ("called_at_h",)
    times = [time for name in wanted if (time := _known(call[name])) is not None]
    return times[0] if times else None


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
