"""The layers of a study: images, labels, tracks and calls of one field.

In: a `StudySource` and a field. Out: layer data as napari takes them, all with the same
scale, units and axis names. Layers are for looking: nobody can edit them, and what a person
decides goes to the review journal and nowhere else.
"""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from livedeath.model.frame import FieldKey
from livedeath.store.places import in_field
from napari_livedeath.source import StudySource
from napari_livedeath.style import OUTCOME_COLOURS

LayerData = tuple[Any, dict[str, Any], str]

COLORMAPS = {"fill": "green", "indicator": "magenta", "dye": "cyan", "nucleus": "blue"}
"""Colour of a channel by its role; other channels are grey."""

AXES = ("visit", "y", "x")
UNITS = ("pixel", "um", "um")

TRACK_LIMIT = 100_000
"""Vertices: above it a time step takes longer than 0.1 s (measured on two cores)."""

RING_UM = 26.0
"""Diameter of the ring around a neuron: clear of the largest common soma (95 %: 26.7 um)."""


def study_layers(source: StudySource, field: FieldKey) -> list[LayerData]:
    """Return everything there is to see of a field.

    Parameters
    ----------
    source : StudySource
        The study, and the run whose results are shown.
    field : FieldKey
        The field.

    Returns
    -------
    list of (data, options, kind)
        One image per channel; labels, tracks and calls where the study has a run.
    """
    layers = image_layers(source, field)
    layers += labels_layer(source, field)
    if source.traces is not None and source.calls is not None:
        traces, calls = in_field(source.traces, field), in_field(source.calls, field)
        layers += tracks_layer(traces, common=common_options(source, field))
        layers += calls_layer(
            calls,
            traces,
            common=common_options(source, field),
            size_px=RING_UM / source.pixel_size_um(field),
        )
    return layers


def common_options(source: StudySource, field: FieldKey) -> dict[str, Any]:
    """Return scale, units and axis names of a field's layers, for (visit, y, x)."""
    pixel_um = source.pixel_size_um(field)
    return {"scale": (1.0, pixel_um, pixel_um), "units": UNITS, "axis_labels": AXES}


def image_layers(source: StudySource, field: FieldKey) -> list[LayerData]:
    """Return one image layer per channel, read only as far as it is looked at."""
    return [
        (
            source.images(field, channel),
            {
                "name": channel,
                "colormap": COLORMAPS.get(source.role(channel), "gray"),
                "blending": "additive",
                "contrast_limits": source.limits(channel, field.acquisition),
                "visible": source.role(channel) != "transmitted",
                **common_options(source, field),
            },
            "image",
        )
        for channel in source.channels
    ]


def labels_layer(source: StudySource, field: FieldKey) -> list[LayerData]:
    """Return the run's labels of a field, hidden at first; none without a run."""
    labels = source.labels(field)
    if labels is None:
        return []
    options = {"name": "neurons", "opacity": 0.5, "visible": False, **common_options(source, field)}
    return [(labels, options, "labels")]


def tracks_layer(traces: pl.DataFrame, *, common: dict[str, Any]) -> list[LayerData]:
    """Return where each neuron went; only the first neurons of a very full field."""
    data = track_data(traces)
    if not len(data):
        return []
    options = {"name": "paths", "tail_width": 2, "tail_length": 10, "visible": True, **common}
    return [(data, options, "tracks")]


def track_data(traces: pl.DataFrame) -> NDArray[np.float64]:
    """Return (neuron_id, t, y, x) rows of at most :data:`TRACK_LIMIT` vertices."""
    known = traces.filter(pl.col("y_px").is_finite() & pl.col("x_px").is_finite())
    known = known.sort("neuron_id", "t").head(TRACK_LIMIT)
    return known.select("neuron_id", "t", "y_px", "x_px").to_numpy().astype(np.float64)


def calls_layer(
    calls: pl.DataFrame, traces: pl.DataFrame, *, common: dict[str, Any], size_px: float
) -> list[LayerData]:
    """Return a ring around each neuron from its death, or its loss, on."""
    marks = call_marks(calls, traces)
    colours = [OUTCOME_COLOURS[outcome] for outcome in marks["outcome"]]
    features = {name: marks[name].to_numpy() for name in ("neuron_id", "outcome", "death_h")}
    options = {
        "name": "calls",
        "features": features,
        "size": size_px,
        "face_color": "transparent",
        "border_color": colours or "white",
        "border_width": 0.08,
        **common,
    }
    return [(marks.select("t", "y_px", "x_px").to_numpy().astype(np.float64), options, "points")]


def call_marks(calls: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """Return the visits of every neuron from the time its call speaks of.

    Parameters
    ----------
    calls, traces : DataFrame
        Of one field.

    Returns
    -------
    DataFrame
        ``neuron_id, outcome, death_h, t, y_px, x_px``; neurons called alive have no row.
    """
    spoken = calls.filter(pl.col("outcome") != "alive").select(
        "neuron_id",
        "outcome",
        "death_h",
        pl.coalesce("first_dead_h", "last_alive_h", "entry_h").alias("from_h"),
    )
    placed = traces.filter(pl.col("y_px").is_finite() & pl.col("x_px").is_finite())
    return (
        placed.join(spoken, on="neuron_id", how="inner")
        .filter(pl.col("time_h") >= pl.col("from_h"))
        .select("neuron_id", "outcome", "death_h", "t", "y_px", "x_px")
        .head(TRACK_LIMIT)
    )
