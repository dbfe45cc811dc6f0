"""One visit now, judged: how bright, how sharp, how well exposed; nothing is kept.

In go a study and a well, out come the images and a verdict per channel. It proposes an
exposure; it changes nothing, neither on the microscope nor in the study.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from livedeath.errors import HardwareError, StudyError
from livedeath.model.optics import Optics
from livedeath.model.plan import PlannedVisit
from livedeath.model.plate import row_column, well_name
from livedeath.model.study import Study
from livedeath.store.folder import StudyFolder
from livedeath_acquisition.microscope import ExposureError, Microscope, PlannedFrame

# The brightest somata should come to half the camera's range: neurons that die brighten,
# the GEDI indicator several fold (Linsley et al., Nat Commun 2021).
TARGET_SHARE = 0.5
BRIGHT_PERCENTILE = 99.9
# Light enough where it is counted: 2,000 electrons have 2.2 % of shot noise, well below the
# 15 % by which a living soma's signal wanders between visits.
ENOUGH_ELECTRONS = 2000.0
# An exposure is proposed at most so many times longer or shorter than the declared one.
LARGEST_STEP = 10.0


@dataclass(frozen=True)
class Look:
    """One frame and what it says.

    Parameters
    ----------
    well, channel : str
        Where and how it was taken.
    field, z : int
        Which field of the well, which plane.
    image : (Y, X) uint8 or uint16
        As the camera gave it.
    saturated_share : float
        Share of pixels at the camera's ceiling, 0 to 1.
    neurons : int
        Somata found.
    per_soma : float
        Median light under the outline of a soma, above background; NaN without any.
    unit : str
        ``electrons`` where the camera is calibrated, else ``camera units``.
    focus : float
        Normalised variance of the Laplacian, unitless; larger is sharper. Compare looks
        at the same field and channel only.
    exposure_ms, proposed_ms : float
        Exposure taken, and one that brings the brightest pixels to half the range or, where
        the camera is calibrated and that takes less light, the median soma to 2,000 electrons.
    """

    well: str
    field: int
    channel: str
    z: int
    image: NDArray[Any]
    saturated_share: float
    neurons: int
    per_soma: float
    unit: str
    focus: float
    exposure_ms: float
    proposed_ms: float


def visits_now(
    folder: StudyFolder, *, vessel: str | None, well: str, now_h: float
) -> list[PlannedVisit]:
    """Return the visit of every field of a well that is nearest to now.

    Raises
    ------
    StudyError
        If the study does not visit that well.
    """
    row, column = row_column(well)
    name = well_name(row, column)
    if vessel is not None:
        folder.study.vessel(vessel)
    nearest: dict[tuple[Any, ...], PlannedVisit] = {}
    for visit in folder.plan.visits:
        key = visit.field
        if key.well != name or vessel not in (None, key.vessel):
            continue
        place = (key.vessel, key.field)
        before = nearest.get(place)
        if before is None or abs(visit.planned_h - now_h) < abs(before.planned_h - now_h):
            nearest[place] = visit
    if not nearest:
        wells = list(dict.fromkeys(field.well for field in folder.plan.fields))
        raise StudyError(
            f"well {name} is not visited by this study; its wells are {', '.join(wells)}"
        )
    return list(nearest.values())


def look(
    study: Study, microscope: Microscope, visits: list[PlannedVisit], *, light_ms: float = 0.0
) -> Iterator[Look]:
    """Take the frames of visits now and judge each.

    Parameters
    ----------
    study : Study
        Declares channels and optics.
    microscope : Microscope
        Open.
    visits : list of PlannedVisit
        What to take, whenever it was planned.
    light_ms : float
        Light that the fields have had so far, milliseconds at full power; only a simulated
        culture asks.

    Raises
    ------
    HardwareError
        If a frame cannot be taken.
    """
    for visit in visits:
        optics = study.optics.of(visit.field.acquisition)
        for key in visit.frames():
            channel = study.channel(key.channel)
            frame = PlannedFrame(
                key=key,
                planned_h=visit.planned_h,
                session=visit.session,
                x_um=visit.x_um,
                y_um=visit.y_um,
                z_um=visit.z_um[key.z],
                group=channel.group,
                preset=channel.preset_name,
                exposure_ms=channel.exposure_ms,
                light_ms=light_ms,
            )
            yield judge(frame, _taken(microscope, frame), study=study, optics=optics)


def _taken(microscope: Microscope, frame: PlannedFrame) -> NDArray[Any]:
    try:
        return microscope.acquire(frame).image
    except ExposureError as error:
        raise HardwareError(f"{frame.name}: {error}; mend the microscope and look again") from None


def judge(frame: PlannedFrame, image: NDArray[Any], *, study: Study, optics: Optics) -> Look:
    """Say how bright, sharp and well exposed a frame is.

    Parameters
    ----------
    frame : PlannedFrame
        How it was taken.
    image : (Y, X) uint8 or uint16
        What came.
    study, optics
        The declaration, and the optics in force.
    """
    from livedeath.analysis.correct import correct, level
    from livedeath.analysis.segment import segment

    corrected = correct(image, optics.camera, bit_depth=optics.bit_depth, where=frame.name)
    soma_px = study.analysis.soma_px(optics.pixel_size_um)
    levelled = level(corrected, soma_px)
    found = segment(
        levelled,
        soma_px=soma_px / levelled.binning,
        snr=study.analysis.detection_snr,
    ).detections
    light = found.light[found.strong]
    per_soma = float(np.median(light)) if light.size else math.nan
    counted = per_soma if corrected.calibrated else math.nan
    return Look(
        well=frame.key.well,
        field=frame.key.field,
        channel=frame.key.channel,
        z=frame.key.z,
        image=image,
        saturated_share=float(corrected.clipped.mean()),
        neurons=int(light.size),
        per_soma=per_soma,
        unit="electrons" if corrected.calibrated else "camera units",
        focus=sharpness(image),
        exposure_ms=frame.exposure_ms,
        proposed_ms=proposed_exposure_ms(
            image, optics, exposure_ms=frame.exposure_ms, per_soma_e=counted
        ),
    )


def sharpness(image: NDArray[Any]) -> float:
    """Return how sharp an image is: variance of its Laplacian over its squared mean.

    Source: normalised form of the Laplacian variance of Pech-Pacheco et al., ICPR 2000;
    a light blur first, so that the camera's noise does not count as sharpness.
    """
    smooth = ndimage.gaussian_filter(image.astype(np.float32), 1.0)
    mean = float(smooth.mean())
    return float(ndimage.laplace(smooth).var()) / mean**2 if mean > 0 else 0.0


def proposed_exposure_ms(
    image: NDArray[Any], optics: Optics, *, exposure_ms: float, per_soma_e: float = math.nan
) -> float:
    """Return an exposure that uses the camera well and no more light than needed.

    Parameters
    ----------
    image : (Y, X) uint8 or uint16
        Taken with ``exposure_ms``.
    optics : Optics
        Its camera and bit depth.
    exposure_ms : float
        Exposure taken, milliseconds.
    per_soma_e : float
        Median electrons per soma; NaN where unknown.

    Returns
    -------
    float
        Milliseconds, two significant digits, at most ten times longer or shorter; from a
        saturated image only "much shorter" can be said.
    """
    ceiling = optics.camera.saturation_adu or float(2**optics.bit_depth - 1)
    offset = optics.camera.offset_adu or float(np.percentile(image, 1))
    bright = float(np.percentile(image, BRIGHT_PERCENTILE)) - offset
    wanted = TARGET_SHARE * (ceiling - offset)
    factor = LARGEST_STEP if bright <= 0 else wanted / bright
    if per_soma_e > 0:
        factor = min(factor, ENOUGH_ELECTRONS / per_soma_e)
    if bright + offset >= ceiling:
        factor = 1.0 / LARGEST_STEP
    proposed = exposure_ms * min(LARGEST_STEP, max(1.0 / LARGEST_STEP, factor))
    return float(f"{proposed:.2g}")


def picture(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Stretch an image to 8 bit for the eye, from its 1st to its 99.9th percentile."""
    low, high = np.percentile(image, [1.0, BRIGHT_PERCENTILE])
    span = max(float(high - low), 1.0)
    scaled = np.clip((image.astype(np.float32) - low) / span, 0.0, 1.0)
    return np.asarray(255.0 * scaled + 0.5, dtype=np.uint8)
