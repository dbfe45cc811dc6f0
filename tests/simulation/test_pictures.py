"""What a world may be told beyond the first parameters changes no picture until it is told."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from simulation.small_world import take, world

DATA = Path(__file__).resolve().parents[1] / "data/simulation"

ROUNDED_ADU = 8
"""Pixels of a square of 400 that another platform's last digit may round the other way."""


def made():
    spec = importlib.util.spec_from_file_location("make_pictures", DATA / "make_pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_defaults_keep_the_pictures():
    known = np.load(DATA / "pictures.npz")
    now = made().pictures()
    assert set(known) == set(now)
    for name in known:
        np.testing.assert_allclose(now[name], known[name], rtol=0, atol=ROUNDED_ADU, err_msg=name)


@pytest.mark.parametrize(
    "told",
    [
        {"culture": {"granules": 1.0}},
        {"culture": {"soma_dome": 0.0}},
        {"culture": {"paired_fraction": 0.5}},
        {"culture": {"neurite_branches": 1.0}},
        {"culture": {"glia_per_mm2": 500.0, "glia_diameter_um": 8.0}},
        {"stage": {"turn_deg": 3.0}},
        {"stage": {"focus_swing_um": 5.0}},
        {"camera": {"subtracted_adu": 50.0}},
    ],
    ids=lambda told: next(iter(next(iter(told.values())))),
)
def test_what_is_told_changes_them(told):
    known = np.load(DATA / "pictures.npz")["small fill 30"]
    of = world(**told)
    changed = made().sums(take(of, of.plan.visits[30]))
    assert np.abs(changed - known).max() > 10 * ROUNDED_ADU
