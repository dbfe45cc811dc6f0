"""``livedeath simulate``: a study with known deaths, rendered without a microscope."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, check_output_folder, emit, progress

if TYPE_CHECKING:
    import polars as pl

    from livedeath.simulation.parameters import WorldParameters


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
    as_json: JsonOption = False,
) -> None:
    """Render a study with known deaths into DIR, its truth in truth.parquet."""
    from livedeath.model.study import Study
    from livedeath.simulation.census import census
    from livedeath.simulation.demo import demo_study
    from livedeath.simulation.render import PARAMETERS_FILE, TRUTH_FILE, render_study
    from livedeath.simulation.world import World

    target = check_output_folder(folder)
    declared = demo_study() if study is None else Study.from_file(_study_file(study))
    world = World(declared, _parameters(parameters, seed, is_demo=study is None))
    with progress("rendering frames", world.plan.n_frames) as done:
        made = render_study(world, target, done=done)
    truth = census(world)
    result = {
        "study": made.path,
        "frames": world.plan.n_frames,
        "truth": made.path / TRUTH_FILE,
        "parameters": made.path / PARAMETERS_FILE,
        **_counts(truth),
    }
    emit(result, as_json=as_json, text=_text(result))


def _study_file(path: Path) -> Path:
    return path / "study.toml" if path.is_dir() else path


def _parameters(path: Path | None, seed: int | None, *, is_demo: bool) -> "WorldParameters":
    """Return the world's parameters: a file's, the demonstration's or the defaults."""
    from livedeath.simulation.demo import demo_parameters
    from livedeath.simulation.parameters import WorldParameters

    if path is not None:
        found = WorldParameters.from_file(path)
    else:
        found = demo_parameters() if is_demo else WorldParameters()
    return found if seed is None else found.replace(seed=seed)


def _counts(truth: "pl.DataFrame") -> dict[str, Any]:
    seen = truth.filter("in_view")
    died = seen.filter(seen["death_h"].is_not_nan())
    causes = {cause: died.filter(died["cause"] == cause).height for cause in _CAUSES}
    return {"neurons": seen.height, "deaths": died.height, "causes": causes}


_CAUSES = ("baseline", "treatment", "kill")


def _text(result: dict[str, Any]) -> str:
    causes = ", ".join(f"{n} {cause}" for cause, n in result["causes"].items())
    return (
        f"{result['study']}: {result['frames']} frames, {result['neurons']} neurons in view, "
        f"{result['deaths']} deaths ({causes}); the truth is in {result['truth']}\n"
        f"Next: livedeath score {result['study']}"
    )
