"""What ``livedeath doctor`` asks of the viewer: whether a window can open here.

In goes nothing, out come findings about Qt and the screen. It opens no window and needs no
extra to run.
"""

import importlib.util
import os
import sys

from livedeath.installation import Finding, version_of

QT_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def examine() -> list[Finding]:
    """Return what keeps a window from opening, or that nothing does."""
    return [_qt(), _screen()]


def has_binding() -> bool:
    """Return whether one of the Qt bindings can be imported."""
    return any(importlib.util.find_spec(binding) is not None for binding in QT_BINDINGS)


def has_screen() -> bool:
    """Return whether a window has somewhere to open; only Linux runs without."""
    on_linux = sys.platform.startswith("linux")
    return not on_linux or any(os.environ.get(name) for name in _SCREENS)


def _qt() -> Finding:
    found = [f"{name} {version}" for name in QT_BINDINGS if (version := version_of(name))]
    if not found:
        said = "no Qt binding, so no window can open; run: pip install 'napari[pyqt6]'"
        return Finding("Qt", "missing", said)
    if len(found) > 1:
        said = f"{', '.join(found)}; several bindings in one environment can clash"
        return Finding("Qt", "ok", said)
    return Finding("Qt", "ok", found[0])


def _screen() -> Finding:
    if has_screen():
        return Finding("screen", "ok", "a window can open")
    said = "none (DISPLAY is not set), so no window can open; run on a desktop, or over 'ssh -X'"
    return Finding("screen", "missing", said)
