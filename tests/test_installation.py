"""What ``livedeath doctor`` finds, with and without the extras."""

import json
from importlib.metadata import EntryPoint

import pytest

import rooms
from livedeath import installation
from livedeath.cli import main
from livedeath.installation import Finding


def finding(what):
    (found,) = [one for one in installation.doctor() if one.what == what]
    return found


def hide(monkeypatch, *packages):
    """Let packages seem not to be installed."""
    found = installation.version_of
    monkeypatch.setattr(
        installation, "version_of", lambda name: None if name in packages else found(name)
    )


def test_every_dependency_of_the_core_is_looked_at():
    named = {rooms.normal(one.what) for one in installation.doctor()}
    lacking = rooms.declared()[""] - named
    assert not lacking, "installed before pyproject.toml changed? pip install -e '.[all,test]'"


def test_the_extras_are_those_a_user_may_want():
    assert installation.extras() == ["acquisition", "bank", "napari", "report", "survival"]


def test_everything_needed_to_test_is_well():
    assert not [one for one in installation.doctor() if one.state == "wrong"]


def test_a_missing_extra_says_how_to_install_it(monkeypatch):
    hide(monkeypatch, "napari")
    seen = finding("extra napari")
    assert seen.state == "missing"
    assert seen.said == "without napari; run: pip install 'livedeath[napari]'"


def test_the_core_is_wrong_without_one_of_its_packages(monkeypatch):
    hide(monkeypatch, "zarr")
    assert finding("zarr").state == "wrong"


FITTING = {"pycromanager": "==1.0.2", "pandas": "<3,>=2.2", "zarr": ">=3.0.8"}


@pytest.mark.parametrize(("package", "needed"), FITTING.items())
def test_a_version_that_does_not_fit_is_wrong(monkeypatch, package, needed):
    found = installation.version_of
    monkeypatch.setattr(
        installation, "version_of", lambda name: "2.0" if name == package else found(name)
    )
    seen = finding(package)
    assert seen.state == "wrong"
    assert seen.said == f"2.0, but livedeath needs {needed}; run: pip install '{package}{needed}'"


def test_a_version_that_nobody_here_needs_otherwise_is_no_fault(monkeypatch):
    hide(monkeypatch, "lifelines")
    found = installation.version_of
    monkeypatch.setattr(
        installation, "version_of", lambda name: "3.1" if name == "pandas" else found(name)
    )
    assert not [one for one in installation.doctor() if one.what == "pandas"]


def test_other_rooms_add_what_only_they_can_know():
    whats = [one.what for one in installation.doctor()]
    assert {"Qt", "screen", "core"} <= set(whats)


def test_a_check_that_fails_is_told_and_costs_no_other(monkeypatch):
    entries = [
        EntryPoint("broken", "no_such_module:examine", installation.CHECKS),
        EntryPoint("well", "test_installation:well", installation.CHECKS),
    ]
    monkeypatch.setattr(installation.importlib.metadata, "entry_points", lambda group: entries)
    monkeypatch.setitem(installation.sys.modules, "test_installation", _Module())
    last = installation.doctor()[-2:]
    assert (last[0].what, last[0].state) == ("broken", "wrong")
    assert "no_such_module" in last[0].said
    assert last[1] == Finding("well", "ok", "indeed")


class _Module:
    @staticmethod
    def well():
        return [Finding("well", "ok", "indeed")]


def test_sources_that_were_never_installed_are_said_to_be(monkeypatch):
    def absent(name):
        raise installation.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(installation.importlib.metadata, "requires", absent)
    assert finding("installation").state == "wrong"


def test_the_command_says_it_as_json_and_in_words(monkeypatch, capsys):
    hide(monkeypatch, "lifelines")
    assert main.run(["doctor", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True
    assert set(said) == {"ok", "findings"}
    assert {"what", "state", "said"} == set().union(*said["findings"])
    assert main.run(["doctor"]) == 0
    assert "MISSING extra survival" in capsys.readouterr().out
