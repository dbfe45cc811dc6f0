"""The frames of a simulated plate, rendered once and kept."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from frames.cases import Case
from livedeath.model.light import LightLedger
from livedeath.model.plan import PlannedVisit
from livedeath.simulation.world import World


def visits_of(case: Case, world: World, wells: int) -> list[PlannedVisit]:
    """Return the planned visits of some wells, up to the hour at which the case ends."""
    named = list(dict.fromkeys(visit.field.well for visit in world.plan.visits))[:wells]
    return [
        visit
        for visit in world.plan.visits
        if visit.field.well in named and visit.planned_h <= case.duration_h
    ]


def rendered(world: World, visits: list[PlannedVisit]) -> Iterator[NDArray[np.uint16]]:
    """Iterate over the visits' two frames, (2, Y, X); light adds up and bleaches."""
    light = LightLedger(world.study)
    for visit in visits:
        pair = []
        for key in visit.frames():
            channel = world.study.channel(key.channel)
            pair.append(
                world.render(
                    vessel=key.vessel, x_um=visit.x_um, y_um=visit.y_um, z_um=visit.z_um[key.z],
                    planned_h=visit.planned_h, channel=key.channel,
                    exposure_ms=channel.exposure_ms, session=visit.session,
                    light_ms=light.given_ms(visit.field),
                )
            )  # fmt: skip
            light.add(key)
        yield np.stack(pair)


def movie(
    case: Case, world: World, visits: list[PlannedVisit], cache: Path | None
) -> Iterator[NDArray[np.uint16]]:
    """Iterate over the visits' frames: rendered, or kept by an earlier run in ``cache``.

    A kept movie's name holds its world's parameters, so another world is another file.
    """
    if cache is None:
        yield from rendered(world, visits)
        return
    cache.mkdir(parents=True, exist_ok=True)
    optics = world.study.optics
    shape = (len(visits), 2, *optics.image_shape_px)
    told = world.parameters.to_toml() + world.study.to_toml()
    digest = hashlib.blake2b(told.encode(), digest_size=6).hexdigest()
    path = cache / f"{case.name}-{digest}-{len(visits)}.npy"
    if not path.exists():
        partial = path.with_suffix(".partial.npy")
        dtype = np.uint8 if optics.bit_depth <= 8 else np.uint16
        kept = np.lib.format.open_memmap(partial, mode="w+", dtype=dtype, shape=shape)
        for k, pair in enumerate(rendered(world, visits)):
            kept[k] = pair
        kept.flush()
        partial.rename(path)
    yield from np.load(path, mmap_mode="r")
