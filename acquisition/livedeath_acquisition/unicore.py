"""pymmcore-plus without what it does on import: the only module that imports it.

On import it opens a log file in the user's home and lets every library log everything.
Its documented switch, ``PYMM_LOG_FILE=0``, opens the usual file in the pinned version;
what its own tests set keeps the file away. A log file that the user named is kept.

Import this module lazily; it needs the extra ``acquisition``.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from livedeath.errors import OptionalDependencyError

__all__ = [
    "ShutterDevice",
    "SimpleCameraDevice",
    "StageDevice",
    "StateDevice",
    "UniMMCore",
    "XYStageDevice",
]

_SWITCH, _TESTS_SWITCH = "PYMM_LOG_FILE", "PYTEST_RUNNING"


@contextmanager
def _no_log_file() -> Iterator[None]:
    """Keep the library from opening a log file, unless the user named one."""
    if os.environ.get(_SWITCH, "0") not in ("", "0", "false", "no", "none"):
        yield
        return
    before = {name: os.environ.get(name) for name in (_SWITCH, _TESTS_SWITCH)}
    os.environ.update(dict.fromkeys(before, "0"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _quieten() -> None:
    """Take back the rest: a second voice on standard error, a root logger that hears all."""
    log = logging.getLogger("pymmcore-plus")
    for handler in list(log.handlers):
        if not isinstance(handler, logging.FileHandler):
            log.removeHandler(handler)
            handler.close()
    log.propagate = False
    logging.getLogger().setLevel(logging.WARNING)


try:
    with _no_log_file():
        from pymmcore_plus.experimental.unicore import (
            ShutterDevice,
            SimpleCameraDevice,
            StageDevice,
            StateDevice,
            UniMMCore,
            XYStageDevice,
        )
except ImportError:
    raise OptionalDependencyError("driving a microscope", "acquisition") from None

_quieten()
