"""``livedeath score``: who died and when, in a study, a recording or a table of traces."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, check_output_folder, emit, progress
from livedeath.errors import StudyError
from livedeath.model.tables import OUTCOMES

if TYPE_CHECKING:
    from livedeath.run.score import Scored

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

    if workers < 1:
        raise StudyError(f"--workers is {workers}; at least 1 is needed.")
    told = {
        "--pixel-size-um": pixel_size_um,
        "--interval-h": interval_h,
        "--times-h": times_h,
        "--fill": fill,
        "--indicator": indicator,
    }
    if (source / "study.toml").is_file():
        _refuse(source, "a study says it itself", told | {"--out": out})
        scored = _score_study(
            source, live=follow, labels=labels, false_alarms=false_alarms, workers=workers
        )
    elif is_table(source) and not source.is_dir():
        given = told | {"--labels": labels, "--follow": follow or None}
        _refuse(source, "a table of traces has no images", given)
        scored = _score_table(source, out=out, false_alarms=false_alarms)
    else:
        _refuse(source, "only a study is followed", {"--follow": follow or None})
        scored = _score_recording(
            source,
            out=out,
            told=_told(pixel_size_um, interval_h, times_h, fill=fill, indicator=indicator),
            labels=labels,
            false_alarms=false_alarms,
            workers=workers,
        )
    _report(scored, as_json=as_json)


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
    from livedeath.recordings.declare import parse_times

    return {
        "pixel_size_um": pixel_size_um,
        "interval_h": interval_h,
        "times_h": None if times_h is None else parse_times(times_h),
        "fill": fill,
        "indicator": indicator,
    }


def _target(source: Path, out: Path | None) -> Path:
    """Return where to write; without --out beside the current directory, named after the input."""
    name = source.name.split(".")[0] or source.absolute().name
    return check_output_folder(out if out is not None else Path(f"{name}{NEW_SUFFIX}"))


def _score_study(path: Path, *, live: bool, **options: Any) -> "Scored":  # noqa: ANN401
    from livedeath.run.score import score_study
    from livedeath.store.folder import StudyFolder

    folder = StudyFolder.open(path)
    with progress("Scoring visits", len(folder.plan.visits)) as advance:
        return score_study(folder, live=live, progress=advance, **options)


def _score_recording(
    path: Path,
    *,
    out: Path | None,
    told: dict[str, Any],
    **options: Any,  # noqa: ANN401
) -> "Scored":
    from livedeath.run.score import score_recording

    with progress("Scoring visits", None) as advance:
        return score_recording(path, _target(path, out), told=told, progress=advance, **options)


def _score_table(path: Path, *, out: Path | None, false_alarms: float | None) -> "Scored":
    from livedeath.run.score import score_table

    return score_table(path, _target(path, out), false_alarms=false_alarms)


def _report(scored: "Scored", *, as_json: bool) -> None:
    run, traces, calls = scored.run, scored.traces, scored.calls
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
