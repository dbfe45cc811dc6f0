"""What ``livedeath doctor`` asks of the microscope: whether the core fits its adapters.

In goes nothing, out come findings about Micro-Manager's core and every folder of device
adapters. It loads no adapter and needs no extra to run.
"""

from collections.abc import Iterator
from pathlib import Path

from livedeath.errors import HardwareError, OptionalDependencyError
from livedeath.installation import Finding, version_of
from livedeath_acquisition import adapters


def examine() -> list[Finding]:
    """Compare the core's device interface with that of every folder of adapters."""
    return list(_device_adapters())


def _device_adapters() -> Iterator[Finding]:
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
