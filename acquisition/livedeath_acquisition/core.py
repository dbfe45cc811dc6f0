"""A microscope behind a Micro-Manager core in this process.

One planned frame becomes one event of pycromanager's engine; the image is trusted when
stage, focus, channel and exposure, read back from the core, are what was asked.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from livedeath.errors import StudyError
from livedeath.model.study import Study
from livedeath_acquisition.clock import Clock
from livedeath_acquisition.heights import Heights
from livedeath_acquisition.microscope import (
    LONG_MOVE_UM,
    Exposure,
    ExposureError,
    HungError,
    PlannedFrame,
    mismatch,
)
from livedeath_acquisition.pycro import EventDriver, PycroCore, first_line, start_core, stop_core

# The engine tries each move six times, each up to the core's time-out.
_ENGINE_TRIES = 6


class CoreMicroscope:
    """Loads a configuration and takes frames through pycromanager.

    Parameters
    ----------
    study : Study
        Declares channels, optics, vessels and policies.
    config : Path
        Micro-Manager configuration file.
    clock : Clock
        Counts the study's hours.
    adapters : Path or None
        Folder of the device adapters; None when the configuration names none.
    z_before_um : float or None
        Where the focus drive stood when the acquisition was last opened.
    """

    def __init__(
        self,
        study: Study,
        config: Path,
        *,
        clock: Clock,
        adapters: Path | None = None,
        z_before_um: float | None = None,
    ) -> None:
        self._study = study
        self._config = config
        self._clock = clock
        self._adapters = adapters
        self._core: PycroCore | None = None
        self._driver: EventDriver | None = None
        self._has_stage = self._has_focus = True
        self._heights = Heights(study, before_um=z_before_um)
        self._last: PlannedFrame | None = None

    @property
    def z_origin_um(self) -> float | None:
        """Where the focus drive was found; None without one."""
        return self._heights.origin_um if self._has_focus else None

    def open(self) -> None:
        """Load the configuration, check channels and camera, and start the engine."""
        self._core = core = start_core(self._config, self._adapters)
        deadline_s = self._study.policies.frame_deadline_s
        core.setTimeoutMs(int(max(500.0, 1000.0 * deadline_s / (_ENGINE_TRIES + 2))))
        self._has_stage = bool(core.getXYStageDevice())
        self._has_focus = bool(core.getFocusDevice())
        self._check_devices()
        for channel in self._study.channels:
            _check_preset(core, channel.name, channel.group, channel.preset_name)
        self._check_camera()
        self._find_focus()
        self._driver = EventDriver()

    def now_h(self) -> float:
        """Return the hours since the study's start."""
        return self._clock.now_h()

    def wait_until(self, time_h: float) -> None:
        """Wait for an hour."""
        self._clock.wait_until(time_h)

    def acquire(self, frame: PlannedFrame) -> Exposure:
        """Take one attempt at a frame; see ``Microscope``."""
        assert self._driver is not None
        self._last, frame = frame, self._heights.resolve(frame)
        deadline_s = self._study.policies.frame_deadline_s + frame.exposure_ms / 1000.0
        with _one_failure():
            self._settle(frame)
            image = self._driver.expose(self._event(frame), deadline_s=deadline_s)
            exposure = self._read_back(image, frame, self._clock.now_h())
        return trusted(frame, exposure)

    def close(self) -> None:
        """End the engine and release the devices."""
        if self._driver is not None:
            self._driver.__exit__()
            with contextlib.suppress(Exception):  # whatever a driver throws at the end
                self._put_focus_back()
        self._driver = self._core = self._last = None
        stop_core()

    def _find_focus(self) -> None:
        """Note where the focus drive stands, before anything moves it."""
        assert self._core is not None
        if self._has_focus:
            self._core.waitForDevice(self._core.getFocusDevice())
            self._heights.found_at(float(self._core.getPosition()))

    def _put_focus_back(self) -> None:
        back_um = self._heights.back_um(self._last)
        if self._core is not None and self._has_focus and back_um is not None:
            self._core.setPosition(back_um)
            self._core.waitForDevice(self._core.getFocusDevice())

    def _event(self, frame: PlannedFrame) -> dict[str, Any]:
        """Say a frame in pycromanager's words; nothing else may go in, see its traps."""
        key = frame.key
        event: dict[str, Any] = {
            "axes": {
                "time": key.t,
                "position": f"{key.vessel}/{key.acquisition}/{key.well}/{key.field}",
                "channel": key.channel,
                "z": key.z,
                "attempt": frame.attempt,
            },
            "config_group": [frame.group, frame.preset],
            "exposure": frame.exposure_ms,
        }
        if self._has_stage:
            y_um, x_um = self._on_stage(frame)
            event |= {"x": x_um, "y": y_um}
        if self._has_focus and frame.z_um is not None:
            event["z"] = frame.z_um
        return event

    def _on_stage(self, frame: PlannedFrame) -> tuple[float, float]:
        """Return (y, x) of a frame in the stage's coordinates, micrometres."""
        y0_um, x0_um = self._study.vessel(frame.key.vessel).origin_um
        return frame.y_um + y0_um, frame.x_um + x0_um

    def _settle(self, frame: PlannedFrame) -> None:
        """After a long move wait the declared time before anything is exposed."""
        if not self._study.policies.settle_ms or not self._has_stage or self._core is None:
            return
        y_um, x_um = self._on_stage(frame)
        x_now, y_now = self._core.getXYPosition()
        if max(abs(x_um - x_now), abs(y_um - y_now)) > LONG_MOVE_UM:
            self._core.setXYPosition(x_um, y_um)
            self._core.waitForDevice(self._core.getXYStageDevice())
            time.sleep(self._study.policies.settle_ms / 1000.0)

    def _read_back(self, image: NDArray[Any], frame: PlannedFrame, time_h: float) -> Exposure:
        core = self._core
        assert core is not None
        x_um, y_um = frame.x_um, frame.y_um
        if self._has_stage:
            y0_um, x0_um = self._study.vessel(frame.key.vessel).origin_um
            stage_x, stage_y = core.getXYPosition()
            x_um, y_um = stage_x - x0_um, stage_y - y0_um
        return Exposure(
            image=image,
            time_h=time_h,
            # A stage may say -0.0; adding zero makes that 0.0.
            x_um=float(x_um) + 0.0,
            y_um=float(y_um) + 0.0,
            z_um=float(core.getPosition()) if self._has_focus else frame.z_um or 0.0,
            preset=preset_in_place(core, frame.group, frame.preset),
            exposure_ms=float(core.getExposure()),
        )

    def _check_devices(self) -> None:
        assert self._core is not None
        if not self._core.getCameraDevice():
            raise StudyError(f"{self._config}: names no camera; set Core-Camera in it")
        n_fields = sum(len(self._study.wells(vessel.id)) for vessel in self._study.vessels)
        if not self._has_stage and n_fields > 1:
            raise StudyError(
                f"{self._config}: has no XY stage, the study visits {n_fields} wells; set "
                f"Core-XYStage in it"
            )
        if not self._has_focus and len(self._study.focus.planes_um) > 1:
            raise StudyError(
                f"{self._config}: has no focus drive, the study declares planes; set Core-Focus "
                f"in it, or declare one plane"
            )

    def _check_camera(self) -> None:
        """Refuse a camera whose images are not the declared ones, before the first frame."""
        assert self._core is not None
        first = self._study.channels[0]
        self._core.setConfig(first.group, first.preset_name)
        shape = (self._core.getImageHeight(), self._core.getImageWidth())
        n_bytes = self._core.getBytesPerPixel()
        optics = self._study.optics
        if shape != optics.image_shape_px or n_bytes != (1 if optics.bit_depth == 8 else 2):
            declared_y, declared_x = optics.image_shape_px
            raise StudyError(
                f"{self._config}: the camera gives {shape[0]} x {shape[1]} pixels of "
                f"{8 * n_bytes} bit, the study declares {declared_y} x {declared_x} of "
                f"{optics.bit_depth} bit; change image_shape_px and bit_depth in study.toml or "
                f"the camera's settings"
            )


@contextlib.contextmanager
def _one_failure() -> Iterator[None]:
    """Turn whatever a driver throws into the failure of this attempt."""
    try:
        yield
    except (ExposureError, HungError):
        raise
    except Exception as error:  # noqa: BLE001 - any driver may fail in any way
        raise ExposureError(first_line(error)) from None


def trusted(frame: PlannedFrame, exposure: Exposure) -> Exposure:
    """Return an exposure whose hardware stood where it was sent.

    Raises
    ------
    ExposureError
        If anything read back differs from what was planned.
    """
    wrong = mismatch(frame, exposure)
    if wrong is not None:
        raise ExposureError(wrong)
    return exposure


def preset_in_place(core: Any, group: str, wanted: str) -> str:  # noqa: ANN401 - any core
    """Return the preset that the hardware stands in.

    Two presets may set the same things; then the wanted one is in place too.
    """
    current = str(core.getCurrentConfig(group))
    if current == wanted:
        return wanted
    settings = core.getConfigData(group, wanted, native=True)
    for index in range(settings.size()):
        one = settings.getSetting(index)
        now = core.getProperty(one.getDeviceLabel(), one.getPropertyName())
        if str(now) != one.getPropertyValue():
            return current
    return wanted


def _check_preset(core: PycroCore, channel: str, group: str, preset: str) -> None:
    """Refuse a channel that the configuration does not have.

    Raises
    ------
    StudyError
        Naming the presets that it has.
    """
    groups = list(core.getAvailableConfigGroups())
    if group not in groups:
        raise StudyError(
            f"channel {channel!r} asks for the configuration group {group!r}, the microscope "
            f"has {', '.join(map(repr, groups)) or 'none'}; set 'group' of the channel"
        )
    presets = list(core.getAvailableConfigs(group))
    if preset not in presets:
        raise StudyError(
            f"channel {channel!r} asks for the preset {preset!r} of group {group!r}, the "
            f"microscope has {', '.join(map(repr, presets))}; set 'preset' of the channel"
        )
