"""What is imported is declared, and what is declared is imported."""

import pytest

import rooms

NOT_IMPORTED = {
    "imagecodecs": "tifffile decodes LZW, Zstandard and JPEG with it",
    "pyarrow": "for the bank, whose room is not built yet",
}
"""Declared packages that no module imports by itself, each with its reason."""

EXTRAS = ("acquisition", "napari", "survival", "report", "bank", "stardist")
NOT_IN_ALL = {"stardist"}
"""Extras that are of use only with what the user brings: a model."""

TOOLS = {"pytest-cov", "pytest-timeout", "pytest-xdist"}
"""Plugins of pytest, which finds them itself."""

PEERS = {"cv2"}
"""What benchmarks compare with where it happens to be installed."""


def undeclared(files, told):
    """Return (module, package) of every import that the module's extra does not bring."""
    found = []
    for module, source in files.items():
        allowed = told[""] | told.get(rooms.extra_of(module), set())
        names = {rooms.normal(name) for name in rooms.imported(source)}
        found += [(module, name) for name in sorted(names - allowed)]
    return found


def unused(files, told):
    """Return (extra, package) of every declaration that no module of the extra imports."""
    found = []
    for extra in ("", *EXTRAS):
        own = [source for module, source in files.items() if extra in ("", rooms.extra_of(module))]
        used = {rooms.normal(name) for source in own for name in rooms.imported(source)}
        found += [(extra, name) for name in sorted(told[extra] - used - set(NOT_IMPORTED))]
    return found


@pytest.fixture(scope="module")
def files():
    return {name: path.read_text(encoding="utf-8") for name, path in rooms.modules().items()}


def test_nothing_is_imported_that_is_not_declared(files):
    assert undeclared(files, rooms.declared()) == []


def test_everything_declared_is_imported_by_what_needs_it(files):
    assert unused(files, rooms.declared()) == []


def test_an_import_that_is_not_declared_is_found_out(files):
    more = {
        "livedeath.cli.new": "def new():\n    import requests\n",
        "livedeath.store.ngff": "from lifelines.statistics import logrank_test\n",
        "livedeath_acquisition.run": "import importlib\nimportlib.import_module('superqt.fonts')\n",
    }
    found = [("livedeath.cli.new", "requests"), ("livedeath.store.ngff", "lifelines")]
    assert undeclared(files | more, rooms.declared()) == [
        *found,
        ("livedeath_acquisition.run", "superqt"),
    ]


def test_the_same_import_is_allowed_where_its_extra_is(files):
    more = {"livedeath.statistics.more": "from lifelines.statistics import logrank_test\n"}
    assert undeclared(files | more, rooms.declared()) == []


def test_a_declaration_that_nothing_imports_is_found_out(files):
    told = rooms.declared()
    told = told | {"": told[""] | {"requests"}, "napari": told["napari"] | {"lifelines"}}
    assert unused(files, told) == [("", "requests"), ("napari", "lifelines")]


def test_the_exceptions_are_declared_and_still_needed(files):
    told = rooms.declared()
    imported = {rooms.normal(name) for text in files.values() for name in rooms.imported(text)}
    assert set(NOT_IMPORTED) <= set().union(*(told[extra] for extra in ("", *EXTRAS)))
    assert not set(NOT_IMPORTED) & imported


def test_what_the_tests_and_benchmarks_import_is_declared_too():
    told = rooms.declared()
    allowed = set().union(*(told[extra] for extra in ("", *EXTRAS, "test", "benchmarks")))
    own = {path.stem for path in (rooms.ROOT / "tests").rglob("*.py")}
    own |= {path.name for path in (rooms.ROOT / "tests").rglob("*") if path.is_dir()}
    own |= {path.stem for path in (rooms.ROOT / "tools").glob("*.py")}
    own |= {path.stem for path in (rooms.ROOT / "benchmarks").glob("*.py")}
    own |= {path.name for path in (rooms.ROOT / "benchmarks").iterdir() if path.is_dir()}
    for folder in ("tests", "benchmarks"):
        for path in (rooms.ROOT / folder).rglob("*.py"):
            names = rooms.imported(path.read_text(encoding="utf-8")) - own - PEERS
            assert {rooms.normal(name) for name in names} <= allowed, path


def test_what_the_extra_for_tests_declares_is_imported_by_one():
    texts = [path.read_text(encoding="utf-8") for path in (rooms.ROOT / "tests").rglob("*.py")]
    used = {rooms.normal(name) for text in texts for name in rooms.imported(text)}
    assert rooms.declared()["test"] - used <= TOOLS


def test_what_the_extra_for_benchmarks_declares_is_imported_by_one():
    paths = (rooms.ROOT / "benchmarks").rglob("*.py")
    texts = [path.read_text(encoding="utf-8") for path in paths]
    used = {rooms.normal(name) for text in texts for name in rooms.imported(text)}
    assert rooms.declared()["benchmarks"] <= used


def test_all_is_every_extra_a_user_needs():
    text = (rooms.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = ",".join(extra for extra in EXTRAS if extra not in NOT_IN_ALL)
    assert f'all = ["livedeath[{wanted}]"]' in text
