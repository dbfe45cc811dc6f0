"""Small studies and recordings on disk, for the tests of store, follow, score and export."""

import numpy as np

from livedeath.model.study import Study
from livedeath.store.folder import StudyFolder
from livedeath.store.journal import frame_entry

SIDE = 48

STUDY = """
title = "two wells"
vessels = [{ id = "plate1", wells = ["B2:B3"] }]
channels = [
  { name = "fill", role = "fill", exposure_ms = 50 },
  { name = "GEDI", role = "indicator", exposure_ms = 50 },
]
optics = { pixel_size_um = 0.65, image_shape_px = [48, 48] }
schedule = { interval_h = 1, duration_h = 4 }
"""


def study(extra=""):
    """Return a study of two wells, two channels and five visits."""
    return Study.from_toml(STUDY + extra)


def image(key):
    """Return a frame that no other frame of the study equals."""
    seed = [ord(key.well[0]), int(key.well[1:]), key.field, key.t, len(key.channel), key.z]
    pixels = np.random.default_rng(seed).integers(90, 400, (SIDE, SIDE))
    return pixels.astype(np.uint16)


def entry_of(visit, key, status="saved", **more):
    """Return the journal's line for one frame of a planned visit."""
    details = {
        "session": visit.session,
        "planned_h": visit.planned_h,
        "time_h": visit.planned_h + 0.01,
        "x_um": visit.x_um,
        "y_um": visit.y_um,
        "z_um": visit.z_um[key.z],
    }
    return frame_entry(key, status, **(details | more))


def create(path, declared=None):
    """Make a study's folder with its empty image store."""
    folder = StudyFolder.create(path, declared or study())
    folder.images.create(folder.plan)
    return folder


def acquire(folder, *, missed=(), visits=None, finish=True):
    """Acquire the plan, or some of its visits: frame, then line."""
    for visit in folder.plan.visits if visits is None else visits:
        for key in visit.frames():
            if key in missed:
                folder.journal.append(entry_of(visit, key, "missed", reason="camera timeout"))
                continue
            folder.images.write(key, image(key))
            folder.journal.append(entry_of(visit, key))
    if finish:
        folder.journal.append({"kind": "acquisition", "what": "finish"})
    return folder


def blobs(visits=6, side=96, *, seed=0, channels=1):
    """Return (t, y, x) or (t, c, y, x) uint16 frames of four still, round neurons."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    scene = np.full((side, side), 20.0)
    for cy, cx in ((24, 24), (24, 70), (70, 26), (68, 68)):
        scene += 400 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 5.0**2))
    frames = rng.poisson(np.broadcast_to(scene, (visits, channels, side, side)))
    frames = frames.astype(np.uint16)
    return frames[:, 0] if channels == 1 else frames


BLOB_STUDY = """
title = "four neurons"
vessels = [{ id = "plate1", wells = ["B2"] }]
channels = [
  { name = "fill", role = "fill", exposure_ms = 50 },
  { name = "GEDI", role = "indicator", exposure_ms = 50 },
]
optics = { pixel_size_um = 1.0, image_shape_px = [96, 96] }
schedule = { interval_h = 1, duration_h = 11 }
"""


def study_of_blobs():
    """Return a study of one field of `blobs`, twelve visits, two channels."""
    return Study.from_toml(BLOB_STUDY)


def acquire_blobs(folder):
    """Acquire `blobs`; the neuron at the upper left lights up from the seventh visit on."""
    frames = blobs(12, channels=2).astype(float)
    frames[:, 1] *= 0.3
    frames[6:, 1, 10:38, 10:38] *= 5
    for visit in folder.plan.visits:
        for key in visit.frames():
            channel = ("fill", "GEDI").index(key.channel)
            folder.images.write(key, frames[visit.t, channel].astype(np.uint16))
            folder.journal.append(entry_of(visit, key))
    folder.journal.append({"kind": "acquisition", "what": "finish"})
