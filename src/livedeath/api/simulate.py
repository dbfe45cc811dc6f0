"""A study with known deaths: a declaration goes in, an open study with its truth comes out."""

from collections.abc import Callable
from pathlib import Path

from livedeath.api.study import OpenStudy
from livedeath.model.study import Study
from livedeath.simulation.demo import demo_parameters, demo_study
from livedeath.simulation.parameters import WorldParameters
from livedeath.simulation.render import render_study
from livedeath.simulation.world import World
from livedeath.store import durable


def simulate(
    folder: Path | str,
    *,
    study: Study | Path | str | None = None,
    seed: int | None = None,
    parameters: WorldParameters | Path | str | None = None,
    outlines: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> OpenStudy:
    """Render a study with known deaths, without a microscope.

    Parameters
    ----------
    folder : path
        New or empty.
    study : Study or path, optional
        Declaration to render; default: the demonstration's.
    seed : int, optional
        Another seed, another culture; at least 0.
    parameters : WorldParameters or path, optional
        The world's parameters, or a TOML file of them; default: the demonstration's for its
        study, else those of `livedeath.simulation.parameters`.
    outlines : bool
        Whether to write the true outline of every neuron in every visit too.
    progress : callable, optional
        Called with the frames written since the last call, and with all there will be.

    Returns
    -------
    OpenStudy
        Its ``truth()`` holds what the detector is to find.

    Raises
    ------
    StoreError, StudyError
        If the folder is not empty, or a declaration is not allowed.
    """
    target = durable.new_folder(Path(folder))
    declared = _declared(study)
    world = World(declared, _parameters(parameters, seed, is_demo=study is None))
    frames = world.plan.n_frames
    done = None if progress is None else (lambda steps: progress(steps, frames))
    return OpenStudy(render_study(world, target, outlines=outlines, done=done))


def _declared(study: Study | Path | str | None) -> Study:
    if study is None:
        return demo_study()
    if isinstance(study, Study):
        return study
    path = Path(study)
    return Study.from_file(path / "study.toml" if path.is_dir() else path)


def _parameters(
    given: WorldParameters | Path | str | None, seed: int | None, *, is_demo: bool
) -> WorldParameters:
    if isinstance(given, WorldParameters):
        found = given
    elif given is not None:
        found = WorldParameters.from_file(Path(given))
    else:
        found = demo_parameters() if is_demo else WorldParameters()
    return found if seed is None else found.replace(seed=seed)
