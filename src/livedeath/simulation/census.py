"""The true neurons of a study: a world and fields go in, a table comes out.

One row per neuron that shows at the first visit of a field; a neuron seen by several
fields of its well stands in the row of the field that shows it best. Where the optics change,
each acquisition has its own rows, and a neuron that shows in two keeps its id.
"""

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from livedeath.model.frame import FieldKey
from livedeath.model.optics import Channel
from livedeath.model.plan import PlannedVisit
from livedeath.simulation import signal
from livedeath.simulation.camera import REFERENCE_QE
from livedeath.simulation.fate import CAUSES
from livedeath.simulation.scene import Scene
from livedeath.simulation.world import World
from livedeath.store.tables import nan_as_null


class TruthColumn(NamedTuple):
    """One column of the table of true neurons."""

    name: str
    dtype: type[pl.DataType]
    description: str


TRUTH = (
    TruthColumn("vessel", pl.String, "vessel that the neuron lives in"),
    TruthColumn("well", pl.String, "well of the vessel"),
    TruthColumn("field", pl.Int64, "field that shows it best"),
    TruthColumn("acquisition", pl.Int64, "acquisition that shows it so"),
    TruthColumn("neuron_id", pl.Int64, "true id, from 1; not the id that an analysis gives"),
    TruthColumn("arm", pl.String, "arm of the well"),
    TruthColumn("unit", pl.String, "unit of the well"),
    TruthColumn("y_um", pl.Float64, "soma centre at first visit, vessel's frame, um"),
    TruthColumn("x_um", pl.Float64, "soma centre at first visit, vessel's frame, um"),
    TruthColumn("y_px", pl.Float64, "soma centre at first visit in its frame, px"),
    TruthColumn("x_px", pl.Float64, "soma centre at first visit in its frame, px"),
    TruthColumn("radius_um", pl.Float64, "radius of the circle of the soma's area, um"),
    TruthColumn("in_view", pl.Boolean, "the whole soma lies inside the first frame"),
    TruthColumn("first_h", pl.Float64, "hour of the field's first visit"),
    TruthColumn("last_h", pl.Float64, "hour of the field's last visit"),
    TruthColumn("fill_electrons", pl.Float64, "expected of the fill at first visit; empty: none"),
    TruthColumn("indicator_electrons", pl.Float64, "the same of the first indicator"),
    TruthColumn("marker", pl.Boolean, "whether a marker channel shows it"),
    TruthColumn("death_h", pl.Float64, "onset of death, h; empty if it outlives last_h"),
    TruthColumn("cause", pl.String, "baseline, treatment or kill; empty if it outlives"),
    TruthColumn("fold", pl.Float64, "dead/live fold of the indicator"),
    TruthColumn("rise_h", pl.Float64, "time constant of the indicator's rise, h"),
    TruthColumn("detached_h", pl.Float64, "hour at which it floats away, h; empty: never"),
    TruthColumn("cleared_h", pl.Float64, "hour at which its corpse is gone, h; empty: never"),
)
"""Columns of ``truth.parquet``."""


Key = tuple[str, str, int, int, int]
"""A true neuron: vessel, well, row and column of its tile, number within the tile."""


def census(world: World, fields: tuple[FieldKey, ...] | None = None) -> pl.DataFrame:
    """Return the true neurons of some fields, sorted by place; columns as `TRUTH`.

    Parameters
    ----------
    world : World
        The simulated world.
    fields : tuple of FieldKey, optional
        Of the world's plan; default: all.
    """
    rows = [row for _, row in _found(world, fields)]
    schema = {column.name: column.dtype for column in TRUTH}
    return nan_as_null(
        pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)
    )


def numbers(world: World, fields: tuple[FieldKey, ...] | None = None) -> dict[Key, int]:
    """Return the ``neuron_id`` that each true neuron has in the census."""
    return {key: row["neuron_id"] for key, row in _found(world, fields)}


def _found(world: World, fields: tuple[FieldKey, ...] | None) -> list[tuple[Key, dict[str, Any]]]:
    """Return the numbered rows of the census, sorted by place, each with its neuron."""
    first, last = _first_and_last(world)
    best: dict[tuple[Any, ...], dict[str, Any]] = {}
    for field in world.plan.fields if fields is None else fields:
        for key, row in _rows(world, first[field], last_h=last[field]).items():
            if key not in best or row["margin"] > best[key]["margin"]:
                best[key] = row
    order = {place: k for k, place in enumerate(world.study.places())}
    found = sorted(
        best.items(),
        key=lambda item: (
            item[1]["acquisition"],
            order[item[1]["vessel"], item[1]["well"]],
            item[1]["field"],
            item[1]["y_px"],
        ),
    )
    given: dict[Key, int] = {}
    for (_, *neuron), row in found:
        vessel, well, *place = neuron
        row["neuron_id"] = given.setdefault((vessel, well, *place), len(given) + 1)
    return [((key[1], key[2], *key[3:]), row) for key, row in found]


def _first_and_last(world: World) -> tuple[dict[FieldKey, PlannedVisit], dict[FieldKey, float]]:
    first: dict[FieldKey, PlannedVisit] = {}
    last: dict[FieldKey, float] = {}
    for visit in world.plan.visits:
        first.setdefault(visit.field, visit)
        last[visit.field] = visit.planned_h
    return first, last


def _rows(
    world: World, visit: PlannedVisit, *, last_h: float
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the neurons that touch a field's first frame, by acquisition and place."""
    scene, view = world.first_sight(visit)
    now = world.optics_at(visit.planned_h)
    place = signal.place_um(scene.neurons, scene.fates, visit.planned_h, world.parameters.stage)
    y_px, x_px = view.pixels(*place, pixel_size_um=now.pixel_size_um, shape=now.image_shape_px)
    radius_px = scene.neurons.radius_um / now.pixel_size_um
    rows, columns = now.image_shape_px
    inside = np.minimum.reduce([y_px, x_px, rows - 1 - y_px, columns - 1 - x_px])
    columns_of = {
        "y_um": place[0],
        "x_um": place[1],
        "y_px": y_px,
        "x_px": x_px,
        "radius_um": scene.neurons.radius_um,
        "margin": inside,
        "in_view": inside >= radius_px,
        "marker": scene.neurons.marker_u < world.parameters.culture.marker_fraction,
        **_brightness(world, scene, visit.planned_h),
        **_fate(world, scene, last_h=last_h),
    }
    ids = scene.ids()
    common = _common(world, visit, last_h=last_h)
    return {
        (visit.field.acquisition, visit.field.vessel, visit.field.well, *ids[k]): common
        | {name: values[k].item() for name, values in columns_of.items()}
        for k in np.flatnonzero(inside > -radius_px)
    }


def _common(world: World, visit: PlannedVisit, *, last_h: float) -> dict[str, Any]:
    place = (visit.field.vessel, visit.field.well)
    return {
        "vessel": visit.field.vessel,
        "well": visit.field.well,
        "field": visit.field.field,
        "acquisition": visit.field.acquisition,
        "arm": world.study.arms()[place],
        "unit": world.study.units()[place],
        "first_h": visit.planned_h,
        "last_h": last_h,
    }


def _brightness(world: World, scene: Scene, time_h: float) -> dict[str, Any]:
    indicators = world.study.indicators
    return {
        "fill_electrons": _electrons(world, scene, world.study.fill, time_h),
        "indicator_electrons": _electrons(
            world, scene, indicators[0] if indicators else None, time_h
        ),
    }


def _electrons(world: World, scene: Scene, channel: Channel | None, time_h: float) -> Any:  # noqa: ANN401
    """Return the electrons that one exposure is expected to give of every soma."""
    if channel is None:
        return np.full(scene.neurons.number.size, np.nan)
    p = world.parameters
    seen = p.camera.quantum_efficiency / REFERENCE_QE * channel.light_percent / 100.0
    return (
        signal.electrons(
            channel,
            scene.neurons,
            scene.fates,
            time_h,
            signal=p.signal,
            death=p.death,
            median_radius_um=world.median_radius_um,
        )
        * seen
        * channel.exposure_ms
        / p.signal.reference_exposure_ms
    )


def _fate(world: World, scene: Scene, *, last_h: float) -> dict[str, Any]:
    """Return what becomes of the neurons, as far as this acquisition sees it."""
    fates, p = scene.fates, world.parameters.signal
    dies = fates.death_h <= last_h
    floats, gone = (dies & (at <= last_h) for at in (fates.detach_h, fates.cleared_h))
    return {
        "death_h": np.where(dies, fates.death_h, np.nan),
        "cause": np.where(dies, np.array(CAUSES)[fates.cause], ""),
        "fold": signal.fold(scene.neurons, p),
        "rise_h": signal.rise_h(scene.neurons, p),
        "detached_h": np.where(floats, fates.detach_h, np.nan),
        "cleared_h": np.where(gone, fates.cleared_h, np.nan),
    }
