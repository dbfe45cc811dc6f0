"""Readable twins of livedeath.kernels.draw."""

import numpy as np


def add_points(image, y, x, weight, owner, places, turn):
    rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    for dy, dx, share, k in zip(y, x, weight, owner, strict=True):
        centre, scale, light = places[k, :2], places[k, 2], places[k, 3]
        at = centre + scale * rotate @ np.array([dy, dx], dtype=float)
        for row in range(image.shape[0]):
            for column in range(image.shape[1]):
                near = max(0.0, 1 - abs(row - at[0])) * max(0.0, 1 - abs(column - at[1]))
                image[row, column] += light * share * near
