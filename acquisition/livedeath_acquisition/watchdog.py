"""Runs a livedeath command that ends when the process that started it ends.

The parent holds the other end of standard input; when it closes, however the parent came
to its end, the process ends at once. Everything on disk is written so that this is safe.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable

from livedeath_acquisition.heartbeats import ANOTHER_FOLLOWS, ORPHANED


def end_with_parent(before: Callable[[], None] | None = None) -> None:
    """Start to watch standard input, and end this process when it closes.

    Parameters
    ----------
    before : callable or None
        Called once before the end, unless the parent said that another process follows;
        whatever it raises is ignored.
    """

    def watch() -> None:
        heard = b""
        with contextlib.suppress(OSError):
            while said := os.read(descriptor, 4096):
                heard += said
        try:
            if before is not None and ANOTHER_FOLLOWS not in heard:
                before()
        finally:
            os._exit(ORPHANED)

    # A copy, so that nobody who closes or reads sys.stdin gets in between.
    descriptor = os.dup(0)
    threading.Thread(target=watch, name="watchdog", daemon=True).start()


def main() -> None:
    """Run the command line given as arguments, under the watchdog."""
    from livedeath.cli.main import run

    end_with_parent()
    status = run(sys.argv[1:])
    sys.stdout.flush()
    sys.exit(status)


if __name__ == "__main__":
    main()
