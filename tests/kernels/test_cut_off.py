import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import cut_off as cut_off_kernel
from livedeath.kernels.background import sample_level
from reference import cut_off as twin

SEEDS = st.integers(0, 10_000)


@given(share=st.floats(1e-7, 1 - 1e-7))
def test_normal_quantile_equals_its_twin(share):
    assert cut_off_kernel.normal_quantile(share) == pytest.approx(
        twin.normal_quantile(share), abs=1e-7
    )


def cut_off(seed, *, noise, mean, whole, n=400, bright=0):
    """Return sorted values of a background of which nothing below 0 is kept."""
    rng = np.random.default_rng(seed)
    values = np.maximum(rng.normal(mean, noise, n), 0)
    values[:bright] += 40 * noise
    return np.sort(np.rint(values) if whole else values).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    seed=SEEDS,
    n=st.integers(1, 300),
    noise=st.sampled_from([0.3, 1.0, 10.0]),
    sds=st.sampled_from([-2.0, 0.0, 1.5, 9.0]),
    whole=st.booleans(),
)
def test_cut_off_level_equals_its_twin(seed, n, noise, sds, whole):
    sample = cut_off(seed, noise=noise, mean=sds * noise, whole=whole, n=n, bright=n // 10)
    half = 0.5 if whole else 0.0
    fast = cut_off_kernel.cut_off_level(sample, 0.0, half)
    assert fast == pytest.approx(twin.cut_off_level(sample, 0.0, half), rel=1e-4, abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, every=st.sampled_from([1, 4]), dtype=st.sampled_from([np.uint16, np.float32]))
def test_cut_off_levels_equals_its_twin(seed, every, dtype):
    rng = np.random.default_rng(seed)
    picture = np.maximum(rng.normal(100, 5, (40, 50)), 100).astype(dtype)
    given_ = (picture, 2, 3, 0.6, every, 90.0, 100.0, 0.5)
    for fast, slow in zip(
        cut_off_kernel.cut_off_levels(*given_), twin.cut_off_levels(*given_), strict=True
    ):
        np.testing.assert_allclose(fast, slow, rtol=1e-4)


@pytest.mark.parametrize("noise", [1.0, 5.0, 30.0])
@pytest.mark.parametrize("sds", [-1.0, 0.0, 0.7])
@pytest.mark.parametrize("bright", [0, 40])
def test_the_noise_of_a_background_that_was_cut_off_is_that_of_all_of_it(noise, sds, bright):
    sample = cut_off(4, noise=noise, mean=sds * noise, whole=True, n=4000, bright=bright)
    level, found = cut_off_kernel.cut_off_level(sample, 0.0, 0.5)
    assert found == pytest.approx(noise, rel=0.25)
    plain = cut_off(4, noise=noise, mean=sds * noise, whole=True, n=4000)
    assert level == pytest.approx(plain.mean(), abs=0.15 * noise)
    assert sample_level(sample, 0.0)[1] < 0.7 * noise or sds > 0.5
