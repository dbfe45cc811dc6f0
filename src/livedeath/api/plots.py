"""Pictures for a notebook: what was estimated goes in, a matplotlib figure comes out."""

from typing import TYPE_CHECKING

from livedeath.reporting.figures import survival_curves
from livedeath.reporting.style import arm_colours
from livedeath.statistics.survival import Survival

if TYPE_CHECKING:
    from livedeath.reporting.style import Figure


def plot_survival(found: Survival) -> "Figure":
    """Draw survival per group, as the report does; needs the extra ``report``.

    Parameters
    ----------
    found : Survival
        From `livedeath.survival`, or an open study's ``survival()``.

    Returns
    -------
    matplotlib.figure.Figure
        Shows itself in a notebook; ``savefig`` writes it. Bands are the 95 % intervals from
        the units, dotted lines the bounds for lost neurons, below them the neurons at risk.

    Raises
    ------
    OptionalDependencyError
        If matplotlib is not installed.
    """
    watched = [arm for arm in found.groups if arm.n_neurons]
    names = [arm.group for arm in found.groups]
    return survival_curves(watched, found.table, arm_colours(names, names[0] if names else ""))
