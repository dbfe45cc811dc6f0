"""``livedeath demo``: the main job on the embedded default, held against the truth."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livedeath.cli.common import JsonOption, emit, progress

if TYPE_CHECKING:
    from livedeath.store.folder import StudyFolder
    from livedeath_acquisition.run import Acquired

DEFAULT_FOLDER = "livedeath-demo"
REPORT_PARTS = 5
FIGURES = (
    "neurons",
    "neurons_found",
    "neuron_days",
    "deaths_true",
    "deaths_called",
    "sensitivity",
    "false_deaths",
    "false_per_1000_neuron_days",
    "median_delay_h",
    "onset_median_error_h",
    "onset_coverage",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("demo")(demo)


def demo(
    out: Annotated[
        Path | None,
        typer.Option(help="New or empty folder; default: livedeath-demo, here.", metavar="DIR"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the main job on a simulated culture and compare it with the truth.

    A culture behind the Micro-Manager core is acquired through pycromanager, scored while
    it dies, killed at the end and reported; takes less than two minutes on two cores.
    """
    from livedeath.store import durable

    _check_installed()
    started = time.monotonic()
    folder = _prepare(durable.new_folder(out) if out is not None else _free_folder())
    acquired = _acquire(folder)
    report = _report(folder)
    result = {
        "study": folder.path,
        "report": report,
        "frames_planned": acquired.planned,
        "frames_saved": acquired.saved,
        "frames_missed": acquired.missed,
        **_against_truth(folder),
        "elapsed_s": round(time.monotonic() - started, 1),
    }
    emit(result, as_json=as_json, text=_text(result))


def _check_installed() -> None:
    """Refuse before anything is made what would fail after two minutes."""
    from livedeath.reporting.style import check_installed
    from livedeath_acquisition.adapters import core_interface

    core_interface()
    check_installed()


def _free_folder() -> Path:
    """Return the first default folder that is not in use."""
    number, path = 1, Path(DEFAULT_FOLDER)
    while path.exists():
        number += 1
        path = Path(f"{DEFAULT_FOLDER}-{number}")
    from livedeath.store import durable

    return durable.new_folder(path)


def _prepare(path: Path) -> "StudyFolder":
    """Write the embedded study, its world and its truth; the analysis reads only the first."""
    from livedeath.simulation.demo import demo_parameters, demo_study
    from livedeath.simulation.render import write_truth
    from livedeath.simulation.world import World
    from livedeath.store.folder import StudyFolder

    world = World(demo_study(), demo_parameters())
    folder = StudyFolder.create(path, world.study)
    write_truth(world, folder.path)
    return folder


def _acquire(folder: "StudyFolder") -> "Acquired":
    from livedeath_acquisition import run
    from livedeath_acquisition.commands.acquire import bar

    with progress("Acquiring and scoring", folder.plan.n_frames) as advance:
        return run.acquire(folder.path, microscope="simulated", on_heartbeat=bar(advance))


def _report(folder: "StudyFolder") -> Path:
    from livedeath.reporting.html import write_report
    from livedeath.reporting.material import gather

    material = gather(folder.path)
    with progress("Reporting", REPORT_PARTS) as advance:
        made = write_report(
            material, folder.reports_dir / material.run.name, step=lambda said: advance(1)
        )
    return Path(made["report"])


def _against_truth(folder: "StudyFolder") -> dict[str, Any]:
    from livedeath.simulation.render import TRUTH_FILE
    from livedeath.simulation.truth import compare
    from livedeath.store.tables import read_table

    run = folder.run()
    truth = read_table(folder.path / TRUTH_FILE)
    figures = compare(truth, run.traces(), run.calls(), study=folder.study)
    return {name: figures[name] for name in FIGURES}


def _text(said: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"{said['frames_saved']} of {said['frames_planned']} frames saved; of "
            f"{said['neurons']} neurons wholly in view and alive at the start, "
            f"{said['neurons_found']} were followed, {said['neuron_days']:.0f} neuron-days.",
            f"{said['deaths_called']} of their {said['deaths_true']} deaths were called "
            f"(sensitivity {said['sensitivity']:.3f}), {said['median_delay_h']:.2f} h after the "
            f"onset in the middle; {said['false_deaths']} false.",
            f"The study is in {said['study']}, took {said['elapsed_s']:.0f} s.",
            f"Open the report: {said['report']}",
        ]
    )
