import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import register
from reference import register as twin

VALUES = st.floats(-5, 5)


@settings(max_examples=40, deadline=None)
@given(left=VALUES, right=VALUES, over=st.floats(0.1, 3))
def test_vertex_equals_its_twin(left, right, over):
    centre = max(left, right) + over
    fast = register.vertex(left, centre, right)
    assert fast == pytest.approx(twin.vertex(left, centre, right), abs=1e-6)


def test_a_flat_top_has_its_vertex_in_the_middle():
    assert register.vertex(1.0, 1.0, 1.0) == 0.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), reach=st.integers(1, 5), apart=st.integers(1, 4))
def test_peak_offset_equals_its_twin(seed, reach, apart):
    correlation = np.random.default_rng(seed).random((12, 13)).astype(np.float32)
    fast = register.peak_offset(correlation, reach, apart)
    assert fast == pytest.approx(twin.peak_offset(correlation, reach, apart), abs=1e-5)


def test_a_peak_between_pixels_is_found_and_a_far_one_is_not():
    y, x = np.mgrid[-16:16, -16:16]
    peak = np.exp(-((y - 3.3) ** 2 + (x + 5.6) ** 2) / 18).astype(np.float32)
    correlation = np.fft.ifftshift(peak)
    dy, dx, *_ = register.peak_offset(correlation, 10, 4)
    assert (dy, dx) == pytest.approx((3.3, -5.6), abs=0.05)
    dy, dx, *_ = register.peak_offset(correlation, 2, 4)
    assert abs(dx) < 3
