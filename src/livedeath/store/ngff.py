"""The metadata documents of OME-Zarr 0.5: numbers and names go in, JSON comes out.

They are written by hand because the writers tried (ome-zarr 0.18) drop scale, units and
display windows without a word. Nothing here touches a file.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from livedeath.model.optics import Channel, Optics
from livedeath.model.plate import FORMATS, row_column, row_name

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

SHOWN_ADU = 4095
"""Width of the display window until somebody looks: 12 bit, as many cameras deliver."""


def group(ome: Document | None = None, **attributes: object) -> Document:
    """Return the ``zarr.json`` of a group."""
    own = {"ome": {"version": VERSION, **ome}} if ome is not None else {}
    return {"zarr_format": 3, "node_type": "group", "attributes": {**own, **attributes}}


def collection() -> Document:
    """Return the root group of several plates (transitional bioformats2raw layout)."""
    return group({"bioformats2raw.layout": 3})


def series(paths: Sequence[str]) -> Document:
    """Return the ``OME`` group that lists the images of a `collection`."""
    return group({"series": list(paths)})


def well_path(well: str) -> str:
    """Return the path of a well inside its plate, like ``B/3``."""
    row, column = row_column(well)
    return f"{row_name(row)}/{column + 1}"


def image_path(acquisition: int, field: int) -> str:
    """Return the path of a field inside its well, like ``a0f2``."""
    return f"a{acquisition}f{field}"


def plate(name: str, *, vessel_format: str, wells: Sequence[str], fields: Document) -> Document:
    """Return the group of a plate; all its rows and columns are listed, imaged or not.

    Parameters
    ----------
    name : str
        The vessel.
    vessel_format : str
        A key of ``livedeath.model.plate.FORMATS``.
    wells : sequence of str
        Wells that hold images.
    fields : dict
        Acquisition number (as text) to the largest number of fields in one well.
    """
    geometry = FORMATS[vessel_format]
    content = {
        "version": VERSION,
        "name": name,
        "rows": [{"name": row_name(row)} for row in range(geometry.rows)],
        "columns": [{"name": str(column + 1)} for column in range(geometry.columns)],
        "wells": [_well_entry(well) for well in wells],
        "acquisitions": [
            {"id": int(number), "maximumfieldcount": count} for number, count in fields.items()
        ],
        "field_count": max(fields.values()),
    }
    return group({"plate": content})


def _well_entry(well: str) -> Document:
    row, column = row_column(well)
    return {"path": well_path(well), "rowIndex": row, "columnIndex": column}


def well(images: Sequence[tuple[int, int]]) -> Document:
    """Return the group of a well, given (acquisition, field) of its images."""
    listed = [{"path": image_path(a, f), "acquisition": a} for a, f in images]
    return group({"well": {"version": VERSION, "images": listed}})


def image(
    name: str, *, optics: Optics, channels: Sequence[Channel], z_step_um: float, t_step_h: float
) -> Document:
    """Return the group of a field's images, axes (t, c, z, y, x).

    Parameters
    ----------
    name : str
        The field, for people.
    optics : Optics
        Those of its acquisition.
    channels : sequence of Channel
        In the order of the c axis.
    z_step_um, t_step_h : float
        Distance of planes and of visits; where they are not even, 1.
    """
    pixel = optics.pixel_size_um
    axes = [_T_AXIS, {"name": "c", "type": "channel"}, *_SPACE_AXES]
    scale = [t_step_h, 1.0, z_step_um, pixel, pixel]
    display = {
        "name": name,
        "channels": [_channel(channel, optics) for channel in channels],
        "rdefs": {"model": "color", "defaultT": 0, "defaultZ": 0},
    }
    return group({"multiscales": [_multiscale(name, axes, scale)], "omero": display})


def labels(name: str, *, pixel_size_um: float) -> Document:
    """Return the group of a field's labels, axes (t, y, x); a value is a neuron's id."""
    axes = [_T_AXIS, *_SPACE_AXES[1:]]
    scale = [1.0, pixel_size_um, pixel_size_um]
    return group({"multiscales": [_multiscale(name, axes, scale)], "image-label": {}})


_T_AXIS: Document = {"name": "t", "type": "time", "unit": "hour"}
_SPACE_AXES: list[Document] = [
    {"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"
]


def _multiscale(name: str, axes: list[Document], scale: list[float]) -> Document:
    transformations = [{"type": "scale", "scale": scale}]
    dataset = {"path": "0", "coordinateTransformations": transformations}
    return {"name": name, "axes": axes, "datasets": [dataset]}


def _channel(channel: Channel, optics: Optics) -> Document:
    top = 2**optics.bit_depth - 1
    start = optics.camera.offset_adu or 0
    window = {"min": 0, "max": top, "start": start, "end": min(top, start + SHOWN_ADU)}
    colour = COLOURS[channel.role]
    return {"label": channel.name, "color": colour, "active": True, "window": window}
