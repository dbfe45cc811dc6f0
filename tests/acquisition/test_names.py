import subprocess
import sys

import pytest

import livedeath_acquisition
import napari_livedeath

EVERY_MODULE = """
import importlib, pkgutil, {package} as package
for found in pkgutil.walk_packages(package.__path__, "{package}."):
    importlib.import_module(found.name)
for twice in range(2):
    assert all(callable(getattr(package, name)) for name in package.__all__)
print("all")
"""


@pytest.mark.parametrize("package", [livedeath_acquisition, napari_livedeath])
def test_no_module_hides_a_name_that_the_package_offers(package):
    code = EVERY_MODULE.format(package=package.__name__)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.stdout.strip() == "all", said.stderr


@pytest.mark.parametrize("package", [livedeath_acquisition, napari_livedeath])
def test_another_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="no attribute 'drive'"):
        package.drive  # noqa: B018
