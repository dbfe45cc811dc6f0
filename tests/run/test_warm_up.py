"""After a warm-up the first score compiles nothing."""

import os
import subprocess
import sys

import pytest
import tifffile

import small_studies

CODE = """
import sys
from livedeath.kernels import compiled
from livedeath.run.warm_up import warm_up
if sys.argv[2] == "warm":
    assert warm_up() > 50
said = []
with compiled.telling(said.append):
    import livedeath
    livedeath.score(sys.argv[1], pixel_size_um=0.65, interval_h=1, out=sys.argv[3])
print(max(said, default=0))
"""


def compiled_by_score(movie, place, *, warm):
    """Return how many functions the first score compiles in a cache of its own."""
    told = os.environ | {"NUMBA_CACHE_DIR": str(place / "cache")}
    words = [sys.executable, "-c", CODE, str(movie), warm, str(place / warm)]
    made = subprocess.run(words, env=told, capture_output=True, text=True, check=True)
    return int(made.stdout.split()[-1])


@pytest.mark.timeout(600)  # all kernels are compiled in it
def test_after_a_warm_up_the_first_score_compiles_nothing(tmp_path):
    movie = tmp_path / "movie.tif"
    tifffile.imwrite(movie, small_studies.blobs(), photometric="minisblack")
    assert compiled_by_score(movie, tmp_path, warm="warm") == 0
    assert compiled_by_score(movie, tmp_path, warm="again") == 0
