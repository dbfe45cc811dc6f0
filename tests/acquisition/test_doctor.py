import sys

import pytest

from livedeath_acquisition import adapters, doctor


def finding(what):
    return next(one for one in doctor.examine() if one.what == what)


def test_everything_needed_to_test_is_well():
    assert not [one for one in doctor.examine() if one.state == "wrong"]


def test_the_cores_device_interface_is_said():
    assert f"device interface {adapters.core_interface()}" in finding("core").said


def test_without_the_extra_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymmcore", None)
    (seen,) = doctor.examine()
    assert seen.state == "missing"
    assert "pip install 'livedeath[acquisition]'" in seen.said


def test_adapters_of_another_interface_are_wrong(monkeypatch):
    ours = adapters.core_interface()
    monkeypatch.setattr(adapters, "core_interface", lambda: ours - 1)
    wrong = [one for one in doctor.examine() if one.state == "wrong"]
    assert any("speaks device interface" in one.said for one in wrong)


@pytest.mark.parametrize("name", ["MICROMANAGER_PATH"])
def test_a_named_folder_without_adapters_is_passed_over(monkeypatch, tmp_path, name):
    monkeypatch.setenv(name, str(tmp_path))
    assert not [one for one in doctor.examine() if str(tmp_path) in one.what]
