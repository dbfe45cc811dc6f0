"""What docs/architecture.md says about the rooms is so, and names in docstrings exist."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
CORE = ROOT / "src/livedeath"
SOURCES = sorted([*CORE.rglob("*.py"), *(ROOT / "acquisition").rglob("*.py")])
NAME = re.compile(r"`(livedeath(?:_acquisition)?(?:\.\w+)+)`")
ENTRY_POINTS = {"livedeath.commands", "livedeath.checks"}


def layers(contract):
    """Return the layers of an import contract, top first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (found,) = [one["layers"] for one in contracts if one.get("containers") == [contract]]
    return [sorted(layer.split(" | ")) for layer in found]


def drawn(text):
    """Return the layers of a line of arrows, top first."""
    return [sorted(part.strip() for part in layer.split("|")) for layer in text.split("→")]


def arrows():
    (block,) = re.findall(r"```text\n(cli →.*?)```", PAGE, re.DOTALL)
    return block.split("\n\nanalysis:")


def test_the_arrows_are_the_import_contracts():
    core, analysis = arrows()
    assert drawn(core.strip()) == layers("livedeath")
    assert drawn(analysis.strip()) == layers("livedeath.analysis")


def rooms_drawn():
    (block,) = re.findall(r"```text\nsrc/livedeath/.*?\n(.*?)\nacquisition/", PAGE, re.DOTALL)
    return set(re.findall(r"^  (\w+)/ ", block, re.MULTILINE))


def test_the_drawing_has_every_room_and_no_other():
    assert rooms_drawn() == {path.parent.name for path in CORE.glob("*/__init__.py")}


AFTER = ["risk"]
"""What looks at all fields together, after the stages of one, and what they share."""


def test_the_stages_stand_in_the_order_of_a_visits_way():
    stages = ["judge", "correct", "segment", "pieces", "register", "track", "trace"]
    assert " ".join(stages) in PAGE
    rows = re.findall(r"^\| `livedeath\.analysis\.(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == [*stages, *AFTER]
    field = (CORE / "analysis/field.py").read_text(encoding="utf-8")
    order = ["self._level(visit", "segment.segment(", "pieces.join(", "self._seen(visit"]
    order += ["self._register(found", "self._tracker.push(", "self._tracer.push("]
    assert sorted(order, key=field.index) == order


def resolves(name):
    """Tell whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for k in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:k]))
        except ModuleNotFoundError:
            continue
        for part in parts[k:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def dangling(text):
    return [name for name in NAME.findall(text) if name not in ENTRY_POINTS and not resolves(name)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_name_in_a_docstring_exists(path):
    assert dangling(path.read_text(encoding="utf-8")) == []


def test_a_name_in_the_architecture_exists():
    assert dangling(PAGE) == []
    assert len(NAME.findall(PAGE)) > 20


@pytest.mark.parametrize("name", ["livedeath.score.scorer", "livedeath.model.study.Studdy"])
def test_a_name_that_is_gone_is_found_out(name):
    assert dangling(f"See `{name}`.") == [name]
