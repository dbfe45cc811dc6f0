"""Rules of the house that a reader can check only by reading everything."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from livedeath.kernels.bank import LANES

ROOT = Path(__file__).resolve().parents[1]
KERNELS = sorted((ROOT / "src/livedeath/kernels").glob("[a-z]*.py"))
SOURCES = sorted(
    path for folder in ("src", "acquisition", "plugins") for path in (ROOT / folder).rglob("*.py")
)
ALLOWED_FLAGS = {"cache", "nogil", "inline", "forceinline", "error_model", "fastmath"}
ALLOWED_VALUES = {"error_model": {"'numpy'"}, "fastmath": {"LANES"}}
"""A division by zero may not end a run; sums may be reordered, numbers that are none stay so."""
LONGEST_FILE = 600


def is_jitted(function):
    return any("njit" in ast.unparse(mark) for mark in function.decorator_list)


def kernels_of(path):
    """Return the public jitted functions of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [f for f in functions if is_jitted(f) and not f.name.startswith("_")]


def faults_of(function, twins):
    """Say what a kernel lacks."""
    faults = []
    if not ast.get_docstring(function):
        faults.append("no docstring")
    if function.name not in twins:
        faults.append("no readable twin")
    flags = {word.arg for mark in function.decorator_list for word in getattr(mark, "keywords", [])}
    if flags - ALLOWED_FLAGS:
        faults.append(f"flags {sorted(flags - ALLOWED_FLAGS)}")
    for mark in function.decorator_list:
        for word in getattr(mark, "keywords", []):
            value = ast.unparse(word.value)
            if value not in ALLOWED_VALUES.get(word.arg, {value}):
                faults.append(f"{word.arg}={value}")
    return faults


def test_sums_over_lanes_may_be_reordered_and_nothing_else():
    assert LANES == {"reassoc", "contract"}


def twins_of(path):
    twin = ROOT / "tests/reference" / path.name
    if not twin.exists():
        return set()
    tree = ast.parse(twin.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_every_kernel_has_a_docstring_a_twin_and_allowed_flags(path):
    faults = {f.name: faults_of(f, twins_of(path)) for f in kernels_of(path)}
    assert {name: found for name, found in faults.items() if found} == {}


def test_a_kernel_that_takes_numbers_that_are_none_for_numbers_is_found_out():
    source = "@njit(fastmath=True, error_model='python')\ndef kernel(x):\n    'Do.'\n    return x\n"
    fast = ast.parse(source).body[0]
    assert faults_of(fast, {"kernel"}) == ["fastmath=True", "error_model='python'"]


def test_a_kernel_without_all_of_these_is_found_out():
    bad = ast.parse("@njit(parallel=True)\ndef kernel(x):\n    return x\n").body[0]
    assert faults_of(bad, set()) == ["no docstring", "no readable twin", "flags ['parallel']"]


def test_there_are_kernels_to_check():
    assert sum(len(kernels_of(path)) for path in KERNELS) > 5


@pytest.mark.parametrize("module", ["livedeath", "livedeath.model.study", "livedeath.cli.main"])
def test_importing_is_light(module):
    heavy = "{'numba', 'napari', 'matplotlib', 'pycromanager', 'qtpy'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_a_heavy_import_would_be_noticed():
    code = "import sys, livedeath.kernels.label; print('numba' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "True"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_outgrows_its_room(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_continuous_integration_runs_the_test_command_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = [
        line
        for line in readme.splitlines()
        if line.endswith("python -m pytest") and ".venv/bin" in line
    ]
    assert command.replace("pip install", "pip install -q") in (ROOT / ".ci/run").read_text(
        encoding="utf-8"
    )


def test_no_tool_hides_a_folder_of_the_tests():
    tools = {path.stem for path in (ROOT / "tools").glob("*.py")}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert not tools & folders
