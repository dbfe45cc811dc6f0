"""Noise of values whose deviation is not stated: by brightness, and when the light changes."""

import numpy as np

from livedeath.detection import score_traces, unstated


def table(light=np.ones_like, *, electrons=300.0, seed=1, n=150, hours=90.0, dt=0.5, camera=30.0):
    """Return traces of living neurons without deviations; ``light`` of hours scales the lamp."""
    rng = np.random.default_rng(seed)
    time_h = np.arange(0.0, hours, dt)
    level = electrons * np.exp(np.clip(rng.normal(0.0, 0.7, (n, 1)), -0.7, None))
    own = rng.normal(0.0, 0.04, (n, time_h.size))
    photons = rng.poisson(level * np.exp(own) * light(time_h))
    signal = photons + rng.normal(0.0, camera, photons.shape)
    return {
        "neuron_id": np.repeat(np.arange(n), time_h.size),
        "time_h": np.tile(time_h, n),
        "signal": signal.ravel(),
    }


def test_a_lamp_that_dims_for_good_kills_nobody_whose_noise_is_not_stated():
    columns = table(lambda time_h: np.where(time_h < 40.0, 1.0, 0.35))
    _, calls = score_traces(columns)
    assert np.isfinite(calls["called_at_h"]).sum() <= 1


def test_faint_neurons_of_which_only_a_signal_is_known_are_not_called_before_their_noise_is():
    columns = table(electrons=50.0, n=600, hours=36.0, dt=0.25)  # 900 neuron-days: 1 is allowed
    _, calls = score_traces(columns)
    assert np.isfinite(calls["called_at_h"]).sum() <= 3


def test_variance_is_widened_by_the_dimmer_of_both_channels_and_never_narrowed():
    ln2 = np.log(2.0)
    signal_ln, reference_ln = np.array([0.0, -ln2, 0.0, ln2]), np.array([0.0, 0.0, -2 * ln2, ln2])
    np.testing.assert_allclose(
        unstated.widened(signal_ln, reference_ln), [1.0, 4.0, 16.0, 1.0], rtol=1e-12
    )
