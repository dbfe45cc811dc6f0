"""The simulated world: a study and parameters go in, frames and the truth come out.

`World.render` is pure: the same vessel, place, hour, channel and light give the same
pixels, in any order and in any process. The simulated microscope asks it for every frame;
`livedeath simulate` asks it for a whole study at once.
"""

from collections import OrderedDict
from functools import cached_property, lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter

from livedeath.kernels.draw import add_points
from livedeath.model.optics import Channel, Optics
from livedeath.model.plan import Plan, PlannedVisit, plan
from livedeath.model.plate import FORMATS, well_centre_um
from livedeath.model.study import Study
from livedeath.simulation import glia, optics, signal
from livedeath.simulation.camera import Frame, Sensor
from livedeath.simulation.culture import Culture, Draws, Tile
from livedeath.simulation.fate import Mortality
from livedeath.simulation.glia import Glia
from livedeath.simulation.optics import Image, Stage, View
from livedeath.simulation.parameters import WorldParameters
from livedeath.simulation.scene import Points, Scene, build, visit_noise
from livedeath.simulation.streams import generator, when, where

SCENE_GRID_UM = 50.0
"""Frames whose centres share a square of this side share a scene."""

MAX_POINTS = 12_000_000
"""Points kept in all scenes together, about 250 MB; the least used scene goes first."""

NUCLEAR = frozenset({"nucleus", "dye"})
"""Roles that show the nucleus alone."""

GLIAL = frozenset({"fill", "indicator", "nucleus"})
"""Roles that show glia too."""

PHASE_CONTRAST = 0.25
"""Contrast of a soma in transmitted light; chosen."""


class World:
    """Cultures, a microscope's optics and a camera, after a study.

    Parameters
    ----------
    study : Study
        Vessels, arms, interventions, channels, optics and sessions.
    parameters : WorldParameters
        What the study does not say.
    """

    def __init__(self, study: Study, parameters: WorldParameters) -> None:
        self.study = study
        self.parameters = parameters
        self.stage = Stage(study, parameters)
        self.mortality = Mortality(study, parameters)
        self.cultures = {v.id: Culture(parameters, v.id, v.format) for v in study.vessels}
        self._wells = {v.id: frozenset(study.wells(v.id)) for v in study.vessels}
        self._optics = lru_cache(maxsize=None)(study.optics.of)
        self._sensor = lru_cache(maxsize=4)(self._make_sensor)
        self._flat = lru_cache(maxsize=32)(self._make_flat)
        self._scenes: OrderedDict[tuple[object, ...], Scene] = OrderedDict()

    @property
    def median_radius_um(self) -> float:
        """Radius of the soma that the declared electrons hold for."""
        return self.parameters.culture.soma_diameter_um / 2

    def optics_at(self, planned_h: float) -> Optics:
        """Return the optics in force at an hour."""
        return self._optics(self.study.optics.acquisition_at(planned_h))

    @cached_property
    def plan(self) -> Plan:
        """The plan of the study."""
        return plan(self.study)

    def first_sight(self, visit: PlannedVisit) -> tuple[Scene, View]:
        """Return what there is around a planned visit, and what of it the camera sees."""
        place = {"x_um": visit.x_um, "y_um": visit.y_um, "z_um": visit.z_um[0]}
        view = self.stage.view(
            visit.field.vessel, visit.session, planned_h=visit.planned_h, **place
        )
        now = self.optics_at(visit.planned_h)
        scene = self._scene(
            visit.field.vessel,
            visit.field.well,
            view,
            shape=now.image_shape_px,
            pixel_size_um=now.pixel_size_um,
        )
        return scene, view

    def glia(self, vessel: str, well: str, row: int, column: int) -> Glia:
        """Return the glia of one tile of a well."""
        return self.cultures[vessel].glia(Tile(well, row, column))

    def render(
        self,
        *,
        vessel: str,
        x_um: float,
        y_um: float,
        z_um: float,
        planned_h: float,
        channel: str,
        exposure_ms: float,
        session: str = "",
        light_ms: float = 0.0,
        shape: tuple[int, int] | None = None,
        bit_depth: int | None = None,
        lit: bool = True,
    ) -> Frame:
        """Take one frame.

        Parameters
        ----------
        vessel : str
            Id of the vessel on the stage.
        x_um, y_um, z_um : float
            Where the stage stands, in the frame in which the plan gives places.
        planned_h : float
            Hour for which the visit was planned.
        channel : str
            Name of the channel.
        exposure_ms : float
            Exposure time.
        session : str
            Stay of the vessel on the stage; a later one lies differently.
        light_ms : float
            Light this place has had so far, milliseconds at full power; it bleaches.
        shape : (int, int), optional
            Rows and columns; default: as the study declares.
        bit_depth : int, optional
            8, 12, 14 or 16; default: as the study declares.
        lit : bool
            False with the shutter closed: only the camera's own noise.

        Returns
        -------
        (Y, X) uint8 or uint16

        Raises
        ------
        StudyError
            If the study has no such vessel or channel.
        """
        declared = self.optics_at(planned_h)
        shape = shape or declared.image_shape_px
        sensor = self._sensor(shape, bit_depth or declared.bit_depth)
        light = None
        if lit:
            where_to = self.stage.view(
                vessel, session, x_um=x_um, y_um=y_um, z_um=z_um, planned_h=planned_h
            )
            light = self._electrons(
                self.study.channel(channel),
                where_to,
                vessel=vessel,
                planned_h=planned_h,
                bleached=light_ms / self.parameters.signal.reference_exposure_ms,
                shape=shape,
                pixel_size_um=declared.pixel_size_um,
            )
            key = (vessel, where(x_um, y_um, z_um), when(planned_h), channel)
            light *= np.float32(self._exposure(channel, exposure_ms, planned_h, key))
        rng = generator(
            self.parameters.seed, "noise", vessel, where(x_um, y_um, z_um), when(planned_h), channel
        )
        return sensor.expose(light, exposure_ms=exposure_ms, rng=rng)

    def _exposure(
        self, channel: str, exposure_ms: float, planned_h: float, key: tuple[int | str, ...]
    ) -> float:
        """Return the light of an exposure relative to the reference exposure."""
        p = self.parameters
        shine = optics.lamp(p.light, seed=p.seed, key=key, planned_h=planned_h)
        share = self.study.channel(channel).light_percent / 100.0
        return shine * share * exposure_ms / p.signal.reference_exposure_ms

    def _electrons(
        self,
        channel: Channel,
        view: View,
        *,
        vessel: str,
        planned_h: float,
        bleached: float,
        shape: tuple[int, int],
        pixel_size_um: float,
    ) -> Image:
        """Return the expected electrons per pixel at the reference exposure."""
        p = self.parameters
        well = self._well_at(vessel, view)
        bright = np.zeros(shape, np.float32)
        if well is not None:
            scene = self._scene(vessel, well, view, shape=shape, pixel_size_um=pixel_size_um)
            bright = self._draw(
                channel,
                scene,
                view,
                vessel=vessel,
                time_h=planned_h,
                shape=shape,
                pixel_size_um=pixel_size_um,
            )
            bright = optics.blur(bright, view.defocus_um, p.light, pixel_size_um=pixel_size_um)
        uneven = optics.haze(
            view, p.light, shape=shape, pixel_size_um=pixel_size_um, key=vessel, seed=p.seed
        )
        per_px = pixel_size_um**2 * uneven
        flat = self._flat(channel.name, shape)
        if channel.role == "transmitted":
            return _transmitted(bright, per_px * p.signal.transmitted_electrons) * flat
        bright *= np.float32((1.0 - p.light.bleaching) ** bleached)
        return (bright + p.signal.background_electrons_per_um2 * per_px) * flat

    def _draw(
        self,
        channel: Channel,
        scene: Scene,
        view: View,
        *,
        vessel: str,
        time_h: float,
        shape: tuple[int, int],
        pixel_size_um: float,
    ) -> Image:
        """Add up the points of a scene, sharp."""
        p = self.parameters
        places = signal.place_um(scene.neurons, scene.fates, time_h, p.stage)
        cy, cx = view.pixels(*places, pixel_size_um=pixel_size_um, shape=shape)
        size = signal.soma_scale(scene.fates, time_h, p.death)
        light = self._soma_light(channel, scene, vessel=vessel, time_h=time_h)
        if channel.role == "transmitted":
            area_px = np.pi * (scene.neurons.radius_um / pixel_size_um) ** 2
            light = area_px * signal.present(scene.fates, time_h)
        at = _Places(cy, cx, pixel_size_um)
        image = np.zeros(shape, np.float32)
        nuclear = channel.role in NUCLEAR
        at.add(image, scene.soma, 1 if nuclear else 0, light, view.turn, scale=size)
        if not nuclear:
            whole, beads = self._neurites(scene, light, time_h)
            at.add(image, scene.neurites, 0, whole, view.turn)
            at.add(image, scene.neurites, 1, beads, view.turn)
        if scene.glia.number.size and channel.role in GLIAL:
            self._add_glia(image, channel, scene, view, time_h, pixel_size_um)
        if channel.role in ("fill", "indicator", "payload"):
            places = signal.debris_um(scene.debris, time_h, p.culture)
            cy, cx = view.pixels(*places, pixel_size_um=pixel_size_um, shape=shape)
            specks = _Places(cy, cx, pixel_size_um)
            specks.add(image, scene.specks, 0, self._speck_light(channel, scene), view.turn)
        return image

    def _add_glia(
        self,
        image: Image,
        channel: Channel,
        scene: Scene,
        view: View,
        time_h: float,
        pixel_size_um: float,
    ) -> None:
        """Add the glial cells that there are."""
        p = self.parameters.culture
        places = glia.place_um(scene.glia, time_h, p)
        cy, cx = view.pixels(*places, pixel_size_um=pixel_size_um, shape=image.shape)
        nuclear = channel.role in NUCLEAR
        at = _Places(cy, cx, pixel_size_um)
        light = signal.glia_electrons(
            channel, scene.glia, time_h, p, self.parameters.signal, self.median_radius_um
        )
        at.add(image, scene.glia_soma, 1 if nuclear else 0, light, view.turn)

    def _soma_light(self, channel: Channel, scene: Scene, *, vessel: str, time_h: float) -> Draws:
        """Return the electrons of every soma of a scene in one visit."""
        p = self.parameters
        noise = None
        if channel.role == "indicator":
            noise = visit_noise(scene, p.signal, seed=p.seed, vessel=vessel, time_h=time_h)
        light = signal.electrons(
            channel,
            scene.neurons,
            scene.fates,
            time_h,
            signal=p.signal,
            death=p.death,
            median_radius_um=self.median_radius_um,
            noise=noise,
        )
        if channel.role == "marker":
            light = light * (scene.neurons.marker_u < p.culture.marker_fraction)
        return light

    def _neurites(self, scene: Scene, light: Draws, time_h: float) -> tuple[Draws, Draws]:
        """Return the light of all neurites, smooth and as beads: beads fade after death."""
        p = self.parameters
        share = p.culture.neurite_fraction / (1.0 - p.culture.neurite_fraction)
        beaded = signal.progress(scene.fates, time_h, p.death.shrink_h)
        since = np.maximum(time_h - scene.fates.death_h, 0.0)
        left = share * light * np.exp(-since / p.death.neurite_loss_h)
        return left * (1.0 - beaded), left * beaded

    def _speck_light(self, channel: Channel, scene: Scene) -> Draws:
        s = self.parameters.signal
        if channel.role == "indicator":
            return scene.debris.indicator * s.indicator_electrons
        return scene.debris.fill * s.fill_electrons

    def _well_at(self, vessel: str, view: View) -> str | None:
        """Return the visited well that a view lies in or beside; None over empty medium."""
        found = self.study.vessel(vessel).format
        rim = FORMATS[found].well_diameter_um / 2 + FORMATS[found].pitch_um / 4
        for well in self._wells[vessel]:
            y, x = well_centre_um(well, found)
            if np.hypot(view.y_um - y, view.x_um - x) < rim:
                return well
        return None

    def _scene(
        self, vessel: str, well: str, view: View, *, shape: tuple[int, int], pixel_size_um: float
    ) -> Scene:
        """Return the scene around a view; made once, kept while there is room."""
        cell = (round(view.y_um / SCENE_GRID_UM), round(view.x_um / SCENE_GRID_UM))
        key = (vessel, well, cell, shape, pixel_size_um)
        if key in self._scenes:
            self._scenes.move_to_end(key)
            return self._scenes[key]
        half = tuple((n * pixel_size_um + SCENE_GRID_UM) / 2 for n in shape)
        scene = build(
            self.parameters,
            self.cultures[vessel],
            self.mortality,
            vessel=vessel,
            well=well,
            centre_um=(cell[0] * SCENE_GRID_UM, cell[1] * SCENE_GRID_UM),
            half_um=(half[0], half[1]),
            pixel_size_um=pixel_size_um,
        )
        self._scenes[key] = scene
        while len(self._scenes) > 1 and sum(s.size for s in self._scenes.values()) > MAX_POINTS:
            self._scenes.popitem(last=False)
        return scene

    def _make_sensor(self, shape: tuple[int, int], bit_depth: int) -> Sensor:
        return Sensor(
            self.parameters.camera,
            self.study.optics.camera,
            shape=shape,
            bit_depth=bit_depth,
            seed=self.parameters.seed,
        )

    def _make_flat(self, channel: str, shape: tuple[int, int]) -> Image:
        return optics.flat_field(
            self.parameters.light, shape=shape, seed=self.parameters.seed, channel=channel
        )


def warm_up() -> None:
    """Compile what rendering needs, so that a first frame does not wait for it."""
    none = np.zeros(0, np.float32)
    nobody, nowhere = np.zeros(0, np.int32), np.zeros((0, 4))
    add_points(np.zeros((1, 1), np.float32), none, none, none, nobody, nowhere, 0.0)


class _Places:
    """Where things lie in an image, and how large they are."""

    def __init__(self, cy: Draws, cx: Draws, pixel_size_um: float) -> None:
        self._table = np.column_stack([cy, cx, np.full_like(cy, 1.0 / pixel_size_um), cy])

    def add(
        self,
        image: Image,
        points: Points,
        weights: int,
        light: Draws,
        turn: float,
        *,
        scale: Draws | float = 1.0,
    ) -> None:
        """Add one set of weights of the things' points to the image."""
        places = self._table.copy()
        places[:, 2] *= scale
        places[:, 3] = light
        add_points(image, points.y, points.x, points.weights[weights], points.owner, places, turn)


def _transmitted(thickness: Image, background: Image) -> Image:
    """Return transmitted light: what is thick lies before a darker ring on a bright ground."""
    edge = gaussian_filter(thickness, 1.0) - gaussian_filter(thickness, 4.0)
    return np.asarray(background * (1.0 + PHASE_CONTRAST * edge), dtype=np.float32)
