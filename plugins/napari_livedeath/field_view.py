"""Shows in the viewer's canvas where in its field the present neuron is.

One image layer per channel and one ring are added once; later only their data change. A
points layer that is removed and added again can take the whole program down (vispy), and
names, order and contrast stay the same from field to field, so that nothing tells them apart.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.model.frame import FieldKey
from livedeath.review.strip import NeuronTrace
from napari_livedeath.ahead import ItemView
from napari_livedeath.layers import RING_UM, common_options, image_layers
from napari_livedeath.source import StudySource
from napari_livedeath.style import ACCENT

CANVAS_PX = 800.0
"""Height of the canvas assumed for the first zoom."""

SEEN_UM = 260.0
"""Height of the part of the field shown at first."""


class FieldView:
    """Moves the viewer to the neuron under review.

    Parameters
    ----------
    viewer : napari Viewer or ViewerModel
        Where the layers are shown.
    source : StudySource
        Where the images come from.
    """

    def __init__(self, viewer: Any, source: StudySource) -> None:  # noqa: ANN401 - napari is optional
        self._viewer = viewer
        self._source = source
        self._field: FieldKey | None = None
        self._images: dict[str, Any] = {}
        self._ring: Any = None

    def show(self, view: ItemView) -> None:
        """Show the neuron's field at the marked visit, the neuron in the middle."""
        field = self._source.planned(view.item.field_key)
        first = not self._images
        if field != self._field:
            self._show_field(field)
        self._ring.data = _ring_data(view.trace)
        if view.mark >= 0:
            self._go(view.trace, view.mark, pixel_um=self._source.pixel_size_um(field))
        if first:
            self._viewer.camera.zoom = CANVAS_PX / SEEN_UM

    def step(self, view: ItemView) -> None:
        """Show another visit of the same neuron."""
        if view.mark >= 0:
            self._viewer.dims.set_current_step(0, int(view.trace.t[view.mark]))

    def _show_field(self, field: FieldKey) -> None:
        if self._images:
            self._change_field(field)
        else:
            self._add_layers(field)
        self._field = field

    def _change_field(self, field: FieldKey) -> None:
        scale = common_options(self._source, field)["scale"]
        for channel, layer in self._images.items():
            layer.data = self._source.images(field, channel)
        if self._field is not None and field.acquisition != self._field.acquisition:
            # Other optics: another pixel, and another brightness of the same neurons.
            for channel, layer in self._images.items():
                layer.scale = scale
                layer.contrast_limits = self._source.limits(channel, field.acquisition)
            self._ring.scale = scale
            self._ring.data = np.empty((0, 3))
            self._ring.current_size = self._ring_px(field)

    def _ring_px(self, field: FieldKey) -> float:
        return RING_UM / self._source.pixel_size_um(field)

    def _add_layers(self, field: FieldKey) -> None:
        for data, options, _ in image_layers(self._source, field):
            layer = self._viewer.add_image(data, **options)
            self._images[options["name"]] = layer
        self._ring = self._viewer.add_points(
            np.empty((0, 3)),
            ndim=3,
            name="neuron",
            size=RING_UM / self._source.pixel_size_um(field),
            face_color="transparent",
            border_color=ACCENT,
            border_width=0.06,
            **common_options(self._source, field),
        )
        self._ring.editable = False
        self._viewer.scale_bar.visible = True
        self._viewer.layers.selection = {next(iter(self._images.values()))}

    def _go(self, trace: NeuronTrace, mark: int, *, pixel_um: float) -> None:
        self._viewer.dims.set_current_step(0, int(trace.t[mark]))
        y_px, x_px = trace.y_px[mark], trace.x_px[mark]
        if np.isfinite(y_px) and np.isfinite(x_px):
            self._viewer.camera.center = (0.0, y_px * pixel_um, x_px * pixel_um)


def _ring_data(trace: NeuronTrace) -> NDArray[np.float64]:
    rows = np.stack([trace.t.astype(np.float64), trace.y_px, trace.x_px], axis=1)
    return np.asarray(rows[np.isfinite(rows).all(axis=1)], np.float64)
