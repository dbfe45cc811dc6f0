"""Names of wells or fields in, their numbers out, in the order in which they were met.

A visit shows one field, or the same fields as the visit before: then nothing is looked up
name by name.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Texts = NDArray[np.str_]


class Names:
    """Numbers of names, from 0.

    Parameters
    ----------
    known : iterable of str
        Names met before, in the order of their numbers.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._codes = {str(name): k for k, name in enumerate(known)}
        self._last: tuple[Texts, Ints] = (np.zeros(0, np.str_), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self._codes)

    def code(self, names: Texts) -> Ints:
        """Return the number of each name, not to be written to; an unknown one gets the next."""
        before, codes = self._last
        if names.shape == before.shape and bool((names == before).all()):
            return codes
        if names.size and bool((names == names[0]).all()):
            codes = np.full(names.size, self._number(str(names[0])))
        else:
            found, which = np.unique(names, return_inverse=True)
            numbers = [self._number(name) for name in found.tolist()]
            codes = np.array(numbers, dtype=np.int64)[which]
        self._last = names.copy(), codes
        return codes

    def _number(self, name: str) -> int:
        return self._codes.setdefault(name, len(self._codes))

    def known(self) -> Texts:
        """Return the names, in the order of their numbers."""
        return np.array(list(self._codes), dtype=np.str_)
