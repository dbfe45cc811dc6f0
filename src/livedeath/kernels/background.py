"""Background and noise of a frame, tile by tile; neurons and neurites in a tile do not count.

An image goes in, a mesh of levels and noises comes out, and an image without its
background. Nothing here knows about neurons.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

SAMPLE = 24
"""Rows and columns of a tile's sample for the first, robust estimate."""

CLIP = 2.5
"""Pixels within this many standard deviations of the level make the second estimate."""

CLIPPED_SD = 0.9546
"""Standard deviation of a normal variable cut at +-2.5, where the uncut one has 1."""

STEPS = 511
"""Steps in which a deviation of up to 2.5 noises is counted: sums of integers can be
vectorised, and a row of 8,000 pixels does not overflow 32 bits."""

LOWER_QUARTER_SD = 0.6745
"""Distance from the median to the lower quartile of a normal variable, in its sd."""


@njit(cache=True, nogil=True)
def sample_level(sample: NDArray[np.float32], floor: float) -> tuple[float, float]:
    """Estimate level and noise of background that shares a sample with bright things.

    The sample is cut from above at 2.5 noises over the median, five times over; the
    noise is read from the lower half, which bright things do not reach.

    Parameters
    ----------
    sample : (N,) float32
        Sorted, N > 0.
    floor : float
        Smallest noise returned, in the sample's unit.

    Returns
    -------
    level, noise : float
        Median and standard deviation of what is left.
    """
    kept = sample.size
    level = float(sample[kept // 2])
    noise = floor
    for _ in range(5):
        level = float(sample[kept // 2])
        noise = max((level - float(sample[kept // 4])) / LOWER_QUARTER_SD, floor)
        ceiling = level + CLIP * noise
        while kept > 1 and sample[kept - 1] > ceiling:
            kept -= 1
    return level, noise


@njit(cache=True, nogil=True)
def tile_levels(
    image: NDArray[np.float32], n_rows: int, n_cols: int, floor: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Measure the background's level and noise in each tile.

    First a robust estimate from a sample of at most 24 x 24 pixels (`sample_level`), then
    twice over the mean and standard deviation of all of the tile's pixels within 2.5
    noises of it, which is nearly as good as the mean of pure background.

    Parameters
    ----------
    image : (Y, X) float32
        Finite intensities.
    n_rows, n_cols : int
        Number of tiles; the frame is shared out evenly. Not more than pixels.
    floor : float
        Smallest noise possible: the quantisation of the camera.

    Returns
    -------
    levels, noises : (n_rows, n_cols) float32
        In the image's unit.

    Notes
    -----
    Cost linear in Y*X, each pixel read twice.
    """
    height, width = image.shape
    levels = np.empty((n_rows, n_cols), np.float32)
    noises = np.empty((n_rows, n_cols), np.float32)
    sample = np.empty(SAMPLE * SAMPLE, np.float32)
    for row in range(n_rows):
        top, bottom = row * height // n_rows, (row + 1) * height // n_rows
        for col in range(n_cols):
            left, right = col * width // n_cols, (col + 1) * width // n_cols
            step_y = (bottom - top - 1) // SAMPLE + 1
            step_x = (right - left - 1) // SAMPLE + 1
            n = 0
            for y in range(top, bottom, step_y):
                for x in range(left, right, step_x):
                    sample[n] = image[y, x]
                    n += 1
            sample[:n].sort()
            level, noise = sample_level(sample[:n], floor)
            for _ in range(2):
                centre = np.float32(level)
                step = np.float32(STEPS / max(CLIP * noise, 1e-30))
                count, total, squares = 0, 0, 0
                for y in range(top, bottom):
                    line = image[y, left:right]
                    near, off_sum, square_sum = np.int32(0), np.int32(0), np.int32(0)
                    for x in range(line.size):
                        scaled = (line[x] - centre) * step
                        inside = abs(scaled) < np.float32(STEPS + 1)
                        off = np.int32(scaled if inside else np.float32(0))
                        near = np.int32(near + np.int32(inside))
                        off_sum = np.int32(off_sum + off)
                        square_sum = np.int32(square_sum + off * off)
                    count += int(near)
                    total += int(off_sum)
                    squares += int(square_sum)
                if count > 0:
                    mean = total / count
                    variance = max(squares / count - mean * mean, 0.0)
                    level += float(mean / step)
                    noise = max(float(math.sqrt(variance) / step) / CLIPPED_SD, floor)
            levels[row, col] = level
            noises[row, col] = noise
    return levels, noises


@njit(cache=True, nogil=True)
def median_mesh(mesh: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace each node of a mesh by the median of its 3 x 3 neighbourhood.

    Parameters
    ----------
    mesh : (R, C) float32
        One value per tile.

    Returns
    -------
    (R, C) float32
        At the border the neighbourhood is what there is of it; of an even number of
        values the lower middle one is taken.
    """
    n_rows, n_cols = mesh.shape
    smooth = np.empty_like(mesh)
    near = np.empty(9, np.float32)
    for row in range(n_rows):
        for col in range(n_cols):
            n = 0
            for r in range(max(row - 1, 0), min(row + 2, n_rows)):
                for c in range(max(col - 1, 0), min(col + 2, n_cols)):
                    near[n] = mesh[r, c]
                    n += 1
            near[:n].sort()
            smooth[row, col] = near[(n - 1) // 2]
    return smooth


@njit(cache=True, nogil=True)
def calm_mesh(mesh: NDArray[np.float32], reaches: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring down the nodes of a mesh that tower over their neighbourhood.

    A tile full of somata has no background of its own. All other nodes stay as they are,
    so that a slope is kept up to the border, where a plain median would flatten it.

    Parameters
    ----------
    mesh : (R, C) float32
        Background level of each tile.
    reaches : (R, C) float32
        How far above the median of its 3 x 3 neighbourhood a node may lie.

    Returns
    -------
    (R, C) float32
        With the nodes beyond their reach replaced by that median.
    """
    medians = median_mesh(mesh)
    calm = mesh.copy()
    for row in range(mesh.shape[0]):
        for col in range(mesh.shape[1]):
            if mesh[row, col] - medians[row, col] > reaches[row, col]:
                calm[row, col] = medians[row, col]
    return calm


@njit(cache=True, nogil=True)
def subtract_levels(image: NDArray[np.float32], levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Subtract the background, interpolated between the centres of the tiles.

    Bilinear inside the mesh, extended in a straight line beyond the outermost centres
    (a vignette falls towards the border).

    Parameters
    ----------
    image : (Y, X) float32
        The image whose tiles were measured.
    levels : (R, C) float32
        From `tile_levels`, smoothed or not.

    Returns
    -------
    (Y, X) float32
        Image minus background.
    """
    height, width = image.shape
    n_rows, n_cols = levels.shape
    flat = np.empty_like(image)
    pitch_y, pitch_x = height / n_rows, width / n_cols
    line = np.empty(n_cols, np.float32)
    for y in range(height):
        place = (y + 0.5) / pitch_y - 0.5
        row = min(max(int(place), 0), max(n_rows - 2, 0))
        below = min(row + 1, n_rows - 1)
        part = np.float32(place - row)
        for col in range(n_cols):
            line[col] = levels[row, col] + part * (levels[below, col] - levels[row, col])
        source, target = image[y], flat[y]
        for col in range(max(n_cols - 1, 1)):
            right = min(col + 1, n_cols - 1)
            left_x = 0 if col == 0 else math.ceil((col + 0.5) * pitch_x - 0.5)
            right_x = math.ceil((right + 0.5) * pitch_x - 0.5)
            if col >= n_cols - 2:
                right_x = width
            slope = (line[right] - line[col]) / np.float32(pitch_x)
            start = line[col] - slope * np.float32((col + 0.5) * pitch_x - 0.5)
            for x in range(left_x, right_x):
                target[x] = source[x] - (start + slope * np.float32(x))
    return flat


@njit(cache=True, nogil=True)
def despeckle(image: NDArray[np.float32], margin: float) -> int:
    """Bring down, in place, single pixels that tower over all their neighbours.

    Hot pixels and cosmic rays: a pixel above twice its brightest neighbour plus
    ``margin`` takes that neighbour's value. No soma is one pixel wide.

    Parameters
    ----------
    image : (Y, X) float32
        Background subtracted; changed in place. The outermost pixels are left alone.
    margin : float
        In the image's unit; several noises.

    Returns
    -------
    int
        Number of pixels changed.
    """
    height, width = image.shape
    changed = 0
    for y in range(1, height - 1):
        above, here, below = image[y - 1], image[y], image[y + 1]
        for x in range(1, width - 1):
            value = here[x]
            if value <= margin:
                continue
            near = max(here[x - 1], here[x + 1])
            if value <= 2.0 * near + margin:
                continue
            for dx in range(-1, 2):
                near = max(near, above[x + dx], below[x + dx])
            if value > 2.0 * max(near, np.float32(0)) + margin:
                here[x] = max(near, np.float32(0))
                changed += 1
    return changed


@njit(cache=True, nogil=True)
def bin_sum(image: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Sum blocks of ``factor`` x ``factor`` pixels.

    Parameters
    ----------
    image : (Y, X) float32
        Intensities.
    factor : int
        Side of a block, >= 1.

    Returns
    -------
    (ceil(Y / factor), ceil(X / factor)) float32
        A block cut by the border is scaled up to the full number of pixels.
    """
    height, width = image.shape
    n_rows, n_cols = -(-height // factor), -(-width // factor)
    binned = np.zeros((n_rows, n_cols), np.float32)
    for y in range(height):
        source, target = image[y], binned[y // factor]
        for x in range(width):
            target[x // factor] += source[x]
    rest_y, rest_x = height - (n_rows - 1) * factor, width - (n_cols - 1) * factor
    binned[-1] *= np.float32(factor / rest_y)
    binned[:, -1] *= np.float32(factor / rest_x)
    return binned
