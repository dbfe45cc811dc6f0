"""Where results come from: what a run depends on goes in, a document comes out."""

import platform
from datetime import UTC, datetime
from typing import Any

from livedeath._version import __version__
from livedeath.run.identity import version_of

LIBRARIES = (
    "numpy",
    "scipy",
    "numba",
    "scikit-image",
    "tifffile",
    "imagecodecs",
    "zarr",
    "numcodecs",
    "polars",
)
"""Named in the document, also where the run does not depend on them; absent ones are empty."""


def now() -> str:
    """Return the time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def provenance(identity: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the provenance document of a run: identity, versions, machine and time."""
    return {
        "livedeath": __version__,
        **identity,
        "libraries": {name: version_of(name) for name in LIBRARIES},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "started": now(),
        **more,
    }
