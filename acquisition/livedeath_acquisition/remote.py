"""The microscope of a running Micro-Manager, over its server port.

Only single calls of the core go over the wire; Micro-Manager keeps the hardware, its
window stays usable, and nothing of it is changed but what a frame asks for.

Import this module lazily; it needs the extra ``acquisition``.
"""

import contextlib
import socket
import time

from livedeath.errors import HardwareError, StudyError
from livedeath.model.study import Study
from livedeath_acquisition.clock import Clock
from livedeath_acquisition.core import trusted
from livedeath_acquisition.heights import Heights
from livedeath_acquisition.microscope import (
    LONG_MOVE_UM,
    Exposure,
    ExposureError,
    HungError,
    PlannedFrame,
)
from livedeath_acquisition.pycro import RemoteCore

_KNOCK_S = 2.0


class RemoteMicroscope:
    """Drives a running Micro-Manager, call by call; see ``Microscope``.

    Parameters
    ----------
    study : Study
        Declares channels, vessels and policies.
    port : int
        Micro-Manager's server port (Tools > Options > Run server on port), usually 4827.
    clock : Clock
        Counts the study's hours.
    z_before_um : float or None
        Where the focus drive stood when the acquisition was last opened.
    """

    def __init__(
        self, study: Study, port: int, *, clock: Clock, z_before_um: float | None = None
    ) -> None:
        self._study = study
        self._port = port
        self._clock = clock
        self._core: RemoteCore | None = None
        self._heights = Heights(study, before_um=z_before_um)
        self._last: PlannedFrame | None = None

    @property
    def z_origin_um(self) -> float | None:
        """Where the focus drive was found."""
        return self._heights.origin_um

    def open(self) -> None:
        """Connect, and check that the channels exist there."""
        longest_ms = max(channel.exposure_ms for channel in self._study.channels)
        deadline_s = self._study.policies.frame_deadline_s + longest_ms / 1000.0
        self._knock()
        try:
            self._core = RemoteCore(self._port, deadline_s=deadline_s)
            self._core.call("get_version_info")
        except (ExposureError, HungError) as error:
            raise self._nobody(str(error)) from None
        for channel in self._study.channels:
            self._try_preset(channel.name, channel.group, channel.preset_name)
        self._find_focus()

    def now_h(self) -> float:
        """Return the hours since the study's start."""
        return self._clock.now_h()

    def wait_until(self, time_h: float) -> None:
        """Wait for an hour."""
        self._clock.wait_until(time_h)

    def acquire(self, frame: PlannedFrame) -> Exposure:
        """Take one attempt at a frame; see ``Microscope``."""
        call = self._calls.call
        self._last, frame = frame, self._heights.resolve(frame)
        y0_um, x0_um = self._study.vessel(frame.key.vessel).origin_um
        settle_s = self._settling_s(frame.x_um + x0_um, frame.y_um + y0_um)
        call("set_xy_position", frame.x_um + x0_um, frame.y_um + y0_um)
        if frame.z_um is not None:
            call("set_position", frame.z_um)
        call("set_config", frame.group, frame.preset)
        call("set_exposure", frame.exposure_ms)
        call("wait_for_system")
        time.sleep(settle_s)
        call("snap_image")
        time_h = self._clock.now_h()
        image = self._calls.image()
        exposure = Exposure(
            image=image,
            time_h=time_h,
            x_um=float(call("get_x_position")) - x0_um,
            y_um=float(call("get_y_position")) - y0_um,
            z_um=float(call("get_position")),
            preset=str(call("get_current_config", frame.group)),
            exposure_ms=float(call("get_exposure")),
        )
        return trusted(frame, exposure)

    def _settling_s(self, x_um: float, y_um: float) -> float:
        """Return how long to wait after a move to a place of the stage: only after a long one."""
        settle_s = self._study.policies.settle_ms / 1000.0
        if settle_s == 0:
            return 0.0
        call = self._calls.call
        away = float(call("get_x_position")) - x_um, float(call("get_y_position")) - y_um
        return settle_s if max(map(abs, away)) > LONG_MOVE_UM else 0.0

    def close(self) -> None:
        """Put the focus back where it was found, where planes moved it, and disconnect."""
        if self._core is not None:
            back_um = self._heights.back_um(self._last)
            if back_um is not None:
                with contextlib.suppress(ExposureError, HungError):
                    self._core.call("set_position", back_um)
            self._core.close()
            self._core = self._last = None

    def _find_focus(self) -> None:
        """Note where the focus drive stands, before anything moves it."""
        try:
            self._heights.found_at(float(self._calls.call("get_position")))
        except (ExposureError, HungError) as error:
            raise HardwareError(
                f"port {self._port}: Micro-Manager does not say where the focus drive stands "
                f"({error}); choose the focus drive there as the default one"
            ) from None

    def _knock(self) -> None:
        """Say at once when nobody listens: the bridge itself would wait and then fall over."""
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=_KNOCK_S).close()
        except OSError as error:
            raise self._nobody(str(error.strerror or error)) from None

    def _nobody(self, reason: str) -> HardwareError:
        return HardwareError(
            f"port {self._port}: no Micro-Manager answers ({reason}); start it and switch on "
            f"Tools > Options > Run server on port {self._port}"
        )

    @property
    def _calls(self) -> RemoteCore:
        assert self._core is not None
        return self._core

    def _try_preset(self, channel: str, group: str, preset: str) -> None:
        try:
            self._calls.call("set_config", group, preset)
        except ExposureError as error:
            raise StudyError(
                f"channel {channel!r}: Micro-Manager cannot set the preset {preset!r} of group "
                f"{group!r} ({error}); set 'group' and 'preset' of the channel in study.toml"
            ) from None
