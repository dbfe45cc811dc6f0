"""A study as a notebook sees it: a folder goes in, polars frames and arrays come out.

Nothing is computed here; every number comes from the room that owns it. Unknown values are
null, never NaN, and flags stand beside their bits as words.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from livedeath.api.log import logged
from livedeath.errors import StoreError, StudyError
from livedeath.model.events import Events
from livedeath.model.frame import FieldKey, FrameKey
from livedeath.model.study import Study
from livedeath.reporting.neuron import neuron_figure
from livedeath.review.journal import read_verdicts
from livedeath.review.strip import Strip, TraceIndex, build_strip, crop_side_px
from livedeath.run.status import Status, status
from livedeath.simulation.render import TRUTH_FILE
from livedeath.statistics.study import read_calls
from livedeath.statistics.survival import Survival, survival
from livedeath.store.folder import Run, StudyFolder
from livedeath.store.places import field_of
from livedeath.store.tables import plain, read_parquet

if TYPE_CHECKING:
    from livedeath.reporting.style import Figure


def open_study(folder: Path | str) -> "OpenStudy":
    """Open a study's folder for reading.

    Parameters
    ----------
    folder : path
        Holds ``study.toml``.

    Raises
    ------
    StoreError
        If the folder does not exist or holds no study.
    StudyError
        If the declaration is not allowed.
    """
    return OpenStudy(StudyFolder.open(Path(folder)))


class OpenStudy:
    """An open study; see `open_study`.

    Parameters
    ----------
    folder : StudyFolder
        The study on disk.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"<study {self.study.title!r} in {str(self.path)!r}, {len(self.runs)} runs>"

    @property
    def path(self) -> Path:
        """The folder."""
        return self.folder.path

    @property
    def study(self) -> Study:
        """What was declared."""
        return self.folder.study

    @property
    def runs(self) -> tuple[str, ...]:
        """Names of the analyses, the one last asked for last."""
        return tuple(run.name for run in self.folder.runs())

    def run(self, name: str | None = None) -> Run:
        """Return one analysis; default: the latest complete one, else the latest.

        Raises
        ------
        StoreError
            If the study was never scored, or has no run of that name.
        """
        return self.folder.run(name)

    def status(self) -> Status:
        """Return how the study stands: what is done, what comes next, when it ends."""
        return status(self.folder)

    def journal(self) -> pl.DataFrame:
        """Return what happened, one row per entry; keys that an entry lacks are null."""
        return pl.DataFrame(self.folder.journal.read(), infer_schema_length=None, strict=False)

    def log(self) -> pl.DataFrame:
        """Return what people said they did, with each entry's id and who voided it."""
        return pl.DataFrame(logged(self.folder), infer_schema_length=None, strict=False)

    def calls(
        self, *, joined: bool = True, run: str | None = None, endpoint: str | None = None
    ) -> pl.DataFrame:
        """Return one row per neuron: its outcome, when, and how sure that is.

        Parameters
        ----------
        joined : bool
            With arm, unit, block, dose and genotype, and as the neurons stood when watching
            ended: at the last visit before a kill or an exclusion (``ended_h``,
            ``ended_by``). Else as the detector called them, the kill included.
        run : str, optional
            Name of the analysis; default: the latest.
        endpoint : str, optional
            Which, where a run sensed several; only with ``joined``.

        Returns
        -------
        polars.DataFrame
            Columns of `livedeath.model.tables.CALLS`; hours since the study's start.
        """
        chosen = self.run(run)
        if not joined:
            return plain(chosen.calls())
        return plain(read_calls(self.folder, chosen, endpoint=endpoint).joined)

    def traces(self, *, run: str | None = None) -> pl.DataFrame:
        """Return one row per neuron and visit; columns of `livedeath.model.tables.TRACES`.

        Each channel stands with its standard deviation: electrons where the camera is
        calibrated, else grey levels above background.
        """
        return plain(self.run(run).traces())

    def trace(self, neuron_id: int, *, run: str | None = None) -> pl.DataFrame:
        """Return the visits of one neuron, in time order.

        Raises
        ------
        StoreError
            If the run has no such neuron.
        """
        found = self.traces(run=run).filter(pl.col("neuron_id") == neuron_id).sort("t", "time_h")
        if not found.height:
            raise StoreError(
                f"{self.path}: there is no neuron {neuron_id} in run {self.run(run).name!r}; "
                "its neurons are in the column neuron_id of calls()."
            )
        return found

    def reviews(self, *, run: str | None = None) -> pl.DataFrame:
        """Return the standing verdicts on a run, one row per reviewer and neuron."""
        verdicts = read_verdicts(self.folder.reviews_dir, self.run(run).name)
        rows = [
            {
                "reviewer": reviewer,
                "neuron_id": one.neuron_id,
                "verdict": one.verdict,
                "time_h": one.time_h,
                "t": one.t,
                "duration_ms": one.duration_ms,
            }
            for reviewer, said in verdicts.items()
            for one in said.values()
        ]
        schema = {
            "reviewer": pl.String,
            "neuron_id": pl.Int64,
            "verdict": pl.String,
            "time_h": pl.Float64,
            "t": pl.Int64,
            "duration_ms": pl.Float64,
        }
        return pl.DataFrame(rows, schema=schema)

    @property
    def truth_path(self) -> Path:
        """Where the truth of a simulated study lies."""
        return self.path / TRUTH_FILE

    def truth(self) -> pl.DataFrame:
        """Return every true neuron of a simulated study and when it died.

        Raises
        ------
        StoreError
            If the study was not simulated.
        """
        if not self.truth_path.is_file():
            raise StoreError(f"{self.path}: this study was not simulated, its truth is not known.")
        return plain(read_parquet(self.truth_path))

    def field(
        self, well: str, field: int = 0, *, vessel: str | None = None, acquisition: int = 0
    ) -> FieldKey:
        """Return the key of a place that the camera looks at.

        Parameters
        ----------
        well : str
            Like ``B3``.
        field : int
            Which place in the well, from 0.
        vessel : str, optional
            Needed where the study has several.
        acquisition : int
            From 0; a changed objective begins another.

        Raises
        ------
        StudyError
            If the study has no such field.
        """
        if vessel is None and len(self.study.vessels) > 1:
            known = ", ".join(one.id for one in self.study.vessels)
            raise StudyError(f"the study has several vessels; say which with vessel= ({known}).")
        key = FieldKey(vessel or self.study.vessels[0].id, acquisition, well, field)
        if key not in self.folder.plan.fields:
            wells = ", ".join(dict.fromkeys(k.well for k in self.folder.plan.fields))
            raise StudyError(
                f"{self.path}: there is no field {key.name}; the wells are {wells}, fields and "
                "acquisitions count from 0."
            )
        return key

    def image(
        self,
        well: str,
        field: int = 0,
        t: int = 0,
        channel: str | None = None,
        *,
        z: int | None = None,
        vessel: str | None = None,
        acquisition: int = 0,
    ) -> NDArray[Any]:
        """Return one frame, (Y, X), in the camera's own type.

        Parameters
        ----------
        well, field, vessel, acquisition
            See `field`.
        t : int
            The nth visit of the field, from 0.
        channel : str, optional
            Default: the channel that death is read from.
        z : int, optional
            Plane; default: the brightest value over all planes.

        Raises
        ------
        StoreError
            If the frame was missed.
        """
        key = self.field(well, field, vessel=vessel, acquisition=acquisition)
        return self._image(key, t, channel or self.study.sensed.name, z=z)

    def _image(self, key: FieldKey, t: int, channel: str, *, z: int | None = None) -> NDArray[Any]:
        name = self.study.channel(channel).name
        planes = range(len(self.study.focus.planes_um)) if z is None else (z,)
        frames = [FrameKey(*key, t, name, plane) for plane in planes]
        visits = self.folder.plan.n_visits(key)
        if not 0 <= t < visits:
            raise StudyError(
                f"{self.path}: there is no visit {t} of {key.name}; its visits are 0 to "
                f"{visits - 1}."
            )
        missed = [frame for frame in frames if not self._saved(frame)]
        if missed:
            raise StoreError(
                f"{self.path}: visit {t} of {key.name} has no saved image of {name!r}; the "
                "journal says why (journal())."
            )
        images = [self.folder.images.read(frame) for frame in frames]
        return images[0] if len(images) == 1 else np.max(images, axis=0)

    def _saved(self, frame: FrameKey) -> bool:
        return self._frames.get(frame, {}).get("status") == "saved"

    @cached_property
    def _frames(self) -> dict[FrameKey, dict[str, Any]]:
        return self.folder.journal.frames()

    def labels(
        self,
        well: str,
        field: int = 0,
        t: int | None = None,
        *,
        run: str | None = None,
        vessel: str | None = None,
        acquisition: int = 0,
    ) -> NDArray[np.int32]:
        """Return the outlines of a field: neuron ids, 0 is background.

        Parameters
        ----------
        well, field, vessel, acquisition
            See `field`.
        t : int, optional
            One visit, (Y, X); default: all of them, (T, Y, X).
        run : str, optional
            Name of the analysis; default: the latest.
        """
        key = self.field(well, field, vessel=vessel, acquisition=acquisition)
        array = self.run(run).labels(key)
        return np.asarray(array[:] if t is None else array[t])

    def strip(
        self,
        neuron_id: int,
        *,
        at_h: float | None = None,
        channels: Sequence[str] | None = None,
        run: str | None = None,
    ) -> Strip:
        """Return crops of one neuron over time, as a reviewer sees them.

        Parameters
        ----------
        neuron_id : int
            The neuron.
        at_h : float, optional
            Hour in the middle of the strip; default: when it died or was called dead, else
            the strip is spread over the whole trace.
        channels : sequence of str, optional
            One row each; default: all that were measured.
        run : str, optional
            Name of the analysis; default: the latest.

        Returns
        -------
        Strip
            ``crops`` (C, K, S, S), ``time_h`` (K,); ``picture()`` is one grey image of it.
        """
        rows = self.trace(neuron_id, run=run)
        shown = channels or [c.name for c in self.study.channels if c.name in rows.columns]
        trace = TraceIndex(self.run(run).traces(), shown).trace(neuron_id)
        field = field_of(rows.row(0, named=True))

        def read(t: int, channel: str) -> NDArray[Any] | None:
            try:
                return self._image(field, t, channel)
            except StoreError:
                return None

        return build_strip(
            trace,
            read,
            channels=shown,
            side_px=crop_side_px(self.study.optics.of(field.acquisition).pixel_size_um),
            centre=trace.row_at(self._event_h(neuron_id, run) if at_h is None else at_h),
        )

    def plot_neuron(
        self, neuron_id: int, *, at_h: float | None = None, run: str | None = None
    ) -> "Figure":
        """Draw a neuron's strip over its trace; needs the extra ``report``.

        Parameters
        ----------
        neuron_id, at_h, run
            See `strip`.

        Returns
        -------
        matplotlib.figure.Figure
            Shows itself in a notebook; ``savefig`` writes it. In the trace, signals are folds
            of the neuron's own live level, the orange line is the onset with its 95 %
            interval, the dashed line the visit of the call, marks on top are the crops.
        """
        strip = self.strip(neuron_id, at_h=at_h, run=run)
        call = self.calls(joined=False, run=run).row(
            by_predicate=pl.col("neuron_id") == neuron_id, named=True
        )
        fill = self.study.fill
        return neuron_figure(
            strip,
            TraceIndex(self.run(run).traces(), strip.channels).trace(neuron_id),
            call,
            fill=None if fill is None else fill.name,
            kill_h=Events(self.study, self.folder.journal.read()).kill_h(
                call["vessel"], call["well"]
            ),
        )

    def _event_h(self, neuron_id: int, run: str | None) -> float | None:
        call = self.calls(joined=False, run=run).filter(pl.col("neuron_id") == neuron_id)
        hours = [call[name][0] for name in ("death_h", "called_at_h")] if call.height else []
        return next((hour for hour in hours if hour is not None), None)

    def survival(self, **asked: Any) -> Survival:  # noqa: ANN401 - see livedeath.survival
        """Estimate survival per arm and compare the arms, as declared; see `livedeath.survival`."""
        return survival(self.path, **asked)
