"""Python devices under the Micro-Manager core: camera, stage, focus, filters, shutter.

They are loaded by a configuration file like any lab's and move, open and expose like
real ones; what the camera sees comes from the bench they share. Devices of this kind
cannot see the core, so the bench is one object of the process.

Import this module lazily; it needs the extra ``acquisition``.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from livedeath_acquisition.microscope import PlannedFrame
from livedeath_acquisition.unicore import (
    ShutterDevice,
    SimpleCameraDevice,
    StageDevice,
    StateDevice,
    XYStageDevice,
)

# Longer than any deadline: a hung call that nothing but the end of the process ends.
HANG_S = 3600.0
# What a shell reports of a segmentation fault.
CRASH_STATUS = 139
# The wheel's slots; the names of a study's channels are written over the first ones.
N_FILTERS = 24


class View(NamedTuple):
    """How everything stands while the camera is exposed."""

    frame: PlannedFrame
    x_um: float
    y_um: float
    z_um: float
    slot: int
    exposure_ms: float
    lit: bool


class Scene(Protocol):
    """What lies under the objective."""

    def shape(self, frame: PlannedFrame | None) -> tuple[int, int]:
        """Return (Y, X) of the image of a frame; None asks for the study's first."""

    @property
    def dtype(self) -> type[np.generic]:
        """Type of the camera's pixels."""

    def expose(self, view: View) -> NDArray[Any]:
        """Return what the camera sees; called once per exposure, keeps nothing."""


@dataclass
class Bench:
    """What the devices of one microscope share.

    Parameters
    ----------
    scene : Scene
        What the camera sees.
    frame : PlannedFrame or None
        The frame that is being taken; set before each event.
    faults : dict of str to int
        Fault injection for tests: name to how often it still happens. ``camera_timeout``,
        ``camera_error``, ``camera_hang``, ``camera_slow``, ``crash``, ``stage_error``,
        ``stage_stuck``, ``stage_lies``, ``filter_error``.
    """

    scene: Scene
    frame: PlannedFrame | None = None
    faults: dict[str, int] = field(default_factory=dict)
    slow_s: float = 0.0
    x_um: float = 0.0
    y_um: float = 0.0
    z_um: float = 0.0
    slot: int = 0
    exposure_ms: float = 10.0
    open: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, name: str) -> bool:
        """Say whether a fault is due now, counting it."""
        with self.lock:
            left = self.faults.get(name, 0)
            self.faults[name] = max(0, left - 1)
            return left > 0

    def view(self) -> View:
        """Return how everything stands now."""
        if self.frame is None:
            raise RuntimeError("the camera was exposed before a frame was asked for")
        return View(
            self.frame,
            self.x_um,
            self.y_um,
            self.z_um,
            self.slot,
            self.exposure_ms,
            self.open,
        )


_on_the_bench: list[Bench] = []


def put_on_bench(bench: Bench) -> None:
    """Make a bench the one that devices loaded from now on share."""
    _on_the_bench[:] = [bench]


def _bench() -> Bench:
    if not _on_the_bench:
        raise RuntimeError("no bench: devices were loaded outside a simulated microscope")
    return _on_the_bench[0]


class Camera(SimpleCameraDevice):
    """A camera that sees the scene of its bench."""

    def __init__(self) -> None:
        super().__init__()
        self._bench = _bench()

    def get_exposure(self) -> float:
        """Return the exposure, milliseconds."""
        return self._bench.exposure_ms

    def set_exposure(self, exposure: float) -> None:
        """Set the exposure, milliseconds."""
        self._bench.exposure_ms = float(exposure)

    def sensor_shape(self) -> tuple[int, int]:
        """Return (Y, X) of an image."""
        return self._bench.scene.shape(self._bench.frame)

    def dtype(self) -> type[np.generic]:
        """Return the type of a pixel."""
        return self._bench.scene.dtype

    def get_binning(self) -> int:
        """Return 1: the scene is drawn at the study's pixel size."""
        return 1

    def snap(self, buffer: NDArray[Any]) -> Mapping[str, str]:
        """Expose once into a buffer."""
        bench = self._bench
        _camera_faults(bench)
        np.copyto(buffer, bench.scene.expose(bench.view()))
        return {}


def _camera_faults(bench: Bench) -> None:
    if bench.fault("crash"):
        os._exit(CRASH_STATUS)
    if bench.fault("camera_hang"):
        time.sleep(HANG_S)
    if bench.fault("camera_slow"):
        time.sleep(bench.slow_s)
    if bench.fault("camera_timeout"):
        raise TimeoutError("the camera gave no frame")
    if bench.fault("camera_error"):
        raise RuntimeError("the camera was lost")


class XYStage(XYStageDevice):
    """A stage that arrives at once."""

    def __init__(self) -> None:
        super().__init__()
        self._bench = _bench()

    def set_position_um(self, x: float, y: float) -> None:
        """Go to a place, micrometres."""
        if self._bench.fault("stage_error"):
            raise RuntimeError("the stage refused the command")
        if not self._bench.fault("stage_lies"):
            self._bench.x_um, self._bench.y_um = float(x), float(y)

    def get_position_um(self) -> tuple[float, float]:
        """Return (x, y), micrometres."""
        return self._bench.x_um, self._bench.y_um

    def busy(self) -> bool:
        """Say whether the stage is still moving."""
        return self._bench.fault("stage_stuck")

    def set_origin_x(self) -> None:
        """Not needed."""

    def set_origin_y(self) -> None:
        """Not needed."""

    def home(self) -> None:
        """Go to the origin."""
        self.set_position_um(0.0, 0.0)

    def stop(self) -> None:
        """Not needed: a move is over at once."""


class Focus(StageDevice):
    """A focus drive that arrives at once."""

    def __init__(self) -> None:
        super().__init__()
        self._bench = _bench()

    def set_position_um(self, val: float) -> None:
        """Go to a height, micrometres."""
        self._bench.z_um = float(val)

    def get_position_um(self) -> float:
        """Return the height, micrometres."""
        return self._bench.z_um

    def set_origin(self) -> None:
        """Not needed."""

    def home(self) -> None:
        """Go to the origin."""
        self.set_position_um(0.0)

    def stop(self) -> None:
        """Not needed: a move is over at once."""


class FilterWheel(StateDevice):
    """A wheel with one filter per channel."""

    def __init__(self) -> None:
        super().__init__({slot: f"Filter-{slot}" for slot in range(N_FILTERS)})
        self._bench = _bench()

    def get_state(self) -> int:
        """Return the slot that is in the light."""
        return self._bench.slot

    def set_state(self, position: int) -> None:
        """Turn to a slot."""
        if self._bench.fault("filter_error"):
            raise RuntimeError("the filter wheel is jammed")
        self._bench.slot = int(position)


class Shutter(ShutterDevice):
    """A shutter that opens at once."""

    def __init__(self) -> None:
        super().__init__()
        self._bench = _bench()

    def get_open(self) -> bool:
        """Say whether light passes."""
        return self._bench.open

    def set_open(self, open: bool) -> None:
        """Let light pass, or not."""
        self._bench.open = bool(open)
