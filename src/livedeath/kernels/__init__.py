"""Array-in, array-out numba kernels; no validation, no units, no threads of their own."""
