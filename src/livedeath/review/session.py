"""A reviewer at work: where they stand in the queue, and each verdict on its way to disk.

In: a queue, a journal and the name of the run. Out: the current item, and a journal that
grows by one durable row per verdict. What a person sees and presses is not its business:
a window, a web page or a test may drive it.
"""

from collections.abc import Sequence

from livedeath.review.chain import Verdict, count_verdicts
from livedeath.review.journal import ReviewJournal
from livedeath.review.queue import QueueItem


class ReviewSession:
    """Steps through a queue and records verdicts.

    It opens at the first item that was not judged, so that a reviewer goes on where they
    stopped.

    Parameters
    ----------
    queue : sequence of QueueItem
        From `livedeath.review.queue.build_queue`.
    journal : ReviewJournal
        The reviewer's own; closed by whoever opened it.
    run : str
        Name of the run whose calls are reviewed.
    """

    def __init__(self, queue: Sequence[QueueItem], journal: ReviewJournal, *, run: str) -> None:
        self.queue = tuple(queue)
        self.journal = journal
        self.run = run
        self._judged = journal.verdicts(run)
        self.position = self._next_open(0)

    @property
    def current(self) -> QueueItem | None:
        """The item before the reviewer's eyes; None in an empty queue."""
        return self.queue[self.position] if self.queue else None

    @property
    def total(self) -> int:
        """How many items the queue holds."""
        return len(self.queue)

    @property
    def n_judged(self) -> int:
        """How many items of the queue have a standing verdict."""
        return sum(item.neuron_id in self._judged for item in self.queue)

    @property
    def finished(self) -> bool:
        """Whether every item of the queue has a verdict."""
        return self.n_judged == self.total

    @property
    def counts(self) -> dict[str, int]:
        """Standing verdicts on this run by kind."""
        return count_verdicts(self._judged)

    def verdict(self, item: QueueItem) -> Verdict | None:
        """Return the standing verdict on an item, None when there is none."""
        return self._judged.get(item.neuron_id)

    def judge(
        self,
        verdict: str,
        *,
        time_h: float | None = None,
        t: int | None = None,
        duration_ms: float | None = None,
    ) -> Verdict:
        """Record a verdict on the current item, then go to the next one without a verdict.

        Parameters
        ----------
        verdict : str
            One of `livedeath.review.chain.VERDICTS`.
        time_h : float, optional
            Visit the verdict points at, hours.
        t : int, optional
            Number of that visit in its field.
        duration_ms : float, optional
            From the item being painted to the verdict.

        Returns
        -------
        Verdict
            The row, durable.

        Raises
        ------
        LookupError
            The queue is empty.
        StoreError
            The verdict could not be saved; the session stays where it was.
        """
        item = self.current
        if item is None:
            raise LookupError("the queue is empty: there is nothing to judge")
        row = self.journal.record(
            self.run,
            item.neuron_id,
            verdict=verdict,
            item=item.item,
            time_h=time_h,
            t=t,
            duration_ms=duration_ms,
            details={"audit": item.audit, "outcome": item.outcome},
        )
        self._judged[item.neuron_id] = row
        self.position = self._next_open(self.position)
        return row

    def undo(self) -> Verdict | None:
        """Take back the last verdict and return to its item; None when there is none."""
        undone = self.journal.undo(self.run)
        if undone is None:
            return None
        self._judged = self.journal.verdicts(self.run)
        for position, item in enumerate(self.queue):
            if item.neuron_id == undone.neuron_id:
                self.position = position
        return undone

    def step(self, by: int) -> QueueItem | None:
        """Go forward or back without judging; stays at the ends."""
        self.position = min(max(self.position + by, 0), max(self.total - 1, 0))
        return self.current

    def upcoming(self, count: int) -> list[QueueItem]:
        """Return the current item and those that will follow it, for reading ahead."""
        ahead = [*self.queue[self.position :], *self.queue[: self.position]]
        waiting = [item for item in ahead[1:] if item.neuron_id not in self._judged]
        return (ahead[:1] + waiting)[:count]

    def _next_open(self, start: int) -> int:
        for step in range(self.total):
            position = (start + step) % self.total
            if self.queue[position].neuron_id not in self._judged:
                return position
        return min(start, max(self.total - 1, 0))
