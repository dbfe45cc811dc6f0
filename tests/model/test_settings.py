"""The analyser's settings are declared once; nobody repeats a default."""

import ast
from pathlib import Path

import pytest
from pydantic import ValidationError

from livedeath.model.settings import AnalysisSettings

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "src/livedeath/model/settings.py"
ROOMS = ("model", "analysis", "detection", "recordings", "run", "export", "review", "cli")
CODE = [
    path
    for folder in (*(f"src/livedeath/{room}" for room in ROOMS), "acquisition", "plugins")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != SETTINGS
]
SHORT = {"false_alarms", "snr", "soma_um", "soma_px", "gate_px", "gap"}
"""Names under which a stage takes a setting, or a length that follows from one."""


def repeated(tree):
    """Return the settings that a module gives a default of its own."""
    names = set(AnalysisSettings.model_fields) | SHORT
    found = []
    for node in ast.walk(tree):
        pairs = []
        if isinstance(node, ast.FunctionDef):
            spec = node.args
            by_place = [*spec.posonlyargs, *spec.args]
            pairs = [*zip(reversed(by_place), reversed(spec.defaults), strict=False)]
            pairs += [*zip(spec.kwonlyargs, spec.kw_defaults, strict=True)]
            pairs = [(argument.arg, default) for argument, default in pairs]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            pairs = [(node.target.id, node.value)]
        found += [name for name, default in pairs if name in names and is_number(default)]
    return found


def is_number(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_default_of_a_setting_is_written_twice(path):
    assert repeated(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "def find(image, snr=5.0): ...",
        "def find(image, *, gate_um: float = 28.0): ...",
        "class Settings:\n    gap_visits: int = 3",
    ],
)
def test_a_repeated_default_is_found_out(text):
    assert len(repeated(ast.parse(text))) == 1


def test_every_setting_has_a_default_and_says_what_it_is():
    for name, field in AnalysisSettings.model_fields.items():
        assert not field.is_required(), name
        assert len(field.description or "") > 20, name


def test_a_soma_in_pixels_follows_from_the_pixel():
    assert AnalysisSettings(soma_diameter_um=13.0).soma_px(0.65) == pytest.approx(20.0)


@pytest.mark.parametrize("wrong", [{"gap_visits": -1}, {"gate_um": 0}, {"snr": 5.0}])
def test_a_wrong_setting_is_refused(wrong):
    with pytest.raises(ValidationError):
        AnalysisSettings(**wrong)
