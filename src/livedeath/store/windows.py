"""What a plain viewer shows as black and as white: a frame goes in, a display window comes out.

OME-Zarr keeps one window per channel in the ``zarr.json`` of each image (``omero``). It is
written with the whole range of the camera when the image is made, for nothing is known then,
and replaced once, by the channel's first frame in that field: before it there was nothing to
look at, and afterwards the document stands still. Each field has its own, so that no field
waits for another and a restart needs no memory; within a field all visits share it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW_PERCENTILES = (1.0, 99.9)
"""Of a channel's first frame: black, and the brightest somata. The brightest tenth of a percent
is left to debris and hot pixels; somata are several percent of a field."""

WINDOW_ROOM = 0.5
"""White lies so much of the percentiles' width above them: what brightens can be seen to."""

SAMPLE_PX = 512
"""Rows and columns looked at, at most: plenty for a tenth of a percent, and quick."""

Window = dict[str, float]


def whole_range(bit_depth: int) -> Window:
    """Return the window of a channel that nobody has looked at: all grey levels there are."""
    top = float(2**bit_depth - 1)
    return {"start": 0.0, "min": 0.0, "end": top, "max": top}


def is_whole(window: Window) -> bool:
    """Say whether a window shows all grey levels, as before the first frame."""
    return (window["start"], window["end"]) == (window["min"], window["max"])


def window_of(image: NDArray[Any], window: Window) -> Window | None:
    """Return a window in which a frame can be seen.

    Parameters
    ----------
    image : (Y, X) array
        The frame.
    window : dict
        The channel's window so far; ``min`` and ``max`` stay.

    Returns
    -------
    dict or None
        None for a frame that shows nothing, all of one value.
    """
    step = -(-max(image.shape) // SAMPLE_PX)
    low, high = np.percentile(image[::step, ::step], WINDOW_PERCENTILES)
    if not high > low:
        return None
    end = np.ceil(high + WINDOW_ROOM * (high - low))
    return window | {
        "start": float(max(window["min"], np.floor(low))),
        "end": float(min(window["max"], end)),
    }


def channels_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the channels of an image's ``zarr.json``, each with its ``window``."""
    found: list[dict[str, Any]] = document["attributes"]["ome"]["omero"]["channels"]
    return found
