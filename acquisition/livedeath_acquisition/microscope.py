"""What the acquisition layer asks of a microscope, whatever stands behind it.

In goes one planned frame, out comes its image with the state that was read back from
the hardware. A microscope takes one attempt at a time: retrying, skipping and pausing
are the executor's, by the policy that the study declares.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from livedeath.model.frame import FrameKey

# How far the hardware may stand from where it was sent before a frame is refused. Stages
# report their own rounding (Micro-Manager's demo stage says 49.995 for 50); 1 um is well
# under a soma (16 um), 0.5 um well under the depth of field of a 20x air objective.
XY_TOLERANCE_UM = 1.0
Z_TOLERANCE_UM = 0.5
# A move longer than this shakes the dish; then the declared settling time is waited.
LONG_MOVE_UM = 1000.0
# Cameras round an exposure to their line time.
EXPOSURE_TOLERANCE_SHARE = 0.02
EXPOSURE_TOLERANCE_MS = 0.2


class ExposureError(Exception):
    """One attempt at a frame failed; the next may succeed."""


class HungError(Exception):
    """The hardware did not come back: only a new process can use it again."""


@dataclass(frozen=True)
class PlannedFrame:
    """One attempt at one planned frame, complete enough to take it.

    Parameters
    ----------
    key : FrameKey
        Which frame of the study.
    planned_h : float
        When its visit is due, hours since the study's start.
    session : str
        Name of the session that the vessel is on the stage for.
    x_um, y_um : float
        Where the stage must stand, micrometres in the vessel's frame.
    z_um : float or None
        Where the focus must stand, micrometres; counts from where the drive was found when no
        height is declared for the field. None leaves the drive alone.
    group, preset : str
        Micro-Manager's configuration group and preset of the channel.
    exposure_ms : float
        Exposure, milliseconds, above 0.
    light_ms : float
        Light that this field was given so far, by the journal, milliseconds at full power.
    attempt : int
        Counts the attempts at this frame from 0.
    """

    key: FrameKey
    planned_h: float
    session: str
    x_um: float
    y_um: float
    z_um: float | None
    group: str
    preset: str
    exposure_ms: float
    light_ms: float = 0.0
    attempt: int = 0

    @property
    def name(self) -> str:
        """A short text for people, like ``plate1/B3/0 t=4 gedi z=0``."""
        key = self.key
        return f"{key.field_key.name} t={key.t} {key.channel} z={key.z}"


@dataclass(frozen=True)
class Exposure:
    """An image with the state that the hardware reported when it was taken.

    Parameters
    ----------
    image : (Y, X) uint8 or uint16
        As the camera gave it.
    time_h : float
        When it was taken, hours since the study's start.
    x_um, y_um, z_um : float
        Where stage and focus stood, read back, micrometres.
    preset : str
        The channel preset that was in place, read back.
    exposure_ms : float
        Exposure, read back, milliseconds.
    """

    image: NDArray[Any]
    time_h: float
    x_um: float
    y_um: float
    z_um: float
    preset: str
    exposure_ms: float


class Microscope(Protocol):
    """A microscope that takes planned frames, one attempt at a time.

    The executor calls ``open`` once, then ``now_h``, ``wait_until`` and ``acquire`` in any
    order from one thread, then ``close`` once, also after a failure.
    """

    @property
    def z_origin_um(self) -> float | None:
        """Where ``open`` found the focus drive: fields without a declared height count from it.

        None without a focus drive.
        """

    def open(self) -> None:
        """Load and initialise the hardware; called once, before anything else.

        Must leave the shutter closed and the clock running. Raises ``StudyError`` when
        the study asks for what the microscope does not have, ``HardwareError`` when the
        hardware cannot be reached.
        """

    def now_h(self) -> float:
        """Return the hours since the study's start; changes nothing."""

    def wait_until(self, time_h: float) -> None:
        """Return when ``now_h() >= time_h``; called between visits, moves nothing."""

    def acquire(self, frame: PlannedFrame) -> Exposure:
        """Move, set the channel, expose once, and read back where everything stood.

        Called once per attempt. Must leave the shutter closed, and no image of this
        attempt that could be taken for another's. Raises ``ExposureError`` when this
        attempt failed and another may be made, ``HungError`` when the hardware does not
        answer any more.
        """

    def close(self) -> None:
        """Release the hardware; called once at the end, must not raise."""


def mismatch(frame: PlannedFrame, exposure: Exposure) -> str | None:
    """Say where the hardware did not stand where the frame was planned, or None.

    Parameters
    ----------
    frame : PlannedFrame
        What was asked.
    exposure : Exposure
        What was read back.
    """
    away_um = math.hypot(exposure.x_um - frame.x_um, exposure.y_um - frame.y_um)
    if not away_um <= XY_TOLERANCE_UM:
        return (
            f"the stage stands at ({exposure.x_um:.1f}, {exposure.y_um:.1f}) um, "
            f"{away_um:.1f} um away from ({frame.x_um:.1f}, {frame.y_um:.1f}) in the vessel's "
            f"frame; does origin_um of the vessel hold?"
        )
    if frame.z_um is not None and not abs(exposure.z_um - frame.z_um) <= Z_TOLERANCE_UM:
        return f"the focus stands at {exposure.z_um:.2f} um instead of {frame.z_um:.2f}"
    if exposure.preset != frame.preset:
        return f"the channel is {exposure.preset or 'unknown'!r} instead of {frame.preset!r}"
    allowed_ms = max(EXPOSURE_TOLERANCE_MS, EXPOSURE_TOLERANCE_SHARE * frame.exposure_ms)
    if not abs(exposure.exposure_ms - frame.exposure_ms) <= allowed_ms:
        return f"the exposure is {exposure.exposure_ms:g} ms instead of {frame.exposure_ms:g}"
    return None
