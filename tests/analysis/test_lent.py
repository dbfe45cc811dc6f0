import threading

import numpy as np
import pytest

from livedeath.analysis.lent import lent


def test_an_array_is_lent_again_and_another_to_whoever_comes_meanwhile():
    with lent((3, 4), np.int32) as one, lent((3, 4), np.int32) as other:
        assert one is not other
        assert not one.any()
        assert one.dtype == np.int32
    with lent((3, 4), np.int32) as again:
        assert again is one
    with lent((4, 4), np.int32) as larger:
        assert larger.shape == (4, 4)


def spoil():
    with lent((2, 2), np.float32) as array:
        array[:] = 1
        raise ValueError("fault")


def test_what_was_left_by_a_fault_is_not_lent_again():
    with pytest.raises(ValueError, match="fault"):
        spoil()
    with lent((2, 2), np.float32) as fresh:
        assert not fresh.any()


def test_threads_have_their_own():
    found = []

    def take():
        with lent((5,), np.int64) as array:
            found.append(array)

    take()
    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    assert found[0] is not found[1]
