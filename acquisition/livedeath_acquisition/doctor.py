"""What is installed, what fits together and what is missing, in plain words.

In goes nothing, out come findings: each a fact, whether it is well, and what to do. It
repairs nothing and needs no extra to run.
"""

import importlib.metadata
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from livedeath._version import __version__
from livedeath.errors import HardwareError, OptionalDependencyError
from livedeath_acquisition import adapters

# The versions that every trap was tried with.
PINNED = {"pycromanager": "1.0.2", "mmpycorex": "0.3.16", "pymmcore-plus": "0.18.1"}
EXTRAS = {
    "acquisition": ("pycromanager", "mmpycorex", "pymmcore", "pymmcore-plus", "mm-test-adapters"),
    "napari": ("napari", "npe2", "superqt", "qtpy", "pyqtgraph"),
    "survival": ("lifelines", "statsmodels"),
    "report": ("matplotlib", "jinja2"),
}
CORE = ("numpy", "scipy", "numba", "scikit-image", "tifffile", "zarr", "pydantic", "polars")
QT_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    what : str
        What was looked at.
    state : str
        ``ok``, ``missing`` (a part cannot be used) or ``wrong`` (parts do not fit).
    said : str
        What was found, and what to do when it is not ``ok``.
    """

    what: str
    state: str
    said: str


def examine() -> list[Finding]:
    """Return every finding, those about the core first."""
    return [
        _program(),
        *_core(),
        *(_extra(name, packages) for name, packages in EXTRAS.items()),
        *_pins(),
        _qt(),
        *_device_adapters(),
    ]


def version_of(package: str) -> str | None:
    """Return the installed version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _program() -> Finding:
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return Finding("livedeath", "ok", f"{__version__}, Python {sys.version.split()[0]}, {system}")


def _core() -> Iterator[Finding]:
    for package in CORE:
        version = version_of(package)
        if version is None:
            yield Finding(package, "wrong", "not installed; run: pip install livedeath")
        else:
            yield Finding(package, "ok", version)


def _extra(name: str, packages: tuple[str, ...]) -> Finding:
    found = {package: version_of(package) for package in packages}
    missing = [package for package, version in found.items() if version is None]
    if missing:
        said = f"without {', '.join(missing)}; run: pip install 'livedeath[{name}]'"
        return Finding(f"extra {name}", "missing", said)
    said = ", ".join(f"{package} {version}" for package, version in found.items())
    return Finding(f"extra {name}", "ok", said)


def _pins() -> Iterator[Finding]:
    for package, pinned in PINNED.items():
        version = version_of(package)
        if version not in (None, pinned):
            said = (
                f"{version}, but livedeath relies on the inside of {pinned}; run: "
                f"pip install {package}=={pinned}"
            )
            yield Finding(package, "wrong", said)


def _qt() -> Finding:
    found = [f"{name} {version}" for name in QT_BINDINGS if (version := version_of(name))]
    if not found:
        said = "no Qt binding, so no window can open; run: pip install 'napari[pyqt6]'"
        return Finding("Qt", "missing", said)
    if len(found) > 1:
        said = f"{', '.join(found)}; several bindings in one environment can clash"
        return Finding("Qt", "ok", said)
    return Finding("Qt", "ok", found[0])


def _device_adapters() -> Iterator[Finding]:
    """Compare the core's device interface with that of every folder of adapters."""
    try:
        ours = adapters.core_interface()
    except OptionalDependencyError as error:
        yield Finding("device adapters", "missing", str(error))
        return
    yield Finding("core", "ok", f"pymmcore {version_of('pymmcore')}, device interface {ours}")
    found = [folder for folder in adapters.folders() if adapters.names_in(folder)]
    if not found:
        said = "none found; install Micro-Manager and set MICROMANAGER_PATH to its folder"
        yield Finding("device adapters", "missing", said)
    for folder in found:
        yield _folder(folder)


def _folder(folder: Path) -> Finding:
    names = adapters.names_in(folder)
    what = f"device adapters in {folder}"
    try:
        adapters.check_interface(folder, tuple(names[:1]))
    except HardwareError as error:
        return Finding(what, "wrong", str(error))
    return Finding(what, "ok", f"{len(names)} adapters that fit: {_some(names)}")


def _some(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
