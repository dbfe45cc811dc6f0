"""The simulated microscope: Python devices under the real core, a simulated culture below.

Its clock stands still while nobody acquires and jumps to each planned hour, so that a
resumed run takes the same images as an undisturbed one.

Import this module lazily; it needs the extra ``acquisition``.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.errors import StudyError
from livedeath.model.study import Study
from livedeath.simulation.parameters import WorldParameters
from livedeath.simulation.world import World, warm_up
from livedeath.store import durable
from livedeath.store.folder import StudyFolder
from livedeath_acquisition.clock import Clock, JumpingClock
from livedeath_acquisition.core import CoreMicroscope
from livedeath_acquisition.devices import N_FILTERS, Bench, Scene, View, put_on_bench
from livedeath_acquisition.microscope import Exposure, PlannedFrame

PARAMETERS_FILE = "simulation.toml"

_CONFIG_HEAD = """\
# Written by livedeath: Python devices under the Micro-Manager core.
Property,Core,Initialize,0
#py pyDevice,Camera,livedeath_acquisition.devices,Camera
#py pyDevice,XY,livedeath_acquisition.devices,XYStage
#py pyDevice,Z,livedeath_acquisition.devices,Focus
#py pyDevice,Filter,livedeath_acquisition.devices,FilterWheel
#py pyDevice,Shutter,livedeath_acquisition.devices,Shutter
Property,Core,Initialize,1
#py Property,Core,Camera,Camera
#py Property,Core,Shutter,Shutter
#py Property,Core,Focus,Z
#py Property,Core,XYStage,XY
#py Property,Core,AutoShutter,1
"""


def filter_slots(study: Study) -> dict[tuple[str, str], int]:
    """Return the wheel's slot of each (group, preset) that the channels ask for.

    Raises
    ------
    StudyError
        If there are more than the wheel holds.
    """
    presets = dict.fromkeys((c.group, c.preset_name) for c in study.channels)
    if len(presets) > N_FILTERS:
        raise StudyError(
            f"the study has {len(presets)} channel presets, the simulated wheel {N_FILTERS} slots"
        )
    return {preset: slot for slot, preset in enumerate(presets)}


def configuration(study: Study) -> str:
    """Return the configuration file of a simulated microscope with a study's channels."""
    lines = [
        f"#py ConfigGroup,{group},{preset},Filter,Label,Filter-{slot}"
        for (group, preset), slot in filter_slots(study).items()
    ]
    return _CONFIG_HEAD + "\n".join(lines) + "\n"


class BenchMicroscope:
    """Python devices over a scene, behind the same core and engine as a lab's microscope.

    Parameters
    ----------
    study : Study
        Declares channels, optics and policies.
    scene : Scene
        What the camera sees.
    clock : Clock or None
        Counts the study's hours; None for one that jumps.
    """

    def __init__(self, study: Study, scene: Scene, *, clock: Clock | None = None) -> None:
        self.bench = Bench(scene)
        self._study = study
        self._clock = clock or JumpingClock()
        self._scope: CoreMicroscope | None = None

    def open(self) -> None:
        """Lay out the bench and load the devices."""
        put_on_bench(self.bench)
        with tempfile.TemporaryDirectory(prefix="livedeath-") as folder:
            config = Path(folder) / "simulated.cfg"
            # The core reads configurations in the platform's own encoding.
            config.write_text(configuration(self._study), encoding="locale")
            self._scope = CoreMicroscope(self._study, config, clock=self._clock)
            self._scope.open()

    @property
    def z_origin_um(self) -> float | None:
        """Where the focus drive was found."""
        return None if self._scope is None else self._scope.z_origin_um

    def now_h(self) -> float:
        """Return where the clock stands, hours."""
        return self._clock.now_h()

    def wait_until(self, time_h: float) -> None:
        """Let the clock jump to an hour."""
        self._clock.wait_until(time_h)

    def acquire(self, frame: PlannedFrame) -> Exposure:
        """Take one attempt at a frame; see ``Microscope``."""
        assert self._scope is not None
        self.bench.frame = frame
        self._clock.wait_until(frame.planned_h)
        return self._scope.acquire(frame)

    def close(self) -> None:
        """Release the devices."""
        if self._scope is not None:
            self._scope.close()
            self._scope = None


class Culture:
    """The simulated culture as a scene.

    Parameters
    ----------
    study : Study
        Declares optics and channels.
    world : World
        Renders the culture; pure in place, planned time, channel and light.
    """

    def __init__(self, study: Study, world: World) -> None:
        self._study = study
        self._world = world
        self._slots = filter_slots(study)
        warm_up()  # else the first frame, which has a deadline, would wait for the compiler

    def shape(self, frame: PlannedFrame | None) -> tuple[int, int]:
        """Return (Y, X) of a frame: another objective may come with another shape."""
        acquisition = 0 if frame is None else frame.key.acquisition
        return self._study.optics.of(acquisition).image_shape_px

    @property
    def dtype(self) -> type[np.generic]:
        """Type of the camera's pixels."""
        return np.uint8 if self._study.optics.bit_depth == 8 else np.uint16

    def expose(self, view: View) -> NDArray[Any]:
        """Render what lies under the objective, through the filter that is in place."""
        frame = view.frame
        y0_um, x0_um = self._study.vessel(frame.key.vessel).origin_um
        return self._world.render(
            vessel=frame.key.vessel,
            x_um=view.x_um - x0_um,
            y_um=view.y_um - y0_um,
            z_um=view.z_um,
            planned_h=frame.planned_h,
            channel=self._channel_in(view),
            exposure_ms=view.exposure_ms,
            session=frame.session,
            light_ms=frame.light_ms,
            lit=view.lit,
        )

    def _channel_in(self, view: View) -> str:
        """Return the channel whose filter is in place, the asked one where several share it."""
        in_place = [
            c.name for c in self._study.channels if self._slots[c.group, c.preset_name] == view.slot
        ]
        asked = view.frame.key.channel
        return asked if asked in in_place else in_place[0]


def simulated(folder: StudyFolder) -> BenchMicroscope:
    """Return the simulated microscope of a study, not open yet; writes nothing.

    Parameters
    ----------
    folder : StudyFolder
        A ``simulation.toml`` in it says what the culture is like, else the defaults hold.
    """
    path = folder.path / PARAMETERS_FILE
    parameters = WorldParameters.from_file(path) if path.is_file() else WorldParameters()
    return BenchMicroscope(folder.study, Culture(folder.study, World(folder.study, parameters)))


def keep_parameters(folder: StudyFolder) -> None:
    """Write down what culture a study is acquired from, so that a resume sees the same."""
    path = folder.path / PARAMETERS_FILE
    if not path.is_file():
        durable.write_text(path, WorldParameters().to_toml())
