import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tifffile

import scenes
import small_studies
from livedeath.cli import main
from livedeath.store.folder import StudyFolder
from livedeath.store.tables import read_units

HEAD = "neuron_id,time_h,signal"
TOLD = ["--pixel-size-um", "0.65", "--interval-h", "1"]
KEYS = {
    "run",
    "neurons",
    "visits",
    "alive",
    "dead",
    "lost",
    "dead_on_arrival",
    "revoked",
    "field_fault",
    "further",
    "at_border",
    "scales",
    "warnings",
    "traces",
    "calls",
}


@pytest.fixture
def command(tmp_path, capfd, monkeypatch):
    """Return a function that runs ``livedeath`` and returns status, JSON and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main.run([str(argument) for argument in arguments])
        said, errors = capfd.readouterr()
        return status, json.loads(said) if said.startswith("{") else said, errors

    return run


@pytest.fixture
def movie(tmp_path):
    path = tmp_path / "movie 神経.tif"
    tifffile.imwrite(path, small_studies.blobs(), photometric="minisblack")
    return path


def dying(path, *, neurons=20, visits=40, dying=6, extra="", seed=2):
    """Write a table of traces in which the first neurons die."""
    rng = np.random.default_rng(seed)
    lines = [HEAD + (",unit" if extra else "")]
    onsets = np.where(np.arange(neurons) < dying, rng.uniform(20, 80, neurons), np.inf)
    for t in range(visits):
        time_h = 3.0 * t + rng.uniform(0, 1)
        for n in range(neurons):
            if rng.random() < 0.07:
                continue
            signal = 500 * (4 if time_h > onsets[n] else 1) * rng.lognormal(0, 0.08)
            lines.append(f"{n},{time_h:.3f},{signal:.2f}" + (f",u{n % 3}" if extra else ""))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_recording_is_scored_into_a_study_of_its_own(command, movie, tmp_path):
    status, said, errors = command("score", movie, *TOLD, "--out", tmp_path / "out", "--json")
    assert (status, errors) == (0, "")
    assert KEYS <= set(said)
    assert (said["neurons"], said["visits"]) == (4, 6)
    assert all(os.path.isabs(said[name]) for name in ("traces", "calls"))
    assert pl.read_parquet(said["traces"]).height == 24
    folder = StudyFolder.open(tmp_path / "out")
    assert folder.run().name == said["run"]
    assert not (tmp_path / "out" / "images.ome.zarr").exists()
    key = next(iter(folder.plan.frames()))
    np.testing.assert_array_equal(folder.images.read(key), small_studies.blobs()[0])


def test_scoring_the_study_again_finds_the_same_run(command, movie, tmp_path):
    first = command("score", movie, *TOLD, "--out", tmp_path / "out", "--json")[1]
    status, second, _ = command("score", tmp_path / "out", "--json")
    assert status == 0
    assert second == first


def test_a_well_that_is_excluded_after_scoring_changes_no_run(command, movie, tmp_path):
    first = command("score", movie, *TOLD, "--out", tmp_path / "out", "--json")[1]
    tables = [pl.read_parquet(first[name]) for name in ("traces", "calls")]
    named = ["--wells", "A1", "--at", "0", "--why", "mould"]
    assert command("log", tmp_path / "out", "exclude", *named)[0] == 0
    status, again, errors = command("score", tmp_path / "out", "--json")
    assert (status, errors) == (0, "")
    assert (again["run"], again["neurons"]) == (first["run"], 4)
    for before, name in zip(tables, ("traces", "calls"), strict=True):
        assert pl.read_parquet(again[name]).equals(before, null_equal=True)


def test_without_out_the_folder_is_named_after_the_input(command, movie, tmp_path):
    assert command("score", movie, *TOLD)[0] == 0
    assert (tmp_path / "movie 神経-livedeath" / "study.toml").is_file()
    status, _, errors = command("score", movie, *TOLD)
    assert status == 2
    assert "not empty" in errors


def test_labels_say_where(command, movie, tmp_path):
    labels = np.zeros((6, 96, 96), np.uint16)
    labels[:, 18:30, 18:30] = [[[n]] for n in (5, 1, 9, 5, 2, 3)]
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    told = [*TOLD, "--labels", tmp_path / "labels.tif", "--out", tmp_path / "out", "--json"]
    status, said, _ = command("score", movie, *told)
    assert (status, said["neurons"]) == (0, 1)


def test_a_recording_that_was_changed_is_not_read_silently(command, movie, tmp_path):
    command("score", movie, *TOLD, "--out", tmp_path / "out")
    tifffile.imwrite(movie, small_studies.blobs(seed=9), photometric="minisblack")
    told = ["--false-alarms", "2"]
    status, _, errors = command("score", tmp_path / "out", *told)
    assert status == 2
    assert "was changed" in errors


def test_a_table_of_traces_is_scored(command, tmp_path):
    table = dying(tmp_path / "t.csv", extra="unit")
    status, said, errors = command("score", table, "--out", tmp_path / "out", "--json")
    assert (status, errors) == (0, "")
    assert KEYS <= set(said)
    assert (said["neurons"], said["visits"], said["dead"]) == (20, 40, 6)
    calls = pl.read_parquet(said["calls"])
    assert calls.filter(pl.col("outcome") == "dead")["neuron_id"].to_list() == list(range(6))
    assert calls["unit"].to_list() == [f"u{n % 3}" for n in range(20)]
    assert calls["death_h"].null_count() == 14
    assert read_units(Path(said["calls"]))["death_h"] == "h"
    assert (tmp_path / "out" / "provenance.json").is_file()


def test_a_transient_that_recovers_is_counted_as_taken_back(command, tmp_path):
    rng, lines = np.random.default_rng(5), ["neuron_id,time_h,signal,reference"]
    for n in range(20):
        for hour in range(60):
            fold = 4.0 if n < 4 and 30 <= hour < 33 else 1.0
            signal = 500 * fold * rng.lognormal(0, 0.05)
            lines.append(f"{n},{hour},{signal:.2f},{2000 * rng.lognormal(0, 0.03):.2f}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    told = ["score", tmp_path / "t.csv", "--out"]
    status, said, errors = command(*told, tmp_path / "out", "--json")
    assert (status, errors) == (0, "")
    assert (said["alive"], said["dead"], said["revoked"], said["field_fault"]) == (20, 0, 4, 0)
    calls = pl.read_parquet(said["calls"])
    assert calls.filter(pl.col("revoked_at_h").is_not_null())["neuron_id"].to_list() == [0, 1, 2, 3]
    assert "4 called and taken back" in str(command(*told, tmp_path / "again")[1])
    (tmp_path / "cut.csv").write_text(
        "\n".join(
            line
            for line in lines[:1] + [line for line in lines[1:] if float(line.split(",")[1]) < 33]
        )
        + "\n"
    )
    early = command("score", tmp_path / "cut.csv", "--out", tmp_path / "cut", "--json")[1]
    assert (early["dead"], early["revoked"]) == (4, 0)


def test_a_dye_in_a_table_is_weighed_beside_the_signal(command, tmp_path):
    rng, lines = np.random.default_rng(6), ["neuron_id,time_h,signal,dye,dye_sd"]
    for n in range(20):
        for hour in range(48):
            dead = n < 4 and hour >= 30
            signal = 500 * (1.5 if dead else 1.0) * rng.lognormal(0, 0.12)
            dye = rng.normal(60.0 if dead else 0.0, 10.0)
            lines.append(f"{n},{hour},{signal:.2f},{f'{dye:.2f}' if hour % 2 else ''},10")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    status, said, errors = command("score", tmp_path / "t.csv", "--out", tmp_path / "a", "--json")
    assert (status, errors) == (0, "")
    assert (said["further"], said["dead"]) == (["dye"], 4)
    text = command("score", tmp_path / "t.csv", "--out", tmp_path / "b")[1]
    assert "weighed beside the signal: dye" in str(text)
    (tmp_path / "less.csv").write_text("\n".join(",".join(x.split(",")[:3]) for x in lines) + "\n")
    alone = command("score", tmp_path / "less.csv", "--out", tmp_path / "c", "--json")[1]
    assert alone["further"] == []
    sooner, later = (
        pl.read_parquet(x["calls"])["called_at_h"].to_list()[:4] for x in (said, alone)
    )
    assert all(a <= b for a, b in zip(sooner, later, strict=True))
    assert sum(sooner) < sum(later) - 4.0
    wrong = [lines[0], *(x.rsplit(",", 1)[0] + ",-1" for x in lines[1:])]
    (tmp_path / "wrong.csv").write_text("\n".join(wrong) + "\n")
    status, _, errors = command("score", tmp_path / "wrong.csv", "--out", tmp_path / "d")
    assert status == 2
    assert "dye_sd in row 2 is -1" in errors
    assert not (tmp_path / "d").exists()


def test_what_is_called_does_not_depend_on_what_comes_later(command, tmp_path):
    table = dying(tmp_path / "t.csv")
    whole = pl.read_csv(table)
    calls = pl.read_parquet(command("score", table, "--out", "all", "--json")[1]["calls"])
    for hour in (60.0, 75.0, 100.0):
        whole.filter(pl.col("time_h") <= hour).write_csv(tmp_path / "cut.csv")
        out = f"cut-{hour:g}"
        cut = pl.read_parquet(command("score", "cut.csv", "--out", out, "--json")[1]["calls"])
        by_then = calls.filter(pl.col("called_at_h") <= hour)
        called = cut.drop_nulls("called_at_h")
        assert by_then.height
        assert called.select("neuron_id", "called_at_h").rows() == (
            by_then.select("neuron_id", "called_at_h").rows()
        )


def test_a_stricter_rate_calls_no_earlier(command, tmp_path):
    table = dying(tmp_path / "t.csv")
    calls = {}
    for rate in ("0.01", "100"):
        said = command("score", table, "--false-alarms", rate, "--out", f"o{rate}", "--json")[1]
        calls[rate] = pl.read_parquet(said["calls"]).filter(pl.col("neuron_id") < 6)["called_at_h"]
    assert (calls["0.01"] >= calls["100"]).all()
    assert (calls["0.01"] > calls["100"]).any()


REFUSED = {
    "no file": (["none.tif", *TOLD], "no such file"),
    "pixel size": (["{movie}", "--pixel-size-um", "-1", "--interval-h", "1"], "is -1"),
    "no pixel size": (["{movie}", "--interval-h", "1"], "--pixel-size-um"),
    "no times": (["{movie}", "--pixel-size-um", "1"], "--interval-h or --times-h"),
    "times fall": (["{movie}", "--pixel-size-um", "1", "--times-h", "0,1,3,2,4,5"], "increase"),
    "times few": (["{movie}", "--pixel-size-um", "1", "--times-h", "0,1,3"], "gives 3 hours"),
    "times text": (["{movie}", "--pixel-size-um", "1", "--times-h", "0,b"], "'0,b'"),
    "channel": (["{movie}", *TOLD, "--fill", "GFP"], "'GFP'"),
    "channel number": (["{movie}", *TOLD, "--indicator", "1"], "'1'"),
    "both": (["{movie}", *TOLD, "--fill", "0", "--indicator", "0"], "must differ"),
    "labels shape": (["{movie}", *TOLD, "--labels", "{short}"], "5 visits of 96 x 96"),
    "labels none": (["{movie}", *TOLD, "--labels", "none.tif"], "no such file"),
    "labels huge": (["{movie}", *TOLD, "--labels", "{huge}"], "the label 4000000000"),
    "pixel text": (
        ["{movie}", "--pixel-size-um", "abc"],
        "--pixel-size-um is 'abc'; write a number",
    ),
    "rate": (["{movie}", *TOLD, "--false-alarms", "0"], "--false-alarms is 0"),
    "workers": (["{movie}", *TOLD, "--workers", "0"], "--workers is 0"),
    "follow": (["{movie}", *TOLD, "--follow"], "--follow"),
    "follow none": (["none", "--follow"], "no such file"),
    "two channels": (["{two}", *TOLD], "say with --fill and --indicator"),
    "table with pixels": (["{table}", "--pixel-size-um", "1"], "table of traces has no images"),
    "empty table": (["{empty}"], "file is empty"),
    "no table": (["none.csv"], "no such file"),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=list(REFUSED))
def test_bad_input_is_one_sentence_and_no_folder(command, movie, tmp_path, arguments, said):
    files = {name: tmp_path / f"{name}.tif" for name in ("short", "two", "huge")}
    files |= {name: tmp_path / f"{name}.csv" for name in ("table", "empty")}
    tifffile.imwrite(files["short"], small_studies.blobs(visits=5), photometric="minisblack")
    tifffile.imwrite(files["huge"], np.full((6, 96, 96), 4_000_000_000, np.uint32))
    two = small_studies.blobs(channels=2)
    tifffile.imwrite(files["two"], two, imagej=True, metadata={"axes": "TCYX"})
    files["table"].write_text(f"{HEAD}\n1,0,5\n")
    files["empty"].write_text("")
    filled = [argument.format(movie=movie, **files) for argument in arguments]
    status, out, errors = command("score", *filled, "--out", tmp_path / "out", "--json")
    assert status == 2
    assert said in errors
    assert errors.count("\n") == 1
    assert out == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("closed", [True, False])
def test_frames_that_are_no_evidence_are_told_in_words(command, tmp_path, closed):
    frames = small_studies.blobs(visits=8) + np.uint16(100)
    if closed:
        frames[5] = 100
    tifffile.imwrite(tmp_path / "shutter.tif", frames, photometric="minisblack")
    status, out, errors = command("score", "shutter.tif", *TOLD, "--out", tmp_path / "out")
    assert (status, errors) == (0, "")
    assert ("\nFrames judged bad, and no evidence of anything: 1 " in out) is closed
    assert ("judged bad" in out) is closed


def test_an_output_folder_that_holds_something_is_refused(command, movie, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    status, _, errors = command("score", movie, *TOLD, "--out", tmp_path / "out")
    assert status == 2
    assert "not empty" in errors
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_an_output_that_is_a_file_is_refused(command, movie, tmp_path):
    status, _, errors = command("score", movie, *TOLD, "--out", movie)
    assert status == 2
    assert "this is a file" in errors


def test_a_study_is_not_given_what_it_says_itself(command, tmp_path):
    small_studies.acquire(small_studies.create(tmp_path / "study"))
    status, _, errors = command("score", "study", "--pixel-size-um", "1")
    assert status == 2
    assert "a study says it itself" in errors


def test_a_study_without_frames_says_what_to_do(command, tmp_path):
    small_studies.create(tmp_path / "study")
    status, _, errors = command("score", "study")
    assert status == 2
    assert "livedeath acquire" in errors


def test_a_missed_frame_of_an_own_study_is_no_black_image(command, tmp_path):
    folder = small_studies.create(tmp_path / "study")
    keys = list(folder.plan.frames())
    small_studies.acquire(folder, missed=[keys[4], keys[5]])
    status, said, _ = command("score", "study", "--json")
    assert (status, said["visits"]) == (0, 10)


def test_real_nuclei_are_found_and_followed(command, shared_data, tmp_path):
    told = ["--pixel-size-um", "0.645", "--interval-h", "0.5", "--out", "out", "--json"]
    status, said, _ = command("score", shared_data / "mitocheck_movie.tif", *told)
    assert (status, said["visits"]) == (0, 30)
    assert 15 <= said["neurons"] <= 45


def outlined(path, *, width, visits=6):
    """Write labels of the four neurons of `small_studies.blobs`, discs of a width (px)."""
    y, x = np.mgrid[:96, :96]
    labels = np.zeros((visits, 96, 96), np.uint16)
    for k, (cy, cx) in enumerate(((24, 24), (24, 70), (70, 26), (68, 68))):
        labels[:, np.hypot(y - cy, x - cx) <= width / 2] = k + 1
    tifffile.imwrite(path, labels)
    return path


@pytest.mark.parametrize(
    ("told", "said"), [([], "those of neurons are about 16 um"), (["11"], "told to be 11 um")]
)
def test_a_wrong_pixel_size_is_said_in_words_json_provenance_and_report(
    command, movie, tmp_path, told, said
):
    labels = outlined(tmp_path / "labels.tif", width=22)
    told = [word for um in told for word in ("--soma-diameter-um", um)]
    told += ["--pixel-size-um", "1.3", "--interval-h", "1", "--labels", labels]
    status, words, _ = command("score", movie, *told, "--out", tmp_path / "out")
    assert status == 0
    assert "Warning: somata look 28.5 um wide (4 measured), " in words
    assert said in words
    assert "the pixel size of 1.3 um" in words
    told_again = told[:2] if told[0] == "--soma-diameter-um" else []
    told_again += ["--labels", labels, "--json"]
    again = command("score", tmp_path / "out", *told_again)[1]
    assert len(again["warnings"]) == 1
    provenance = json.loads((Path(again["traces"]).parent / "provenance.json").read_text("utf-8"))
    assert provenance["warnings"] == again["warnings"]
    assert command("report", tmp_path / "out")[0] == 0
    page = next((tmp_path / "out" / "reports").rglob("report.html")).read_text("utf-8")
    assert again["warnings"][0][1:] in page.replace("&#39;", "'")


def test_the_right_pixel_size_brings_no_warning(command, movie, tmp_path):
    labels = outlined(tmp_path / "labels.tif", width=22)
    told = [*TOLD, "--labels", labels, "--out", tmp_path / "out"]
    status, words, _ = command("score", movie, *told)
    assert status == 0
    assert "Warning" not in words
    assert "Somata are taken to be 16 um wide (24.6 pixels of 0.65 um), 14.2 um by 4 seen" in words


@pytest.mark.parametrize("wrong", ["0.5", "-3", "500", "nan"])
def test_a_soma_that_cannot_be_is_refused_before_anything_is_made(command, movie, tmp_path, wrong):
    told = [*TOLD, "--soma-diameter-um", wrong, "--out", tmp_path / "out"]
    status, _, errors = command("score", movie, *told)
    assert status == 2
    assert "--soma-diameter-um" in errors
    assert not (tmp_path / "out").exists()


def test_somata_at_the_border_are_said(command, tmp_path):
    frames = small_studies.blobs()
    frames = np.concatenate([frames[:, :, 24:], frames[:, :, :24]], axis=2)
    tifffile.imwrite(tmp_path / "cut.tif", frames, photometric="minisblack")
    told = ["--pixel-size-um", "1.3", "--interval-h", "1", "--out", tmp_path / "out"]
    status, words, _ = command("score", tmp_path / "cut.tif", *told)
    assert status == 0
    again = command("score", tmp_path / "out", "--json")[1]
    assert again["at_border"] > 0
    assert f"; {again['at_border']} touch the border and are not followed" in words


@pytest.fixture(scope="module")
def somata(tmp_path_factory):
    """Return a movie of 14 somata, 16 px wide, with neurites and debris."""
    scene = scenes.Scene.random(14, low=1e4, seed=4)
    frames = np.stack([scene.visit(t, indicator=False).images["fill"] for t in range(4)])
    path = tmp_path_factory.mktemp("somata") / "somata.tif"
    tifffile.imwrite(path, frames, photometric="minisblack")
    return path


@pytest.mark.parametrize(("pixel_um", "wrong"), [("0.5", True), ("1.0", False), ("2.0", True)])
def test_a_pixel_size_wrong_by_two_is_said_and_changes_not_who_is_found(
    command, somata, tmp_path, pixel_um, wrong
):
    told = ["--pixel-size-um", pixel_um, "--interval-h", "1", "--out", tmp_path / "out", "--json"]
    status, said, errors = command("score", somata, *told)
    assert (status, errors) == (0, "")
    assert said["neurons"] == 14
    assert [f"the pixel size of {float(pixel_um):g} um" in one for one in said["warnings"]] == (
        [True] if wrong else []
    )
    (scale,) = said["scales"]
    assert scale["soma_diameter_um"] / float(pixel_um) == pytest.approx(16.0, rel=0.25)
    assert scale["somata"] >= 10
