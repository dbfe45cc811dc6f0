"""From the words of ``--microscope`` to a microscope.

In goes ``simulated``, ``replay:FILE``, ``micromanager:CONFIG.cfg`` or
``micromanager:PORT``, out comes a microscope that is not open yet.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from livedeath.errors import StudyError
from livedeath.store.folder import StudyFolder
from livedeath_acquisition.clock import RealClock
from livedeath_acquisition.heights import journaled_origin_um
from livedeath_acquisition.microscope import Microscope

KINDS = "simulated, replay:FILE, micromanager:CONFIG.cfg or micromanager:PORT"
DEFAULT = "simulated"


class Choice(NamedTuple):
    """A kind of microscope and what it needs: ``simulated``, ``replay``, ``config``, ``port``."""

    kind: str
    target: str

    @property
    def text(self) -> str:
        """What would be written after ``--microscope``, with an absolute path."""
        if self.kind == "simulated":
            return self.kind
        word = "replay" if self.kind == "replay" else "micromanager"
        return f"{word}:{self.target}"

    @property
    def is_real(self) -> bool:
        """Whether time passes by itself there."""
        return self.kind in ("config", "port")


def parse(text: str) -> Choice:
    """Read the words of ``--microscope``.

    Raises
    ------
    StudyError
        If they are none of the known ones, or name a file that is not there.
    """
    word, _, target = text.partition(":")
    if word == "simulated" and not target:
        return Choice("simulated", "")
    if word == "micromanager" and target.isdigit():
        return _port(text, int(target))
    if word in ("replay", "micromanager") and target:
        path = Path(target).expanduser().absolute()
        if not path.exists():
            raise StudyError(f"--microscope {text}: there is no such file; allowed are {KINDS}")
        return Choice("replay" if word == "replay" else "config", str(path))
    raise StudyError(f"--microscope {text!r} is unknown; allowed are {KINDS}")


def _port(text: str, port: int) -> Choice:
    if not 1 <= port <= 65_535:
        raise StudyError(f"--microscope {text}: a port lies between 1 and 65535, usually 4827")
    return Choice("port", str(port))


def resume(text: str | None, entries: list[dict[str, Any]]) -> Choice:
    """Return the microscope to use: the one asked for, else the one that began the study.

    Raises
    ------
    StudyError
        If the study was begun on another kind of microscope: frames of a culture and of a
        simulation must not stand in one study.
    """
    begun = next((e["microscope"] for e in entries if e.get("kind") == "acquisition"), None)
    if begun is None:
        return parse(DEFAULT if text is None else text)
    before = parse_begun(str(begun))
    if text is None:
        return parse(before.text)
    asked = parse(text)
    if (asked.is_real, asked.kind) != (before.is_real, before.kind) and not (
        asked.is_real and before.is_real
    ):
        raise StudyError(
            f"--microscope {text}: this study was begun on {before.text}; go on with that one or "
            f"start a new study"
        )
    return asked


def parse_begun(text: str) -> Choice:
    """Read what the journal says, whether or not the file is still there."""
    word, _, target = text.partition(":")
    if word == "micromanager":
        return Choice("port" if target.isdigit() else "config", target)
    return Choice(word, target)


def make(choice: Choice, folder: StudyFolder, *, zero: datetime) -> Microscope:
    """Return the chosen microscope, not open yet.

    Parameters
    ----------
    choice : Choice
        What was asked for.
    folder : StudyFolder
        The study.
    zero : datetime
        When the study's hour 0 was; counts for real microscopes only.
    """
    study = folder.study
    if choice.kind == "simulated":
        from livedeath_acquisition.simulated import simulated

        return simulated(folder)
    if choice.kind == "replay":
        from livedeath_acquisition.replay import ReplayMicroscope

        return ReplayMicroscope(study, Path(choice.target))
    clock, before = RealClock(zero), journaled_origin_um(folder.journal.read())
    if choice.kind == "port":
        from livedeath_acquisition.remote import RemoteMicroscope

        return RemoteMicroscope(study, int(choice.target), clock=clock, z_before_um=before)
    from livedeath_acquisition.adapters import folder_for
    from livedeath_acquisition.core import CoreMicroscope

    config = Path(choice.target)
    return CoreMicroscope(
        study, config, clock=clock, adapters=folder_for(config), z_before_um=before
    )
