"""Readable twins of `livedeath.kernels.standout`."""

import math

import numpy as np
from scipy import ndimage

from reference.label import floor_at


def disc_of(widths):
    """Return the footprint of a disc given by its half widths."""
    reach = len(widths) - 1
    foot = np.zeros((2 * reach + 1, 2 * widths[0] + 1), bool)
    for k, half in enumerate(widths):
        for row in (reach - k, reach + k):
            foot[row, widths[0] - half : widths[0] + half + 1] = True
    return foot


def open_disc(image, widths):
    foot = disc_of(widths)
    dark = ndimage.minimum_filter(image, footprint=foot, mode="constant", cval=np.inf)
    return ndimage.maximum_filter(dark, footprint=foot, mode="constant", cval=-np.inf)


def foreground(image, floors, lowest, per_fold, levels, logs):
    places = []
    for y, x in np.ndindex(image.shape):
        if image[y, x] > floor_at(floors, image.shape, y, x):
            fold = math.log(max(float(image[y, x]) / lowest, 1.0))
            levels[y, x] = min(1 + int(fold * per_fold), 255)
            logs[y, x] = fold
            places.append(y * image.shape[1] + x)
    return np.array(places, int)


def stand_out(logs, near, far, places, out):
    at = np.unravel_index(places, logs.shape)
    out[at] = np.maximum(near[at] - far[at], 0) + 1e-4 + 1e-5 * logs[at]
