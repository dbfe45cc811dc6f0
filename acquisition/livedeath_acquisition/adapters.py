"""Which device adapters a configuration needs, where they are, and whether they fit.

In goes a Micro-Manager configuration file, out comes the folder whose adapters it can
load, or one sentence that says why there is none. Nothing is loaded into a core here.
"""

import ctypes
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from livedeath.errors import HardwareError, OptionalDependencyError, StudyError

# How adapter libraries are called on Windows, macOS and Linux (MMCore, PluginManager.cpp).
_LIBRARY_NAMES = ("mmgr_dal_{}.dll", "libmmgr_dal_{}", "libmmgr_dal_{}.so.0")
_USUAL_FOLDERS = (
    "C:/Program Files/Micro-Manager-2.0",
    "C:/Program Files/Micro-Manager-2.0gamma",
    "/Applications/Micro-Manager-2.0",
    "/usr/local/lib/micro-manager",
)


def needed_adapters(config: Path) -> tuple[str, ...]:
    """Return the adapter libraries that a configuration file names, each once.

    Raises
    ------
    StudyError
        If the file cannot be read as a configuration.
    """
    lines = read_config(config).splitlines()
    fields = [line.strip().split(",") for line in lines if line.startswith("Device,")]
    return tuple(sorted({field[2] for field in fields if len(field) == 4}))


def read_config(config: Path) -> str:
    """Return the text of a configuration file.

    Raises
    ------
    StudyError
        If there is no such file or it is no configuration.
    """
    try:
        text = config.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StudyError(
            f"{config}: cannot read the Micro-Manager configuration ({error.strerror}); "
            f"give the path of a .cfg file"
        ) from None
    if "Property,Core,Initialize" not in text:
        raise StudyError(
            f"{config}: is no Micro-Manager configuration (no 'Property,Core,Initialize' "
            f"line); save one with Micro-Manager's Hardware Configuration Wizard"
        )
    return text


def library(folder: Path, adapter: str) -> Path | None:
    """Return the file of an adapter in a folder, or None."""
    candidates = (folder / name.format(adapter) for name in _LIBRARY_NAMES)
    return next((path for path in candidates if path.is_file()), None)


def names_in(folder: Path) -> list[str]:
    """Return the names of all adapters in a folder, sorted."""
    found = set()
    for path in folder.glob("*mmgr_dal_*"):
        found.add(path.name.split("mmgr_dal_", 1)[1].split(".")[0])
    return sorted(found)


def folders(config: Path | None = None) -> Iterator[Path]:
    """Yield the folders that may hold adapters, nearest to the configuration first."""
    if config is not None:
        yield config.resolve().parent
    if named := os.environ.get("MICROMANAGER_PATH"):
        yield Path(named)
    yield from (path for usual in _USUAL_FOLDERS if (path := Path(usual)).is_dir())
    if (test_adapters := bundled()) is not None:
        yield test_adapters


def bundled() -> Path | None:
    """Return the folder of the package mm-test-adapters, or None when not installed."""
    spec = importlib.util.find_spec("mm_test_adapters")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "libs"


def folder_for(config: Path) -> Path:
    """Return the first folder with every adapter that a configuration needs.

    Raises
    ------
    HardwareError
        If no folder has them all, or they were built for another core.
    """
    needed = needed_adapters(config)
    seen = list(folders(config))
    for folder in seen:
        if all(library(folder, adapter) is not None for adapter in needed):
            check_interface(folder, needed)
            return folder
    raise HardwareError(
        f"{config}: no folder holds the device adapters {', '.join(needed)}; looked in "
        f"{', '.join(str(folder) for folder in seen)}; set MICROMANAGER_PATH to the folder "
        f"of your Micro-Manager"
    )


def check_interface(folder: Path, adapters: tuple[str, ...]) -> None:
    """Refuse adapters that were built for another version of the core.

    The core's own message for this says only that the adapter failed to load.

    Raises
    ------
    HardwareError
        Naming both versions and the package to install.
    """
    ours = core_interface()
    for adapter in adapters:
        path = library(folder, adapter)
        theirs = None if path is None else adapter_interface(path)
        if theirs is not None and theirs != ours:
            raise HardwareError(
                f"{path}: this adapter speaks device interface {theirs}, the installed "
                f"pymmcore speaks {ours}; install the pymmcore whose version has {theirs} as "
                f"its fourth number, or a Micro-Manager of device interface {ours}"
            )


def core_interface() -> int:
    """Return the device interface version of the installed pymmcore.

    Raises
    ------
    OptionalDependencyError
        If pymmcore is not installed.
    """
    try:
        import pymmcore
    except ImportError:
        raise OptionalDependencyError("driving a microscope", "acquisition") from None
    # "Device API version 75, Module API version 10"
    text = str(pymmcore.CMMCore().getAPIVersionInfo())
    return int(text.split(",")[0].rsplit(" ", 1)[1])


def adapter_interface(path: Path) -> int | None:
    """Return the device interface version of an adapter, None when it cannot be asked.

    Vendors' adapters may need libraries that are not installed; then only the core can
    say what is wrong.
    """
    try:
        return int(ctypes.CDLL(str(path)).GetDeviceInterfaceVersion())
    except (OSError, AttributeError):
        return None
