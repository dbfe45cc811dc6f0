"""Opens studies and reviews death calls in napari.

What is decided and how it is kept lives in `livedeath.review`, which knows no window. Here
are the window, its keys and the layers; layers only show, the truth is in the journal.
``review`` is what the command calls; it is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_livedeath.window import review

_ROOMS = {"review": "napari_livedeath.window"}

__all__ = ["review"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any name of the API
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)
