"""Array-in, array-out numba kernels; no validation, no units, no threads of their own."""

from livedeath.kernels import compiled

compiled.prepare()
