"""A visit goes in; the outlines that StarDist draws come out, where the user brings its weights.

StarDist (Schmidt et al. 2018, doi 10.1007/978-3-030-00934-2_30) is a network that finds round
things, run here by cellcast. It is told nothing of earlier visits and says where somata are,
never who. Nothing is downloaded: cellcast fetches weights only where it is given no file of
them, and it always is.
"""

import hashlib
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.errors import OptionalDependencyError, StudyError
from livedeath.model.frame import Visit

EXTRA = "stardist"

HOW_TO_GET = (
    "livedeath downloads nothing: take stardist_2d_versatile_fluo.bpk from the weights of the "
    "cellcast project (uw-loci/cellcast), or turn your own model into that format with its tools"
)


class StarDist:
    """Outlines somata by StarDist.

    Parameters
    ----------
    weights : Path or None
        File of a model for fluorescence in burnpack format (``.bpk``).
    shown_by : str
        Channel that somata are found on.

    Raises
    ------
    StudyError
        If there is no such file, or it holds no such model.
    OptionalDependencyError
        If cellcast is not installed.
    """

    def __init__(self, weights: Path | None, *, shown_by: str) -> None:
        if weights is None:
            raise StudyError(f"--segmenter stardist needs --weights FILE.bpk; {HOW_TO_GET}.")
        if not weights.is_file() or weights.suffix != ".bpk":
            raise StudyError(
                f"--weights is {str(weights)!r}, a file that ends in .bpk is allowed; {HOW_TO_GET}."
            )
        self._shown_by = shown_by
        self._sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        self._model = _load(weights)
        self._one_at_a_time = threading.Lock()

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the outlines: the program and its weights."""
        try:
            program = version("cellcast")
        except PackageNotFoundError:
            program = ""
        return {"segmenter": "stardist", "cellcast": program, "weights": self._sha256}

    def outline(self, visit: Visit) -> NDArray[np.int32] | None:
        """Return the outlines of a visit, (Y, X) int32; None where it shows no somata.

        May be called in several threads; the network has one of them at a time.
        """
        image = visit.images.get(self._shown_by)
        if image is None:
            return None
        plane = image if image.ndim == 2 else image.sum(axis=0, dtype=np.float64)
        with self._one_at_a_time:
            found = self._model.predict_fluo(np.ascontiguousarray(plane, np.float32))
        return np.ascontiguousarray(found).astype(np.int32)


def _load(weights: Path) -> Any:  # noqa: ANN401 - the package is optional
    try:
        from cellcast.models import StarDist2D
    except ImportError:
        raise OptionalDependencyError("StarDist", EXTRA) from None
    try:
        return StarDist2D.init_fluo(str(weights), False)
    except BaseException as error:  # a panic of the network's program is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise StudyError(
            f"--weights is {str(weights)!r}, which holds no StarDist model for fluorescence in "
            f"burnpack format; {HOW_TO_GET}."
        ) from None
