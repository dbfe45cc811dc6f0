import subprocess
import sys

import pytest

npe2 = pytest.importorskip("npe2")


@pytest.fixture
def manifest():
    return npe2.PluginManifest.from_distribution("livedeath")


def test_the_plugin_is_discovered_under_the_name_of_its_distribution():
    manager = npe2.PluginManager()
    manager.discover()
    assert manager.get_manifest("livedeath").display_name == "livedeath"


def test_every_command_points_at_something_that_can_be_imported(manifest):
    manifest.validate_imports()


def test_every_command_carries_the_distributions_name(manifest):
    assert manifest.contributions.commands
    for command in manifest.contributions.commands:
        assert command.id.startswith("livedeath.")


def test_a_foreign_folder_offers_the_reader_but_a_tiff_does_not(manifest, tmp_path):
    manager = npe2.PluginManager()
    manager.register(manifest)
    folders = list(manager.iter_compatible_readers([str(tmp_path)]))
    assert [reader.command for reader in folders] == ["livedeath.get_reader"]
    assert list(manager.iter_compatible_readers(["image.tif"])) == []


def test_the_manifest_is_valid_by_the_validator_itself():
    done = subprocess.run(
        [sys.executable, "-c", "from npe2.cli import main; main()", "validate", "livedeath"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "valid" in done.stdout


def test_a_wrong_manifest_is_refused_by_the_same_check(manifest, tmp_path):
    path = tmp_path / "napari.yaml"
    path.write_text(manifest.yaml().replace("livedeath.review", "other.review"), encoding="utf-8")
    with pytest.raises(Exception, match="must start with the current package name"):
        npe2.PluginManifest.from_file(path)
