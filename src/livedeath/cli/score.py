"""``livedeath score``: who died and when, in a study, a recording or a table of traces."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit, scoring
from livedeath.model.tables import OUTCOMES

if TYPE_CHECKING:
    from livedeath.run.score import Scored


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
    segmenter: Annotated[
        str | None,
        typer.Option(help="'stardist' outlines neurons by StarDist [default: livedeath's own]."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Model of --segmenter stardist, FILE.bpk; none is fetched.")
    ] = None,
    soma_diameter_um: Annotated[
        float | None,
        typer.Option(help="Images: typical soma, micrometres [default: estimated]."),
    ] = None,
    false_alarms: Annotated[
        float | None, typer.Option(help="False deaths allowed per 1,000 neuron-days [default: 1].")
    ] = None,
    priors: Annotated[
        Path | None,
        typer.Option(help="What another study learnt: file of 'livedeath priors export'."),
    ] = None,
    workers: Annotated[int, typer.Option(help="Threads; results do not depend on it.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Find neurons, follow them and say when each died."""
    from livedeath.run.score import score as scored

    with scoring() as advance:
        found = scored(
            source,
            out=out,
            follow=follow,
            pixel_size_um=pixel_size_um,
            interval_h=interval_h,
            times_h=times_h,
            fill=fill,
            indicator=indicator,
            labels=labels,
            segmenter=segmenter,
            weights=weights,
            soma_diameter_um=soma_diameter_um,
            false_alarms=false_alarms,
            priors=priors,
            workers=workers,
            progress=advance,
        )
    _report(found, as_json=as_json)


def _report(scored: "Scored", *, as_json: bool) -> None:
    run, calls = scored.run, scored.calls
    counts = {name: int((calls["outcome"] == name).sum()) for name in OUTCOMES}
    result = {
        "run": run.name,
        "neurons": calls.height,
        "visits": scored.visits,
        **counts,
        "revoked": scored.revoked,
        "field_fault": scored.field_fault,
        "further": list(scored.further),
        "at_border": scored.at_border,
        "scales": scored.scales,
        "warnings": scored.warnings,
        "traces": run.traces_path,
        "calls": run.calls_path,
    }
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
    if scored.revoked:
        said += f" ({scored.revoked} called and taken back)"
    if scored.field_fault:
        said += f" ({scored.field_fault} lost to a fault of their field)"
    if scored.at_border:
        said += f"; {scored.at_border} touch the border and are not followed"
    if scored.further:
        said += f"; weighed beside the signal: {', '.join(scored.further)}"
    text = [f"{calls.height} neurons in {result['visits']} visits: {said}."]
    text += [str(run.calls_path), *map(_scale, scored.scales)]
    if scored.bad_frames:
        reasons = ", ".join(f"{count} {reason}" for reason, count in scored.bad_frames.items())
        text.append(f"Frames judged bad, and no evidence of anything: {reasons}.")
    if not calls.height:
        text.append("No neuron was found: check the pixel size and which channel is the fill.")
    text += [f"Warning: {sentence}." for sentence in scored.warnings]
    emit(result, as_json=as_json, text="\n".join(text))


def _scale(scale: dict[str, Any]) -> str:
    """Return in one sentence how wide a soma is, and who says so."""
    um, pixel = scale["soma_diameter_um"], scale["pixel_size_um"]
    size = f"Somata are taken to be {um:.3g} um wide ({um / pixel:.3g} pixels of {pixel:g} um)"
    seen = (
        "" if scale["seen_um"] is None else f"{scale['seen_um']:.3g} um by {scale['somata']} seen"
    )
    if scale["told_um"] is not None:
        return f"{size}, as told{'; ' if seen else ''}{seen}."
    return f"{size}, " + (f"{seen} in first visits." if seen else "as is usual; none was measured.")
