"""Who died and when, whatever is given: a study, a recording or a table of traces.

A path goes in; a run with its traces and calls comes out. What is wrong with the input is
said before anything is written.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from livedeath.analysis.stardist import StarDist
from livedeath.detection import Scorer, score_traces
from livedeath.detection.priors import export, to_text
from livedeath.errors import StoreError, StudyError, command
from livedeath.model.plan import plan
from livedeath.model.settings import AnalysisSettings
from livedeath.model.study import Study
from livedeath.model.tables import FIELD_FAULT, FURTHER, OUTCOMES, PLACE, units
from livedeath.recordings import traces as traces_input
from livedeath.recordings.declare import parse_times, study_from_recording
from livedeath.recordings.open import Recording, open_recording
from livedeath.run.follow import follow
from livedeath.run.identity import program, run_name
from livedeath.run.priors import OF_TABLE, declared_in, digest, read
from livedeath.run.provenance import provenance
from livedeath.store import durable, tables
from livedeath.store.folder import Run, StudyFolder
from livedeath.store.labels import LabelFile
from livedeath.store.linked import identity_of, journal_of, source_of

Progress = Callable[[int, int], None]

STARDIST = "stardist"

NEW_SUFFIX = "-livedeath"
"""Added to the input's name where no folder to write is named."""


@dataclasses.dataclass(frozen=True)
class Scored:
    """What scoring gave.

    Attributes
    ----------
    path : Path
        What was scored or made: the folder of a study, for `livedeath.open_study`, or that
        of a scored table. `livedeath.survival` and `livedeath.report` take either.
    run : Run
        The analysis in it.
    further : tuple of str
        Channels that were weighed beside the one that is sensed.
    """

    path: Path
    run: Run
    further: tuple[str, ...] = ()

    @cached_property
    def traces(self) -> pl.DataFrame:
        """One row per neuron and visit; unknown is null, flags also in words."""
        return tables.plain(self.run.traces())

    @cached_property
    def calls(self) -> pl.DataFrame:
        """One row per neuron, as the detector called it; unknown is null."""
        return tables.plain(self.run.calls())

    def __repr__(self) -> str:
        counts = {name: int((self.calls["outcome"] == name).sum()) for name in OUTCOMES}
        said = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items())
        return f"<{self.calls.height} neurons scored: {said}; in {str(self.path)!r}>"

    @property
    def revoked(self) -> int:
        """How many neurons were called dead and the call was taken back."""
        return self.calls.height - int(self.calls["revoked_at_h"].null_count())

    @property
    def field_fault(self) -> int:
        """How many neurons were lost to what befell their whole field."""
        return int((self.calls["loss_reason"] == FIELD_FAULT).sum())

    @property
    def bad_frames(self) -> dict[str, int]:
        """How many frames were judged bad, by reason; of a table of traces, none."""
        found: dict[str, int] = self.run.provenance().get("bad_frames", {})
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    @property
    def scales(self) -> list[dict[str, Any]]:
        """How wide somata are in each acquisition: in force, told and seen; see provenance."""
        return list(self.run.provenance().get("scales", []))

    @property
    def at_border(self) -> int:
        """How many somata touch the border of their field and are not followed."""
        return int(self.run.provenance().get("at_border", 0))

    @property
    def warnings(self) -> list[str]:
        """What to know before trusting the results, one sentence each."""
        return list(self.run.provenance().get("warnings", []))

    @property
    def visits(self) -> int:
        """How many times fields were looked at; of a table, hours of each field it names."""
        columns = self.traces.columns
        field = [name for name in PLACE if name in columns and "field" in columns]
        told = self.traces.select(*field, "time_h").n_unique() if self.traces.height else 0
        return int(self.run.provenance().get("visits", told))


def score(
    source: Path | str,
    *,
    out: Path | str | None = None,
    follow: bool = False,
    pixel_size_um: float | None = None,
    interval_h: float | None = None,
    times_h: Sequence[float] | str | None = None,
    fill: str | int | None = None,
    indicator: str | int | None = None,
    labels: Path | str | None = None,
    segmenter: str | None = None,
    weights: Path | str | None = None,
    soma_diameter_um: float | None = None,
    false_alarms: float | None = None,
    priors: Path | str | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Scored:
    """Find neurons, follow them and say when each died.

    Parameters
    ----------
    source : path
        Folder of a study; (OME-)TIFF, OME-Zarr or NDTiff; or a table of traces (CSV, Parquet)
        with ``neuron_id, time_h, signal``.
    out : path, optional
        Folder to write, new or empty; not with a study. Default: named after the source, in
        the current folder.
    follow : bool
        Whether to go on until the study's acquisition ends.
    pixel_size_um : float, optional
        Of a recording: side of a pixel in the specimen, micrometres.
    interval_h, times_h : float, sequence of float, optional
        Of a recording: hours between visits, or the hour of each.
    fill, indicator : str or int, optional
        Of a recording: fill channel and death indicator, name or index from 0.
    labels : path, optional
        Label images made elsewhere; they say where neurons are, never who.
    segmenter : str, optional
        ``stardist`` outlines neurons by StarDist, with the model in ``weights``; default: ours.
    weights : path, optional
        A StarDist model for fluorescence, ``.bpk``; livedeath downloads none.
    soma_diameter_um : float, optional
        Typical soma; default: what the study declares, else estimated from the first visits.
    false_alarms : float, optional
        False deaths allowed per 1,000 neuron-days; default 1, or what the study declares.
    priors : path, optional
        What another study learnt, see `livedeath.export_priors`; default: what the study
        declares.
    workers : int
        Threads; results do not depend on it.
    progress : callable, optional
        Called with the visits done since the last call, and with all there will be.

    Returns
    -------
    Scored
        ``path``, ``run``, ``traces`` and ``calls``.

    Raises
    ------
    StoreError, StudyError, FrameError, TableError
        In one sentence: what is missing or not allowed. Nothing was written then.
    """
    path = Path(source)
    if workers < 1:
        raise StudyError(f"--workers is {workers}; at least 1 is needed.")
    told = {
        "pixel_size_um": pixel_size_um,
        "interval_h": interval_h,
        "times_h": parse_times(times_h) if isinstance(times_h, str) else times_h,
        "fill": None if fill is None else str(fill),
        "indicator": None if indicator is None else str(indicator),
    }
    common: dict[str, Any] = {
        "false_alarms": false_alarms,
        "priors": None if priors is None else Path(priors).absolute(),
        "workers": workers,
        "progress": progress,
    }
    model = None if weights is None else Path(weights)
    _check_segmenter(segmenter, model, labels=labels)
    of_images = common | {
        "soma_diameter_um": soma_diameter_um,
        "segmenter": segmenter,
        "weights": model,
    }
    outlines = None if labels is None else Path(labels)
    if (path / "study.toml").is_file():
        _refuse(path, "a study says it itself", told | {"out": out})
        return score_study(StudyFolder.open(path), labels=outlines, live=follow, **of_images)
    if tables.is_table(path) and not path.is_dir():
        images_only = {"labels": labels, "soma_diameter_um": soma_diameter_um}
        images_only |= {"segmenter": segmenter}
        _refuse(path, "a table of traces has no images", told | images_only)
        _refuse(path, "only a study is followed", {"follow": follow or None})
        common = {"false_alarms": false_alarms, "priors": common["priors"]}
        return score_table(path, _target(path, out), **common)
    if path.exists():
        _refuse(path, "only a study is followed", {"follow": follow or None})
    return score_recording(path, _target(path, out), told=told, labels=outlines, **of_images)


def _check_segmenter(segmenter: str | None, weights: Path | None, *, labels: object) -> None:
    """Refuse what does not go together, before any file is opened."""
    if segmenter not in (None, STARDIST):
        raise StudyError(
            f"--segmenter is {segmenter!r}, {STARDIST} is allowed; leave it out for livedeath's "
            f"own, or bring the outlines of another program with --labels."
        )
    if segmenter is None and weights is not None:
        raise StudyError(f"--weights has no meaning without --segmenter {STARDIST}; add it.")
    if segmenter is not None and labels is not None:
        raise StudyError("--segmenter and --labels both say where neurons are; give one of them.")


def _outliner(segmenter: str | None, weights: Path | None, study: Study) -> StarDist | None:
    if segmenter is None:
        return None
    return StarDist(weights, shown_by=(study.fill or study.sensed).name)


def _refuse(source: Path, why: str, options: dict[str, Any]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        option = f"--{given[0].replace('_', '-')}"
        raise StudyError(f"{source}: {option} has no meaning here, {why}; leave it out.")


def _target(source: Path, out: Path | str | None) -> Path:
    """Return where to write; without ``out`` in the current folder, named after the input."""
    name = source.name.split(".")[0] or source.absolute().name
    return durable.new_folder(Path(out) if out is not None else Path(f"{name}{NEW_SUFFIX}"))


def settings_of(
    start: AnalysisSettings,
    false_alarms: float | None,
    priors: Path | None = None,
    soma_diameter_um: float | None = None,
) -> AnalysisSettings:
    """Return settings with what is given on the command line in the place of what was declared.

    Parameters
    ----------
    start : AnalysisSettings
        What counts otherwise.
    false_alarms : float or None
        False deaths allowed per 1,000 neuron-days.
    priors : Path, optional
        Their file, absolute.
    soma_diameter_um : float, optional
        Typical soma.

    Raises
    ------
    StudyError
        If the rate is not between 0 and 1000, or the soma not between 1 and 200 um.
    """
    if soma_diameter_um is not None:
        if not 1 < soma_diameter_um <= 200:
            raise StudyError(
                f"--soma-diameter-um is {soma_diameter_um:g}; allowed are more than 1 and up to "
                f"200 micrometres, leave it out and it is estimated."
            )
        start = start.replace(soma_diameter_um=soma_diameter_um)
    if priors is not None:
        start = start.replace(priors=str(priors))
    if false_alarms is None:
        return start
    if not (0 < false_alarms <= 1000 and math.isfinite(false_alarms)):
        raise StudyError(
            f"--false-alarms is {false_alarms:g}; allowed are more than 0 and up to 1000 false "
            "deaths per 1,000 neuron-days."
        )
    return start.replace(false_alarms_per_1000_neuron_days=false_alarms)


def score_study(
    folder: StudyFolder,
    *,
    labels: Path | None = None,
    segmenter: str | None = None,
    weights: Path | None = None,
    soma_diameter_um: float | None = None,
    false_alarms: float | None = None,
    priors: Path | None = None,
    live: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> Scored:
    """Score a study as far as its journal goes, or until its acquisition ends.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    labels : Path, optional
        Label images made elsewhere.
    segmenter, weights : str and Path, optional
        See `score`.
    soma_diameter_um : float, optional
        Typical soma; default: what the study declares, else estimated.
    false_alarms : float, optional
        False deaths allowed per 1,000 neuron-days; default: what the study declares.
    priors : Path, optional
        File of priors, absolute; default: what the study declares.
    live : bool
        Whether to wait for more until the acquisition ends.
    workers : int
        Threads that read frames ahead; results do not depend on it.
    progress : callable, optional
        Called with the visits done since the last call, and with all there will be.

    Raises
    ------
    StoreError
        If the study cannot be written, or holds no frame yet.
    """
    study = folder.study
    settings = settings_of(study.analysis, false_alarms, priors, soma_diameter_um)
    folder.refuse_read_only()
    if not live and not folder.journal.frames():
        raise StoreError(
            f"{folder.path}: the journal holds no frame yet; run "
            f"'{command('acquire', folder.path)}' first, or wait for it with --follow."
        )
    given = None if labels is None else LabelFile(labels, folder.study, folder.plan)
    outliner = _outliner(segmenter, weights, study)
    visits = len(folder.plan.visits)
    done = None if progress is None else (lambda steps: progress(steps, visits))
    run = follow(
        folder, settings=settings, labels=given, outliner=outliner, live=live, workers=workers,
        progress=done,
    )  # fmt: skip
    return Scored(folder.path, run, tuple(c.name for c in study.further.values()))


def declare_recording(
    path: Path, target: Path, *, told: dict[str, Any], labels: Path | None = None
) -> StudyFolder:
    """Make a study of a recording, once everything about it is known to be right.

    Parameters
    ----------
    path : Path
        The recording; its pixels stay there.
    target : Path
        Folder of the study; new or empty.
    told : dict
        Keywords of `livedeath.recordings.declare.study_from_recording`.
    labels : Path, optional
        Labels that must fit it.
    """
    with open_recording(path) as recording:
        return _declared(recording, target, told, labels)


def _declared(
    recording: Recording, target: Path, told: dict[str, Any], labels: Path | None
) -> StudyFolder:
    study = study_from_recording(recording, **told)
    planned = plan(study)
    if labels is not None:
        LabelFile(labels, study, planned)
    folder = StudyFolder.create(target, study, source=source_of(recording))
    folder.journal.append_all(journal_of(recording, planned, study))
    return folder


def score_recording(
    path: Path,
    target: Path,
    *,
    told: dict[str, Any],
    labels: Path | None = None,
    segmenter: str | None = None,
    weights: Path | None = None,
    soma_diameter_um: float | None = None,
    false_alarms: float | None = None,
    priors: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Scored:
    """Score a recording into a new study; see `declare_recording` and `score_study`."""
    settings_of(AnalysisSettings(), false_alarms, soma_diameter_um=soma_diameter_um)
    with open_recording(path) as recording:
        declared = study_from_recording(recording, **told)
        endpoint = declared.endpoint
        _outliner(segmenter, weights, declared)
        if priors is not None:
            read(priors, endpoint=endpoint)
        folder = _declared(recording, target, told, labels)
    return score_study(
        folder,
        labels=labels,
        segmenter=segmenter,
        weights=weights,
        soma_diameter_um=soma_diameter_um,
        false_alarms=false_alarms,
        priors=priors,
        workers=workers,
        progress=progress,
    )


def score_table(
    path: Path, target: Path, *, false_alarms: float | None = None, priors: Path | None = None
) -> Scored:
    """Score a table of traces into a folder that has no study.

    Parameters
    ----------
    path : Path
        CSV or Parquet; see `livedeath.recordings.traces.checked_traces`.
    target : Path
        New or empty.
    false_alarms : float, optional
        False deaths allowed per 1,000 neuron-days.
    priors : Path, optional
        File of priors, absolute.
    """
    settings = settings_of(AnalysisSettings(), false_alarms, priors)
    given = traces_input.checked_traces(tables.read_table(path), path)
    endpoint = given["endpoint"][0] if "endpoint" in given.columns else "indicator_rise"
    known = declared_in(path.parent, settings.priors, endpoint)
    detectors: list[Scorer] = []
    scored = score_traces(
        tables.to_columns(given), settings, endpoint=endpoint, priors=known, done=detectors.append
    )
    traces, calls = map(tables.from_columns, scored)
    calls = traces_input.carry(calls, given)
    size, sha256 = identity_of(path)
    identity = {
        "settings": settings.model_dump(mode="json", exclude={"priors"}),
        **program("livedeath.run.score"),
        "source": {"size": size, "sha256": sha256},
        "priors": digest(known),
    }
    run = _write_table_run(
        target, traces, calls, identity=identity, settings=settings, made_from=path,
        learnt=to_text(export(detectors[-1].learning.state(), endpoint)),
    )  # fmt: skip
    return Scored(target, run, tuple(name for name in FURTHER if name in given.columns))


def _write_table_run(
    path: Path,
    traces: pl.DataFrame,
    calls: pl.DataFrame,
    *,
    identity: dict[str, Any],
    settings: AnalysisSettings,
    made_from: Path,
    learnt: str,
) -> Run:
    try:
        durable.make_folder(path.parent)
        with durable.replacing_folder(path) as partial:
            run = Run(partial)
            for table, target in ((traces, run.traces_path), (calls, run.calls_path)):
                tables.write_table(table, target, units=units(table.columns))
            name = run_name(identity)
            said = provenance(identity, run=name, complete=True, input=str(made_from.absolute()))
            durable.write_json(partial / "settings.json", settings.model_dump(mode="json"))
            durable.write_json(partial / "provenance.json", said)
            durable.write_text(partial / OF_TABLE, learnt)
    except OSError as error:
        raise StoreError(f"{path}: the results cannot be written here ({error}).") from error
    return Run(path)
