"""``livedeath simulate``: a study with known deaths, rendered without a microscope."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit, progress
from livedeath.errors import command

if TYPE_CHECKING:
    import polars as pl

_CAUSES = ("baseline", "treatment", "kill")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("simulate")(simulate)


def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; new or empty.")],
    study: Annotated[
        Path | None, typer.Option(help="Declaration to render; default: the demonstration's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed, another culture.")] = None,
    parameters: Annotated[
        Path | None, typer.Option(help="TOML of the world's parameters, like simulation.toml.")
    ] = None,
    outlines: Annotated[
        bool, typer.Option(help="Write the true outlines too, in truth_labels.zarr.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Render a study with known deaths into DIR, its truth in truth.parquet."""
    from livedeath.api.simulate import simulate as simulated

    with progress("Rendering frames", None) as advance:
        made = simulated(
            folder,
            study=study,
            seed=seed,
            parameters=parameters,
            outlines=outlines,
            progress=advance,
        )
    result = {
        "study": made.path,
        "frames": made.folder.plan.n_frames,
        "truth": made.truth_path,
        "parameters": made.path / "simulation.toml",
        **({"outlines": made.path / "truth_labels.zarr"} if outlines else {}),
        **_counts(made.truth()),
    }
    emit(result, as_json=as_json, text=_text(result))


def _counts(truth: "pl.DataFrame") -> dict[str, Any]:
    # One row per acquisition that shows a neuron; the last says whether it died in the study.
    seen = truth.filter("in_view").sort("acquisition").unique("neuron_id", keep="last")
    died = seen.drop_nulls("death_h")
    causes = {cause: died.filter(died["cause"] == cause).height for cause in _CAUSES}
    return {"neurons": seen.height, "deaths": died.height, "causes": causes}


def _text(result: dict[str, Any]) -> str:
    causes = ", ".join(f"{n} {cause}" for cause, n in result["causes"].items())
    return (
        f"{result['study']}: {result['frames']} frames, {result['neurons']} neurons in view, "
        f"{result['deaths']} deaths ({causes}); the truth is in {result['truth']}\n"
        f"Next: {command('score', result['study'])}"
    )
