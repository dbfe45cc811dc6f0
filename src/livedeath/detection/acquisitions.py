"""One detector per acquisition: after a change of optics everything is learnt anew.

Another objective changes how bright a neuron is and how noisy its signal. What was learnt of
the noise of one acquisition would call the living of a noisier next one dead; and no neuron is
claimed to be one that was seen before. So each acquisition has its own detector, which learns
from that acquisition's first visit on, and whose neurons are watched to its last one: then they
are not lost, only seen no more.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from livedeath.detection import table
from livedeath.detection.scorer import Scorer
from livedeath.model.measures import Columns, State, below
from livedeath.model.priors import Priors
from livedeath.model.settings import AnalysisSettings


class Scorers:
    """The detectors of a study, one per acquisition; made when they are first asked for.

    Parameters
    ----------
    make : callable
        Makes one that has seen nothing.
    """

    def __init__(self, make: Callable[[], Scorer]) -> None:
        self._make = make
        self._of: dict[int, Scorer] = {}

    def of(self, acquisition: int) -> Scorer:
        """Return the detector of an acquisition."""
        if acquisition not in self._of:
            self._of[acquisition] = self._make()
        return self._of[acquisition]

    def calls(self, traces: Columns, *, final: bool = True) -> Columns:
        """Return one row per neuron, ascending; see `Scorer.calls`.

        Parameters
        ----------
        traces : dict of (m,) arrays
            All rows pushed, with the column ``acquisition``.
        final : bool
            Whether all deaths are dated anew; else only those of neurons with new rows are.
        """
        for one in self._of.values():
            one.dated.provisional = not final
        if len(self._of) < 2:
            return next(iter(self._of.values()), self._make()).calls(traces)
        parts = [
            one.calls(_rows(traces, traces["acquisition"] == number))
            for number, one in self._of.items()
        ]
        calls = _joined(parts)
        return _rows(calls, np.argsort(calls["neuron_id"], kind="stable"))

    def state(self) -> State:
        """Return everything the detectors know; `restore` takes it over exactly."""
        state: State = {"acquisitions": np.array(list(self._of), np.int64)}
        for number, one in self._of.items():
            state |= {f"{number}/{name}": value for name, value in one.state().items()}
        return state

    def restore(self, state: State) -> None:
        """Take over what `state` returned, of the same endpoint."""
        self._of = {}
        for number in np.asarray(state["acquisitions"], np.int64).tolist():
            self.of(number).restore(below(state, f"{number}/"))


def score_traces(
    columns: Columns,
    settings: AnalysisSettings | None = None,
    *,
    endpoint: str = "indicator_rise",
    priors: Priors | None = None,
    done: Callable[[Scorer], None] | None = None,
) -> tuple[Columns, Columns]:
    """Score a whole table of traces, each acquisition by itself.

    Parameters
    ----------
    columns : dict of (m,) arrays
        As in `livedeath.detection.table.score_traces`, and optionally ``acquisition``.
    settings, endpoint, priors, done
        As there; ``done`` once for each acquisition, ascending.

    Returns
    -------
    traces, calls : dict of arrays
        As there, one acquisition after the other; one row per neuron, ascending.

    Raises
    ------
    TableError
        If a needed column is absent or a neuron stands twice at one time.
    """
    numbers = np.unique(columns.get("acquisition", np.zeros(0, np.int64)))
    if numbers.size < 2:
        return table.score_traces(columns, settings, endpoint=endpoint, priors=priors, done=done)
    parts = [
        table.score_traces(
            _rows(columns, columns["acquisition"] == number),
            settings,
            endpoint=endpoint,
            priors=priors,
            done=done,
        )
        for number in numbers
    ]
    traces, calls = (_joined([part[k] for part in parts]) for k in (0, 1))
    return traces, _rows(calls, np.argsort(calls["neuron_id"], kind="stable"))


def _rows(columns: Columns, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Columns:
    return {name: np.asarray(values)[chosen] for name, values in columns.items()}


def _joined(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
