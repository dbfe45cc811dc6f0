"""What a recording is as a study: an open file goes in, a declaration comes out.

Whatever the file does not say must be told; whatever contradicts it is refused. It makes no
file.
"""

import re
from itertools import pairwise

import numpy as np
from pydantic import ValidationError

from livedeath.errors import StudyError
from livedeath.model.base import explain
from livedeath.model.frame import FieldKey
from livedeath.model.optics import NOT_IN_A_FILE_NAME, Camera, Channel, Optics, Role, name_fault
from livedeath.model.plan import plan
from livedeath.model.rules.channels import column_taken
from livedeath.model.study import Study
from livedeath.model.timing import Focus, Schedule
from livedeath.model.vessels import Site, Vessel
from livedeath.recordings.open import Recording

VESSEL = "recording"
"""Id of the vessel of a study made from a recording."""

UNKNOWN_EXPOSURE_MS = 1.0
"""A recording does not say its exposure, and a study must; nothing is computed from it."""

_NOT_IN_A_NAME = re.compile(rf"(?:{NOT_IN_A_FILE_NAME.pattern}|\s)+")


def study_from_recording(
    recording: Recording,
    *,
    pixel_size_um: float | None = None,
    interval_h: float | None = None,
    times_h: tuple[float, ...] | None = None,
    fill: str | None = None,
    indicator: str | None = None,
    title: str | None = None,
) -> Study:
    """Declare the study that a recording is.

    Parameters
    ----------
    recording : Recording
        The open file.
    pixel_size_um : float, optional
        Side of a pixel; default: what the file says.
    interval_h, times_h : float, tuple of float, optional
        Distance of the visits, or the hour of each; at most one. Default: what the file says.
    fill, indicator : str, optional
        Name of a channel, or its number from 0. A lone channel is the fill.
    title : str, optional
        Default: the file's name.

    Raises
    ------
    StudyError
        If something is not known, not allowed, or names a channel that is not there.
    """
    try:
        return _declared(
            recording,
            pixel_size_um=pixel_size_um,
            interval_h=interval_h,
            times_h=times_h,
            fill=fill,
            indicator=indicator,
            title=title,
        )
    except ValidationError as error:
        raise StudyError(explain(error, str(recording.path))) from None


def _declared(
    recording: Recording,
    *,
    pixel_size_um: float | None,
    interval_h: float | None,
    times_h: tuple[float, ...] | None,
    fill: str | None,
    indicator: str | None,
    title: str | None,
) -> Study:
    t, _, z, height, width = recording.shape
    pixel = pixel_size_um if pixel_size_um is not None else recording.pixel_size_um
    if pixel is None:
        raise StudyError(
            f"{recording.path}: the file does not say its pixel size; give it with --pixel-size-um."
        )
    if not np.isfinite(pixel) or pixel <= 0:
        raise StudyError(f"--pixel-size-um is {pixel:g}; it must be more than 0 micrometres.")
    step = recording.contents.z_step_um or 1.0
    shape = (height, width)
    return Study(
        title=title or recording.path.stem,
        description=f"Made from the recording {recording.path.name}.",
        vessels=(_vessel(recording, frame_um=(height * pixel, width * pixel)),),
        optics=_optics(recording, pixel_size_um=pixel, shape=shape),
        channels=_channels(recording, fill=fill, indicator=indicator),
        schedule=_schedule(recording, count=t, interval_h=interval_h, times_h=times_h),
        focus=Focus(planes_um=tuple(round(k * step, 6) for k in range(z))),
    )


def positions_of(study: Study) -> dict[FieldKey, int]:
    """Return which position of the recording each field of its study is.

    Sites are declared in the recording's order, and the nth field of a well is its nth site;
    the plan visits wells in plate order, which may be another. Without sites, fields are in
    the order of the plan.
    """
    sites = [(vessel.id, site.well) for vessel in study.vessels for site in vessel.sites]
    positions: dict[FieldKey, int] = {}
    for field in plan(study).fields:
        own = [k for k, place in enumerate(sites) if place == (field.vessel, field.well)]
        positions[field] = own[field.field] if own else len(positions)
    return positions


def _optics(recording: Recording, *, pixel_size_um: float, shape: tuple[int, int]) -> Optics:
    if min(shape) < 16:
        raise StudyError(
            f"{recording.path}: the images are {shape[0]} x {shape[1]} pixels; "
            "at least 16 x 16 are needed."
        )
    if pixel_size_um > 100:
        raise StudyError(f"--pixel-size-um is {pixel_size_um:g}; allowed are up to 100 um.")
    return Optics(
        pixel_size_um=pixel_size_um,
        image_shape_px=shape,
        bit_depth=8 if recording.dtype.itemsize == 1 else 16,
        camera=_camera(recording),
    )


def _camera(recording: Recording) -> Camera:
    """Return the camera, with its ceiling where the file says one below its pixels' own."""
    bits, of_pixel = recording.contents.bits, 8 * recording.dtype.itemsize
    if bits is None or recording.dtype.kind == "f" or not 8 <= bits < of_pixel:
        return Camera()
    return Camera(saturation_adu=2.0**bits - 1)


def _vessel(recording: Recording, *, frame_um: tuple[float, float]) -> Vessel:
    """Return one vessel whose sites are the recording's positions.

    A file does not say how its positions lie to one another; they are set apart so that no
    two of them overlap.
    """
    wells = [position.well or "A1" for position in recording.positions]
    largest = max(int(well[1:]) for well in wells), max(well[0] for well in wells)
    vessel_format = "dish" if largest == (1, "A") else "96-well"
    if largest[0] > 12 or largest[1] > "H":
        vessel_format = "384-well"
    sites = tuple(
        Site(x_um=round(2 * k * frame_um[1], 3), y_um=0.0, well=well)
        for k, well in enumerate(wells)
    )
    return Vessel.model_validate({"id": VESSEL, "format": vessel_format, "sites": sites})


def _schedule(
    recording: Recording,
    *,
    count: int,
    interval_h: float | None,
    times_h: tuple[float, ...] | None,
) -> Schedule:
    if interval_h is not None and times_h is not None:
        raise StudyError("--interval-h and --times-h were both given; give one of them.")
    if interval_h is not None:
        if not np.isfinite(interval_h) or interval_h <= 0:
            raise StudyError(f"--interval-h is {interval_h:g}; it must be more than 0 hours.")
        if count > 1:
            return Schedule(interval_h=interval_h, duration_h=round((count - 1) * interval_h, 9))
        times_h = (0.0,)
    times = times_h or recording.times_h or ((0.0,) if count == 1 else None)
    if times is None:
        raise StudyError(
            f"{recording.path}: the file does not say when its {count} visits were; "
            "give --interval-h or --times-h."
        )
    _check_times(recording, times, count)
    return Schedule(mode="times", times_h=times)


def _check_times(recording: Recording, times: tuple[float, ...], count: int) -> None:
    if len(times) != count:
        raise StudyError(
            f"{recording.path}: there are {count} visits, but --times-h gives {len(times)} hours; "
            "give one hour per visit."
        )
    _check_order(times)


def _check_order(times: tuple[float, ...]) -> None:
    if not np.isfinite(times).all() or times[0] < 0:
        raise StudyError(f"--times-h is {times}; hours are numbers of 0 or more.")
    for before, after in pairwise(times):
        if after <= before:
            raise StudyError(f"--times-h goes from {before:g} to {after:g}; hours must increase.")


def _channels(
    recording: Recording, *, fill: str | None, indicator: str | None
) -> tuple[Channel, ...]:
    names = _clean_names(recording.channel_names)
    roles: list[Role] = ["marker"] * len(names)
    if fill is None and indicator is None:
        if len(names) > 1:
            raise StudyError(
                f"{recording.path}: there are {len(names)} channels ({', '.join(names)}); say with "
                "--fill and --indicator which is which, by name or number from 0."
            )
        fill = "0"
    chosen: dict[Role, str | None] = {"fill": fill, "indicator": indicator}
    for role, said in chosen.items():
        if said is None:
            continue
        number = _channel_number(recording, names, said, role=role)
        if roles[number] != "marker":
            raise StudyError(f"--fill and --indicator are both {said!r}; they must differ.")
        roles[number] = role
    if len(names) == 1 and recording.contents.channel_names in ((), ("",)):
        names = (roles[0],)
    return tuple(
        Channel(name=name, role=role, exposure_ms=UNKNOWN_EXPOSURE_MS)
        for name, role in zip(names, roles, strict=True)
    )


def _clean_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names that can be columns of a table and names in a study, those of the file else."""
    numbered = tuple(f"channel{k}" for k in range(len(names)))
    clean = [_NOT_IN_A_NAME.sub("_", name.strip().rstrip(".")) for name in names]
    usable = [
        name if not (name_fault(name) or column_taken(name, clean)) else number
        for name, number in zip(clean, numbered, strict=True)
    ]
    different = len({name.casefold() for name in usable}) == len(usable)
    return tuple(usable) if different else numbered


def _channel_number(recording: Recording, names: tuple[str, ...], said: str, *, role: str) -> int:
    for known in (recording.channel_names, names):
        if said in known:
            return known.index(said)
    if said.isdecimal() and int(said) < len(names):
        return int(said)
    raise StudyError(
        f"--{role} is {said!r}, which is no channel of {recording.path.name}; "
        f"it has {', '.join(recording.channel_names)} (numbers 0 to {len(names) - 1})."
    )


def parse_times(said: str) -> tuple[float, ...]:
    """Read hours written like ``0,6,12.5``.

    Raises
    ------
    StudyError
        If a part is no number, or the hours do not increase.
    """
    try:
        times = tuple(float(part) for part in said.split(","))
    except ValueError:
        raise StudyError(
            f"--times-h is {said!r}; write hours with commas between them, like 0,6,12.5."
        ) from None
    _check_order(times)
    return times
