"""What the detector needs on true light: no image, no outline and no identity in between."""

import dataclasses

import numpy as np
import pytest

from frames import ideal
from frames.cases import CASES
from frames.movies import visits_of
from frames.truth import truth_of


@pytest.fixture(scope="module")
def plate():
    case = CASES["demo"]
    world = case.world(3)
    return world, visits_of(case, world, 2)


def test_true_light_shows_nearly_every_death_and_hardly_a_false_one(plate):
    seen = ideal.ideal_figures(*plate)
    assert seen["deaths"] >= 10
    assert seen["found"] >= 0.9
    assert 0.2 <= seen["delay_h"] <= 2.5  # visits are half an hour apart, the fold is 4
    assert seen["false"] <= 1


def test_light_that_shows_no_death_shows_none_to_the_detector(plate, monkeypatch):
    def blind(world, visits):
        truth = truth_of(world, visits)
        first = {name: getattr(truth, name)[:, :1] for name in ("signal", "fill")}
        n = truth.time_h.size
        return dataclasses.replace(truth, **{k: np.repeat(v, n, 1) for k, v in first.items()})

    monkeypatch.setattr(ideal, "truth_of", blind)
    assert ideal.ideal_figures(*plate)["found"] <= 0.1
