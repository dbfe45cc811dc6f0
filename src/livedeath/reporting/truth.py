"""Against the simulated truth: only where the study was simulated."""

from typing import Any

from livedeath.reporting.material import Material
from livedeath.simulation.truth import compare

WORDS = {
    "sensitivity": ("Deaths found", "pct"),
    "deaths_true": ("True deaths that count", "count"),
    "deaths_called": ("Deaths called", "count"),
    "deaths_found": ("True deaths called", "count"),
    "false_deaths": ("False deaths", "count"),
    "false_per_1000_neuron_days": ("False deaths per 1,000 neuron-days", "num"),
    "false_taken_back": ("False deaths taken back later", "count"),
    "false_final_per_1000_neuron_days": ("False deaths left, per 1,000 neuron-days", "num"),
    "deaths_taken_back": ("True deaths taken back", "count"),
    "median_delay_h": ("Median delay of the call, hours", "num"),
    "onset_rmse_h": ("Error of the onset (root mean square), hours", "num"),
    "onset_error_h": ("Error of the onset, hours", "num"),
    "onset_coverage": ("95 % intervals of the onset that hold the truth", "pct"),
    "neurons": ("Neurons followed", "count"),
    "neurons_true": ("True neurons in view", "count"),
    "neuron_days": ("Neuron-days", "num"),
}


def truth_figures(material: Material) -> dict[str, Any] | None:
    """Return the figures against the truth, or None where no truth is known."""
    if material.truth is None:
        return None
    return compare(material.truth, material.traces, material.run.calls(), study=material.study)


def never_found(figures: dict[str, Any] | None) -> tuple[int, int] | None:
    """Return how many true neurons no run could follow, and of how many; None without truth."""
    if figures is None:
        return None
    return figures["neurons"] - figures["neurons_found"], figures["neurons"]


def truth_rows(figures: dict[str, Any] | None) -> list[dict[str, Any]] | None:
    """Return the figures against the truth in words; None where no truth is known."""
    if figures is None:
        return None
    return [
        {"name": words, "value": figures[key], "kind": kind}
        for key, (words, kind) in WORDS.items()
        if isinstance(figures.get(key), (int, float))
    ]
