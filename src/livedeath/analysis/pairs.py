"""Which points of one set are near which of another; a kernel says it."""

from livedeath.kernels.near import near_pairs as pairs_within

__all__ = ["pairs_within"]
