"""The benchmark of scoring a finished study again: it runs, and notices other results."""

import json

import pytest

import bench_replay


def test_it_runs_at_toy_size(capsys):
    assert bench_replay.main(["--smoke", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["results"]
    assert told["same"] is True
    assert told["frames"] == 2 * 2 * 3
    assert told["neurons"] > 0
    least = told["least_s"]
    assert told["speed_up"] == pytest.approx(least["one"] / least["more"])
    assert told["times_decoding"] == pytest.approx(least["more"] / least["decoding"])


def test_results_that_differ_are_noticed(capsys, monkeypatch):
    real = bench_replay.score

    class Other:
        def __init__(self, run):
            self.run = run

        def traces(self):
            return self.run.traces().head(1)

        def calls(self):
            return self.run.calls()

    def score(folder, workers):
        run = real(folder, workers)
        return Other(run) if workers > 1 else run

    monkeypatch.setattr(bench_replay, "score", score)
    assert bench_replay.main(["--smoke"]) == 1
    assert "NOT THE SAME" in capsys.readouterr().out
