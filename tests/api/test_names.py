import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import livedeath
from livedeath.cli.main import CORE_COMMANDS

ROOT = Path(livedeath.__file__).parent
NAMES = [name for name in livedeath.__all__ if name != "__version__"]

EVERY_MODULE = """
import importlib, pkgutil
import livedeath as ld
for found in pkgutil.walk_packages(ld.__path__, "livedeath."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
for twice in range(2):
    for name in ld.__all__:
        if name != "__version__":
            assert callable(getattr(ld, name)), name
print("all")
"""


def test_no_module_hides_a_name_of_the_api():
    said = subprocess.run(
        [sys.executable, "-c", EVERY_MODULE], capture_output=True, text=True, check=False
    )
    assert said.stdout.strip() == "all", said.stderr


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_the_api_is_that_of_a_room(name):
    rooms = {found.name for found in pkgutil.iter_modules([str(ROOT)])}
    assert name not in rooms


def test_what_is_loaded_when_used_is_what_type_checkers_see():
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        for alias in node.names
    }
    assert typed == livedeath._ROOMS
    assert {"__version__", *typed} == set(livedeath.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_a_docstring_of_its_own(name):
    found = getattr(livedeath, name)
    assert found.__doc__
    assert found.__name__ == name
    assert found.__module__.startswith("livedeath.")


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'segment'"):
        livedeath.segment  # noqa: B018
    assert "open_study" in dir(livedeath)


@pytest.mark.parametrize("command", CORE_COMMANDS)
def test_every_core_command_is_one_call_of_the_api(command):
    verbs = {"export": ["export_study"], "priors": ["export_priors", "read_priors"]}
    module = importlib.import_module(f"livedeath.cli.{command}")
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = {
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for name in verbs.get(command, [command]):
        assert (livedeath._ROOMS[name], name) in imported
