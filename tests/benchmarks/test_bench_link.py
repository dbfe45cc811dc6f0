import json

import numpy as np
import pytest

import bench_link


def test_it_runs_at_toy_size_and_says_how_right_the_links_are(capsys):
    assert bench_link.main(["--smoke", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["results"]
    assert [one["tracker"] for one in told] == ["livedeath"]
    assert told[0]["recall"] > 0.98
    assert told[0]["ms"] > 0


def movie(names):
    """Return a movie of two neurons at three visits, and ids by hand."""
    t, true = np.repeat([0, 1, 2], 2), np.tile([0, 1], 3)
    zeros = np.zeros(6)
    return bench_link.Movie(t, zeros, zeros, zeros, zeros, true, 100), np.array(names)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([5, 6, 5, 6, 5, 6], (1.0, 1.0, 0)),
        ([5, 6, 6, 5, 6, 5], (0.5, 0.5, 2)),
        ([5, 6, 5, -1, 5, 6], (0.5, 2 / 3, 0)),
    ],
    ids=["right", "changed places once", "one missed"],
)
def test_edges_are_counted_rightly(names, expected):
    assert bench_link.quality(*movie(names)) == pytest.approx(expected)
