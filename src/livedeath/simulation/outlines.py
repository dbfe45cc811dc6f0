"""True outlines: a world and a visit go in, an image of true numbers comes out.

A soma's outline is the pixels of its own light, noiseless and in focus, above half its median
plateau, without holes. Light of neurites, neighbours, debris, background and the blur of a
focus that is off do not change it. Where outlines lie on each other the brighter one has the pixel.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, gaussian_filter

from livedeath.kernels.draw import add_points
from livedeath.model.frame import FieldKey
from livedeath.model.plan import PlannedVisit
from livedeath.simulation import census, glia, signal
from livedeath.simulation.culture import Draws
from livedeath.simulation.optics import View
from livedeath.simulation.scene import Points
from livedeath.simulation.world import World

PLATEAU = 0.5
"""Share of its median plateau above which a pixel is the soma's."""

LEFT = 0.01
"""Share of its light that a soma has at least while it has an outline."""

Labels = NDArray[np.int32]


class Outline(NamedTuple):
    """One soma in one visit: whose, its pixels in a patch at (top, left), its plateau's light."""

    key: census.Key
    is_glia: bool
    top: int
    left: int
    mask: NDArray[np.bool_]
    light: float


class _Somata(NamedTuple):
    """Somata of a scene as they stand in a visit; pixels."""

    y: Draws
    x: Draws
    scale: Draws
    light: Draws
    radius: Draws


def outlines(world: World, visit: PlannedVisit) -> Iterator[Outline]:
    """Iterate over the somata, of neurons and glia, of which something is in a visit's frame.

    Parameters
    ----------
    world : World
        The simulated world.
    visit : PlannedVisit
        Of its plan.

    Notes
    -----
    Neurons that floated away or were cleared have none, nor have corpses whose label has leaked
    to less than `LEFT`. Cost: half a millisecond per soma.
    """
    scene, view = world.first_sight(visit)
    now, p = world.optics_at(visit.planned_h), world.parameters
    pixel_um, shape = now.pixel_size_um, now.image_shape_px
    place = visit.field.vessel, visit.field.well
    size = signal.brightness(
        scene.neurons, visit.planned_h, p.signal, median_radius_um=world.median_radius_um
    )
    left = signal.retained(scene.fates, visit.planned_h, p.death)
    places = signal.place_um(scene.neurons, scene.fates, visit.planned_h, p.stage)
    at = view.pixels(*places, pixel_size_um=pixel_um, shape=shape)
    scale = signal.soma_scale(scene.fates, visit.planned_h, p.death) / pixel_um
    light = np.where(left >= LEFT, size * left, 0.0)
    neurons = _Somata(*at, scale, light, scene.neurons.radius_um * scale)
    sigma_px = p.light.psf_sigma_um / pixel_um
    for k, found in _drawn(neurons, scene.soma, view, shape, sigma_px):
        yield Outline((*place, *scene.ids()[k]), False, *found)
    places = glia.place_um(scene.glia, visit.planned_h, p.culture)
    at = view.pixels(*places, pixel_size_um=pixel_um, shape=shape)
    size = (scene.glia.radius_um / world.median_radius_um) ** 2 * p.culture.glia_light
    light = size * glia.is_there(scene.glia, visit.planned_h)
    scale = np.full(light.size, 1.0 / pixel_um)
    cells = _Somata(*at, scale, light, scene.glia.radius_um * scale)
    for k, found in _drawn(cells, scene.glia_soma, view, shape, sigma_px):
        yield Outline((*place, *scene.glia_ids()[k]), True, *found)


def _drawn(
    somata: _Somata, points: Points, view: View, shape: tuple[int, int], sigma_px: float
) -> Iterator[tuple[int, tuple[int, int, NDArray[np.bool_], float]]]:
    """Iterate over somata that shine in the frame: their row, and patch, mask and plateau."""
    ends = np.searchsorted(points.owner, np.arange(somata.y.size + 1))
    reach = 2.0 * somata.radius + 3.0 * sigma_px + 2.0
    seen = (somata.y > -reach) & (somata.x > -reach) & (somata.light > 0)
    seen &= (somata.y < shape[0] + reach) & (somata.x < shape[1] + reach)
    for k in np.flatnonzero(seen).tolist():
        own = slice(ends[k], ends[k + 1])
        side = 2 * int(np.ceil(reach[k])) + 1
        top, left = (round(float(v)) - side // 2 for v in (somata.y[k], somata.x[k]))
        sharp = np.zeros((side, side), np.float32)
        place = [[somata.y[k] - top, somata.x[k] - left, somata.scale[k], 1.0]]
        nobody = np.zeros(points.y[own].size, np.int32)
        add_points(
            sharp, points.y[own], points.x[own], points.weights[0][own], nobody,
            np.array(place), view.turn,
        )  # fmt: skip
        light = gaussian_filter(sharp, sigma_px, mode="constant")
        plateau = float(np.median(light[sharp > 0]))
        mask = np.asarray(binary_fill_holes(light > PLATEAU * plateau))
        yield k, (top, left, mask, plateau * float(somata.light[k]))


def label_image(
    found: Iterator[Outline] | list[Outline], number_of: Mapping[Any, int], shape: tuple[int, int]
) -> Labels:
    """Return the image (Y, X) of the numbers of some outlines, 0 where there is none.

    Parameters
    ----------
    found : iterable of Outline
        From `outlines`.
    number_of : mapping of (key, is_glia) to int
        Outlines that it does not have are left out.
    shape : (int, int)
        Rows and columns of the frame.
    """
    labels, brightest = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
    for one in found:
        number = number_of.get((one.key, one.is_glia))
        if number is None:
            continue
        (y, v), (x, u) = (
            (slice(max(first, 0), max(first + side, 0)), slice(max(-first, 0), None))
            for first, side in zip((one.top, one.left), one.mask.shape, strict=True)
        )
        rows, columns = labels[y, x].shape
        wins = one.mask[v, u][:rows, :columns] & (one.light > brightest[y, x])
        labels[y, x][wins] = number
        brightest[y, x][wins] = one.light
    return labels


class Register:
    """The numbers of all that has an outline, given as it comes into view.

    Neurons of the census keep their ``neuron_id``; who comes into view later, and glia, get
    the numbers after these.

    Parameters
    ----------
    world : World
        The simulated world.
    fields : tuple of FieldKey, optional
        Of the world's plan; default: all.
    """

    def __init__(self, world: World, fields: tuple[FieldKey, ...] | None = None) -> None:
        self._world = world
        self.number_of: dict[tuple[census.Key, bool], int] = {
            (key, False): number for key, number in census.numbers(world, fields).items()
        }

    def image(self, visit: PlannedVisit) -> Labels:
        """Return the label image of a visit; visits of one field in time order."""
        found = list(outlines(self._world, visit))
        for one in found:
            whose = one.key, one.is_glia
            if whose not in self.number_of:
                self.number_of[whose] = len(self.number_of) + 1
        return label_image(
            found, self.number_of, self._world.optics_at(visit.planned_h).image_shape_px
        )

    def table(self) -> pl.DataFrame:
        """Return one row per number: ``label``, ``kind`` (neuron or glia) and ``parent``.

        ``parent`` is the number of the cell that divided into it, 0 for none that was in view.
        """
        rows = [
            (number, "glia" if is_glia else "neuron", self._parent(key) if is_glia else 0)
            for (key, is_glia), number in self.number_of.items()
        ]
        schema = {"label": pl.Int64, "kind": pl.String, "parent": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row").sort("label")

    def _parent(self, key: census.Key) -> int:
        vessel, well, row, column, number = key
        own = self._world.glia(vessel, well, row, column)
        return self.number_of.get(((vessel, well, row, column, int(own.parent[number])), True), 0)
