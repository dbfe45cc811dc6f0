"""Large arrays that are lent, all zero, and given back all zero; one set per thread.

A new array of a frame's size costs more than most stages: the system clears its pages. What is
written to a lent one is a small part, and whoever wrote it takes it back.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_HELD = threading.local()


@contextmanager
def lent(shape: tuple[int, ...], dtype: DTypeLike) -> Iterator[NDArray[Any]]:
    """Lend an array of zeros; it must be all zero again in the end.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : dtype
        Its type.

    Yields
    ------
    array
        Of a thread's arrays of one type only the last one is kept. After an exception the array is
        not lent again.
    """
    kind = np.dtype(dtype).str
    array = _HELD.__dict__.pop(kind, None)
    if array is None or array.shape != shape:
        array = np.zeros(shape, dtype)
    yield array
    _HELD.__dict__[kind] = array
