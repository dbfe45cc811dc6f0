"""The notebook works for a new user: every cell runs, in order, in an empty folder."""

import json
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))


def code_of(notebook):
    return [
        (cell["id"], "".join(cell["source"]))
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def run(notebook):
    """Run the cells as a kernel would and return what they made."""
    made = {"__name__": "__main__"}
    with pl.Config():  # a notebook may set how tables are shown; no other test is to see it
        for name, source in code_of(notebook):
            try:
                exec(compile(source, name, "exec"), made)
            except Exception as error:
                raise AssertionError(f"cell {name!r}: {error}") from error
    return made


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_notebook_is_there():
    assert [path.name for path in NOTEBOOKS] == ["movie-to-survival.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_is_kept_without_results(path):
    cells = load(path)["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert all(not cell["outputs"] for cell in cells if cell["cell_type"] == "code")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        yield run(load(NOTEBOOKS[0])) | {"here": Path.cwd()}


def test_the_movie_is_scored_and_a_neuron_shown(made):
    assert made["scored"].calls.height >= 5
    assert (made["scored"].calls["outcome"] == "dead").sum() >= 3
    assert made["strip"].picture().ndim == 2


def test_the_survival_curve_is_drawn_and_glutamate_kills(made):
    effects = made["found"].effects
    assert effects.select("a", "b").rows() == [("vehicle", "glutamate 50 uM")]
    assert effects["rate_ratio"][0] > 1.5
    assert made["found"].arms["units"].to_list() == [4, 4]


def test_the_table_gives_the_numbers_of_the_study(made):
    names = ["rate_ratio", "rate_ratio_low", "rate_ratio_high", "p"]
    assert made["again"].effects.select(names).rows() == made["found"].effects.select(names).rows()


def test_the_calls_are_close_to_the_simulated_truth(made):
    died = dict(made["truth"].group_by("arm").len().iter_rows())
    called = dict(made["called"].group_by("arm").len().iter_rows())
    for arm, n in died.items():
        assert abs(called[arm] - n) <= 0.35 * n + 2


def test_the_report_is_a_file(made):
    assert (made["here"] / made["page"]).is_file()


def test_a_cell_that_fails_is_named():
    bad = {"cells": [{"cell_type": "code", "id": "broken", "source": ["1 / 0"]}]}
    with pytest.raises(AssertionError, match="cell 'broken': division"):
        run(bad)
