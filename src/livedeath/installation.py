"""What is installed, what fits together and what is missing, in plain words.

In goes nothing, out come findings: each a fact, whether it is well, and what to do. What
livedeath needs is read from its own installation, so nothing here repeats ``pyproject.toml``;
what only the microscope or the viewer can know they add by the entry-point group
`CHECKS`. It repairs nothing and needs no extra to run.
"""

import importlib.metadata
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import Requirement

from livedeath._version import __version__

DISTRIBUTION = "livedeath"

CHECKS = "livedeath.checks"
"""Entry-point group of functions without parameters that return a list of `Finding`."""

EVERYTHING = "all"
"""The extra that holds all that a user may want; what developers need is not in it."""


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


def doctor() -> list[Finding]:
    """Return every finding: the program, what it needs, its extras, what other rooms add."""
    return [_program(), *_packages(), *_checks()]


def version_of(package: str) -> str | None:
    """Return the installed version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _program() -> Finding:
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return Finding("livedeath", "ok", f"{__version__}, Python {sys.version.split()[0]}, {system}")


def requirements(extra: str = "") -> list[Requirement]:
    """Return what the core needs, or what an extra needs beyond it, on this system.

    Parameters
    ----------
    extra : str
        Name of an extra.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If livedeath runs from a folder of sources that was never installed.
    """
    told = map(Requirement, importlib.metadata.requires(DISTRIBUTION) or ())
    return [one for one in told if _holds(one, extra) and (extra == "" or not _holds(one, ""))]


def _holds(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def extras() -> list[str]:
    """Return the extras that a user may want: all of which is in `EVERYTHING`."""
    named = importlib.metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or []
    wanted = {one.name for one in requirements(EVERYTHING)}
    return sorted(
        name
        for name in named
        if name != EVERYTHING and wanted.issuperset(one.name for one in requirements(name))
    )


def _packages() -> Iterator[Finding]:
    try:
        core, named = requirements(), {name: requirements(name) for name in extras()}
    except importlib.metadata.PackageNotFoundError:
        said = "its sources were never installed; run in their folder: pip install -e '.[all]'"
        yield Finding("installation", "wrong", said)
        return
    for one in core:
        yield _misfit(one) or _of_core(one)
    used: dict[str, Requirement] = {}
    for name, needed in named.items():
        found = _extra(name, needed)
        if found.state == "ok":
            used |= {str(one): one for one in needed}
        yield found
    # What an extra asks for matters only where it is used: another one may bring its own pandas.
    yield from filter(None, map(_misfit, used.values()))


def _of_core(one: Requirement) -> Finding:
    version = version_of(one.name)
    if version is None:
        return Finding(one.name, "wrong", "not installed; run: pip install livedeath")
    return Finding(one.name, "ok", version)


def _misfit(one: Requirement) -> Finding | None:
    """Say that a package is installed in a version that livedeath was not made for."""
    version = version_of(one.name)
    if version is None or one.specifier.contains(version, prereleases=True):
        return None
    said = (
        f"{version}, but livedeath needs {one.specifier}; "
        f"run: pip install '{one.name}{one.specifier}'"
    )
    return Finding(one.name, "wrong", said)


def _extra(name: str, needed: list[Requirement]) -> Finding:
    found = {one.name: version_of(one.name) for one in needed}
    missing = [package for package, version in found.items() if version is None]
    if missing:
        said = f"without {', '.join(missing)}; run: pip install 'livedeath[{name}]'"
        return Finding(f"extra {name}", "missing", said)
    said = ", ".join(f"{package} {version}" for package, version in found.items())
    return Finding(f"extra {name}", "ok", said)


def _checks() -> Iterator[Finding]:
    entries = importlib.metadata.entry_points(group=CHECKS)
    for entry in sorted(entries, key=lambda entry: entry.name):
        try:
            yield from entry.load()()
        except Exception as error:  # noqa: BLE001 - another package's check; the others go on
            said = f"its check failed ({error!r}); run: pip install --upgrade 'livedeath[all]'"
            yield Finding(entry.name, "wrong", said)
