"""Where results come from: study, settings and program go in, a document and a name come out.

The name of a run follows from what determines its result and from nothing else, so the same
analysis of the same study finds its own folder again and never that of another.
"""

import hashlib
import json
import platform
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import livedeath
from livedeath._version import __version__

ANALYSIS_CODE = (
    "analysis/*.py",
    "detection/*.py",
    "kernels/*.py",
    "model/*.py",
    "recordings/*.py",
    "run/checkpoint.py",
    "run/follow.py",
    "run/score.py",
    "run/visits.py",
)
"""Modules of livedeath that can change a result."""

LIBRARIES = ("numpy", "scipy", "numba", "scikit-image", "tifffile", "zarr", "polars")

NAME_DIGITS = 10


@cache
def code_digest() -> str:
    """Return the SHA-256 of the source that computes results."""
    root = Path(livedeath.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(file for pattern in ANALYSIS_CODE for file in root.glob(pattern)):
        digest.update(file.relative_to(root).as_posix().encode())
        digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def run_name(identity: dict[str, Any]) -> str:
    """Return the short name that follows from what a result depends on.

    Parameters
    ----------
    identity : dict
        JSON values: settings, code, study, source.
    """
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:NAME_DIGITS]


def provenance(identity: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the provenance document of a run: identity, versions, machine and time."""
    return {
        "livedeath": __version__,
        **identity,
        "libraries": {name: _version(name) for name in LIBRARIES},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **more,
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
