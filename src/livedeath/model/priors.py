"""What one study learnt for the next: a frozen value, read from and written as JSON."""

from typing import Literal

from pydantic import Field

from livedeath.model.base import Declared

FORMAT, VERSION = "livedeath priors", 1


class Priors(Declared):
    """What a study learnt of one endpoint, with its uncertainty.

    Attributes
    ----------
    endpoint : str
        What was sensed.
    neuron_days, deaths : float
        What it rests on; ``deaths`` are those that taught how deaths look.
    grids : dict of str to tuple of float
        For which candidates it was learnt; others are refused.
    models, outliers : tuple of float
        ln of the posterior of each noise model, and of each pair of shares of wide tails and of
        outliers, but for a constant.
    transients : tuple of tuple of float
        The same for the rates of each transient.
    squares : tuple of 2 floats
        Sum of the squared standardised innovations, and their number.
    law : tuple of float
        Deaths by template.
    """

    format: Literal["livedeath priors"] = "livedeath priors"
    version: Literal[1] = 1
    endpoint: Literal["indicator_rise", "loss_of_fill"]
    neuron_days: float = Field(ge=0)
    deaths: float = Field(ge=0)
    grids: dict[str, tuple[float, ...]]
    models: tuple[float, ...]
    outliers: tuple[float, ...]
    transients: tuple[tuple[float, ...], ...]
    squares: tuple[float, ...]
    law: tuple[float, ...]
