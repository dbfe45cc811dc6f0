"""What whole traces say of the calls that were made: when each neuron died, or that it came back.

Later values than those a call was made of are used here; they date it or take it back, and
never make one.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.detection import revocation, unstated
from livedeath.detection import rows as rows_of
from livedeath.detection.accidents import Accidents
from livedeath.detection.learning import Learning
from livedeath.detection.record import UNMEASURED, NeuronRecords
from livedeath.detection.wells import Wells
from livedeath.kernels import onset
from livedeath.kernels.onset import Trace
from livedeath.kernels.ratio import REFERENCE_SD_MAX, follow_reference
from livedeath.model.measures import Columns

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Known(NamedTuple):
    """What the detector knows at the end: of living neurons, wells, fields, and its units."""

    learning: Learning
    records: NeuronRecords
    wells: Wells
    accidents: Accidents
    scale: float
    offset: float
    threshold: float


@dataclasses.dataclass
class Dated:
    """What was found out of calls before: kept while a study is followed, not over a restart.

    Parameters
    ----------
    provisional : bool
        Whether what was found of a neuron may stand until it has another row, although what all
        neurons teach has changed a little since.
    """

    provisional: bool = False
    _found: dict[int, tuple[int, float, Floats]] = dataclasses.field(default_factory=dict)

    def get(self, neuron: int, rows: int, called_h: float) -> Floats | None:
        """Return what was found of a neuron that has no row more since, if that may stand."""
        found = self._found.get(neuron) if self.provisional else None
        return found[2] if found is not None and found[:2] == (rows, called_h) else None

    def keep(self, neuron: int, rows: int, called_h: float, found: Floats) -> None:
        """Keep what was found."""
        self._found[neuron] = (rows, called_h, found.copy())


def dates(
    known: Known,
    traces: Columns,
    records: NeuronRecords,
    order: Ints,
    dead: NDArray[np.bool_],
    before: Dated,
) -> Floats:
    """Return what became of each call.

    Parameters
    ----------
    known : Known
        The detector's.
    traces : dict of (m,) arrays
        All rows pushed.
    records : NeuronRecords
        Of the neurons asked about.
    order : (n,) int64
        Their rows in ``known.records``.
    dead : (n,) bool
        Who was called.
    before : Dated
        What was found before; what is found now is kept there.

    Returns
    -------
    (n, 7) float64
        Onset, its interval and the visits around it, h; the visit at which the call was taken
        back; the probability that the neuron came back, 0 where nobody called.
    """
    out = np.full((records.neuron_id.size, 7), np.nan)
    out[:, 6] = 0.0
    if not dead.any():
        return out
    sorted_rows = np.lexsort((traces["time_h"], traces["neuron_id"]))
    ids = np.asarray(traces["neuron_id"])[sorted_rows]
    starts = np.searchsorted(ids, records.neuron_id, side="left")
    ends = np.searchsorted(ids, records.neuron_id, side="right")
    for k in np.flatnonzero(dead).tolist():
        who = int(records.neuron_id[k]), int(ends[k] - starts[k]), float(records.called_h[k])
        found = before.get(*who)
        if found is None:
            rows = sorted_rows[starts[k] : ends[k]]
            found = _of_one(known, traces, rows, records.squares[k], who[2], int(order[k]))
            before.keep(*who, found)
        out[k] = found
    return out


def _of_one(
    known: Known, traces: Columns, at: Ints, squares: Floats, called_h: float, row: int
) -> Floats:
    """Return what became of one call, (7,); ``squares`` are of the neuron's own noise."""
    out = np.full(7, np.nan)
    out[6] = 0.0
    trace, fill = _one_trace(known, traces, at, row)
    if trace.time_h.size == 0:
        return out
    noise, model = known.learning.noise(), known.learning.endpoint
    death = revocation.Death(model.amplitude, model.amplitude_sd, model.tau_h, model.tau_prior)
    visits = noise.scale_visits + squares[1]
    own = noise._replace(scale=(noise.scale_visits * noise.scale + squares[0]) / visits)
    verdict = revocation.judge(
        trace, fill, called_h, own, death, known.threshold, zero=known.offset
    )
    out[5:] = verdict.revoked_h, verdict.came_back
    if np.isnan(verdict.revoked_h):
        out[:5] = onset.date_onset(
            verdict.trace, verdict.called_h, own, death[:2], death.tau_h, death.tau_prior
        )
    return out


def _one_trace(known: Known, traces: Columns, at: Ints, row: int) -> tuple[Trace, Floats | None]:
    """Return a neuron's measured visits in detector units, in time order, and its fill."""

    def column(name: str, read: Callable[..., Floats] = rows_of.floats) -> Floats:
        return read(traces[name][at] if name in traces else None, at.size)

    time_h, signal = column("time_h"), column("signal")
    signal_sd = column("signal_sd", rows_of.deviations)
    population = float(known.records.variance_population[row])
    variance = float(unstated.variance(known.records, np.array([row]), population)[0])
    good = np.isfinite(signal)
    if "flags" in traces:
        good &= (traces["flags"][at].astype(np.uint32) & UNMEASURED) == 0
    smooth, fill, relative = np.ones(at.size), np.ones(at.size), np.zeros(at.size)
    light_ln = known.accidents.gain_at(time_h, int(known.records.field[row]))
    light, wide = np.exp(light_ln), unstated.widened(*light_ln)
    signal, signal_sd = signal / light[0], signal_sd / light[0]
    reference = column("reference") / light[1] if "reference" in traces else None
    if reference is not None:
        sd = column("reference_sd", rows_of.deviations) / light[1]
        good &= np.isfinite(reference)
        sd = np.where(np.isnan(sd), np.sqrt(0.5 * variance) * np.nanmedian(reference), sd)
        level, error = follow_reference(
            np.zeros(int(good.sum()), np.int64), reference[good], sd[good],
            np.zeros(1), np.full(1, -1.0),
        ).T  # fmt: skip
        smooth[good] = level
        good[good] = (level > 0) & (error <= REFERENCE_SD_MAX * level)
        fill, relative = reference / smooth, sd / smooth
    relative = np.where(np.isnan(signal_sd), 0.0, relative)
    gain = np.exp(known.wells.gain_at(time_h, int(known.records.well[row])))
    unit = smooth * known.scale * gain
    value = signal / unit + known.offset * fill / gain
    fixed = np.where(np.isnan(signal_sd), wide * variance / gain**2, (signal_sd / unit) ** 2)
    slope = np.zeros(at.size)
    trace = Trace(*(a[good] for a in (time_h, value, fill, fixed, slope, relative)))
    return trace, None if reference is None else reference[good]
