"""One neuron as a reader sees it: its signals as folds, its strip and trace as one figure.

A strip, a trace and a call go in; a matplotlib figure comes out. The report shows the same
folds in its examples. Nothing here knows a study or a disk.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from livedeath.reporting.figures import draw_trace
from livedeath.reporting.style import DEAD, INK, MUTED, WIDTH_IN, in_style, new_figure
from livedeath.review.strip import NeuronTrace, Strip, contrast, to_grey

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

BASELINE_VISITS = 8
"""Visits from which a neuron's live level is taken, at most."""

CLEARED = 0.1
"""A ratio to a fill below this share of its first level says nothing: the neuron is cleared."""

SHADES = (DEAD, "#0072B2", "#CC79A7")
"""Colours of the signals beside the fill, which is grey."""

_TRACE_IN = 1.7
"""Height of the trace below the strip, inches."""


def folds(trace: NeuronTrace, fill: str | None, *, onset_h: float) -> dict[str, Floats]:
    """Return each signal as fold of the neuron's own live level.

    Parameters
    ----------
    trace : NeuronTrace
        N visits.
    fill : str or None
        Name of the fill channel; an indicator is shown as its ratio to it, which is what is
        scored, where both were measured, and the fill beside it.
    onset_h : float
        Hour before which the neuron lived; NaN if it did not die.

    Returns
    -------
    dict of str to (N,) float64
        Like ``fill`` and ``indicator / fill``; NaN where it was not measured.
    """
    channels = trace.signals
    shown: dict[str, Floats] = {}
    if fill in channels:
        shown[str(fill)] = _fold(channels[str(fill)], trace.time_h, onset_h)
    for name, values in channels.items():
        if name == fill:
            continue
        if fill in channels:
            reference = channels[str(fill)]
            usable = np.where(reference > CLEARED * _level(reference), reference, np.nan)
            shown[f"{name} / {fill}"] = _fold(values / usable, trace.time_h, onset_h)
        else:
            shown[name] = _fold(values, trace.time_h, onset_h)
    return shown


def _fold(values: Floats, time_h: Floats, onset_h: float) -> Floats:
    before = values[(time_h < onset_h) & np.isfinite(values)]
    level = _level(before if len(before) else values)
    return values / level if level > 0 else np.full_like(values, np.nan)


def _level(values: Floats) -> float:
    """Return the median of the first visits that were measured; NaN without any."""
    first = values[np.isfinite(values)][:BASELINE_VISITS]
    return float(np.median(first)) if len(first) else float("nan")


def signal_colours(names: list[str], fill: str | None) -> dict[str, str]:
    """Return one colour per signal: grey for the fill."""
    shades = {name: SHADES[i % len(SHADES)] for i, name in enumerate(names)}
    return {name: MUTED if name == fill else shade for name, shade in shades.items()}


def neuron_figure(
    strip: Strip,
    trace: NeuronTrace,
    call: Mapping[str, Any],
    *,
    fill: str | None,
    kill_h: float | None = None,
) -> "Figure":
    """Draw a neuron's crops over its trace, with the onset that was called.

    Parameters
    ----------
    strip : Strip
        Its crops.
    trace : NeuronTrace
        Its visits.
    call : mapping
        ``outcome``, ``death_h``, ``death_low_h``, ``death_high_h``, ``called_at_h`` and
        ``revoked_at_h``, None where unknown.
    fill : str or None
        Name of the fill channel.
    kill_h : float, optional
        Hour of the kill of its well.

    Returns
    -------
    matplotlib.figure.Figure
        Crops at or after the onset have orange hours; in the trace the orange line is the
        onset with its 95 % interval, the dashed line the visit of the call, and marks on
        top are the hours of the crops.
    """
    onset = tuple(_hour(call.get(name)) for name in ("death_h", "death_low_h", "death_high_h"))
    called_h = _hour(call.get("called_at_h"))
    died_h = onset[0] if np.isfinite(onset[0]) else called_h
    if np.isfinite(_hour(call.get("revoked_at_h"))):
        died_h = float("nan")
    signals = folds(trace, fill, onset_h=died_h)
    n_rows, n_crops = len(strip.channels), len(strip.t)
    crop_in = (WIDTH_IN - 1.0) / max(n_crops, 1)
    heights = [crop_in] * n_rows + [_TRACE_IN]
    figure = new_figure(WIDTH_IN, sum(heights) + 0.25 * n_rows + 0.5)
    with in_style():
        *rows, lower = np.atleast_1d(figure.subplots(len(heights), 1, height_ratios=heights))
        for line, axes in enumerate(rows):
            _crops(axes, strip, line, died_h, with_hours=line == 0)
        colours = signal_colours(list(signals), fill)
        draw_trace(
            lower,
            trace.time_h,
            signals,
            colours=colours,
            onset_h=(onset[0], onset[1], onset[2]),
            called_h=called_h,
            kill_h=kill_h,
            shown_h=strip.time_h,
        )
        lower.set_xlabel("Hours")
        lower.legend(
            *_legend(colours), loc="upper left", frameon=False, fontsize=7.5, ncols=len(colours)
        )
        figure.suptitle(_says(trace.neuron_id, call), fontsize=9, color=INK, x=0.01, ha="left")
    return figure


def _hour(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _crops(axes: "Axes", strip: Strip, line: int, died_h: float, *, with_hours: bool) -> None:
    """Draw one channel of a strip, crops side by side, their hours above the first row."""
    crops = strip.crops[line]
    side = crops.shape[-1]
    seam = np.full((side, max(1, side // 24)), 255, np.uint8)
    limits = contrast(crops)
    parts = [part for crop in crops for part in (to_grey(crop, limits), seam)][:-1]
    axes.imshow(np.concatenate(parts, axis=1), cmap="gray", vmin=0, vmax=255)
    axes.set_ylabel(strip.channels[line], fontsize=8)
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xticks([])
    if with_hours:
        pitch = side + seam.shape[1]
        axes.xaxis.tick_top()
        axes.set_xticks(
            np.arange(len(crops)) * pitch + side / 2, [f"{hour:g} h" for hour in strip.time_h]
        )
        axes.tick_params(length=0, labelsize=8)
        for label, hour in zip(axes.get_xticklabels(), strip.time_h, strict=True):
            label.set_color(DEAD if hour >= died_h else INK)


def _legend(colours: dict[str, str]) -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    return [Line2D([], [], color=colour) for colour in colours.values()], list(colours)


def _says(neuron_id: int, call: Mapping[str, Any]) -> str:
    outcome = str(call.get("outcome", "not called")).replace("_", " ")
    hours = [_hour(call.get(name)) for name in ("death_h", "death_low_h", "death_high_h")]
    revoked_h = _hour(call.get("revoked_at_h"))
    if np.isfinite(revoked_h):
        called_h = _hour(call.get("called_at_h"))
        outcome += f", called dead at {called_h:.1f} h and taken back at {revoked_h:.1f} h"
    if not np.isfinite(hours[0]):
        return f"Neuron {neuron_id}: {outcome}"
    died, low, high = hours
    return f"Neuron {neuron_id}: {outcome}, onset {died:.1f} h ({low:.1f} to {high:.1f})"
