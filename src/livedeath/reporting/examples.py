"""Examples of neurons dying: which ones, their crops and their trace.

They are drawn at random from the calls of death, evenly over the arms, and the weakest
calls are added: nothing is chosen for its looks.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from livedeath.reporting import neuron
from livedeath.reporting.figures import neuron_trace
from livedeath.reporting.material import Material
from livedeath.reporting.style import to_svg
from livedeath.review.strip import (
    NeuronTrace,
    Strip,
    TraceIndex,
    build_strip,
    contrast,
    crop_side_px,
    to_grey,
)
from livedeath.store.places import field_of

Floats = NDArray[np.float64]

N_RANDOM = 6
N_WEAKEST = 2
SEED = 20261122

CROP_SHOWN_PX = 88
"""Side of a crop's picture, pixels; the page shows it at half of that."""


@dataclass(frozen=True)
class Example:
    """One neuron to be shown: what is written, its pictures and its trace."""

    neuron_id: int
    place: str
    arm: str
    reason: str
    onset: tuple[float, float, float]
    called_h: float
    evidence: float
    rows: list[dict[str, Any]]
    hours: list[dict[str, Any]]
    trace_svg: str


def natural_deaths(material: Material) -> pl.DataFrame:
    """Return the calls of neurons that died under watch, before any kill or exclusion."""
    table = material.table
    return material.calls.filter(pl.Series(table.event & table.at_risk))


def choose(
    deaths: pl.DataFrame, *, n_random: int = N_RANDOM, n_weakest: int = N_WEAKEST
) -> list[tuple[int, str]]:
    """Return (neuron_id, why) of the neurons to be shown.

    Parameters
    ----------
    deaths : polars.DataFrame
        Calls of death with ``neuron_id``, ``arm`` and ``evidence``.
    n_random, n_weakest : int
        How many of each; fewer where there are fewer.
    """
    rng = np.random.default_rng(SEED)
    pools = {
        arm: list(rng.permutation(deaths.filter(pl.col("arm") == arm)["neuron_id"].to_numpy()))
        for arm in deaths["arm"].unique(maintain_order=True).to_list()
    }
    chosen: list[tuple[int, str]] = []
    while len(chosen) < n_random and any(pools.values()):
        for pool in pools.values():
            if pool and len(chosen) < n_random:
                chosen.append((int(pool.pop()), "drawn at random"))
    taken = [neuron for neuron, _ in chosen]
    rest = deaths.filter(~pl.col("neuron_id").is_in(taken)).sort(
        "evidence", "neuron_id", nulls_last=True
    )
    weakest = rest["neuron_id"].head(n_weakest).to_list()
    return chosen + [(int(neuron), "among the weakest calls") for neuron in weakest]


def examples(material: Material) -> list[Example]:
    """Return the examples of neurons dying, in the order in which they were called."""
    deaths = natural_deaths(material)
    if not deaths.height:
        return []
    index = TraceIndex(material.traces, material.channels)
    found = [
        _example(
            material,
            index,
            deaths.row(by_predicate=pl.col("neuron_id") == neuron, named=True),
            reason,
        )
        for neuron, reason in choose(deaths)
    ]
    return sorted(found, key=lambda example: example.called_h)


def _example(material: Material, index: TraceIndex, call: dict[str, Any], reason: str) -> Example:
    trace = index.trace(int(call["neuron_id"]))
    field = field_of(call)
    strip = build_strip(
        trace,
        lambda t, channel: material.image(field, t, channel),
        channels=material.channels,
        side_px=crop_side_px(material.study.optics.of(field.acquisition).pixel_size_um),
        centre=trace.row_at(_first_known(call, "death_h", "called_at_h")),
    )
    onset = tuple(_hour(call[name]) for name in ("death_h", "death_low_h", "death_high_h"))
    many = len(material.study.vessels) > 1
    return Example(
        neuron_id=trace.neuron_id,
        place=f"{call['vessel']}/{call['well']}" if many else str(call["well"]),
        arm=str(call["arm"]),
        reason=reason,
        onset=(onset[0], onset[1], onset[2]),
        called_h=_hour(call["called_at_h"]),
        evidence=_hour(call["evidence"]),
        rows=strip_rows(strip),
        hours=_hours(strip, _first_known(call, "death_h", "called_at_h")),
        trace_svg=_trace_svg(material, trace, call, strip),
    )


def _first_known(call: dict[str, Any], *names: str) -> float:
    """Return the first of some hours that is known; NaN if none is."""
    hours = [_hour(call[name]) for name in names]
    return next((hour for hour in hours if np.isfinite(hour)), float("nan"))


def _hour(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def strip_rows(strip: Strip) -> list[dict[str, Any]]:
    """Return one row per channel: its name and one picture, crops side by side."""
    if not strip.present.any():
        return []
    return [
        {"channel": channel, "picture": _strip_picture(strip.crops[line])}
        for line, channel in enumerate(strip.channels)
    ]


def _strip_picture(crops: NDArray[np.float32]) -> str:
    limits = contrast(crops)
    grey = [_enlarged(to_grey(one, limits)) for one in crops]
    seam = np.full((len(grey[0]), 4), 255, np.uint8)
    parts = [part for one in grey for part in (one, seam)][:-1]
    return png(np.concatenate(parts, axis=1))


def _enlarged(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring a small crop nearer to the shown size by a whole factor; pixels stay squares."""
    factor = max(1, CROP_SHOWN_PX // len(grey))
    return np.asarray(grey.repeat(factor, axis=0).repeat(factor, axis=1))


def png(grey: NDArray[np.uint8]) -> str:
    """Return a grey picture as a data URI (PNG)."""
    return _data_uri(grey, "PNG")


def jpeg(grey: NDArray[np.uint8]) -> str:
    """Return a grey picture as a data URI (JPEG)."""
    return _data_uri(grey, "JPEG")


def _data_uri(grey: NDArray[np.uint8], kind: str) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, kind, **({"quality": 82} if kind == "JPEG" else {}))
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/{kind.lower()};base64,{text}"


def _hours(strip: Strip, onset_h: float) -> list[dict[str, Any]]:
    return [
        {"hour": float(hour), "dead": bool(hour >= onset_h), "first": column == 0}
        for column, hour in enumerate(strip.time_h)
    ]


def _trace_svg(material: Material, trace: NeuronTrace, call: dict[str, Any], strip: Strip) -> str:
    signals = folds(trace, material, onset_h=_first_known(call, "death_h", "called_at_h"))
    kill_h = material.events.kill_h(call["vessel"], call["well"])
    figure = neuron_trace(
        trace.time_h,
        signals,
        colours=neuron.signal_colours(list(signals), _fill_name(material)),
        onset_h=(_hour(call["death_h"]), _hour(call["death_low_h"]), _hour(call["death_high_h"])),
        called_h=_hour(call["called_at_h"]),
        kill_h=kill_h if np.isfinite(kill_h) else None,
        shown_h=strip.time_h,
    )
    says = f"Trace of neuron {trace.neuron_id} with its called onset"
    return to_svg(figure, name=f"n{trace.neuron_id}", says=says)


def _fill_name(material: Material) -> str | None:
    fill = material.study.fill
    return fill.name if fill is not None else None


def folds(trace: NeuronTrace, material: Material, *, onset_h: float) -> dict[str, Floats]:
    """Return each signal of a neuron as fold of its live level; see `neuron.folds`."""
    return neuron.folds(trace, _fill_name(material), onset_h=onset_h)


def legend(material: Material) -> Sequence[str]:
    """Return the names of the lines of every trace, fill first."""
    fill = _fill_name(material)
    if fill not in material.channels:
        return material.channels
    return [str(fill), *(f"{name} / {fill}" for name in material.channels if name != fill)]
