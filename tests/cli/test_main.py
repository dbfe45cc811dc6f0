"""The command itself: light to ask, its words, its exit statuses."""

import errno
import inspect
import os
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from livedeath.cli import main
from livedeath.errors import HardwareError, StudyError

HEAVY = ("matplotlib", "napari", "numba", "numpy", "polars", "pycromanager", "qtpy", "zarr")

LOADED = """
import sys
from livedeath.cli.main import run
status = run({arguments!r})
assert status == 0, status
print(sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)
"""


def loaded_by(*arguments):
    """Return which heavy packages a process holds after running the command."""
    code = LOADED.format(arguments=list(arguments), heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stderr.strip()


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], []], ids=str)
def test_asking_for_help_loads_nothing_heavy(arguments):
    assert loaded_by(*arguments) == "[]"


def test_something_heavy_would_be_noticed(tmp_path):
    assert "polars" in loaded_by("status", study_at(tmp_path / "a"))


def study_at(path):
    path.mkdir()
    main.run(["new", str(path)])
    return str(path)


@pytest.mark.skipif(sys.platform == "win32", reason="processor time of children is POSIX's")
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_answer_at_once(option):
    """0.4 s of processor time; the least of three, for a machine may be busy otherwise."""
    spent = []
    for _ in range(3):
        before = os.times()
        subprocess.run(
            [sys.executable, "-m", "livedeath", option], check=True, stdout=subprocess.DEVNULL
        )
        after = os.times()
        spent.append(
            after.children_user
            - before.children_user
            + after.children_system
            - before.children_system
        )
    assert min(spent) < 0.4


def test_the_sentences_listed_are_the_commands_own():
    commands = {command.name: command for command in main.build_app().registered_commands}
    for name, sentence in main.CORE_COMMANDS.items():
        told = inspect.getdoc(commands[name].callback).partition("\n\n")[0]
        assert " ".join(told.split()) == sentence


def test_only_the_command_that_is_called_is_loaded():
    app = main.build_app("score")
    names = [c.name for c in app.registered_commands if c.callback is main._not_loaded]
    assert set(names) == set(main.CORE_COMMANDS) - {"score"}
    assert not [c for c in main.build_app().registered_commands if c.callback is main._not_loaded]


@pytest.mark.parametrize("name", [*main.CORE_COMMANDS, "acquire", "demo", "look", "review"])
def test_h_is_help_everywhere(name, capsys):
    assert main.run([name, "-h"]) == main.run([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.count("Usage: livedeath") == 2
    assert said[: len(said) // 2] == said[len(said) // 2 :]


def test_a_shell_is_told_what_could_come_next():
    asked = {"_LIVEDEATH_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    words = {"COMP_WORDS": "livedeath score --fo"}
    done = subprocess.run(
        [sys.executable, "-c", "from livedeath.cli.main import main; main()"],
        env=os.environ | asked | words,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["--follow"]


def test_a_misspelt_command_is_named(capsys):
    assert main.run(["scroe"]) == 2
    assert "'score'" in capsys.readouterr().err


def test_a_command_that_cannot_load_says_so_when_it_is_called(monkeypatch, capsys):
    broken = EntryPoint("fly", "no_such_module:register", main.COMMAND_GROUP)
    monkeypatch.setattr(main, "entry_points", lambda group: [broken])
    assert main.run(["--help"]) == 0
    assert "fly" in capsys.readouterr().out
    assert main.run(["fly"]) == 2
    assert "pip install 'livedeath[all]'" in capsys.readouterr().err


# The study's log


@pytest.fixture
def study(tmp_path, capsys):
    folder = tmp_path / "試 study"
    assert main.run(["new", str(folder)]) == 0
    capsys.readouterr()
    return folder


def failing(monkeypatch, error):
    """Let ``livedeath status`` fail once the study is open."""

    def fail(*_):
        raise error

    monkeypatch.setattr("livedeath.run.status._due", fail)


def log_of(study):
    return (study / "logs" / "livedeath.log").read_text(encoding="utf-8")


def test_a_fault_of_ours_is_in_the_studys_log_which_the_message_names(study, monkeypatch, capsys):
    failing(monkeypatch, RuntimeError("something odd: é"))
    assert main.run(["status", str(study)]) == 1
    said = capsys.readouterr().err
    assert str(study / "logs" / "livedeath.log") in said
    assert "Traceback" not in said
    written = log_of(study)
    assert "Traceback (most recent call last)" in written
    assert "RuntimeError: something odd: é" in written
    assert "CRITICAL status[" in written


def test_a_fault_without_a_study_shows_its_traceback(monkeypatch, capsys):
    monkeypatch.setattr("livedeath.installation.doctor", lambda: 1 / 0)
    assert main.run(["doctor"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_full_disk_is_no_fault_of_ours(study, monkeypatch, capsys):
    error = OSError(errno.ENOSPC, "No space left on device", str(study / "journal.jsonl"))
    failing(monkeypatch, error)
    assert main.run(["status", str(study)]) == 2
    said = capsys.readouterr().err
    assert said == (
        f"livedeath: {study / 'journal.jsonl'}: cannot be written (No space left on device); "
        "make room and run the command again\n"
    )


def test_a_file_of_ours_that_is_not_there_is_a_fault(study, monkeypatch, capsys):
    failing(monkeypatch, FileNotFoundError(errno.ENOENT, "No such file or directory", "gone"))
    assert main.run(["status", str(study)]) == 1
    assert "a fault of livedeath" in capsys.readouterr().err


def test_a_refusal_begins_no_log_and_is_added_to_one(study, monkeypatch, capsys):
    before = sorted(study.rglob("*"))
    failing(monkeypatch, StudyError("B3 is no well."))
    assert main.run(["status", str(study)]) == 2
    assert sorted(study.rglob("*")) == before
    failing(monkeypatch, RuntimeError("odd"))
    main.run(["status", str(study)])
    failing(monkeypatch, StudyError("B4 is no well."))
    assert main.run(["status", str(study)]) == 2
    assert "B3" not in log_of(study)
    assert log_of(study).splitlines()[-1].endswith("B4 is no well.")


def test_hardware_that_gave_up_names_the_log(study, monkeypatch, capsys):
    failing(monkeypatch, RuntimeError("odd"))
    main.run(["status", str(study)])
    failing(monkeypatch, HardwareError("the camera is gone"))
    assert main.run(["status", str(study)]) == 3
    assert "livedeath.log" in capsys.readouterr().err.splitlines()[-1]


def test_what_is_no_study_gets_no_log(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "study.toml").write_text("title = 3\n", encoding="utf-8")
    for name in ("empty", "broken", "missing"):
        assert main.run(["status", str(tmp_path / name)]) == 2
    assert not list(tmp_path.rglob("logs"))
