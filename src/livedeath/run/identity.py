"""What a result depends on: declaration, settings, program and data go in, a name comes out.

The name of a run follows from what decides its result and from nothing else, so the same
analysis of the same study finds its own folder again and never that of another. A new title
or comparison keeps a run; other optics, another program or another recording make a new one
beside it.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from livedeath.model.events import Events
from livedeath.model.optics import Optics
from livedeath.model.plan import Plan
from livedeath.model.study import Study
from livedeath.recordings.declare import positions_of
from livedeath.store.folder import StudyFolder

COMPUTE = ("numpy", "scipy", "numba")
"""Libraries whose version can change a number: another algorithm, tie or order of a sum.

One that only carries numbers (polars, pydantic, zarr for frames of our own) is not named here:
it gives them back as they were, or is broken.
"""

READ = ("tifffile", "imagecodecs", "zarr", "numcodecs")
"""Libraries that decode what other programs wrote, where formats leave room (JPEG, axes)."""

COMPUTES_NOTHING = frozenset({"livedeath", "livedeath._version"})
"""What a user imports, and the number of the release: they change without any result."""

NAME_DIGITS = 10

PACKAGE = Path(__file__).resolve().parents[1]
"""Where the modules of livedeath lie."""


def run_name(identity: dict[str, Any]) -> str:
    """Return the short name that follows from what a result depends on.

    Parameters
    ----------
    identity : dict
        JSON values; see `identity_of_study`.
    """
    return _digest(identity)[:NAME_DIGITS]


def identity_of_study(
    folder: StudyFolder,
    study: Study,
    *,
    labels: dict[str, Any] | None = None,
    priors: str | None = None,
) -> dict[str, Any]:
    """Return what the analysis of a study depends on, as JSON values.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    study : Study
        Its declaration with the settings that are used.
    labels : dict, optional
        What names labels made elsewhere.
    priors : str, optional
        What names the content of the priors; where their file lies is not heard.

    Returns
    -------
    dict
        ``declared`` (digest), ``settings``, ``code`` (digest), ``computed_with``, ``source``,
        ``labels`` and ``priors``. The journal is not in it: it grows, and the run grows with it.
    """
    source = folder.source
    given = None if source is None else {name: source[name] for name in ("size", "sha256")}
    declared = what_is_read(study, folder.plan)
    if source is not None:
        positions = positions_of(study)
        declared["positions"] = [[*field, position] for field, position in positions.items()]
    elsewhere = READ if given or labels else ()
    return {
        "declared": _digest(declared),
        "settings": study.analysis.model_dump(mode="json", exclude={"priors"}),
        **program("livedeath.run.follow", libraries=(*COMPUTE, *elsewhere)),
        "source": given,
        "labels": labels,
        "priors": priors,
    }


def what_is_read(study: Study, plan: Plan) -> dict[str, Any]:
    """Return what the analysis reads of a declaration, settings aside, as JSON values.

    These are what the plan and the events make of it, not the words of the file: wells
    written in another way, or a comparison more, change nothing.

    Parameters
    ----------
    study : Study
        The declaration.
    plan : Plan
        Its plan.
    """
    acquisitions = sorted({field.acquisition for field in plan.fields})
    events = Events(study)
    return {
        "visits": [[list(visit.field), *visit[1:]] for visit in plan.visits],
        "changes_h": [[*place, hours] for place, hours in events.changes_h.items()],
        "excluded_h": [[*place, rule.from_h] for place, rule in events.exclusions.items()],
        "optics": [[number, _optics(study.optics.of(number))] for number in acquisitions],
        "channels": [[channel.name, channel.role] for channel in study.channels],
        "populations": [
            population.model_dump(mode="json", exclude={"construct_name"})
            for population in study.populations
        ],
    }


def _optics(optics: Optics) -> dict[str, Any]:
    """Return what turns pixels into light and micrometres; the objective's name does not."""
    return optics.model_dump(
        mode="json",
        exclude={
            "objective": True,
            "binning": True,
            "changes": True,
            "files": {"__all__": {"path"}},
        },
    )


def program(start: str, *, libraries: tuple[str, ...] = COMPUTE) -> dict[str, Any]:
    """Return what computes, as JSON values: ``code`` and ``computed_with``.

    Parameters
    ----------
    start : str
        The module at which the computation begins.
    libraries : tuple of str
        Those whose version counts.
    """
    return {
        "code": code_digest(start),
        "computed_with": {name: version_of(name) for name in libraries},
    }


@cache
def code_digest(start: str) -> str:
    """Return the SHA-256 of the source of a module and of all that it imports of livedeath."""
    digest = hashlib.sha256()
    for name, file in sorted(modules_of(start).items()):
        digest.update(name.encode())
        digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def modules_of(start: str) -> dict[str, Path]:
    """Return the modules of livedeath that a module imports, directly or not, and itself.

    Parameters
    ----------
    start : str
        Full name of a module of livedeath.

    Returns
    -------
    dict of str to Path
        Name to source file, without `COMPUTES_NOTHING`. Imports inside functions are among
        them, those for type checkers alone are not.
    """
    found: dict[str, Path] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        file = _file_of(name)
        if file is None or name in found or name in COMPUTES_NOTHING:
            continue
        found[name] = file
        waiting.append(name.rpartition(".")[0])
        waiting += _imports(ast.parse(file.read_bytes()))
    return found


def _file_of(name: str) -> Path | None:
    """Return the source of a module of livedeath; None for a name that is none."""
    first, *rest = name.split(".")
    if first != "livedeath":
        return None
    path = PACKAGE.joinpath(*rest)
    module, package = path.with_suffix(".py"), path / "__init__.py"
    return next((file for file in (module, package) if file.is_file()), None)


def _imports(tree: ast.Module) -> Iterator[str]:
    """Yield every name that may be an imported module."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def version_of(name: str) -> str:
    """Return the version of an installed distribution; empty if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _digest(said: dict[str, Any]) -> str:
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
