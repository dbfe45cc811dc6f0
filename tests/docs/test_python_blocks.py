"""The Python that the README and the pages show runs as it stands."""

import re
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tifffile

import livedeath as ld
import tables
from made_study import make_study

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "docs/reference/flags.md",
    ROOT / "docs/reference/python.md",
    *sorted((ROOT / "docs/how-to").glob("*.md")),
]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

STUDY = """
title = "a movie"
vessels = [{ id = "dish", format = "dish" }]
optics = { pixel_size_um = 0.65, image_shape_px = [128, 128] }
channels = [
  { name = "fill", role = "fill", exposure_ms = 100 },
  { name = "indicator", role = "indicator", exposure_ms = 100 },
]
schedule = { interval_h = 0.5, duration_h = 3 }
"""
CULTURE = """
seed = 3
culture = { density_per_mm2 = 800 }
"""


def blocks(path):
    return BLOCK.findall(path.read_text(encoding="utf-8"))


def run(parts):
    """Run the blocks of a page in order, as somebody would who copies them."""
    names = {"__name__": "__main__"}
    for part in parts:
        exec(compile(part, "block", "exec"), names)
    return names


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A folder with what the pages take for granted: a study, a movie, labels and tables."""
    folder = tmp_path_factory.mktemp("pages")
    make_study(folder / "demo", kill=False, per_well=5)
    (folder / "culture.toml").write_text(CULTURE, encoding="utf-8")
    plate = ld.simulate(
        folder / "plate", study=ld.Study.from_toml(STUDY), parameters=folder / "culture.toml"
    )
    names = ("fill", "indicator")
    movie = np.stack([[plate.image("A1", t=t, channel=name) for name in names] for t in range(7)])
    tifffile.imwrite(folder / "movie.tif", movie, ome=True, metadata={"axes": "TCYX"})
    labels = np.zeros((7, 128, 128), np.uint16)
    labels[:, 30:50, 30:50], labels[:, 70:90, 60:80] = 1, 2
    tifffile.imwrite(folder / "labels.tif", labels, photometric="minisblack")
    tables.neurons({"vehicle": 0.01, "drug": 0.06}, blocks=["one", "two"]).write_csv(
        folder / "calls.csv"
    )
    rows = [
        {
            "neuron_id": n,
            "time_h": float(t),
            "signal": 100.0 * (4 if n % 2 and t > 8 else 1) + (n * t) % 5,
            "reference": 1000.0 + (3 * n * t) % 7,
            "arm": ("a", "b")[n % 2],
            "unit": f"{n % 4}",
        }
        for n in range(1, 13)
        for t in range(20)
    ]
    pl.DataFrame(rows).write_csv(folder / "traces.csv")
    return folder


@pytest.fixture
def here(material, tmp_path, monkeypatch):
    """A copy of it, to work in."""
    folder = tmp_path / "here"
    shutil.copytree(material, folder)
    shutil.copytree(material / "demo", folder / "livedeath-demo")
    monkeypatch.chdir(folder)
    return folder


WITH_PYTHON = [path for path in PAGES if blocks(path)]


@pytest.mark.parametrize("path", WITH_PYTHON, ids=lambda path: path.name)
def test_the_python_of_a_page_runs(path, here):
    run(blocks(path))


def test_the_quick_start_of_the_readme_makes_what_it_says(here, capsys):
    made = run(blocks(ROOT / "README.md"))
    assert (here / "neuron.png").stat().st_size > 1000
    assert (here / "survival.png").stat().st_size > 1000
    assert "rate_ratio" in capsys.readouterr().out
    assert made["calls"].height == made["calls"]["neuron_id"].n_unique() > 10


def test_most_pages_show_python():
    assert len(WITH_PYTHON) >= 10


def test_python_that_does_not_run_is_found_out():
    (part,) = BLOCK.findall("text\n```python\nimport livedeath as ld\nld.segment('x')\n```\n")
    with pytest.raises(AttributeError, match="segment"):
        run([part])
