"""livedeath measures the death of single neurons while it happens.

Each name is loaded when it is first used, so that ``import livedeath`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from livedeath._version import __version__

if TYPE_CHECKING:
    from livedeath.analysis.pipeline import Pipeline
    from livedeath.api.check import Checked, check
    from livedeath.api.export import export_study
    from livedeath.api.log import log
    from livedeath.api.new import new
    from livedeath.api.plots import plot_survival
    from livedeath.api.simulate import simulate
    from livedeath.api.study import OpenStudy, open_study
    from livedeath.detection import Scorer
    from livedeath.errors import LivedeathError
    from livedeath.installation import doctor
    from livedeath.model.study import Study
    from livedeath.reporting.html import report
    from livedeath.run.priors import export_priors, read_priors
    from livedeath.run.score import Scored, score
    from livedeath.run.status import status
    from livedeath.statistics.survival import Survival, survival

_ROOMS = {
    "Checked": "livedeath.api.check",
    "LivedeathError": "livedeath.errors",
    "OpenStudy": "livedeath.api.study",
    "Pipeline": "livedeath.analysis.pipeline",
    "Scored": "livedeath.run.score",
    "Scorer": "livedeath.detection",
    "Study": "livedeath.model.study",
    "Survival": "livedeath.statistics.survival",
    "check": "livedeath.api.check",
    "doctor": "livedeath.installation",
    "export_priors": "livedeath.run.priors",
    "export_study": "livedeath.api.export",
    "log": "livedeath.api.log",
    "new": "livedeath.api.new",
    "open_study": "livedeath.api.study",
    "plot_survival": "livedeath.api.plots",
    "read_priors": "livedeath.run.priors",
    "report": "livedeath.reporting.html",
    "score": "livedeath.run.score",
    "simulate": "livedeath.api.simulate",
    "status": "livedeath.run.status",
    "survival": "livedeath.statistics.survival",
}
"""Where each name of the API is defined. None of them is also the name of a room: importing
the room would hide the function."""

__all__ = [
    "Checked",
    "LivedeathError",
    "OpenStudy",
    "Pipeline",
    "Scored",
    "Scorer",
    "Study",
    "Survival",
    "__version__",
    "check",
    "doctor",
    "export_priors",
    "export_study",
    "log",
    "new",
    "open_study",
    "plot_survival",
    "read_priors",
    "report",
    "score",
    "simulate",
    "status",
    "survival",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any name of the API
    if name not in _ROOMS:
        raise AttributeError(f"module 'livedeath' has no attribute {name!r}")
    found = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
