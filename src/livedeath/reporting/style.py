"""Colours, type and sizes of the report's figures, and a figure as text of a page.

Arms are drawn in the palette of Okabe and Ito (jfly.uni-koeln.de/color), which readers of
every kind of colour vision tell apart; the control is drawn in ink.
"""

import io
import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from livedeath.errors import OptionalDependencyError

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Figure

INK = "#23272e"
MUTED = "#6b7280"
LINE = "#d9dce1"

CONTROL_COLOUR = "#4a4f57"
OKABE_ITO = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

DEAD = "#D55E00"

# Outlines on a dark picture.
ALIVE_ON_DARK = "#56B4E9"
DEAD_ON_DARK = "#E69F00"
UNKNOWN_ON_DARK = "#b8bec7"

WIDTH_IN = 8.6
"""Width of a full figure, inches; the page shows 1 inch as 100 pixels."""

PAGE_FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"

_SETTINGS: Any = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "path.simplify": True,
}


def arm_colours(arms: Sequence[str], control: str) -> dict[str, str]:
    """Return one colour per arm: ink for the control, then the palette, repeated if need be."""
    others = [arm for arm in arms if arm != control]
    colours = {arm: OKABE_ITO[i % len(OKABE_ITO)] for i, arm in enumerate(others)}
    return {arm: colours.get(arm, CONTROL_COLOUR) for arm in arms}


def check_installed() -> None:
    """Say before long work that a report could not be made after it.

    Raises
    ------
    OptionalDependencyError
        If the extra ``report`` is not installed.
    """
    if any(find_spec(package) is None for package in ("matplotlib", "jinja2", "PIL")):
        raise OptionalDependencyError("The report", "report")


def new_figure(width_in: float, height_in: float) -> "Figure":
    """Return an empty figure in the report's style; needs the extra ``report``."""
    with in_style():
        return _figure_class()(figsize=(width_in, height_in), layout="constrained")


@cache
def _figure_class() -> "type[Figure]":
    """Return matplotlib's figure, able to show itself in a notebook without pyplot."""
    from matplotlib.figure import Figure

    class Picture(Figure):
        def _repr_png_(self) -> bytes:
            buffer = io.BytesIO()
            with in_style():
                self.savefig(buffer, format="png")
            return buffer.getvalue()

    return Picture


def in_style() -> Any:  # noqa: ANN401 (a context manager of matplotlib)
    """Return the context in which axes are made and drawn."""
    try:
        from matplotlib import rc_context
    except ImportError:
        raise OptionalDependencyError("The report", "report") from None
    return rc_context(_SETTINGS)


def to_svg(figure: "Figure", *, name: str, says: str) -> str:
    """Return a figure as SVG to be put into a page.

    Parameters
    ----------
    figure : Figure
        From `new_figure`.
    name : str
        Prefix of the ids within, so that figures on one page do not disturb each other;
        the same figure gives the same text each time.
    says : str
        What the figure shows, for readers who cannot see it.
    """
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({**_SETTINGS, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _for_page(buffer.getvalue(), name, says)


def _for_page(svg: str, name: str, says: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: ((?:\d+ )?[\d.]+px) 'DejaVu[^;\"]*", rf"font: \1 {PAGE_FONT}", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    words = says.replace("&", "and").replace('"', "'").replace("<", "under")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{words}" ', 1).strip()
