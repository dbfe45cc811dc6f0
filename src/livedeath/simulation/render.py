"""A whole study rendered at once: a world and an empty folder go in, a study comes out.

The frames are those that the simulated microscope takes of the same world, without a
microscope: for benchmarks, tests and exercises.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from livedeath.model.frame import FrameKey
from livedeath.model.light import LightLedger
from livedeath.model.plan import PlannedVisit
from livedeath.model.tables import units
from livedeath.simulation.camera import Frame
from livedeath.simulation.census import census
from livedeath.simulation.outlines import Register
from livedeath.simulation.world import World
from livedeath.store import durable, tables
from livedeath.store.folder import StudyFolder
from livedeath.store.journal import frame_entry
from livedeath.store.labels import LabelStore

PARAMETERS_FILE = "simulation.toml"
TRUTH_FILE = "truth.parquet"
OUTLINES_FOLDER = "truth_labels.zarr"
OUTLINES_FILE = "truth_labels.parquet"


def frames(world: World) -> Iterator[Frame]:
    """Iterate over the images of every planned frame of a study, in the order of the plan.

    Light adds up per field as its frames are taken, and bleaches.
    """
    light = LightLedger(world.study)
    for visit in world.plan.visits:
        for key in visit.frames():
            channel = world.study.channel(key.channel)
            yield world.render(
                vessel=key.vessel,
                x_um=visit.x_um,
                y_um=visit.y_um,
                z_um=visit.z_um[key.z],
                planned_h=visit.planned_h,
                channel=key.channel,
                exposure_ms=channel.exposure_ms,
                session=visit.session,
                light_ms=light.given_ms(visit.field),
            )
            light.add(key)


def render_study(
    world: World,
    path: Path,
    *,
    outlines: bool = False,
    done: Callable[[int], None] | None = None,
) -> StudyFolder:
    """Render a study into a new or empty folder, with its truth and parameters.

    Parameters
    ----------
    world : World
        The study and its world.
    path : Path
        New, or an empty folder.
    outlines : bool
        Whether to write the true outlines too, see `livedeath.simulation.outlines`.
    done : callable, optional
        Called with the number of frames written since the last call.

    Raises
    ------
    StoreError
        If the folder is not empty or cannot be written.
    """
    folder = StudyFolder.create(path, world.study)
    write_truth(world, folder.path)
    folder.images.create(world.plan)
    journal = folder.journal
    start = {"kind": "acquisition", "what": "start", "microscope": "rendered"}
    journal.append(start | folder.declaration_entry())
    drawn = _Outlines(world, folder.path) if outlines else None
    taken = frames(world)
    for visit in world.plan.visits:
        entries = []
        for key in visit.frames():
            folder.images.write(key, next(taken))
            entries.append(frame_entry(key, "saved", **_details(world, visit, key)))
        journal.append_all(entries)
        if drawn is not None:
            drawn.write(visit)
        if done is not None:
            done(len(entries))
    journal.append({"kind": "acquisition", "what": "finish", "microscope": "rendered"})
    if drawn is not None:
        drawn.finish()
    return folder


class _Outlines:
    """The true outlines of a study on their way to the disk."""

    def __init__(self, world: World, folder: Path) -> None:
        self._folder = folder
        self._register = Register(world)
        self._store = LabelStore(folder / OUTLINES_FOLDER, world.study)
        self._store.create(world.plan)

    def write(self, visit: PlannedVisit) -> None:
        """Write one visit's label image."""
        self._store.write(visit.field, visit.t, self._register.image(visit))

    def finish(self) -> None:
        """Write what the numbers are."""
        tables.write_table(self._register.table(), self._folder / OUTLINES_FILE)


def write_truth(world: World, folder: Path) -> None:
    """Write the parameters and the true neurons of a world into a study's folder."""
    durable.write_text(folder / PARAMETERS_FILE, world.parameters.to_toml())
    truth = census(world)
    tables.write_table(truth, folder / TRUTH_FILE, units=units(truth.columns))


def _details(world: World, visit: PlannedVisit, key: FrameKey) -> dict[str, object]:
    return {
        "attempt": 0,
        "session": visit.session,
        "planned_h": visit.planned_h,
        "time_h": visit.planned_h,
        "x_um": visit.x_um,
        "y_um": visit.y_um,
        "z_um": visit.z_um[key.z],
        "exposure_ms": world.study.channel(key.channel).exposure_ms,
    }
