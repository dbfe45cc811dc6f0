"""StarDist in the place of our own outlines, through a stand-in of the package that runs it."""

import json
import sys
import types

import numpy as np
import pytest
import tifffile
from scipy import ndimage

import livedeath as ld
import small_studies
from livedeath.cli import main
from livedeath.errors import OptionalDependencyError, StudyError

TOLD = {"pixel_size_um": 0.65, "interval_h": 1}


class Panic(BaseException):
    """As the package's own, which is no Exception."""


Panic.__name__ = "PanicException"


class StarDist2D:
    """Outlines what is bright; wants the weights that the test wrote."""

    fetched = False

    @staticmethod
    def init_fluo(weights_path=None, gpu=None):
        if weights_path is None:
            StarDist2D.fetched = True
        with open(weights_path, "rb") as file:
            if file.read() not in (b"weights", b"others"):
                raise Panic("failed to fill whole buffer")
        return StarDist2D()

    def predict_fluo(self, data, pmin=None, pmax=None, prob_threshold=None, nms_threshold=None):
        assert data.ndim == 2
        return ndimage.label(ndimage.gaussian_filter(data, 2) > 100)[0].astype(np.uint16)


@pytest.fixture
def installed(monkeypatch):
    module = types.ModuleType("cellcast.models")
    module.StarDist2D = StarDist2D
    monkeypatch.setitem(sys.modules, "cellcast", types.ModuleType("cellcast"))
    monkeypatch.setitem(sys.modules, "cellcast.models", module)
    StarDist2D.fetched = False


@pytest.fixture
def movie(tmp_path):
    tifffile.imwrite(tmp_path / "movie.tif", small_studies.blobs(), photometric="minisblack")
    return tmp_path / "movie.tif"


@pytest.fixture
def weights(tmp_path):
    (tmp_path / "model.bpk").write_bytes(b"weights")
    return tmp_path / "model.bpk"


def test_neurons_are_where_the_network_says(installed, movie, weights, tmp_path):
    scored = ld.score(movie, **TOLD, segmenter="stardist", weights=weights, out=tmp_path / "a")
    assert scored.calls.height == 4
    expected = StarDist2D().predict_fluo(small_studies.blobs()[2].astype(np.float32)) > 0
    labels = ld.open_study(tmp_path / "a").labels("A1")[2]
    np.testing.assert_array_equal(labels > 0, expected)
    assert not StarDist2D.fetched
    ours = ld.score(movie, **TOLD, out=tmp_path / "b")
    assert ours.run.name != scored.run.name
    assert not np.array_equal(ld.open_study(tmp_path / "b").labels("A1")[2] > 0, expected)


def test_other_weights_are_another_run_and_threads_change_nothing(
    installed, movie, weights, tmp_path
):
    told = {"segmenter": "stardist", "weights": weights}
    first = ld.score(movie, **TOLD, **told, out=tmp_path / "a")
    weights.write_bytes(b"others")
    second = ld.score(tmp_path / "a", **told, workers=3)
    assert first.run.name != second.run.name
    assert first.run.traces().equals(second.run.traces(), null_equal=True)
    said = json.loads((second.run.path / "provenance.json").read_text("utf-8"))
    assert said["labels"]["segmenter"] == "stardist"
    assert len(said["labels"]["weights"]) == 64


REFUSED = {
    "without weights": (["--segmenter", "stardist"], "needs --weights FILE.bpk"),
    "no such file": (["--segmenter", "stardist", "--weights", "no.bpk"], "'no.bpk'"),
    "another format": (["--segmenter", "stardist", "--weights", "movie.tif"], "ends in .bpk"),
    "no model in it": (["--segmenter", "stardist", "--weights", "bad.bpk"], "holds no StarDist"),
    "another name": (["--segmenter", "cellpose"], "--labels"),
    "weights alone": (["--weights", "model.bpk"], "--segmenter stardist"),
    "labels too": (
        ["--segmenter", "stardist", "--weights", "model.bpk", "--labels", "movie.tif"],
        "both say where",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence_and_nothing_is_made(
    case, installed, movie, weights, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.bpk").write_bytes(b"")
    words, said = REFUSED[case]
    told = ["--pixel-size-um", "0.65", "--interval-h", "1", "--out", "out"]
    assert main.run(["score", "movie.tif", *told, *words]) == 2
    error = capfd.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert not StarDist2D.fetched


def test_without_the_package_it_says_what_to_install(movie, weights, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cellcast", None)
    monkeypatch.setitem(sys.modules, "cellcast.models", None)
    with pytest.raises(OptionalDependencyError, match=r"livedeath\[stardist\]"):
        ld.score(movie, **TOLD, segmenter="stardist", weights=weights, out=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_message_says_how_to_get_weights(movie, tmp_path):
    with pytest.raises(StudyError, match="downloads nothing: take stardist_2d_versatile_fluo"):
        ld.score(movie, **TOLD, segmenter="stardist", out=tmp_path / "a")
