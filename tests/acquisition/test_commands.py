"""The commands as a user runs them."""

import json
import sys
from pathlib import Path

import pytest

from livedeath.cli.main import run
from livedeath.store.folder import StudyFolder
from livedeath_acquisition.worker import Order, Worker

SMALL = """
title = "commands"
[[vessels]]
id = "p1"
wells = ["B2"]
[optics]
pixel_size_um = 1.0
image_shape_px = [64, 64]
[[channels]]
name = "RFP"
role = "fill"
exposure_ms = 75
[schedule]
interval_h = 2
duration_h = 8
[policies]
disk_floor_gb = 0.0
"""


@pytest.fixture
def study(tmp_path) -> Path:
    folder = tmp_path / "my study"
    folder.mkdir()
    (folder / "study.toml").write_text(SMALL, encoding="utf-8")
    return folder


def said(capfd):
    out, err = capfd.readouterr()
    return json.loads(out) if out.strip() else None, err


def test_visit_now_takes_one_round_and_no_score_scores_nothing(study, capfd):
    Worker(Order(str(study), visit_now=True), lambda heartbeat: None).run()
    assert len(StudyFolder.open(study).journal.frames()) == 1
    capfd.readouterr()
    assert run(["acquire", str(study), "--visit", "now", "--no-score", "--json"]) == 0
    result, _ = said(capfd)
    assert (result["frames_saved"], result["frames_missed"]) == (2, 0)
    assert "run" not in result
    assert not StudyFolder.open(study).runs()


@pytest.mark.parametrize(
    ("arguments", "said_of_it"),
    [
        (["acquire", "nowhere"], "there is no such folder"),
        (["acquire", "{study}", "--microscope", "telescope"], "allowed are simulated"),
        (["acquire", "{study}", "--microscope", "replay:gone.tif"], "no such file"),
        (["look", "{study}", "--well", "H12"], "H12 is not visited"),
        (["look", "{study}", "--well", "77"], "is no well name"),
        (["look", "{study}", "--well", "B2", "--out", "{study}"], "not empty"),
    ],
    ids=["no-folder", "no-kind", "no-recording", "no-such-well", "no-well", "out-not-empty"],
)
def test_a_users_mistake_is_one_sentence_and_leaves_nothing(study, capfd, arguments, said_of_it):
    before = sorted(study.rglob("*"))
    assert run([word.format(study=study) for word in arguments]) == 2
    result, err = said(capfd)
    assert result is None
    assert said_of_it in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(study.rglob("*")) == before


def test_what_a_worker_refuses_is_one_sentence_and_leaves_nothing(study, capfd):
    from livedeath_acquisition.adapters import bundled

    config = bundled() / "MMConfig_demo.cfg"
    before = sorted(study.rglob("*"))
    assert run(["acquire", str(study), "--microscope", f"micromanager:{config}"]) == 2
    _, err = said(capfd)
    assert "asks for the preset 'RFP'" in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(study.rglob("*")) == before


def test_look_makes_pictures_and_adds_nothing(study, capfd, tmp_path):
    before = sorted(study.rglob("*"))
    pictures = tmp_path / "pictures"
    assert run(["look", str(study), "--well", "B2", "--out", str(pictures), "--json"]) == 0
    result, _ = said(capfd)
    assert [Path(frame["picture"]).parent for frame in result["frames"]] == [pictures]
    assert all(Path(frame["picture"]).stat().st_size > 0 for frame in result["frames"])
    assert sorted(study.rglob("*")) == before


def test_doctor_says_whether_all_is_well(capfd):
    assert run(["doctor", "--json"]) == 0
    result, _ = said(capfd)
    assert result["ok"] is True
    assert any(one["what"] == "core" for one in result["findings"])


@pytest.mark.parametrize(
    ("absent", "extra"),
    [("matplotlib", "report"), ("jinja2", "report"), ("pymmcore", "acquisition")],
)
def test_a_demo_that_could_not_end_is_not_begun(tmp_path, monkeypatch, capfd, absent, extra):
    monkeypatch.setitem(sys.modules, absent, None)
    assert run(["demo", "--out", str(tmp_path / "demo")]) == 2
    assert f"pip install 'livedeath[{extra}]'" in capfd.readouterr().err
    assert not (tmp_path / "demo").exists()
