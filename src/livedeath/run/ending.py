"""Whether more will come: the journal's last word, and whether anybody is there to write it.

A journal that says ``finish`` or ``interrupted`` ends an acquisition. One whose processes
were all killed, or whose machine lost its power, says nothing; then the lock that the
acquisition held is free, and stays so.
"""

import time
from collections.abc import Callable

from livedeath.store.folder import StudyFolder

GONE_S = 300.0
"""So long the lock must be free before an acquisition counts as gone.

Between two workers it is free for seconds: the pause before a restart and the start of Python.
"""

PROBE_S = 5.0
"""Time between two looks at the lock."""


class Watch:
    """Watches a silent acquisition.

    Parameters
    ----------
    folder : StudyFolder
        The study that is acquired on this machine.
    clock : callable
        Returns seconds that never go back.
    """

    def __init__(self, folder: StudyFolder, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self.hear()

    def hear(self) -> None:
        """Take note that the journal has grown: somebody is there."""
        self._free_since: float | None = None
        self._looked = float("-inf")

    def is_gone(self) -> bool:
        """Return whether nobody has held the acquisition's lock for `GONE_S`."""
        now = self._clock()
        if now - self._looked >= min(PROBE_S, GONE_S):
            self._looked = now
            if self._folder.is_being_acquired:
                self._free_since = None
            elif self._free_since is None:
                self._free_since = now
        return self._free_since is not None and now - self._free_since >= GONE_S
