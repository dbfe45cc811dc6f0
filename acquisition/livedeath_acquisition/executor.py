"""Takes what is due and writes it down: frame durable, then its journal line.

In go a study's folder and an open microscope, out come frames and journal lines, one per
planned frame, saved or missed with a reason. Failures are met as the study's policies say.
It starts no process and shows nothing.
"""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field

from livedeath.errors import HardwareError
from livedeath.model.frame import FrameKey
from livedeath.store.folder import StudyFolder
from livedeath.store.journal import frame_entry, frames_of
from livedeath_acquisition.heartbeats import Heartbeat
from livedeath_acquisition.microscope import Exposure, ExposureError, Microscope, PlannedFrame
from livedeath_acquisition.saver import Saver
from livedeath_acquisition.schedule import DueVisit, light_given

GB = 1e9

logger = logging.getLogger(__name__)


@dataclass
class Tally:
    """How many frames are settled."""

    saved: int = 0
    missed: int = 0
    missed_in_a_row: int = 0


@dataclass(frozen=True)
class CrashHistory:
    """Frames at which earlier processes died: how often, and how the last one ended."""

    deaths: dict[FrameKey, int] = field(default_factory=dict)
    how: str = ""


class Executor:
    """Works off visits.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    microscope : Microscope
        Open.
    tell : callable
        Given a dict for each thing that happens: ``what`` is ``next``, ``saved``,
        ``missed`` or ``waiting``.
    crashes : CrashHistory
        What the supervisor knows about earlier processes.
    """

    def __init__(
        self,
        folder: StudyFolder,
        microscope: Microscope,
        *,
        tell: Callable[[Heartbeat], None],
        crashes: CrashHistory | None = None,
    ) -> None:
        self._folder = folder
        self._study = folder.study
        self._microscope = microscope
        self._tell = tell
        self._crashes = crashes or CrashHistory()
        entries = folder.journal.read()
        self._light = light_given(self._study, entries)
        self._attempts = {k: e["attempt"] + 1 for k, e in frames_of(entries).items()}
        self.tally = Tally()
        self._saver = Saver(folder, saved=self._is_saved)

    def run(self, due: list[DueVisit], *, wait: bool = True) -> None:
        """Take every visit, each at its hour.

        Parameters
        ----------
        due : list of DueVisit
            In time order.
        wait : bool
            False takes them all now, for a vessel that was brought.

        Raises
        ------
        HardwareError
            When the policies say that the hardware gave up, or the disk is full.
        HungError
            When only a new process can go on.
        """
        try:
            for one in due:
                if wait:
                    self._wait_for(one.visit.planned_h)
                self._check_disk(one)
                self._visit(one, is_late=wait and self._microscope.now_h() > one.until_h)
            self._saver.wait()
        finally:
            self._saver.close()

    def _visit(self, one: DueVisit, *, is_late: bool) -> None:
        if is_late:
            self.miss([one], "its hour had passed, the field's next visit was due")
            return
        for key in one.frames:
            self._take(one, key)

    def miss(self, due: list[DueVisit], reason: str) -> None:
        """Journal visits that can no longer be made."""
        for one in due:
            for key in one.frames:
                self._miss(one, key, reason=reason, attempt=self._attempts.get(key, 0))

    def _wait_for(self, planned_h: float) -> None:
        wait_s = (planned_h - self._microscope.now_h()) * 3600.0
        if wait_s > 0:
            self._saver.wait()
            self._tell({"what": "waiting", "until_h": planned_h, "for_s": wait_s})
            self._microscope.wait_until(planned_h)

    def _check_disk(self, one: DueVisit) -> None:
        """End before a visit that, uncompressed, would not fit above the declared floor."""
        floor = self._study.policies.disk_floor_gb * GB
        free = shutil.disk_usage(self._folder.path).free
        n_bytes = self._study.optics.of(one.visit.field.acquisition).frame_bytes
        if free - len(one.frames) * n_bytes < floor:
            raise HardwareError(
                f"{self._folder.path}: {free / GB:.2f} GB are free, the study keeps "
                f"{floor / GB:g} GB (policies.disk_floor_gb); make room and run 'livedeath "
                f"acquire' again"
            )

    def _take(self, one: DueVisit, key: FrameKey) -> None:
        """Take one frame, with as many tries as the policies allow."""
        deaths = self._crashes.deaths.get(key, 0)
        first = self._attempts.get(key, 0) + deaths
        tries = self._study.policies.tries
        if deaths >= tries:
            reason = f"the acquisition died {deaths} times at this frame ({self._crashes.how})"
            self._miss(one, key, reason=reason, attempt=first)
            return
        if not self._light.allows(key):
            self._miss(one, key, reason="the field's light budget is used up", attempt=first)
            return
        self._tell({"what": "next", "frame": list(key)})
        reason = ""
        for attempt in range(first, first + tries - deaths):
            try:
                exposure = self._microscope.acquire(self._planned(one, key, attempt))
            except ExposureError as error:
                reason = str(error)
                where = f"{key.field_key.name} t={key.t} {key.channel}"
                logger.warning("%s attempt %d: %s", where, attempt, reason)
                continue
            self._save(one, key, exposure, attempt=attempt)
            return
        self._give_up(one, key, reason=reason, attempt=first + tries - deaths - 1)

    def _planned(self, one: DueVisit, key: FrameKey, attempt: int) -> PlannedFrame:
        visit, channel = one.visit, self._study.channel(key.channel)
        return PlannedFrame(
            key=key,
            planned_h=visit.planned_h,
            session=visit.session,
            x_um=visit.x_um,
            y_um=visit.y_um,
            z_um=visit.z_um[key.z],
            group=channel.group,
            preset=channel.preset_name,
            exposure_ms=channel.exposure_ms,
            light_ms=self._light.given_ms(key.field_key),
            attempt=attempt,
        )

    def _save(self, one: DueVisit, key: FrameKey, exposure: Exposure, *, attempt: int) -> None:
        """Hand a frame over to be saved, and count its light."""
        details = {
            "attempt": attempt,
            "session": one.visit.session,
            "planned_h": one.visit.planned_h,
            "time_h": exposure.time_h,
            "x_um": exposure.x_um,
            "y_um": exposure.y_um,
            "z_um": exposure.z_um,
            "exposure_ms": exposure.exposure_ms,
        }
        self._saver.save(key, exposure.image, frame_entry(key, "saved", **details))
        self._light.add(key)
        self.tally.missed_in_a_row = 0

    def _is_saved(self, key: FrameKey) -> None:
        self.tally.saved += 1
        self._tell({"what": "saved", "frame": list(key)})

    def _give_up(self, one: DueVisit, key: FrameKey, *, reason: str, attempt: int) -> None:
        """Do what the policies say after the last try."""
        policy = self._study.policies.after_failure
        where = f"{key.field_key.name} t={key.t} {key.channel}"
        if policy == "pause":
            raise HardwareError(
                f"{where}: {reason}; paused, as the study declares: mend the microscope and run "
                f"'livedeath acquire' again"
            )
        self._miss(one, key, reason=reason, attempt=attempt)
        if policy == "stop":
            raise HardwareError(f"{where}: {reason}; stopped, as the study declares")
        self._count_failure(reason)

    def _miss(self, one: DueVisit, key: FrameKey, *, reason: str, attempt: int) -> None:
        """Journal a frame that will never be there, with its reason."""
        self._saver.wait()
        details = {
            "attempt": attempt,
            "session": one.visit.session,
            "planned_h": one.visit.planned_h,
            "time_h": self._microscope.now_h(),
            "reason": reason,
        }
        self._folder.journal.append(frame_entry(key, "missed", **details))
        self.tally.missed += 1
        logger.warning("%s t=%d %s missed: %s", key.field_key.name, key.t, key.channel, reason)
        self._tell({"what": "missed", "frame": list(key), "reason": reason})

    def _count_failure(self, reason: str) -> None:
        """Give up when frame after frame fails: the microscope is gone, not one frame."""
        self.tally.missed_in_a_row += 1
        limit = self._study.policies.missed_in_a_row
        if self.tally.missed_in_a_row >= limit:
            raise HardwareError(
                f"{limit} frames in a row were missed (last: {reason}); the microscope gave up: "
                f"mend it and run 'livedeath acquire' again"
            )
