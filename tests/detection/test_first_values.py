"""What a neuron's first value says of it, however faint it is."""

from dataclasses import replace

import numpy as np
import pytest

from detect.rows import ROWS
from detect.scored import score
from detect.traces import simulate
from livedeath.detection.learning import ENDPOINTS, Learning
from livedeath.kernels.baseline import _begin


def begun(value, sd):
    """Return the level that a first value leaves, and its standard deviation."""
    noise = Learning(ENDPOINTS["indicator_rise"]).noise()._replace(population=1.0, spread=0.6)
    x, p = np.zeros(3), np.zeros(6)
    _begin(x, p, value, sd**2 / (value**2 + 1e-12), noise, noise.white, noise.drift)
    return x[0], p[0] ** 0.5


@pytest.mark.parametrize("value", [-2.0, -0.5, 0.0, 0.4, 1.5])
def test_a_value_without_information_leaves_the_level_about_as_unsure_as_the_population(value):
    """Of a normal prior 1 +- .6 and a value +- 1: variance .36 * 1 / 1.36, whatever the value."""
    level, sd = begun(value, 1.0)
    assert sd == pytest.approx((0.36 / 1.36) ** 0.5, rel=0.05)
    assert level == pytest.approx(max(1.0 + 0.36 / 1.36 * (value - 1.0), 0.02), abs=0.03)


def test_who_began_below_zero_is_not_called_for_going_back_to_its_level():
    """One in a hundred first values at 50 e⁻; such neurons were held to stand at nothing."""
    law = replace(ROWS["null-50e"].law, days=2.0)
    called = [np.isfinite(score(simulate(law, [45, plate]), 0.1).called_h) for plate in range(4)]
    assert np.sum(called) <= 1  # 0.4 in 4,000 neuron-days are allowed
