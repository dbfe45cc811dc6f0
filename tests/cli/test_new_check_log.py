"""The commands that declare a study and add to its journal."""

import json
import shutil

import pytest

from livedeath.cli.main import run


def call(capsys, *arguments):
    """Run a command; return its exit status, standard output and standard error."""
    status = run([str(part) for part in arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.fixture
def study(tmp_path, capsys):
    folder = tmp_path / "my study 研究"
    assert call(capsys, "new", folder)[0] == 0
    return folder


def test_new_writes_a_commented_study(study):
    assert (study / "study.toml").read_text(encoding="utf-8").startswith("# A vehicle and a drug")


def test_new_lists_its_templates(capsys):
    status, out, _ = call(capsys, "new", "--list", "--json")
    assert status == 0
    assert "in-vivo-window" in json.loads(out)["templates"]


def test_new_refuses_a_folder_that_is_not_empty(study, capsys):
    before = (study / "study.toml").read_bytes()
    status, _, err = call(capsys, "new", study, "--template", "end-kill")
    assert status == 2
    assert "not empty" in err
    assert (study / "study.toml").read_bytes() == before


def test_new_reads_a_position_list(tmp_path, capsys):
    positions = {
        "map": {"StagePositions": {"array": [
            {
                "DefaultXYStage": {"scalar": "XY"},
                "DevicePositions": {"array": [
                    {"Device": {"scalar": "XY"}, "Position_um": {"array": [100.0, 200.0]}}
                ]},
                "Label": {"scalar": "B03-Site_0"},
            }
        ]}}
    }  # fmt: skip
    file = tmp_path / "list.pos"
    file.write_text(json.dumps(positions), encoding="utf-8")
    status, _, err = call(
        capsys, "new", tmp_path / "s", "--template", "co-culture", "--from-micromanager", file
    )
    assert status == 0, err
    text = (tmp_path / "s" / "study.toml").read_text(encoding="utf-8")
    assert "x_um = 100.0" in text
    assert '"B3"' in text


def test_a_file_that_is_no_position_list_is_refused(tmp_path, capsys):
    file = tmp_path / "list.pos"
    file.write_text("{}", encoding="utf-8")
    status, _, err = call(capsys, "new", tmp_path / "s", "--from-micromanager", file)
    assert status == 2
    assert "no Micro-Manager position list" in err
    assert not (tmp_path / "s").exists()


def test_check_says_what_a_study_costs(study, capsys):
    status, out, _ = call(capsys, "check", study, "--json")
    found = json.loads(out)
    assert status == 0
    assert found["frames"] == 2352
    assert found["arms"]["vehicle"]["units"] == ["B2", "B3", "B4", "B5", "B6", "B7"]


def test_check_shows_what_later_parts_will_use(tmp_path, capsys):
    call(capsys, "new", tmp_path / "s", "--template", "in-vivo-window")
    status, out, _ = call(capsys, "check", tmp_path / "s")
    assert status == 0
    assert "C57BL/6J" in out
    assert "m2-day3" in out


def test_check_refuses_a_schedule_that_cannot_be_kept(study, capsys):
    path = study / "study.toml"
    text = path.read_text(encoding="utf-8").replace("interval_h = 2.0", "interval_h = 0.004")
    path.write_text(text, encoding="utf-8")
    status, _, err = call(capsys, "check", study)
    assert status == 2
    assert "one round takes" in err


def test_check_says_when_the_disk_is_too_small_also_as_json(study, capsys, monkeypatch):
    usage = shutil.disk_usage(study)._replace(free=2 * 10**9)
    monkeypatch.setattr("livedeath.api.check.shutil.disk_usage", lambda path: usage)
    _, out, _ = call(capsys, "check", study, "--json")
    found = json.loads(out)
    assert (found["gigabytes"], found["disk_free_gb"]) == (pytest.approx(4.93, abs=0.01), 2.0)
    (said,) = [note for note in found["warnings"] if "GB" in note]
    assert "2.0 GB are free" in said
    assert f"Note: {said}." in call(capsys, "check", study)[1]


def test_check_of_a_folder_without_study_is_refused(tmp_path, capsys):
    status, out, err = call(capsys, "check", tmp_path, "--json")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_log_appends_to_the_journal(study, capsys):
    arguments = ("log", study, "exclude", "--wells", "B2:B3", "--at", "30", "--why", "fungus")
    status, out, _ = call(capsys, *arguments, "--json")
    assert status == 0
    assert json.loads(out)["wells"] == ["B2", "B3"]
    (line,) = (study / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["why"] == "fungus"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["exclude", "--wells", "B2"], "needs a reason", id="no-reason"),
        pytest.param(["media", "--at", "3"], "name them", id="no-wells"),
        pytest.param(["dose", "--wells", "B2"], "needs what was added", id="no-compound"),
        pytest.param(["media", "--wells", "A1"], "not visited", id="unvisited-well"),
        pytest.param(["media", "--wells", "B2", "--at", "-3"], "--at is '-3'", id="before-start"),
        pytest.param(["eat"], "eat", id="unknown-kind"),
        pytest.param(["note", "--why", "x", "--vessel", "p9"], "--vessel is 'p9'", id="no-vessel"),
    ],
)
def test_log_refuses_what_makes_no_sense(study, capsys, arguments, said):
    status, _, err = call(capsys, "log", study, *arguments)
    assert status == 2
    assert said in err
    assert not (study / "journal.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pixel-size-um", "0.5"], "--pixel-size-um has a meaning with --from"),
        (["--from", "a.tif", "--from-micromanager", "b.pos"], "give one of them"),
    ],
)
def test_new_refuses_what_would_count_for_nothing(tmp_path, capsys, arguments, said):
    assert run(["new", str(tmp_path / "made"), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "made").exists()
