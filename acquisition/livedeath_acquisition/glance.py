"""One visit of a study's own microscope, now: a folder and a well go in, judged frames come out.

Nothing is added to the study, and nothing on the microscope is changed for good.
"""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from livedeath.store import durable
from livedeath.store.folder import StudyFolder
from livedeath_acquisition import choose
from livedeath_acquisition.choose import Choice
from livedeath_acquisition.look import Look, look, visits_now
from livedeath_acquisition.microscope import HungError
from livedeath_acquisition.schedule import light_given
from livedeath_acquisition.worker import hour_zero


def look_now(
    folder: Path | str,
    *,
    well: str,
    vessel: str | None = None,
    microscope: str | None = None,
) -> list[Look]:
    """Visit a well now and judge each of its frames.

    Parameters
    ----------
    folder : path
        The study.
    well : str
        Like ``B3``.
    vessel : str, optional
        Default: every one with this well.
    microscope : str, optional
        As written after ``--microscope``; default: the study's own, else a simulated one.

    Raises
    ------
    StudyError
        If the study does not visit that well.
    StoreError
        If the microscope is in use.
    HardwareError
        If a frame cannot be taken.
    HungError
        If a driver does not come back: end the process, its thread would hold it for ever.
    """
    study = StudyFolder.open(Path(folder))
    entries = study.journal.read()
    choice = choose.resume(microscope, entries)
    zero = hour_zero(study)
    now_h = _now_h(choice, zero, entries)
    visits = visits_now(study, vessel=vessel, well=well, now_h=now_h)
    light = light_given(study.study, entries)
    light_ms = max((light.given_ms(visit.field) for visit in visits), default=0.0)
    lock = study.acquire_lock
    held = durable.lock(lock, doing="livedeath look") if lock.exists() else contextlib.nullcontext()
    with held:
        scope = choose.make(choice, study, zero=zero)
        try:
            scope.open()
            looks = list(look(study.study, scope, visits, light_ms=light_ms))
        except HungError:
            raise
        except BaseException:
            scope.close()
            raise
        scope.close()
    return looks


def _now_h(choice: Choice, zero: datetime, entries: list[dict[str, Any]]) -> float:
    """Return the hour that it is; where time stands still, that of the last frame."""
    if choice.is_real:
        return (datetime.now(UTC) - zero).total_seconds() / 3600.0
    taken = [e["time_h"] for e in entries if e.get("kind") == "frame" and "time_h" in e]
    return float(taken[-1]) if taken else 0.0
