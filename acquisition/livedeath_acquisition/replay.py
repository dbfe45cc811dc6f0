"""A recorded time-lapse played as a microscope, behind the same core and engine.

The camera gives the recording's own pixels, the clock jumps from visit to visit. A frame
that the recording does not hold is a missed frame with that reason.

Import this module lazily; it needs the extra ``acquisition``.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.errors import StudyError
from livedeath.model.plan import plan
from livedeath.model.study import Study
from livedeath.recordings.declare import positions_of
from livedeath.recordings.open import Recording, open_recording
from livedeath_acquisition.devices import View
from livedeath_acquisition.microscope import PlannedFrame
from livedeath_acquisition.simulated import BenchMicroscope


class RecordedScene:
    """A recording as what lies under the objective.

    Parameters
    ----------
    study : Study
        Declared from the recording: its fields, channels and visits in the same order.
    recording : Recording
        The open file.

    Raises
    ------
    StudyError
        If the study asks for what the recording does not hold.
    """

    def __init__(self, study: Study, recording: Recording) -> None:
        self._recording = recording
        self._positions = positions_of(study)
        self._channels = _channel_indices(study, recording)
        _check_extent(study, recording)

    def shape(self, frame: PlannedFrame | None) -> tuple[int, int]:
        """Return (Y, X) of every frame."""
        return self._recording.shape[3], self._recording.shape[4]

    @property
    def dtype(self) -> type[np.generic]:
        """Type of the recorded pixels."""
        return self._recording.dtype.newbyteorder("=").type

    def expose(self, view: View) -> NDArray[Any]:
        """Return the recorded frame of this visit, unchanged."""
        key = view.frame.key
        index = (key.t, self._channels[key.channel], key.z, self._positions[key.field_key])
        if not self._recording.has(*index):
            raise RuntimeError("the recording does not hold this frame")
        return self._recording.read(*index)


class ReplayMicroscope(BenchMicroscope):
    """Plays a recording; see ``Microscope``.

    Parameters
    ----------
    study : Study
        Declared from the recording.
    path : Path
        (OME-)TIFF, OME-Zarr or NDTiff.
    """

    def __init__(self, study: Study, path: Path) -> None:
        self._recording = open_recording(path)
        super().__init__(study, RecordedScene(study, self._recording))

    def close(self) -> None:
        """Release the devices and the file."""
        super().close()
        self._recording.close()


def _channel_indices(study: Study, recording: Recording) -> dict[str, int]:
    """Return the recording's channel of each declared one: by name, else by order."""
    names = [channel.name for channel in study.channels]
    if set(names) <= set(recording.channel_names):
        return {name: recording.channel_names.index(name) for name in names}
    if len(names) != len(recording.channel_names):
        raise StudyError(
            f"{recording.path}: the recording has the channels "
            f"{', '.join(recording.channel_names)}, the study declares {', '.join(names)}; "
            f"give them the same names in study.toml"
        )
    return {name: index for index, name in enumerate(names)}


def _check_extent(study: Study, recording: Recording) -> None:
    """Refuse a recording that is not the one that the study was declared from."""
    visits, _, planes, rows, columns = recording.shape
    planned = plan(study)
    asked = (
        ("visits", max(planned.n_visits(field) for field in planned.fields), visits),
        ("fields", len(planned.fields), len(recording.positions)),
        ("planes", len(study.focus.planes_um), planes),
    )
    for what, declared, recorded in asked:
        if declared > recorded:
            raise StudyError(
                f"{recording.path}: the study declares {declared} {what}, the recording has "
                f"{recorded}; declare the study with 'livedeath new DIR --from' this recording"
            )
    if study.optics.image_shape_px != (rows, columns):
        raise StudyError(
            f"{recording.path}: its frames are {rows} x {columns} pixels, the study declares "
            f"{study.optics.image_shape_px[0]} x {study.optics.image_shape_px[1]}; declare the "
            f"study with 'livedeath new DIR --from' this recording"
        )
    if recording.dtype.kind != "u":
        raise StudyError(
            f"{recording.path}: its pixels are {recording.dtype.name}, a camera gives uint8 or "
            f"uint16; score it with 'livedeath score' instead"
        )
