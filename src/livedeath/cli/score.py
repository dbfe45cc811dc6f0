"""``livedeath score``: who died and when, in a study, a recording or a table of traces."""

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, check_output_folder, emit, progress
from livedeath.errors import StoreError, StudyError
from livedeath.model.settings import AnalysisSettings
from livedeath.model.tables import OUTCOMES

if TYPE_CHECKING:
    import polars as pl

    from livedeath.store.folder import Run, StudyFolder
    from livedeath.store.recording import Recording

NEW_SUFFIX = "-livedeath"
"""Added to the input's name where --out is not given."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("score")(score)


def score(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="Study folder; (OME-)TIFF, OME-Zarr or NDTiff; or a table of traces "
            "(CSV, Parquet) with neuron_id, time_h, signal.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write, new or empty; not with a study.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until the study's acquisition ends.")
    ] = False,
    pixel_size_um: Annotated[
        float | None, typer.Option(help="Recording: pixel in the specimen, micrometres.")
    ] = None,
    interval_h: Annotated[
        float | None, typer.Option(help="Recording: hours between visits.")
    ] = None,
    times_h: Annotated[
        str | None, typer.Option(help="Recording: hour of every visit, like 0,6,12.")
    ] = None,
    fill: Annotated[
        str | None, typer.Option(help="Recording: fill channel, name or index from 0.")
    ] = None,
    indicator: Annotated[
        str | None, typer.Option(help="Recording: death indicator, name or index from 0.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Label images made elsewhere; they say where neurons are, never who."),
    ] = None,
    false_alarms: Annotated[
        float | None, typer.Option(help="False deaths allowed per 1,000 neuron-days [default: 1].")
    ] = None,
    workers: Annotated[int, typer.Option(help="Threads; results do not depend on it.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Find neurons, follow them and say when each died."""
    from livedeath.store.tables import is_table

    _check_numbers(false_alarms, workers)
    told = {
        "--pixel-size-um": pixel_size_um,
        "--interval-h": interval_h,
        "--times-h": times_h,
        "--fill": fill,
        "--indicator": indicator,
    }
    if (source / "study.toml").is_file():
        _refuse(source, "a study says it itself", told | {"--out": out})
        run, traces, calls = _score_study(
            source, labels=labels, false_alarms=false_alarms, follow=follow, workers=workers
        )
    elif is_table(source) and not source.is_dir():
        given = told | {"--labels": labels, "--follow": follow or None}
        _refuse(source, "a table of traces has no images", given)
        run, traces, calls = _score_table(source, out=out, false_alarms=false_alarms)
    else:
        _refuse(source, "only a study is followed", {"--follow": follow or None})
        run, traces, calls = _score_recording(
            source,
            out=out,
            told=_told(pixel_size_um, interval_h, times_h, fill=fill, indicator=indicator),
            labels=labels,
            false_alarms=false_alarms,
            workers=workers,
        )
    _report(run, traces, calls, as_json=as_json)


def _check_numbers(false_alarms: float | None, workers: int) -> None:
    if false_alarms is not None and not (0 < false_alarms <= 1000 and math.isfinite(false_alarms)):
        raise StudyError(
            f"--false-alarms is {false_alarms:g}; allowed are more than 0 and up to 1000 false "
            "deaths per 1,000 neuron-days."
        )
    if workers < 1:
        raise StudyError(f"--workers is {workers}; at least 1 is needed.")


def _refuse(source: Path, why: str, options: dict[str, Any]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise StudyError(f"{source}: {given[0]} has no meaning here, {why}; leave it out.")


def _told(
    pixel_size_um: float | None,
    interval_h: float | None,
    times_h: str | None,
    *,
    fill: str | None,
    indicator: str | None,
) -> dict[str, Any]:
    from livedeath.store.recording import parse_times

    return {
        "pixel_size_um": pixel_size_um,
        "interval_h": interval_h,
        "times_h": None if times_h is None else parse_times(times_h),
        "fill": fill,
        "indicator": indicator,
    }


def _settings(start: AnalysisSettings, false_alarms: float | None) -> AnalysisSettings:
    if false_alarms is None:
        return start
    return start.replace(false_alarms_per_1000_neuron_days=false_alarms)


def _target(source: Path, out: Path | None) -> Path:
    """Return where to write; without --out beside the current directory, named after the input."""
    name = source.name.split(".")[0] or source.absolute().name
    return check_output_folder(out if out is not None else Path(f"{name}{NEW_SUFFIX}"))


def _score_study(
    path: Path,
    *,
    labels: Path | None,
    false_alarms: float | None,
    follow: bool,
    workers: int,
) -> tuple["Run", "pl.DataFrame", "pl.DataFrame"]:
    from livedeath.store.folder import StudyFolder

    folder = StudyFolder.open(path)
    if not os.access(folder.path, os.W_OK):
        raise StoreError(f"{folder.path}: cannot be written; give yourself the right to write.")
    if not follow and not folder.journal.frames():
        raise StoreError(
            f"{folder.path}: the journal holds no frame yet; run 'livedeath acquire' first, or "
            "wait for it with --follow."
        )
    return _follow(
        folder,
        labels=labels,
        settings=_settings(folder.study.analysis, false_alarms),
        live=follow,
        workers=workers,
    )


def _score_recording(
    path: Path,
    *,
    out: Path | None,
    told: dict[str, Any],
    labels: Path | None,
    false_alarms: float | None,
    workers: int,
) -> tuple["Run", "pl.DataFrame", "pl.DataFrame"]:
    from livedeath.store.recording import open_recording

    with open_recording(path) as recording:
        folder = _declared(recording, told, labels, _target(path, out))
    settings = _settings(folder.study.analysis, false_alarms)
    return _follow(folder, labels=labels, settings=settings, live=False, workers=workers)


def _declared(
    recording: "Recording", told: dict[str, Any], labels: Path | None, target: Path
) -> "StudyFolder":
    """Make a study of a recording, once everything about it is known to be right."""
    from livedeath.model.plan import plan
    from livedeath.store.folder import StudyFolder
    from livedeath.store.labels import LabelFile
    from livedeath.store.linked import journal_of, source_of
    from livedeath.store.recording import study_from_recording

    study = study_from_recording(recording, **told)
    planned = plan(study)
    if labels is not None:
        LabelFile(labels, study, planned)
    folder = StudyFolder.create(target, study, source=source_of(recording))
    folder.journal.append_all(journal_of(recording, planned, study))
    return folder


def _follow(
    folder: "StudyFolder",
    *,
    labels: Path | None,
    settings: AnalysisSettings,
    live: bool,
    workers: int,
) -> tuple["Run", "pl.DataFrame", "pl.DataFrame"]:
    from livedeath.follow import follow
    from livedeath.store.labels import LabelFile

    given = None if labels is None else LabelFile(labels, folder.study, folder.plan)
    with progress("Scoring visits", len(folder.plan.visits)) as advance:
        run = follow(
            folder, settings=settings, labels=given, live=live, workers=workers, progress=advance
        )
    return run, run.traces(), run.calls()


def _score_table(
    path: Path, *, out: Path | None, false_alarms: float | None
) -> tuple["Run", "pl.DataFrame", "pl.DataFrame"]:
    from livedeath.score import score_traces
    from livedeath.store import tables, traces_input
    from livedeath.store.folder import write_table_run
    from livedeath.store.provenance import code_digest, file_digest

    columns = traces_input.read_traces(path)
    target = _target(path, out)
    settings = _settings(AnalysisSettings(), false_alarms)
    traces, calls = score_traces(columns, settings)
    done = tables.from_columns(traces), traces_input.carry(tables.from_columns(calls), columns)
    identity = {
        "settings": settings.model_dump(mode="json"),
        "code": code_digest(),
        "source": {"size": path.stat().st_size, "sha256": file_digest(path)},
    }
    return write_table_run(target, *done, identity=identity, made_from=path), *done


def _report(run: "Run", traces: "pl.DataFrame", calls: "pl.DataFrame", *, as_json: bool) -> None:
    counts = {name: int((calls["outcome"] == name).sum()) for name in OUTCOMES}
    result = {
        "run": run.name,
        "neurons": calls.height,
        "visits": run.provenance().get("visits", traces["time_h"].n_unique()),
        **counts,
        "traces": run.traces_path,
        "calls": run.calls_path,
    }
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
    text = f"{calls.height} neurons in {result['visits']} visits: {said}.\n{run.calls_path}"
    if not calls.height:
        text += "\nNo neuron was found: check the pixel size and which channel is the fill."
    emit(result, as_json=as_json, text=text)
