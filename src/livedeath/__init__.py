"""livedeath measures the death of single neurons while it happens."""

from livedeath._version import __version__

__all__ = ["__version__"]
