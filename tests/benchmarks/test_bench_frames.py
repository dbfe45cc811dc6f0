"""The benchmark from frames runs, at toy size, from the world to its table."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from frames.cases import CASES

PATH = Path(__file__).resolve().parents[2] / "benchmarks/bench_frames.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_frames", PATH)
    module = sys.modules["bench_frames"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["bench_frames"]


def test_a_corner_of_a_plate_is_judged_and_kept_frames_give_the_same(bench, capsys, tmp_path):
    said = []
    for _ in range(2):
        assert bench.main(["--smoke", "--json", "--cache", str(tmp_path)]) == 0
        (row,) = json.loads(capsys.readouterr().out)["results"]
        said.append(row)
    assert len(list(tmp_path.glob("*.npy"))) == 1
    first, again = (
        {k: v for k, v in r.items() if k not in ("seconds", "ms_per_visit")} for r in said
    )
    assert first == again
    figures = first["challenge"]
    assert set(figures) == {"livedeath", "otsu", "local"}
    assert figures["livedeath"]["outlines"] > 50
    assert figures["livedeath"]["DET"] > 0.9
    assert first["identity"]["phantoms"] <= first["identity"]["ids"]
    (line,) = bench.table(said[:1]).splitlines()[2:]
    assert line.startswith("| toy | ")


@pytest.mark.parametrize("name", CASES)
def test_every_plate_is_a_study_that_can_be_declared(name):
    case = CASES[name]
    world = case.world(None)
    assert world.plan.visits[-1].planned_h >= case.duration_h
    sessions = {visit.session for visit in world.plan.visits}
    assert (len(sessions) > 1) == bool(case.reseat_h)
