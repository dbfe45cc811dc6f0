"""Where the focus drive is sent: to declared heights, and else never away from where it stood.

In go a study and the position at which the drive was found, out comes the height of each
frame, or None: leave the drive alone. A height that nobody declared is never made up, for
a wrong one drives the objective into the plate. Nothing here moves anything.
"""

from dataclasses import replace
from typing import Any

from livedeath.errors import StudyError
from livedeath.model.plan import plan
from livedeath.model.study import Study
from livedeath_acquisition.microscope import Z_TOLERANCE_UM, PlannedFrame

# Planes without a declared height are steps from where the drive stands. Slice cultures are
# 300 to 400 um thick; a larger step is a height of the stage written in the wrong place, and
# a 20x/0.75 objective works 1 mm from the specimen.
LARGEST_STEP_UM = 500.0


def journaled_origin_um(entries: list[dict[str, Any]]) -> float | None:
    """Return where the focus drive stood when the acquisition was last opened, by the journal."""
    said = [e["z_origin_um"] for e in entries if "z_origin_um" in e]
    return float(said[-1]) if said else None


class Heights:
    """The heights of a study's frames on one focus drive.

    Parameters
    ----------
    study : Study
        Declares sites and planes.
    before_um : float or None
        Where the drive stood when the acquisition was last opened, by the journal.

    Raises
    ------
    StudyError
        If planes without a declared height reach too far.
    """

    def __init__(self, study: Study, *, before_um: float | None = None) -> None:
        self._study = study
        self._before_um = before_um
        fields = dict.fromkeys((f.vessel, f.well, f.field) for f in plan(study).fields)
        own = [study.vessel(v).declares_height(well, index) for v, well, index in fields]
        self._is_driven = any(own) or study.focus.planes_um != (0.0,)
        if not all(own):
            _check_steps(study)
        self.origin_um = 0.0

    def found_at(self, now_um: float) -> None:
        """Take in where the drive stands now that the microscope is open.

        If a person moved it since the last time, it is there that the neurons are in focus;
        if not, the last frame left it there, and the place of the last time holds.
        """
        before = self._before_um
        self.origin_um = now_um if before is None or self._was_moved(now_um, before) else before

    def resolve(self, frame: PlannedFrame) -> PlannedFrame:
        """Return a frame with the height to which the drive is sent, None to leave it alone."""
        if self._is_declared(frame):
            return frame
        z_um = self.origin_um + (frame.z_um or 0.0) if self._is_driven else None
        return replace(frame, z_um=z_um)

    def back_um(self, last: PlannedFrame | None) -> float | None:
        """Return where to leave the drive after the last frame; None: where it stands.

        Else whoever opens the microscope next would count from the last plane.
        """
        if last is None or not self._is_driven or self._is_declared(last):
            return None
        return self.origin_um

    def _is_declared(self, frame: PlannedFrame) -> bool:
        key = frame.key
        return self._study.vessel(key.vessel).declares_height(key.well, key.field)

    def _was_moved(self, now_um: float, before_um: float) -> bool:
        """Say whether the drive stands where no frame of this study sends it."""
        planes = self._study.focus.planes_um
        sites = [s.z_um for v in self._study.vessels for s in v.sites if s.z_um is not None]
        left_at = [before_um, *(z + plane for z in (before_um, *sites) for plane in planes)]
        return all(abs(now_um - z) > Z_TOLERANCE_UM for z in left_at)


def _check_steps(study: Study) -> None:
    """Refuse heights of the stage where only steps from where it stands are meant."""
    farthest = max(study.focus.planes_um, key=abs)
    if abs(farthest) > LARGEST_STEP_UM:
        raise StudyError(
            f"focus.planes_um holds {farthest:g} um, but fields without a z_um of their own are "
            f"taken that far from where the focus drive stands; give steps of at most "
            f"{LARGEST_STEP_UM:g} um, or the height as z_um of each site"
        )
