"""Readable twin of `livedeath.kernels.elementary`: the C library's."""

import math


def exp_below_zero(x):
    return math.exp(max(x, -80.0))


def log_near_one(q):
    return math.log(q)
