"""The metadata documents of OME-Zarr 0.5: a study and its plan go in, JSON documents come out.

They are built with the models of yaozarrs, which say what a document may hold: a wrong one is
refused here and not by somebody's viewer years later. Nothing here touches a file. Only a new
store needs this module; import it there, it costs a tenth of a second.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from pydantic import BaseModel
from yaozarrs import v05

from livedeath.model.frame import FieldKey
from livedeath.model.optics import Channel, Optics
from livedeath.model.plan import Plan
from livedeath.model.plate import FORMATS, row_column, row_name
from livedeath.model.study import Study
from livedeath.store.paths import field_path, image_path, well_path
from livedeath.store.windows import whole_range

Document: TypeAlias = dict[str, Any]

VERSION = "0.5"

COLOURS = {
    "fill": "00FF00",
    "indicator": "FF00FF",
    "dye": "FFFF00",
    "marker": "00FFFF",
    "payload": "FFA500",
    "nucleus": "4080FF",
    "transmitted": "FFFFFF",
}
"""Display colour per role; green and magenta can be told apart by everyone."""


def image_documents(study: Study, plan: Plan) -> Iterator[tuple[str, Document]]:
    """Yield path and ``zarr.json`` of every group of a study's images, parents first.

    Every vessel is an HCS plate; several lie side by side as a collection (transitional
    bioformats2raw layout). An image has the axes (t, c, z, y, x).
    """
    yield "", group(v05.Bf2Raw.model_validate({"bioformats2raw.layout": 3}))
    yield "OME", group(v05.Series(series=[field_path(field) for field in plan.fields]))
    by_vessel: dict[str, list[FieldKey]] = defaultdict(list)
    for field in plan.fields:
        by_vessel[field.vessel].append(field)
    for vessel, fields in by_vessel.items():
        yield from _plate_documents(study, vessel, fields)
    for field in plan.fields:
        yield field_path(field), _image(study, field)


def label_documents(study: Study, plan: Plan) -> Iterator[tuple[str, Document]]:
    """Yield path and ``zarr.json`` of every group of a run's labels, parents first.

    A label image has the axes (t, y, x); a value is a neuron's id.
    """
    known = {""}
    yield "", group()
    for field in plan.fields:
        parts = field_path(field).split("/")
        for parent in ("/".join(parts[:n]) for n in range(1, len(parts))):
            if parent not in known:
                known.add(parent)
                yield parent, group()
        pixel_um = study.optics.of(field.acquisition).pixel_size_um
        scale = {"t": 1.0, "y": pixel_um, "x": pixel_um}
        said = {"multiscales": [_multiscale(field.name, scale)], "image-label": {}}
        yield field_path(field), group(v05.LabelImage.model_validate(said))


def group(ome: BaseModel | None = None) -> Document:
    """Return the ``zarr.json`` of a group, with OME-Zarr metadata or without any."""
    said = {} if ome is None else ome.model_dump(mode="json", by_alias=True, exclude_none=True)
    for name in ("plate", "well"):
        if name in said:
            # The specification wants the version in these, too; the models do not know it.
            said[name] = {"version": VERSION, **said[name]}
    attributes = {"ome": said} if said else {}
    return {"zarr_format": 3, "node_type": "group", "attributes": attributes}


def _plate_documents(
    study: Study, vessel: str, fields: Sequence[FieldKey]
) -> Iterator[tuple[str, Document]]:
    """Yield a plate, its rows and its wells; all its geometry is listed, imaged or not."""
    by_well: dict[str, list[FieldKey]] = defaultdict(list)
    for field in fields:
        by_well[field.well].append(field)
    geometry = FORMATS[study.vessel(vessel).format]
    most = _most_fields(fields)
    content = v05.PlateDef(
        name=vessel,
        rows=[v05.Row(name=row_name(row)) for row in range(geometry.rows)],
        columns=[v05.Column(name=str(column + 1)) for column in range(geometry.columns)],
        wells=[_plate_well(well) for well in by_well],
        acquisitions=[
            v05.Acquisition(id=number, maximumfieldcount=count) for number, count in most.items()
        ],
        field_count=max(most.values()),
    )
    yield vessel, group(v05.Plate(plate=content))
    for row in dict.fromkeys(well_path(well).split("/")[0] for well in by_well):
        yield f"{vessel}/{row}", group()
    for well, own in by_well.items():
        yield f"{vessel}/{well_path(well)}", _well(own)


def _most_fields(fields: Sequence[FieldKey]) -> dict[int, int]:
    """Return, per acquisition, the largest number of fields in one well."""
    counted = Counter((field.acquisition, field.well) for field in fields)
    most: dict[int, int] = {}
    for (acquisition, _), count in sorted(counted.items()):
        most[acquisition] = max(most.get(acquisition, 0), count)
    return most


def _plate_well(well: str) -> v05.PlateWell:
    row, column = row_column(well)
    return v05.PlateWell(path=well_path(well), rowIndex=row, columnIndex=column)


def _well(fields: Sequence[FieldKey]) -> Document:
    images = [
        v05.FieldOfView(path=image_path(acquisition, number), acquisition=acquisition)
        for acquisition, number in sorted((field.acquisition, field.field) for field in fields)
    ]
    return group(v05.Well(well=v05.WellDef(images=images)))


def _image(study: Study, field: FieldKey) -> Document:
    optics, planes = study.optics.of(field.acquisition), study.focus.planes_um
    scale = {
        "t": study.schedule.interval_h or 1.0,
        "c": 1.0,
        "z": planes[1] - planes[0] if len(planes) > 1 else 1.0,
        "y": optics.pixel_size_um,
        "x": optics.pixel_size_um,
    }
    display = v05.Omero(
        name=field.name,
        channels=[_channel(channel, optics) for channel in study.channels],
        rdefs=v05.OmeroRenderingDefs(model="color", defaultT=0, defaultZ=0),
    )
    return group(v05.Image(multiscales=[_multiscale(field.name, scale)], omero=display))


def _multiscale(name: str, scale: dict[str, float]) -> v05.Multiscale:
    """Return an image of one resolution; ``scale`` has its axes in order."""
    kinds: dict[str, v05.Axis] = {
        "t": v05.TimeAxis(name="t", unit="hour"),
        "c": v05.ChannelAxis(name="c"),
    }
    axes = [kinds.get(axis) or v05.SpaceAxis(name=axis, unit="micrometer") for axis in scale]
    transformation = v05.ScaleTransformation(scale=list(scale.values()))
    dataset = v05.Dataset(path="0", coordinateTransformations=[transformation])
    return v05.Multiscale(name=name, axes=axes, datasets=[dataset])


def _channel(channel: Channel, optics: Optics) -> v05.OmeroChannel:
    return v05.OmeroChannel(
        label=channel.name,
        color=COLOURS[channel.role],
        active=True,
        window=v05.OmeroWindow(**whole_range(optics.bit_depth)),
    )
