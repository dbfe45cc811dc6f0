"""From the journal to tables: a study goes in, a run with traces, calls and labels comes out.

The same for a study that is being acquired and for one that is finished: the journal says
which visits there are and in which order, the pipeline is given each with what was known by
then, so both give the same results to the last bit. A killed analyser goes on from its last
checkpoint. Nothing here touches the microscope or any frame.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from livedeath.analysis.pipeline import Pipeline
from livedeath.model.frame import FieldKey, Visit
from livedeath.model.measures import Columns, State, VisitResult
from livedeath.model.settings import AnalysisSettings
from livedeath.model.study import Study
from livedeath.model.tables import TRACES, channel_units, trace_columns, units
from livedeath.run.ahead import Behind, Done, Job, Turn, ahead, one_by_one
from livedeath.run.checkpoint import Checkpoint
from livedeath.run.ending import Watch
from livedeath.run.identity import identity_of_study, run_name
from livedeath.run.priors import declared_in, digest
from livedeath.run.provenance import now, provenance
from livedeath.run.visits import CompleteVisit, Sequence
from livedeath.store import durable, tables
from livedeath.store.folder import Run, StudyFolder
from livedeath.store.images import ImageStore
from livedeath.store.labels import LabelStore

logger = logging.getLogger(__name__)

POLL_S = 0.5
"""How often a follower looks whether the journal has grown."""

CHECKPOINT_VISITS = 64
"""Visits between two checkpoints: what a killed analyser does again at most."""

REST_S = 20.0
"""Least time between two checkpoints of a live run while the acquisition pauses."""

WRITING = 4.0
"""A live run's tables tell of a call after at most this many times what their last writing took,
so that writing takes a fifth of the time at most, and a small study's calls stand there at once."""

LOCK_FILE = "run.lock"


class Labels(Protocol):
    """Labels made elsewhere; see `livedeath.store.labels.LabelFile`."""

    @property
    def identity(self) -> dict[str, Any]:
        """What names them for good; part of the run's name."""
        ...

    def read(self, field: FieldKey, t: int) -> NDArray[np.int32]:
        """Return the labels of one visit; called once per visit, in order."""
        ...


class Outliner(Protocol):
    """What outlines somata in the place of our own; see `livedeath.analysis.stardist`."""

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the outlines; part of the run's name."""
        ...

    def outline(self, visit: Visit) -> NDArray[np.int32] | None:
        """Return the outlines of one visit, None where it shows none; called in threads."""
        ...


class Analyser(Protocol):
    """What a visit is given to; see `livedeath.analysis.pipeline.Pipeline`."""

    @property
    def noted(self) -> dict[str, Any]:
        """What the run says of itself in its provenance; read between visits."""
        ...

    def begin(self, field: FieldKey) -> None:
        """Make room for a field; called in the order of the journal."""
        ...

    def see(self, visit: Visit, labels: NDArray[np.int32] | None, *, turn: Turn) -> Any:  # noqa: ANN401
        """Look at one visit of a field that has begun; fields at the same time, in threads."""
        ...

    def take(self, visit: Visit, seen: Any) -> VisitResult:  # noqa: ANN401
        """Analyse what was seen of one visit; called in the order of the journal."""
        ...

    def calls(self, traces: Columns, *, final: bool) -> Columns:
        """Return one row per neuron of the traces; if not final, dates may be a little old."""
        ...

    def state(self) -> State:
        """Return all that is known, as arrays and scalars."""
        ...

    def restore(self, state: State) -> None:
        """Go on from what `state` returned."""
        ...


@dataclass
class _Progress:
    """How far a run has come."""

    visits: int = 0
    parts: int = 0
    saved: list[pl.DataFrame] = field(default_factory=list)
    unsaved: list[pl.DataFrame] = field(default_factory=list)

    @property
    def traces(self) -> list[pl.DataFrame]:
        """All traces, in order: a table per checkpoint, then a table per visit."""
        return [*self.saved, *self.unsaved]


def follow(
    folder: StudyFolder,
    *,
    settings: AnalysisSettings | None = None,
    labels: Labels | None = None,
    outliner: Outliner | None = None,
    live: bool = False,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
    stop: Callable[[], bool] | None = None,
    make_analyser: Callable[[Study], Analyser] | None = None,
) -> Run:
    """Analyse a study as far as its journal goes, or until its acquisition ends.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    settings : AnalysisSettings, optional
        Default: those that the study declares.
    labels : Labels, optional
        Where neurons are, made elsewhere; default: they are found in the images.
    outliner : Outliner, optional
        Finds them in the images in our place; not with ``labels``.
    live : bool
        Whether to wait for more until the acquisition has ended: by the journal, or because
        none of its processes is left (`livedeath.run.ending`).
    workers : int
        Threads that read frames and look at fields ahead; the results do not depend on it.
    progress : callable, optional
        Called with the number of visits done since the last call.
    stop : callable, optional
        Asked between visits; if it returns True, a live follower ends as if at the end.
    make_analyser : callable, optional
        Makes the analyser of a study; default: the pipeline.

    Returns
    -------
    Run
        ``analysis/<run>``. The same study, settings and program give the same run, which is
        resumed if it was interrupted and continued if the journal has grown since.

    Raises
    ------
    StoreError
        If frames or priors cannot be read, or another analyser works on this run.
    """
    study = folder.study if settings is None else folder.study.replace(analysis=settings)
    given = next((one.identity for one in (labels, outliner) if one is not None), None)
    priors = declared_in(folder.path, study.analysis.priors, study.endpoint)
    identity = identity_of_study(folder, study, labels=given, priors=digest(priors))
    run = Run(folder.analysis_dir / run_name(identity))
    durable.make_folder(run.path)
    with durable.lock(run.path / LOCK_FILE, doing="livedeath score"):
        durable.sweep(run.path)
        make = make_analyser or partial(Pipeline, priors=priors)
        follower = _Follower(folder, study, run, labels=labels, outliner=outliner, make=make)
        with contextlib.closing(Behind(workers if workers > 1 else 0)) as follower.behind:
            follower.begin(identity)
            follower.work(live=live, workers=workers, progress=progress, stop=stop)
            follower.end()
    return run


class _Follower:
    """One run at work."""

    def __init__(
        self,
        folder: StudyFolder,
        study: Study,
        run: Run,
        *,
        labels: Labels | None,
        outliner: Outliner | None,
        make: Callable[[Study], Analyser],
    ) -> None:
        self.folder = folder
        self.study = study
        self.run = run
        self.given, self.outliner = labels, outliner
        self.analyser = make(study)
        self.sequence = Sequence(study, folder.plan)
        self.out = LabelStore(run.path / "labels.zarr", study)
        self.behind = Behind(0)
        self.checkpoint = Checkpoint.in_run(run.path)
        self.watch = Watch(folder)
        self.done = _Progress()
        self.seen = 0
        self.tail = 0
        self.saved_s = float("-inf")
        self.written_s = float("-inf")
        self.writing_s = 0.0
        self.untold = False
        self.bad: dict[tuple[str, str], str] = {}
        self.warned: set[str] = set()

    def begin(self, identity: dict[str, Any]) -> None:
        """Write who we are, or go on from the checkpoint of an earlier process."""
        if not (self.run.path / "provenance.json").is_file():
            settings = self.study.analysis.model_dump(mode="json")
            durable.write_json(self.run.path / "settings.json", settings)
            fingerprint = self.folder.study.fingerprint
            said = provenance(
                identity, run=self.run.name, study=fingerprint, complete=False, visits=0
            )
            durable.write_json(self.run.path / "provenance.json", said)
        self.out.create(self.folder.plan)
        logger.info("run %s: %s", self.run.name, self.run.path)
        visits, state, parts = self.checkpoint.load()
        if state is not None:
            self.analyser.restore(state)
            self.done = _Progress(visits, len(parts), parts)
            logger.info("run %s: goes on after visit %d", self.run.name, visits)

    def work(
        self,
        *,
        live: bool,
        workers: int,
        progress: Callable[[int], None] | None,
        stop: Callable[[], bool] | None,
    ) -> None:
        """Push every visit that the checkpoint has not seen."""
        while True:
            ended = bool(stop and stop())
            entries, self.tail = self.folder.journal.tail(self.tail)
            with contextlib.closing(self._loaded(self._new(entries), workers)) as visits:
                for complete, visit, seen in visits:
                    self._push(visit, complete, seen)
                    if progress is not None:
                        progress(1)
                    if self.done.visits % CHECKPOINT_VISITS == 0:
                        self.save()
                        if live:
                            self._write_tables()
            if not live or ended:
                return
            self._tell()
            if entries:
                self.watch.hear()
            elif self._is_over():
                return
            else:
                self._rest()
                time.sleep(POLL_S)

    def _is_over(self) -> bool:
        """Return whether nothing more will come; before an acquisition began it will."""
        return self.sequence.ended or (self.sequence.begun and self.watch.is_gone())

    def _tell(self) -> None:
        """Let the tables say what was called since they were written, unless that was just now."""
        if self.untold and time.monotonic() - self.written_s >= WRITING * self.writing_s:
            self._write_tables()

    def _rest(self) -> None:
        """Use a pause of the acquisition: what is known so far goes to disk."""
        if self.done.unsaved and time.monotonic() - self.saved_s >= REST_S:
            self.save()
            self._write_tables()

    def _new(self, entries: list[dict[str, Any]]) -> Iterator[CompleteVisit]:
        for complete in self.sequence.feed(entries):
            self.seen += 1
            if self.seen > self.done.visits:
                yield complete

    def _loaded(self, visits: Iterator[CompleteVisit], workers: int) -> Generator[Done, None, None]:
        """Read visits and look at their fields, some visits ahead if there are threads for it."""
        jobs = map(self._job, visits)
        if workers <= 1:
            return one_by_one(jobs)
        before = self.done.visits
        return ahead(jobs, workers=workers, pause=lambda n: (before + n) % CHECKPOINT_VISITS == 0)

    def _job(self, complete: CompleteVisit) -> Job:
        """Return what can be done ahead with a visit; labels are read here, in order."""
        labels = None
        if self.given is not None and not complete.skipped:
            labels = self.given.read(complete.field, complete.t)
        if not complete.skipped:
            self.analyser.begin(complete.field)

        def see(visit: Visit, turn: Turn) -> Any:  # noqa: ANN401 - the analyser's own
            if complete.skipped:
                return None
            outlines = labels if self.outliner is None else self.outliner.outline(visit)
            return self.analyser.see(visit, outlines, turn=turn)

        return Job(complete, partial(_visit, complete, self.folder.images), see)

    def _push(self, visit: Visit, complete: CompleteVisit, seen: Any) -> None:  # noqa: ANN401
        if complete.skipped:
            where = f"{visit.field.name} t={visit.t}"
            logger.info("run %s: %s not analysed, %s", self.run.name, where, complete.skipped)
        else:
            result = self.analyser.take(visit, seen)
            # Durable before the checkpoint that says so; what comes after is made again.
            self.behind.do(
                partial(self.out.write, visit.field, visit.t, result.labels, flushed=False)
            )
            part = tables.from_columns(result.traces)
            if part.height:
                self.done.unsaved.append(part)
            self.untold |= bool(result.called)
            self._log(visit, result)
        self.done.visits += 1

    def _log(self, visit: Visit, result: VisitResult) -> None:
        """Say who was called, and where frames turned bad or good again."""
        where = f"{visit.field.name} t={visit.t}"
        if result.called:
            who = ", ".join(map(str, result.called))
            logger.info("%s at %.2f h: called dead: neuron %s", where, visit.time_h, who)
        for channel in visit.images:
            place, reason = (visit.field.name, channel), result.bad_frames.get(channel)
            if reason == self.bad.get(place):
                continue
            if reason is None:
                del self.bad[place]
                logger.info("%s %s: frames are good again", where, channel)
            else:
                self.bad[place] = reason
                logger.info("%s %s: bad frame, %s", where, channel, reason)

    def save(self) -> None:
        """Write a checkpoint; nothing is worked on ahead now."""
        for said in self.analyser.noted.get("warnings", ()):
            if said not in self.warned:
                self.warned.add(said)
                logger.warning("run %s: %s", self.run.name, said)
        self.behind.wait()
        self.out.flush()
        part = _joined(self.done.unsaved, self.study)
        self.checkpoint.save(
            self.done.visits,
            self.analyser.state(),
            traces=part,
            part=self.done.parts,
            bad_frames=self._bad_frames(),
        )
        self.done.parts += 1
        if part.height:
            self.done.saved.append(part)
        self.done.unsaved = []
        self.saved_s = time.monotonic()

    def end(self) -> None:
        """Write the tables and say that the run is complete."""
        self.save()
        self._write_tables(final=True, complete=True, asked=now())
        logger.info("run %s: complete after %d visits", self.run.name, self.done.visits)

    def _write_tables(self, *, final: bool = False, **more: bool | str) -> None:
        """Write what is known, and in the provenance how many visits it covers."""
        begun_s = time.monotonic()
        traces = _joined(self.done.traces, self.study)
        calls = tables.from_columns(self.analyser.calls(tables.to_columns(traces), final=final))
        measured = channel_units(
            (channel.name for channel in self.study.channels), self.study.optics.camera
        )
        tables.write_table(traces, self.run.traces_path, units=units(traces.columns, measured))
        tables.write_table(calls, self.run.calls_path, units=units(calls.columns))
        known = {"visits": self.done.visits, "bad_frames": self._bad_frames()}
        known |= self.analyser.noted
        said = self.run.provenance() | known | more
        durable.write_json(self.run.path / "provenance.json", said)
        self.untold, self.written_s = False, time.monotonic()
        self.writing_s = self.written_s - begun_s

    def _bad_frames(self) -> dict[str, int]:
        """Return how many frames were judged bad, by reason."""
        found: dict[str, int] = getattr(self.analyser, "bad_frames", {})
        return found


def _visit(complete: CompleteVisit, images: ImageStore) -> Visit:
    """Read the frames of a visit."""
    return Visit(
        complete.field,
        complete.t,
        complete.time_h,
        complete.session,
        {} if complete.skipped else _read(complete, images),
        complete.missing,
        complete.x_um,
        complete.y_um,
        complete.z_um,
        complete.intervened,
    )


def _read(complete: CompleteVisit, images: ImageStore) -> dict[str, NDArray[Any]]:
    planes: dict[str, list[NDArray[Any]]] = {}
    for key in complete.saved:
        planes.setdefault(key.channel, []).append(images.read(key))
    return {
        channel: stack[0] if len(stack) == 1 else np.stack(stack)
        for channel, stack in planes.items()
    }


def _joined(parts: list[pl.DataFrame], study: Study) -> pl.DataFrame:
    # In one piece: a thousand small ones take a hundred times the memory of what they hold.
    return pl.concat(parts, how="vertical", rechunk=True) if parts else empty_traces(study)


def empty_traces(study: Study) -> pl.DataFrame:
    """Return the table of traces of a study in which no neuron was found."""
    dtypes = {column.name: column.dtype for column in TRACES}
    names = trace_columns(tuple(channel.name for channel in study.channels))
    return tables.from_columns({name: _empty(dtypes.get(name, "float64")) for name in names})


def _empty(dtype: str) -> NDArray[Any]:
    return np.empty(0, dtype=np.str_ if dtype == "str" else dtype)
