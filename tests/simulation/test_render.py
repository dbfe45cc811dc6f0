import json

import numpy as np
import polars as pl
import pytest
import zarr

from livedeath.cli.main import run
from livedeath.errors import StoreError
from livedeath.model.study import Study
from livedeath.simulation.census import census
from livedeath.simulation.outlines import Register
from livedeath.simulation.parameters import WorldParameters
from livedeath.simulation.render import render_study
from livedeath.simulation.world import World
from livedeath.store.declared import declared_at_start
from livedeath.store.folder import StudyFolder
from livedeath.store.paths import field_path
from livedeath.store.tables import read_units
from simulation.small_world import KILL, parameters, study, take

SHORT = {"schedule": {"interval_h": 4.0, "duration_h": 8.0}, "end_kill": None}


@pytest.fixture
def files(tmp_path):
    declared, given = tmp_path / "my study.toml", tmp_path / "世界.toml"
    declared.write_text(study(KILL, **SHORT).to_toml(), encoding="utf-8")
    given.write_text(parameters().to_toml(), encoding="utf-8")
    return declared, given


def test_a_rendered_study_holds_every_frame_and_its_truth(tmp_path):
    of = World(study(**SHORT), parameters())
    done = []
    folder = render_study(of, tmp_path / "a study", done=done.append)
    assert sum(done) == of.plan.n_frames == 24
    journal = folder.journal.frames()
    assert set(journal) == set(of.plan.frames())
    assert {entry["status"] for entry in journal.values()} == {"saved"}
    assert pl.read_parquet(folder.path / "truth.parquet").equals(census(of))
    said = read_units(folder.path / "truth.parquet")
    assert (said["death_h"], said["radius_um"], said["fill_electrons"]) == ("h", "um", "electrons")
    assert WorldParameters.from_file(folder.path / "simulation.toml") == of.parameters
    assert declared_at_start(folder.journal.read()).declared.title == of.study.title


def test_pixels_are_those_of_the_world_with_the_light_so_far(tmp_path):
    of = World(study(**SHORT), parameters())
    folder = render_study(of, tmp_path / "a")
    visit = next(v for v in of.plan.visits if v.t == 2)
    key = next(k for k in visit.frames() if k.channel == "indicator")
    had = take(of, visit, "indicator", light_ms=500.0)
    np.testing.assert_array_equal(folder.images.read(key), had)
    assert not np.array_equal(folder.images.read(key), take(of, visit, "indicator"))


def test_outlines_are_written_where_asked_for_with_the_numbers_of_the_truth(tmp_path):
    of = World(study(**SHORT), parameters())
    plain = render_study(of, tmp_path / "plain")
    assert not list(plain.path.glob("truth_labels*"))
    folder = render_study(of, tmp_path / "with", outlines=True)
    table = pl.read_parquet(folder.path / "truth_labels.parquet")
    truth = pl.read_parquet(folder.path / "truth.parquet")
    assert set(truth["neuron_id"]) <= set(table["label"])
    visit = of.plan.visits[-1]
    array = zarr.open_array(folder.path / "truth_labels.zarr" / field_path(visit.field) / "0")
    register = Register(of)
    for one in of.plan.visits:
        labels = register.image(one)
        np.testing.assert_array_equal(array[one.t] if one.field == visit.field else labels, labels)
    assert labels.max() > 0


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(StoreError, match="not empty"):
        render_study(World(study(**SHORT), parameters()), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command_renders_and_says_what(tmp_path, files, capsys):
    declared, given = files
    out = tmp_path / "out"
    arguments = ["simulate", str(out), "--study", str(declared), "--parameters", str(given)]
    assert run([*arguments, "--seed", "9", "--outlines", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["frames"] == 24
    assert said["outlines"] == str(out / "truth_labels.zarr")
    assert said["neurons"] >= said["deaths"] == sum(said["causes"].values())
    assert StudyFolder.open(out).study == Study.from_file(declared)
    assert WorldParameters.from_file(out / "simulation.toml").seed == 9


@pytest.mark.parametrize(
    ("bad", "said"),
    [("[nonsense]\n", "nonsense"), ("seed = 'x'\n", "seed")],
)
def test_bad_parameters_make_no_folder(tmp_path, files, capsys, bad, said):
    declared, given = files
    given.write_text(bad, encoding="utf-8")
    out = tmp_path / "out"
    arguments = ["simulate", str(out), "--study", str(declared), "--parameters", str(given)]
    assert run(arguments) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_in_use_is_refused_by_the_command(tmp_path, capsys):
    (tmp_path / "x").write_text("", encoding="utf-8")
    assert run(["simulate", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
