"""Colours and letters of the review window; verdict colours are told apart by everyone.

The verdict colours are those of Okabe and Ito (2008), lightened where needed for a dark ground.
"""

GROUND = "#1d2025"
PANEL = "#262930"
LINE = "#414851"
TEXT = "#f0f1f2"
FAINT = "#9aa3ad"
ACCENT = "#ffd54a"
ONSET = "#ff8c42"

VERDICT_COLOURS = {
    "dead": "#e8693a",
    "alive": "#2bb58c",
    "lost": "#e6b422",
    "unsure": "#a3abb5",
    "not_a_neuron": "#56b4e9",
    "dead_on_arrival": "#d98cb8",
}
"""Colour of each verdict."""

OUTCOME_COLOURS = {name: VERDICT_COLOURS[name] for name in ("dead", "lost", "dead_on_arrival")}
"""Colour of each call that is marked in the image."""

ROLE_COLOURS = {"fill": "#7ee081", "indicator": "#ff7df2", "dye": "#6fe3ea", "nucleus": "#8aa8ff"}
"""Colour of a channel by its role, as in the image layers."""

TITLES = {
    "dead": "dead",
    "alive": "alive",
    "lost": "lost",
    "unsure": "unsure",
    "not_a_neuron": "not a neuron",
    "dead_on_arrival": "dead on arrival",
}
"""How a verdict reads."""

SHEET = f"""
QWidget#livedeathReview {{ background: {PANEL}; }}
QLabel {{ color: {TEXT}; background: transparent; }}
QLabel#title {{ font-size: 20px; font-weight: 600; }}
QLabel#call {{ font-size: 14px; color: {FAINT}; }}
QLabel#count {{ font-size: 20px; font-weight: 600; }}
QLabel#faint {{ font-size: 12px; color: {FAINT}; }}
QLabel#note {{ font-size: 14px; padding: 6px 10px; border-radius: 6px; background: {GROUND}; }}
QLabel#problem {{ font-size: 14px; color: {VERDICT_COLOURS["dead"]}; }}
QProgressBar {{ background: {GROUND}; border: none; border-radius: 3px; max-height: 6px; }}
QProgressBar::chunk {{ background: {VERDICT_COLOURS["alive"]}; border-radius: 3px; }}
QLineEdit {{ font-size: 15px; padding: 6px; background: {GROUND}; color: {TEXT};
    border: 1px solid {LINE}; border-radius: 6px; }}
"""
"""Style sheet of the review window, on top of napari's own."""


def verdict_sheet(colour: str, *, given: bool = False) -> str:
    """Return the style sheet of a verdict's button; ``given`` marks the standing verdict."""
    ground = colour if given else GROUND
    text = GROUND if given else TEXT
    return f"""
    QToolButton {{ font-size: 14px; font-weight: 600; color: {text}; background: {ground};
        border: 2px solid {colour}; border-radius: 8px; padding: 8px 4px; }}
    QToolButton:hover {{ background: {colour if given else LINE}; }}
    QToolButton:disabled {{ color: {LINE}; border-color: {LINE}; background: {GROUND}; }}
    """


def plain_sheet() -> str:
    """Return the style sheet of a button that gives no verdict."""
    return f"""
    QToolButton, QPushButton {{ font-size: 13px; color: {TEXT}; background: {LINE}; border: none;
        border-radius: 6px; padding: 7px 12px; }}
    QToolButton:hover, QPushButton:hover {{ background: #5a626c; }}
    QToolButton:disabled, QPushButton:disabled {{ color: {FAINT}; background: {GROUND}; }}
    """
