"""Drives microscopes through Micro-Manager.

``acquire`` and ``look_now`` are what the commands call; each is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livedeath_acquisition.glance import look_now
    from livedeath_acquisition.run import acquire

_ROOMS = {"acquire": "livedeath_acquisition.run", "look_now": "livedeath_acquisition.glance"}

__all__ = ["acquire", "look_now"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any name of the API
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)
