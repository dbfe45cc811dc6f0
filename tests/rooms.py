"""Which packages each room of the code imports, and which of them its extra brings.

The standard library suffices here, so that an environment with one extra and nothing else can
run it: ``python tests/rooms.py acquisition`` imports every module that this extra is for.
"""

import ast
import importlib
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "livedeath": ROOT / "src",
    "livedeath_acquisition": ROOT / "acquisition",
    "napari_livedeath": ROOT / "plugins",
}
"""Each import package and the folder that it lies in."""

EXTRA_OF = {
    "livedeath.analysis.stardist": "stardist",
    "livedeath.statistics": "survival",
    "livedeath.reporting": "report",
    "livedeath_acquisition": "acquisition",
    "napari_livedeath": "napari",
}
"""Rooms that may import more than the core's dependencies."""

DISTRIBUTIONS = {
    "PIL": "pillow",
    "ctc_metrics": "py-ctcmetrics",
    "pydantic_core": "pydantic",
    "cv2": "opencv-python-headless",
    "skimage": "scikit-image",
    "zmq": "pyzmq",
}
"""Imports whose package has another name; pydantic pins the core that it is half of."""

NAMERS = ("import_module", "find_spec", "importorskip")
"""Functions that take the name of a module as text."""


def normal(name):
    return DISTRIBUTIONS.get(name, name).replace("_", "-").lower()


def names_in(requirements):
    """Return the packages of a list of requirements, without those that name an extra of ours."""
    names = {re.split(r"[\s<>=!~;\[]", text, maxsplit=1)[0] for text in requirements}
    return {normal(name) for name in names} - {"livedeath"}


def declared(text=None):
    """Return the declared packages: ``""`` for the core's, else by extra."""
    said = tomllib.loads(text or (ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: names_in(found) for name, found in said["optional-dependencies"].items()}
    return {"": names_in(said["dependencies"]), **extras}


@cache
def imported(source):
    """Return the top-level names that a source imports, wherever in it, of other packages."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
        elif isinstance(node, ast.Call) and _called(node) in NAMERS:
            names |= {a.value for a in node.args if isinstance(a, ast.Constant)}
    tops = {name.partition(".")[0] for name in names if isinstance(name, str)}
    return tops - set(FOLDERS) - set(sys.stdlib_module_names)


def _called(call):
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def modules():
    """Return every module of the three packages and the file that it lies in."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((folder / package).rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def extra_of(module):
    """Return the extra that a module may use beside the core's dependencies; ``""`` for none."""
    rooms = [room for room in EXTRA_OF if f"{module}.".startswith(f"{room}.")]
    return EXTRA_OF[rooms[0]] if rooms else ""


def main(extra):
    """Import what must be importable where only the core and one extra are installed."""
    wanted = {}
    for module, path in modules().items():
        if extra_of(module) in ("", extra):
            names = imported(path.read_text(encoding="utf-8")) | {module}
        else:
            names = {module} if module.startswith("livedeath.") else set()
        wanted |= dict.fromkeys(sorted(names - {"__main__"}), module)
    wanted = {name: module for name, module in wanted.items() if not name.endswith("__main__")}
    for name, module in wanted.items():
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever it raises where parts are missing
            sys.exit(f"extra {extra or '(none)'}: {name}, for {module}: {error!r}")
    sys.stdout.write(f"extra {extra or '(none)'}: {len(wanted)} modules imported\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
