"""Pictures of fields with their neurons outlined: whether they were found and followed.

One field per arm, and per acquisition where the optics changed, is shown at its first and its
last visit before the kill, each neuron outlined where it was found and named by its id, so
that one sees the same id on the same soma.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from skimage.exposure import adjust_gamma
from skimage.measure import find_contours, regionprops

from livedeath.model.frame import FieldKey
from livedeath.model.tables import PLACE
from livedeath.reporting.examples import jpeg
from livedeath.reporting.material import Material
from livedeath.review.strip import to_grey
from livedeath.store.places import field_of, in_field

MOST_FIELDS = 4
MOST_NAMES = 120
"""Above so many neurons in a picture their ids are left to the pointer."""

PICTURE_PX = 720
"""Longer side of a picture, pixels, at most."""

CONTRAST_PERCENTILES = (40.0, 99.7)

GAMMA = 0.6
"""Exponent of the grey levels: faint neurons show beside bright ones."""


@dataclass(frozen=True)
class Outline:
    """One neuron in a picture: its contour in picture pixels, state and centre."""

    neuron_id: int
    points: str
    state: str
    x: float
    y: float


@dataclass(frozen=True)
class Picture:
    """A field at one visit."""

    time_h: float
    t: int
    channel: str
    image: str
    width: int
    height: int
    outlines: tuple[Outline, ...]
    named: bool


@dataclass(frozen=True)
class FieldShown:
    """A field: what it is called, and its pictures in time order."""

    name: str
    arm: str
    n_followed: int
    n_both: int
    pictures: tuple[Picture, ...]
    bar_px: float
    bar_um: float


def choose_fields(material: Material) -> list[FieldKey]:
    """Return one field per arm and acquisition: that of the median number of neurons."""
    counted = (
        material.calls.group_by("arm", *PLACE, maintain_order=True)
        .agg(pl.len().alias("n"))
        .sort("acquisition", "n", *PLACE)
    )
    chosen = []
    for arm in material.calls["arm"].unique(maintain_order=True).to_list()[:MOST_FIELDS]:
        alike = counted.filter(pl.col("arm") == arm).partition_by("acquisition")
        chosen += [field_of(own.row(own.height // 2, named=True)) for own in alike]
    return chosen


def shown_fields(material: Material) -> list[FieldShown]:
    """Return the pictures of the chosen fields; none without labels or images."""
    found = [_shown(material, field) for field in choose_fields(material)]
    return [field for field in found if field is not None]


def _shown(material: Material, field: FieldKey) -> FieldShown | None:
    labels = material.labels(field)
    rows = in_field(material.traces, field)
    if labels is None or not rows.height:
        return None
    visits = _visits(material, field, rows)
    pictures = [_picture(material, field, labels, rows, t) for t in visits]
    kept = tuple(picture for picture in pictures if picture is not None)
    if not kept:
        return None
    calls = in_field(material.calls, field)
    seen = [{outline.neuron_id for outline in picture.outlines} for picture in kept]
    pixel_um = material.study.optics.of(field.acquisition).pixel_size_um
    bar_um = 100.0 if labels.shape[-1] * pixel_um > 300 else 20.0
    return FieldShown(
        name=field.name,
        arm=str(calls["arm"][0]) if calls.height else "",
        n_followed=calls.height,
        n_both=len(seen[0] & seen[-1]),
        pictures=kept,
        bar_px=bar_um / pixel_um * kept[0].width / labels.shape[-1],
        bar_um=bar_um,
    )


def _visits(material: Material, field: FieldKey, rows: pl.DataFrame) -> list[int]:
    end = material.events.end(field.vessel, field.well)
    known = rows.filter(pl.col("time_h") < end.at_h)["t"].unique().sort().to_list()
    return [known[0], known[-1]] if len(known) > 1 else known


def _channel(material: Material) -> str:
    fill = material.study.fill
    return fill.name if fill is not None else material.study.channels[0].name


def _picture(
    material: Material,
    field: FieldKey,
    labels: Any,  # noqa: ANN401 (a zarr array)
    rows: pl.DataFrame,
    t: int,
) -> Picture | None:
    channel = _channel(material)
    image = material.image(field, t, channel)
    if image is None or t >= labels.shape[0]:
        return None
    visit = rows.filter(pl.col("t") == t)
    hour = float(visit["time_h"][0])
    step = -(-max(image.shape) // PICTURE_PX)
    small = block_mean(image, step)
    states = _states(material, hour)
    outlines = outlines_of(np.asarray(labels[t]), step, states)
    # Compressed, so that faint neurons show beside bright ones.
    grey = adjust_gamma(to_grey(small, _limits(small)), GAMMA)
    return Picture(
        time_h=hour,
        t=t,
        channel=channel,
        image=jpeg(grey),
        width=grey.shape[1],
        height=grey.shape[0],
        outlines=outlines,
        named=len(outlines) <= MOST_NAMES,
    )


def _limits(image: NDArray[np.float32]) -> tuple[float, float]:
    low, high = (float(v) for v in np.percentile(image, CONTRAST_PERCENTILES))
    return (low, high) if high > low else (low, low + 1.0)


def block_mean(image: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Return an image made smaller by a whole factor, by the mean of blocks."""
    if step == 1:
        return image
    rows, columns = (size // step * step for size in image.shape)
    blocks = image[:rows, :columns].reshape(rows // step, step, columns // step, step)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def _states(material: Material, hour: float) -> dict[int, str]:
    """Return what each neuron was called at an hour: alive or dead."""
    table = material.table
    dead = table.dead_on_arrival | (table.event & (table.exit_h <= hour))
    ids = material.calls["neuron_id"].to_list()
    return {int(i): "dead" if d else "alive" for i, d in zip(ids, dead, strict=True)}


def outlines_of(
    labels: NDArray[np.int32], step: int, states: dict[int, str]
) -> tuple[Outline, ...]:
    """Trace the outline of every neuron of a label image.

    Parameters
    ----------
    labels : (Y, X) int32
        Neuron ids, 0 is background.
    step : int
        Factor by which the picture is smaller.
    states : dict
        Neuron to ``alive`` or ``dead``; others are ``unknown``.
    """
    return tuple(_outline(region, step, states) for region in regionprops(labels))


def _outline(region: Any, step: int, states: dict[int, str]) -> Outline:  # noqa: ANN401
    neuron, (top, left, *_) = int(region.label), region.bbox
    contours: Any = find_contours(np.pad(region.image, 1).astype(np.float32), 0.5)
    longest = max(contours, key=len)
    thinned = longest[:: max(1, len(longest) // 36)]
    y = (thinned[:, 0] - 1 + top + 0.5) / step
    x = (thinned[:, 1] - 1 + left + 0.5) / step
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    state = states.get(neuron, "unknown")
    return Outline(neuron, points, state, float(x.max()) + 2.0, float(y.min()))
