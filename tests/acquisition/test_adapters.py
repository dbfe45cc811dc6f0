import ctypes

import pytest

from livedeath.errors import HardwareError, StudyError
from livedeath_acquisition import adapters


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "my scope.cfg"
    path.write_text(
        "# a comment\nProperty,Core,Initialize,0\nDevice,Camera,DemoCamera,DCam\n"
        "Device,Z,DemoCamera,DStage\nDevice,Shutter,Utilities,State Device Shutter\n",
        encoding="utf-8",
    )
    return path


def test_a_configurations_adapters_are_named_once(config):
    assert adapters.needed_adapters(config) == ("DemoCamera", "Utilities")


def test_the_bundled_adapters_are_found_and_fit(config, monkeypatch):
    monkeypatch.delenv("MICROMANAGER_PATH", raising=False)
    folder = adapters.folder_for(config)
    assert set(adapters.needed_adapters(config)) <= set(adapters.names_in(folder))


def test_a_missing_adapter_is_named_with_what_to_do(config):
    with config.open("a", encoding="utf-8") as file:
        file.write("Device,Laser,NoSuchLaser,L\n")
    with pytest.raises(HardwareError, match=r"NoSuchLaser.*set MICROMANAGER_PATH"):
        adapters.folder_for(config)


def test_the_bundled_adapters_speak_the_cores_interface():
    folder = adapters.bundled()
    path = adapters.library(folder, "DemoCamera")
    assert adapters.adapter_interface(path) == adapters.core_interface() >= 75


def test_a_mismatch_names_both_versions_in_one_sentence(monkeypatch):
    # The core itself only says that the adapter failed to load.
    monkeypatch.setattr(adapters, "core_interface", lambda: 74)
    with pytest.raises(HardwareError, match=r"speaks device interface 75.*pymmcore speaks 74"):
        adapters.check_interface(adapters.bundled(), ("DemoCamera",))


def test_an_adapter_that_cannot_be_asked_is_left_to_the_core(tmp_path, monkeypatch):
    path = tmp_path / "libmmgr_dal_Broken.so.0"
    path.write_bytes(b"no library")
    assert adapters.adapter_interface(path) is None
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert adapters.adapter_interface(path) is None
    adapters.check_interface(tmp_path, ("Broken",))


def test_what_is_no_configuration_is_refused(tmp_path):
    path = tmp_path / "notes.cfg"
    path.write_text("milk, eggs", encoding="utf-8")
    with pytest.raises(StudyError, match="is no Micro-Manager configuration"):
        adapters.needed_adapters(path)


def test_the_configurations_own_folder_is_looked_in_first(config):
    assert next(adapters.folders(config)) == config.parent
