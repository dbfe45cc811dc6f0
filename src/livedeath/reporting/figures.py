"""The report's figures of numbers: arrays and tables go in, matplotlib figures come out.

Nothing here knows a study or a disk. A figure says in words what it shows where it is put
on the page; here it is only drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from livedeath.reporting.style import (
    DEAD,
    INK,
    LINE,
    MUTED,
    WIDTH_IN,
    in_style,
    new_figure,
)
from livedeath.statistics.estimate import ArmEstimate, at_risk
from livedeath.statistics.table import SurvivalTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

RISK_COLUMNS = 9
"""Hours at which numbers at risk are written, at most."""

BAND_UNITS = 3
"""With fewer units an interval spans nearly everything: stated in the table, not drawn."""

MOST_BINS = 26
BIN_HOURS = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 12.0, 24.0, 48.0, 168.0)


def survival_curves(
    arms: Sequence[ArmEstimate], table: SurvivalTable, colours: dict[str, str]
) -> "Figure":
    """Draw survival of each arm with its interval, the bounds, and the numbers at risk.

    Parameters
    ----------
    arms : sequence of ArmEstimate
        From `livedeath.statistics.estimate.estimate`.
    table : SurvivalTable
        What they were estimated from; for the numbers at risk.
    colours : dict
        Arm to colour.
    """
    height = 3.9 + 0.2 * len(arms)
    figure = new_figure(WIDTH_IN, height)
    with in_style():
        upper, lower = figure.subplots(
            2, 1, sharex=True, height_ratios=[3.6, 0.4 + 0.2 * len(arms)]
        )
        end = _end_of(table)
        for arm in arms:
            _curve(upper, arm, colours[arm.group], _end_of(table.take(table.group == arm.group)))
        _curve_axes(upper, end)
        _name_curves(upper, arms, colours, end)
        _risk_rows(lower, arms, table, colours, end)
    return figure


def _end_of(table: SurvivalTable) -> float:
    watched = table.exit_h[table.at_risk]
    return float(watched.max()) if len(watched) else 1.0


def _curve(axes: "Axes", arm: ArmEstimate, colour: str, end: float) -> None:
    curve = arm.curve
    hours = np.append(curve.times_h, max(end, curve.times_h[-1]))
    extended = {
        name: np.append(getattr(curve, name), getattr(curve, name)[-1])
        for name in ("survival", "low", "high", "all_lost_dead", "no_lost_dead")
    }
    if arm.n_units >= BAND_UNITS:
        axes.fill_between(
            hours, extended["low"], extended["high"], step="post", color=colour, alpha=0.13, lw=0
        )
    if arm.n_lost:
        for name in ("all_lost_dead", "no_lost_dead"):
            axes.step(hours, extended[name], where="post", color=colour, lw=0.7, ls=(0, (1, 2)))
    axes.step(hours, extended["survival"], where="post", color=colour, lw=1.6)


def _curve_axes(axes: "Axes", end: float) -> None:
    axes.set_xlim(0, end)
    axes.set_ylim(0.0, 1.012)
    axes.set_ylabel("Neurons alive")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.grid(axis="y", color=LINE, lw=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(labelbottom=True)
    axes.set_xticks(hour_ticks(end))


def hour_ticks(end_h: float, most: int = RISK_COLUMNS) -> list[float]:
    """Return even hours from 0 to the end, at most ``most`` of them."""
    steps = (0.25, 0.5, 1, 2, 3, 4, 6, 12, 24, 48, 72, 168, 336)
    step = next((s for s in steps if end_h / s <= most - 1), end_h)
    return [float(h) for h in np.arange(0, end_h * (1 + 1e-9), step or 1.0)]


def _name_curves(
    axes: "Axes", arms: Sequence[ArmEstimate], colours: dict[str, str], end: float
) -> None:
    """Write each arm's name beside the end of its curve, pushed apart where they meet."""
    low, high = axes.get_ylim()
    order = sorted(arms, key=lambda arm: float(arm.curve.survival[-1]))
    heights = spread_apart(
        [float(arm.curve.survival[-1]) for arm in order], gap=0.062 * (high - low), top=high
    )
    for arm, height in zip(order, heights, strict=True):
        axes.annotate(
            arm.group,
            (end, height),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=colours[arm.group],
            fontweight="bold",
            annotation_clip=False,
        )


def spread_apart(values: Sequence[float], *, gap: float, top: float) -> list[float]:
    """Push rising values apart until each lies ``gap`` above the one below it."""
    placed: list[float] = []
    for value in values:
        placed.append(max(value, placed[-1] + gap) if placed else value)
    over = placed[-1] - (top - gap / 2) if placed else 0.0
    for i in reversed(range(len(placed))):
        if over <= 0:
            break
        limit = top - gap / 2 - gap * (len(placed) - 1 - i)
        placed[i] = min(placed[i], limit)
    return placed


def _risk_rows(
    axes: "Axes",
    arms: Sequence[ArmEstimate],
    table: SurvivalTable,
    colours: dict[str, str],
    end: float,
) -> None:
    axes.set_ylim(len(arms) - 0.5, -1.6)
    axes.set_yticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelbottom=False)
    axes.text(0, -1.15, "Neurons at risk", ha="left", va="center", fontsize=7.5, color=MUTED)
    axes.text(end, -1.15, "Hours", ha="right", va="center", fontsize=8.5)
    for row, arm in enumerate(arms):
        rows = table.take(table.group == arm.group)
        hours = hour_ticks(end)
        for hour, n in zip(hours, at_risk(rows, hours), strict=True):
            axes.text(
                hour, row, f"{n}", ha="center", va="center", fontsize=8, color=colours[arm.group]
            )


@dataclass(frozen=True)
class WellSurvival:
    """One well of a plate map: place from 0, arm, share alive, neurons."""

    row: int
    column: int
    name: str
    arm: str
    survival: float
    n_neurons: int
    excluded: bool = False


def plate_map(
    wells: Sequence[WellSurvival], shape: tuple[int, int], colours: dict[str, str]
) -> "Figure":
    """Draw a plate: every well a disc filled by its survival and ringed by its arm.

    Parameters
    ----------
    wells : sequence of WellSurvival
        Wells that were visited; NaN survival where no neuron was followed.
    shape : (int, int)
        Rows and columns of the plate.
    colours : dict
        Arm to colour.
    """
    from matplotlib import colormaps
    from matplotlib.patches import Circle

    rows, columns = shape
    width = WIDTH_IN * 0.8
    figure = new_figure(width, max(1.2, width * (rows + 0.6) / (columns + 0.6)))
    with in_style():
        axes = figure.subplots()
        axes.set_aspect("equal")
        axes.set_xlim(-0.75, columns - 0.4)
        axes.set_ylim(rows - 0.4, -0.75)
        axes.set_xticks(range(columns), [str(c + 1) for c in range(columns)])
        axes.set_yticks(range(rows), ["ABCDEFGHIJKLMNOP"[r] for r in range(rows)])
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        for row in range(rows):
            for column in range(columns):
                axes.add_patch(Circle((column, row), 0.4, fc="#f4f5f7", ec="none"))
        ramp = colormaps["cividis"]
        for well in wells:
            _well_disc(axes, well, ramp, colours.get(well.arm, MUTED), columns)
    return figure


def _well_disc(
    axes: "Axes",
    well: WellSurvival,
    ramp: Any,  # noqa: ANN401 (a colour map)
    colour: str,
    columns: int,
) -> None:
    from matplotlib.patches import Circle

    place = (well.column, well.row)
    known = np.isfinite(well.survival)
    fill = ramp(well.survival) if known else "#ffffff"
    axes.add_patch(Circle(place, 0.44, fc=colour, ec="none"))
    axes.add_patch(Circle(place, 0.385, fc="#ffffff", ec="none"))
    axes.add_patch(Circle(place, 0.36, fc=fill, ec="none"))
    if well.excluded:
        axes.plot(*np.add(np.array(place)[:, None], [[-0.3, 0.3], [0.3, -0.3]]), color=DEAD, lw=1.4)
    dark = known and well.survival < 0.55
    size = 8.0 if columns <= 12 else 4.5
    said = f"{well.survival * 100:.0f}" if known else "–"
    axes.text(
        *place, said, ha="center", va="center", fontsize=size, color="#ffffff" if dark else INK
    )


def survival_scale() -> "Figure":
    """Draw the colour scale of `plate_map`."""
    from matplotlib import colormaps

    figure = new_figure(2.4, 0.42)
    with in_style():
        axes = figure.subplots()
        ramp = colormaps["cividis"](np.linspace(0, 1, 64))[None, :, :3]
        axes.imshow(ramp, extent=(0, 100, 0, 1), aspect="auto")
        axes.set_yticks([])
        axes.set_xticks([0, 50, 100], ["0 %", "50 %", "100 % alive"])
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure


def bin_hours(end_h: float) -> float:
    """Return the width of a bin so that there are at most 26 of them."""
    return next((width for width in BIN_HOURS if end_h / width <= MOST_BINS), BIN_HOURS[-1])


def deaths_per_hour(table: SurvivalTable, arms: Sequence[str], colours: dict[str, str]) -> "Figure":
    """Draw the death rate over time, one panel per arm on one scale.

    Bars are deaths per 100 neurons under watch and hour; the number of deaths stands on top.
    """
    end = _end_of(table)
    width = bin_hours(end)
    edges = np.arange(0, np.ceil(end / width) + 1) * width
    columns = min(len(arms), 3)
    lines = -(-len(arms) // columns)
    figure = new_figure(WIDTH_IN, 0.6 + 1.75 * lines)
    with in_style():
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(arms) :]:
            axes.set_visible(False)
        for axes, arm in zip(grid.flat, arms, strict=False):
            rows = table.take((table.group == arm) & table.at_risk)
            counts, rate = rate_in_bins(rows, edges)
            axes.bar(edges[:-1], rate, width=width * 0.86, align="edge", color=colours[arm], lw=0)
            for at, height, n in zip(edges, rate, counts, strict=False):
                if n:
                    axes.annotate(
                        f"{n}",
                        (at + width * 0.43, height),
                        xytext=(0, 1.5),
                        textcoords="offset points",
                        ha="center",
                        fontsize=6.5,
                        color=MUTED,
                    )
            axes.set_title(arm, loc="left", fontsize=8.5, color=colours[arm], fontweight="bold")
            axes.set_xlim(0, edges[-1])
            axes.set_xticks(hour_ticks(end, 7))
        figure.supylabel("Deaths per 100 neuron-hours", fontsize=8.5)
        figure.supxlabel("Hours", fontsize=8.5)
    return figure


def rate_in_bins(rows: SurvivalTable, edges: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return deaths, and deaths per 100 neuron-hours, between edges.

    Parameters
    ----------
    rows : SurvivalTable
        Neurons at risk.
    edges : (B + 1,) float64
        Hours, increasing.
    """
    counts = np.histogram(rows.exit_h[rows.event], edges)[0]
    low = np.maximum(rows.entry_h[:, None], edges[None, :-1])
    high = np.minimum(rows.exit_h[:, None], edges[None, 1:])
    hours = np.maximum(high - low, 0.0).sum(axis=0)
    rate = np.divide(100.0 * counts, hours, out=np.zeros(len(hours)), where=hours > 0)
    return counts, rate


def neuron_trace(
    time_h: Floats,
    signals: dict[str, Floats],
    *,
    colours: dict[str, str],
    onset_h: tuple[float, float, float] | None,
    called_h: float | None,
    kill_h: float | None,
    shown_h: Floats,
) -> "Figure":
    """Draw one neuron's signals as folds of its own live level, with the called onset.

    Parameters
    ----------
    time_h : (N,) float64
        Hours of the visits.
    signals : dict of str to (N,) float64
        Name to fold of the live level.
    colours : dict
        Name to colour.
    onset_h : (median, low, high) or None
        Onset and its 95 % interval.
    called_h, kill_h : float or None
        Visit at which the detector spoke; the end-kill.
    shown_h : (K,) float64
        Hours of the crops above.
    """
    figure = new_figure(4.15, 1.28)
    with in_style():
        draw_trace(
            figure.subplots(),
            time_h,
            signals,
            colours=colours,
            onset_h=onset_h,
            called_h=called_h,
            kill_h=kill_h,
            shown_h=shown_h,
        )
    return figure


def draw_trace(
    axes: "Axes",
    time_h: Floats,
    signals: dict[str, Floats],
    *,
    colours: dict[str, str],
    onset_h: tuple[float, float, float] | None,
    called_h: float | None,
    kill_h: float | None,
    shown_h: Floats,
) -> None:
    """Draw one neuron's signals into axes; see `neuron_trace`."""
    axes.axhline(1.0, color=LINE, lw=0.7)
    if onset_h is not None and np.isfinite(onset_h[0]):
        axes.axvspan(onset_h[1], onset_h[2], color=DEAD, alpha=0.16, lw=0)
        axes.axvline(onset_h[0], color=DEAD, lw=1.0)
    if called_h is not None and np.isfinite(called_h):
        axes.axvline(called_h, color=INK, lw=0.9, ls=(0, (4, 2)))
    if kill_h is not None and np.isfinite(kill_h) and kill_h <= time_h[-1]:
        axes.axvspan(kill_h, time_h[-1], color=LINE, alpha=0.55, lw=0)
    for name, values in signals.items():
        axes.plot(time_h, values, color=colours[name], lw=1.0, marker=".", ms=2.2)
    axes.set_xlim(time_h[0], max(time_h[-1], time_h[0] + 1e-6))
    _fold_axis(axes, signals)
    axes.plot(
        shown_h,
        np.full(len(shown_h), axes.get_ylim()[1]),
        ls="",
        marker="v",
        ms=3.2,
        color=MUTED,
        clip_on=False,
    )


def _fold_axis(axes: "Axes", signals: dict[str, Floats]) -> None:
    values = np.concatenate([v[np.isfinite(v)] for v in signals.values()] or [np.ones(1)])
    top = float(np.quantile(values, 0.995)) if len(values) else 2.0
    axes.set_ylim(
        min(0.0, float(np.quantile(values, 0.005)) if len(values) else 0.0), max(top * 1.12, 1.6)
    )
    axes.set_ylabel("fold", fontsize=7.5, labelpad=2)
    axes.tick_params(labelsize=7, pad=2)


def flag_map(names: Sequence[str], time_h: Floats, share: Floats) -> "Figure":
    """Draw which share of measurements carried each flag, visit by visit.

    Parameters
    ----------
    names : sequence of str
        F flags.
    time_h : (V,) float64
        Hours of the rounds.
    share : (F, V) float64
        0..1.
    """
    figure = new_figure(WIDTH_IN, 0.55 + 0.2 * len(names))
    with in_style():
        axes = figure.subplots()
        step = float(np.median(np.diff(time_h))) if len(time_h) > 1 else 1.0
        edges = np.append(time_h - step / 2, time_h[-1] + step / 2)
        mesh = axes.pcolormesh(
            edges, np.arange(len(names) + 1), share, cmap="Greys", vmin=0, vmax=1, rasterized=True
        )
        axes.set_yticks(np.arange(len(names)) + 0.5, names, fontsize=7.5)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("Hours")
        bar = figure.colorbar(mesh, ax=axes, fraction=0.025, pad=0.01, ticks=[0, 0.5, 1])
        bar.ax.set_yticklabels(["0", "½", "all"], fontsize=7)
        bar.outline.set_visible(False)
    return figure
