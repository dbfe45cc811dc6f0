"""The keys of the review window, and how they are bound.

Window shortcuts are used because they work wherever the focus is and win over napari's own
keys; the letters are those that napari leaves free.
"""

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut  # type: ignore[attr-defined]
from qtpy.QtWidgets import QWidget

VERDICT_KEYS = {
    "dead": "J",
    "alive": "K",
    "lost": "N",
    "unsure": "U",
    "not_a_neuron": "H",
    "dead_on_arrival": "G",
}
"""Key of each verdict; one press judges, saves and goes on."""

PREVIOUS, NEXT = ",", "."
UNDO = "W"
EARLIER, LATER = "Left", "Right"

SWALLOWED = ("Delete", "Backspace", "Ctrl+Delete", "Ctrl+Backspace", "1", "3")
"""Keys by which napari removes points or layers; they do nothing during a review."""


class KeyBindings:
    """Shortcuts that can be switched on and off together.

    Parameters
    ----------
    owner : QWidget
        They work while the window that holds this widget is active.
    """

    def __init__(self, owner: QWidget) -> None:
        self._owner = owner
        self._shortcuts: list[QShortcut] = []

    def bind(self, key: str, action: Callable[[], object], *, repeats: bool = False) -> None:
        """Call ``action`` when ``key`` is pressed; held down it repeats only if told so."""
        shortcut = QShortcut(QKeySequence(key), self._owner)
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.setAutoRepeat(repeats)
        shortcut.activated.connect(action)
        self._shortcuts.append(shortcut)

    def switch(self, on: bool) -> None:
        """Switch all shortcuts on or off."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(on)
