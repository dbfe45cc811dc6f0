"""The benchmark of the detector's speed: it runs, and its clock counts what it says."""

import json

import numpy as np
import pytest

import bench_score
from livedeath.kernels import detect


def test_it_runs_at_toy_size(capsys):
    assert bench_score.main(["--smoke", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["table"] for one in told["results"]} == set(bench_score.TABLES)
    for one in told["results"]:
        assert one["us"] > 0.0
        assert one["kernels_us"] > 0.0
        assert one["us"] == pytest.approx(one["kernels_us"] + one["rest_us"])


def test_kernels_are_clocked_and_then_left_as_they_were():
    kernel, rows = detect.share_of_templates, np.zeros(0, np.int64)
    bank = bench_score.Scorer()._deaths
    with bench_score.clocked() as spent:
        detect.share_of_templates(bank, rows)
    assert set(spent) == {"share_of_templates"}
    assert detect.share_of_templates is kernel
